"""What publishing costs: the first time, with nothing new, with one new day, and what is uploaded.

The store has its tasks, executions and defects in about 200 days, so that a day has thousands of rows.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from asp_analysis.config import StoreUrl
from asp_analysis.session import connect
from benchmarks.stores import grown_store
from benchmarks.timing import Timed, timed_process

WEEKS = 20
NEW_DAY = "2026-06-30"
_ADD_DAY = """
    INSERT INTO agent_cost_vector ({columns}, execution_id, executed_at, task_id)
    SELECT {columns}, 'new/' || execution_id, '{day}' || substr(executed_at, 11), task_id
    FROM agent_cost_vector LIMIT {rows}
"""


def add_day(store: StoreUrl, rows: int) -> None:
    """Add so many executions of a day that the store has none of."""
    with closing(sqlite3.connect(store.path)) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(agent_cost_vector)")]
        others = ", ".join(name for name in names if name not in ("execution_id", "executed_at", "task_id"))
        connection.execute(_ADD_DAY.format(columns=others, day=NEW_DAY, rows=rows))
        connection.commit()


def show(what: str, took: Timed) -> None:
    """Print one line."""
    print(
        f"{what:<22} {took.seconds:7.2f} s wall {took.cpu_seconds:7.2f} s CPU {took.peak_mb or 0:7.0f} MB", flush=True
    )


def main(executions: int = 1_300_000) -> None:
    """Print what each publish took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store, lake = grown_store(folder, executions, WEEKS), folder / "lake"
        with connect(store) as session:  # the snapshot that every session of a large store reads
            days = int(session.sql("SELECT count(DISTINCT CAST(executed_at AS DATE)) AS n FROM stg_executions")["n"][0])
        print(f"{executions:,} executions of {days} days, {store.path and store.path.stat().st_size / 1e6:,.0f} MB")
        show("the first time", timed_process(store, "publish", str(lake), tries=1))
        size = sum(path.stat().st_size for path in lake.rglob("*.parquet"))
        print(f"the lake has {len(list(lake.rglob('*.parquet')))} files, {size / 1e6:,.1f} MB")
        show("with nothing new", timed_process(store, "publish", str(lake), tries=3))
        add_day(store, executions // days)
        show("with one new day", timed_process(store, "publish", str(lake), tries=1))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
