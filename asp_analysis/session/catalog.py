"""The views that people use: their names, what their comments say, and how they are made over `raw`."""

import re
from dataclasses import dataclass

import duckdb

from asp_analysis import sql

SHARED_MARTS = ("executions", "defects")
"""Marts that other marts read: created before them."""

COPIED_MARTS = ("executions", "phase_costs", "task_history")
"""Marts that a copy of the store holds as tables, with the staging views: those that take longest to compute."""


@dataclass(frozen=True)
class Column:
    """A column of a view: its name, its unit (None for names, texts and flags) and what it means."""

    name: str
    unit: str | None
    meaning: str


def view_names() -> list[str]:
    """List the views that people use: the marts, then the staging views."""
    return [*sql.view_names("marts"), *sql.view_names("staging")]


def describe_view(name: str) -> tuple[str, list[Column]]:
    """Read what one row of a view is and what its columns mean from the comment at its head."""
    layer = "staging" if name.startswith("stg_") else "marts"
    head = [line[3:] for line in sql.view_text(layer, name).splitlines() if line.startswith("-- ")]
    columns = []
    for line in head[1:]:
        found = re.fullmatch(r"(\w+)(?: \[([^\]]+)\])?: (.+)", line)
        if found:
            columns.append(Column(*found.groups()))
    return head[0].removeprefix("One row is ").rstrip("."), columns


def copied_views() -> list[tuple[str, str]]:
    """List layer and name of what a copy of the store holds as tables, in the order in which they are made."""
    return [("staging", name) for name in sql.view_names("staging")] + [("marts", name) for name in COPIED_MARTS]


def other_views() -> list[tuple[str, str]]:
    """List layer and name of the views over them, in the order in which they are made."""
    names = sorted(sql.view_names("marts"), key=lambda name: name not in SHARED_MARTS)
    return [("marts", name) for name in names if name not in COPIED_MARTS]


def create_views(connection: duckdb.DuckDBPyConnection, *, is_copied: bool) -> None:
    """Create staging views and marts over `raw`; with `is_copied` those that others read are tables, all of one state.

    Raises:
        duckdb.Error: the store cannot be read.
    """
    kinds = dict(connection.execute("SELECT table_name, table_type FROM information_schema.tables").fetchall())
    connection.begin()
    try:
        for layer, name in (*copied_views(), *other_views()):
            kind = "TABLE" if is_copied and (layer, name) in copied_views() else "VIEW"
            if name in kinds and (kinds[name] == "VIEW") != (kind == "VIEW"):
                connection.execute(f"DROP {'VIEW' if kinds[name] == 'VIEW' else 'TABLE'} {name}")
            connection.execute(f"CREATE OR REPLACE {kind} {name} AS {sql.view_text(layer, name)}")
        connection.commit()
    except duckdb.Error:
        connection.rollback()
        raise
