"""A large store is read from a copy on disk, which is always as new as the store."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis.session import connect, readers, snapshot, view_names
from asp_analysis.session.attaching import attached
from asp_analysis.session.freshness import SETTLED_NS, state_of

WRITE = """
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("PRAGMA foreign_keys = ON")
    for statement in json.loads(sys.argv[2]):
        connection.execute(statement)
connection.close()
"""


@pytest.fixture
def large(sample_store, tmp_path, monkeypatch):
    """A store of its own that counts as large, whatever it holds."""
    monkeypatch.setattr(readers, "COPIED_ROWS", 10)
    path = tmp_path / "large.db"
    with closing(sqlite3.connect(sample_store.path)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
    _let_settle(path)
    return path


def _let_settle(path):
    """A file that changed a moment ago is not trusted by its time of change."""
    os.utime(path, (time.time() - 1, time.time() - 1))


def write(path, *statements):
    """Write through another process, as it is done in life: this one only reads."""
    subprocess.run([sys.executable, "-c", WRITE, str(path), json.dumps(statements)], check=True)


def cache(path):
    return sorted(file.name for file in (path.parent / "cache").glob("*.duckdb*"))


def assert_equal_to_live(session, path):
    with connect(str(path), is_live=True) as live:
        for name in view_names():
            pd.testing.assert_frame_equal(session.view(name), live.view(name), obj=name)


INSERT = (
    "INSERT INTO agent_cost_vector (executed_at, task_id, agent_role, cost_usd, execution_id) "
    "VALUES ('2026-02-03T04:05:06.000000Z', 'FERRY-001', 'Code', {value}, '{name}')"
)


TASK = (
    "INSERT INTO task_metadata (task_id, created_at, status) VALUES ('{0}', '2026-02-03T04:05:06.000000Z', 'pending')"
)
DEFECT = (
    "INSERT INTO defect_log (defect_id, found_at, task_id, defect_type, phase_injected, phase_removed, description) "
    "VALUES ('{0}', '2026-02-03T04:05:06.000000Z', 'FERRY-001', '60_Checking', 'Code', 'Test', 'not checked')"
)


def test_a_session_on_a_large_store_says_that_it_reads_a_snapshot_and_how_old_it_is(large):
    with connect(str(large)) as session:
        assert re.fullmatch(r"from a snapshot of the present state, taken \d+ s ago", session.source)


def test_live_is_live_whatever_the_size(large):
    with connect(str(large), is_live=True) as session:
        assert session.source == "live" and not cache(large)


def test_an_unchanged_store_keeps_its_snapshot(large):
    with connect(str(large)):
        before = cache(large)
    with connect(str(large)):
        assert cache(large) == before and len(before) == 1


def test_a_store_whose_file_changed_unseen_by_its_counters_is_copied_again(large):
    with connect(str(large)):
        before = cache(large)
    os.utime(large, (time.time() - 5, time.time() - 5))  # whoever did that may have replaced rows as well
    with connect(str(large)):
        after = cache(large)
        assert after != before
    with connect(str(large)):
        assert cache(large) == after


def test_every_view_of_the_snapshot_is_the_live_one(large):
    with connect(str(large)) as session:
        assert_equal_to_live(session, large)


def test_new_rows_are_seen_by_an_open_session_and_only_they_are_read(large):
    with connect(str(large)) as session:
        count = len(session.view("executions"))
        write(large, INSERT.format(value=3, name="new-1"))
        assert len(session.view("executions")) == count + 1
        assert_equal_to_live(session, large)


CHANGES = {
    "a changed execution": ["UPDATE agent_cost_vector SET cost_usd = cost_usd + 1 WHERE rowid = 7"],
    "a removed execution": ["DELETE FROM agent_cost_vector WHERE rowid = 7"],
    "a last row that gave way to another": [
        "DELETE FROM agent_cost_vector WHERE rowid = (SELECT max(rowid) FROM agent_cost_vector)",
        INSERT.format(value=5, name="other"),
    ],
    "an execution with a small row number": [
        "DELETE FROM agent_cost_vector WHERE rowid = 9",
        INSERT.format(value=5, name="small")
        .replace("(executed_at", "(rowid, executed_at")
        .replace("('2026", "(9, '2026"),
    ],
    "an execution that replaced another": [
        INSERT.format(value=5, name="twice"),
        INSERT.format(value=6, name="twice").replace("INSERT", "INSERT OR REPLACE"),
    ],
    "another metric of a known execution": [
        "UPDATE agent_cost_vector SET memory_mb = 5 WHERE execution_id = 'EX-000001'"
    ],
    "a new task": [TASK.format("NEW-1")],
    "a new task and a changed one": [
        TASK.format("NEW-1"), "UPDATE task_metadata SET actual_size = 99 WHERE task_id = 'FERRY-003'"
    ],
    "a new task and a removed one": [TASK.format("NEW-1"), TASK.format("NEW-2"),
                                     "DELETE FROM task_metadata WHERE task_id = 'NEW-1'"],
    "a task that replaced another": [TASK.format("NEW-1"), TASK.format("NEW-1").replace("INSERT", "INSERT OR REPLACE")],
    "a task that replaced another, and a new one with a small number": [
        TASK.format("NEW-1"), TASK.format("NEW-1").replace("INSERT", "INSERT OR REPLACE"),
        TASK.format("NEW-2").replace("(task_id", "(rowid, task_id").replace("('NEW", "(-5, 'NEW"),
    ],
    "a new task with a small number": [TASK.format("NEW-2").replace("(task_id", "(rowid, task_id")
                                       .replace("('NEW", "(-5, 'NEW")],
    "a new defect": [DEFECT.format("NEW-1")],
    "a new defect of a new task": [TASK.format("NEW-1"), DEFECT.format("NEW-1").replace("FERRY-001", "NEW-1")],
    "a changed task": ["UPDATE task_metadata SET actual_size = 99 WHERE task_id = 'FERRY-003'"],
    "a removed defect": ["DELETE FROM defect_log WHERE defect_id = (SELECT min(defect_id) FROM defect_log)"],
    "a new role": ["INSERT INTO agent_roles VALUES ('Gardener', 99, 'overhead')"],
    "a new class of defects": ["INSERT INTO defect_types VALUES ('Own', 200, 'Garden')"],
    "a new capability": ["INSERT INTO capabilities VALUES ('Own', 200, 'digs')"],
    "a removed measurement": ["DELETE FROM bootstrap_metrics WHERE rowid = 1"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("statements", CHANGES.values(), ids=CHANGES.keys())
def test_what_changed_since_is_found(large, statements):
    with connect(str(large)) as session:
        write(large, *statements)
        assert_equal_to_live(session, large)
    with connect(str(large)) as session:
        assert_equal_to_live(session, large)


_NAMES = st.sampled_from(["a", "b", "c"])
_IDS = st.integers(1, 400)
_WRITES = st.one_of(
    st.builds(lambda name, value: INSERT.format(value=value, name=name).replace("INSERT", "INSERT OR IGNORE"),
              _NAMES, st.integers(0, 9)),
    st.builds("UPDATE agent_cost_vector SET cost_usd = {1} WHERE rowid = {0}".format, _IDS, st.integers(0, 9)),
    st.builds("DELETE FROM agent_cost_vector WHERE rowid = {0}".format, _IDS),
    st.builds("DELETE FROM agent_cost_vector WHERE rowid > {0}".format, st.integers(380, 390)),
    st.builds("UPDATE task_metadata SET status = 'failed' WHERE rowid = {0}".format, st.integers(1, 50)),
    st.builds(TASK.replace("INSERT", "INSERT OR IGNORE").format, _NAMES),
    st.builds(DEFECT.replace("INSERT", "INSERT OR IGNORE").format, _NAMES),
    st.builds("DELETE FROM task_metadata WHERE task_id = '{0}'".format, _NAMES),
    st.builds("DELETE FROM defect_log WHERE rowid = {0}".format, st.integers(1, 60)),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.lists(_WRITES, min_size=1, max_size=4), min_size=1, max_size=3))
def test_whatever_is_written_between_the_queries_the_snapshot_shows_it(large, tmp_path, rounds):
    path = tmp_path / "random.db"
    shutil.copyfile(large, path)
    with connect(str(path)) as session:
        for statements in rounds:
            write(path, *statements)
            assert_equal_to_live(session, path)


def test_a_copy_and_the_counters_beside_it_are_of_one_state(large):
    with closing(attached(_url(large))) as connection:
        connection.begin()
        before = state_of(connection, _url(large))
        write(large, INSERT.format(value=1, name="between"))
        rows = connection.execute("SELECT count(*) FROM raw.agent_cost_vector").fetchall()[0][0]
        assert rows == before["agent_cost_vector rows"] and state_of(connection, _url(large)) == before
        connection.rollback()


def test_what_is_written_while_a_copy_is_made_is_seen_by_the_next_query(large, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "state_of", _with_a_write_after(snapshot.state_of, large))
        with connect(str(large)) as session:
            assert session.source.startswith("from a snapshot")
    with connect(str(large)) as session:  # asked before the store is opened again, which may change its file
        seen = len(session.view("stg_executions"))
    with connect(str(large), is_live=True) as live:
        assert seen == len(live.view("stg_executions")) > 385


def _with_a_write_after(read_state, path):
    """Write a row right after the state was read, within the copy's transaction: the copy does not hold it."""
    names = iter(range(100))

    def read(*words, **options):
        state = read_state(*words, **options)
        write(path, INSERT.format(value=1, name=f"meanwhile-{next(names)}"))
        time.sleep(2 * SETTLED_NS / 1e9)
        return state

    return read


