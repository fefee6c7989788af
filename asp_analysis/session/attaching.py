"""A DuckDB with the store attached, read only, under the name `asp_store`; the schema `raw` shows its tables.

The password of a server travels in a secret of DuckDB, never in a text that a query or an error could show.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import duckdb

from asp_analysis import server
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.privacy import make_folder
from asp_analysis.session.contract import STORE, Tables, create_raw, raw_view, tables_of
from asp_analysis.session.extensions import open_with
from asp_analysis.session.guard import said
from asp_analysis.session.read_only import copy_from_read_only, is_on_read_only
from asp_analysis.sql import SCHEMA_VERSION, quoted

_CONNECT_TIMEOUT_S = 10
MOST_SPILLED = "10GiB"
"""What the queries of a session may write to disk when their memory is not enough."""

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_QUIET = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}

_FILE_OF_LAKE = re.compile(r"['\"]([^'\"]+?\.parquet)")

_FAILURES = (
    ("is locked", "it is locked by another program", "Wait for it to finish, or close it."),
    (
        "readonly database",
        "it is in a folder that takes no file, and SQLite needs one next to a store that is written",
        "Copy the store to a folder of yours and name the copy, or get permission to write there.",
    ),
    ("unable to open", "it cannot be opened", "Check the permissions of the file and its folder."),
    ("not a database", "it is not a SQLite database", "Name another file, or start again: asp-analysis init --reset"),
    ("malformed", "it is damaged", "Restore a backup with: asp-analysis restore FILE"),
    ("disk i/o", "its disk cannot be read", "Check the disk and its free space."),
)
"""What SQLite says -> what it means and what to do."""


def bare() -> duckdb.DuckDBPyConnection:
    """Return a DuckDB in memory that loads nothing by itself and counts time in UTC."""
    connection = duckdb.connect(config=dict(_QUIET))
    _set_up(connection)
    return connection


def open_extended(names: tuple[str, ...], url: StoreUrl) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB as `bare` does, with extensions loaded.

    Raises:
        StoreError: one is not installed, or must not be loaded.
    """
    connection = open_with(names, url, _QUIET)
    _set_up(connection)
    return connection


def _set_up(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    with suppress(duckdb.Error):  # in Jupyter there may be none, elsewhere it appears between the rows of a result
        connection.execute("SET enable_progress_bar = false")


def bound(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> None:
    """Bound what a query may take: half of the machine's memory, and a folder next to the store for what it spills.

    DuckDB makes a folder of its own there when it spills, and removes it; it makes no folder above it. Without a place
    to write, a query has only its memory.
    """
    connection.execute(f"SET memory_limit = '{_memory_bytes() // 2} B'")
    folder = url.data_dir / "cache"
    spill = str(folder / f"spill-{url.local_name}-{os.getpid()}")
    try:
        make_folder(folder, url)
    except OSError:
        spill = ""
    connection.execute(f"SET temp_directory = {quoted(spill if os.access(folder, os.W_OK) else '')}")
    connection.execute(f"SET max_temp_directory_size = '{MOST_SPILLED}'")


def _memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or less where a container has a limit."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no such file, or the word max
        whole = min(whole, int(_CONTAINER_LIMIT.read_text()))
    return whole


def attached(url: StoreUrl) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB with the store attached and `raw` made.

    It can still reach files: call `lock` before a user's query.

    Raises:
        StoreError: the store cannot be read, holds none of the contract's tables, or is of a newer workbench.
    """
    connection = open_extended(("sqlite_scanner" if url.is_sqlite else "postgres_scanner",), url)
    with closed_on_failure(connection, url):
        bound(connection, url)
        _attach_file(connection, url) if url.is_sqlite else _attach_server(connection, url)
        tables = tables_of(connection, url)
        create_raw(connection, tables, _checked_version(connection, url, tables))
    return connection


@contextmanager
def closed_on_failure(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> Iterator[None]:
    """Close a connection whose preparation fails, and say what DuckDB said about the store.

    Raises:
        StoreError: the store cannot be read.
    """
    try:
        yield
    except duckdb.Error as error:
        connection.close()
        raise unreadable(url, error) from None
    except BaseException:
        connection.close()
        raise


def show_since(connection: duckdb.DuckDBPyConnection, url: StoreUrl, since: Mapping[str, int | None]) -> None:
    """Let the tables of `raw` show only their rows of larger numbers than these, or all of them again (None)."""
    tables = tables_of(connection, url)
    for table, after in since.items():
        connection.execute(raw_view(tables, table, after))


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Forbid files, extensions and settings from here on."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def unreadable(url: StoreUrl, error: duckdb.Error) -> StoreError:
    """Return the error line for what DuckDB said about the store."""
    text = said(error)
    if url.is_lake:
        return StoreError(f"{_explain_lake(url, text)} Build it again: asp-analysis build {url.shown}")
    if url.is_sqlite:
        for mark, found, remedy in _FAILURES:
            if mark in text.lower():
                return StoreError(f"Cannot read the store {url.shown}: {found}. {remedy}")
        return StoreError(f"Cannot read the store {url.shown}: {text}. Check the file and its folder.")
    return StoreError(server.explained(url, str(error), "read"))


def _explain_lake(url: StoreUrl, text: str) -> str:
    """Say which file of a lake cannot be read; DuckDB looks for a folder where there is no file."""
    found = _FILE_OF_LAKE.search(text)
    if found is None:
        return f"Cannot read the lake {url.shown}: {text}."
    is_gone = text.startswith("Permission Error") or "404" in text or "No such file" in text or "No files found" in text
    name = found[1].removeprefix(url.text.removeprefix("lake://")).lstrip("/")
    what = "it is not there any more" if is_gone else text.removesuffix(".")
    return f"Cannot read {name} of the lake {url.shown}: {what}."


def _attach_file(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> None:
    # Without this a scan is no snapshot: with a writer at work most sums over it were wrong.
    connection.execute("SET GLOBAL sqlite_disable_multithreaded_scans = true")
    path = copy_from_read_only(connection, url.path) if url.path and is_on_read_only(url.path) else url.path
    connection.execute(f"ATTACH {quoted(str(path))} AS {STORE} (TYPE sqlite, READ_ONLY)")


def _checked_version(connection: duckdb.DuckDBPyConnection, url: StoreUrl, tables: Tables) -> int | None:
    """Return the schema version, None for a file of the platform; a newer one may mean something else by its tables."""
    if "asp_schema" not in tables:
        return None
    (version,) = connection.execute(f"SELECT max(version) FROM {STORE}.asp_schema").fetchall()[0]
    if version is not None and version > SCHEMA_VERSION:
        raise StoreError(
            f"{url.shown} has schema version {version}, this workbench reads version {SCHEMA_VERSION} or older. "
            "Use the workbench that wrote it, or a newer one."
        )
    return int(version or 0)


def _attach_server(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> None:
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
