"""The one reader for analysis: DuckDB over the attached store, read only, with views that carry our names.

Three layers: `raw` (the contract's tables and columns, whatever the file has), staging views (`stg_*`, typed, our
names) and marts (one per question). Everything above reads marts. The SQL stands in `database/views/`.

A small store is held as a typed copy in memory, which answers four times faster than the file does; the copy is made
anew before the next query once the file has changed. A larger store is read live.
"""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_sqlite_scanner
import pandas as pd

from asp_analysis import occupancy, sql
from asp_analysis.config import StoreUrl, store_url
from asp_analysis.errors import QueryError, StoreError
from asp_analysis.raw import CONTRACT, raw_view

_FILE = "asp_file"
_SHARED_MARTS = ("executions", "defects")
"""Marts that other marts read: created before them, and copied with the staging views."""

COPIED_ROWS = 20_000
"""Metric rows up to which a store is copied: about a tenth of a second."""

_SETTLED_NS = 50_000_000
"""A file that changed less than this before it was copied may change again within one tick of its clock, unseen."""
_TABLE_FUNCTIONS = {"unnest", "range", "generate_series", "repeat"}


@dataclass(frozen=True)
class Column:
    """A column of a view: its name, its unit (None for names, texts and flags) and what it means."""

    name: str
    unit: str | None
    meaning: str


class Session:
    """A read-only look at one store. Close it (or use `with`) before this process writes to the store."""

    def __init__(self, url: StoreUrl, connection: duckdb.DuckDBPyConnection) -> None:
        self.url, self._connection = url, connection
        self._is_open, self._is_live = True, False
        self._seen: tuple[Any, ...] | None = None
        self._refresh()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        name = self.url.path.name if self.url.path else self.url.shown
        return f"<Session on {name}, read only, {'live' if self._is_live else 'from memory'}>"

    def close(self) -> None:
        """Detach the store; a second call does nothing."""
        if self._is_open:
            self._is_open = False
            self._connection.close()
            if self.url.path is not None:
                occupancy.release(self.url.path, "reader")

    def sql(self, query: str, /, **parameters: Any) -> pd.DataFrame:
        """Run one SELECT and give its rows; `$name` in the query is bound to the parameter `name`.

        Raises:
            QueryError: the SQL is wrong, holds more than one statement, or asks for more than reading the views.
        """
        if not self._is_open:
            raise QueryError("An open session is needed, this one was closed. Open another with asp.connect().")
        self._check_reads_only(query)
        self._refresh()
        try:
            return self._connection.execute(query, parameters or None).df()
        except duckdb.Error as error:
            raise QueryError(_said(error)) from None

    def view(self, name: str) -> pd.DataFrame:
        """Give all rows of one view.

        Raises:
            QueryError: there is no such view; the message lists those that are there.
        """
        if name not in view_names():
            raise QueryError(f"A view is needed, {name!r} is none. There are: {', '.join(view_names())}.")
        return self.sql(f'SELECT * FROM "{name}"')

    def views(self) -> pd.DataFrame:
        """List the views: name, what one row is, and the columns with their units."""
        rows = []
        for name in view_names():
            one_row, columns = describe_view(name)
            named = ", ".join(f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns)
            rows.append({"view": name, "one_row_is": one_row, "columns": named})
        return pd.DataFrame(rows)

    def _refresh(self) -> None:
        """Make the views: live for a large store, copies that are as new as the file for a small one."""
        if self._is_live:
            return
        found = _fingerprint(self.url.path)
        if found is not None and found == self._seen:
            return
        try:
            self._is_live = _is_large(self._connection)
            _create_views(self._connection, is_copied=not self._is_live)
        except duckdb.Error as error:
            raise StoreError(f"A readable store is needed, {self.url.shown} gave: {_said(error)}") from None
        self._seen = found

    def _check_reads_only(self, query: str) -> None:
        try:
            statements = self._connection.extract_statements(query)
        except duckdb.Error as error:
            raise QueryError(_said(error, query)) from None
        if len(statements) != 1:
            raise QueryError(f"One SELECT is needed, {len(statements)} statements were found. Run them one by one.")
        if statements[0].type != duckdb.StatementType.SELECT:
            kind = statements[0].type.name
            raise QueryError(f"Only reading is possible here, {kind} is more. Use SELECT; files are loaded with: load")
        for name in self._table_functions(query):
            if name not in _TABLE_FUNCTIONS:
                raise QueryError(
                    f"Only the views can be read here, {name}() reaches past them. "
                    f"Allowed table functions: {', '.join(sorted(_TABLE_FUNCTIONS))}."
                )

    def _table_functions(self, query: str) -> set[str]:
        """Name the table functions of a query: some of DuckDB's open files, attach databases or run other SQL."""
        rows = self._connection.execute("SELECT json_serialize_sql($query)", {"query": query}).fetchall()
        tree = json.loads(rows[0][0])
        if tree.get("error"):
            raise QueryError(f"Only a SELECT can be read here, this is more: {tree.get('error_message')}. Use SELECT.")
        return set(_called(tree))


