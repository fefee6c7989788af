"""130,000 executions to PostgreSQL with every check, beside pgloader, which checks nothing, into the same tables.

Each runs as a process of its own into a new database of one server; time and peak memory are of that process alone.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.store.database import create_store

EXECUTIONS = 130_000
OURS = "asp-analysis migrate"
PGLOADER = {"pgloader": True, "pgloader, references unchecked": False}
"""What is run beside ours -> whether the reference of executions to tasks is checked, as ours is."""

_TASKS = """
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :tasks - 1)
INSERT INTO task_metadata (task_id, created_at, estimated_size, status, is_stub)
SELECT printf('T-%05d', i), strftime('%Y-%m-%dT%H:%M:%S', '2025-01-01', i || ' minutes') || '.000000Z', i % 40,
    'completed', 1 FROM n
"""
_EXECUTIONS = """
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :executions - 1)
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, project_id, agent_role, agent_version, llm_model,
    llm_provider, latency_ms, tokens_in, tokens_out, cost_usd, tool_calls, tool, metadata_json)
SELECT lower(hex(i * 104729)) || '-' || i, replace(datetime('2025-01-01', i || ' minutes'), ' ', 'T') || '.250000Z',
    printf('T-%05d', i % :tasks), 'project-' || i % 7,
    CASE i % 3 WHEN 0 THEN 'Code' WHEN 1 THEN 'CodeReview' ELSE 'Test' END, '1.0.0', 'model-' || i % 3, 'anthropic',
    1200.5 + i % 1000, 34000 + i % 1000, 900 + i % 1000, i % 9973 * 0.00137, i % 20, 'claude-code',
    '{"price":{"date":"2025-01-01","source":"genai-prices"},"tools":["Read","Edit"],"turn":' || i || '}'
FROM n
"""


def make_store(path: Path, executions: int) -> StoreUrl:
    """Make a store of so many executions, a hundred to a task; each has the evidence of its price."""
    url = parse_url(str(path), path.parent)
    create_store(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = -200000")
        numbers = {"executions": executions, "tasks": max(1, executions // 100)}
        connection.execute("BEGIN")
        for statement in (_TASKS, _EXECUTIONS):
            connection.execute(statement, numbers)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return url


def timed(words: list[str], **environment: str) -> tuple[float, float, float]:
    """Give seconds, CPU seconds and peak MB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}
    )
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"Error: {Path(words[0]).name} ended with {process.returncode}:\n{said[-2000:]}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def with_pgloader(source: StoreUrl, target: str, folder: Path, *, is_checked: bool) -> tuple[float, float, float]:
    """Load the two filled tables with pgloader, data only, into tables that are there.

    `is_checked` keeps the reference of executions to tasks checked, as the migration does; then the tasks come first.
    """
    create_store(parse_url(target, folder))
    parts = urlsplit(target)
    address = urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}"))
    script = folder / "pgloader.load"
    script.write_text(
        "".join(
            f"LOAD DATABASE FROM sqlite://{source.path} INTO {address}\n"
            f"WITH data only, create no tables, create no indexes, include no drop, reset no sequences"
            f"{'' if is_checked else ', disable triggers'}\n"
            f"SET TimeZone TO 'UTC'\nINCLUDING ONLY TABLE NAMES LIKE '{table}';\n"
            for table in ("task_metadata", "agent_cost_vector")
        )
    )
    return timed(["pgloader", "--on-error-stop", str(script)], PGPASSWORD=unquote(parts.password))


def execution_count(url: str) -> int:
    """Count the executions that arrived."""
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM agent_cost_vector").fetchone()[0]


def main(executions: int = EXECUTIONS) -> None:
    """Print the table: best of two runs each, taken in turns."""
    from tests.postgres import new_database, running_server

    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in (OURS, *PGLOADER)}
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        path = Path(name) / "source.db"
        # A process of its own: what this one holds when it starts another counts as the other's peak.
        imports = f"from pathlib import Path; from {__name__} import make_store"
        making = f"make_store(Path({str(path)!r}), {executions})"
        subprocess.run([sys.executable, "-c", f"{imports}; {making}"], check=True)
        source = parse_url(str(path), path.parent)
        for _ in range(2):
            with new_database(server) as url:
                words = [sys.executable, "-m", "asp_analysis", "migrate", url, "--from", source.text]
                found[OURS].append(timed(words))
            for label, is_checked in PGLOADER.items() if shutil.which("pgloader") else ():
                with new_database(server) as url:
                    found[label].append(with_pgloader(source, url, Path(name), is_checked=is_checked))
                    assert execution_count(url) == executions, execution_count(url)
            print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for label, runs in found.items():
        if not runs:
            print(f"{label:32s} is not installed")
            continue
        seconds, cpu, peak = min(runs)
        speed = f"{executions / seconds:9,.0f} executions/s"
        print(f"{label:32s} {seconds:7.1f} s {speed}  CPU {cpu:5.1f} s  peak {peak:5.0f} MB")


if __name__ == "__main__":
    main()
