"""What the server could not take is named with table, row, column, value and reason; refused, or set aside whole."""

import json
import shutil
import sqlite3
from contextlib import closing

import psycopg
import pytest

AT = "2026-01-01T00:00:00.000000Z"
INSERT = {
    "task_metadata": f"INSERT INTO task_metadata (task_id, created_at, {{}}) VALUES ('BAD', '{AT}', ?)",
    "agent_cost_vector": "INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, {}) "
    f"VALUES ('BAD', '{AT}', 'FERRY-001', 'Code', ?)",
    "bootstrap_metrics": "INSERT INTO bootstrap_metrics (capability, measured_at, period_start_at, period_end_at, "
    f"mode, tasks_completed, tasks_needed, {{}}) VALUES ('PROBE_AI', '{AT}', '{AT}', '{AT}', 'Shadow', 1, 1, ?)",
    "capabilities": "INSERT INTO capabilities (capability, capability_order, {}) VALUES ('BAD', 1, ?)",
    "load_log": "INSERT INTO load_log (file, sha256, size_bytes, format, loaded_as, started_at, read_count, written, "
    "updated, present, rejected, tasks_stubbed, options_json, {}) VALUES ('f', 'x', 1, 'csv', 'executions', "
    f"'{AT}', 0, 0, 0, 0, 0, 0, '{{{{}}}}', ?)",
}
"""Table -> what adds a row whose one column is bad; SQLite takes it."""


@pytest.fixture
def store(sample_store, tmp_path):
    """A copy of the sample; SQLite holds it to the contract."""
    shutil.copy(sample_store.path, tmp_path / "store.db")
    return tmp_path / "store.db"


def change(path, statement, values=()):
    with closing(sqlite3.connect(path)) as file:
        file.execute(statement, values)
        file.commit()


def count(url, table):
    with psycopg.connect(url.text) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def has_tables(url):
    with psycopg.connect(url.text) as connection:
        return connection.execute("SELECT to_regclass('task_metadata') IS NOT NULL").fetchone()[0]


def set_aside(run, path, url, tmp_path):
    """Migrate with --rejects and give what was set aside: table, column, value, reason."""
    ran = run("migrate", url, "--from", path, "--rejects", tmp_path / "aside.jsonl", "--json")
    assert ran.exit_code == 0, ran.err
    assert all(check["is_equal"] for check in ran.json)
    lines = [json.loads(line) for line in (tmp_path / "aside.jsonl").read_text().splitlines()]
    return [(line["table"], one["column"], one["value"], one["reason"]) for line in lines for one in line["reasons"]]


CHECKED = [
    ("task_metadata", "metadata_json", '{"a":"\\u0000"}', "U+0000"),
    ("task_metadata", "metadata_json", '{"a":"\\ud800"}', "UTF-8"),
    ("task_metadata", "metadata_json", '{"a":1e999999}', "too many digits"),
    ("task_metadata", "components_json", '["\\u0000"]', "U+0000"),
    ("task_metadata", "task_description", "a\0b", "U+0000"),
    ("task_metadata", "completed_at", "2026-02-30T00:00:00.000000Z", "not an instant"),
    ("agent_cost_vector", "labels", '{"a":"\\u0000"}', "U+0000"),
    ("agent_cost_vector", "tool", "a\0b", "U+0000"),
    ("bootstrap_metrics", "metric_value", float("inf"), "finite"),
    ("capabilities", "meaning", "a\0b", "U+0000"),
    ("load_log", "finished_at", "soon", "not an instant"),
]


@pytest.mark.parametrize(("table", "column", "value", "reason"), CHECKED)
def test_what_sqlite_lets_through_is_set_aside(run, store, postgres_url, tmp_path, table, column, value, reason):
    change(store, INSERT[table].format(column), (value,))
    with closing(sqlite3.connect(store)) as file:
        rows = file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    found = set_aside(run, store, postgres_url, tmp_path)
    assert [one[:3] for one in found] == [(table, column, value if value != float("inf") else "inf")]
    assert reason in found[0][3] and count(postgres_url, table) == rows - 1


@pytest.mark.parametrize("column", ["project_id", "metadata_json"])
def test_bytes_that_are_no_utf_8_are_set_aside(run, store, postgres_url, tmp_path, column):
    bad = {"project_id": "X'61FF62'", "metadata_json": "X'7B2261223A22FF227D'"}[column]
    change(store, INSERT["task_metadata"].format(column).replace("?", f"CAST({bad} AS TEXT)"))
    (found,) = set_aside(run, store, postgres_url, tmp_path)
    assert found[:2] == ("task_metadata", column) and "\udcff" in found[2] and "UTF-8" in found[3]


