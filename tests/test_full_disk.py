"""A full disk: what cannot be written is one line or is done without, the store stays whole, and works again later."""

import gc
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from asp_analysis import capture
from asp_analysis.capture.spill import Spill
from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.session import connect, readers
from benchmarks.synthetic_transcripts import write_transcripts

pytestmark = pytest.mark.faults

QUERY = ("sql", "SELECT count(*) AS n FROM stg_executions", "--json")
EXECUTIONS = 385
"""Executions of the sample."""


@pytest.fixture
def disk(tmp_path):
    """A small disk; only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no disk of one's own can be mounted here: that takes root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def store(disk, sample_store):
    shutil.copyfile(sample_store.path, disk / "store.db")
    return parse_url("store.db", disk)


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """Fill a disk up to so many bytes; give the file to remove for room."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(disk).free - leave_bytes)))
    return ballast


def others(disk: Path) -> set[str]:
    """Name the files that are neither the store's own nor the ballast; that an extension was checked may be kept."""
    own = ("ballast", "checked-extensions")
    found = (path for path in disk.rglob("*") if path.is_file() and path.name not in own)
    return {str(path.relative_to(disk)) for path in found if not path.name.startswith("store.db")}


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("leave_bytes", [0, 4_096, 40_000, 200_000, 900_000])
def test_a_snapshot_that_has_no_room_is_done_without(disk, store, run, monkeypatch, leave_bytes):
    monkeypatch.setattr(readers, "COPIED_ROWS", 10)
    ballast = fill(disk, leave_bytes)
    ran = run(*QUERY, "--db", store)
    if ran.exit_code:  # not even the file that SQLite needs beside a store has room
        assert ran.refusal
    else:
        assert ran.json == [{"n": EXECUTIONS}]
    copies = [name for name in others(disk) if ".duckdb" in name]
    assert not copies or leave_bytes == 900_000, "a failed copy takes up room"
    ballast.unlink()
    with connect(store) as session:
        assert session.source.startswith("from a snapshot")
        assert session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0] == EXECUTIONS
    assert is_sound(store.path)


LESS = "DELETE FROM agent_cost_vector WHERE execution_id = 'EX-000007'"
MORE = (
    "INSERT INTO agent_cost_vector (executed_at, task_id, agent_role, cost_usd, execution_id) "
    "VALUES ('2026-02-03T04:05:06.000000Z', 'FERRY-001', 'Code', 1, 'new')"
)


@pytest.mark.parametrize("leave_bytes", [60_000, 600_000, 1_200_000, 1_800_000])
@pytest.mark.parametrize(("change", "count"), [(LESS, EXECUTIONS - 1), (MORE, EXECUTIONS + 1)], ids=["less", "more"])
def test_a_snapshot_that_cannot_be_renewed_is_never_shown_for_the_present_state(
    disk, store, monkeypatch, caplog, change, count, leave_bytes
):
    monkeypatch.setattr(readers, "COPIED_ROWS", 10)
    with connect(store):
        before = {name for name in others(disk) if ".duckdb" in name}
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(change)
        connection.commit()
    ballast = fill(disk, leave_bytes)
    with connect(store) as session:
        assert session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0] == count
        assert session.source == "live"
    assert {name for name in others(disk) if ".duckdb" in name} == before, "a failed copy takes up room"
    assert len(caplog.messages) == 1 and "\n" not in caplog.messages[0] and "read live" in caplog.messages[0]
    ballast.unlink()
    with connect(store) as session:
        assert session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0] == count
        assert session.source.startswith("from a snapshot")
    assert len(list((disk / "cache").glob("*.duckdb"))) == 1


VERBS = (
    ("learning", "--record"),
    ("estimate", "--size", "18", "--task", "FERRY-050", "--keep"),
    ("backup",),
    ("export",),
    ("export", "--format", "parquet"),
    ("dashboard",),
)


