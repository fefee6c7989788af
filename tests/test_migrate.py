"""`asp-analysis migrate`: a store arrives on the server as it is, once, and is compared with what is stored there."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from asp_analysis.config import parse_url
from asp_analysis.postgres import migrate, sqlite_source
from asp_analysis.progress import listening
from asp_analysis.sql import SCHEMA_VERSION
from asp_analysis.store.database import create_store
from tests.postgres import PASSWORD
from tests.test_platform_file import METRIC, TABLES
from tests.test_upgrade_on_postgres import everything, write_version_2


@pytest.fixture
def own_store(sample_store, tmp_path):
    """A copy of the sample with what the sample lacks: loads, rejects, own words, edges of every type."""
    path = tmp_path / "own.db"
    shutil.copy(sample_store.path, path)
    with sqlite3.connect(path) as file:
        file.execute("UPDATE agent_roles SET phase_order = 99 WHERE agent_role = 'Test'")
        file.execute("INSERT INTO agent_roles VALUES ('Prüfung', 55, 'appraisal')")
        file.execute("INSERT INTO capabilities VALUES ('Mooring', 70, 'ties up')")
        file.execute("INSERT INTO defect_types VALUES ('Flaky_Test', 110, 'ours')")
        file.execute(
            "INSERT INTO task_metadata (task_id, created_at, components_json, semantic_units_json, is_human_reviewed, "
            "task_description, metadata_json, load_id) "
            "VALUES ('a\tb\\N\nc', '0001-01-01T00:00:00.000001Z', ?, '[]', 1, '', ?, 3)",
            (json.dumps(["src/a.py", 'with "quotes", {braces}', "NULL", ""]), '{"x": 1e400, "y": [1.10, "\\u00e9"]}'),
        )
        execution = (
            "INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, latency_ms, tokens_in, "
            "labels) VALUES (?, '9999-12-31T23:59:58.999999Z', 'FERRY-001', 'Code', ?, ?, ?)"
        )
        file.execute(execution, ("E-1", 0.1 + 0.2, None, '{"team":"a"}'))
        file.execute(execution, ("E-2", 0.0, 2**63 - 1, None))
        file.execute(execution, ("E-3", 1.7976931348623157e308, 2**63 - 1, None))
        file.execute(execution, ("E-4", 1.7976931348623157e308, 0, None))
        file.execute(execution, ("E-5", 5e-324, None, None))
        file.execute(
            "INSERT INTO defect_log (defect_id, found_at, task_id, defect_type, phase_injected, phase_removed, "
            "description) VALUES ('D-9', '2026-01-01T00:00:00.000000Z', 'FERRY-001', 'Flaky_Test', "
            "'Prüfung', 'Test', 'd')"
        )
        file.execute(
            "INSERT INTO load_log VALUES (3, 'f.csv', 'x', 1, 'csv', 'executions', '2026-01-01T00:00:00.000000Z', "
            "'2026-01-01T00:00:01.000000Z', 2, 1, 0, 0, 1, 0, '{}', 1700000000123456789, NULL, 1)"
        )
        file.execute("INSERT INTO load_reject VALUES (9, 3, 'f.csv', 2, '[\"cost_usd: is bad\"]', 'a,b\n', 'y')")
    file.close()
    return parse_url(str(path), tmp_path)


def rows(url, query):
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def old_store(path, version):
    """A store as a release of that schema version left it."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript((Path(__file__).parent / "stores" / f"version_{version}.sql").read_text(encoding="utf-8"))
    return path


