"""One way to write to both engines: places are `?`, and values have the form that SQLite holds.

PostgreSQL's driver wants `%s`, and its arrays are lists; both are translated here.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult

ARRAY_COLUMNS = frozenset({"components_affected"})
"""Columns that are TEXT[] on PostgreSQL and a JSON array in SQLite."""

Rows = Sequence[tuple[Any, ...]]


def execute(
    connection: Connection, statement: str, parameters: Sequence[Any] | list[Sequence[Any]] = ()
) -> CursorResult[Any]:
    """Run a statement with one row of parameters, or with a list of rows; `?` and `%` stand for nothing else in it."""
    if connection.dialect.name == "postgresql":
        statement = statement.replace("?", "%s")
    return connection.exec_driver_sql(statement, parameters)


def stored_rows(connection: Connection, columns: Sequence[str], rows: Rows) -> list[tuple[Any, ...]]:
    """Give rows the form in which the store's engine takes them."""
    places = [i for i, name in enumerate(columns) if name in ARRAY_COLUMNS]
    if connection.dialect.name != "postgresql" or not places:
        return list(rows)
    return [tuple(_listed(value) if i in places else value for i, value in enumerate(row)) for row in rows]


def run_script(connection: Connection, text: str) -> None:
    """Run several statements without parameters on PostgreSQL, where one call may hold them all."""
    connection.execution_options(no_parameters=True).exec_driver_sql(text)


def _listed(value: str | None) -> list[str] | None:
    return None if value is None else json.loads(value)
