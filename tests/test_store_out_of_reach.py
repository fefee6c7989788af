"""A store that is locked, out of reach or of a newer workbench: every verb ends in one line that says what to do."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from asp_analysis import capture
from asp_analysis.config import parse_url

pytestmark = pytest.mark.slow

NOBODY = 65_534
QUERY = ("sql", "SELECT count(*) AS n FROM executions")
READING = (
    QUERY,
    ("estimate", "--size", "18"),
    ("learning",),
    ("dashboard", "page.html"),
    ("export", "--out", "exported"),
    ("status",),
)
WRITING = (("load", "runs.csv"), ("backup",), ("learning", "--record"))


@pytest.fixture
def folder(sample_store, monkeypatch):
    """A folder that everybody may enter, the current one, with a store and a file to load."""
    place = Path(tempfile.mkdtemp(prefix="asp-reach-", dir="/tmp"))
    (place / "there").mkdir()
    shutil.copyfile(sample_store.path, place / "there" / "store.db")
    (place / "runs.csv").write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n")
    place.chmod(0o777)
    monkeypatch.chdir(place)
    yield place
    shutil.rmtree(place)


@contextmanager
def without_power(*harmed: tuple[Path, int]):
    """Give files other permissions, and be somebody to whom they apply: root gives its own power away for a while."""
    before = [(path, stat.S_IMODE(path.stat().st_mode)) for path, _ in harmed]
    for path, mode in harmed:
        path.chmod(mode)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path, mode in reversed(before):
            path.chmod(mode)


def imported(run, folder):
    """Let every verb import what it needs while it still may, on a copy."""
    copy = folder / "copy.db"
    shutil.copyfile(folder / "there" / "store.db", copy)
    for words in (QUERY, *WRITING):
        assert run(*words, "--db", copy).exit_code == 0


@pytest.mark.parametrize("words", READING + WRITING, ids=" ".join)
def test_a_store_in_a_folder_that_may_not_be_entered_is_one_line(folder, run, words):
    imported(run, folder)
    with without_power((folder / "there", 0)):
        assert "Permission denied" in run(*words, "--db", folder / "there" / "store.db").refusal
    assert sorted(path.name for path in (folder / "there").iterdir()) == ["store.db"]


@pytest.mark.parametrize("words", READING + WRITING, ids=" ".join)
def test_a_store_in_a_folder_that_may_not_be_written_is_one_line(folder, run, words):
    imported(run, folder)
    store = folder / "there" / "store.db"
    with without_power((store, 0o444), (store.parent, 0o555)):
        assert run(*words, "--db", store).refusal
    assert sorted(path.name for path in store.parent.iterdir()) == ["store.db"]
    assert run(*QUERY, "--db", store).exit_code == 0


def test_a_store_that_may_not_be_opened_is_one_line(folder, run):
    imported(run, folder)
    store = folder / "there" / "store.db"
    with without_power((store, 0)):
        for words in (QUERY, *WRITING):
            assert "opened" in run(*words, "--db", store).refusal or words == ("backup",)


@pytest.mark.parametrize("words", (*READING, *WRITING, ("init",), ("init", "--reset", "--yes")), ids=" ".join)
def test_a_name_that_no_disk_takes_is_one_line(folder, run, words):
    assert "too long" in run(*words, "--db", folder / ("long" * 100)).refusal


@pytest.mark.parametrize("words", READING + WRITING, ids=" ".join)
def test_a_store_of_a_newer_workbench_is_neither_read_nor_written(folder, run, words):
    store = folder / "there" / "store.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("INSERT INTO asp_schema VALUES (99, '2027-01-01T00:00:00.000000Z')")
        connection.commit()
    ran = run(*words, "--db", store)
    if words == ("backup",):  # a copy needs no understanding
        assert ran.exit_code == 0
    else:
        assert "version 99" in ran.refusal
    assert not (folder / "page.html").exists() and not (folder / "exported").exists()


def test_a_server_with_a_store_of_a_newer_workbench_is_not_read(postgres_url, run):
    import psycopg

    from asp_analysis.store.database import create_store

    create_store(postgres_url)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute("INSERT INTO asp_schema VALUES (99, now())")
    assert "version 99" in run(*QUERY, "--db", postgres_url).refusal


def test_an_agent_never_meets_the_error_of_a_folder_that_may_not_be_entered(folder, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    url = parse_url("store.db", folder / "there")
    recorder = capture.open(url)
    recorder.record(task_id="T", agent_role="Code", user_id="A", tokens_in=1)
    recorder.close(60)  # all that this needs is imported
    assert _captured(url) == 1
    url.path.parent.chmod(0o777)
    url.path.chmod(0o666)
    with without_power((folder / "there", 0)):
        recorder = capture.open(url)
        for number in range(50):
            recorder.record(task_id="T", agent_role="Code", user_id="A", tokens_in=number)
        assert not recorder.flush(0.3)
        recorder.close(0.3)
    assert "failed" not in caplog.text and "kept in a spill file" in caplog.text
    with without_power():
        assert _captured(url) == 51


def _captured(url):
    """Count what was captured, after what waits was loaded."""
    capture.open(url).close(60)
    with closing(sqlite3.connect(url.path)) as connection:
        return connection.execute("SELECT count(*) FROM agent_cost_vector WHERE user_id = 'A'").fetchone()[0]


@pytest.mark.faults
def test_a_store_that_another_program_has_locked_is_one_line_for_every_verb(folder):
    """Each verb waits as long as it does in life, half a minute for those that write: all at once."""
    store = folder / "there" / "store.db"
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # with a write-ahead log, readers are never locked out
        connection.execute("BEGIN EXCLUSIVE")
        running = {words: _started(*words, "--db", str(store)) for words in READING + WRITING}
        errors = {words: process.communicate(timeout=180)[1] for words, process in running.items()}
    for words, error in errors.items():
        assert running[words].returncode == 1, words
        assert error.count("\n") == 1 and error.startswith("Error: "), (words, error)
        assert "locked" in error and "ait " in error, (words, error)
    assert {path.name for path in folder.iterdir()} == {"there", "runs.csv"}


def _started(*words):
    command = [sys.executable, "-m", "asp_analysis", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
