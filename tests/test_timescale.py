"""The migration to TimescaleDB, run for real: what it makes, what it keeps, and that it may be run again."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.store import upgrades
from asp_analysis.store.database import create_store, open_store
from tests.test_upgrade_on_postgres import VERSION_2
from tests.timescale.server import connected, running_server, why_not_here

missing = why_not_here()
pytestmark = [pytest.mark.timescale, pytest.mark.skipif(missing is not None, reason=str(missing))]

SETUP = sql.script("migrations/003_timescaledb_setup.sql")
ROWS = {
    table: f"SELECT count(*), md5(string_agg(t::TEXT, '|' ORDER BY {key})) FROM {table} AS t"
    for table, key in {"agent_cost_vector": "execution_id", "bootstrap_metrics": "capability, measured_at"}.items()
}
COPY_OF_A_ROW = """
    INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, latency_ms)
    SELECT {execution}, executed_at, {task}, agent_role, latency_ms
    FROM agent_cost_vector ORDER BY row_id LIMIT 1"""
NEW_ROW = """
    INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, latency_ms)
    VALUES ({execution}, {at}, 'FERRY-001', 'Dredging', 250)"""
PLAIN_DAYS = """
    SELECT date_trunc('day', executed_at) AS day, agent_role, llm_model, count(*) AS executions,
        count(*) FILTER (WHERE cost_usd IS NULL) AS executions_without_cost, sum(cost_usd) AS cost_usd,
        sum(tokens_in)::BIGINT, sum(tokens_out)::BIGINT, sum(tokens_cache_read)::BIGINT, sum(tokens_cache_write)::BIGINT
    FROM agent_cost_vector GROUP BY 1, 2, 3"""
PLAIN_HOURS = """
    SELECT date_trunc('hour', executed_at) AS hour, agent_role, count(*), count(*) FILTER (WHERE latency_ms IS NULL),
        avg(latency_ms), percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY latency_ms)
    FROM agent_cost_vector GROUP BY 1, 2"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The sample in a store that was made where the extension was there first; its aggregates are refreshed."""
    with running_server() as url:
        create_store(StoreUrl(url, None), with_sample=True)
        with connected(url) as database:
            for name in ("daily_cost_by_role", "hourly_performance"):
                database.execute(f"CALL refresh_continuous_aggregate('{name}', NULL, NULL)")
        yield url


@pytest.fixture
def database(server: str) -> Iterator[psycopg.Connection]:
    """A connection inside a transaction that is rolled back: tests see the same store."""
    with connected(server) as connection, connection.transaction(force_rollback=True):
        yield connection


def rows(database, query):
    return database.execute(query).fetchall()


def jobs(database):
    query = """
        SELECT proc_name, coalesce(view_name, jobs.hypertable_name), schedule_interval, config - 'hypertable_id' -
            'mat_hypertable_id'
        FROM timescaledb_information.jobs LEFT JOIN timescaledb_information.continuous_aggregates AS aggregates
            ON aggregates.materialization_hypertable_name = jobs.hypertable_name
        WHERE job_id >= 1000"""  # those below are the extension's own
    return {(name, table): (interval, config) for name, table, interval, config in rows(database, query)}


def compress_all(database):
    database.execute("SELECT compress_chunk(chunk) FROM show_chunks('agent_cost_vector') AS chunk")


def changes(database, table):
    return rows(database, f"SELECT changes FROM asp_changes WHERE table_name = '{table}'")[0][0]


def known(sums):
    return {place: value for place, value in enumerate(sums) if value is not None}


def only_refreshed(database, name):
    database.execute(f"ALTER MATERIALIZED VIEW {name} SET (timescaledb.materialized_only = TRUE)")


def test_a_new_store_has_its_hypertables_where_the_extension_is_in_the_database(database):
    found = rows(database, "SELECT hypertable_name, column_name, time_interval FROM timescaledb_information.dimensions")
    assert {row for row in found if not row[0].startswith("_")} == {
        ("agent_cost_vector", "executed_at", timedelta(days=30)),
        ("bootstrap_metrics", "measured_at", timedelta(days=365)),
    }


