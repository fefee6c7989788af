"""Eight writers and four readers at once: nothing is lost, no reader sees half a transaction or an old state.

Every transaction writes two costs that sum to a constant, and their load; whatever a reader sees must be made of whole
pairs, in each view as many. In a large store a scan could be divided among threads that each see another state.
"""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from asp_analysis.session import connect
from asp_analysis.store.database import create_store

pytestmark = pytest.mark.faults

SECONDS = float(os.environ.get("ASP_PAIRS_SECONDS", "20"))
DEADLINE_S = 180
WRITER = """
import os, sys, time
from pathlib import Path
from asp_analysis.batch import Batch
from asp_analysis.config import parse_url
from asp_analysis.store.database import open_store
from asp_analysis.store.loads import write_load
from asp_analysis.store.log import LoadedFile
url, name, folder = parse_url(sys.argv[1], Path()), sys.argv[2], Path(sys.argv[3])
pause_s = float(sys.argv[4])
columns = ("executed_at", "task_id", "agent_role", "cost_usd", "execution_id")
pairs, slowest, committed = 0, 0.0, os.open(folder / "committed", os.O_APPEND | os.O_WRONLY)
with open_store(url) as store:
    print("ready", flush=True)
    while not pairs or not (folder / "stop").exists():
        share = pairs % 97
        rows = [("2026-01-02T03:04:05.000000Z", f"T-{name}", role, value, f"{name}-{pairs}-{role}")
                for role, value in (("Code", share), ("Test", 100.0 - share))]
        batch = Batch(
            table="agent_cost_vector", columns=columns, rows=rows, record_of_row=range(2), line_numbers=range(2),
            raw_text=str, record_count=2,
        )
        began = time.monotonic()
        source = LoadedFile(
            file=f"{name}-{pairs}", sha256="", size_bytes=0, format="jsonl", loaded_as="executions"
        )
        result = write_load(store, source, [batch])
        slowest = max(slowest, time.monotonic() - began)
        assert result.written == 2, result
        os.write(committed, b".")
        pairs += 1
        time.sleep(pause_s)
print(pairs, round(slowest, 3))
"""
READER = '''
import sys
from pathlib import Path
from asp_analysis.session import connect, readers
readers.COPIED_ROWS = {"memory": 10**9, "snapshot": 0, "live": 0}[sys.argv[2]]
query = """
SELECT count(*) AS n, COALESCE(sum(cost_usd), 0) AS usd, (SELECT count(*) FROM executions) AS executions,
    (SELECT COALESCE(sum(written), 0) FROM stg_loads) AS logged
FROM stg_executions
"""
looks, folder = 0, Path(sys.argv[3])
with connect(sys.argv[1], is_live=sys.argv[2] == "live") as session:
    print("ready", flush=True)
    while not looks or not (folder / "stop").exists():
        before = (folder / "committed").stat().st_size
        seen = session.sql(query).iloc[0]
        assert seen["n"] >= 2 * before, (dict(seen), before)
        assert seen["n"] % 2 == 0 and seen["usd"] == 50 * seen["n"], dict(seen)
        assert seen["n"] == seen["executions"] == seen["logged"], dict(seen)
        looks += 1
    assert sys.argv[2] in session.source, session.source
print(looks)
'''

