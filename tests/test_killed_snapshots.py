"""A snapshot that is killed while it is made or renewed: the next reader sees the store as it is; one copy is kept."""

import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from asp_analysis.session import connect, readers
from tests.killing import Moments, seconds_of, started

pytestmark = pytest.mark.faults

KILLS = 50
EXECUTIONS = 40_000
ADD = (
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1) "
    "INSERT INTO agent_cost_vector (executed_at, task_id, agent_role, cost_usd, execution_id) "
    "SELECT '2026-02-03T04:05:06.000000Z', 'T', 'Code', 1, ? || '-' || i FROM n"
)


def read_through_a_snapshot(begin, url):
    readers.COPIED_ROWS = 10
    begin()
    with connect(url) as session:
        assert session.source.startswith("from a snapshot"), session.source


def add(url, count, name):
    """Write so many executions, from a connection that is closed again: this process reads the same file later."""
    with closing(sqlite3.connect(url.path)) as connection:
        connection.execute("INSERT OR IGNORE INTO task_metadata (task_id, created_at) VALUES ('T', "
                           "'2026-01-01T00:00:00.000000Z')")  # fmt: skip
        connection.execute(ADD, (count, name))
        connection.commit()


@pytest.fixture
def store(empty_store, monkeypatch):
    monkeypatch.setattr(readers, "COPIED_ROWS", 10)
    add(empty_store, EXECUTIONS, "first")
    return empty_store


def assert_all_seen(url, count):
    """A builder that is killed right after it named its copy leaves the former one, which the next builder removes."""
    with connect(url) as session:
        query = "SELECT count(*) AS n, count(DISTINCT execution_id) AS names, sum(cost_usd) AS usd FROM stg_executions"
        assert session.source.startswith("from a snapshot")
        assert tuple(session.sql(query).iloc[0]) == (count, count, count)
        assert session.sql("SELECT count(*) AS n FROM executions")["n"][0] == count
    assert len(copies(url)) <= 2
    with closing(sqlite3.connect(url.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def copies(url):
    return set((url.path.parent / "cache").glob("*.duckdb"))


def test_fifty_killed_builds_leave_nothing_that_the_next_session_sees(store, record_property):
    seconds, is_written = seconds_of(read_through_a_snapshot, store), 0
    moments = Moments(seconds, random.Random(12))
    for _ in range(KILLS):
        shutil.rmtree(store.path.parent / "cache")
        moments.kill(started(read_through_a_snapshot, store))
        is_written += bool(copies(store)) and not list((store.path.parent / "cache").glob("*.json"))
        assert_all_seen(store, EXECUTIONS)
    record_property("kills that met a copy being written", f"{is_written} of {KILLS}, {seconds:.2f} s undisturbed")
    moments.tell(record_property)
    assert is_written, "no kill met what this test is about"


def test_fifty_killed_renewals_leave_nothing_that_the_next_session_sees(store, record_property):
    assert_all_seen(store, EXECUTIONS)
    add(store, 1_000, "measured")
    seconds, is_written = seconds_of(read_through_a_snapshot, store), 0
    moments = Moments(seconds, random.Random(13))
    for number in range(KILLS):
        before = copies(store)
        add(store, 1_000, f"more-{number}")
        moments.kill(started(read_through_a_snapshot, store))
        is_written += copies(store) > before
        assert_all_seen(store, EXECUTIONS + 1_000 * (number + 2))
    add(store, 1_000, "last")
    assert_all_seen(store, EXECUTIONS + 1_000 * (KILLS + 2))
    assert len(copies(store)) == 1
    record_property("kills that met a copy being renewed", f"{is_written} of {KILLS}, {seconds:.2f} s undisturbed")
    moments.tell(record_property)
    assert is_written, "no kill met what this test is about"


def read_and_report_the_end(begin, url, report):
    try:
        read_through_a_snapshot(begin, url)
    except BaseException as error:  # noqa: BLE001 - which one it is, is the question
        report.write_text(type(error).__name__)


def test_an_interrupt_stops_a_build_within_itself(store, tmp_path, record_property):
    add(store, 120_000, "more")  # one statement writes them all
    seconds = seconds_of(read_through_a_snapshot, store)
    shutil.rmtree(store.path.parent / "cache")
    process = started(read_and_report_the_end, store, tmp_path / "report")
    while not copies(store):
        time.sleep(0.005)
    sent = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    stopped = time.monotonic() - sent
    record_property("seconds to stop a build", f"{stopped:.2f} of {seconds:.2f}")
    assert (tmp_path / "report").read_text() == "KeyboardInterrupt"  # an interrupt in a notebook is no error of DuckDB
    assert not copies(store) and stopped < seconds / 2
