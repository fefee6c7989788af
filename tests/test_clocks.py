"""Clocks that jump: times of change in the past or in the future hide no change, neither of the store nor of a file."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from asp_analysis.session import connect, readers

YEAR_S = 86_400 * 365
INSERT = (
    "INSERT INTO agent_cost_vector (executed_at, task_id, agent_role, cost_usd, execution_id) "
    "VALUES ('2026-02-03T04:05:06.000000Z', 'T', 'Code', 1, 'n-' || (SELECT count(*) FROM agent_cost_vector))"
)
WRITE = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()"
CALL = (
    '{"type":"assistant","uuid":"u%(n)d","sessionId":"S","timestamp":"2026-02-03T04:05:%(n)02d.000Z",'
    '"requestId":"r%(n)d",'
    '"message":{"id":"m%(n)d","model":"claude-sonnet-4-5","role":"assistant","content":[],'
    '"usage":{"input_tokens":10,"output_tokens":5}}}\n'
)


def write(url):
    with closing(sqlite3.connect(url.path)) as connection:
        connection.execute("INSERT OR IGNORE INTO task_metadata (task_id, created_at) VALUES ('T', "
                           "'2026-01-01T00:00:00.000000Z')")  # fmt: skip
        connection.execute(INSERT)
        connection.commit()


def set_clock(url, seconds):
    """Give the store's files the time of change that a clock so far off would have given them."""
    for path in url.path.parent.glob(f"{url.path.name}*"):
        os.utime(path, (time.time() + seconds, time.time() + seconds))


def count(url, **how):
    with connect(url, **how) as session:
        return session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0]


@pytest.mark.parametrize("jumps", [(-YEAR_S, YEAR_S), (YEAR_S, YEAR_S), (-10, -10)], ids=str)
@pytest.mark.parametrize("copied_rows", [0, 10**9], ids=["snapshot", "memory"])
def test_a_session_sees_every_change_whatever_time_the_store_bears(empty_store, monkeypatch, jumps, copied_rows):
    monkeypatch.setattr(readers, "COPIED_ROWS", copied_rows)
    write(empty_store)
    for number in range(1, 5):
        set_clock(empty_store, jumps[number % 2])
        assert count(empty_store) == number == count(empty_store, is_live=True)
        write(empty_store)


@pytest.mark.parametrize("copied_rows", [0, 10**9], ids=["snapshot", "memory"])
def test_a_change_after_which_the_file_bears_its_former_time_and_size_is_seen(empty_store, monkeypatch, copied_rows):
    monkeypatch.setattr(readers, "COPIED_ROWS", copied_rows)
    write(empty_store)
    set_clock(empty_store, -YEAR_S)
    before = empty_store.path.stat()
    with connect(empty_store) as session:
        assert session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0] == 1
        subprocess.run([sys.executable, "-c", WRITE, str(empty_store.path), INSERT], check=True)
        os.utime(empty_store.path, ns=(before.st_mtime_ns, before.st_mtime_ns))
        after = empty_store.path.stat()
        assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        assert session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0] == 2
    assert count(empty_store) == 2


@pytest.mark.parametrize("seconds", [-YEAR_S, -1, 0, YEAR_S])
def test_a_transcript_that_grew_is_read_again_whatever_time_it_bears(empty_store, tmp_path, run, seconds):
    folder = tmp_path / "transcripts"
    folder.mkdir()
    path = folder / "session.jsonl"
    path.write_text(CALL % {"n": 1})
    first = run("load", folder, "--json", "--db", empty_store).json
    assert first["written"] and first["transcripts"]["calls"] == 1
    at_ns = path.stat().st_mtime_ns + seconds * 1_000_000_000
    path.write_text(CALL % {"n": 1} + CALL % {"n": 2})
    os.utime(path, ns=(at_ns, at_ns))
    second = run("load", folder, "--json", "--db", empty_store).json
    assert second["transcripts"]["files_unchanged"] == 0 and second["transcripts"]["calls"] == 2
    third = run("load", folder, "--json", "--db", empty_store).json
    assert third["transcripts"]["files_unchanged"] == 1 and third["written"] == 0


@pytest.mark.parametrize("seconds", [-YEAR_S, YEAR_S])
def test_a_transcript_of_the_same_size_with_another_time_is_told_by_its_content(empty_store, tmp_path, run, seconds):
    path = tmp_path / "session.jsonl"
    path.write_text(CALL % {"n": 1})
    run("load", path, "--db", empty_store)
    at = path.stat().st_mtime + seconds
    path.write_text(CALL % {"n": 2})
    os.utime(path, (at, at))
    assert run("load", path, "--json", "--db", empty_store).json["transcripts"]["files_unchanged"] == 0
    names = "SELECT count(*) FROM agent_cost_vector"
    with closing(sqlite3.connect(empty_store.path)) as connection:
        assert connection.execute(names).fetchone() == (2,)


def test_a_load_that_ended_later_than_now_hides_no_later_load(empty_store, tmp_path, run):
    """The clock was a year ahead when the file was loaded first; the last load of a file is told by its number."""
    path = tmp_path / "session.jsonl"
    path.write_text(CALL % {"n": 1})
    run("load", path, "--db", empty_store)
    with closing(sqlite3.connect(empty_store.path)) as connection:
        connection.execute("UPDATE load_log SET started_at = '2099-01-01T00:00:00.000000Z', "
                           "finished_at = '2099-01-01T00:00:01.000000Z'")  # fmt: skip
        connection.commit()
    path.write_text(CALL % {"n": 1} + CALL % {"n": 2})
    assert run("load", path, "--json", "--db", empty_store).json["transcripts"]["calls"] == 2
    again = run("load", path, "--json", "--db", empty_store).json
    assert again["transcripts"]["files_unchanged"] == 1 and again["transcripts"]["calls"] == 2
    status = run("status", "--json", "--db", empty_store)
    assert status.exit_code == 0 and status.json