def test_every_value_arrives(run, own_store, postgres_url):
    ran = run("migrate", postgres_url, "--from", own_store, "--json")
    assert ran.exit_code == 0, ran.err
    assert all(check["is_equal"] for check in ran.json) and len(ran.json) > 400
    task = rows(
        postgres_url.text,
        "SELECT task_description, components_json, is_human_reviewed, metadata_json::TEXT, created_at::TEXT, load_id, "
        "reported_defects FROM task_metadata WHERE created_at < '1900-01-01'",
    )[0]
    assert task[0] == "" and task[1] == ["src/a.py", 'with "quotes", {braces}', "NULL", ""] and task[2] is True
    assert task[3] == '{"x": 1' + "0" * 400 + ', "y": [1.10, "é"]}' and task[4] == "0001-01-01 00:00:00.000001+00"
    assert task[5:] == (3, None)
    values = rows(
        postgres_url.text,
        "SELECT latency_ms::TEXT, tokens_in, labels FROM agent_cost_vector WHERE execution_id LIKE 'E-%' ORDER BY 1",
    )
    assert sorted(values, key=str) == [
        ("0", 2**63 - 1, None),
        ("0.30000000000000004", None, {"team": "a"}),
        ("1.7976931348623157e+308", 0, None),
        ("1.7976931348623157e+308", 2**63 - 1, None),
        ("5e-324", None, None),
    ]
    numbers = rows(postgres_url.text, "SELECT execution_id FROM agent_cost_vector ORDER BY row_id DESC LIMIT 2")
    assert numbers == [("E-5",), ("E-4",)]


def test_the_stores_own_words_win(run, own_store, postgres_url):
    run("migrate", postgres_url, "--from", own_store)
    found = rows(
        postgres_url.text,
        "SELECT agent_role, phase_order FROM agent_roles WHERE agent_role IN ('Test', 'Prüfung') UNION ALL "
        "SELECT capability, capability_order FROM capabilities WHERE capability = 'Mooring' UNION ALL "
        "SELECT defect_type, type_order FROM defect_types WHERE taxonomy = 'ours'",
    )
    assert sorted(found) == [("Flaky_Test", 110), ("Mooring", 70), ("Prüfung", 55), ("Test", 99)]


def test_the_server_goes_on_numbering_after_the_last_row(run, own_store, postgres_url):
    run("migrate", postgres_url, "--from", own_store)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute(
            "INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role) VALUES "
            "('NEW', '2030-01-01', 'FERRY-001', 'Code')"
        )
        ids = connection.execute(
            "SELECT max(row_id), count(*), count(DISTINCT row_id) FROM agent_cost_vector"
        ).fetchone()
        load = connection.execute("SELECT nextval(pg_get_serial_sequence('load_log', 'load_id'))").fetchone()[0]
    assert ids == (391, 391, 391) and load == 4


def test_keys_and_indexes_are_those_of_a_store_made_on_the_server(run, own_store, postgres_url, postgres_server):
    from tests.postgres import new_database

    listed = (
        "SELECT conname, conrelid::REGCLASS::TEXT, pg_get_constraintdef(oid), convalidated FROM pg_constraint "
        "WHERE connamespace = 'public'::REGNAMESPACE UNION SELECT indexname, tablename, indexdef, TRUE FROM pg_indexes "
        "WHERE schemaname = 'public'"
    )
    run("migrate", postgres_url, "--from", own_store)
    with new_database(postgres_server) as other:
        create_store(parse_url(other, own_store.path.parent))
        assert sorted(rows(postgres_url.text, listed)) == sorted(rows(other, listed))


def test_the_writer_continues_on_the_server(run, own_store, postgres_url, tmp_path):
    run("migrate", postgres_url, "--from", own_store)
    (tmp_path / "more.csv").write_text("timestamp,task_id,agent_role,cost_usd\n2026-03-02,NEW-1,Code,1.25\n")
    ran = run("load", tmp_path / "more.csv", "--as", "executions", "--json", "--db", postgres_url)
    assert ran.exit_code == 0 and ran.json["written"] == 1, ran.err


def test_the_source_is_not_touched(run, own_store, postgres_url):
    def state():
        stat = own_store.path.stat()
        return hashlib.sha256(own_store.path.read_bytes()).hexdigest(), stat.st_mtime_ns, stat.st_size

    before = state()
    assert run("migrate", postgres_url, "--from", own_store).exit_code == 0
    assert state() == before


