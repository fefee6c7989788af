"""Capture among real processes: written at once, killed, forked, locked out; nothing is lost and nothing is torn."""

import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from asp_analysis import capture

pytestmark = pytest.mark.faults

HEAD = """
import os, sys, time, signal
from asp_analysis import capture
store = capture.open(sys.argv[1])
def report(number, agent="A"):
    store.record(task_id="T", agent_role="Code", user_id=agent, tokens_in=number)
"""


def start(url, body, *words):
    command = [sys.executable, "-c", HEAD + body, url.text, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in err, err
    return out


def stored(url):
    """(agent, number) of every execution in the store, after the records that wait were loaded; the file is sound."""
    capture.open(url).close(10)
    assert not list(url.path.parent.glob("*.spill-*"))
    connection = sqlite3.connect(url.path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = connection.execute("SELECT user_id, CAST(metric_value AS INTEGER) FROM agent_cost_vector").fetchall()
    assert connection.execute("SELECT count(*) FROM load_reject").fetchone() == (0,)
    connection.close()
    return sorted(found)


def locked(url):
    connection = sqlite3.connect(url.path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_eight_processes_writing_at_once_lose_nothing(empty_store):
    body = "for n in range(150):\n    report(n, sys.argv[2])\n    time.sleep(0.002)\n"
    processes = [start(empty_store, body, name) for name in "ABCDEFGH"]
    for process in processes:
        finish(process)
    assert stored(empty_store) == sorted((name, n) for name in "ABCDEFGH" for n in range(150))


REPORT_UNTIL_KILLED = """
for n in range(1_000_000):
    report(n)
    os.write(1, f"{n} {time.clock_gettime_ns(time.CLOCK_MONOTONIC)}\\n".encode())
    time.sleep(0.001)
"""


@pytest.mark.parametrize("state", ["free", "free", "locked"])
def test_a_killed_process_loses_at_most_its_last_200_ms_and_leaves_nothing_torn(empty_store, state):
    lock = locked(empty_store) if state == "locked" else None
    process = start(empty_store, REPORT_UNTIL_KILLED)
    process.stdout.readline()
    time.sleep(random.uniform(0.5, 0.9))
    killed_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate(timeout=60)
    if lock:
        lock.close()
    reported = [tuple(map(int, line.split())) for line in out.splitlines()]
    safe = {("A", n) for n, at_ns in reported if killed_ns - at_ns > 200e6}
    found = stored(empty_store)
    assert len(safe) > 50 and safe <= set(found) | {("A", 0)} and len(set(found)) == len(found)


def test_a_process_that_just_ends_has_written_everything(empty_store):
    finish(start(empty_store, "for n in range(300): report(n)"))
    assert not list(empty_store.path.parent.glob("*.spill-*"))
    assert stored(empty_store) == [("A", n) for n in range(300)]


def test_a_process_that_ends_by_an_exception_has_written_everything(empty_store):
    process = start(empty_store, "with store.execution(task_id='T', agent_role='Code', user_id='A') as run:\n  1 / 0")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "ZeroDivisionError" in err
    assert len(stored(empty_store)) == 1


FORK = """
for n in range(50): report(n, "parent")
child = os.fork()
if child == 0:
    for n in range(50): report(n, "child")
    sys.exit(0)
for n in range(50, 100): report(n, "parent")
os.waitpid(child, 0)
"""


def test_a_forked_child_and_its_parent_each_write_their_own(empty_store):
    finish(start(empty_store, FORK))
    wanted = [("child", n) for n in range(50)] + [("parent", n) for n in range(100)]
    assert stored(empty_store) == wanted


FORK_WHILE_LOADING = """
children = []
for round in range(10):
    report(round, "parent")
    if (child := os.fork()) == 0:
        report(round, "child")
        store.flush(10)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""


def test_forks_while_a_long_spill_file_is_loaded_lose_nothing(empty_store):
    away = empty_store.path.rename(empty_store.path.with_suffix(".away"))
    finish(start(empty_store, "for n in range(3000): report(n)"))  # no store: all of it is spilled
    away.rename(empty_store.path)
    finish(start(empty_store, FORK_WHILE_LOADING))
    wanted = [("A", n) for n in range(3000)] + [(name, n) for name in ("child", "parent") for n in range(10)]
    assert stored(empty_store) == sorted(wanted)


WORKERS = """
import multiprocessing
def work(number):
    report(number, "worker")
    return os.getpid()
if __name__ == "__main__":
    report(0, "main")
    workers = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in range(6)]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
"""


def test_workers_of_multiprocessing_write_before_they_end(empty_store):
    finish(start(empty_store, WORKERS))
    assert stored(empty_store) == [("main", 0)] + [("worker", n) for n in range(6)]


LOCKED_OUT = """
report(1)
print("ready", flush=True)
sys.stdin.readline()
print(store.flush(10), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_records_reported_while_the_store_is_locked_are_written_when_it_is_free(empty_store):
    lock = locked(empty_store)
    process = start(empty_store, LOCKED_OUT)
    process.stdout.readline()
    time.sleep(0.3)
    assert len(list(empty_store.path.parent.glob("*.spill-*"))) == 1
    lock.close()
    out, _ = process.communicate("go\n", timeout=60)
    assert out == "True\n"
    assert stored(empty_store) == [("A", 1)]


def test_the_spill_file_of_a_running_process_is_left_to_it(empty_store):
    lock = locked(empty_store)
    process = start(empty_store, LOCKED_OUT)
    process.stdout.readline()
    time.sleep(0.3)
    before = list(empty_store.path.parent.glob("*.spill-*"))
    capture.open(empty_store).close(0.1)  # finds a file that is written by another
    assert list(empty_store.path.parent.glob("*.spill-*")) == before
    lock.close()
    process.communicate("go\n", timeout=60)
    assert stored(empty_store) == [("A", 1)]
