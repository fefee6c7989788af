"""A backup that is killed at any moment: no half file has the name of a backup, and the next one is made."""

import random
import sqlite3
from contextlib import closing

import pytest

from asp_analysis.store.backups import back_up, list_backups
from tests.killing import Moments, seconds_of, started

pytestmark = pytest.mark.faults

KILLS = 50
MEGABYTES = 40


def back_up_at_once(begin, url):
    begin()
    back_up(url)


@pytest.fixture
def store(empty_store):
    with closing(sqlite3.connect(empty_store.path)) as connection:
        connection.execute("CREATE TABLE filler (content BLOB)")
        connection.executemany("INSERT INTO filler VALUES (randomblob(1000000))", [()] * MEGABYTES)
        connection.commit()
    return empty_store


def megabytes(path):
    """Give what is in a file that must be sound."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT count(*) FROM filler").fetchone()[0]


def test_fifty_kills_leave_no_half_backup_and_the_next_one_is_made(store, record_property):
    folder, seconds = store.path.parent / "backups", seconds_of(back_up_at_once, store)
    moments, is_written, known = Moments(seconds, random.Random(11)), 0, set()
    for _ in range(KILLS):
        moments.kill(started(back_up_at_once, store))
        parts = list(folder.glob(".*.part"))
        is_written += bool(parts)
        for part in folder.glob(".*.part*"):
            part.unlink()
        for backup in list_backups(store):
            if backup.path not in known:
                assert megabytes(backup.path) == MEGABYTES
                known.add(backup.path)
        assert set(folder.iterdir()) == known
        assert megabytes(store.path) == MEGABYTES
        for path in known:
            path.unlink()
        known.clear()
    assert megabytes(back_up(store).backup.path) == MEGABYTES
    record_property("kills that met a backup being written", f"{is_written} of {KILLS}, {seconds:.2f} s undisturbed")
    moments.tell(record_property)
    assert is_written, "no kill met what this test is about"
