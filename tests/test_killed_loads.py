"""A load that is killed at any moment: the store is whole, no file is half loaded, and a second run completes it."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.store import create_store
from benchmarks.synthetic_transcripts import write_transcripts

pytestmark = pytest.mark.faults

KILLS = 50
CHILD = """
import sys
from pathlib import Path
from asp_analysis.config import parse_url
from asp_analysis.loading import LoadOptions, load_paths
from asp_analysis.store import open_store
with open_store(parse_url(sys.argv[1], Path())) as store:
    print("begin", flush=True)
    for result in load_paths(store, [Path(sys.argv[2])], LoadOptions()):
        assert result.read == result.written + result.updated + result.present + result.rejected
"""


@pytest.fixture(params=["a table", "a folder of transcripts"])
def source(request, tmp_path) -> Path:
    if request.param == "a table":
        path = tmp_path / "runs.csv"
        rows = (f"2026-01-02T00:00:{n % 60:02d}Z,T-{n % 500},Code,{n},{n % 7}\n" for n in range(6_000))
        path.write_text("timestamp,task_id,agent_role,tokens_in,cost_usd\n" + "".join(rows))
        return path
    write_transcripts(tmp_path / "transcripts", 3_000_000)
    return tmp_path / "transcripts"


def start(store: Path, source: Path) -> subprocess.Popen:
    """Start a load; give it when it begins to read and write."""
    words = [sys.executable, "-c", CHILD, str(store), str(source)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begin\n", process.stderr.read()
    return process


def content(store: Path) -> dict[str, list[tuple]]:
    """Give what loads write, without times and ids; the store must be sound."""
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        bad = "SELECT count(*) FROM load_log WHERE read_count <> written + updated + present + rejected"
        assert connection.execute(bad).fetchall() == [(0,)]
        queries = {
            "costs": "SELECT execution_id, metric_type, metric_value, task_id FROM agent_cost_vector ORDER BY 1, 2",
            "tasks": "SELECT task_id, status, created_at, completed_at FROM task_metadata ORDER BY 1",
            "files": "SELECT file, sum(written + updated), max(read_count) FROM load_log GROUP BY file ORDER BY 1",
        }
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def test_fifty_kills_at_random_moments_leave_whole_files_and_a_rerun_completes_them(source, tmp_path, record_property):
    empty, whole, store = tmp_path / "empty.db", tmp_path / "whole.db", tmp_path / "store.db"
    create_store(parse_url(str(empty), tmp_path))
    shutil.copyfile(empty, whole)
    process, began = start(whole, source), time.monotonic()
    assert process.wait() == 0, process.stderr.read()
    duration, expected = time.monotonic() - began, content(whole)
    rng, midway = random.Random(7), 0
    for _ in range(KILLS):
        for suffix in ("", "-wal", "-shm"):
            Path(f"{store}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(empty, store)
        process = start(store, source)
        time.sleep(rng.uniform(0, duration))
        midway += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = content(store)
        assert set(left["files"]) <= set(expected["files"]), "a file is half loaded"
        assert set(left["costs"]) <= set(expected["costs"])
        if source.is_file():
            assert left["costs"] in ([], expected["costs"])
        assert start(store, source).wait() == 0
        again = content(store)
        assert again["costs"] == expected["costs"] and again["tasks"] == expected["tasks"]
    record_property("kills that met a load at work", f"{midway} of {KILLS}, {duration:.2f} s undisturbed")
    assert midway, "no kill met a load at work"