def test_a_key_that_is_no_utf_8_is_set_aside_with_what_refers_to_it(run, store, postgres_url, tmp_path):
    change(store, "UPDATE task_metadata SET task_id = CAST(X'61FF62' AS TEXT) WHERE task_id = 'FERRY-001'")
    change(store, "UPDATE agent_cost_vector SET task_id = CAST(X'61FF62' AS TEXT) WHERE task_id = 'FERRY-001'")
    found = set_aside(run, store, postgres_url, tmp_path)
    assert {(table, reason) for table, _, _, reason in found} == {
        ("task_metadata", "it is not UTF-8"),
        ("agent_cost_vector", "it is not UTF-8"),
        ("defect_log", "task_metadata has no such row"),
    }


ORPHANS = {
    "agent_cost_vector": ("task_id", "task_metadata"),
    "defect_log": ("defect_type", "defect_types"),
    "bootstrap_metrics": ("capability", "capabilities"),
}


@pytest.mark.parametrize("table", ORPHANS)
def test_an_orphan_is_set_aside(run, store, postgres_url, tmp_path, table):
    column, home = ORPHANS[table]
    change(store, f"UPDATE {table} SET {column} = 'GONE' WHERE rowid = 17")
    with closing(sqlite3.connect(store)) as file:
        rows = file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    assert set_aside(run, store, postgres_url, tmp_path) == [(table, column, "GONE", f"{home} has no such row")]
    assert count(postgres_url, table) == rows - 1


def test_what_refers_to_a_row_that_is_set_aside_goes_with_it(run, store, postgres_url, tmp_path):
    change(store, "UPDATE task_metadata SET requirements_text = 'a' || char(0) WHERE task_id = 'FERRY-001'")
    found = set_aside(run, store, postgres_url, tmp_path)
    assert {one[3] for one in found[1:]} == {"its row of task_metadata is set aside"}
    assert {one[0] for one in found} == {"task_metadata", "agent_cost_vector", "defect_log"}
    assert count(postgres_url, "agent_cost_vector") == 385 - sum(one[0] == "agent_cost_vector" for one in found)


def test_every_reason_of_a_row_is_listed(run, store, postgres_url, tmp_path):
    change(store, "UPDATE defect_log SET root_cause = 'a' || char(0), defect_type = 'GONE' WHERE rowid = 3")
    assert [one[1] for one in set_aside(run, store, postgres_url, tmp_path)] == ["root_cause", "defect_type"]


def make_bad(path, number):
    for place in range(number):
        change(path, f"UPDATE agent_cost_vector SET tool = '{place}' || char(0) WHERE rowid = {place + 2}")


def test_without_a_file_for_them_nothing_is_written(run, store, postgres_url):
    make_bad(store, 7)
    ran = run("migrate", postgres_url, "--from", store)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and not has_tables(postgres_url)
    assert "7 rows cannot be copied" in ran.err
    assert "agent_cost_vector row 2 tool '0\\x00' (it has the character U+0000" in ran.err
    assert "2 more" in ran.err and "--rejects" in ran.err


def test_a_dry_run_counts_and_lists_them(run, store, postgres_url, tmp_path):
    make_bad(store, 1)
    ran = run("migrate", postgres_url, "--from", store, "--dry-run", "--rejects", tmp_path / "aside.jsonl", "--json")
    assert ran.exit_code == 0 and not has_tables(postgres_url)
    assert {"table": "agent_cost_vector", "rows": 384, "set_aside": 1} in ran.json
    assert len((tmp_path / "aside.jsonl").read_text().splitlines()) == 1


def test_what_is_set_aside_is_whole(run, store, postgres_url, tmp_path):
    change(store, "ALTER TABLE agent_cost_vector ADD COLUMN colour TEXT")
    make_bad(store, 1)
    change(store, "UPDATE agent_cost_vector SET colour = 'red'")
    set_aside(run, store, postgres_url, tmp_path)
    line = json.loads((tmp_path / "aside.jsonl").read_text())
    with closing(sqlite3.connect(store)) as file:
        file.row_factory = sqlite3.Row
        stored = dict(file.execute("SELECT * FROM agent_cost_vector WHERE rowid = ?", (line["rowid"],)).fetchone())
    assert line["row"] == stored and stored["colour"] == "red"


def test_a_second_run_with_the_same_file_compares_what_is_left(run, store, postgres_url, tmp_path):
    make_bad(store, 1)
    set_aside(run, store, postgres_url, tmp_path)
    assert len(set_aside(run, store, postgres_url, tmp_path)) == 1


def test_a_file_that_cannot_be_written_is_one_line(run, store, postgres_url, tmp_path):
    ran = run("migrate", postgres_url, "--from", store, "--rejects", tmp_path / "none" / "aside.jsonl")
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and not has_tables(postgres_url)


def test_a_refused_migration_leaves_no_file_behind(run, store, tmp_path):
    run("migrate", "postgresql://nobody@127.0.0.1:1/none", "--from", store, "--rejects", tmp_path / "aside.jsonl")
    assert list(tmp_path.glob("aside*")) == []