def _url(path):
    from asp_analysis.config import parse_url

    return parse_url(str(path), path.parent)


def test_a_damaged_snapshot_is_thrown_away(large):
    with connect(str(large)) as session:
        expected = session.view("role_costs")
    (name,) = cache(large)
    (large.parent / "cache" / name).write_bytes(b"no database" * 1000)
    with connect(str(large)) as session:
        pd.testing.assert_frame_equal(session.view("role_costs"), expected)
        assert session.source.startswith("from a snapshot") and cache(large) != [name]


def test_the_option_live_reads_the_store_itself(large, run):
    words = ("sql", "SELECT count(*) AS n FROM stg_executions", "--json", "--db", large)
    assert run(*words, "--live").json == [{"n": 385}] and not cache(large)
    assert run(*words).json == [{"n": 385}] and len(cache(large)) == 1


def test_a_pointer_that_cannot_be_read_is_no_hindrance(large):
    with connect(str(large)):
        pass
    (pointer,) = (large.parent / "cache").glob("*.json")
    pointer.write_text('{"file": 7')
    with connect(str(large)) as session:
        assert len(session.view("executions"))


def test_views_of_another_release_make_the_snapshot_anew(large, monkeypatch):
    with connect(str(large)):
        before = cache(large)
    monkeypatch.setattr("asp_analysis.session.snapshot._made_of", lambda: "another release")
    with connect(str(large)):
        assert cache(large) != before


