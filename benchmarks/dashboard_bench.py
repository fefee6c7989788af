"""How long the dashboard takes over 10,000 metric rows, in a warm process and from the shell; and an estimate there.

Two stores: one as an importer of bare executions leaves it (many tasks without a plan or a defect), and the sample
several times over, where every task has a plan, an end, defects and reviews.
"""

import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.store import create_store
from benchmarks.store_bench import best_of, write_metric_lines

ROWS = 10_000


def bare_store(folder: Path) -> StoreUrl:
    """Make a store of the sample and `ROWS` metric rows of bare executions."""
    from asp_analysis.loading import load_file
    from asp_analysis.store import open_store

    url = parse_url("bare.db", folder)
    create_store(url, with_sample=True)
    write_metric_lines(folder / "lines.jsonl", ROWS)
    with open_store(url) as store:
        load_file(store, folder / "lines.jsonl")
    return url


def grown_store(folder: Path) -> StoreUrl:
    """Make a store of the sample over and over, each copy with its own ids and 70 days later, of `ROWS` metric rows."""
    url = parse_url("grown.db", folder)
    create_store(url, with_sample=True)
    connection = sqlite3.connect(url.path)
    own = connection.execute("SELECT count(*) FROM agent_cost_vector").fetchone()[0]
    for copy in range(1, round(ROWS / own)):
        for table in ("task_metadata", "agent_cost_vector", "defect_log"):
            _copy(connection, table, copy)
    connection.commit()
    connection.close()
    return url


def _copy(connection: sqlite3.Connection, table: str, copy: int) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
    ids = {"task_id", "execution_id", "defect_id"}
    days = {"created_at", "started_at", "completed_at", "resolved_at", "timestamp"}
    values = []
    for name in columns:
        if name in ids:
            values.append(f"{name} || '/{copy}'")
        elif name in days:
            values.append(f"strftime('%Y-%m-%dT%H:%M:%f000Z', {name}, '+{70 * copy} days')")
        elif name == "execution_date":
            values.append(f"date(timestamp, '+{70 * copy} days')")
        else:
            values.append(name)
    source = f"SELECT {', '.join(values)} FROM {table} WHERE task_id NOT LIKE '%/%'"
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) {source}")


def process_seconds(url: StoreUrl, *verb: str) -> tuple[float, float]:
    """Give seconds and CPU seconds (medians of three) of a verb as a process of its own."""
    words = [sys.executable, "-m", "asp_analysis", *verb, "--db", url.text]
    seconds, cpu = [], []
    for _ in range(3):
        start, before = time.perf_counter(), _children_cpu()
        subprocess.run(words, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
        cpu.append(_children_cpu() - before)
    return statistics.median(seconds), statistics.median(cpu)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, make in (("bare executions", bare_store), ("the sample over and over", grown_store)):
            url = make(folder)
            alone, alone_cpu = process_seconds(url, "dashboard", str(folder / "out.html"))
            estimate, estimate_cpu = process_seconds(url, "estimate", "--size", "18")
            from asp_analysis.dashboard import build_page
            from asp_analysis.session import connect

            with connect(url) as session:
                warm = best_of(5, lambda session=session: build_page(session))
                cpu = time.process_time()
                build_page(session)
                cpu = time.process_time() - cpu
            size = (folder / "out.html").stat().st_size / 1024
            print(f"{label:26s} page {size:4.0f} KiB")
            print(f"{'  in a warm process':26s} {warm:5.2f} s, of CPU {cpu:5.2f} s")
            print(f"{'  process from the shell':26s} {alone:5.2f} s, of CPU {alone_cpu:5.2f} s")
            print(f"{'  estimate from the shell':26s} {estimate:5.2f} s, of CPU {estimate_cpu:5.2f} s", flush=True)


if __name__ == "__main__":
    main()
