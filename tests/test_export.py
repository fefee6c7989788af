"""What is exported is safe in a spreadsheet, typed in Parquet, one state of the store, and loads again as it was."""

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from asp_analysis import platform_form, sql
from asp_analysis.config import parse_url
from asp_analysis.executions import MEASURES
from asp_analysis.exporting import Wanted, export, neutralise
from asp_analysis.session import connect, view_key, view_names
from asp_analysis.store.database import create_store

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FILLED = {"load_id"}
"""What the store says of a row, not its source."""


def content(url, table):
    """All rows of a table, in the order of their content."""
    connection = sqlite3.connect(url.path)
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in FILLED]
    rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
    connection.close()
    return sorted((tuple(map(meaning, row)) for row in rows), key=repr)


def meaning(value):
    """A JSON text means the same in another order of keys; loading brings them into one."""
    return json.dumps(json.loads(value), sort_keys=True) if str(value)[:1] in {"{", "["} else value


def insert(url, table, **values):
    marks = ", ".join("?" * len(values))
    connection = sqlite3.connect(url.path)
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
    connection.commit()
    connection.close()


def insert_task(url, **values):
    insert(url, "task_metadata", **{"task_id": "T", "created_at": "2026-01-02T03:04:05.000006Z", **values})


def exported(run, url, *words):
    ran = run("export", "--json", "--db", url, *words)
    assert ran.exit_code == 0, ran.err
    return {file["table"]: file for file in ran.json}


def cells(file):
    with Path(file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def loaded(run, folder, files):
    """A new store with the files of an export."""
    other = parse_url("other.db", folder)
    create_store(other)
    ran = run("load", *(files[table]["file"] for table in sql.RECORD_TABLES if table in files), "--json", "--db", other)
    assert ran.exit_code == 0 and ran.json["rejected"] == 0, ran.err
    return other


def views(url):
    """Every view but that of the loads, ordered by its key, every JSON text in one form."""
    found = {}
    with connect(url) as session:
        for name in view_names():
            frame = session.view(name)
            frame = frame.sort_values(list(view_key(name)), ignore_index=True)
            texts = {column: frame[column].map(meaning) for column in frame if frame[column].dtype in ("object", "str")}
            found[name] = frame.assign(**texts).drop(columns=FILLED, errors="ignore")
    del found["stg_loads"]
    return found


def assert_same_views(found, expected):
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame, obj=name)


@pytest.fixture(scope="module")
def full_store(sample_store, tmp_path_factory):
    """The sample with all that it lacks: stubs, words of its own, where executions come from, notes of all kinds."""
    url = parse_url("full.db", tmp_path_factory.mktemp("full"))
    shutil.copyfile(sample_store.path, url.path)
    at = "2026-01-02T03:04:05.000006Z"
    note = {"note": "=1+1", "deep": {"a": [1, 1.5, None, "ü 🚢"]}, "none": None}
    insert(url, "agent_roles", agent_role="Gardener", phase_order=65, kind="construction")
    insert(url, "capabilities", capability="Gardening", capability_order=70, meaning="grows")
    insert(url, "defect_types", defect_type="Flaky_Test", type_order=110, taxonomy="ours")
    insert_task(url, task_id="stub", is_stub=1)
    insert_task(url, task_id="stub with notes", is_stub=1, metadata_json=json.dumps(note))
    insert_task(url, task_id="full", status="completed", started_at=at, completed_at=at, reported_defects=0,
                estimated_latency_ms=0.1, estimated_cost_usd=3, reported_cost_usd=0.0, is_human_reviewed=0,
                components_json='["=a.py"]', human_corrections_json='{"missing_tasks":[]}',
                metadata_json=json.dumps({**note, "estimated_cost_vector_json": {"people": 2, "tokens": "?"}})
                )  # fmt: skip
    insert(url, "code_change", change_id="ferry/app#1", task_id="stub", repository="ferry/app", flow="squash",
           outcome="merged", pull_request=1, started_at=at, merged_at=at, lines_added=7, is_fix=1, reverted_share=0.5,
           title="=1+1", metadata_json=json.dumps(note))  # fmt: skip
    insert(url, "change_session", link_id="l", change_id="ferry/app#1", session_id="s", evidence="branch", share=0.25)
    known = {"executed_at": at, "agent_role": "Gardener"}
    insert(url, "agent_cost_vector", execution_id="all", task_id="full", **known, **dict.fromkeys(MEASURES, 10**15),
           machine="box", tool="mine", tool_version="1.0", labels='{"b":"2","a":""}', user_id="u", subtask_id="s",
           repository="ferry/app", branch="main", metadata_json=json.dumps(note))  # fmt: skip
    insert(url, "agent_cost_vector", execution_id="one", task_id="stub", **known, cost_usd=0, agent_iteration=0)
    insert(url, "agent_cost_vector", execution_id="two", task_id="stub", **known, latency_ms=0.1 + 0.2, tool="mine",
           metadata_json='{"machine":"kept"}')  # fmt: skip
    insert(url, "agent_cost_vector", execution_id="three", task_id="stub", **known, retries=0,
           metadata_json='{"machine":"kept","labels":["x"],"big":12345678901234567890123,"half":0.5}')  # fmt: skip
    insert(url, "defect_log", defect_id="full", found_at=at, fixed_at=at, task_id="stub", defect_type="Flaky_Test",
           phase_injected="Gardener", phase_removed="Test", description="d", line_number=0, fix_latency_ms=0.5,
           fix_retries=0, is_validated_by_human=1,
           metadata_json=json.dumps({**note, "effort_to_fix_json": {"people": 1, "tokens": "?"}}))  # fmt: skip
    insert(url, "bootstrap_metrics", capability="Gardening", measured_at=at, period_start_at=at, period_end_at=at,
           mode="Shadow", tasks_completed=0, tasks_needed=1, metric_value=-1.5, is_graduated=1, notes="-n",
           metadata_json=json.dumps(note))  # fmt: skip
    insert(url, "people", person="u", from_day="2026-01-01", until_day="2026-03-14", team="=T", cost_center="4711")
    insert(url, "people", person="u", from_day="2026-03-15", team="B")
    return url


