"""What `costs` takes beyond its start on a million executions: CPU seconds of whole processes, in one run.

    python -m benchmarks.costs_bench [EXECUTIONS [POSTGRES_URL]]

The start is the same command on an empty store. Executions are of 60 people, 40 machines and 500 days, a third of them
with labels. The store is copied to the database at POSTGRES_URL, which must be empty; the password is asked of
PGPASSWORD. Figures are the least of `TRIES` runs, taken in turn; both stores must give equal rows.
"""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.store.database import create_store
from benchmarks.stores import grown_store
from benchmarks.timing import timed_words

BY = ("team,week", "person,month", "project,month", "machine", "label env")
TRIES = 5
_SPREAD = """
UPDATE agent_cost_vector SET
    executed_at = strftime(
        '%Y-%m-%dT%H:%M:%f000Z', '2025-01-01', '+' || (rowid % 500) || ' days', '+' || (rowid % 86399) || ' seconds'
    ),
    user_id = CASE WHEN rowid % 11 > 0 THEN 'person-' || (rowid % 61) END,
    machine = 'host-' || (rowid % 41),
    labels = CASE WHEN rowid % 3 = 0 THEN '{"team":"t' || (rowid % 12) || '","env":"ci"}' END
"""
_PEOPLE = """
INSERT OR IGNORE INTO people (person, from_day, team)
SELECT user_id, '2025-01-01', 'team-' || (min(rowid) % 7) FROM agent_cost_vector
WHERE user_id IS NOT NULL GROUP BY user_id
"""


def main(words: Sequence[str] = ()) -> None:
    """Print for each grouping the seconds beyond the start, on SQLite's snapshot and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = make_store(folder, int(words[0]) if words else 1_000_000)
        stores = {"SQLite": (url, _make_empty(folder))}
        if len(words) > 1:
            _run("migrate", words[1], "--from", url.text)
            stores["PostgreSQL"] = (parse_url(words[1], folder), stores["SQLite"][1])
        print(f"{'by':15s} {'rows':>7s}" + "".join(f" {who + ', s':>16s}" for who in stores))
        for by in BY:
            rows = [_run("costs", "--by", by, "--csv", "--db", one.text) for one, _ in stores.values()]
            if len(set(rows)) > 1:
                sys.exit(f"Error: The stores differ in costs --by {by}.")
            seconds = [_measure(by, *pair) for pair in stores.values()]
            print(f"{by:15s} {rows[0].count(chr(10)) - 1:7,}" + "".join(f" {one:16.2f}" for one in seconds), flush=True)


def make_store(folder: Path, executions: int) -> StoreUrl:
    """Make a store of so many executions of many people, days, machines and labels."""
    url = grown_store(folder, executions)
    connection = sqlite3.connect(url.path)
    connection.execute("PRAGMA synchronous = OFF")
    for statement in (_SPREAD, _PEOPLE):
        connection.execute(statement)
    connection.commit()
    connection.close()
    return url


def _make_empty(folder: Path) -> StoreUrl:
    url = parse_url("empty.db", folder)
    create_store(url)
    return url


def _measure(by: str, url: StoreUrl, empty: StoreUrl) -> float:
    words = ("costs", "--by", by, "--db")
    pairs = [[timed_words(*words, one.text, tries=1).cpu_seconds for one in (url, empty)] for _ in range(TRIES)]
    return min(one for one, _ in pairs) - min(start for _, start in pairs)


def _run(*words: str) -> str:
    ran = subprocess.run([sys.executable, "-m", "asp_analysis", *words], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr)
    return ran.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