def test_old_chunks_are_compressed_and_aggregates_refreshed_by_these_jobs_and_nothing_is_dropped(database):
    hour = timedelta(hours=1)
    found = jobs(database)
    assert {key: found[key][1]["compress_after"] for key in found if key[0] == "policy_compression"} == {
        ("policy_compression", "agent_cost_vector"): "30 days",
        ("policy_compression", "bootstrap_metrics"): "30 days",
    }
    assert {key: value for key, value in found.items() if key[0] != "policy_compression"} == {
        ("policy_refresh_continuous_aggregate", "daily_cost_by_role"): (
            hour,
            {"start_offset": None, "end_offset": "01:00:00"},
        ),
        ("policy_refresh_continuous_aggregate", "hourly_performance"): (
            hour / 2,
            {"start_offset": None, "end_offset": "01:00:00"},
        ),
    }


def test_rows_that_were_there_before_are_all_kept():
    with running_server() as url, connected(url) as database:
        for name in ("migrations/001_create_tables.sql", "migrations/002_create_indexes.sql", "vocabularies.sql"):
            database.execute(sql.script(name))
        database.execute(sql.script("migrations/004_sample_data.sql"))
        before = {table: rows(database, query) for table, query in ROWS.items()}
        database.execute(SETUP)
        assert {table: rows(database, query) for table, query in ROWS.items()} == before
        assert rows(database, "SELECT count(*) FROM ONLY agent_cost_vector") == [(0,)]
        assert rows(database, "SELECT count(*) FROM show_chunks('agent_cost_vector')")[0][0] > 1


def test_running_it_again_changes_nothing(database):
    compress_all(database)

    def everything():
        chunks = "SELECT chunk_name, is_compressed FROM timescaledb_information.chunks ORDER BY 1"
        relations = "SELECT relname, relkind, relacl::TEXT FROM pg_class ORDER BY oid"
        queries = [*ROWS.values(), chunks, relations, "SELECT * FROM asp_changes ORDER BY 1"]
        return [rows(database, query) for query in queries], jobs(database)

    before = everything()
    database.execute(SETUP)
    assert everything() == before


def test_what_somebody_chose_outlasts_the_next_run(database):
    database.execute("SELECT remove_compression_policy('agent_cost_vector')")
    database.execute("ALTER TABLE agent_cost_vector SET (timescaledb.compress_segmentby = 'llm_model')")
    database.execute("SELECT add_compression_policy('agent_cost_vector', INTERVAL '7 days')")
    database.execute(SETUP)
    assert jobs(database)["policy_compression", "agent_cost_vector"][1]["compress_after"] == "7 days"
    settings = "SELECT attname FROM timescaledb_information.compression_settings WHERE segmentby_column_index = 1"
    assert ("llm_model",) in rows(database, settings) and ("agent_role",) not in rows(database, settings)


def test_compressed_executions_are_kept_by_role(database):
    query = """
        SELECT hypertable_name, attname FROM timescaledb_information.compression_settings
        WHERE segmentby_column_index IS NOT NULL ORDER BY 1"""
    assert rows(database, query) == [("agent_cost_vector", "agent_role"), ("bootstrap_metrics", "capability")]


def test_the_days_are_those_of_plain_sql(database):
    only_refreshed(database, "daily_cost_by_role")
    key = "ORDER BY day, agent_role, llm_model"
    found, plain = rows(database, f"TABLE daily_cost_by_role {key}"), rows(database, f"{PLAIN_DAYS} {key}")
    assert len(found) > 200
    assert [row[:5] for row in found] == [row[:5] for row in plain]
    for one, other in zip(found, plain, strict=True):
        assert known(one[5:]) == pytest.approx(known(other[5:]), rel=1e-12)  # a sum's order shows in its last digits


def test_the_days_tell_unknown_cost_from_none(database):
    assert rows(database, "SELECT sum(executions_without_cost) FROM daily_cost_by_role")[0][0] > 0
    database.execute(NEW_ROW.format(at="now()", execution="'unpriced'"))
    query = "SELECT executions, executions_without_cost, cost_usd FROM daily_cost_by_role WHERE agent_role = 'Dredging'"
    assert rows(database, query) == [(1, 1, None)]


def test_the_hours_have_the_percentiles_of_plain_sql(database):
    only_refreshed(database, "hourly_performance")
    found = rows(database, "TABLE hourly_performance ORDER BY hour, agent_role")
    plain = rows(database, f"{PLAIN_HOURS} ORDER BY 1, 2")
    assert max(row[2] for row in found) > 1 and max(row[3] for row in found) > 0
    assert [row[:4] for row in found] == [row[:4] for row in plain]
    for one, other in zip(found, plain, strict=True):
        assert known(one[4:]) == pytest.approx(known((other[4], *(other[5] or [None] * 4))), rel=1e-12)


