"""A backup takes the store's place: verified first, under nobody who has it open, and what was there is kept."""

import os
import sqlite3
import stat
import subprocess
import sys
import time

import pytest

from asp_analysis.errors import StoreError
from asp_analysis.session import connect
from asp_analysis.store.backups import back_up
from asp_analysis.store.database import create_store, open_store
from asp_analysis.store.restoring import restore

TASK = "INSERT INTO task_metadata (task_id, created_at) VALUES (?, '2026-01-01T00:00:00.000000Z')"
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM task_metadata").fetchall(), flush=True)
time.sleep(60)
"""


def add_task(url, name):
    connection = sqlite3.connect(url.path)
    connection.execute(TASK, (name,))
    connection.commit()
    connection.close()


def tasks(path):
    connection = sqlite3.connect(path)
    found = [row[0] for row in connection.execute("SELECT task_id FROM task_metadata ORDER BY task_id")]
    connection.close()
    return found


@pytest.fixture
def backup(empty_store):
    """A backup that holds the task `before`, of a store that by now also holds `after`."""
    add_task(empty_store, "before")
    made = back_up(empty_store).backup.path
    add_task(empty_store, "after")
    return made


def kept_of(url):
    (kept,) = (url.path.parent / "backups").glob("store-before-restore-*.db")
    return kept


def test_restoring_brings_the_backup_back_and_keeps_what_was_there(run, empty_store, backup):
    ran = run("restore", backup, "--yes", "--db", empty_store)
    assert ran.exit_code == 0 and "Restored" in ran.err
    assert tasks(empty_store.path) == ["before"]
    assert tasks(kept_of(empty_store)) == ["after", "before"]
    assert tasks(backup) == ["before"]


def test_a_restored_store_is_read_and_written_as_before(empty_store, backup):
    restore(empty_store, backup)
    with open_store(empty_store) as store:
        assert store.read("PRAGMA journal_mode") == [{"journal_mode": "wal"}]
    with connect(empty_store) as session:
        assert session.view("stg_tasks")["task_id"].tolist() == ["before"]


def test_what_a_killed_writer_left_in_the_log_is_kept_and_does_not_reach_the_restored_store(empty_store, backup):
    code = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1])\n"
        f"c.execute({TASK!r}, ('in the log',))\nc.commit()\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(empty_store.path)], check=True)
    assert empty_store.path.with_name("store.db-wal").stat().st_size > 0
    restore(empty_store, backup)
    assert tasks(empty_store.path) == ["before"]
    assert tasks(kept_of(empty_store)) == ["after", "before", "in the log"]


def test_restoring_asks_and_does_nothing_without_an_answer(empty_store, backup):
    command = [sys.executable, "-m", "asp_analysis", "restore", str(backup), "--db", empty_store.text]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "Replace" in ran.stderr
    assert tasks(empty_store.path) == ["after", "before"]


def test_a_store_that_another_process_has_open_is_not_replaced(run, empty_store, backup):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(empty_store.path)], stdout=subprocess.PIPE, text=True)
    holder.stdout.readline()
    ran = run("restore", backup, "--yes", "--db", empty_store)
    holder.kill()
    holder.communicate()
    assert ran.exit_code == 1 and "open in another program" in ran.err and ran.err.count("\n") == 1
    assert tasks(empty_store.path) == ["after", "before"]
    assert not list(empty_store.path.parent.glob(".*"))


def test_a_notebook_that_is_open_meanwhile_reads_the_restored_store(empty_store, backup):
    command = [sys.executable, "-m", "asp_analysis", "restore", str(backup), "--yes", "--db", empty_store.text]
    with connect(empty_store) as session:
        assert len(session.view("stg_tasks")) == 2
        subprocess.run(command, check=True, capture_output=True)
        assert session.view("stg_tasks")["task_id"].tolist() == ["before"]


def test_a_store_that_this_process_reads_is_not_replaced(empty_store, backup):
    with connect(empty_store), pytest.raises(StoreError, match="Close the reader first"):
        restore(empty_store, backup)


@pytest.mark.parametrize("delay_s", [0.3, 0.5, 0.6, 0.7, 0.8, 1.0])
def test_a_killed_restore_leaves_the_old_store_or_the_new_one_whole(empty_store, delay_s):
    connection = sqlite3.connect(empty_store.path)
    connection.execute("CREATE TABLE filler (content BLOB)")
    connection.execute("INSERT INTO filler SELECT randomblob(40000000)")
    connection.commit()
    connection.close()
    add_task(empty_store, "before")
    backup = back_up(empty_store).backup.path
    add_task(empty_store, "after")
    command = [sys.executable, "-m", "asp_analysis", "restore", str(backup), "--yes", "--db", empty_store.text]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    process.kill()
    process.wait()
    assert tasks(empty_store.path) in (["before"], ["after", "before"])
    connection = sqlite3.connect(empty_store.path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def damaged(path, tmp_path):
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    return write(tmp_path / "damaged.db", bytes(content))


def write(path, content):
    path.write_bytes(content)
    return path


def no_store(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE agent_cost_vector (id INTEGER)")
    connection.commit()
    connection.close()
    return path


GARBAGE = {
    "no file": lambda backup, folder: folder / "none.db",
    "a folder": lambda backup, folder: folder,
    "empty": lambda backup, folder: write(folder / "empty.db", b""),
    "text": lambda backup, folder: write(folder / "text.db", b"no database at all" * 100),
    "cut short": lambda backup, folder: write(folder / "short.db", backup.read_bytes()[:20_000]),
    "damaged": damaged,
    "another database": lambda backup, folder: no_store(folder),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_is_no_sound_backup_is_refused_in_one_line_and_the_store_stays(run, empty_store, backup, tmp_path, kind):
    garbage = GARBAGE[kind](backup, tmp_path) if kind != "damaged" else damaged(backup, tmp_path)
    ran = run("restore", garbage, "--yes", "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: ") and ran.err.count("\n") == 1
    assert tasks(empty_store.path) == ["after", "before"]
    assert not list((empty_store.path.parent / "backups").glob("store-before-*"))


def test_a_backup_of_a_newer_workbench_is_refused(empty_store, backup):
    connection = sqlite3.connect(backup)
    connection.execute("UPDATE asp_schema SET version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="has schema version 99"):
        restore(empty_store, backup)


def test_the_store_itself_is_no_backup(run, empty_store):
    ran = run("restore", empty_store.path, "--yes", "--db", empty_store)
    assert ran.exit_code == 1 and "is the store itself" in ran.err


def test_a_store_that_is_damaged_beyond_reading_is_replaced_and_kept_as_it_is(empty_store, backup):
    empty_store.path.write_bytes(b"no database at all" * 100)
    restored = restore(empty_store, backup)
    assert tasks(empty_store.path) == ["before"]
    assert restored.kept.read_bytes().startswith(b"no database at all")


def test_a_store_that_is_gone_comes_back(empty_store, backup):
    empty_store.path.unlink()
    assert restore(empty_store, backup).kept is None
    assert tasks(empty_store.path) == ["before"]


def test_a_copy_with_its_log_is_restored_with_its_log(empty_store, tmp_path):
    connection = sqlite3.connect(empty_store.path)
    connection.execute(TASK, ("in the log",))
    connection.commit()
    folder = tmp_path / "by hand"
    folder.mkdir()
    for suffix in ("", "-wal", "-shm"):
        source = empty_store.path.with_name(empty_store.path.name + suffix)
        (folder / source.name).write_bytes(source.read_bytes())
    connection.close()
    add_task(empty_store, "later")
    restore(empty_store, folder / "store.db")
    assert tasks(empty_store.path) == ["in the log"]


def test_the_store_keeps_its_permissions(empty_store, backup):
    empty_store.path.chmod(0o640)
    restore(empty_store, backup)
    assert stat.S_IMODE(empty_store.path.stat().st_mode) == 0o640


def test_a_server_is_restored_by_its_own_tool(run, backup):
    ran = run("restore", backup, "--yes", "--db", "postgresql://me:secret@host/asp")
    assert ran.exit_code == 1 and "pg_restore" in ran.err and "secret" not in ran.err and ran.err.count("\n") == 1


def test_the_sample_comes_back_row_by_row(tmp_path, sample_store, empty_store):
    backup = back_up(sample_store).backup.path
    restored = restore(empty_store, backup)
    assert restored.rows["task_metadata"] == 50 and restored.rows["agent_cost_vector"] == 385
    assert create_store(empty_store).task_count == 50


def test_after_a_restore_no_copy_of_the_store_that_was_there_is_taken_for_the_new_one(empty_store, backup):
    """Both stores count their changes from the same number; the restored one must not come to one that is known."""
    counts = "SELECT table_name, changes FROM asp_changes ORDER BY table_name"
    with open_store(empty_store) as store:
        before = store.read(counts)
    restore(empty_store, backup)
    with open_store(empty_store) as store:
        after = store.read(counts)
    assert all(new["changes"] > old["changes"] for old, new in zip(before, after, strict=True))
