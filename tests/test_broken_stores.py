"""Whatever is wrong with the store's file or its disk: one line says what was needed, what was found, what to do."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
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


def assert_one_line(ran):
    assert ran.exit_code == 1, ran.out
    errors = [line for line in ran.err.splitlines() if line]
    assert len(errors) == 1 and errors[0].startswith("Error: ") and "needed" in errors[0], ran.err
    assert "Traceback" not in ran.err


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("words", READING + WRITING, ids=" ".join)
@pytest.mark.parametrize("harm", [garble, empty, remove], ids=lambda harm: harm.__name__)
def test_a_file_that_is_no_store_is_one_line(folder, run, harm, words):
    harm(folder / "store.db")
    before = files(folder)
    assert_one_line(run(*words, "--db", folder / "store.db"))
    assert files(folder) == before, "something half-written was left"


@pytest.mark.parametrize("words", READING + WRITING, ids=" ".join)
@pytest.mark.parametrize("harm", [cut_in_the_middle, overwrite_pages], ids=lambda harm: harm.__name__)
def test_a_damaged_store_never_ends_in_a_traceback(folder, run, harm, words):
    harm(folder / "store.db")
    ran = run(*words, "--db", folder / "store.db")
    if ran.exit_code:  # a query that meets no damaged page may well be answered
        assert_one_line(ran)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_store_that_another_program_has_locked_can_still_be_read_or_says_so(folder, run, words):
    lock = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN EXCLUSIVE'); print(); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", lock, str(folder / "store.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        ran = run(*words, "--db", folder / "store.db")
        if ran.exit_code:
            assert_one_line(ran)
            assert "locked" in ran.err
    finally:
        holder.communicate(b"\n")


def test_a_store_of_a_newer_version_is_not_written_by_any_verb(folder, run):
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        connection.execute("INSERT INTO asp_schema VALUES (99, '2027-01-01')")
        connection.commit()
    for words in (("load", "runs.csv"), ("rejects",), ("learning", "--record")):
        ran = run(*words, "--db", folder / "store.db")
        assert_one_line(ran)
        assert "version 99" in ran.err


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


@pytest.mark.parametrize("seconds", [-86_400 * 365, 86_400 * 365], ids=["in the past", "in the future"])
def test_a_clock_that_jumps_hides_no_change(folder, run, seconds):
    query = ("sql", "SELECT count(*) AS n FROM executions WHERE task_id = 'T-1'", "--json", "--db", folder / "store.db")
    assert run(*query).json == [{"n": 0}]
    assert run("load", "runs.csv", "--db", folder / "store.db").exit_code == 0
    for name in folder.glob("store.db*"):
        os.utime(name, (name.stat().st_atime + seconds, name.stat().st_mtime + seconds))
    assert run(*query).json == [{"n": 1}]
    again = run("load", "runs.csv", "--json", "--db", folder / "store.db").json
    assert (again["written"], again["present"]) == (0, 1)


# --- disks ---


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB that is full but for what a store needs; only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no file system of one's own can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path, leave_bytes: int) -> Path:
    """Fill a disk up to a few bytes."""
    usage = shutil.disk_usage(place)
    ballast = place / "ballast"
    ballast.write_bytes(b"\0" * max(0, usage.free - leave_bytes))
    return ballast


def sound_content(path: Path) -> tuple[int, ...]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = ("agent_cost_vector", "task_metadata", "load_log", "load_reject")
        return tuple(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)


def test_a_full_disk_is_one_line_and_the_store_stays_whole_and_works_again(small_disk, sample_store, tmp_path, run):
    store = small_disk / "store.db"
    shutil.copyfile(sample_store.path, store)
    before = sound_content(store)
    rows = "".join(f"2026-01-02,T-{number},Code,{number}\n" for number in range(30_000))
    many = tmp_path / "many.csv"
    many.write_text("timestamp,task_id,agent_role,cost_usd\n" + rows)
    ballast = fill(small_disk, 100_000)
    for words in (("load", many), ("backup",), ("export",), ("dashboard", small_disk / "page.html")):
        assert_one_line(run(*words, "--db", store))
        assert sound_content(store) == before
        left = {path.name for path in small_disk.rglob("*") if path.is_file() and not path.name.startswith("store.db")}
        assert left == {"ballast"}, words
    ballast.unlink()
    few = tmp_path / "few.csv"
    few.write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n")
    assert run("load", few, "--db", store).exit_code == 0


def test_a_read_only_disk_is_read_and_not_written(small_disk, sample_store, tmp_path, run, monkeypatch):
    store = small_disk / "store.db"
    shutil.copyfile(sample_store.path, store)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    monkeypatch.setattr("asp_analysis.session.readers.COPIED_ROWS", 10)
    runs = tmp_path / "runs.csv"
    runs.write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n")
    query = ("sql", "SELECT count(*) AS n FROM stg_tasks", "--json", "--db", store)
    assert run(*query).json == [{"n": 50}]
    for words in (("load", runs), ("backup",), ("export",), ("dashboard", small_disk / "page.html")):
        assert_one_line(run(*words, "--db", store))
