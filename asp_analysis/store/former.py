"""The tables of schema version 2 while they become version 3: put aside, read and dropped, as each engine does it."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, inspect

from asp_analysis import sql
from asp_analysis.errors import StoreError
from asp_analysis.platform_form import CONTRACT_COLUMNS
from asp_analysis.records import json_text
from asp_analysis.store.statements import execute, run_script, run_statements

NEW_TABLES = (*sql.CONTRACT_TABLES, "capabilities", "defect_types")
"""What version 3 has and version 2 has not, or has in another form."""


def aside(table: str) -> str:
    """Return the name under which an old table waits."""
    return "metrics" if table == "agent_cost_vector" else f"former_{table}"


class Dialect:
    """How the old tables are put aside, read and dropped; the names of version 2 are free in between."""

    source_of_metadata: str
    metadata_without_source: str
    triggers: str
    """The script that has the triggers."""
    any_number: str
    """SQL for a large number by chance."""
    rounded: str
    """The function that rounds to a whole number, a half up."""

    def put_aside(self, connection: Connection) -> None:
        """Rename the old tables (`aside`), and free every name that the new ones use."""
        raise NotImplementedError

    def gathering(self, text: str) -> str:
        """Return the text of database/one_row_per_execution.sql as the engine runs it."""
        return text

    def old_columns(self, connection: Connection, table: str) -> str:
        """List the columns of an old table as the upgrade reads them."""
        raise NotImplementedError

    def drop_aside(self, connection: Connection) -> None:
        """Drop the old tables, those that refer to others first."""
        raise NotImplementedError

    def finish(self, connection: Connection) -> None:
        """Create indexes, triggers and what else the engine keeps besides the tables."""
        raise NotImplementedError

    def own(self, connection: Connection) -> None:
        """Act as the owner of the tables until the end of the transaction."""

    def add_columns(self, connection: Connection, table: str, columns: dict[str, str]) -> None:
        """Add those columns that a table has not; columns: name -> type."""
        there = {column["name"] for column in inspect(connection).get_columns(table)}
        for name in (name for name in columns if name not in there):
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")

    def count_changes(self, connection: Connection, tables: Iterable[str]) -> None:
        """Count the changes of those tables whose changes are not counted yet."""
        counted = {row[0] for row in execute(connection, "SELECT table_name FROM asp_changes").all()}
        new = [table for table in tables if table not in counted]
        statements = sql.table_statements(self.triggers, new) if new else []
        run_statements(connection, [text for text in statements if text.startswith("CREATE TRIGGER")])
        for table in new:
            execute(
                connection, f"INSERT INTO asp_changes (table_name, changes) VALUES (?, {self.any_number})", (table,)
            )

    def grant(self, connection: Connection) -> None:
        """Say who may do what, once all tables are there."""


class _Merged:
    """SQLite's asp_merged(): merges the JSON objects of a group; the greatest text wins where two have one key."""

    def __init__(self) -> None:
        self._texts: set[str] = set()

    def step(self, text: str | None) -> None:
        if text is not None:
            self._texts.add(text)

    def finalize(self) -> str | None:
        if len(self._texts) < 2:
            return next(iter(self._texts), None)
        merged: dict[str, Any] = {}
        for text in sorted(self._texts):
            merged |= json.loads(text)
        return json_text(merged)


class _OnSqlite(Dialect):
    source_of_metadata = "json_extract(metadata_json, '$.source')"
    metadata_without_source = "NULLIF(json_remove(metadata_json, '$.source'), '{}')"
    triggers = "sqlite/count_changes.sql"
    any_number = "abs(random() / 10000)"
    rounded = "round"

    def put_aside(self, connection: Connection) -> None:
        _refuse_columns_of_others(
            connection, "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
        )
        query = (
            "SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'index') AND name NOT LIKE 'sqlite_%' "
            "AND (name LIKE 'tr\\_%' ESCAPE '\\' OR name LIKE 'ix\\_%' ESCAPE '\\')"
        )
        for kind, name in connection.exec_driver_sql(query).all():
            connection.exec_driver_sql(f"DROP {kind} {name}")
        connection.connection.driver_connection.create_aggregate("asp_merged", 1, _Merged)  # type: ignore[union-attr]
        for table in sql.CONTRACT_TABLES:
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {aside(table)}")

    def old_columns(self, connection: Connection, table: str) -> str:
        return "*"

    def drop_aside(self, connection: Connection) -> None:
        for table in sorted(sql.CONTRACT_TABLES, key=_is_referred_to):
            connection.exec_driver_sql(f"DROP TABLE {aside(table)}")

    def finish(self, connection: Connection) -> None:
        """Create indexes and triggers; counters of changes get new values, so that no old snapshot looks fresh."""
        connection.exec_driver_sql("DROP TABLE IF EXISTS asp_changes")
        for name in ("sqlite/count_changes.sql", "sqlite/create_indexes.sql"):
            run_script(connection, sql.script(name))


def _is_referred_to(table: str) -> bool:
    """Return whether others refer to a table: it is dropped last."""
    return table == "task_metadata"


