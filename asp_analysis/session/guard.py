"""Lets one SELECT over the views pass and nothing else: no writing, no other file, database, extension or server.

DuckDB's own switches are not enough: with external access off and its configuration locked, `sqlite_scan`,
`sqlite_query`, `postgres_query` and their kin still reach past the views, and the last may write.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from asp_analysis.errors import QueryError

_TABLE_FUNCTIONS = {"unnest", "range", "generate_series", "repeat"}


def check_reads_only(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Check that a query is one SELECT that calls no table function but the harmless ones.

    Raises:
        QueryError: it is more than that, or not SQL.
    """
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(said(error)) from None
    if len(statements) != 1:
        raise QueryError(f"The query has {len(statements)} statements instead of one SELECT. Run them one by one.")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        raise QueryError(
            f"A query can only read, and this is {kind}. Use SELECT; load files with: asp-analysis load FILE"
        )
    for name in sorted(_table_functions(connection, query) - _TABLE_FUNCTIONS):
        raise QueryError(
            f"{name}() reads more than the views, which a query cannot do. "
            f"Allowed table functions: {', '.join(sorted(_TABLE_FUNCTIONS))}."
        )


def said(error: duckdb.Error) -> str:
    """Return DuckDB's message on one line, without the excerpt of the query that it repeats."""
    text = " ".join(str(error).split("\n\nLINE")[0].split("\nLINE")[0].split())
    unbound = _UNBOUND.search(text)
    return text if unbound is None else _how_to_bind(sorted(unbound[1].split(", ")))


_UNBOUND = re.compile(r"not provided for the following prepared statement parameters: (.+)$")


def _how_to_bind(names: list[str]) -> str:
    wanted, options = ", ".join(f"${name}" for name in names), " ".join(f"--param {name}=VALUE" for name in names)
    return f"{wanted} has no value. Set it with {options}, in Python with {names[0]}=..."


def _table_functions(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """Name the table functions of a query: some of DuckDB's open files, attach databases or run other SQL."""
    rows = connection.execute("SELECT json_serialize_sql($query)", {"query": query}).fetchall()
    tree = json.loads(rows[0][0])
    if tree.get("error"):
        raise QueryError(f"A query can only read: {tree.get('error_message')}. Use SELECT.")
    return set(_called(tree))


def _called(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            yield node["function"]["function_name"].lower()
        for value in node.values():
            yield from _called(value)
    elif isinstance(node, list):
        for value in node:
            yield from _called(value)
