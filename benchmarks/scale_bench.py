"""How the workbench grows from 10,000 to 6.5 million executions: loading, opening, every view, every long verb.

    python -m benchmarks.scale_bench [EXECUTIONS...]        # or SCALE_SIZES="10000 130000" python -m benchmarks scale

Views are timed inside DuckDB, materialised (`CREATE TEMP TABLE ... AS`), median of five after one that is not counted.
Next to the aggregate ones are SQLite's own SQL, pandas, and DuckDB over native tables in memory. What is measured
replaces the rows of its size in docs/scale.csv; `python -m benchmarks.scale_report` writes the tables and the chart.
"""

import csv
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from asp_analysis import sql
from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.session import Session, connect, view_names
from asp_analysis.store.database import create_store
from benchmarks.plain import PANDAS, SQLITE
from benchmarks.stores import grown_store, write_execution_lines
from benchmarks.timing import Timed, timed, timed_process, timed_words

SIZES = (10_000, 130_000, 650_000, 6_500_000)
"""Executions."""

NEW = 10_000
"""Executions that a renewal of the snapshot finds new."""

ONCE_FROM = 6_500_000
"""Executions from which on a verb runs once instead of three times."""
RESULTS = Path(__file__).resolve().parents[1] / "docs" / "scale.csv"
VERBS = {
    "estimate": ("estimate", "--size", "18"),
    "backtest, one role": ("backtest", "--role", "Code"),
    "learning": ("learning",),
    "dashboard": ("dashboard",),
}
COLUMNS = ("executions", "kind", "operation", "seconds", "cpu_seconds", "peak_mb")

Measured = Iterator[tuple[str, str, Timed]]


def main(words: Sequence[str] = ()) -> None:
    """Measure each size and keep what was found."""
    for size in [int(word) for word in (words or os.environ.get("SCALE_SIZES", "").split() or SIZES)]:
        with tempfile.TemporaryDirectory() as name:
            found = []
            for kind, operation, one in measure(Path(name), size):
                found.append((kind, operation, one))
                memory = f"{one.peak_mb:7.0f} MB" if one.peak_mb else ""
                print(f"{size:9,d} {kind:8s} {operation:36s} {one.seconds * 1e3:11,.1f} ms, of CPU "
                      f"{one.cpu_seconds * 1e3:11,.1f} ms {memory}", flush=True)  # fmt: skip
            keep(size, found)


def measure(folder: Path, size: int) -> Measured:
    """Measure everything at one size."""
    yield "write", "load", _load(folder, size)
    url = _store(folder, size)
    yield "write", "migrate", _migration(url)
    yield from _openings(url, folder)
    with connect(url) as session:
        for name in view_names():
            yield "view", name, _view(session, name)
        yield from _native(session)
    yield from _plain(url)
    tries = 3 if size < ONCE_FROM else 1
    for name, words in VERBS.items():
        yield "verb", name, timed_process(url, *words, tries=tries)


def _store(folder: Path, size: int) -> StoreUrl:
    """Make the store, or copy one that was made before and named with SCALE_STORE (6.5 million take minutes)."""
    made = os.environ.get("SCALE_STORE")
    if not made:
        return grown_store(folder, size)
    shutil.copyfile(made, folder / "given.db")
    return parse_url("given.db", folder)


def _load(folder: Path, size: int) -> Timed:
    url = parse_url("loaded.db", folder)
    create_store(url)
    write_execution_lines(folder / "lines.jsonl", size)
    found = timed_process(url, "load", str(folder / "lines.jsonl"), tries=1)
    for name in ("loaded.db", "lines.jsonl"):
        (folder / name).unlink()
    return found


def _migration(url: StoreUrl) -> Timed:
    """Copy the store to an empty database of a PostgreSQL on this machine, with every check."""
    from tests.postgres import new_database, running_server

    with running_server() as server, new_database(server) as target:
        return timed_words("migrate", target, "--from", url.text, tries=1)


def _openings(url: StoreUrl, folder: Path) -> Measured:
    """Build, open and renew the copy that is read; each renewal after a load of new executions by another process."""
    yield "open", "connect, no snapshot", timed(lambda: connect(url).close())
    yield "open", "connect, fresh snapshot", timed(lambda: connect(url).close(), 5)
    for number, what in enumerate(("new tasks", "known tasks")):
        write_execution_lines(folder / "new.jsonl", NEW, number * NEW)
        yield "write", f"load 10,000 executions, {what}", timed_process(url, "load", str(folder / "new.jsonl"), tries=1)
        yield "open", f"refresh, {what}", timed(lambda: connect(url).close())


def _view(session: Session, name: str) -> Timed:
    return _materialised(session._reader.connection, f'SELECT * FROM "{name}"')


def _materialised(connection: duckdb.DuckDBPyConnection, query: str) -> Timed:
    """Time a query with all of its rows and columns, none of them sent to Python."""

    def run() -> None:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE seen AS {query}")

    run()
    found = timed(run, 5)
    connection.execute("DROP TABLE seen")
    return found


def _native(session: Session) -> Measured:
    """Time the same views over native tables in memory: the floor."""
    connection = duckdb.connect()
    for name in ("stg_executions", "stg_defects", "stg_tasks", "stg_roles"):
        connection.register("rows", session._reader.connection.execute(f"SELECT * FROM {name}").to_arrow_table())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
        connection.unregister("rows")
    connection.execute(f"CREATE VIEW work AS {sql.view_text('marts', 'work')}")  # what others sum up
    for name in SQLITE:
        yield "native", name, _materialised(connection, sql.view_text("marts", name))
    connection.close()


def _plain(url: StoreUrl) -> Measured:
    """Time the same questions without the workbench, once each: they are slow."""
    connection = sqlite3.connect(url.path)
    for name, question in SQLITE.items():
        yield "sqlite", name, timed(lambda question=question: connection.execute(question).fetchall())
    for name, ask in PANDAS.items():
        yield "pandas", name, timed(lambda ask=ask: ask(connection))
    connection.close()


def keep(size: int, found: list[tuple[str, str, Timed]]) -> None:
    """Write what was found in place of what was known of this size."""
    known = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as stream:
            known = [row for row in csv.DictReader(stream) if row.get("executions") not in (None, str(size))]
    for kind, operation, one in found:
        peak = "" if one.peak_mb is None else f"{one.peak_mb:.0f}"
        values = (size, kind, operation, f"{one.seconds:.4f}", f"{one.cpu_seconds:.4f}", peak)
        known.append(dict(zip(COLUMNS, values, strict=True)))
    with RESULTS.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(known, key=lambda row: int(row["executions"])))


if __name__ == "__main__":
    main(sys.argv[1:])