@pytest.mark.parametrize("name", ["daily_cost_by_role", "hourly_performance"])
def test_the_running_day_shows_before_any_refresh(database, name):
    database.execute(NEW_ROW.format(at="now()", execution="'just now'"))
    assert rows(database, f"SELECT executions FROM {name} WHERE agent_role = 'Dredging'") == [(1,)]


def test_a_row_of_long_ago_shows_after_the_next_refresh(server):
    seen = "SELECT executions FROM daily_cost_by_role WHERE agent_role = 'Dredging'"
    with connected(server) as database:
        job = rows(database, "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name LIKE '%refresh%' LIMIT 1")
        database.execute(NEW_ROW.format(at="TIMESTAMPTZ '2025-11-05 12:00Z'", execution="'late'"))
        try:
            assert rows(database, seen) == []
            database.execute(f"CALL run_job({job[0][0]})")
            assert rows(database, seen) == [(1,)]
        finally:
            database.execute("DELETE FROM agent_cost_vector WHERE execution_id = 'late'")
            database.execute(f"CALL run_job({job[0][0]})")


def test_the_jobs_compress_what_is_old_and_its_rows_stay(server):
    policies = "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'"
    chunks = "SELECT DISTINCT is_compressed FROM timescaledb_information.chunks WHERE hypertable_name = '{}'"
    with connected(server) as database:
        before = {table: rows(database, query) for table, query in ROWS.items()}
        try:
            for (job,) in rows(database, policies):
                database.execute(f"CALL run_job({job})")
            assert rows(database, chunks.format("agent_cost_vector")) == [(True,)]
            assert {table: rows(database, query) for table, query in ROWS.items()} == before
        finally:
            for table in ROWS:
                database.execute(f"SELECT decompress_chunk(chunk, TRUE) FROM show_chunks('{table}') AS chunk")


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "compressed"])
def test_an_execution_is_there_once(database, is_compressed):
    if is_compressed:
        compress_all(database)
    with pytest.raises(psycopg.errors.UniqueViolation, match="pk_agent_cost_vector"):
        database.execute(COPY_OF_A_ROW.format(task="task_id", execution="execution_id"))


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "compressed"])
def test_an_execution_needs_its_task(database, is_compressed):
    if is_compressed:
        compress_all(database)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="fk_agent_cost_vector_task"):
        database.execute(COPY_OF_A_ROW.format(task="'nobody knows it'", execution="'new'"))


def test_a_task_with_executions_cannot_be_deleted(database):
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="fk_agent_cost_vector_task"):
        database.execute("DELETE FROM task_metadata WHERE task_id NOT IN (SELECT task_id FROM defect_log)")


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE agent_cost_vector SET user_id = 'ada' WHERE row_id = 1",
        "DELETE FROM agent_cost_vector WHERE row_id = 1",
        "SELECT asp_move_execution((SELECT max(execution_id) FROM agent_cost_vector), '2031-01-01Z')",
        "TRUNCATE agent_cost_vector",
    ],
)
def test_a_change_of_the_cost_vector_is_counted_once(database, statement, is_compressed):
    if is_compressed:
        compress_all(database)
    before = changes(database, "agent_cost_vector")
    database.execute(statement)
    assert changes(database, "agent_cost_vector") == before + 1


def test_a_new_measurement_of_learning_is_counted_once(database):
    before = changes(database, "bootstrap_metrics")
    database.execute(
        "INSERT INTO bootstrap_metrics (measured_at, period_start_at, period_end_at, capability, mode, tasks_completed,"
        " tasks_needed) VALUES (now(), now(), now(), 'PROBE_AI', 'Learning', 1, 20)"
    )
    assert changes(database, "bootstrap_metrics") == before + 1


@pytest.mark.parametrize("role", ["asp_reader", "asp_writer"])
@pytest.mark.parametrize("name", ["daily_cost_by_role", "hourly_performance", "agent_cost_vector"])
def test_both_roles_read_the_aggregates_and_what_is_below(database, role, name):
    compress_all(database)
    database.execute(f"SET LOCAL ROLE {role}")
    assert rows(database, f"SELECT count(*) FROM {name}")[0][0] > 0


def test_a_writer_writes_where_no_chunk_is_yet_and_where_one_is_compressed(database):
    compress_all(database)
    database.execute("SET LOCAL ROLE asp_writer")
    database.execute(NEW_ROW.format(at="TIMESTAMPTZ '2031-01-01Z'", execution="'new'"))
    database.execute(COPY_OF_A_ROW.format(task="task_id", execution="'new, too'"))
    database.execute("UPDATE agent_cost_vector SET user_id = 'ada' WHERE execution_id = 'new'")
    database.execute("UPDATE agent_cost_vector SET user_id = 'ada' WHERE row_id = 1")
    assert rows(database, "SELECT count(*) FROM agent_cost_vector WHERE user_id = 'ada'") == [(2,)]


