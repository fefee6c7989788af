"""Makes the stores and files that the benchmarks measure: of any size, and the same each time."""

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.store import create_store

METRICS = [("Latency", "ms", 1200.5), ("Tokens_In", "tokens", 34_000), ("Tokens_Out", "tokens", 900)]
METRICS += [("API_Cost", "USD", 0.0125), ("Tool_Calls", "count", 7)]
ROLES = ["Planning", "Design", "DesignReview", "Code", "CodeReview", "Test", "Postmortem"]
DAYS = 7
"""Days between two copies of the sample."""


def write_metric_lines(path: Path, row_count: int, first: int = 0) -> None:
    """Write `row_count` metric rows, five to an execution, a minute between executions; the first is number `first`."""
    with path.open("w") as stream:
        for number in range(first, first + row_count):
            execution, place = divmod(number, len(METRICS))
            metric, unit, value = METRICS[place]
            instant = datetime(2025, 1, 1) + timedelta(minutes=execution)
            record = {
                "timestamp": instant.isoformat() + "Z",
                "task_id": f"T-{execution % 2000:05d}",
                "project_id": f"project-{execution % 7}",
                "agent_role": ROLES[execution % 7],
                "agent_version": "1.0.0",
                "metric_type": metric,
                "metric_value": value + execution % 1000,
                "metric_unit": unit,
                "llm_model": f"model-{execution % 3}",
                "llm_provider": "anthropic",
            }
            stream.write(json.dumps(record) + "\n")


def grown_store(folder: Path, rows: int) -> StoreUrl:
    """Make a store of the sample over and over, each copy with its own ids and a week later, of `rows` metric rows.

    Every task has a plan, an end, executions, reviews and defects, as in the sample.
    """
    url = parse_url(f"grown-{rows}.db", folder)
    create_store(url, with_sample=True)
    connection = sqlite3.connect(url.path)
    connection.execute("PRAGMA cache_size = -400000")
    connection.execute("PRAGMA synchronous = OFF")
    own = connection.execute("SELECT count(*) FROM agent_cost_vector").fetchone()[0]
    tables = ("task_metadata", "agent_cost_vector", "defect_log")
    for table in tables:  # what is copied is not searched for among the copies
        connection.execute(f"CREATE TEMP TABLE own_{table} AS SELECT * FROM {table}")
    for copy in range(1, round(rows / own)):
        for table in tables:
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
            values.append(f"strftime('%Y-%m-%dT%H:%M:%f000Z', {name}, '+{DAYS * copy} days')")
        elif name == "execution_date":
            values.append(f"date(timestamp, '+{DAYS * copy} days')")
        else:
            values.append(name)
    source = f"SELECT {', '.join(values)} FROM own_{table}"
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) {source}")
