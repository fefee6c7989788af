"""Changes that no counter sees, by programs that know nothing of the workbench, reach the copy of a large store."""

import fcntl
import os
import sqlite3
import time
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.session import connect, readers, snapshot
from asp_analysis.store.database import create_store

pytestmark = pytest.mark.slow

QUESTION = "SELECT execution_id, task_id, cost_usd FROM executions ORDER BY execution_id"
COLUMNS = "execution_id, executed_at, task_id, agent_role, cost_usd"


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A store that is read from a snapshot."""
    monkeypatch.setattr(readers, "COPIED_ROWS", 10)
    url = parse_url("store.db", tmp_path)
    create_store(url, with_sample=True)
    return url


def foreign(url, *statements):
    """Change the store as another program would: no triggers of replacements, no load."""
    with closing(sqlite3.connect(url.path)) as store, store:
        for statement in statements:
            store.execute(statement)
    past = time.time() - 1
    for path in (url.path, f"{url.path}-wal"):
        if os.path.exists(path):  # noqa: PTH110
            os.utime(path, (past, past))  # a change long ago: the file has settled


def agrees(url):
    with connect(url) as copied:
        assert "snapshot" in copied.source
        found = copied.sql(QUESTION)
    with connect(url, is_live=True) as live:
        return found.equals(live.sql(QUESTION))


def replace(row_of, cost):
    return (
        f"INSERT OR REPLACE INTO agent_cost_vector ({COLUMNS}) SELECT execution_id, executed_at, task_id, agent_role, "
        f"{cost} FROM agent_cost_vector WHERE rowid = ({row_of})"
    )


LAST, FIRST = "SELECT max(rowid) FROM agent_cost_vector", "SELECT min(rowid) FROM agent_cost_vector"
ADDED = (
    f"INSERT INTO agent_cost_vector ({COLUMNS}) SELECT execution_id || '-' || hex(randomblob(4)), executed_at, "
    "task_id, agent_role, 7 FROM agent_cost_vector WHERE rowid = 1"
)
TRIGGER = "tr_agent_cost_vector_update"


def without_trigger(url, statement):
    with closing(sqlite3.connect(url.path)) as store:
        (text,) = store.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (TRIGGER,)).fetchone()
    return [f"DROP TRIGGER {TRIGGER}", statement, text]


@pytest.mark.parametrize("statements", [[replace(LAST, 99)], [replace(FIRST, 99)], [replace(LAST, 99), ADDED]])
def test_a_foreign_replacement_reaches_the_copy(large, statements):
    assert agrees(large)
    foreign(large, *statements)
    assert agrees(large)


def test_a_change_while_a_trigger_was_away_reaches_the_copy(large):
    assert agrees(large)
    foreign(large, *without_trigger(large, "UPDATE agent_cost_vector SET cost_usd = 99 WHERE rowid = 3"), ADDED)
    assert agrees(large)


WRITES = st.lists(
    st.sampled_from(
        [
            replace(LAST, 5),
            replace(FIRST, 6),
            ADDED,
            "UPDATE agent_cost_vector SET cost_usd = 8 WHERE rowid = 2",
            "DELETE FROM agent_cost_vector WHERE rowid = (SELECT max(rowid) FROM agent_cost_vector)",
            "UPDATE task_metadata SET status = 'failed' WHERE rowid = 1",
            "no trigger",
        ]
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=15, deadline=None)
@given(rounds=st.lists(WRITES, min_size=1, max_size=3))
def test_foreign_writes_of_every_kind_read_as_they_do_live(tmp_path_factory, rounds):
    former, readers.COPIED_ROWS = readers.COPIED_ROWS, 10
    try:
        url = parse_url("store.db", tmp_path_factory.mktemp("large"))
        create_store(url, with_sample=True)
        assert agrees(url)
        for statements in rounds:
            for statement in statements:
                away = "UPDATE agent_cost_vector SET cost_usd = 11 WHERE rowid = 4"
                foreign(url, *(without_trigger(url, away) if statement == "no trigger" else [statement]))
            assert agrees(url)
    finally:
        readers.COPIED_ROWS = former


def test_a_copy_of_a_file_that_did_not_change_is_not_made_again(large):
    assert agrees(large)
    (former,) = (large.path.parent / "cache").glob("*.duckdb")
    assert agrees(large)
    assert [former] == list((large.path.parent / "cache").glob("*.duckdb"))


def test_a_builder_that_was_suspended_stops_no_reader(large, monkeypatch, caplog):
    monkeypatch.setattr(snapshot, "LONGEST_WAIT_S", 0.2)
    cache = large.path.parent / "cache"
    cache.mkdir()
    with (cache / f"{large.local_name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with connect(large) as session:
            assert session.source == "live" and len(session.sql(QUESTION)) > 0
    assert "another process has been building" in caplog.text