def test_what_a_killed_writer_left_beside_the_file_is_carried_and_not_touched(run, own_store, postgres_url):
    writing = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode = WAL'); "
        "c.execute(\"INSERT INTO task_metadata (task_id, created_at) VALUES ('W', '2026-01-01T00:00:00.000000Z')\"); "
        "c.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", writing, str(own_store.path)], check=True)
    files = [own_store.path, own_store.path.with_name("own.db-wal")]
    before = [file.read_bytes() for file in files]
    assert run("migrate", postgres_url, "--from", own_store).exit_code == 0
    assert rows(postgres_url.text, "SELECT count(*) FROM task_metadata WHERE task_id = 'W'") == [(1,)]
    assert [file.read_bytes() for file in files] == before


def test_a_copy_that_differs_is_shown_and_not_kept(run, own_store, postgres_url, tmp_path):
    create_store(postgres_url)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute(
            "CREATE FUNCTION rounded() RETURNS TRIGGER LANGUAGE plpgsql AS "
            "'BEGIN NEW.latency_ms = NEW.latency_ms::REAL; RETURN NEW; EXCEPTION WHEN OTHERS THEN RETURN NEW; END'"
        )
        connection.execute(
            "CREATE TRIGGER rounded BEFORE INSERT ON agent_cost_vector FOR EACH ROW EXECUTE FUNCTION rounded()"
        )
    ran = run("migrate", postgres_url, "--from", own_store, "--json", "--rejects", tmp_path / "aside.jsonl")
    different = {(check["table"], check["column"]) for check in ran.json if not check["is_equal"]}
    assert ran.exit_code == 1 and different == {("agent_cost_vector", ""), ("agent_cost_vector", "latency_ms")}
    assert "Nothing was written" in ran.err and not list(tmp_path.glob("aside*"))
    assert rows(postgres_url.text, "SELECT count(*) FROM agent_cost_vector") == [(0,)]


def test_a_second_run_compares_again_and_writes_nothing(run, own_store, postgres_url):
    run("migrate", postgres_url, "--from", own_store)
    before = rows(postgres_url.text, "SELECT * FROM asp_changes ORDER BY table_name")
    again = run("migrate", postgres_url, "--from", own_store)
    assert again.exit_code == 0 and "Already migrated" in again.err
    assert rows(postgres_url.text, "SELECT * FROM asp_changes ORDER BY table_name") == before


def test_a_dry_run_writes_nothing(run, own_store, postgres_url):
    ran = run("migrate", postgres_url, "--from", own_store, "--dry-run", "--json")
    assert ran.exit_code == 0 and "would be copied" in ran.err
    assert {"table": "load_reject", "rows": 1, "set_aside": 0} in ran.json
    assert rows(postgres_url.text, "SELECT count(*) FROM pg_class WHERE relname = 'task_metadata'") == [(0,)]


def test_an_empty_store_on_the_server_is_filled(run, own_store, postgres_url):
    create_store(postgres_url)
    assert run("migrate", postgres_url, "--from", own_store).exit_code == 0
    assert rows(postgres_url.text, "SELECT count(*) FROM task_metadata") == [(51,)]


def test_the_copy_is_exported_too(run, own_store, postgres_url, tmp_path):
    import pyarrow.parquet

    ran = run("migrate", postgres_url, "--from", own_store, "--export", tmp_path / "files")
    assert ran.exit_code == 0, ran.err
    tables = [pyarrow.parquet.read_table(path) for path in (tmp_path / "files").glob("*.parquet")]
    (executions,) = [table for table in tables if "latency_ms" in table.column_names and table.num_rows == 390]
    assert 0.1 + 0.2 in executions["latency_ms"].to_pylist()