@pytest.mark.parametrize("leave_bytes", [0, 40_000])
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_verb_that_finds_no_room_leaves_nothing_half_written(disk, store, run, words, leave_bytes):
    ballast = fill(disk, leave_bytes)
    ran = run(*words, "--db", store)
    if ran.exit_code:
        assert ran.refusal
        assert others(disk) == set()
    else:
        assert words[0] in {"learning", "estimate", "dashboard"} and leave_bytes, "it had room after all"
    ballast.unlink()
    assert is_sound(store.path)
    assert run(*words, "--db", store).exit_code == 0


def test_a_load_that_finds_no_room_takes_nothing_of_its_file(disk, store, tmp_path, run):
    many = tmp_path / "many.csv"
    rows = (f"2026-01-02,T-{number},Code,{number}\n" for number in range(30_000))
    many.write_text("timestamp,task_id,agent_role,cost_usd\n" + "".join(rows))
    ballast = fill(disk, 3_000_000)  # room for the first batches
    assert "the disk is full" in run("load", many, "--db", store).refusal
    ballast.unlink()
    assert is_sound(store.path) and run(*QUERY, "--db", store).json == [{"n": EXECUTIONS}]
    assert run("sql", "SELECT count(*) AS n FROM stg_loads", "--json", "--db", store).json == [{"n": 0}]
    assert run("load", many, "--json", "--db", store).json["written"] == 30_000


PAGE_BYTES, ROOMS = 4_096, 24


def sources(folder):
    """Give a table and a folder of transcripts, each of several hundred pages in the store."""
    table, transcripts = folder / "runs.csv", folder / "transcripts"
    rows = (f"2026-01-02,T-{number},Code,{number},{'x' * 60}\n" for number in range(2_500))
    table.write_text("timestamp,task_id,agent_role,cost_usd,note\n" + "".join(rows))
    write_transcripts(transcripts, 400_000)
    return {"a table": table, "transcripts": transcripts}


