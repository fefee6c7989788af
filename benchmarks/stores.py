"""Makes the stores and files that the benchmarks measure: of any size, and the same each time."""

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.store.database import create_store

ROLES = ["Planning", "Design", "DesignReview", "Code", "CodeReview", "Test", "Postmortem"]
DAYS = 7
"""Days between two copies of the sample."""


def write_execution_lines(path: Path, count: int, first: int = 0) -> None:
    """Write `count` executions without a name, of eight measures, a minute apart; the first is number `first`."""
    with path.open("w") as stream:
        for number in range(first, first + count):
            instant = datetime(2025, 1, 1) + timedelta(minutes=number)
            record = {
                "executed_at": instant.isoformat() + "Z",
                "task_id": f"T-{number % 2000:05d}",
                "project_id": f"project-{number % 7}",
                "agent_role": ROLES[number % 7],
                "agent_version": "1.0.0",
                "llm_model": f"model-{number % 3}",
                "llm_provider": "anthropic",
                "latency_ms": 1200.5 + number % 1000,
                "tokens_in": 34_000 + number % 1000,
                "tokens_out": 900 + number % 1000,
                "tokens_cache_read": 30_000 + number % 1000,
                "tokens_cache_write": 1_000 + number % 1000,
                "cost_usd": 0.0125 + number % 1000,
                "tool_calls": 7 + number % 1000,
                "retries": number % 3,
            }
            stream.write(json.dumps(record) + "\n")


def grown_store(folder: Path, executions: int, weeks: int | None = None) -> StoreUrl:
    """Make a store of the sample over and over, each copy with its own ids and a week later, of so many executions.

    Every task has a plan, an end, executions, reviews and defects, as in the sample. weeks: after so many the copies
    begin at the sample's own days again, so that a day has many rows.
    """
    url = parse_url(f"grown-{executions}.db", folder)
    create_store(url, with_sample=True)
    connection = sqlite3.connect(url.path)
    connection.execute("PRAGMA cache_size = -400000")
    connection.execute("PRAGMA synchronous = OFF")
    own = connection.execute("SELECT count(*) FROM agent_cost_vector").fetchone()[0]
    tables = ("task_metadata", "agent_cost_vector", "defect_log")
    for table in tables:  # what is copied is not searched for among the copies
        connection.execute(f"CREATE TEMP TABLE own_{table} AS SELECT * FROM {table}")
    for copy in range(1, round(executions / own)):
        for table in tables:
            _copy(connection, table, copy, DAYS * (copy if weeks is None else copy % weeks))
    connection.commit()
    connection.close()
    return url


def _copy(connection: sqlite3.Connection, table: str, copy: int, shift: int) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    ids = {"task_id", "execution_id", "defect_id"}
    days = {"created_at", "started_at", "completed_at", "found_at", "fixed_at", "executed_at"}
    values = []
    for name in columns:
        if name in ids:
            values.append(f"{name} || '/{copy}'")
        elif name in days:
            values.append(f"strftime('%Y-%m-%dT%H:%M:%f000Z', {name}, '+{shift} days')")
        else:
            values.append(name)
    source = f"SELECT {', '.join(values)} FROM own_{table}"
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) {source}")