@pytest.mark.parametrize("words", [["--raw"], ["--format", "parquet"]])
def test_an_export_loads_again_into_an_empty_store_with_the_same_content_and_views(
    run, full_store, full_views, tmp_path, words
):
    files = exported(run, full_store, "--out", tmp_path / "out", *words)
    other = loaded(run, tmp_path, files)
    assert list(files) == list(sql.RECORD_TABLES)
    for table in sql.RECORD_TABLES:
        assert content(other, table) == content(full_store, table), table
        assert files[table]["rows"] == len(content(full_store, table)) > 0
    assert_same_views(views(other), full_views)


@pytest.fixture(scope="module")
def full_views(full_store):
    return views(full_store)


def with_origin_in_metadata(executions):
    """Executions as the platform's form has them: where they come from stands in the metadata."""
    moved = {"machine", "tool", "tool_version", "labels", "repository", "branch", "metadata_json"} & {*executions}
    metadata = []
    for row in executions[list(moved)].to_dict("records"):
        known = {name: value for name, value in row.items() if isinstance(value, str)}
        known |= {"labels": json.loads(known["labels"])} if "labels" in known else {}
        metadata.append({**json.loads(known.pop("metadata_json", "{}")), **known})
    return executions.drop(columns=moved).assign(metadata=metadata)


@pytest.mark.parametrize("words", [["--raw"], ["--format", "parquet"]])
def test_an_export_in_the_platforms_form_loads_again_with_the_same_views(run, full_store, full_views, tmp_path, words):
    files = exported(run, full_store, "--as", "platform", "--out", tmp_path / "out", *words)
    assert list(files) == [table for table in sql.RECORD_TABLES if table in sql.CONTRACT_TABLES]
    vocabularies = [
        word
        for table in (*sql.VOCABULARIES, sql.PEOPLE, sql.CODE_CHANGES, sql.CHANGE_SESSIONS)
        for word in ("--table", table)
    ]
    files |= exported(run, full_store, *vocabularies, "--raw", "--out", tmp_path / "vocabularies")
    found, expected = views(loaded(run, tmp_path, files)), dict(full_views)
    for name in ("executions", "stg_executions"):
        found[name], expected[name] = with_origin_in_metadata(found[name]), with_origin_in_metadata(expected[name])
    origins = ["machine", "tool", "tool_version", "labels", "repository", "branch"]  # in the metadata, too
    for frames in (found, expected):  # a repository is in the metadata, too: what is known of the whole store stays
        outcomes = frames["cost_per_outcome"]
        frames["cost_per_outcome"] = outcomes[outcomes["repository"].isna()].reset_index(drop=True)
    found["staffed"], expected["staffed"] = (frames["staffed"].drop(columns=origins) for frames in (found, expected))
    assert_same_views(found, expected)


