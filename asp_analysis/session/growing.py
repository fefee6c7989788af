"""What is new in the store comes into a copy of it: the rows that were added, and what follows from them.

Executions follow the metrics of theirs, and the marts by task follow the tasks that were touched. What was changed or
removed shows in no row number: then a staging table is made anew, and so are the marts that join it.
"""

from collections.abc import Collection

import duckdb

from asp_analysis import sql
from asp_analysis.session.freshness import METRICS

NAME = "snapshot"
"""The name under which a copy is attached."""

TABLE_OF = {
    "stg_costs": METRICS,
    "stg_tasks": "task_metadata",
    "stg_defects": "defect_log",
    "stg_learning": "bootstrap_metrics",
    "stg_roles": "agent_roles",
    "stg_loads": "load_log",
}
"""Staging view of a copy -> the table that it shows."""

_BY_TASK = ("phase_costs", "task_history")
_JOINED = {"task_metadata", "agent_roles"}
"""Marts whose rows each belong to one task, and the tables besides the metrics that they show."""


def grow(connection: duckdb.DuckDBPyConnection, changed: Collection[str], added: Collection[str]) -> None:
    """Bring a copy up to date, within its transaction.

    changed: tables whose rows are others than in the copy; added: those of them (and the metrics) of which `raw` shows
    only the rows that were added, because nothing else happened to them.
    """
    connection.execute("CREATE TEMP TABLE touched (task_id VARCHAR)")
    _add_metrics(connection)
    for name, table in TABLE_OF.items():
        if table in changed and table != METRICS:
            _add(connection, name) if table in added else _replace(connection, "staging", name)
    connection.execute(f"USE {NAME}")
    for name in _BY_TASK:
        _replace(connection, "marts", name) if _JOINED & set(changed) - set(added) else _follow(connection, name)


def row_count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Count the rows of one table of the copy."""
    return connection.execute(f"SELECT count(*) FROM {NAME}.{name}").fetchall()[0][0]


def _add_metrics(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the rows of `raw` to the metrics, and compute their executions anew."""
    connection.execute(f"CREATE TEMP TABLE new_costs AS {sql.view_text('staging', 'stg_costs')}")
    connection.execute(f"INSERT INTO {NAME}.stg_costs SELECT * FROM new_costs")
    theirs = "WHERE execution_id IN (SELECT execution_id FROM new_costs)"
    connection.execute(f"INSERT INTO touched SELECT task_id FROM {NAME}.executions {theirs}")
    deleted = connection.execute(f"DELETE FROM {NAME}.executions {theirs}").fetchall()[0][0]
    # Most new rows are of new executions; only otherwise all metrics are searched for the other rows of theirs.
    costs = f"SELECT * FROM {NAME}.stg_costs {theirs}" if deleted else "SELECT * FROM new_costs"
    connection.execute(
        f"CREATE TEMP TABLE new_executions AS WITH stg_costs AS ({costs}) "
        f"SELECT * FROM ({sql.view_text('marts', 'executions')})"
    )
    connection.execute(f"INSERT INTO {NAME}.executions SELECT * FROM new_executions")
    connection.execute("INSERT INTO touched SELECT task_id FROM new_executions")


def _add(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Add the rows of `raw` to a staging table."""
    connection.execute(f"CREATE TEMP TABLE new_rows AS {sql.view_text('staging', name)}")
    connection.execute(f"INSERT INTO {NAME}.{name} SELECT * FROM new_rows")
    if name == "stg_tasks":
        connection.execute("INSERT INTO touched SELECT task_id FROM new_rows")
    connection.execute("DROP TABLE new_rows")


def _replace(connection: duckdb.DuckDBPyConnection, layer: str, name: str) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE {NAME}.{name} AS {sql.view_text(layer, name)}")


def _follow(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Compute the rows of the tasks that were touched anew."""
    theirs = "WHERE task_id IN (SELECT task_id FROM touched)"
    connection.execute(f"DELETE FROM {NAME}.{name} {theirs}")
    connection.execute(
        f"INSERT INTO {NAME}.{name} WITH executions AS (SELECT * FROM {NAME}.executions {theirs}) "
        f"SELECT * FROM ({sql.view_text('marts', name)})"
    )