def test_an_export_to_a_folder_that_is_there_is_refused_before_anything(run, own_store, postgres_url, tmp_path):
    assert run("migrate", postgres_url, "--from", own_store, "--export", tmp_path).exit_code == 2
    assert rows(postgres_url.text, "SELECT count(*) FROM pg_class WHERE relname = 'task_metadata'") == [(0,)]


def test_other_data_on_the_server_are_named_and_kept(run, own_store, postgres_url):
    create_store(postgres_url)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute("INSERT INTO task_metadata (task_id, created_at) VALUES ('X', now())")
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "1 rows in task_metadata (the store: 51)" in ran.err
    assert rows(postgres_url.text, "SELECT task_id FROM task_metadata") == [("X",)]


ADDED = {
    "agent_roles": "INSERT INTO agent_roles VALUES ('Mine', 1, 'appraisal')",
    "capabilities": "INSERT INTO capabilities VALUES ('Mine', 1, 'x')",
    "defect_types": "UPDATE defect_types SET taxonomy = 'Mine' WHERE defect_type = '20_Syntax'",
}


@pytest.mark.parametrize("table", ADDED)
def test_words_that_somebody_changed_on_the_server_are_not_thrown_away(run, own_store, postgres_url, table):
    create_store(postgres_url)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute(ADDED[table])
    before = rows(postgres_url.text, f"SELECT * FROM {table} ORDER BY 1")
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "has other content: " in ran.err
    assert rows(postgres_url.text, f"SELECT * FROM {table} ORDER BY 1") == before


def test_a_store_that_has_grown_since_is_named(run, own_store, postgres_url):
    run("migrate", postgres_url, "--from", own_store)
    with sqlite3.connect(own_store.path) as file:
        file.execute("INSERT INTO task_metadata (task_id, created_at) VALUES ('NEW', '2026-01-01T00:00:00.000000Z')")
    file.close()
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "51 rows in task_metadata (the store: 52)" in ran.err


TAMPERED = [
    "UPDATE agent_cost_vector SET latency_ms = 0.3 WHERE execution_id = 'E-1'",
    "UPDATE agent_cost_vector SET latency_ms = '-0' WHERE execution_id = 'E-2'",
    "UPDATE agent_cost_vector SET tokens_in = tokens_in - 1 WHERE execution_id = 'E-3'",
    "UPDATE agent_cost_vector SET llm_model = NULL WHERE execution_id = "
    "(SELECT min(execution_id) FROM agent_cost_vector WHERE llm_model IS NOT NULL)",
    "UPDATE task_metadata SET metadata_json = metadata_json || '{\"z\": 1}' WHERE created_at < '1900-01-01'",
    "UPDATE task_metadata SET components_json = components_json - 0 WHERE created_at < '1900-01-01'",
    "UPDATE task_metadata SET created_at = created_at + INTERVAL '1 microsecond' WHERE task_id = 'FERRY-001'",
    "UPDATE defect_log SET is_validated_by_human = NOT is_validated_by_human "
    "WHERE defect_id = (SELECT min(defect_id) FROM defect_log)",
    "UPDATE task_metadata SET task_description = NULL WHERE task_description = ''",
    "UPDATE bootstrap_metrics SET tasks_needed = tasks_needed + 1 WHERE capability = 'PROBE_AI' "
    "AND measured_at = (SELECT max(measured_at) FROM bootstrap_metrics)",
    "UPDATE capabilities SET meaning = 'x' WHERE capability = 'Mooring'",
    "UPDATE defect_types SET type_order = 9 WHERE defect_type = '20_Syntax'",
    "UPDATE load_log SET modified_ns = modified_ns + 1",
    "UPDATE load_reject SET raw_text = raw_text || ' '",
]


@pytest.mark.parametrize("statement", TAMPERED)
def test_one_changed_value_on_the_server_is_found(run, own_store, postgres_url, statement):
    run("migrate", postgres_url, "--from", own_store)
    with psycopg.connect(postgres_url.text) as connection:
        assert connection.execute(statement).rowcount == 1
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "has other content: " in ran.err and "checksum" in ran.err


