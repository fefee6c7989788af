"""A store of an earlier version on a server becomes one of the present version, or stays; no row or right is lost."""

import json
import os
import random
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import psycopg
import pytest

from asp_analysis import capture
from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.errors import StoreError
from asp_analysis.executions import MEASURES
from asp_analysis.platform_form import OUR_NAMES, VECTORS
from asp_analysis.records import json_text
from asp_analysis.session import connect, view_names
from asp_analysis.sql import SCHEMA_VERSION
from asp_analysis.store import upgrades
from asp_analysis.store.database import create_store, open_store
from tests.killing import Moments, seconds_of, started
from tests.postgres import PASSWORD, new_database
from tests.test_postgres_store import comparable

pytestmark = pytest.mark.slow

VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6 = (
    (Path(__file__).parent / "stores" / f"postgres_version_{number}.sql").read_text(encoding="utf-8")
    for number in (2, 3, 4, 5, 6)
)
RUNS = [
    {"timestamp": "2026-01-02T03:04:05.123456Z", "task_id": "A-1", "agent_role": "Code", "cost_usd": 0.1}
    | {"tokens_in": 1200, "latency_ms": 800.5, "note": "x"},
    {"timestamp": "2026-01-02T05:04:05+02:00", "task_id": "A-2", "agent_role": "Test", "tokens_in": 7},
]
"""Two of the records of runs.jsonl, which the release before has loaded into the stored store."""

CATALOGUE = """
    SELECT 'column', table_name::TEXT,
        concat_ws(' ', ordinal_position, column_name, data_type, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint', conrelid::REGCLASS::TEXT, conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::REGNAMESPACE AND contype <> 'n'
    UNION ALL SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'trigger', tgrelid::REGCLASS::TEXT, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
    UNION ALL SELECT 'function', oid::REGPROCEDURE::TEXT, coalesce(proacl::TEXT, '') FROM pg_proc
    WHERE pronamespace = 'public'::REGNAMESPACE
    UNION ALL SELECT 'right', relname::TEXT, acl::TEXT FROM pg_class CROSS JOIN LATERAL unnest(relacl) AS acl
    WHERE relnamespace = 'public'::REGNAMESPACE"""


def write_version_2(url):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(VERSION_2)


@pytest.fixture
def version_2(postgres_url):
    """The stored store of version 2."""
    write_version_2(postgres_url.text)
    return postgres_url


def rows(url, query, values=()):
    with psycopg.connect(url.text if isinstance(url, StoreUrl) else url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query, values or None).fetchall()


def run_sql(url, statement):
    with psycopg.connect(url.text, autocommit=True) as connection:
        connection.execute(statement)


def upgrade(url):
    open_store(url).close()


def catalogue(url):
    return sorted(rows(url, CATALOGUE))


def version(url):
    return rows(url, "SELECT max(version) FROM asp_schema")[0][0]


