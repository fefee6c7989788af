"""A capture that is killed at any moment, while it reports or while it loads what waits: no gap, nothing twice."""

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from asp_analysis import capture
from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store
from tests.killing import Moments, kill, seconds_of, started

pytestmark = pytest.mark.faults

KILLS = 50
WAITING = 3_000


def report_for_ever(begin, url):
    store = capture.open(url)
    begin()
    for number in range(10_000_000):
        store.record(task_id="T", agent_role="Code", user_id="A", tokens_in=number)
        if number % 100 == 99:
            time.sleep(0.002)  # an agent has other work; without a pause the other threads hardly get their turn


def report_many(url):
    store = capture.open(url)
    for number in range(WAITING):
        store.record(task_id="T", agent_role="Code", user_id="A", tokens_in=number)
    store.close(1)  # a thread writes the file: only now does all of it wait there


def load_what_waits(begin, url):
    store = capture.open(url)
    begin()
    assert store.flush(60)


def stored(url):
    """Give the numbers in the store, which must be sound, after what waits was loaded."""
    capture.open(url).close(60)
    assert not list(url.path.parent.glob(f"{url.path.name}.spill-*"))
    with closing(sqlite3.connect(url.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM load_reject").fetchone() == (0,)
        read = "SELECT coalesce(sum(written), 0), coalesce(sum(read_count - present), 0) FROM load_log"
        counted = connection.execute(read).fetchone()
        query = "SELECT tokens_in FROM agent_cost_vector ORDER BY 1"
        numbers = [number for (number,) in connection.execute(query)]
    assert counted == (len(numbers), len(numbers)), "the log counts what is not there, or not what is"
    return numbers


def empty(folder, number):
    url = parse_url(f"store-{number}.db", folder)
    create_store(url)
    return url


def test_fifty_processes_that_are_killed_while_they_report_leave_no_gap_and_nothing_twice(tmp_path, record_property):
    randomness, kept = random.Random(14), 0
    for number in range(KILLS):
        url = empty(tmp_path, number)
        assert kill(started(report_for_ever, url), 0.3, randomness)
        numbers = stored(url)
        assert numbers == list(range(len(numbers)))
        kept += bool(numbers)
    record_property("kills that met a process with reports", f"{kept} of {KILLS}")
    assert kept, "no kill met what this test is about"


def test_fifty_kills_of_a_process_that_loads_what_waits_lose_nothing_and_double_nothing(tmp_path, record_property):
    met = 0
    away = parse_url("away/store.db", tmp_path)
    away.path.parent.mkdir()
    report_many(away)  # there is no store: all of it waits
    spilled = {path.name.removeprefix("store.db"): path.read_bytes() for path in away.path.parent.glob("*.spill-*")}
    assert sum(content.count(b"\n") for content in spilled.values()) == WAITING
    for number in range(KILLS + 1):
        url = empty(tmp_path, number)
        for name, content in spilled.items():
            Path(f"{url.path}{name}").write_bytes(content)
        if number == 0:
            seconds = seconds_of(load_what_waits, url)
            moments = Moments(seconds, random.Random(15))
        else:
            moments.kill(started(load_what_waits, url))
            met += bool(list(tmp_path.glob(f"{url.path.name}.spill-*")))
        assert stored(url) == list(range(WAITING))
    record_property("kills that met a process loading", f"{met} of {KILLS}, {seconds:.2f} s undisturbed")
    moments.tell(record_property)
    assert met, "no kill met what this test is about"