def test_a_value_in_a_column_that_is_empty_in_the_store_is_found(run, own_store, postgres_url):
    run("migrate", postgres_url, "--from", own_store)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute("UPDATE agent_cost_vector SET tool = 'm' WHERE execution_id = 'E-1'")
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "known of agent_cost_vector.tool is 1 (the store: 0)" in ran.err


def test_values_that_changed_places_between_rows_are_found(run, own_store, postgres_url):
    run("migrate", postgres_url, "--from", own_store)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute(
            "UPDATE agent_cost_vector SET latency_ms = "
            "CASE execution_id WHEN 'E-1' THEN 5e-324 ELSE 0.1::FLOAT8 + 0.2 END "
            "WHERE execution_id IN ('E-1', 'E-5')"
        )
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "has other content: checksum of agent_cost_vector is" in ran.err
    assert "latency_ms" not in ran.err


def test_a_number_that_would_be_given_twice_is_found(run, own_store, postgres_url):
    run("migrate", postgres_url, "--from", own_store)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute("ALTER TABLE load_log ALTER COLUMN load_id RESTART WITH 2")
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "next of load_log.load_id is 2" in ran.err


def test_what_is_written_meanwhile_is_not_carried_in_part(own_store, postgres_url):
    def write_while_it_runs(step):
        if step.part == "agent_roles":
            with sqlite3.connect(own_store.path) as file:
                file.execute(
                    "INSERT INTO task_metadata (task_id, created_at) VALUES ('L', '2026-01-01T00:00:00.000000Z')"
                )
            file.close()

    with listening(write_while_it_runs):
        done = migrate(own_store, postgres_url)
    assert done.rows["task_metadata"] == 51 and not done.differences
    assert rows(postgres_url.text, "SELECT count(*) FROM task_metadata") == [(51,)]


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_version_is_upgraded_in_a_copy_and_stays_as_it_was(
    run, tmp_path, postgres_url, version, monkeypatch
):
    path = old_store(tmp_path / "old.db", version)
    before = path.read_bytes()
    ran = run("migrate", postgres_url, "--from", path, "--json")
    assert ran.exit_code == 0 and all(check["is_equal"] for check in ran.json), ran.err
    assert path.read_bytes() == before and not list(tmp_path.glob("backups"))
    assert not list(Path(tempfile.gettempdir()).glob("asp-migrate-*"))
    assert rows(postgres_url.text, "SELECT max(version) FROM asp_schema") == [(SCHEMA_VERSION,)]
    migrated = everything(postgres_url)
    assert run("init", "--db", path).exit_code == 0  # upgrades the file itself
    again = run("migrate", postgres_url, "--from", path)
    assert again.exit_code == 0 and "Already migrated" in again.err, again.err
    assert everything(postgres_url) == migrated


def test_a_store_of_an_earlier_version_is_carried_as_it_is_at_one_moment(tmp_path, postgres_url, monkeypatch):
    """What is written while the copy is being upgraded is not carried."""
    path = old_store(tmp_path / "old.db", 2)
    upgrade = sqlite_source.upgrade_copy

    def write_meanwhile(copy):
        with closing(sqlite3.connect(path)) as file:
            file.execute("INSERT INTO task_metadata (task_id, created_at) VALUES ('L', '2026-01-01T00:00:00.000000Z')")
            file.commit()
        upgrade(copy)

    monkeypatch.setattr(sqlite_source, "upgrade_copy", write_meanwhile)
    done = migrate(parse_url(str(path), tmp_path), postgres_url)
    assert not done.differences
    assert rows(postgres_url.text, "SELECT count(*) FROM task_metadata WHERE task_id = 'L'") == [(0,)]


