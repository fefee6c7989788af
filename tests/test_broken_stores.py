"""Whatever is wrong with the store's file: one line says what is wrong and what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

READING = (
    ("sql", "SELECT count(*) AS n FROM executions"),
    ("estimate", "--size", "18"),
    ("learning",),
    ("quality",),
    ("dashboard", "page.html"),
    ("models",),
    ("export", "--out", "exported"),
    ("status",),
)
WRITING = (("load", "runs.csv"), ("rejects",), ("backup",), ("learning", "--record"))


def cut_in_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def garble(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to look like one " * 500)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def overwrite_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 16_384))


@pytest.fixture
def folder(sample_store, tmp_path, monkeypatch):
    """A folder with a store of its own and a file to load, the current one."""
    shutil.copyfile(sample_store.path, tmp_path / "store.db")
    (tmp_path / "runs.csv").write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> list[str]:
    """List the files; that DuckDB's extension was checked may be remembered next to them."""
    return sorted(str(path) for path in folder.rglob("*") if path.is_file() and path.name != "checked-extensions")


@pytest.mark.parametrize("words", READING + WRITING, ids=" ".join)
@pytest.mark.parametrize("harm", [garble, empty, remove], ids=lambda harm: harm.__name__)
def test_a_file_that_is_no_store_is_one_line(folder, run, harm, words):
    harm(folder / "store.db")
    before = files(folder)
    assert run(*words, "--db", folder / "store.db").refusal
    assert files(folder) == before, "something half-written was left"


@pytest.mark.parametrize("words", READING + WRITING, ids=" ".join)
@pytest.mark.parametrize("harm", [cut_in_the_middle, overwrite_pages], ids=lambda harm: harm.__name__)
def test_a_damaged_store_never_ends_in_a_traceback(folder, run, harm, words):
    harm(folder / "store.db")
    ran = run(*words, "--db", folder / "store.db")
    if ran.exit_code:  # a query that meets no damaged page may well be answered
        assert ran.refusal


def test_what_a_killed_writer_left_in_the_log_is_read(folder, run):
    write = (
        "import sqlite3, sys, os, signal; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('PRAGMA journal_mode = WAL'); "
        "c.execute(\"INSERT INTO agent_roles VALUES ('Gardener', 9, 'overhead')\"); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", write, str(folder / "store.db")], check=False)
    assert (folder / "store.db-wal").stat().st_size
    query = "SELECT count(*) AS n FROM stg_roles WHERE agent_role = 'Gardener'"
    assert run("sql", query, "--json", "--db", folder / "store.db").json == [{"n": 1}]
