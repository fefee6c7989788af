"""A store of an earlier schema version becomes one of the present version: whole, compared, backed up, or not at all.

`stores/version_1.sql` and its successors are dumps of stores that earlier releases made of the files beside them.
"""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.session import connect, view_key, view_names
from asp_analysis.sql import SCHEMA_VERSION
from asp_analysis.store import upgrades
from asp_analysis.store.database import create_store, open_store

pytestmark = pytest.mark.slow

STORES = Path(__file__).with_name("stores")
_SINCE_2 = ("runs.csv", "metrics.jsonl", "tasks.jsonl", "defects.csv", "learning.csv", "session.jsonl")
LOADED = {
    1: ("runs.csv", "tasks.jsonl", "defects.csv", "learning.csv"),
    2: _SINCE_2,
    3: _SINCE_2,
    4: _SINCE_2,
    5: _SINCE_2,
    6: _SINCE_2,
}
"""Schema version -> the files of which its store was made."""


def old_store(version, folder):
    url = parse_url(f"version-{version}.db", folder)
    with closing(sqlite3.connect(url.path)) as file:
        file.executescript((STORES / f"version_{version}.sql").read_text())
        file.execute("PRAGMA journal_mode = WAL")
    return url


def fresh_store(version, folder):
    """What the present release makes of the same files."""
    url = parse_url("fresh.db", folder)
    create_store(url)
    with open_store(url) as store:
        list(load_paths(store, [STORES / "files" / name for name in LOADED[version]], LoadOptions()))
        with store.transaction() as connection:
            connection.exec_driver_sql("INSERT INTO agent_roles VALUES ('Gardener', 65, 'construction')")
    return url


def content(path):
    """All that a file holds, to tell one state of it from another."""
    with closing(sqlite3.connect(path)) as file:
        return list(file.iterdump())


@pytest.fixture(params=[1, 2, 3, 4, 5, 6])
def version(request):
    return request.param


@pytest.fixture
def upgraded(version, tmp_path):
    url = old_store(version, tmp_path)
    open_store(url).close()
    return url


OF_THE_LOAD = {"load_id", "tool_version", "metadata_json", "reported_defects", "finished_at", "sha256", "file"}
"""What an upgrade cannot know (which load brought a row, the tool's version), and what is compared on its own."""


@pytest.mark.parametrize("name", view_names())
def test_an_upgraded_store_gives_the_views_of_a_fresh_load(version, upgraded, tmp_path, name):
    with connect(upgraded) as old, connect(fresh_store(version, tmp_path)) as fresh:
        shown, expected = old.view(name), fresh.view(name)
        pd.testing.assert_frame_equal(
            shown.drop(columns=OF_THE_LOAD & set(shown.columns)),
            expected.drop(columns=OF_THE_LOAD & set(expected.columns)),
        )


@pytest.mark.parametrize("version", [1, 2])
def test_metadata_is_kept_and_what_version_3_has_columns_for_has_moved_there(version, upgraded, tmp_path):
    with connect(upgraded) as old, connect(fresh_store(version, tmp_path)) as fresh:
        shown, expected = (
            {row.execution_id: _parsed(row.metadata_json) for row in session.view("executions").itertuples()}
            for session in (old, fresh)
        )
        exact = {name: values.pop("exact") for name, values in shown.items() if "exact" in values}
        branches = {name: values.pop("branch") for name, values in shown.items() if "branch" in values}
        assert branches == dict(fresh.sql("SELECT execution_id, branch FROM executions WHERE branch <> ''").to_numpy())
        assert shown == expected and list(exact.values()) == [{"tool_calls": 12.25}]
        tasks = old.view("stg_tasks").set_index("task_id")
    kept = json.loads(tasks.loc["T-1", "metadata_json"])
    assert kept["estimated_cost_vector_json"] == {"humans": 2}
    assert kept["actual_cost_vector_json"] == {"api_cost_usd": "unknown"} and kept["team"] == "north"
    assert tasks["is_stub"].to_dict()["T-9"]


