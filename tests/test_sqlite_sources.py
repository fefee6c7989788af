"""SQLite files of other programs: read while they are written, whole, and left as they are."""

import gzip
import json
import sqlite3
from contextlib import closing

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import InputError
from asp_analysis.importers.file import open_file
from asp_analysis.importers.folders import found_files
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.store.database import create_store, open_store
from asp_analysis.unchanged import all_unchanged, transcript_options
from tests.fuzz.database_seeds import DATABASES, database, opencode_message
from tests.reading import detected, read_transcript


@pytest.fixture
def live(tmp_path):
    """A store of OpenCode in write-ahead mode, and the connection of the program that has it open."""
    path = tmp_path / "tool" / "opencode.db"
    path.parent.mkdir()
    path.write_bytes(database(DATABASES["opencode"]()))
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("PRAGMA journal_mode = WAL")
        program.execute("PRAGMA wal_autocheckpoint = 0")
        yield path, program


def add_message(program, name):
    message = (name, "ses_1", json.dumps(opencode_message(name)))
    program.execute("INSERT INTO message (id, session_id, data) VALUES (?, ?, ?)", message)


def test_rows_that_are_only_in_the_log_are_read_while_the_program_writes(live):
    path, program = live
    add_message(program, "msg_committed")
    program.execute("BEGIN IMMEDIATE")
    add_message(program, "msg_open")
    before = sorted(file.name for file in path.parent.iterdir())
    calls = read_transcript(path).calls
    assert "opencode:msg_committed" in calls and "opencode:msg_open" not in calls
    program.execute("COMMIT")
    assert sorted(file.name for file in path.parent.iterdir()) == before
    assert "opencode:msg_open" in read_transcript(path).calls


def test_a_copy_with_its_log_is_whole_and_stays_as_it_is(live, tmp_path):
    path, program = live
    add_message(program, "msg_new")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("opencode.db", "opencode.db-wal"):
        (copy / name).write_bytes((path.parent / name).read_bytes())
    transcript = read_transcript(copy / "opencode.db")
    assert "opencode:msg_new" in transcript.calls and not transcript.notes
    assert sorted(file.name for file in copy.iterdir()) == ["opencode.db", "opencode.db-wal"]


def test_a_copy_without_its_log_says_that_rows_may_be_missing(live, tmp_path):
    path, program = live
    add_message(program, "msg_new")
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    transcript = read_transcript(copy)
    assert "opencode:msg_new" not in transcript.calls
    assert "has no write-ahead log (copy.db-wal) next to it" in transcript.notes[0]
    assert sorted(file.name for file in tmp_path.glob("copy.db*")) == ["copy.db"]


def test_a_file_whose_rows_are_all_in_the_log_is_recognised(tmp_path):
    path = tmp_path / "young.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("PRAGMA journal_mode = WAL")
        program.execute("PRAGMA wal_autocheckpoint = 0")
        for statement in ("sessions (id, cwd, repository, branch)", "turns (session_id, turn_index)"):
            program.execute(f"CREATE TABLE {statement}")
        assert path.stat().st_size <= 4096
        assert detected(path).name == "copilot-cli-store"


def test_a_file_that_only_its_log_changed_is_read_again(live, tmp_path):
    path, program = live
    url = parse_url("store.db", tmp_path)
    create_store(url)

    def load():
        with open_store(url) as store:
            return next(load_paths(store, [path], LoadOptions()))

    load()
    options = transcript_options(LoadOptions().reading, None)
    assert all_unchanged(url, found_files([path]), options) and load().is_unchanged
    add_message(program, "msg_new")
    assert all_unchanged(url, found_files([path]), options) is None
    assert load().written == 1


def test_a_file_that_another_program_keeps_locked_is_one_line(tmp_path, run, empty_store, monkeypatch):
    monkeypatch.setattr("asp_analysis.importers.sqlite_file._BUSY_S", 0.05)
    path = tmp_path / "opencode.db"
    path.write_bytes(database(DATABASES["opencode"]()))
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("BEGIN EXCLUSIVE")
        ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1
    assert "Another program has it open and writes it; try again." in ran.err


def test_a_packed_file_is_read(tmp_path):
    path = tmp_path / "opencode.db.gz"
    path.write_bytes(gzip.compress(database(DATABASES["opencode"]())))
    assert len(read_transcript(path).calls) == 3


def test_a_view_that_never_ends_is_not_read(tmp_path):
    path = tmp_path / "opencode.db"
    with closing(sqlite3.connect(path)) as file:
        endless = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id"
        file.execute(f"CREATE VIEW session AS {endless}, 1 AS parent_id, 2 AS directory FROM n")
        file.execute(f"CREATE VIEW message AS {endless}, 1 AS session_id, 2 AS data FROM n")
    assert detected(path) is None


def test_a_header_that_asks_for_more_memory_than_there_is_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / "opencode.db"
    path.write_bytes(database(DATABASES["opencode"]()))

    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr("asp_analysis.importers.sqlite_file._connected_in_place", no_memory)
    with pytest.raises(InputError, match="it is damaged"), open_file(path) as file:
        file.database  # noqa: B018 - opening it is what fails