@pytest.mark.parametrize("role", ["asp_reader", "asp_writer"])
def test_neither_role_deletes_telemetry(database, role):
    database.execute(f"SET LOCAL ROLE {role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("DELETE FROM agent_cost_vector")


def test_loading_a_file_again_adds_nothing_to_what_was_compressed_in_between(server, run, tmp_path):
    file = tmp_path / "runs.csv"
    lines = [f"2026-01-{day:02}T09:00:00Z,ABC-{day},Code,0.5,{day}00" for day in range(1, 29)]
    file.write_text("\n".join(["executed_at,task_id,agent_role,cost_usd,latency_ms", *lines]))
    load = ("load", file, "--as", "executions", "--db", server, "--json")
    first = run(*load).json
    with connected(server) as database:
        try:
            compress_all(database)
            before = rows(database, ROWS["agent_cost_vector"])
            again = run(*load).json
            assert rows(database, ROWS["agent_cost_vector"]) == before
        finally:
            database.execute("DELETE FROM agent_cost_vector WHERE task_id LIKE 'ABC-%'")
            database.execute("SELECT decompress_chunk(chunk, TRUE) FROM show_chunks('agent_cost_vector') AS chunk")
    assert (first["written"], first["present"]) == (28, 0)
    assert (again["written"], again["present"]) == (0, 28)


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "compressed"])
def test_an_execution_that_happened_at_another_time_is_moved(server, run, tmp_path, is_compressed):
    file, load = (
        tmp_path / "runs.jsonl",
        ("load", tmp_path / "runs.jsonl", "--as", "executions", "--db", server, "--json"),
    )
    line = '{{"execution_id":"ABC","executed_at":"{}","task_id":"ABC-1","agent_role":"Code","tokens_in":{}}}\n'
    with connected(server) as database:
        try:
            file.write_text(line.format("2026-01-05T00:00:00Z", 1))
            assert run(*load).json["written"] == 1
            if is_compressed:
                compress_all(database)
            file.write_text(line.format("2026-06-05T00:00:00Z", 2))
            assert run(*load).json["updated"] == 1
            query = "SELECT executed_at::TEXT, tokens_in FROM agent_cost_vector WHERE execution_id = 'ABC'"
            assert rows(database, query) == [("2026-06-05 00:00:00+00", 2)]
        finally:
            database.execute("DELETE FROM agent_cost_vector WHERE task_id LIKE 'ABC-%'")
            database.execute("SELECT decompress_chunk(chunk, TRUE) FROM show_chunks('agent_cost_vector') AS chunk")


def test_the_writer_may_load_any_number_of_rows_into_what_was_compressed(server):
    with connected(server) as database:
        limit = "SHOW timescaledb.max_tuples_decompressed_per_dml_transaction"
        assert rows(database, limit) != [("0",)]
    store = open_store(StoreUrl(server, None))
    try:
        assert [list(row.values()) for row in store.read(limit)] == [["0"]]
    finally:
        store.close()


def test_the_workbench_reads_compressed_rows_as_it_reads_sqlite(server, run, sample_store):
    question = "SELECT agent_role, executions, tokens_in, round(cost_usd, 6) AS usd FROM role_costs ORDER BY agent_role"
    expected = run("sql", question, "--csv", "--db", sample_store).out
    with connected(server) as database:
        compress_all(database)
        try:
            found = run("sql", question, "--csv", "--db", server)
        finally:
            database.execute("SELECT decompress_chunk(chunk, TRUE) FROM show_chunks('agent_cost_vector') AS chunk")
    assert expected.count("\n") > 5
    assert found.out == expected, found.err


# --- the upgrade of a store of version 2 ---