def test_the_same_files_bring_nothing_new_into_an_upgraded_store(version, upgraded):
    with open_store(upgraded) as store:
        paths = [STORES / "files" / name for name in LOADED[version] if name != "session.jsonl"]
        results = list(load_paths(store, paths, LoadOptions()))
    assert sum(result.written for result in results) == 0
    assert all(result.read == result.present + result.updated + result.rejected for result in results)


def test_the_load_log_and_rejects_stay(version, upgraded):
    with open_store(upgraded) as store:
        logged = store.read("SELECT loaded_as, read_count, rejected FROM load_log ORDER BY load_id")
        (reject,) = store.read("SELECT line_number FROM load_reject")
    assert len(logged) == len(LOADED[version]) and reject["line_number"] == 7
    assert {row["loaded_as"] for row in logged} <= {
        "executions", "metrics", "task_metadata", "defect_log", "bootstrap_metrics", "transcript"
    }  # fmt: skip


def test_an_upgraded_file_has_the_tables_of_a_fresh_one(upgraded, empty_store):
    def schema(path):
        query = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY type, name"
        with closing(sqlite3.connect(path)) as file:
            return [(kind, name, " ".join(text.split())) for kind, name, text in file.execute(query)]

    # Tables that stayed were made by an earlier release; a column that it added later stands at the end.
    stayed = {"asp_schema", "agent_roles", "load_log", "load_reject"}
    assert [row for row in schema(upgraded.path) if row[1] not in stayed] == [
        row for row in schema(empty_store.path) if row[1] not in stayed
    ]


def test_the_store_as_it_was_is_kept_and_its_upgrade_is_said(version, tmp_path, caplog):
    url = old_store(version, tmp_path)
    before = content(url.path)
    open_store(url).close()
    (kept,) = (tmp_path / "backups").iterdir()
    assert content(kept) == before
    assert f"from schema version {version} to {SCHEMA_VERSION}" in caplog.text and str(kept) in caplog.text


def test_a_store_is_upgraded_once(upgraded, tmp_path):
    before = content(upgraded.path)
    open_store(upgraded).close()
    assert content(upgraded.path) == before and len(list((tmp_path / "backups").iterdir())) == 1


def test_readers_show_an_old_store_as_it_is_and_change_nothing(version, tmp_path):
    url = old_store(version, tmp_path)
    before = content(url.path)
    with connect(url) as session:
        shown = session.view("executions")
    assert content(url.path) == before and not (tmp_path / "backups").exists()
    open_store(url).close()
    with connect(url) as session:
        expected = session.view("executions")
    columns = [name for name in shown.columns if name not in {"tool", "metadata_json"}]
    pd.testing.assert_frame_equal(shown[columns], expected[columns], check_dtype=False)


@pytest.mark.parametrize("version", [1, 2])
def test_a_difference_stops_the_upgrade_and_changes_nothing(version, tmp_path, monkeypatch):
    url = old_store(version, tmp_path)
    before = content(url.path)
    real = upgrades._facts_after
    monkeypatch.setattr(upgrades, "_facts_after", lambda connection: {**real(connection), "cost_usd": (1, 2.0)})
    with pytest.raises(StoreError, match="would change cost_usd from"):
        open_store(url)
    assert content(url.path) == before


@pytest.mark.parametrize("version", [1, 2])
def test_columns_of_ones_own_stop_the_upgrade_and_are_named(version, tmp_path):
    url = old_store(version, tmp_path)
    with closing(sqlite3.connect(url.path)) as file:
        file.execute("ALTER TABLE defect_log ADD COLUMN ticket TEXT")
    before = content(url.path)
    with pytest.raises(StoreError, match=r"no place for columns of your own: defect_log\.ticket"):
        open_store(url)
    assert content(url.path) == before


def test_a_newer_store_is_refused_in_one_line(upgraded):
    with closing(sqlite3.connect(upgraded.path)) as file:
        file.execute(f"INSERT INTO asp_schema VALUES ({SCHEMA_VERSION + 1}, '2026-01-01T00:00:00.000000Z')")
        file.commit()
    for use in (open_store, connect):
        with pytest.raises(StoreError, match=f"version {SCHEMA_VERSION + 1}") as refused:
            use(upgraded)
        assert "\n" not in str(refused.value)


