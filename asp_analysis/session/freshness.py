"""Has the store changed? By a look at its file where that is enough, by its own counters of changes where it is not."""

import time
from pathlib import Path
from typing import Any

import duckdb

from asp_analysis.config import StoreUrl
from asp_analysis.executions import EXECUTIONS
from asp_analysis.session.contract import STORE
from asp_analysis.sql import ONE_ROW_VERSION, quoted

SETTLED_NS = 50_000_000
"""A file that changed less than this before it was looked at may change again within one tick of its clock, unseen."""

State = dict[str, int]
"""Table -> how often its rows changed; `TABLE last` and `TABLE rows`: its largest row number and how many rows it has;
`schema`: SQLite's number of its schema.

Rows that are added to agent_cost_vector are not counted as a change, those of the other tables are.
"""

NUMBERED = {
    "sqlite": {EXECUTIONS: "rowid", "task_metadata": "rowid", "defect_log": "rowid"},
    "server": {EXECUTIONS: "row_id"},
}
"""Tables whose rows are numbered as they are added, so that the new ones can be read alone, and the number's column."""

_EXISTS = {
    "sqlite": "SELECT 1 AS found FROM sqlite_schema WHERE name = 'asp_changes'",
    "server": "SELECT 1 AS found WHERE to_regclass('asp_changes') IS NOT NULL",
}
_VERSION = "SELECT max(version) AS version FROM asp_schema"
_COUNTERS = "SELECT table_name, changes FROM asp_changes"
_SCHEMA_NUMBER = "SELECT schema_version FROM pragma_schema_version"
"""It grows when a trigger is taken away or put back."""

_NOT_COUNTED = -1


def fingerprint(path: Path | None, *, is_settled: bool = True) -> list[Any] | None:
    """Return what identifies a state of a SQLite file without opening it; None where the file changed only just now.

    Without `is_settled` the state is returned even then: it was seen before what was read after it.

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
        if is_settled and time.time_ns() - found.st_mtime_ns < SETTLED_NS:
            return None
        if found.st_size or name == path:  # an empty WAL says the same as none
            states.append([name.name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino])
    return states


def state_of(connection: duckdb.DuckDBPyConnection, url: StoreUrl, *, is_quick: bool = False) -> State | None:
    """Read the store's counters of changes; None where others made the store, or an earlier release.

    `is_quick` leaves the number of executions out: it takes the server tens of milliseconds at a million rows, and
    finds only rows that a foreign program wrote with a number smaller than one that was there.
    """
    kind = "sqlite" if url.is_sqlite else "server"
    if not _ask(connection, kind, _EXISTS[kind]) or int(_ask(connection, kind, _VERSION)[0][0] or 0) < ONE_ROW_VERSION:
        return None
    state = {str(table): int(changes) for table, changes in _ask(connection, kind, _COUNTERS)}
    for table, number in NUMBERED[kind].items():
        count = str(_NOT_COUNTED) if is_quick and table == EXECUTIONS else "count(*)"
        last, rows = _ask(connection, kind, f"SELECT coalesce(max({number}), 0) AS l, {count} AS r FROM {table}")[0]
        state |= {f"{table} last": int(last), f"{table} rows": int(rows)}
    if kind == "sqlite":
        state["schema"] = int(_ask(connection, kind, _SCHEMA_NUMBER)[0][0])
    return state


def _ask(connection: duckdb.DuckDBPyConnection, kind: str, query: str) -> list[tuple]:
    """Let the store itself answer a query."""
    function = "sqlite_query" if kind == "sqlite" else "postgres_query"
    return connection.execute(f"SELECT * FROM {function}('{STORE}', {quoted(query)})").fetchall()


def is_same(found: State | None, known: State | None) -> bool:
    """Return whether two states agree in all that both counted; what is not known agrees with nothing."""
    if found is None or known is None or found.keys() != known.keys():
        return False
    return all(_NOT_COUNTED in (value, known[name]) or value == known[name] for name, value in found.items())


def has_changed(table: str, known: State | None, found: State | None) -> bool:
    """Return whether rows of a table were changed, or nobody knows."""
    return known is None or found is None or known.get(table) != found.get(table)


def has_only_grown(table: str, known: State | None, found: State | None) -> bool:
    """Return whether a numbered table lost and changed no row; not whether every new row has a number beyond the last.

    An added row of the other tables counts as a change, a changed or removed one too: where there are as many changes
    as rows more, all of them were added.
    """
    if known is None or found is None or f"{table} last" not in known.keys() & found.keys():
        return False
    if known.get("schema") != found.get("schema"):  # the triggers that count may have been away
        return False
    changes, rows, last = (found[name] - known[name] for name in (table, f"{table} rows", f"{table} last"))
    return last >= 0 and changes == (0 if table == EXECUTIONS else rows)