def test_the_platforms_form_has_its_columns_a_row_for_each_known_metric_and_its_values(run, full_store, tmp_path):
    files = exported(run, full_store, "--as", "platform", "--raw", "--out", tmp_path / "out")
    for table, file in files.items():
        with Path(file["file"]).open() as stream:
            header, *_ = csv.reader(stream)
        assert tuple(header) == platform_form.CONTRACT_COLUMNS[table]
        assert file["rows"] == len(cells(file["file"])), table
    known = ", ".join(f"count({name})" for name in MEASURES)
    with closing(sqlite3.connect(full_store.path)) as connection:
        counts = dict(
            zip(MEASURES, connection.execute(f"SELECT {known} FROM agent_cost_vector").fetchone(), strict=True)
        )
    rows = cells(files["agent_cost_vector"]["file"])
    found = Counter(row["metric_type"] for row in rows)
    assert found == {measure.metric_type: counts[name] for name, measure in MEASURES.items()}
    assert files["agent_cost_vector"]["rows"] == sum(counts.values())
    assert {(row["metric_type"], row["metric_unit"]) for row in rows} == {
        (measure.metric_type, measure.unit) for measure in MEASURES.values()
    }
    one = next(row for row in rows if row["execution_id"] == "one")
    assert (one["timestamp"], one["execution_date"], one["metric_value"]) == (
        "2026-01-02 03:04:05.000006",
        "2026-01-02",
        "0",
    )
    assert [row["id"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    (defect,) = (row for row in cells(files["defect_log"]["file"]) if row["defect_id"] == "full")
    assert (defect["validated_by_human"], defect["false_positive"]) == ("1", "0")
    assert json.loads(defect["effort_to_fix_json"]) == {"latency_ms": 0.5, "people": 1, "retries": 0, "tokens": "?"}


def test_an_export_in_the_platforms_form_is_what_a_file_of_the_platform_holds(run, full_store, tmp_path):
    """The CSV files become a SQLite file, which opens with the same sums and loads with the same executions."""
    files = exported(run, full_store, "--as", "platform", "--raw", "--out", tmp_path / "out")
    path = tmp_path / "platform.db"
    with closing(sqlite3.connect(path)) as connection:
        for table, file in files.items():
            rows = [tuple(cell or None for cell in row.values()) for row in cells(file["file"])]
            connection.execute(f"CREATE TABLE {table} ({', '.join(platform_form.CONTRACT_COLUMNS[table])})")
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.commit()
    query = f"SELECT task_id, agent_role, count(*) AS n, {', '.join(f'sum({name}) AS {name}' for name in MEASURES)} "
    query += "FROM executions GROUP BY ALL ORDER BY ALL"
    with connect(str(path)) as opened, connect(full_store) as own:
        pd.testing.assert_frame_equal(opened.sql(query), own.sql(query))
    assert run("load", path, "--json", "--db", full_copy(full_store, tmp_path)).json["rejected"] == 0


def test_views_are_written_next_to_the_tables(run, full_store, tmp_path):
    files = exported(run, full_store, "--views", "--raw", "--out", tmp_path / "out")
    assert list(files) == [*sql.RECORD_TABLES, *sql.view_names("marts")]
    with connect(full_store) as session:
        for name in sql.view_names("marts"):
            assert files[name]["rows"] == len(session.view(name)), name
        costs = session.sql("SELECT task_id, cost_usd FROM task_costs ORDER BY ALL")
    found = {(row["task_id"], row["cost_usd"]) for row in cells(files["task_costs"]["file"])}
    assert len(found) > 0 and {row["task_id"] for row in cells(files["tasks"]["file"])} >= set(costs["task_id"])


@pytest.mark.parametrize("words", [["--as", "platform"], ["--since", "2026-01-01"]])
def test_views_are_whole_and_in_our_form(run, full_store, words):
    assert run("export", "--views", *words, "--db", full_store).exit_code == 2


def full_copy(url, folder):
    """A store with the same vocabularies and nothing else."""
    other = parse_url("words.db", folder)
    shutil.copyfile(url.path, other.path)
    with closing(sqlite3.connect(other.path)) as connection:
        for table in ("agent_cost_vector", "defect_log", "bootstrap_metrics", "task_metadata"):
            connection.execute(f"DELETE FROM {table}")
        connection.commit()
    return other


@pytest.mark.parametrize("form", ["store", "platform"])
def test_rows_come_in_the_order_of_their_key(run, full_store, tmp_path, form):
    url = parse_url("store.db", tmp_path)
    shutil.copyfile(full_store.path, url.path)
    insert_task(url, task_id="A")  # newer rows have smaller keys
    insert(url, "agent_cost_vector", execution_id="A", executed_at="2026-01-02T00:00:00.000000Z", task_id="A",
           agent_role="Code", cost_usd=1)  # fmt: skip
    files = exported(run, url, "--as", form, "--raw", "--out", tmp_path / form)
    keys = {"task_metadata": ["task_id"], "defect_log": ["defect_id"], "agent_cost_vector": ["execution_id"],
            "bootstrap_metrics": ["capability", "measured_at"]}  # fmt: skip
    if form == "platform":
        keys |= {
            "agent_cost_vector": ["execution_id", "metric_type"],
            "bootstrap_metrics": ["capability_name", "measured_at"],
        }
    for table, key in keys.items():
        found = [tuple(row[name] for name in key) for row in cells(files[table]["file"])]
        assert found == sorted(found) and len(set(found)) == len(found) > 50, table


NASTY = {
    "task_description": '=HYPERLINK("http://example.com","click")\nsecond line, "quoted"; and ünïcode 🚢',
    "project_id": "-1+2",
    "requirements_text": "'=already with an apostrophe",
    "reported_defect_density": 0.1 + 0.2,
    "estimated_size": 2**62 + 1,
    "is_human_reviewed": 1,
    "metadata_json": '{"note":"=1+1"}',
}


def test_the_nastiest_texts_and_numbers_load_again_as_they_were(run, empty_store, tmp_path):
    insert_task(empty_store, **NASTY)
    files = exported(run, empty_store, "--raw", "--out", tmp_path / "out")
    other = parse_url("other.db", tmp_path)
    create_store(other)
    assert run("load", files["task_metadata"]["file"], "--as", "task_metadata", "--db", other).exit_code == 0
    assert content(other, "task_metadata") == content(empty_store, "task_metadata")


def test_no_cell_of_a_text_can_be_run_by_a_spreadsheet_and_the_user_is_told_how_many_were_changed(
    run, empty_store, tmp_path
):
    insert_task(empty_store, **NASTY)
    ran = run("export", "--out", tmp_path / "out", "--db", empty_store)
    (row,) = cells(tmp_path / "out" / "task_metadata.csv")
    assert row["project_id"] == "'-1+2" and row["task_description"].startswith("'=HYPERLINK")
    assert row["requirements_text"] == NASTY["requirements_text"]
    assert "2 cells" in ran.err and "--raw" in ran.err


def test_a_formula_behind_a_byte_order_mark_is_none_either(run, empty_store, tmp_path):
    insert_task(empty_store, task_description="\ufeff=1+1", project_id="\ufeffplain")
    run("export", "--out", tmp_path / "out", "--db", empty_store)
    (row,) = cells(tmp_path / "out" / "task_metadata.csv")
    assert (row["task_description"], row["project_id"]) == ("'\ufeff=1+1", "\ufeffplain")


def test_negative_numbers_stay_numbers(run, empty_store, tmp_path):
    day = dict.fromkeys(("measured_at", "period_start_at", "period_end_at"), "2026-01-01T00:00:00.000000Z")
    insert(empty_store, "bootstrap_metrics", capability="PROBE_AI", **day, mode="Learning", tasks_completed=1,
           tasks_needed=10, metric_value=-1.5)  # fmt: skip
    for form, name in (("store", "metric_value"), ("platform", "primary_metric_value")):
        exported(run, empty_store, "--as", form, "--out", tmp_path / form)
        assert cells(tmp_path / form / "bootstrap_metrics.csv")[0][name] == "-1.5"


@given(
    st.lists(st.one_of(st.none(), st.text(), st.sampled_from(DANGEROUS).flatmap(lambda c: st.text().map(c.__add__))))
)
@example(list(DANGEROUS))
@example(["", None, "'", "a=b", " =1"])
def test_neutralising_changes_what_a_spreadsheet_would_run_by_one_apostrophe_and_nothing_else(texts):
    texts = [text if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    batch = pa.record_batch({"text": pa.array(texts, pa.string()), "number": pa.array([-1.5] * len(texts))})
    safe, count = neutralise(batch)
    is_run = [text is not None and text.startswith(DANGEROUS) for text in texts]
    wanted = [f"'{text}" if run else text for text, run in zip(texts, is_run, strict=True)]
    assert safe["text"].to_pylist() == wanted and count == sum(is_run)
    assert safe["number"].to_pylist() == [-1.5] * len(texts)


def test_unknown_and_empty_text_stay_apart(run, empty_store, tmp_path):
    insert_task(empty_store, project_id="", task_type=None)
    exported(run, empty_store, "--out", tmp_path / "out")
    line = (tmp_path / "out" / "task_metadata.csv").read_text().splitlines()[1]
    assert line.startswith('"T","2026-01-02T03:04:05.000006Z",,,"",,')


def test_parquet_is_typed(run, sample_store, tmp_path):
    files = exported(run, sample_store, "--format", "parquet", "--out", tmp_path / "out")
    types = {name: str(parquet.read_schema(file["file"])) for name, file in files.items()}
    assert "created_at: timestamp[us, tz=" in types["task_metadata"]
    assert "estimated_size: int64" in types["task_metadata"] and "is_human_reviewed: bool" in types["task_metadata"]
    assert "cost_usd: double" in types["agent_cost_vector"] and "tokens_in: int64" in types["agent_cost_vector"]
    assert "agent_iteration: int64" in types["agent_cost_vector"] and "is_false_positive: bool" in types["defect_log"]


def test_every_column_of_the_store_is_exported_but_the_load(run, sample_store, tmp_path):
    files = exported(run, sample_store, "--format", "parquet", "--out", tmp_path / "out")
    for table, file in files.items():
        assert parquet.read_schema(file["file"]).names == [c for c in sql.table_columns()[table] if c not in FILLED]


def test_since_takes_the_rows_of_that_instant_and_later(run, sample_store, tmp_path):
    files = exported(run, sample_store, "--since", "2025-12-01", "--out", tmp_path / "out")
    place = list(sql.table_columns()["agent_cost_vector"]).index("executed_at")
    wanted = [row for row in content(sample_store, "agent_cost_vector") if row[place] >= "2025-12-01"]
    assert files["agent_cost_vector"]["rows"] == len(wanted) > 0
    assert len(wanted) < len(content(sample_store, "agent_cost_vector"))
    in_platform_form = exported(run, sample_store, "--as", "platform", "--since", "2025-12-01", "--out", tmp_path / "p")
    assert {row["execution_id"] for row in cells(in_platform_form["agent_cost_vector"]["file"])} == {
        row["execution_id"] for row in cells(files["agent_cost_vector"]["file"])
    }
    for table in ("task_metadata", "defect_log", "bootstrap_metrics"):
        assert in_platform_form[table]["rows"] == files[table]["rows"] < len(content(sample_store, table))
    assert files["agent_roles"]["rows"] == len(content(sample_store, "agent_roles"))


def test_a_table_can_be_exported_alone(run, sample_store, tmp_path):
    files = exported(run, sample_store, "--table", "defect_log", "--out", tmp_path / "out")
    assert list(files) == ["defect_log"] and [path.name for path in (tmp_path / "out").iterdir()] == ["defect_log.csv"]


def test_exports_go_beside_the_store_into_a_folder_of_their_own(run, empty_store):
    for _ in range(2):
        exported(run, empty_store)
    folders = list((empty_store.path.parent / "exports").iterdir())
    assert len(folders) == 2 and all(folder.name.startswith("store-") for folder in folders)


def test_an_empty_table_is_a_file_with_its_header(run, empty_store, tmp_path):
    for words in (["--format", "csv"], ["--format", "parquet"]):
        files = exported(run, empty_store, *words, "--out", tmp_path / words[1])
        assert files["defect_log"]["rows"] == 0
    assert (tmp_path / "csv" / "defect_log.csv").read_text().count("\n") == 1
    assert parquet.read_schema(tmp_path / "parquet" / "defect_log.parquet").names[0] == "defect_id"


WRITE_BOTH = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
print("ready", flush=True)
n = 0
while True:
    n += 1
    c.execute("BEGIN IMMEDIATE")
    c.execute("INSERT INTO task_metadata (task_id, created_at) VALUES (?, '2026-01-01T00:00:00.000000Z')", (f"N{n}",))
    c.execute("INSERT INTO defect_log (defect_id, found_at, task_id, defect_type, phase_injected, phase_removed, "
              "description) VALUES (?, '2026-01-01T00:00:00.000000Z', ?, '80_Function', 'Code', 'Test', 'd')",
              (f"D{n}", f"N{n}"))
    c.execute("COMMIT")
"""


def test_the_tables_of_one_export_show_one_state_while_another_process_writes(empty_store, tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", WRITE_BOTH, str(empty_store.path)], stdout=subprocess.PIPE)
    writer.stdout.readline()
    counts = []
    for number in range(15):
        files = {file.table: file.rows for file in export(empty_store, tmp_path / str(number), Wanted())}
        counts.append((files["task_metadata"], files["defect_log"]))
    writer.kill()
    writer.communicate()
    assert all(tasks == defects for tasks, defects in counts), counts
    assert len(set(counts)) > 1, "the writer wrote nothing meanwhile: this test shows nothing"


MANY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
INSERT INTO agent_cost_vector (executed_at, task_id, agent_role, cost_usd, execution_id)
SELECT '2026-01-01T00:00:00.000000Z', 'T', 'Code', 1, 'E' || i FROM n
"""


@pytest.mark.parametrize("delay_s", [0.6, 0.9, 1.1, 1.3, 1.6])
def test_a_killed_export_leaves_all_of_its_files_or_no_folder(empty_store, tmp_path, delay_s):
    insert_task(empty_store)
    connection = sqlite3.connect(empty_store.path)
    connection.execute(MANY)
    connection.commit()
    connection.close()
    out = tmp_path / "out"
    command = [sys.executable, "-m", "asp_analysis", "export", "--out", str(out), "--db", empty_store.text]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    process.kill()
    process.wait()
    if out.exists():
        lines = {path.stem: path.read_text().count("\n") - 1 for path in out.iterdir()}
        there = {"task_metadata": 1, "agent_cost_vector": 200_000, "defect_log": 0, "bootstrap_metrics": 0}
        assert lines.keys() == set(sql.RECORD_TABLES) and {name: lines[name] for name in there} == there


def test_a_folder_that_cannot_be_made_is_one_line(run, empty_store):
    ran = run("export", "--out", "/dev/null/out", "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: ") and ran.err.count("\n") == 1


def test_a_folder_that_is_there_is_not_touched(run, empty_store, tmp_path):
    (tmp_path / "out").mkdir()
    ran = run("export", "--out", tmp_path / "out", "--db", empty_store)
    assert ran.exit_code == 1 and "exists already" in ran.err and list((tmp_path / "out").iterdir()) == []


def test_a_since_that_is_no_instant_is_wrong_usage(run, empty_store):
    ran = run("export", "--since", "01.01.2026", "--db", empty_store)
    said = " ".join(ran.err.split())
    assert ran.exit_code == 2 and "is not an instant. Write it as 2026-01-31" in said and "'01.01.2026'" in said
    assert "--time-format" not in said


@pytest.mark.parametrize("form", ["store", "platform"])
@pytest.mark.parametrize("kind", ["platform", "version 2"])
def test_what_is_not_in_the_stores_own_form_is_not_exported_and_what_to_do_is_said(run, tmp_path, kind, form):
    """Values that fit no column would leave no trace: a load rejects them, with their reasons."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        if kind == "platform":
            connection.execute(
                "CREATE TABLE agent_cost_vector (timestamp, task_id, agent_role, metric_type, metric_value)"
            )
        else:
            connection.executescript((Path(__file__).parent / "stores" / "version_2.sql").read_text())
    ran = run("export", "--as", form, "--out", tmp_path / "out", "--db", path)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1
    assert ran.err.startswith(f"Error: {path} was written by the ASP platform or by an earlier release.")
    assert "asp-analysis load FILE" in ran.err and "asp-analysis init --db" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [["--raw"], ["--format", "parquet"]])
def test_a_server_is_exported_as_a_file_is(run, postgres_sample, tmp_path, words):
    files = exported(run, postgres_sample, "--out", tmp_path / "out", *words)
    other = loaded(run, tmp_path, files)
    sample = parse_url("sample.db", tmp_path)
    create_store(sample, with_sample=True)
    for table in sql.RECORD_TABLES:
        assert content(other, table) == content(sample, table), table
