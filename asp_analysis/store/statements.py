"""One way to write to both engines: places are `?`, and values have the form that SQLite holds.

PostgreSQL's driver wants `%s`, which is translated here.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult


def execute(
    connection: Connection, statement: str, parameters: Sequence[Any] | list[Sequence[Any]] = ()
) -> "CursorResult[*tuple[Any, ...]]":
    """Run a statement with one row of parameters, or with a list of rows; `?` and `%` have no other meaning in it."""
    if connection.dialect.name == "postgresql":
        statement = statement.replace("?", "%s")
    return connection.exec_driver_sql(statement, parameters)


def run_script(connection: Connection, text: str) -> None:
    """Run the statements of a script, without parameters.

    PostgreSQL takes them at once; SQLite's driver takes no more than one within a transaction.
    """
    if connection.dialect.name == "postgresql":
        run_statements(connection, [text])
    else:
        run_statements(connection, _statements(text))


def run_statements(connection: Connection, statements: Iterable[str]) -> None:
    """Run statements one by one as they are written: `?` and `%` mean what SQL means by them."""
    literal = connection.execution_options(no_parameters=True)
    for statement in statements:
        literal.exec_driver_sql(statement)


def _statements(text: str) -> Iterator[str]:
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            statement = ""