def test_a_store_without_counters_is_copied_anew_when_its_file_changed(large):
    write(large, "DROP TABLE asp_changes", *[f"DROP TRIGGER {name}" for name in _triggers(large)])
    with connect(str(large)) as session:
        write(large, "UPDATE agent_cost_vector SET cost_usd = 5 WHERE rowid = 3")
        assert_equal_to_live(session, large)
        assert session.source.startswith("from a snapshot")


def test_a_store_that_took_the_place_of_another_is_not_taken_for_it(large):
    with connect(str(large)):
        before = cache(large)
    subprocess.run(
        [sys.executable, "-m", "asp_analysis", "init", "--reset", "--yes", "--sample", "--db", str(large)], check=True
    )
    with connect(str(large)) as session:
        assert cache(large) != before
        assert_equal_to_live(session, large)


def _triggers(path):
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]


def test_a_folder_that_takes_no_file_is_read_live_with_a_word(large, caplog):
    (large.parent / "cache").write_text("a file where a folder should be")
    with connect(str(large)) as session:
        assert session.source == "live" and len(session.view("executions"))
    assert "read live" in caplog.text


READ = """
import sys
from asp_analysis.session import connect, readers
readers.COPIED_ROWS = 10
with connect(sys.argv[1]) as session:
    assert session.source.startswith("from a snapshot"), session.source
    print(session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0])
"""


@pytest.mark.slow
def test_sessions_that_build_at_once_do_not_harm_each_other(large):
    processes = [
        subprocess.Popen([sys.executable, "-c", READ, str(large)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    counts = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert counts == {"385"} and all(process.returncode == 0 for process in processes)
    assert len(cache(large)) == 1
