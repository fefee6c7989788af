"""Other names of roles and models: the views show one name for all of them, and no row of the store changes."""

from typing import Any

from sqlalchemy import Connection

from asp_analysis.errors import InputError
from asp_analysis.store.database import Store, now
from asp_analysis.store.statements import execute

_COLUMN_OF_KIND = {"role": "agent_role", "model": "llm_model"}


def add_alias(store: Store, kind: str, alias: str, name: str) -> None:
    """Let the views show `name` wherever a row has `alias`; an alias that is there already gets the new name.

    Raises:
        InputError: the two are one, or one of them would be shown under a third name.
        StoreError: the store cannot be written.
    """
    if not alias or not name:
        raise InputError(f"An alias needs two names, found {alias!r}={name!r}. Write it as code=Code.")
    if alias == name:
        raise InputError(f"{alias!r} is its own name already. Name another one: {alias}=NAME.")
    with store.transaction() as connection:
        known = {row["alias"]: row["name"] for row in _rows(connection, kind)}
        if name in known:
            raise InputError(
                f"The {kind} {name!r} is itself shown as {known[name]!r}. Write {alias}={known[name]}, or undo the "
                f"other first: asp-analysis alias {kind} {name} --undo"
            )
        if others := sorted(other for other, shown in known.items() if shown == alias):
            raise InputError(
                f"The {kind} {others[0]!r} is shown as {alias!r}, which cannot be an alias as well. Undo that first: "
                f"asp-analysis alias {kind} {others[0]} --undo"
            )
        execute(
            connection,
            "INSERT INTO name_alias (kind, alias, name, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, alias) DO UPDATE SET name = excluded.name, created_at = excluded.created_at",
            (kind, alias, name, now()),
        )


def undo_alias(store: Store, kind: str, alias: str) -> None:
    """Let the views show a name as the rows have it again.

    Raises:
        InputError: there is no such alias; the message lists those that are there.
        StoreError: the store cannot be written.
    """
    with store.transaction() as connection:
        known = [row["alias"] for row in _rows(connection, kind)]
        if alias not in known:
            there = f"There are: {', '.join(known)}" if known else f"No {kind} has an alias"
            raise InputError(f"{alias!r} is no alias of a {kind}. {there}.")
        execute(connection, "DELETE FROM name_alias WHERE kind = ? AND alias = ?", (kind, alias))


def list_aliases(store: Store) -> list[dict[str, Any]]:
    """List the aliases with the executions that have them: kind, alias, name, executions."""
    counts = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, {column} AS alias, count(*) AS executions FROM agent_cost_vector GROUP BY {column}"
        for kind, column in _COLUMN_OF_KIND.items()
    )
    return store.read(
        "SELECT a.kind, a.alias, a.name, coalesce(c.executions, 0) AS executions FROM name_alias AS a "
        f"LEFT JOIN ({counts}) AS c ON c.kind = a.kind AND c.alias = a.alias ORDER BY a.kind, a.name, a.alias"
    )


def _rows(connection: Connection, kind: str) -> list[Any]:
    query = "SELECT alias, name FROM name_alias WHERE kind = ? ORDER BY alias"
    return [dict(row) for row in execute(connection, query, (kind,)).mappings()]
