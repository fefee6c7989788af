"""`init --reset` and `restore` amid captures and loads: what was reported is in the store, or in a copy of it."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from asp_analysis import capture
from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.store.database import create_store, open_store
from tests.killing import started

pytestmark = pytest.mark.faults

ROUNDS, CAPTURES, DEADLINE_S = 8, 3, 120


def report_until_told(begin, url, name, stop, report):
    store, number = capture.open(url), 0
    begin()
    while not stop.exists():
        store.record(task_id="T", agent_role="Code", user_id=name, tokens_in=number)
        number += 1
        if number % 20 == 0:
            time.sleep(0.01)
    store.close(60)
    report.write_text(str(number))


def load_until_told(begin, url, folder, stop, report):
    begin()
    number = 0
    while not stop.exists():
        path = folder / f"runs-{number}.csv"
        path.write_text(f"timestamp,task_id,agent_role,user_id,tokens_in\n2026-01-02,T,Code,loader,{number}\n")
        try:
            with open_store(url) as store:
                (result,) = load_paths(store, [path], LoadOptions(kinds=("executions",)))
            assert result.read == 1
            number += 1
        except StoreError as error:
            assert "\n" not in str(error)
    report.write_text(str(number))


def numbers(path):
    """Give what a store holds: user -> numbers, each once."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found = connection.execute("SELECT user_id, tokens_in FROM agent_cost_vector").fetchall()
    assert len(found) == len(set(found)), "something is there twice"
    return set(found)


def replace_again_and_again(run, url, backup):
    """Replace the store in turns by a new one and by a backup; give how often, and how often that was refused."""
    done = refused = 0
    deadline = time.monotonic() + DEADLINE_S
    while done < ROUNDS and time.monotonic() < deadline:
        words = ("init", "--reset", "--yes") if done % 2 else ("restore", backup, "--yes")
        ran = run(*words, "--db", url)
        assert "Traceback" not in ran.err
        if ran.exit_code:
            assert ran.err.splitlines()[-1].startswith("Error: "), ran.err
            refused += 1
        else:
            done += 1
        time.sleep(0.2)
    return done, refused


def test_nothing_that_was_reported_is_lost_while_the_store_is_replaced(run, tmp_path, record_property):
    url, stop = parse_url("store.db", tmp_path), tmp_path / "stop"
    create_store(url)
    shutil.copyfile(url.path, tmp_path / "backup.db")
    files = tmp_path / "files"
    files.mkdir()
    reports = {f"agent-{n}": tmp_path / f"report-{n}" for n in range(CAPTURES)}
    workers = [started(report_until_told, url, name, stop, report) for name, report in reports.items()]
    reports["loader"] = tmp_path / "report-loader"
    workers.append(started(load_until_told, url, files, stop, reports["loader"]))
    try:
        done, refused = replace_again_and_again(run, url, tmp_path / "backup.db")
    finally:
        stop.touch()
        for worker in workers:
            worker.join(DEADLINE_S)
    assert [worker.exitcode for worker in workers] == [0] * len(workers), (done, refused)
    capture.open(url).close(60)
    assert not list(tmp_path.glob("store.db.spill-*")), "reports still wait"
    kept = sorted((tmp_path / "backups").glob("store-before-*.db"))
    assert done == ROUNDS and len(kept) == ROUNDS
    held = set().union(*map(numbers, [url.path, *kept]))
    told = {(name, number) for name, report in reports.items() for number in range(int(report.read_text()))}
    record_property("replaced", f"{done} times, refused {refused} times, {len(told):,} records reported meanwhile")
    assert told - held == set()
    assert {path.name for path in Path(tmp_path).glob(".*")} == set(), "a part of a copy is left"