def everything(url):
    """All that a store holds, to tell whether anything was changed."""
    tables = [row[0] for row in rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    return catalogue(url), {name: sorted(rows(url, f"SELECT t::TEXT FROM {name} AS t")) for name in tables}


def as_user(url, name):
    parts = urlsplit(url.text)
    return parse_url(urlunsplit(parts._replace(netloc=f"{name}:x@{parts.hostname}:{parts.port}")), Path())


@pytest.fixture
def user(postgres_url):
    """A user of its own, who is gone afterwards; what belongs to it goes with the database."""
    name = "somebody_of_" + postgres_url.text.rsplit("/", 1)[1]
    run_sql(postgres_url, f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    yield name
    run_sql(postgres_url, f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


# --- what arrives ---


def test_tables_keys_views_and_rights_are_those_of_a_new_store(version_2, postgres_server):
    upgrade(version_2)
    with new_database(postgres_server) as other:
        create_store(parse_url(other, Path()))
        assert catalogue(version_2) == catalogue(other)


@pytest.mark.parametrize("former", [VERSION_3, VERSION_4, VERSION_5, VERSION_6], ids=["3", "4", "5", "6"])
def test_a_store_of_our_own_form_becomes_a_new_store_with_what_it_held(former, postgres_url, postgres_server):
    run_sql(postgres_url, former)
    with connect(postgres_url) as session:
        views = {name: session.view(name) for name in view_names()}
    upgrade(postgres_url)
    assert version(postgres_url) == SCHEMA_VERSION
    assert rows(postgres_url, "SELECT DISTINCT rows_brought IS NULL FROM load_log") == [(former == VERSION_3,)]
    with new_database(postgres_server) as other:
        create_store(parse_url(other, Path()))
        assert catalogue(postgres_url) == catalogue(other)
    with connect(postgres_url) as session:
        for name, expected in views.items():
            pd.testing.assert_frame_equal(session.view(name), expected, obj=name)


def test_executions_arrive_as_one_row_each(version_2):
    before = rows(version_2, "SELECT execution_id, min(id) FROM agent_cost_vector GROUP BY 1 ORDER BY 2")
    upgrade(version_2)
    found = rows(version_2, "SELECT execution_id, row_id FROM agent_cost_vector ORDER BY row_id")
    assert [name for name, _ in found] == [name for name, _ in before]
    assert [number for _, number in found] == list(range(1, len(found) + 1))
    known = rows(
        version_2,
        "SELECT executed_at::TEXT, agent_role, latency_ms, tokens_in, tokens_out, tokens_cache_read, "
        "tokens_cache_write, cost_usd, tool_calls, tool, metadata_json ->> 'branch', metadata_json ? 'source' "
        "FROM agent_cost_vector "
        "WHERE execution_id = 'm-1'",
    )
    assert known == [
        ("2026-03-02 09:00:00+00", "Code", None, 19, 7, 5, 4, 0.1, 1, "claude-code", "ABC-1", False)
    ]  # fmt: skip


def test_a_fraction_of_a_count_is_rounded_half_up_and_kept(version_2):
    upgrade(version_2)
    found = rows(
        version_2,
        "SELECT execution_id, executed_at::TEXT, tokens_in, tokens_out, cost_usd, tool_calls, retries, tool, "
        "metadata_json FROM agent_cost_vector WHERE execution_id LIKE 'X-%' ORDER BY 1",
    )
    exact = {"exact": {"tool_calls": 12.5, "retries": 0.5}, "turn": 1, "price": {"d": 1}}
    ours = {"source": "ours", "exact": {"tokens_in": 2.5}}
    assert found == [
        ("X-1", "2026-01-02 03:04:05.5+00", None, None, 0.1 + 0.2, 13, 1, "claude-code", exact),
        ("X-2", "2026-01-02 03:04:05.5+00", 3, None, None, None, None, None, ours),
        ("X-3", "2026-01-02 03:04:05.5+00", None, 1, None, None, None, "pi", {"exact": {"tokens_out": 1.4}}),
        ("X-4", "9999-12-31 23:59:58.999999+00", None, None, None, None, None, None, None),
    ]  # fmt: skip


def test_tasks_and_defects_have_their_vectors_in_columns(version_2):
    upgrade(version_2)
    task = rows(
        version_2,
        "SELECT estimated_size, actual_size, estimated_latency_ms, estimated_tokens, estimated_cost_usd, "
        "reported_latency_ms, reported_tokens, reported_cost_usd, reported_defects, reported_defect_density, "
        "components_json, is_human_reviewed, is_stub, metadata_json FROM task_metadata WHERE task_id IN ('A-1', 'E-1') "
        "ORDER BY task_id",
    )
    rest = {"actual_cost_vector_json": {"api_cost_usd": "unknown"}, "estimated_cost_vector_json": {"note": "guess"}}
    paths, kept = ["src/a b.py", 'with "quotes", {braces}', "NULL", ""], {"b": 1, "a": {"z": [0.1, "ü"]}}
    assert task == [
        (12, 14, 1000, 5000, 0.5, 800.5, 1200, 0.1, 1, 0.0714, ["src/a b.py"], True, False, kept),
        (None, None, 1200.5, 7, 0.1, None, 12, None, 0, None, paths, True, True, {"b": [10**22, 0.1, "ü"], **rest}),
    ]
    defects = "SELECT fix_latency_ms, fix_cost_usd, fix_retries, metadata_json FROM defect_log ORDER BY defect_id"
    assert rows(version_2, defects) == [
        (5, 0.25, 2, {"effort_to_fix_json": {"people": 3}}),
        (None, None, None, {"a": 1, "effort_to_fix_json": {"retries": 1.5}}),
    ]
    learning = "SELECT capability, measured_at::DATE::TEXT, mode, is_graduated, metadata_json FROM bootstrap_metrics"
    assert rows(version_2, learning) == [("PROBE_AI", "2026-01-05", "Shadow", True, {"y": 2})]


def test_json_that_is_not_touched_keeps_every_digit(version_2):
    run_sql(
        version_2,
        """UPDATE task_metadata SET semantic_units_json = '[1.10, 1e400]', metadata = '{"x": 1.10}'
        WHERE task_id = 'A-1'""",
    )
    upgrade(version_2)
    found = rows(
        version_2, "SELECT semantic_units_json::TEXT, metadata_json::TEXT FROM task_metadata WHERE task_id = 'A-1'"
    )
    assert found == [(f"[1.10, 1{'0' * 400}]", '{"x": 1.10}')]


def test_loads_rejects_and_ones_own_roles_stay_and_vocabularies_are_there(version_2):
    rejects, loads = (
        rows(version_2, "TABLE load_reject"),
        rows(version_2, "SELECT load_id, file, found_json FROM load_log"),
    )
    upgrade(version_2)
    assert rows(version_2, "TABLE load_reject") == rejects
    assert sorted(rows(version_2, "SELECT load_id, file, found_json FROM load_log"), key=str) == sorted(loads, key=str)
    assert {row[0] for row in rows(version_2, "SELECT loaded_as FROM load_log")} == {
        "executions", "metrics", "task_metadata", "transcript",
    }  # fmt: skip
    roles = "SELECT agent_role, phase_order FROM agent_roles WHERE agent_role IN ('Gardener', 'Test') ORDER BY 1"
    assert rows(version_2, roles) == [("Gardener", 55), ("Test", 61)]
    assert rows(version_2, "SELECT count(*) FROM capabilities UNION ALL SELECT count(*) FROM defect_types") == [
        (6,),
        (18,),
    ]


def test_what_was_loaded_before_is_known_and_new_records_are_written(version_2, run, tmp_path):
    lines = [*RUNS, {**RUNS[1], "task_id": "NEW"}]
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = run("load", tmp_path / "runs.jsonl", "--as", "executions", "--json", "--db", version_2)
    assert (ran.json["present"], ran.json["updated"], ran.json["written"], ran.json["tasks_stubbed"]) == (2, 0, 1, 1)
    assert rows(version_2, "SELECT count(*), count(DISTINCT row_id), max(load_id) FROM agent_cost_vector") == [
        (10, 10, 7)
    ]


def test_an_agent_that_captures_upgrades_the_store_too(version_2):
    with capture.open(version_2.text) as store:
        store.record(task_id="A-1", agent_role="Code", tokens_in=1)
        assert store.flush()
    assert version(version_2) == SCHEMA_VERSION and rows(version_2, "SELECT count(*) FROM agent_cost_vector") == [(10,)]


def test_reading_leaves_version_2_as_it_is_and_shows_the_same(version_2):
    before = everything(version_2)
    with connect(version_2) as session:
        views = {name: session.view(name) for name in view_names()}
    assert everything(version_2) == before
    upgrade(version_2)
    with connect(version_2) as session:
        for name, expected in views.items():
            found = session.view(name)
            for frame in (found, expected):  # what the upgrade takes out of the metadata, or calls by another name
                known = [column for column in ("tool", "metadata_json", "loaded_as") if column in frame.columns]
                frame[known] = None
            pd.testing.assert_frame_equal(comparable(found), comparable(expected), obj=name)


def platform_rows(table, records):
    """Give rows of the store as version 2 had them: the contract's names, and vectors of JSON."""
    names = {ours: theirs for theirs, ours in OUR_NAMES[table].items()}
    for record in records:
        old = {names.get(name, name): value for name, value in record.items() if name not in ("load_id", "is_stub")}
        for vector, columns in VECTORS.get(table, {}).items():
            values = {key: old.pop(column) for key, column in columns.items() if column in old}
            known = {key: value for key, value in values.items() if value is not None}
            old[vector] = json_text(known) if known else None
        yield old


def metric_rows(executions):
    context = ("task_id", "subtask_id", "project_id", "user_id", "agent_role", "agent_version", "agent_iteration")
    for row in executions:
        for column, measure in MEASURES.items():
            if row[column] is not None:
                yield {
                    **{name: row[name] for name in (*context, "llm_model", "llm_provider", "execution_id")},
                    "timestamp": row["executed_at"],
                    "execution_date": row["executed_at"][:10],
                    "metric_type": measure.metric_type,
                    "metric_value": float(row[column]),
                    "metric_unit": measure.unit,
                    "metadata": row["metadata_json"],
                }


def test_the_sample_of_version_2_becomes_the_sample(postgres_url, postgres_sample):
    run_sql(postgres_url, VERSION_2)
    run_sql(
        postgres_url, "TRUNCATE agent_cost_vector, task_metadata, defect_log, bootstrap_metrics, load_reject, load_log"
    )
    with open_store(postgres_sample) as store, psycopg.connect(postgres_url.text) as connection:
        for table in ("task_metadata", "agent_cost_vector", "defect_log", "bootstrap_metrics"):
            records = store.read(f"SELECT * FROM {table} ORDER BY {'row_id' if 'cost' in table else 1}")
            old = metric_rows(records) if table == "agent_cost_vector" else platform_rows(table, records)
            for row in old:
                if isinstance(row.get("components_affected"), str):
                    row["components_affected"] = json.loads(row["components_affected"])
                listed, places = ", ".join(row), ", ".join(["%s"] * len(row))
                connection.execute(f"INSERT INTO {table} ({listed}) VALUES ({places})", list(row.values()))
        connection.execute("DELETE FROM agent_roles WHERE agent_role = 'Gardener'")
        connection.execute("UPDATE agent_roles SET phase_order = 60 WHERE agent_role = 'Test'")
    upgrade(postgres_url)
    with connect(postgres_url) as session, connect(postgres_sample) as sample:
        for name in sorted({*view_names()} - {"stg_people", "staffing"}):  # version 2 knows no teams and no machines
            expected, found = (
                one.view(name).drop(columns=["machine", "team", "cost_center"], errors="ignore")
                for one in (sample, session)
            )
            pd.testing.assert_frame_equal(found, expected, obj=name)


# --- whole or not at all ---


@pytest.mark.parametrize("step", ["_create_tables", "_gather_executions", "_compare", "create_views", "_note_version"])
def test_an_error_in_the_middle_leaves_version_2_whole(version_2, monkeypatch, step):
    before = everything(version_2)

    def fail(*_):
        raise StoreError("here it ends")

    monkeypatch.setattr(upgrades, step, fail)
    with pytest.raises(StoreError, match="here it ends"):
        open_store(version_2)
    assert everything(version_2) == before
    monkeypatch.undo()
    upgrade(version_2)
    assert version(version_2) == SCHEMA_VERSION


def test_a_sum_that_would_differ_is_refused(version_2, monkeypatch):
    before = everything(version_2)
    losing = upgrades.sql.script("one_row_per_execution.sql").replace("'API_Cost'", "'Nothing'")
    script = upgrades.sql.script
    monkeypatch.setattr(upgrades.sql, "script", lambda name: losing if name.startswith("one_row") else script(name))
    with pytest.raises(StoreError, match=r"would change cost_usd from 4 values .* to 0"):
        open_store(version_2)
    assert everything(version_2) == before


def test_a_row_that_the_new_tables_refuse_is_one_line(version_2, run):
    run_sql(version_2, "UPDATE task_metadata SET semantic_units_json = '3' WHERE task_id = 'A-1'")
    before = everything(version_2)
    ran = run("init", "--db", version_2)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "ck_task_metadata_semantic_units_json" in ran.err
    assert "cannot be upgraded" in ran.err and everything(version_2) == before


def test_a_view_of_ones_own_is_named_and_nothing_is_changed(version_2, run):
    run_sql(version_2, "CREATE VIEW mine AS SELECT sum(metric_value) FROM agent_cost_vector")
    before = everything(version_2)
    ran = run("init", "--db", version_2)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "read its tables: mine. Drop them" in ran.err
    assert everything(version_2) == before


def test_a_column_of_ones_own_is_named_and_nothing_is_changed(version_2, run):
    run_sql(version_2, "ALTER TABLE defect_log ADD COLUMN colour TEXT DEFAULT 'red'")
    before = everything(version_2)
    ran = run("init", "--db", version_2)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "columns of your own: defect_log.colour" in ran.err
    assert everything(version_2) == before


def stop_in_the_middle(begin, url):
    """Upgrade, and stand still when all rows are carried and nothing is committed."""
    upgrades._compare = lambda *_: (begin(), time.sleep(600))
    open_store(parse_url(url, Path()))


def wait_for_nobody(url):
    """Wait until the server has noticed that a process is gone."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(300):
        if rows(url, query) == [(0,)]:
            return
        time.sleep(0.1)
    raise AssertionError("a connection stays")


def test_killed_in_the_middle_version_2_is_whole(version_2):
    before = everything(version_2)
    process = started(stop_in_the_middle, version_2.text)
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    wait_for_nobody(version_2)
    assert everything(version_2) == before
    upgrade(version_2)
    assert version(version_2) == SCHEMA_VERSION


MANY = """
    INSERT INTO agent_cost_vector (timestamp, execution_date, task_id, agent_role, metric_type, metric_value,
        metric_unit, execution_id)
    SELECT TIMESTAMPTZ '2026-02-01Z', '2026-02-01', 'A-1', 'Code', metric, n, unit, 'many-' || n
    FROM generate_series(1, 20000) AS n, (VALUES ('API_Cost', 'USD'), ('Tokens_In', 'tokens')) AS m (metric, unit)"""


def upgrade_at_once(begin, url):
    begin()
    open_store(parse_url(url, Path())).close()


def two_at_once(url):
    processes = [started(upgrade_at_once, url) for _ in range(2)]
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


def test_two_at_once_upgrade_it_once(version_2):
    run_sql(version_2, MANY)
    assert two_at_once(version_2.text) == [0, 0]
    assert rows(version_2, "SELECT version, count(*) FROM asp_schema GROUP BY 1 ORDER BY 1") == [
        (number, 1) for number in range(2, SCHEMA_VERSION + 1)
    ]
    assert rows(version_2, "SELECT count(*), sum(cost_usd) FROM agent_cost_vector WHERE execution_id LIKE 'many%'") == [
        (20_000, 200_010_000)
    ]


@pytest.mark.faults
def test_killed_at_random_moments_it_is_version_2_or_3_whole(postgres_server, record_property):
    randomness, midway, kills = random.Random(7), 0, 20
    with new_database(postgres_server) as url:
        write_version_2(url)
        rows_before = rows(
            url, "SELECT count(*), sum(metric_value) FROM agent_cost_vector WHERE metric_type = 'API_Cost'"
        )
        moments = Moments(seconds_of(upgrade_at_once, url), randomness)
    for _ in range(kills):
        with new_database(postgres_server) as url:
            write_version_2(url)
            before = everything(url)
            moments.kill(started(upgrade_at_once, url))
            wait_for_nobody(url)
            if version(url) == 2:
                midway += 1
                assert everything(url) == before
            else:
                assert rows(url, "SELECT count(cost_usd), sum(cost_usd) FROM agent_cost_vector") == rows_before
    record_property("kills before the end of an upgrade", f"{midway} of {kills}")
    assert midway, "no kill met an upgrade at work"


# --- whose it is ---


def test_somebody_who_does_not_own_it_gets_one_line(version_2, run, user):
    run_sql(version_2, f"GRANT asp_writer TO {user}")
    before = everything(version_2)
    ran = run("init", "--db", as_user(version_2, user))
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "only postgres can upgrade" in ran.err
    assert user in ran.err and PASSWORD not in ran.err and everything(version_2) == before


def test_an_owner_without_other_rights_upgrades_it(postgres_url, run, user):
    run_sql(postgres_url, f"GRANT CREATE ON SCHEMA public TO {user}")
    run_sql(as_user(postgres_url, user), VERSION_2)
    assert run("init", "--db", as_user(postgres_url, user)).exit_code == 0
    assert version(postgres_url) == SCHEMA_VERSION


def test_an_administrator_upgrades_it_for_its_owner(postgres_url, user):
    run_sql(postgres_url, f"GRANT CREATE ON SCHEMA public TO {user}")
    run_sql(as_user(postgres_url, user), VERSION_2)
    upgrade(postgres_url)
    owners = "SELECT DISTINCT relowner::REGROLE::TEXT FROM pg_class WHERE relnamespace = 'public'::REGNAMESPACE"
    assert rows(postgres_url, owners) == [(user,)]
    assert rows(as_user(postgres_url, user), "SELECT count(*) FROM agent_cost_vector") == [(9,)]


def test_rights_that_were_given_are_carried(version_2, user):
    run_sql(version_2, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
    run_sql(version_2, f"GRANT UPDATE ON agent_cost_vector TO {user}")
    upgrade(version_2)
    with connect(as_user(version_2, user)) as session:
        assert all(len(session.view(name)) or True for name in view_names())
    assert rows(as_user(version_2, user), "SELECT count(*) FROM tasks") == [(6,)]
    with psycopg.connect(as_user(version_2, user).text) as connection:
        connection.execute("SELECT asp_move_execution('X-1', now())")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM agent_cost_vector")