FORMER_SETUP = """
    SELECT create_hypertable('agent_cost_vector', 'timestamp', chunk_time_interval => INTERVAL '30 days',
        migrate_data => TRUE);
    SELECT create_hypertable('bootstrap_metrics', 'measured_at', chunk_time_interval => INTERVAL '365 days',
        migrate_data => TRUE);
    ALTER TABLE agent_cost_vector SET (timescaledb.compress, timescaledb.compress_segmentby = 'metric_type',
        timescaledb.compress_orderby = 'timestamp, execution_id, id');
    ALTER TABLE bootstrap_metrics SET (timescaledb.compress, timescaledb.compress_segmentby = 'capability_name',
        timescaledb.compress_orderby = 'measured_at, id');
    SELECT add_compression_policy('agent_cost_vector', compress_after => INTERVAL '30 days');
    CREATE MATERIALIZED VIEW daily_cost_by_role
        WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
    SELECT time_bucket(INTERVAL '1 day', timestamp) AS day, agent_role, llm_model,
        count(DISTINCT execution_id) AS executions,
        sum(metric_value) FILTER (WHERE metric_type = 'API_Cost') AS cost_usd
    FROM agent_cost_vector GROUP BY 1, agent_role, llm_model WITH NO DATA;
    CREATE MATERIALIZED VIEW hourly_performance
        WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
    SELECT time_bucket(INTERVAL '1 hour', timestamp) AS hour, agent_role, count(*) AS executions
    FROM agent_cost_vector WHERE metric_type = 'Latency' GROUP BY 1, agent_role WITH NO DATA;
    SELECT add_continuous_aggregate_policy('daily_cost_by_role', start_offset => NULL, end_offset => INTERVAL '1 hour',
        schedule_interval => INTERVAL '1 hour');
    GRANT SELECT ON daily_cost_by_role, hourly_performance TO asp_reader;"""
"""What 003 of the release before made, as far as an upgrade meets it."""

DAYS = "SELECT day, agent_role, llm_model, executions, round(cost_usd::NUMERIC, 9) FROM {} ORDER BY 1, 2, 3"


@pytest.fixture
def version_2() -> Iterator[str]:
    """The stored store of version 2 as hypertables, whose old chunks are compressed and aggregates refreshed."""
    with running_server() as url:
        with connected(url) as database:
            database.execute(VERSION_2)
            database.execute(FORMER_SETUP)
            for name in ("daily_cost_by_role", "hourly_performance"):
                database.execute(f"CALL refresh_continuous_aggregate('{name}', NULL, NULL)")
            for table in ROWS:
                database.execute(f"SELECT compress_chunk(chunk) FROM show_chunks('{table}') AS chunk")
        yield url


def test_an_upgrade_keeps_every_execution_of_compressed_chunks(version_2):
    with connected(version_2) as database:
        costs = "SELECT count(*), sum(metric_value) FROM agent_cost_vector WHERE metric_type = 'API_Cost'"
        before, days = rows(database, costs), rows(database, DAYS.format("daily_cost_by_role"))
        open_store(StoreUrl(version_2, None)).close()
        assert rows(database, "SELECT count(cost_usd), sum(cost_usd) FROM agent_cost_vector") == before
        assert rows(database, DAYS.format("daily_cost_by_role")) == days and len(days) == 7
        query = "SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables ORDER BY 1"
        assert rows(database, query) == [("agent_cost_vector", True), ("bootstrap_metrics", True)]
        assert rows(database, "SELECT relname FROM pg_class WHERE relname ~ '^(former|metrics)'") == []
        compress_all(database)
        assert rows(database, "SELECT count(cost_usd), sum(cost_usd) FROM agent_cost_vector") == before


def test_days_that_only_the_aggregates_know_outlast_an_upgrade(version_2):
    with connected(version_2) as database:
        database.execute("SELECT drop_chunks('agent_cost_vector', TIMESTAMPTZ '2026-02-01Z')")
        days = rows(database, DAYS.format("daily_cost_by_role"))
        open_store(StoreUrl(version_2, None)).close()
        database.execute("SET ROLE asp_reader")
        kept, present = (
            rows(database, DAYS.format(name)) for name in ("former_daily_cost_by_role", "daily_cost_by_role")
        )
        assert len(kept) == 4 and [*kept, *present] == days
        assert rows(database, "SELECT count(*) FROM former_hourly_performance")[0][0] > 0


def test_an_upgrade_that_fails_leaves_the_hypertables_and_aggregates_of_version_2(version_2, monkeypatch):
    tables = "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::REGNAMESPACE ORDER BY 1"
    with connected(version_2) as database:
        before = rows(database, tables), rows(database, DAYS.format("daily_cost_by_role")), jobs(database)

        def fail(*_):
            raise StoreError("here it ends")

        monkeypatch.setattr(upgrades, "_note_version", fail)
        with pytest.raises(StoreError, match="here it ends"):
            open_store(StoreUrl(version_2, None))
        after = rows(database, tables), rows(database, DAYS.format("daily_cost_by_role")), jobs(database)
        assert after == before
