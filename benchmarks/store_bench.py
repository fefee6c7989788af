"""Loading 500,000 executions against a bare `executemany`, and every view at 10,000 executions.

"Bare" is Python's sqlite3 with one `executemany` of finished tuples in one transaction, into the same tables with the
same indexes, constraints, foreign keys, WAL and synchronous setting; once with SQLite's own page cache and once with
the writer's 64 MiB, because the unique index is written in random order and the cache decides.
"""

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from asp_analysis import sql
from asp_analysis.config import parse_url
from asp_analysis.executions import COLUMNS, PLACE
from asp_analysis.importers.file import open_file
from asp_analysis.importers.formats import jsonl
from asp_analysis.importers.tables.record_batches import RecordReader
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.store.database import create_store
from benchmarks.stores import write_execution_lines
from benchmarks.timing import best_of


def bare_insert(folder: Path, rows: list[tuple], cache_kib: int | None) -> float:
    """Insert finished tuples with one executemany; give the seconds."""
    path = folder / f"bare-{cache_kib}.db"
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if cache_kib:
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.executescript(sql.script("sqlite/create_tables.sql") + sql.script("sqlite/create_indexes.sql"))
    tasks = {row[PLACE["task_id"]] for row in rows}
    insert = f"INSERT INTO agent_cost_vector ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    connection.executemany(
        "INSERT INTO task_metadata (task_id, created_at) VALUES (?, '2025-01-01T00:00:00.000000Z')",
        [(task,) for task in tasks],
    )
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(insert, rows)
    connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    path.unlink()
    return seconds


def our_load(folder: Path, path: Path) -> float:
    """Load the file in this process as `asp-analysis load` does; give the seconds."""
    from asp_analysis.loading import load_file
    from asp_analysis.store.database import open_store

    url = parse_url(f"ours-{time.monotonic_ns()}.db", folder)
    create_store(url)
    with open_store(url) as store:
        start = time.perf_counter()
        load_file(store, path)
        seconds = time.perf_counter() - start
    url.path.unlink()
    return seconds


def view_times(folder: Path) -> Iterator[tuple[str, float]]:
    """Time connecting and each view over a store of 10,000 executions, in a process that only reads."""
    path = folder / "small.jsonl"
    write_execution_lines(path, 10_000)
    url = parse_url("small.db", folder)
    create_store(url, with_sample=True)
    subprocess.run([sys.executable, "-m", "asp_analysis", "load", str(path), "--db", url.text], check=True)
    from asp_analysis.session import connect, view_names

    yield "connect", best_of(5, lambda: connect(url).close())
    with connect(url) as session:
        for name in view_names():
            yield name, best_of(5, lambda name=name: session.view(name))


def main(count: int = 500_000) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "executions.jsonl"
        write_execution_lines(path, count)
        with open_file(path) as file:
            raws = jsonl.read_table(file, TableOptions())
            batches = RecordReader(path.name, "executions", TableOptions()).read(raws)
            rows = [row for batch in batches for row in batch.rows]
        bare = [bare_insert(folder, rows, None) for _ in range(2)]
        tuned = [bare_insert(folder, rows, 65_536) for _ in range(2)]
        del rows
        ours = [our_load(folder, path) for _ in range(2)]
        for label, seconds in (
            ("bare executemany", bare),
            ("the same, 64 MiB cache", tuned),
            ("load from JSONL", ours),
        ):
            rate = count / min(seconds)
            print(f"{label:28s} {min(seconds):7.2f} s {rate:10,.0f} a second  ratio {min(bare) / min(seconds):.2f}")
        for label, seconds in view_times(folder):
            print(f"{label:28s} {seconds * 1000:7.1f} ms")


if __name__ == "__main__":
    main()
