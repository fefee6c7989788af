"""The one reader for analysis: DuckDB over the attached store, read only, with views that carry our names.

Three layers: `raw` (the contract's tables and columns, whatever the file has), staging views (`stg_*`, typed, our
names) and marts (one per question). Everything above reads marts. The SQL stands in `database/views/`.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import duckdb
import duckdb_extension_sqlite_scanner
import pandas as pd

from asp_analysis import occupancy, sql
from asp_analysis.config import StoreUrl, store_url
from asp_analysis.errors import QueryError, StoreError
from asp_analysis.raw import CONTRACT, raw_view

_FILE = "asp_file"
# dependencies first: a mart may read another mart
_MARTS_FIRST = ("executions", "defects")
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
        self._is_open = True

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session on {self.url.path.name if self.url.path else self.url.shown}, read only>"

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
        connection = _attached(str(path))
    except BaseException:
        occupancy.release(path, "reader")
        raise
    return Session(address, connection)


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
        _create_views(connection)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error as error:
        connection.close()
        raise StoreError(f"A readable store is needed, {path} gave: {_said(error)}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _create_views(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE SCHEMA raw")
    for table in CONTRACT:
        connection.execute(raw_view(connection, _FILE, table))
    for name in sql.view_names("staging"):
        connection.execute(f"CREATE VIEW {name} AS {sql.view_text('staging', name)}")
    marts = sorted(sql.view_names("marts"), key=lambda name: name not in _MARTS_FIRST)
    for name in marts:
        connection.execute(f"CREATE VIEW {name} AS {sql.view_text('marts', name)}")


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
