"""Has the store changed? By a look at its file where that tells, by its own counters of changes where it does not."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from asp_analysis.config import StoreUrl
from asp_analysis.session.raw import STORE

SETTLED_NS = 50_000_000
"""A file that changed less than this before it was looked at may change again within one tick of its clock, unseen."""

State = dict[str, int]
"""Table -> how often its rows changed; and `last_id` and `metrics`: the largest id and the number of metric rows."""

_EXISTS = {
    "sqlite": "SELECT 1 AS found FROM sqlite_schema WHERE name = 'asp_changes'",
    "server": "SELECT 1 AS found WHERE to_regclass('asp_changes') IS NOT NULL",
}
_COUNTERS = "SELECT table_name, changes FROM asp_changes"
_METRICS = "SELECT coalesce(max(id), 0) AS last_id, {count} AS metrics FROM agent_cost_vector"


def fingerprint(path: Path | None) -> list[Any] | None:
    """Tell one state of a SQLite file from another without opening it; None where the file changed only just now.

    The time at which the inode changed is part of it: the time of change of the content can be set back by anybody.
    Opening and closing the file, even for a moment, would drop the locks that this process holds on it.
    """
    if path is None:
        return None
    states = []
    for name in (path, Path(f"{path}-wal")):
        try:
            found = name.stat()
        except FileNotFoundError:
            continue
        if time.time_ns() - found.st_mtime_ns < SETTLED_NS:
            return None
        if found.st_size or name == path:  # an empty WAL says the same as none
            states.append([name.name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino])
    return states


def state_of(connection: duckdb.DuckDBPyConnection, url: StoreUrl, *, is_quick: bool = False) -> State | None:
    """Read the store's counters of changes; None where the store keeps none, because others made it.

    `is_quick` leaves the number of metric rows out: it takes the server tens of milliseconds at a million rows, and
    finds only rows that a foreign program wrote with an id smaller than one that was there.
    """
    ask = "sqlite_query" if url.is_sqlite else "postgres_query"
    exists = _EXISTS["sqlite" if url.is_sqlite else "server"].replace("'", "''")
    if not connection.execute(f"SELECT * FROM {ask}('{STORE}', '{exists}')").fetchall():
        return None
    counters = connection.execute(f"SELECT * FROM {ask}('{STORE}', '{_COUNTERS}')").fetchall()
    query = _METRICS.format(count="0" if is_quick else "count(*)")
    last_id, metrics = connection.execute(f"SELECT * FROM {ask}('{STORE}', '{query}')").fetchall()[0]
    return {str(table): int(changes) for table, changes in counters} | {
        "last_id": int(last_id),
        "metrics": -1 if is_quick else int(metrics),
    }


def is_same(found: State | None, known: State | None, ignored: Sequence[str] = ("metrics",)) -> bool:
    """Tell whether two states agree in all that both know; what is not known agrees with nothing."""
    if found is None or known is None:
        return False
    names = found.keys() | known.keys()
    unknown = {name for name in ignored if -1 in (found.get(name), known.get(name))}
    return all(found.get(name) == known.get(name) for name in names - unknown)
