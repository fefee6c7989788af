"""A load that is killed at any moment: the store is whole, no file is half loaded, and a second run completes it."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asp_analysis import loading
from asp_analysis.config import parse_url
from asp_analysis.importers.tables import raw
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.store.database import create_store, open_store
from benchmarks.synthetic_transcripts import write_transcripts
from tests.killing import Moments, seconds_of, started

pytestmark = pytest.mark.faults

KILLS = 50


def load_all(begin, url, source):
    raw.BATCH_RECORDS, loading._GROUP_FILES = 500, 3  # several batches of a table, several transactions of transcripts
    with open_store(url) as store:
        begin()
        for result in load_paths(store, [source], LoadOptions()):
            assert result.read == result.written + result.updated + result.present + result.rejected


@pytest.fixture(params=["a table", "a folder of transcripts"])
def source(request, tmp_path) -> Path:
    if request.param == "a table":
        path = tmp_path / "runs.csv"
        runs = (f"2026-01-02T00:00:{n % 60:02d}Z,T-{n % 500},Code,{n},{n % 7}\n" for n in range(4_000))
        path.write_text("timestamp,task_id,agent_role,tokens_in,cost_usd\n" + "".join(runs))
        return path
    write_transcripts(tmp_path / "transcripts", 6_000_000)  # the tenth repeats calls of the one before
    return tmp_path / "transcripts"


def content(url) -> dict[str, list[tuple]]:
    """Give what loads write, without times and ids; the store must be sound, and its log must count what is there."""
    with closing(sqlite3.connect(url.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        bad = "SELECT count(*) FROM load_log WHERE read_count <> written + updated + present + rejected"
        assert connection.execute(bad).fetchall() == [(0,)]
        logged = "SELECT coalesce(sum(written + tasks_stubbed), 0) FROM load_log"
        there = "SELECT count(*) + (SELECT count(*) FROM task_metadata) FROM agent_cost_vector"
        assert connection.execute(logged).fetchall() == connection.execute(there).fetchall(), "rows without their log"
        queries = {
            "costs": "SELECT execution_id, tokens_in, cost_usd, task_id FROM agent_cost_vector ORDER BY 1",
            "tasks": "SELECT task_id, status, created_at, completed_at FROM task_metadata ORDER BY 1",
            "files": "SELECT file, sum(written + updated), max(read_count) FROM load_log GROUP BY file ORDER BY 1",
        }
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def empty(folder, number):
    """Make an empty store; the first is made, the others are copies of its file."""
    url, first = (parse_url(f"store-{each}.db", folder) for each in (number, 0))
    if number:
        shutil.copyfile(first.path, url.path)
    else:
        create_store(url)
    return url


def test_fifty_kills_at_random_moments_leave_whole_files_and_a_rerun_completes_them(source, tmp_path, record_property):
    empty(tmp_path, 0)
    whole, partly = empty(tmp_path, KILLS + 1), 0
    seconds, expected = seconds_of(load_all, whole, source), content(whole)
    moments = Moments(seconds, random.Random(7))
    for number in range(1, KILLS + 1):
        url = empty(tmp_path, number)
        moments.kill(started(load_all, url, source))
        left = content(url)
        assert set(left["files"]) <= set(expected["files"]), "a file is half loaded"
        assert set(left["costs"]) <= set(expected["costs"])
        if source.is_file():
            assert left["costs"] in ([], expected["costs"])
        partly += 0 < len(left["costs"]) < len(expected["costs"])
        seconds_of(load_all, url, source)
        assert content(url) == expected
    moments.tell(record_property)
    record_property("kills between two transactions of a load", partly)