def connect(url: str | StoreUrl | None = None) -> Session:
    """Open a store for reading: `url` as for `--db`, else DATABASE_URL, else the default store.

    Raises:
        StoreError: there is no such store, it is damaged, or this process is writing to it.
    """
    address = url if isinstance(url, StoreUrl) else store_url(url)
    path = address.path
    if path is None:
        raise StoreError(
            f"A SQLite store is needed here, {address.shown} is PostgreSQL. Set DATABASE_URL=sqlite:///..."
        )
    if not path.is_file():
        raise StoreError(f"A store is needed, {path} does not exist. Create it with: asp-analysis init")
    occupancy.claim(path, "reader")
    try:
        return Session(address, _attached(str(path)))
    except BaseException:
        occupancy.release(path, "reader")
        raise


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


def _attached(path: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        }
    )
    try:
        connection.execute(f"LOAD {_quoted(_scanner_file())}")
        connection.execute("SET TimeZone = 'UTC'")
        # Without this a scan is no snapshot: with a writer at work most sums over it were wrong.
        connection.execute("SET GLOBAL sqlite_disable_multithreaded_scans = true")
        connection.execute(f"ATTACH {_quoted(path)} AS {_FILE} (TYPE sqlite, READ_ONLY)")
        connection.execute("CREATE SCHEMA raw")
        for table in CONTRACT:
            connection.execute(raw_view(connection, _FILE, table))
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error as error:
        connection.close()
        raise StoreError(f"A readable store is needed, {path} gave: {_said(error)}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _is_large(connection: duckdb.DuckDBPyConnection) -> bool:
    query = f"SELECT count(*) FROM (SELECT 1 FROM raw.agent_cost_vector LIMIT {COPIED_ROWS + 1})"
    return connection.execute(query).fetchall()[0][0] > COPIED_ROWS


def _create_views(connection: duckdb.DuckDBPyConnection, *, is_copied: bool) -> None:
    """Create staging views and marts; with `is_copied` those that others read become tables, all of one state."""
    kinds = dict(connection.execute("SELECT table_name, table_type FROM information_schema.tables").fetchall())
    shared = [("staging", name) for name in sql.view_names("staging")] + [("marts", name) for name in _SHARED_MARTS]
    others = [("marts", name) for name in sql.view_names("marts") if name not in _SHARED_MARTS]
    connection.begin()
    try:
        for layer, name in (*shared, *others):
            kind = "TABLE" if is_copied and (layer, name) in shared else "VIEW"
            if name in kinds and (kinds[name] == "VIEW") != (kind == "VIEW"):
                connection.execute(f"DROP {'VIEW' if kinds[name] == 'VIEW' else 'TABLE'} {name}")
            connection.execute(f"CREATE OR REPLACE {kind} {name} AS {sql.view_text(layer, name)}")
        connection.commit()
    except duckdb.Error:
        connection.rollback()
        raise


def _fingerprint(path: Path | None) -> tuple[Any, ...] | None:
    """Tell one state of a SQLite file from another without opening it; None where the file changed only just now.

    Opening and closing the file, even for a moment, would drop the locks that this process holds on it.
    """
    if path is None:
        return None
    states = []
    for name in (path, Path(f"{path}-wal")):
        try:
            state = name.stat()
        except FileNotFoundError:
            continue
        if time.time_ns() - state.st_mtime_ns < _SETTLED_NS:
            return None
        states.append((name.name, state.st_size, state.st_mtime_ns, state.st_ino))
    return tuple(states)


def _scanner_file() -> str:
    folder = duckdb_extension_sqlite_scanner.__path__[0]
    return f"{folder}/extensions/v{duckdb.__version__}/sqlite_scanner.duckdb_extension"


def _called(node: Any) -> Any:
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            yield node["function"]["function_name"].lower()
        for value in node.values():
            yield from _called(value)
    elif isinstance(node, list):
        for value in node:
            yield from _called(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _said(error: duckdb.Error, query: str = "") -> str:
    """Give DuckDB's message on one line, without the excerpt of the query that it repeats."""
    text = " ".join(str(error).split("\n\nLINE")[0].split("\nLINE")[0].split())
    if isinstance(error, duckdb.ParserException) and re.search(r"(?<![\".\w])at\b(?!\")", query, re.IGNORECASE):
        text += '. AT is a word of SQL: write the column as "at"'
    return text
