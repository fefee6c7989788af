"""Capture among real processes: written at once, killed, forked, locked out; nothing is lost and nothing is torn.

The machine may be busy: a test waits for what must come, with a deadline that only a broken program meets. The one
promise about time, what a killed process may lose, is judged by the beats of another thread of that process.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from asp_analysis import capture

pytestmark = pytest.mark.faults

DEADLINE_S = 180

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
    out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0 and "Traceback" not in err, err
    return out


def stored(url):
    """(agent, number) of every execution in the store, after the records that wait were loaded; the file is sound."""
    capture.open(url).close(DEADLINE_S)
    assert not list(url.path.parent.glob("*.spill-*"))
    connection = sqlite3.connect(url.path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = connection.execute("SELECT user_id, tokens_in FROM agent_cost_vector").fetchall()
    assert connection.execute("SELECT count(*) FROM load_reject").fetchone() == (0,)
    connection.close()
    return sorted(found)


def count(url):
    connection = sqlite3.connect(url.path, timeout=DEADLINE_S)
    (found,) = connection.execute("SELECT count(*) FROM agent_cost_vector").fetchone()
    connection.close()
    return found


def locked(url):
    connection = sqlite3.connect(url.path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)


def spilled(url):
    """The spill files beside the store that hold something."""
    return [path for path in url.path.parent.glob("*.spill-*") if path.stat().st_size]


def test_eight_processes_writing_at_once_lose_nothing(empty_store):
    body = "for n in range(150):\n    report(n, sys.argv[2])\n    time.sleep(0.002)\n"
    processes = [start(empty_store, body, name) for name in "ABCDEFGH"]
    for process in processes:
        finish(process)
    assert stored(empty_store) == sorted((name, n) for name in "ABCDEFGH" for n in range(150))


REPORT_UNTIL_KILLED = """
import threading
def beat():
    path = os.path.dirname(sys.argv[1].removeprefix("sqlite:///")) + "/beats"
    beats = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    while True:
        time.sleep(0.02)
        os.write(beats, b"beat ")
        os.write(1, b"beat\\n")
threading.Thread(target=beat, daemon=True).start()
for n in range(1_000_000):
    report(n)
    os.write(1, f"{n}\\n".encode())
    time.sleep(0.001)
"""
BEATS = 10
"""Of 20 ms: how long a record may take to be safe. They are beats of a thread of the process that is killed, which does
what a record needs (wait, append to a file beside the store): where the machine stands still, so do they."""


@pytest.mark.parametrize("state", ["free", "free", "locked", "missing"])
def test_a_killed_process_loses_at_most_its_last_200_ms_and_leaves_nothing_torn(empty_store, state):
    away = empty_store.path.with_suffix(".away")
    if state == "missing":
        empty_store.path.rename(away)
    lock = locked(empty_store) if state == "locked" else None
    process = start(empty_store, REPORT_UNTIL_KILLED)
    said, least = [], random.randint(250, 600)
    while len(said) < least or said.count("beat\n") < 2 * BEATS:
        said.append(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    process.communicate(timeout=DEADLINE_S)
    if lock:
        lock.close()
    if state == "missing":
        away.rename(empty_store.path)
    beats = [place for place, line in enumerate(said) if line == "beat\n"]
    safe = {("A", int(line)) for line in said[: beats[-BEATS]] if line != "beat\n"}
    found = stored(empty_store)
    assert ("A", 0) in safe and safe <= set(found) and len(set(found)) == len(found)


def test_a_process_that_just_ends_has_written_everything(empty_store):
    finish(start(empty_store, "for n in range(300): report(n)"))
    assert not list(empty_store.path.parent.glob("*.spill-*"))
    assert stored(empty_store) == [("A", n) for n in range(300)]


def test_a_process_that_ends_by_an_exception_has_written_everything(empty_store):
    process = start(empty_store, "with store.execution(task_id='T', agent_role='Code', user_id='A') as run:\n  1 / 0")
    _, err = process.communicate(timeout=DEADLINE_S)
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
        store.flush(60)
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


FORK_WITH_THE_STORE_OPEN = """
import threading
from asp_analysis.store import captured
parent, accepted, is_open, go_on = os.getpid(), captured._accepted, threading.Event(), threading.Event()
def accept_later(connection, log, batch):
    if os.getpid() == parent:
        is_open.set()
        go_on.wait()
    return accepted(connection, log, batch)
store.close()
captured._accepted = accept_later
store = capture.open(sys.argv[1])
report(0, "parent")
is_open.wait()
if (child := os.fork()) == 0:
    for n in range(20):
        report(n, "child")
        assert not store.flush(10)  # the store is not opened with the parent's locks
    os._exit(0)
go_on.set()
for n in range(1, 20):
    report(n, "parent")
    store.flush(10)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_fork_while_the_store_is_open_loses_nothing_and_breaks_nothing(empty_store):
    finish(start(empty_store, FORK_WITH_THE_STORE_OPEN))
    assert stored(empty_store) == [(name, n) for name in ("child", "parent") for n in range(20)]


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
print(store.flush(60), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_records_reported_while_the_store_is_locked_are_written_when_it_is_free(empty_store):
    lock = locked(empty_store)
    process = start(empty_store, LOCKED_OUT)
    process.stdout.readline()
    assert "until the store can be written" in process.stderr.readline()  # it has tried, and failed
    lock.close()
    out, _ = process.communicate("go\n", timeout=DEADLINE_S)
    assert out == "True\n"
    assert stored(empty_store) == [("A", 1)]


def test_records_reported_while_the_store_is_locked_are_written_without_a_flush_too(empty_store):
    lock = locked(empty_store)
    process = start(empty_store, LOCKED_OUT)
    process.stdout.readline()
    assert "until the store can be written" in process.stderr.readline()  # it has tried, and failed
    lock.close()
    wait_for(lambda: not spilled(empty_store))
    process.kill()
    process.communicate(timeout=DEADLINE_S)
    assert stored(empty_store) == [("A", 1)]


def test_the_spill_file_of_a_running_process_is_left_to_it(empty_store):
    away = empty_store.path.rename(empty_store.path.with_suffix(".away"))
    process = start(empty_store, LOCKED_OUT)
    process.stdout.readline()
    wait_for(lambda: spilled(empty_store))
    (path,) = spilled(empty_store)
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    away.rename(empty_store.path)
    capture.open(empty_store).close(DEADLINE_S)  # could load it: the store is free, and its process stands still
    is_left = path.exists() and count(empty_store) == 0
    process.send_signal(signal.SIGCONT)
    process.communicate("go\n", timeout=DEADLINE_S)
    assert is_left and stored(empty_store) == [("A", 1)]


KILL_WHILE_LOADING = "store.flush(60)"


def test_a_process_that_is_killed_while_it_loads_leaves_the_rest_to_the_next_and_doubles_nothing(empty_store):
    away = empty_store.path.rename(empty_store.path.with_suffix(".away"))
    finish(start(empty_store, "for n in range(5000): report(n)"))
    away.rename(empty_store.path)
    process = start(empty_store, KILL_WHILE_LOADING)
    wait_for(lambda: count(empty_store) > 0)
    process.kill()
    process.communicate(timeout=DEADLINE_S)
    assert stored(empty_store) == [("A", n) for n in range(5000)]
