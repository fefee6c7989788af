"""Renews a copy of the store: rows that were added are appended, changed tables are made again."""

from collections.abc import Collection

import duckdb

from asp_analysis import sql
from asp_analysis.executions import EXECUTIONS

NAME = "snapshot"
"""The name under which a copy is attached."""

TABLE_OF = {
    "stg_executions": "agent_cost_vector",
    "stg_tasks": "task_metadata",
    "stg_defects": "defect_log",
    "stg_learning": "bootstrap_metrics",
    "stg_roles": "agent_roles",
    "stg_capabilities": "capabilities",
    "stg_defect_types": "defect_types",
    "stg_people": "people",
    "stg_changes": "code_change",
    "stg_change_sessions": "change_session",
    "stg_aliases": "name_alias",
    "stg_budgets": "budget",
    "stg_agent_changes": "agent_change",
    "stg_change_assignments": "change_assignment",
    "stg_loads": "load_log",
}
"""Staging view of a copy -> the table that it shows."""


def grow(connection: duckdb.DuckDBPyConnection, changed: Collection[str], added: Collection[str]) -> None:
    """Bring a copy up to date, within its transaction.

    changed: tables whose rows are others than in the copy; added: tables of which `raw` shows only the rows that were
    added, because nothing else happened to them.
    """
    for name, table in TABLE_OF.items():
        text = sql.view_text("staging", name)
        if table in added:
            if table == EXECUTIONS:  # `raw` shows the last known one again: a foreign REPLACE gives it the same number
                connection.execute(
                    f"DELETE FROM {NAME}.{name} WHERE execution_id IN (SELECT execution_id FROM raw.{table})"
                )
            connection.execute(f"INSERT INTO {NAME}.{name} {text}")
        elif table in changed:
            connection.execute(f"CREATE OR REPLACE TABLE {NAME}.{name} AS {text}")


def row_count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Count the rows of one table of the copy."""
    return connection.execute(f"SELECT count(*) FROM {NAME}.{name}").fetchall()[0][0]