MANY, AT = 300_000, "2026-01-02T03:04:05.000000Z"
FILL = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO agent_cost_vector (executed_at, task_id, agent_role, cost_usd, execution_id)
SELECT ?2, 'T', 'Code', 50, 'n-' || i FROM n
"""
MOVER = """
import itertools, sys
from pathlib import Path
from asp_analysis.batch import Batch
from asp_analysis.config import parse_url
from asp_analysis.store.database import open_store
from asp_analysis.store.loads import write_load
from asp_analysis.store.log import LoadedFile
columns = ("task_id", "executed_at", "cost_usd", "execution_id")
with open_store(parse_url(sys.argv[1], Path())) as store:
    for moved in itertools.cycle(range(1, 50)):
        rows = [("T", sys.argv[3], usd, f"n-{place}")
                for usd, place in ((50.0 + moved, 0), (50.0 - moved, int(sys.argv[2]) - 1))]
        batch = Batch(
            table="agent_cost_vector", columns=columns, rows=rows, record_of_row=range(2), line_numbers=range(2),
            raw_text=str, record_count=2,
        )
        source = LoadedFile(file="moved", sha256="", size_bytes=0, format="jsonl", loaded_as="executions")
        assert write_load(store, source, [batch]).updated == 2
        if moved == 1:
            print("moved", flush=True)
"""


def crowd(url, folder, writers, readers, seconds):
    """Run them all side by side for so long; give the pairs written, the slowest transaction and the readers' looks.

    A file grows by a byte after each commit: a query that begins later must see it.
    """
    (folder / "committed").touch()
    words = [[sys.executable, "-c", WRITER, url.text, f"w{number}", str(folder), "0.002"] for number in range(writers)]
    words += [[sys.executable, "-c", READER, url.text, mode, str(folder)] for mode in readers]
    running = [subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for each in words]
    for process in running:
        while process.stdout.readline() not in ("ready\n", ""):
            pass  # DuckDB shows its progress where it is slow
    time.sleep(seconds)
    (folder / "stop").touch()
    ended = [(*process.communicate(timeout=DEADLINE_S), process.returncode) for process in running]
    assert [code for *_, code in ended] == [0] * len(ended), "\n".join(error for _, error, _ in ended)
    wrote = [output.split() for output, *_ in ended[:writers]]
    looks = [int(output.split()[-1]) for output, *_ in ended[writers:]]
    return sum(int(pairs) for pairs, _ in wrote), max(float(slowest) for _, slowest in wrote), looks


def test_eight_writers_and_four_readers_lose_and_see_nothing_wrong(empty_store, tmp_path, record_property):
    pairs, slowest, looks = crowd(empty_store, tmp_path, 8, ["memory", "snapshot", "live", "live"], SECONDS)
    record_property("pairs, slowest transaction in s, looks", (pairs, slowest, looks))
    with connect(empty_store) as session:
        found = session.sql("SELECT count(*) AS n, sum(cost_usd) AS usd FROM stg_executions").iloc[0]
    assert (found["n"], found["usd"]) == (2 * pairs, 100 * pairs)


def test_the_sum_of_a_large_store_stays_while_amounts_move_between_its_ends(empty_store):
    with closing(sqlite3.connect(empty_store.path)) as connection:
        connection.execute("INSERT INTO task_metadata (task_id, created_at) VALUES ('T', ?)", (AT,))
        connection.execute(FILL, (MANY, AT))
        connection.commit()
    words = [sys.executable, "-c", MOVER, empty_store.text, str(MANY), AT]
    mover = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert mover.stdout.readline() == "moved\n", mover.stderr.read()
        with connect(empty_store, is_live=True) as session:
            query = "SELECT sum(cost_usd) AS usd, max(cost_usd) AS most FROM stg_executions"
            looks = [session.sql(query).iloc[0] for _ in range(20)]
        assert mover.poll() is None, mover.stderr.read()
    finally:
        mover.kill()
        mover.communicate()
    assert {look["usd"] for look in looks} == {50 * MANY}
    assert len({look["most"] for look in looks}) > 1, "nothing moved meanwhile"


def test_the_same_holds_on_postgresql(postgres_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    create_store(postgres_url)
    pairs, *_ = crowd(postgres_url, tmp_path, 4, ["memory", "live"], SECONDS / 4)
    with connect(postgres_url) as session:
        found = session.sql("SELECT count(*) AS n, sum(cost_usd) AS usd FROM stg_executions").iloc[0]
    assert (found["n"], found["usd"]) == (2 * pairs, 100 * pairs)
