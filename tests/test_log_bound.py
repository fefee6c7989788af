"""The write-ahead log of a store stays bounded while readers take turns and none of them pauses."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from asp_analysis.batch import Batch
from asp_analysis.store import sqlite
from asp_analysis.store.database import open_store
from asp_analysis.store.loads import write_load
from asp_analysis.store.log import LoadedFile

LIMIT, LOADS, COLUMNS = 200_000, 80, ("executed_at", "task_id", "agent_role", "execution_id", "metadata_json")


def batch(number):
    text = '{"text":"' + "x" * 4000 + '"}'
    rows = [("2026-01-02T03:04:05.000000Z", "T", "Code", f"{number}-{row}", text) for row in range(5)]
    return Batch(
        table="agent_cost_vector", columns=COLUMNS, rows=rows, record_of_row=range(5), line_numbers=range(5),
        raw_text=str, record_count=5,
    )  # fmt: skip


@pytest.fixture
def busy_readers(empty_store):
    """Two readers whose transactions overlap: at no moment is the log free of readers."""
    stop, ready = threading.Event(), [threading.Event(), threading.Event()]

    def read(started):
        with closing(sqlite3.connect(empty_store.path, isolation_level=None)) as connection:
            while not stop.is_set():
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM agent_cost_vector").fetchone()
                started.set()
                time.sleep(0.02)
                connection.execute("COMMIT")

    readers = [threading.Thread(target=read, args=(event,)) for event in ready]
    for reader, event in zip(readers, ready, strict=True):
        reader.start()
        assert event.wait(10)
        time.sleep(0.01)
    yield
    stop.set()
    for reader in readers:
        reader.join()


def largest_log(url, write):
    log, largest = url.path.with_name(f"{url.path.name}-wal"), 0
    for number in range(LOADS):
        write(number)
        largest = max(largest, log.stat().st_size)
    return largest


def write(store, number):
    file = LoadedFile(file=f"f{number}", sha256="", size_bytes=0, format="jsonl", loaded_as="executions")
    assert write_load(store, file, [batch(number)]).written == 5


def write_loads(url):
    with open_store(url) as store:
        return largest_log(url, lambda number: write(store, number))


def test_loads_keep_the_log_small(empty_store, busy_readers, monkeypatch):
    monkeypatch.setattr(sqlite, "LARGEST_LOG", LIMIT)
    monkeypatch.setattr(sqlite, "_LOG_RETRY_S", 0.1)  # a busy machine may miss a try, and these loads take seconds
    monkeypatch.setattr(sqlite, "_LOG_REST", 1)
    assert write_loads(empty_store) < 10 * LIMIT


def test_without_a_bound_it_grows_with_what_is_written(empty_store, busy_readers, monkeypatch):
    monkeypatch.setattr(sqlite, "LARGEST_LOG", 10**12)
    assert write_loads(empty_store) > 10 * LIMIT


def test_a_reader_that_never_ends_delays_no_write_for_long(empty_store, monkeypatch):
    monkeypatch.setattr(sqlite, "LARGEST_LOG", LIMIT)
    with closing(sqlite3.connect(empty_store.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM agent_cost_vector").fetchone()
        tries = []
        monkeypatch.setattr(sqlite._LogBound, "_read_size", lambda _: tries.append(1) or LIMIT + 1)
        write_loads(empty_store)
        reader.execute("COMMIT")
    assert len(tries) <= LOADS / 4, "each load tried again"


def test_a_slow_reader_is_waited_for_longer_as_the_log_grows(empty_store, monkeypatch):
    monkeypatch.setattr(sqlite, "LARGEST_LOG", LIMIT)
    log = empty_store.path.with_name(f"{empty_store.path.name}-wal")
    with (
        open_store(empty_store) as store,
        closing(sqlite3.connect(empty_store.path, check_same_thread=False)) as reader,
    ):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM agent_cost_vector").fetchone()
        monkeypatch.setattr(sqlite, "_LOG_RETRY_S", 0)
        monkeypatch.setattr(sqlite, "_LOG_REST", 0)
        monkeypatch.setattr(sqlite, "_LOG_PATIENCE_MS", 1)
        for number in range(LOADS // 4):
            write(store, number)
        assert log.stat().st_size > 3 * LIMIT
        monkeypatch.setattr(sqlite, "_LOG_PATIENCE_MS", 300)  # of a log of the least size: less than the reader takes
        end = threading.Timer(1.0, reader.rollback)
        end.start()
        write(store, LOADS)
        end.join()
        assert log.stat().st_size < LIMIT
