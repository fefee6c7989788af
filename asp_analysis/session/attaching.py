"""A DuckDB with the store attached, read only, under the name `asp_store`; the schema `raw` shows its tables.

The password of a server travels in a secret of DuckDB, never in a text that a query or an error could show.
"""

from importlib import import_module
from urllib.parse import parse_qsl, unquote, urlsplit

import duckdb

from asp_analysis import server
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.session.guard import said
from asp_analysis.session.raw import CONTRACT, STORE, raw_view, tables_of

_CONNECT_TIMEOUT_S = 10
_QUIET = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


def bare() -> duckdb.DuckDBPyConnection:
    """Give a DuckDB in memory that loads nothing by itself and counts time in UTC."""
    connection = duckdb.connect(config=_QUIET)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def attached(url: StoreUrl) -> duckdb.DuckDBPyConnection:
    """Give a DuckDB with the store attached and `raw` made.

    It can still reach files: call `lock` before a user's query.

    Raises:
        StoreError: the store cannot be read, or holds none of the contract's tables.
    """
    connection = bare()
    try:
        _attach_file(connection, url) if url.is_sqlite else _attach_server(connection, url)
        tables = tables_of(connection, url)
        connection.execute("CREATE SCHEMA raw")
        for table in CONTRACT:
            connection.execute(raw_view(tables, table))
    except duckdb.Error as error:
        connection.close()
        raise unreadable(url, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def show_metrics(connection: duckdb.DuckDBPyConnection, url: StoreUrl, after_id: int | None) -> None:
    """Let `raw.agent_cost_vector` show only the rows of larger ids, or all of them again (None)."""
    connection.execute(raw_view(tables_of(connection, url), "agent_cost_vector", after_id))


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Forbid files, extensions and settings from here on."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def unreadable(url: StoreUrl, error: duckdb.Error) -> StoreError:
    """Give the error line for what DuckDB said about the store."""
    if url.is_sqlite:
        return StoreError(f"A readable store is needed, {url.shown} gave: {said(error)}")
    return StoreError(server.explained(url, str(error), "for reading"))


def extension_file(name: str) -> str:
    """Give the path of an extension of exactly this DuckDB; its package lies beside DuckDB's own."""
    folder = import_module(f"duckdb_extension_{name}").__path__[0]
    return f"{folder}/extensions/v{duckdb.__version__}/{name}.duckdb_extension"


def quoted(text: str) -> str:
    """Write a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def _attach_file(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> None:
    connection.execute(f"LOAD {quoted(extension_file('sqlite_scanner'))}")
    # Without this a scan is no snapshot: with a writer at work most sums over it were wrong.
    connection.execute("SET GLOBAL sqlite_disable_multithreaded_scans = true")
    connection.execute(f"ATTACH {quoted(str(url.path))} AS {STORE} (TYPE sqlite, READ_ONLY)")


def _attach_server(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> None:
    connection.execute(f"LOAD {quoted(extension_file('postgres_scanner'))}")
    parts = urlsplit(url.text)
    secret = ""
    if parts.password:
        connection.execute(
            f"CREATE TEMPORARY SECRET asp_server (TYPE postgres, PASSWORD {quoted(unquote(parts.password))})"
        )
        secret = ", SECRET asp_server"
    connection.execute(f"ATTACH {quoted(_conninfo(url))} AS {STORE} (TYPE postgres, READ_ONLY{secret})")
    extension = "SELECT 1 FROM pg_extension WHERE extname = ''timescaledb''"
    if connection.execute(f"SELECT * FROM postgres_query('{STORE}', '{extension}')").fetchall():
        # Compressed chunks have no place in the table that a scan by places could name.
        connection.execute("SET pg_use_ctid_scan = false")


def _conninfo(url: StoreUrl) -> str:
    """Write an address in libpq's keyword form, without its password."""
    parts = urlsplit(url.text)
    known = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username and unquote(parts.username),
        "dbname": unquote(parts.path.lstrip("/")),
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "application_name": "asp-analysis",
    } | {name: value for name, value in parse_qsl(parts.query) if name != "password"}
    return " ".join(f"{name}={_keyword_value(str(value))}" for name, value in known.items() if value)


def _keyword_value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