@pytest.mark.parametrize("kind", ["a table", "transcripts"])
def test_a_disk_that_is_full_at_any_page_of_a_load_takes_all_of_a_file_or_nothing(
    disk, empty_store, tmp_path, run, record_property, kind
):
    source, url, ended = sources(tmp_path)[kind], parse_url("store.db", disk), {0: 0, 1: 0}
    counts = (
        "SELECT (SELECT count(*) FROM agent_cost_vector), (SELECT coalesce(sum(written), 0) FROM load_log), "
        "(SELECT count(*) FROM load_log WHERE read_count <> written + updated + present + rejected)"
    )

    def fresh():
        for path in disk.glob("store.db*"):
            path.unlink()
        shutil.copyfile(empty_store.path, url.path)

    def held():
        assert is_sound(url.path)
        with closing(sqlite3.connect(url.path)) as connection:
            return connection.execute(counts).fetchone()

    fresh()
    free = shutil.disk_usage(disk).free
    assert run("load", source, "--json", "--db", url).exit_code == 0
    whole = held()
    needed = free - shutil.disk_usage(disk).free + 40 * PAGE_BYTES  # its log, too, of which nothing is left
    for place in range(ROOMS):
        fresh()
        ballast = fill(disk, (needed * place // ROOMS) // PAGE_BYTES * PAGE_BYTES + place % 3)
        ran = run("load", source, "--json", "--db", url)
        ended[ran.exit_code] += 1
        if ran.exit_code:
            assert ran.err.splitlines()[-1].startswith("Error: ") and "Traceback" not in ran.err
        ballast.unlink()
        executions, logged, odd = held()
        assert odd == 0 and (executions > 0) == (logged > 0)
        assert not source.is_file() or (executions, logged) in ((0, 0), whole[:2])
        assert run("load", source, "--json", "--db", url).exit_code == 0
        assert held()[0] == whole[0]
    record_property("loads that found the disk full", f"{ended[1]} of {ROOMS}")
    assert ended[1] >= ROOMS / 2


WRITING = (
    ("load", "RUNS"),
    ("init", "--sample"),
    ("init", "--reset", "--yes"),
    ("rejects",),
    ("rejects", "--export", "REJECTS"),
    ("backup",),
    ("restore", "BACKUP", "--yes"),
    ("export",),
    ("dashboard",),
    ("learning", "--record"),
    ("estimate", "--size", "18", "--task", "FERRY-050", "--keep"),
)
READING = (
    QUERY,
    (*QUERY, "--live"),
    ("learning",),
    ("quality",),
    ("models",),
    ("estimate", "--size", "18"),
    ("status",),
)


@pytest.mark.parametrize("rows", [10, 20_000], ids=["large", "small"])
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_disk_that_is_read_only_is_read_and_not_written(disk, store, tmp_path, run, monkeypatch, mode, rows):
    monkeypatch.setattr(readers, "COPIED_ROWS", rows)
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    files = {"RUNS": tmp_path / "runs.csv", "BACKUP": tmp_path / "backup.db", "REJECTS": disk / "rejects.csv"}
    files["RUNS"].write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n")
    shutil.copyfile(store.path, files["BACKUP"])
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert run(*QUERY, "--db", store).json == [{"n": EXECUTIONS}]
    for words in READING:
        assert run(*words, "--db", store).exit_code == 0, words
    for words in WRITING:
        ran = run(*(files.get(word, word) for word in words), "--db", store)
        assert ran.exit_code == 1 and ran.err.splitlines()[-1].startswith("Error: "), (words, ran.err)
        assert "Traceback" not in ran.err
    for new in ("new.db", "folder/new.db"):
        assert run("init", "--db", disk / new).refusal
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert run("dashboard", tmp_path / "page.html", "--db", store).exit_code == 0


def test_a_copy_of_a_store_that_cannot_be_read_where_it_is_ends_with_its_session(disk, store, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with connect(store) as session:
        assert session.sql("SELECT count(*) AS n FROM executions")["n"][0] == EXECUTIONS
        assert len(list(tmp_path.glob("asp-analysis-*/store.db"))) == 1
    del session
    gc.collect()
    assert not list(tmp_path.glob("asp-analysis-*"))
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    with pytest.raises(StoreError, match="Set TMPDIR to a folder with room"):
        connect(store)


def test_no_store_can_be_made_and_none_is_left(disk, run):
    ballast = fill(disk, 40_000)
    assert run("init", "--sample", "--db", disk / "new.db").refusal
    assert others(disk) == set()
    ballast.unlink()
    assert run("init", "--sample", "--db", disk / "new.db").exit_code == 0


@pytest.mark.parametrize("words", [("init", "--reset", "--yes"), ("restore", "BACKUP", "--yes")], ids=" ".join)
def test_a_store_that_cannot_be_kept_first_is_not_replaced(disk, store, run, tmp_path, words):
    backup = tmp_path / "backup.db"
    shutil.copyfile(store.path, backup)
    ballast = fill(disk, 40_000)
    assert run(*(str(backup) if word == "BACKUP" else word for word in words), "--db", store).refusal
    assert others(disk) == set()
    ballast.unlink()
    assert run(*QUERY, "--db", store).json == [{"n": EXECUTIONS}] and is_sound(store.path)


def test_what_is_captured_on_a_full_disk_waits_elsewhere_and_is_loaded_when_there_is_room(disk, store):
    ballast = fill(disk)
    recorder = capture.open(store)
    for number in range(2_000):
        recorder.record(task_id="T", agent_role="Code", user_id="A", tokens_in=number)
    recorder.close(1)
    assert waiting(store) and not any(path.is_relative_to(disk) for path in waiting(store)) and ballast.exists()
    ballast.unlink()
    capture.open(store).close(60)
    with closing(sqlite3.connect(store.path)) as connection:
        query = "SELECT count(*), count(DISTINCT tokens_in) FROM agent_cost_vector WHERE user_id = 'A'"
        assert connection.execute(query).fetchone() == (2_000, 2_000)
    assert is_sound(store.path) and not waiting(store)


def waiting(store) -> list[Path]:
    return [path for path in Spill(store.path).waiting() if path.stat().st_size]