def test_a_file_of_the_platform_is_refused_and_can_be_loaded_first(run, tmp_path, postgres_url):
    platform_file = tmp_path / "platform.db"
    with closing(sqlite3.connect(platform_file)) as file:
        file.executescript(TABLES)
        file.execute(METRIC, ("2025-11-12 09:00:00", "API_Cost", 0.1 + 0.2, "USD"))
        file.execute(METRIC, ("2025-11-12 10:00:00", "Latency", 800.0, "ms"))
        file.commit()
    ran = run("migrate", postgres_url, "--from", platform_file)
    assert "was written by the ASP platform" in ran.refusal and f"asp-analysis load {platform_file}" in ran.refusal
    assert rows(postgres_url.text, "SELECT count(*) FROM pg_class WHERE relname = 'task_metadata'") == [(0,)]
    store = f"sqlite:///{tmp_path}/store.db"
    assert run("init", "--db", store).exit_code == 0
    assert run("load", platform_file, "--db", store).exit_code == 0
    assert run("migrate", postgres_url, "--from", store).exit_code == 0
    assert rows(postgres_url.text, "SELECT sum(cost_usd), count(*) FROM agent_cost_vector") == [(0.1 + 0.2, 2)]


def test_a_table_that_another_program_has_changed_is_one_line(run, own_store, postgres_url):
    with closing(sqlite3.connect(own_store.path)) as file:
        file.execute("ALTER TABLE load_reject RENAME TO former")
        file.execute("CREATE TABLE load_reject AS SELECT * FROM former")
        file.commit()
    ran = run("migrate", postgres_url, "--from", own_store)
    assert "has changed the table load_reject" in ran.refusal


def test_a_server_with_an_earlier_store_is_not_changed(run, own_store, postgres_url):
    write_version_2(postgres_url.text)
    before = everything(postgres_url)
    assert "of schema version 2" in run("migrate", postgres_url, "--from", own_store).refusal
    assert everything(postgres_url) == before


def test_columns_that_the_server_does_not_have_are_named(run, own_store, postgres_url):
    with closing(sqlite3.connect(own_store.path)) as file:
        file.execute("ALTER TABLE task_metadata ADD COLUMN colour TEXT")
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 0 and "task_metadata: colour" in ran.err


def test_a_store_of_a_newer_workbench_is_refused(run, own_store, postgres_url):
    with sqlite3.connect(own_store.path) as file:
        file.execute("INSERT INTO asp_schema VALUES (77, '2026-01-01T00:00:00.000000Z')")
    file.close()
    ran = run("migrate", postgres_url, "--from", own_store)
    assert ran.exit_code == 1 and "has schema version 77" in ran.err


def test_a_database_of_another_encoding_is_refused(run, own_store, postgres_server):
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE asp_test_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        url = urlunsplit(urlsplit(postgres_server)._replace(path="/asp_test_latin"))
        try:
            ran = run("migrate", url, "--from", own_store)
        finally:
            connection.execute("DROP DATABASE asp_test_latin WITH (FORCE)")
    assert ran.exit_code == 1 and "LATIN1" in ran.err


@pytest.mark.parametrize("target", ["sqlite:///x.db", "postgresql://u:pw@host:port/db", "postgresql://[u:pw@host/db"])
def test_an_address_of_no_server_is_one_line(run, own_store, target):
    ran = run("migrate", target, "--from", own_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: ") and ran.err.count("\n") == 1 and "pw" not in ran.err


def test_a_store_that_is_not_there_is_one_line(run, tmp_path, postgres_url):
    ran = run("migrate", postgres_url, "--from", f"sqlite:///{tmp_path}/none.db")
    assert ran.exit_code == 1 and "does not exist" in ran.err and PASSWORD not in ran.err


def test_a_file_that_is_no_database_is_one_line(run, tmp_path, postgres_url):
    (tmp_path / "notes.db").write_text("no database at all, but long enough to be read as one " * 20)
    ran = run("migrate", postgres_url, "--from", tmp_path / "notes.db")
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "not a database" in ran.err
