"""Backups are consistent while others write, whole whenever their maker is killed, and removed only by their maker."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.session import connect
from asp_analysis.store.backups import back_up, list_backups

WRITE_PAIRS = """
import random, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
sys.stdout.write("ready\\n"); sys.stdout.flush()
while True:
    moved = random.randint(1, 50)
    connection.execute("BEGIN IMMEDIATE")
    for role, sign in (("A", 1), ("B", -1)):
        connection.execute("UPDATE pairs SET amount = amount + ? WHERE name = ?", (sign * moved, role))
    connection.execute("INSERT INTO filler SELECT randomblob(2000)")
    connection.execute("COMMIT")
"""
BACK_UP = [sys.executable, "-m", "asp_analysis", "backup", "--db"]


def run_sql(url, *statements):
    connection = sqlite3.connect(url.path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def rows_of(path, query):
    connection = sqlite3.connect(path)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def fill(url, megabytes):
    many = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {megabytes})"
    run_sql(url, "CREATE TABLE filler (content BLOB)", f"{many} INSERT INTO filler SELECT randomblob(1000000) FROM n")


@pytest.fixture
def writers(empty_store):
    """Two processes that move amounts from one row to another: the sum is always 100."""
    run_sql(
        empty_store, "CREATE TABLE pairs (name TEXT, amount INTEGER)", "INSERT INTO pairs VALUES ('A', 40), ('B', 60)"
    )
    fill(empty_store, 5)
    command = [sys.executable, "-c", WRITE_PAIRS, str(empty_store.path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        process.stdout.readline()
    yield processes
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_backup_made_while_two_processes_write_is_one_state(empty_store, writers):
    amounts = set()
    for _ in range(8):
        backup = back_up(empty_store).backup
        assert rows_of(backup.path, "SELECT sum(amount) FROM pairs") == [(100,)]
        assert rows_of(backup.path, "PRAGMA integrity_check") == [("ok",)]
        amounts |= set(rows_of(backup.path, "SELECT amount FROM pairs WHERE name = 'A'"))
    assert len(amounts) > 1, "the writers wrote nothing meanwhile: this test shows nothing"
    assert all(process.poll() is None for process in writers)


@pytest.mark.parametrize("delay_s", [0.05, 0.2, 0.3, 0.4, 0.5, 0.7])
def test_a_killed_backup_leaves_the_store_whole_and_no_half_file_under_a_final_name(empty_store, delay_s):
    fill(empty_store, 60)
    process = subprocess.Popen([*BACK_UP, empty_store.text], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for backup in list_backups(empty_store):
        assert rows_of(backup.path, "SELECT count(*) FROM filler") == [(60,)]
        assert rows_of(backup.path, "PRAGMA integrity_check") == [("ok",)]
    names = [path.name for path in (empty_store.path.parent / "backups").glob("*")]
    assert not [name for name in names if not name.startswith(".") and not name.endswith("Z.db")]
    assert rows_of(empty_store.path, "PRAGMA integrity_check") == [("ok",)]


def test_what_a_killed_backup_left_is_removed_an_hour_later_and_nothing_else(empty_store):
    first = back_up(empty_store).backup.path
    old = time.time() - 4_000
    left = first.with_name(f".{first.name}.4711.part")
    others = [first.with_name(".notes.part"), first.with_name(f".{first.name}.4712.part")]
    for path in (left, *others):
        path.write_bytes(b"")
    os.utime(left, (old, old))
    os.utime(others[0], (old, old))
    back_up(empty_store)
    assert not left.exists() and all(path.exists() for path in others)


def test_a_backup_is_one_file_with_all_that_is_in_the_log(run, empty_store):
    writer = sqlite3.connect(empty_store.path)
    writer.execute("INSERT INTO task_metadata (task_id, created_at) VALUES ('T', '2026-01-01T00:00:00.000000Z')")
    writer.commit()
    ran = run("backup", "--db", empty_store)
    writer.close()
    path = Path(ran.out.strip())
    path.chmod(0o400)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert rows_of(path, "SELECT task_id FROM task_metadata") == [("T",)]
    assert ran.exit_code == 0 and "Verified: sound" in ran.err


def test_keep_removes_the_oldest_and_only_what_it_made(run, empty_store):
    folder = empty_store.path.parent / "backups"
    mine = [Path(run("backup", "--db", empty_store).out.strip()) for _ in range(4)]
    others = ["store-20260101.db", "other-20260101T000000000000Z.db", "store-before-reset-20260101T000000000000Z.db"]
    for name in others:
        (folder / name).write_text("kept by hand")
    newest = Path(run("backup", "--keep", 2, "--db", empty_store).out.strip())
    assert {path.name for path in folder.iterdir()} == {mine[-1].name, newest.name, *others}


def test_keep_never_removes_the_new_backup_even_where_the_clock_was_ahead(empty_store):
    backup = back_up(empty_store).backup.path
    ahead = backup.with_name(f"store-{datetime.now(UTC).year + 1}0101T000000000000Z.db")
    backup.rename(ahead)
    newest = back_up(empty_store, keep=1).backup.path
    assert newest.exists() and not ahead.exists()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_backup_gets_the_umask_of_the_user(empty_store, umask, mode):
    old = os.umask(umask)
    try:
        path = back_up(empty_store).backup.path
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_store_of_its_owner_alone_has_backups_of_its_owner_alone(empty_store):
    empty_store.path.chmod(0o600)
    assert stat.S_IMODE(back_up(empty_store).backup.path.stat().st_mode) == 0o600


def test_a_damaged_store_gives_no_backup(run, empty_store):
    fill(empty_store, 1)
    content = bytearray(empty_store.path.read_bytes())
    content[8192:16384] = os.urandom(8192)
    empty_store.path.write_bytes(content)
    ran = run("backup", "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: ") and ran.err.count("\n") == 1
    assert list((empty_store.path.parent / "backups").iterdir()) == []


def test_a_store_with_an_index_that_disagrees_with_its_table_gives_no_backup(run, empty_store):
    run_sql(
        empty_store,
        "INSERT INTO task_metadata (task_id, created_at) VALUES ('T', '2026-01-01T00:00:00.000000Z')",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX ix_task_metadata_completed ON task_metadata (created_at)' "
        "WHERE name = 'ix_task_metadata_completed'",
    )
    ran = run("backup", "--db", empty_store)
    assert ran.exit_code == 1 and "integrity check says" in ran.err
    assert list((empty_store.path.parent / "backups").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(run, empty_store):
    (empty_store.path.parent / "backups").write_text("a file")
    ran = run("backup", "--db", empty_store)
    assert ran.exit_code == 1 and "No backup of" in ran.err and ran.err.count("\n") == 1


def test_a_process_that_reads_the_store_does_not_back_it_up_as_well(empty_store):
    with connect(empty_store), pytest.raises(StoreError, match="Close the reader first"):
        back_up(empty_store)


def test_a_server_is_backed_up_by_its_own_tool_and_no_password_is_shown(run):
    ran = run("backup", "--db", "postgresql://me:secret@host/asp")
    assert ran.exit_code == 1 and "pg_dump" in ran.err and "secret" not in ran.err and ran.err.count("\n") == 1


def test_a_store_that_is_not_there_gives_no_backup(run, tmp_path):
    ran = run("backup", "--db", parse_url("none.db", tmp_path))
    assert ran.exit_code == 1 and "does not exist" in ran.err and not (tmp_path / "backups").exists()