CONTENDER = """
import sys
from asp_analysis.config import parse_url
from asp_analysis.store.database import open_store
from pathlib import Path
open_store(parse_url(sys.argv[1], Path())).close()
"""


def test_two_processes_that_write_at_once_upgrade_once(version, tmp_path):
    url = old_store(version, tmp_path)
    commands = [[sys.executable, "-c", CONTENDER, url.text] for _ in range(3)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert all(process.returncode == 0 for process in processes), said
    with open_store(url) as store:
        versions = store.read("SELECT version FROM asp_schema ORDER BY version")
    assert [row["version"] for row in versions] == list(range(version, SCHEMA_VERSION + 1))


@pytest.mark.faults
@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.15, 0.3])
def test_a_killed_upgrade_leaves_the_old_store_or_the_new_one(version, tmp_path, delay_s):
    url = old_store(version, tmp_path)
    before = content(url.path)
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.readline()\n" + CONTENDER, url.text],
                               stdin=subprocess.PIPE, text=True)  # fmt: skip
    process.stdin.write("go\n")
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not (tmp_path / "backups").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(delay_s)
    process.kill()
    process.wait()
    with closing(sqlite3.connect(url.path)) as file:
        (found,) = file.execute("SELECT max(version) FROM asp_schema").fetchone()
    assert found in (version, SCHEMA_VERSION)
    assert found == SCHEMA_VERSION or content(url.path) == before
    open_store(url).close()
    with connect(url) as session:
        assert len(session.view("executions")) == (5 if version == 1 else 9)


_METRIC = st.tuples(
    st.sampled_from(["e-1", "e-2", "e-3"]),
    st.sampled_from(["Latency", "Tokens_In", "Tokens_Out", "API_Cost", "Memory_Usage", "Tool_Calls", "Retries"]),
    st.integers(0, 10**12),
    st.sampled_from([None, '{"a":1}', '{"b":2}']),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(metrics=st.lists(_METRIC, unique_by=lambda metric: metric[:2], max_size=20))
def test_an_upgrade_reads_the_metrics_as_a_reader_of_the_old_store_does(tmp_path_factory, metrics):
    """The same text makes executions of metrics in SQLite and in DuckDB: both give the same."""
    folder = tmp_path_factory.mktemp("metrics")
    url = old_store(2, folder)
    units = {"Latency": "ms", "API_Cost": "USD", "Memory_Usage": "MB", "Tool_Calls": "count", "Retries": "count"}
    when = ("2026-01-11T00:00:00.000000Z", "2026-01-11", "T-1", "Code")
    rows = [(*when, metric, value, units.get(metric, "tokens"), text, name) for name, metric, value, text in metrics]
    with closing(sqlite3.connect(url.path)) as file:
        file.executemany(
            "INSERT INTO agent_cost_vector (timestamp, execution_date, task_id, agent_role, metric_type, metric_value, "
            "metric_unit, metadata, execution_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )  # fmt: skip
        file.commit()
    with connect(url) as session:
        as_it_is = session.view("work"), session.sql("SELECT metadata_json FROM executions ORDER BY execution_id")
    open_store(url).close()
    with connect(url) as session:
        pd.testing.assert_frame_equal(as_it_is[0], session.view("work"))
        after = session.sql("SELECT metadata_json FROM executions ORDER BY execution_id")
    assert [_object(text) for text in as_it_is[1]["metadata_json"]] == [
        _object(text) for text in after["metadata_json"]
    ]


def _object(text):
    """Compare JSON without what only an upgrade changes."""
    return {name: value for name, value in _parsed(text).items() if name not in {"source", "exact"}}


def _parsed(text):
    return {} if pd.isna(text) else json.loads(text)


def test_every_key_of_the_upgraded_views_is_unique(upgraded):
    with connect(upgraded) as session:
        assert not any(session.view(name).duplicated(list(view_key(name))).any() for name in view_names())
