"""The SQLite file as it was at one moment: read only, in one read transaction, a few thousand rows at a time.

A store of an earlier schema version is read from a copy in a temporary folder, which is upgraded there.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from asp_analysis import occupancy
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.postgres.carried_tables import ForeignKey, ServerTable, tables
from asp_analysis.sql import CONTRACT_TABLES, SCHEMA_VERSION
from asp_analysis.store.database import upgrade_copy

CHUNK_ROWS = 4_096
_IDS_AT_ONCE = 900  # SQLite allows 999 parameters in builds before 3.32


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one table, column by column in the server's order."""

    rowids: Sequence[int]
    columns: Sequence[Sequence[Any]]


class SqliteSource:
    """A store that is read; use `open_source`."""

    def __init__(self, url: StoreUrl, connection: sqlite3.Connection) -> None:
        self.url, self._connection = url, connection
        self._columns = _checked_columns(url, connection)

    def columns_left_behind(self, table: ServerTable) -> list[str]:
        """Name the columns of the file that the server's table does not have."""
        return sorted(set(self._columns[table.name]) - {column.name for column in table.columns})

    def count(self, table: ServerTable) -> int:
        """Count the rows of a table."""
        return int(self._connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0])

    def chunks(self, table: ServerTable) -> Iterator[Chunk]:
        """Read a table by rowid."""
        listed = ", ".join(f't."{column.name}"' for column in table.columns)
        select = f'SELECT t.rowid, {listed} FROM "{table.name}" AS t'
        last = -(2**63)
        while rows := self._fetch(f"{select} WHERE t.rowid > ? ORDER BY t.rowid LIMIT {CHUNK_ROWS}", (last,)):
            rowids, *columns = zip(*rows, strict=True)
            yield Chunk(rowids, columns)
            last = rowids[-1]

    def row(self, table: ServerTable, rowid: int) -> dict[str, Any]:
        """Return one row with all columns of the file."""
        values = self._fetch(f'SELECT t.* FROM "{table.name}" AS t WHERE t.rowid = ?', (rowid,))[0]
        return dict(zip(self._columns[table.name], values, strict=True))

    def missing(self, reference: ForeignKey, keys: set[Any]) -> set[Any]:
        """Return those of some keys that the table they refer to does not hold."""
        wanted = list(keys)
        known: set[Any] = set()
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            some = wanted[start : start + _IDS_AT_ONCE]
            places = ", ".join("?" * len(some))
            query = f'SELECT "{reference.key}" FROM "{reference.table}" WHERE "{reference.key}" IN ({places})'
            known.update(row[0] for row in self._connection.execute(query, some))
        return keys - known

    def _fetch(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Read rows; bytes that are no UTF-8 come as lone surrogates, which no valid text holds."""
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            return self._connection.execute(query, values).fetchall()
        finally:
            self._connection.text_factory = str


@contextmanager
def open_source(url: StoreUrl) -> Iterator[SqliteSource]:
    """Open a SQLite store for reading, as it is at this moment; it is never changed.

    Raises:
        StoreError: there is no file, it is not a store, the ASP platform or a newer workbench wrote it, or this process
            holds it open with the other SQLite library.
    """
    path = url.path
    if path is None:
        kind = "lake" if url.is_lake else "server"
        raise StoreError(
            f"{url.shown} is a {kind}, and migrate reads a SQLite store. Name one with --from sqlite:///FILE."
        )
    if not path.is_file():
        raise StoreError(f"The store {path} does not exist. Name the SQLite store with --from FILE.")
    with occupancy.held(path, "writer"):
        try:
            with _opened(url, path) as connection:
                yield SqliteSource(url, connection)
        except sqlite3.Error as error:
            raise StoreError(f"The store {path} cannot be read: {error}. Check the file and its permissions.") from None


@contextmanager
def _opened(url: StoreUrl, path: Path) -> Iterator[sqlite3.Connection]:
    """Open a store in a read transaction: itself, or an upgraded copy of it, which is gone afterwards."""
    with closing(_begun(path)) as connection:
        if _checked_version(url, connection) == SCHEMA_VERSION:
            yield connection
            return
        folder = tempfile.TemporaryDirectory(prefix="asp-migrate-")
        copied = Path(folder.name) / "upgraded.db"
        with closing(sqlite3.connect(copied)) as copy:
            connection.backup(copy)
    with folder:
        upgrade_copy(copied)
        with closing(_begun(copied)) as connection:
            yield connection


def _begun(path: Path) -> sqlite3.Connection:
    """Begin a read transaction; the first look at the file then fixes the moment that is read."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    connection.execute("BEGIN")
    return connection


def _checked_version(url: StoreUrl, connection: sqlite3.Connection) -> int:
    """Return the schema version of a store.

    Raises:
        StoreError: it is no store, or one of a newer workbench.
    """
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "asp_schema" in there:
        version = int(connection.execute("SELECT max(version) FROM asp_schema").fetchone()[0] or 0)
        if 1 <= version <= SCHEMA_VERSION:
            return version
        raise StoreError(
            f"{url.shown} has schema version {version}; this workbench migrates versions 1 to {SCHEMA_VERSION}. "
            "Migrate with the workbench that wrote it, or a newer one."
        )
    if there & set(CONTRACT_TABLES):
        raise StoreError(
            f"{url.shown} was written by the ASP platform and is not a store. Load it into a store first: "
            f"asp-analysis init --db sqlite:///FILE, then: asp-analysis load {url.path} --db sqlite:///FILE. "
            "Then migrate that file."
        )
    raise StoreError(f"{url.shown} is not a store of the workbench. Name another file.")


def _checked_columns(url: StoreUrl, connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return the columns of the tables that are copied.

    Raises:
        StoreError: another program has changed a table so much that SQLite does not check the types of its values.
    """
    strict = dict(connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall())
    found = {}
    for table in tables():
        columns = tuple(row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")'))
        if not strict.get(table.name) or not {column.name for column in table.columns} <= set(columns):
            raise StoreError(
                f"Another program has changed the table {table.name} of {url.shown}. "
                "Export the store, load the files into a new one, and migrate that."
            )
        found[table.name] = columns
    return found