class _OnPostgres(Dialect):
    source_of_metadata = "(metadata_json ->> 'source')"
    metadata_without_source = "NULLIF(metadata_json - 'source', '{}')"
    triggers = "migrations/001_create_tables.sql"
    any_number = "floor(random() * 1e15)"
    rounded = "asp_rounded"

    def own(self, connection: Connection) -> None:
        _become_owner(connection)

    def grant(self, connection: Connection) -> None:
        run_script(connection, sql.script("migrations/grants.sql"))
        run_script(connection, sql.script("migrations/grant_new_tables.sql"))

    def put_aside(self, connection: Connection) -> None:
        _become_owner(connection)
        _refuse_columns_of_others(connection, _COLUMNS_ON_SERVER)
        _refuse_views_of_others(connection)
        run_script(connection, sql.script("migrations/put_aside_version_2.sql"))

    def gathering(self, text: str) -> str:
        """Merge metadata in an order of its own, so that two upgrades of one store are alike."""
        text = text.replace("asp_merged(metadata)", "asp_merged(metadata ORDER BY metadata)")
        return text.replace("round(", f"{self.rounded}(")

    def old_columns(self, connection: Connection, table: str) -> str:
        query = (
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position"
        )
        read_as = {"jsonb": 'CAST("{0}" AS TEXT) AS "{0}"', "ARRAY": 'CAST(to_jsonb("{0}") AS TEXT) AS "{0}"'}
        columns = execute(connection, query, (aside(table),)).all()
        return ", ".join(read_as.get(kind, '"{0}"').format(name) for name, kind in columns)

    def drop_aside(self, connection: Connection) -> None:
        run_script(connection, sql.script("migrations/drop_version_2.sql"))

    def finish(self, connection: Connection) -> None:
        for name in ("migrations/001_create_tables.sql", "migrations/002_create_indexes.sql"):
            statements = sql.table_statements(name, NEW_TABLES)
            run_statements(connection, [text for text in statements if not text.startswith("CREATE TABLE")])
        execute(connection, "INSERT INTO asp_changes (table_name) VALUES ('capabilities'), ('defect_types')")
        execute(connection, "UPDATE asp_changes SET changes = floor(random() * 1e15)")
        functions = sql.script("migrations/grants.sql").partition("DO $$")[0]
        run_script(connection, functions)  # who may do what is said when all tables are there
        if execute(connection, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").first() is not None:
            run_script(connection, sql.script("migrations/003_timescaledb_setup.sql"))


def _become_owner(connection: Connection) -> None:
    """Act as the owner of the tables until the end of the transaction: the new ones must belong to nobody else.

    Raises:
        StoreError: the present user is neither the owner nor a member of it.
    """
    query = (
        "SELECT pg_get_userbyid(relowner), quote_ident(pg_get_userbyid(relowner)), current_user, "
        "pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = 'agent_cost_vector'::REGCLASS"
    )
    owner, quoted_owner, user, is_member = execute(connection, query).one()
    if not is_member:
        raise StoreError(
            f"The store has an earlier schema version, and {user} does not own its tables: only {owner} can upgrade "
            "them. Let that user run any command that writes, such as: asp-analysis init"
        )
    execute(connection, f"SET LOCAL ROLE {quoted_owner}")


_COLUMNS_ON_SERVER = (
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
)


def _refuse_columns_of_others(connection: Connection, query: str) -> None:
    """See that the old tables have no columns of somebody's own, for which the new ones have no place.

    query: lists tables and their columns.

    Raises:
        StoreError: there is one.
    """
    columns = execute(connection, query).all()
    if found := [
        f"{table}.{name}"
        for table, name in columns
        if table in sql.CONTRACT_TABLES and name not in CONTRACT_COLUMNS[table]
    ]:
        raise StoreError(
            f"The store cannot be upgraded, the new tables have no place for columns of your own: {', '.join(found)}. "
            "Copy them to a table of your own, drop them, and try again."
        )


def _refuse_views_of_others(connection: Connection) -> None:
    """See that no view but the workbench's own reads the old tables: they could not be dropped.

    Raises:
        StoreError: there is one.
    """
    tables = ", ".join(f"'{table}'::REGCLASS" for table in sql.CONTRACT_TABLES)
    query = (
        "SELECT DISTINCT CAST(ev_class AS REGCLASS)::TEXT FROM pg_depend "
        "JOIN pg_rewrite ON pg_rewrite.oid = objid JOIN pg_class ON pg_class.oid = ev_class "
        f"WHERE refobjid IN ({tables}) AND relname NOT IN ('daily_cost_by_role', 'hourly_performance') "
        "AND relnamespace::REGNAMESPACE::TEXT <> '_timescaledb_internal' ORDER BY 1"
    )
    if found := [row[0] for row in execute(connection, query).all()]:
        raise StoreError(
            f"The store cannot be upgraded, views of your own read its tables: {', '.join(found)}. Drop them, try "
            "again, then create them again with the new names of the columns (database/README.md lists them)."
        )


_DIALECTS: dict[str, Dialect] = {"sqlite": _OnSqlite(), "postgresql": _OnPostgres()}


def dialect_of(connection: Connection) -> Dialect:
    """Return how the engine of a connection does it."""
    return _DIALECTS[connection.dialect.name]
