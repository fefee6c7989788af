"""What the server could not take is named with table, row, column, value and reason; refused, or set aside whole."""

import json
import shutil
import sqlite3

import psycopg
import pytest

from asp_analysis.config import parse_url
from tests.test_platform_file import METRIC, TABLES

TASK = "INSERT INTO task_metadata (task_id, created_at, {}) VALUES ('BAD', '2026-01-01T00:00:00.000000Z', ?)"
DEFECT = (
    "INSERT INTO defect_log (defect_id, created_at, task_id, defect_type, phase_injected, phase_removed, description) "
    "VALUES ('D-9', '2025-11-12 09:30:00', 'T-1', '20_Syntax', ?, 'Test', 'd')"
)


@pytest.fixture
def store(sample_store, tmp_path):
    """A copy of the sample; SQLite holds it to the contract."""
    shutil.copy(sample_store.path, tmp_path / "store.db")
    return tmp_path / "store.db"


@pytest.fixture
def foreign(tmp_path):
    """A file as the ASP platform writes it, with one good row of each kind."""
    path = tmp_path / "platform.db"
    with sqlite3.connect(path) as file:
        file.executescript(TABLES)
        file.execute(
            "INSERT INTO task_metadata (task_id, created_at, status) VALUES ('T-1', '2025-11-12 08:00:00', 'completed')"
        )
        file.execute(METRIC, ("2025-11-12 09:00:00", "Latency", 1200.0, "ms"))
    file.close()
    return path


def change(path, statement, values=()):
    with sqlite3.connect(path) as file:
        file.execute(statement, values)
    file.close()


