"""Creating, resetting and guarding the store."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.session import connect
from asp_analysis.sql import SCHEMA_VERSION
from asp_analysis.store.database import create_store, open_store, reset_store


def test_init_twice_keeps_what_is_there(run, tmp_path):
    store = tmp_path / "new" / "store.db"
    assert run("init", "--sample", "--db", store).exit_code == 0
    again = run("init", "--sample", "--db", store)
    assert again.exit_code == 0 and "Exists already" in again.err and "50 tasks" in again.err


def test_init_fills_an_empty_store_with_the_sample(run, empty_store):
    run("init", "--sample", "--db", empty_store)
    assert run("sql", "SELECT count(*) AS n FROM stg_tasks", "--json", "--db", empty_store).json == [{"n": 50}]


def test_reset_asks_and_does_nothing_without_an_answer(tmp_path):
    url = parse_url("store.db", tmp_path)
    create_store(url, with_sample=True)
    command = [sys.executable, "-m", "asp_analysis", "init", "--reset", "--db", url.text]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    with connect(url) as session:
        assert len(session.view("stg_tasks")) == 50


def test_reset_backs_up_first(run, tmp_path):
    store = tmp_path / "store.db"
    run("init", "--sample", "--db", store)
    assert run("init", "--reset", "--yes", "--db", store).exit_code == 0
    (backup,) = (tmp_path / "backups").iterdir()
    with sqlite3.connect(backup) as copy:
        assert copy.execute("SELECT count(*) FROM task_metadata").fetchone() == (50,)
    assert run("sql", "SELECT count(*) AS n FROM stg_tasks", "--json", "--db", store).json == [{"n": 0}]


def test_reset_keeps_a_damaged_file_as_its_backup(tmp_path):
    url = parse_url("store.db", tmp_path)
    url.path.write_bytes(b"no database at all" * 100)
    created = reset_store(url)
    assert created.backup.read_bytes().startswith(b"no database")


def test_reading_and_writing_one_file_in_one_process_is_refused(empty_store):
    with connect(empty_store), pytest.raises(StoreError, match="Close the reader first"):
        open_store(empty_store)
    with open_store(empty_store), pytest.raises(StoreError, match="Close the writer first"):
        connect(empty_store)
    connect(empty_store).close()


def test_two_readers_in_one_process_are_welcome(sample_store):
    with connect(sample_store) as first, connect(sample_store) as second:
        assert len(first.view("executions")) == len(second.view("executions"))


@pytest.mark.parametrize("verb", [["load", "x.csv"], ["sql", "SELECT 1"], ["rejects"]])
def test_a_store_that_is_not_there_is_one_line_with_the_remedy(run, tmp_path, verb):
    ran = run(*verb, "--db", tmp_path / "none.db")
    assert ran.exit_code == 1
    assert "does not exist. Create it with: asp-analysis init" in ran.err and ran.err.count("\n") == 1


@pytest.mark.parametrize("verb", [["load", __file__], ["sql", "SELECT 1"]])
def test_a_file_that_is_no_database_is_one_line(run, tmp_path, verb):
    path = tmp_path / "store.db"
    path.write_bytes(b"no database at all" * 100)
    ran = run(*verb, "--db", path)
    assert ran.exit_code == 1 and ran.err.startswith("Error: ") and ran.err.count("\n") == 1
    assert "not a database" in ran.err or "not a SQLite database" in ran.err


def test_a_store_of_a_newer_workbench_is_not_written(empty_store):
    with sqlite3.connect(empty_store.path) as connection:
        connection.execute("UPDATE asp_schema SET version = 99")
    connection.close()
    with pytest.raises(StoreError, match="has schema version 99"):
        open_store(empty_store)


def test_a_locked_store_is_one_line(empty_store, tmp_path, monkeypatch, run):
    monkeypatch.setattr("asp_analysis.store.sqlite.BUSY_TIMEOUT_MS", 50)
    path = tmp_path / "runs.csv"
    path.write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T,Code,1\n")
    holder = sqlite3.connect(empty_store.path)
    holder.execute("BEGIN IMMEDIATE")
    ran = run("load", path, "--db", empty_store)
    holder.close()
    assert ran.exit_code == 1 and "locked by another program" in ran.err and ran.err.count("\n") == 1


def test_a_store_of_the_first_version_is_brought_to_the_present_one_when_it_is_written(tmp_path):
    url = parse_url("first.db", tmp_path)
    with closing(sqlite3.connect(url.path)) as connection:
        connection.executescript((Path(__file__).parent / "stores" / "version_1.sql").read_text())
    with open_store(url) as store:
        assert store.read("SELECT max(version) AS version FROM asp_schema")[0]["version"] == SCHEMA_VERSION
        assert store.read("SELECT count(modified_ns) AS n FROM load_log") == [{"n": 0}]
        counted = "SELECT changes FROM asp_changes WHERE table_name = 'agent_roles'"
        before = store.read(counted)[0]["changes"]
        with store.transaction() as connection:
            connection.exec_driver_sql("INSERT INTO agent_roles VALUES ('Digger', 99, 'overhead')")
        assert store.read(counted) == [{"changes": before + 1}]


def test_a_store_with_two_names_is_refused(run, empty_store, tmp_path):
    other = tmp_path / "other.db"
    other.hardlink_to(empty_store.path)
    for words in (("sql", "SELECT 1"), ("backup",), ("init", "--sample")):
        for name in (empty_store.path, other):
            assert "is one of 2 names (hard links) of one file" in run(*words, "--db", name).refusal
    other.unlink()
    assert run("sql", "SELECT 1", "--db", empty_store).exit_code == 0
