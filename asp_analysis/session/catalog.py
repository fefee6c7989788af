"""The views that people use: their names, what their comments say, and how they are made over `raw`."""

import re
from dataclasses import dataclass

import duckdb

from asp_analysis import sql

_SHARED_MARTS = ("executions", "work", "tasks", "defects", "staffing")
"""Marts that other marts read: created before them, in this order."""


@dataclass(frozen=True)
class ViewColumn:
    """A column of a view: its name, its unit (None for names, texts and flags) and what it means."""

    name: str
    unit: str | None
    meaning: str


def view_names() -> list[str]:
    """List the views that people use: the marts, then the staging views."""
    return [*sql.view_names("marts"), *sql.view_names("staging")]


def describe_view(name: str) -> tuple[str, list[ViewColumn]]:
    """Read what one row of a view is and what its columns mean from the comment at its head."""
    one_row, _, *lines = _head(name)
    found = [re.fullmatch(r"(\w+)(?: \[([^\]]+)\])?: (.+)", line) for line in lines]
    columns = [ViewColumn(match[1], match[2], match[3]) for match in found if match]
    return one_row.removeprefix("One row is ").rstrip("."), columns


def list_view(name: str) -> dict[str, str]:
    """Return what a list of views says of one: view, one_row_is, key, columns with their units."""
    one_row, columns = describe_view(name)
    named = ", ".join(f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns)
    return {"view": name, "one_row_is": one_row, "key": ", ".join(view_key(name)), "columns": named}


def view_key(name: str) -> tuple[str, ...]:
    """Return the columns that identify the rows of a view and order them; an unknown value is a value like others."""
    return tuple(_head(name)[1].removeprefix("key: ").split(", "))


def _head(name: str) -> list[str]:
    layer = "staging" if name.startswith("stg_") else "marts"
    return [line[3:] for line in sql.view_text(layer, name).splitlines() if line.startswith("-- ")]


def staging_views() -> list[str]:
    """List the staging views: what a copy of the store holds as tables."""
    return sql.view_names("staging")


def marts() -> list[str]:
    """List the marts in the order in which they can be created: those that others read come first."""
    names = sql.view_names("marts")
    return [*_SHARED_MARTS, *(name for name in names if name not in _SHARED_MARTS)]


def create_views(connection: duckdb.DuckDBPyConnection, *, is_copied: bool) -> None:
    """Create staging views and marts over `raw`; with `is_copied` the staging views are tables, all of one state.

    Raises:
        duckdb.Error: the store cannot be read.
    """
    own = (
        "SELECT table_name, table_type FROM information_schema.tables "
        "WHERE table_catalog = current_database() AND table_schema = current_schema()"
    )
    kinds = dict(connection.execute(own).fetchall())  # a store has views of its own, some with the same names
    connection.begin()
    try:
        for layer, name in (*(("staging", name) for name in staging_views()), *(("marts", name) for name in marts())):
            kind = "TABLE" if is_copied and layer == "staging" else "VIEW"
            if name in kinds and (kinds[name] == "VIEW") != (kind == "VIEW"):
                connection.execute(f"DROP {'VIEW' if kinds[name] == 'VIEW' else 'TABLE'} {name}")
            connection.execute(f"CREATE OR REPLACE {kind} {name} AS {sql.view_text(layer, name)}")
        connection.commit()
    except duckdb.Error:
        connection.rollback()
        raise