def count(url, table):
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def has_tables(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('task_metadata') IS NOT NULL").fetchone()[0]


def set_aside(run, path, url, tmp_path):
    """Migrate with --rejects and give what was set aside: table, column, value, reason."""
    ran = run("migrate", url, "--from", path, "--rejects", tmp_path / "aside.jsonl", "--json")
    assert ran.exit_code == 0, ran.err
    assert all(check["is_equal"] for check in ran.json)
    lines = [json.loads(line) for line in (tmp_path / "aside.jsonl").read_text().splitlines()]
    return [(line["table"], one["column"], one["value"], one["reason"]) for line in lines for one in line["reasons"]]


CHECKED = [
    ("metadata", '{"a":"\\u0000"}', "U+0000"),
    ("metadata", '{"a":"\\ud800"}', "UTF-8"),
    ("metadata", '{"a":1e999999}', "fewer digits"),
    ("components_affected", '["a", 1]', "array of texts"),
    ("components_affected", "[null]", "array of texts"),
    ("task_description", "a\0b", "U+0000"),
    ("completed_at", "2026-02-30T00:00:00.000000Z", "not an instant"),
    ("defect_density", float("inf"), "finite"),
]


@pytest.mark.parametrize(("column", "value", "reason"), CHECKED)
def test_what_sqlite_lets_through_is_set_aside(run, store, postgres_url, tmp_path, column, value, reason):
    change(store, TASK.format(column), (value,))
    found = set_aside(run, store, postgres_url, tmp_path)
    assert [one[:3] for one in found] == [("task_metadata", column, value if value != float("inf") else "inf")]
    assert reason in found[0][3] and count(postgres_url.text, "task_metadata") == 50


def test_bytes_that_are_no_utf_8_are_set_aside(run, store, postgres_url, tmp_path):
    change(store, TASK.format("project_id").replace("?", "CAST(X'61FF62' AS TEXT)"))
    assert set_aside(run, store, postgres_url, tmp_path) == [
        ("task_metadata", "project_id", "a\udcffb", "a text in UTF-8 is needed")
    ]


def test_an_orphan_is_set_aside(run, store, postgres_url, tmp_path):
    change(store, "UPDATE agent_cost_vector SET task_id = 'GONE' WHERE id = 17")
    found = set_aside(run, store, postgres_url, tmp_path)
    assert found == [("agent_cost_vector", "task_id", "GONE", "task_metadata has no such row")]
    assert count(postgres_url.text, "agent_cost_vector") == 2954


def test_what_refers_to_a_row_that_is_set_aside_goes_with_it(run, store, postgres_url, tmp_path):
    change(store, "UPDATE task_metadata SET requirements_text = 'a' || char(0) WHERE task_id = 'FERRY-001'")
    found = set_aside(run, store, postgres_url, tmp_path)
    assert {one[3] for one in found[1:]} == {"its row of task_metadata is set aside"}
    assert {one[0] for one in found} == {"task_metadata", "agent_cost_vector", "defect_log"}
    assert count(postgres_url.text, "agent_cost_vector") == 2955 - sum(one[0] == "agent_cost_vector" for one in found)


FOREIGN = [
    (METRIC, ("2025-11-12 09:00:00", "Latency", "n/a", "ms"), "metric_value", "a number is needed"),
    (METRIC, ("2025-11-12 09:00:00", "Latency", 5.0, "furlong"), "metric_unit", "Latency is measured in ms"),
    (METRIC, ("2025-11-12 09:00:00", "Latency", 5.0, " ms"), "metric_unit", "without blanks"),
    (METRIC, ("2025-11-12 09:00:00", "Happiness", 5.0, "ms"), "metric_type", "is not one of"),
    (METRIC, ("2025-11-12 09:00:00", "Latency", -5.0, "ms"), "metric_value", "a number from 0"),
    (METRIC, ("2025-11-12 09:00:00", "Latency", float("inf"), "ms"), "metric_value", "finite"),
    (METRIC, ("soon", "Latency", 5.0, "ms"), "timestamp", "not an instant"),
    (METRIC, ("2025-11-12 09:00:00", "Latency", b"\x00\x01", "ms"), "metric_value", "a number is needed"),
    (METRIC, ("2025-11-13 09:00:00", "Latency", 5.0, "ms"), "execution_date", "2025-11-13, is needed"),
    (TASK.format("human_reviewed"), ("yes",), "human_reviewed", "0 or 1"),
    (TASK.format("semantic_units_json"), ("{'a': 1}",), "semantic_units_json", "JSON"),
    (TASK.format("metadata"), ("[]",), "metadata", "object"),
    (TASK.format("estimated_complexity"), ("large",), "estimated_complexity", "whole number"),
    (TASK.format("completed_at"), ("",), "completed_at", "not an instant"),
    (TASK.format("status"), ("done",), "status", "is not one of"),
    (DEFECT, ("Test",), "phase_removed", "must differ"),
    (DEFECT.replace("'T-1'", "'T-404'"), ("Code",), "task_id", "has no such row"),
    (DEFECT.replace("'D-9'", "NULL"), ("Code",), "defect_id", "needed"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "values", "column", "reason"), FOREIGN)
def test_what_a_foreign_file_may_hold_is_set_aside(
    run, foreign, postgres_url, tmp_path, statement, values, column, reason
):
    change(foreign, statement, values)
    found = set_aside(run, foreign, postgres_url, tmp_path)
    assert len(found) == 1 and found[0][1] == column and reason in found[0][3], found


def test_the_later_of_two_rows_with_one_key_is_set_aside(run, foreign, postgres_url, tmp_path):
    change(foreign, "ALTER TABLE agent_cost_vector ADD COLUMN execution_id TEXT")
    change(foreign, "UPDATE agent_cost_vector SET execution_id = 'E'")
    change(foreign, METRIC, ("2025-11-12 10:00:00", "Latency", 7.0, "ms"))
    change(foreign, "UPDATE agent_cost_vector SET execution_id = 'E'")
    found = set_aside(run, foreign, postgres_url, tmp_path)
    assert found == [
        ("agent_cost_vector", "execution_id", "E", "execution_id, metric_type: another row before has the same")
    ]


def test_without_a_file_for_them_nothing_is_written(run, foreign, postgres_url):
    for value in range(7):
        change(foreign, METRIC, ("2025-11-12 09:00:00", "Latency", f"n/a {value}", "ms"))
    ran = run("migrate", postgres_url, "--from", foreign)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and not has_tables(postgres_url.text)
    assert "7 are not" in ran.err and "agent_cost_vector row 2 metric_value 'n/a 0' (a number is needed)" in ran.err
    assert "2 more" in ran.err and "--rejects" in ran.err


def test_a_dry_run_counts_and_lists_them(run, foreign, postgres_url, tmp_path):
    change(foreign, METRIC, ("2025-11-12 09:00:00", "Latency", "n/a", "ms"))
    ran = run("migrate", postgres_url, "--from", foreign, "--dry-run", "--rejects", tmp_path / "aside.jsonl", "--json")
    assert ran.exit_code == 0 and not has_tables(postgres_url.text)
    assert {"table": "agent_cost_vector", "rows": 1, "set_aside": 1} in ran.json
    assert len((tmp_path / "aside.jsonl").read_text().splitlines()) == 1


def test_what_is_set_aside_is_whole(run, foreign, postgres_url, tmp_path):
    change(foreign, "ALTER TABLE agent_cost_vector ADD COLUMN machine TEXT")
    change(foreign, METRIC, ("2025-11-12 09:00:00", "Latency", "n/a", "ms"))
    change(foreign, "UPDATE agent_cost_vector SET machine = 'm-1'")
    set_aside(run, foreign, postgres_url, tmp_path)
    line = json.loads((tmp_path / "aside.jsonl").read_text())
    with sqlite3.connect(foreign) as file:
        file.row_factory = sqlite3.Row
        stored = dict(file.execute("SELECT * FROM agent_cost_vector WHERE rowid = ?", (line["rowid"],)).fetchone())
    file.close()
    assert line["row"] == stored and stored["machine"] == "m-1"


def test_columns_that_the_server_does_not_have_are_named(run, foreign, postgres_url):
    change(foreign, "ALTER TABLE task_metadata ADD COLUMN colour TEXT")
    assert "task_metadata: colour" in run("migrate", postgres_url, "--from", foreign).err


def test_a_second_run_with_the_same_file_compares_what_is_left(run, foreign, postgres_url, tmp_path):
    change(foreign, METRIC, ("2025-11-12 09:00:00", "Latency", "n/a", "ms"))
    set_aside(run, foreign, postgres_url, tmp_path)
    assert len(set_aside(run, foreign, postgres_url, tmp_path)) == 1


def test_a_file_that_cannot_be_written_is_one_line(run, foreign, postgres_url, tmp_path):
    ran = run("migrate", postgres_url, "--from", foreign, "--rejects", tmp_path / "none" / "aside.jsonl")
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and not has_tables(postgres_url.text)


def test_a_refused_migration_leaves_no_file_behind(run, foreign, tmp_path):
    run("migrate", "postgresql://nobody@127.0.0.1:1/none", "--from", foreign, "--rejects", tmp_path / "aside.jsonl")
    assert list(tmp_path.glob("aside*")) == []


def test_a_clean_foreign_file_arrives_with_the_executions_that_analysis_sees(run, foreign, postgres_url):
    from asp_analysis.session import connect

    for at, value in (("2025-11-12 09:00:00", 800.0), ("2025-11-12 11:00:00", 1 / 3)):
        change(foreign, METRIC, (at, "Latency", value, "ms"))
    change(foreign, "UPDATE agent_cost_vector SET agent_version = '1.2', agent_iteration = NULL WHERE id = 3")
    assert run("migrate", postgres_url, "--from", foreign).exit_code == 0
    with connect(parse_url(str(foreign), foreign.parent)) as session:
        seen = session.sql("SELECT execution_id, metric_value FROM stg_costs ORDER BY 1, 2")
    with psycopg.connect(postgres_url.text) as connection:
        found = connection.execute("SELECT execution_id, metric_value FROM agent_cost_vector ORDER BY 1, 2").fetchall()
        roles = connection.execute("SELECT count(*) FROM agent_roles").fetchone()[0]
    assert sorted(found) == sorted(seen.itertuples(index=False, name=None)) and len(found) == 3 and roles > 5
