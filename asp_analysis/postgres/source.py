"""The SQLite file as it was at one moment: read only, in one read transaction, a few thousand rows at a time.

A file that the ASP platform wrote may lack columns, hold anything in any of them, and name no executions; what has to
be worked out for it lies in temporary tables, which SQLite keeps out of the file and, when they are large, on disk.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from asp_analysis import occupancy, sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.postgres.tables import ORDER, Reference, Table, tables
from asp_analysis.records import EXECUTION_CONTEXT

CHUNK_ROWS = 8_192
_IDS_AT_ONCE = 900  # SQLite allows 999 parameters in builds before 3.32


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one table, column by column in the server's order; None for what the file does not know."""

    rowids: list[int]
    columns: list[list[Any]]


@dataclass(frozen=True)
class _Found:
    """A table of the file: its columns, and whether SQLite has held its rows to the contract's constraints."""

    columns: tuple[str, ...]
    is_checked: bool


class Source:
    """A store that is read; use `open_source`."""

    def __init__(self, url: StoreUrl, connection: sqlite3.Connection) -> None:
        self.url, self._connection = url, connection
        self._found = _found_tables(connection)
        if not set(self._found) & set(ORDER[1:5]):
            raise StoreError(
                f"A store is needed to migrate, {url.shown} holds none of {', '.join(ORDER[1:5])}. Name another file."
            )

    @property
    def schema_version(self) -> int | None:
        """The version that the file says it has; None for a file of the ASP platform."""
        if not self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'asp_schema'").fetchall():
            return None
        return int(self._connection.execute("SELECT max(version) FROM asp_schema").fetchone()[0] or 0)

    def tables(self) -> list[Table]:
        """Give the tables that the file has, in the order in which they are carried."""
        return [table for table in tables() if table.name in self._found]

    def is_checked(self, table: Table) -> bool:
        """Tell whether the file itself has held the table's rows to the contract."""
        return self._found[table.name].is_checked

    def columns_left_behind(self, table: Table) -> list[str]:
        """Name the columns of the file that the server's table does not have."""
        return sorted(set(self._found[table.name].columns) - {column.name for column in table.columns})

    def count(self, table: Table) -> int:
        """Count the rows of a table."""
        return int(self._connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0])

    def chunks(self, table: Table) -> Iterator[Chunk]:
        """Read a table by rowid."""
        select = self._select(table)
        last = -(2**63)
        while rows := self._fetch(f"{select} WHERE t.rowid > ? ORDER BY t.rowid LIMIT {CHUNK_ROWS}", (last,)):
            rowids, *columns = zip(*rows, strict=True)
            yield Chunk(rowids, columns)
            last = rowids[-1]

    def row(self, table: Table, rowid: int) -> dict[str, Any]:
        """Give one row with all columns of the file."""
        columns = self._found[table.name].columns
        values = self._fetch(f'SELECT t.* FROM "{table.name}" AS t WHERE t.rowid = ?', (rowid,))[0]
        return dict(zip(columns, values, strict=True))

    def missing(self, reference: Reference, keys: set[Any]) -> set[Any]:
        """Give those of some keys that the table they refer to does not hold."""
        if reference.table not in self._found:
            return keys
        wanted, known = list(keys), set()
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            some = wanted[start : start + _IDS_AT_ONCE]
            places = ", ".join("?" * len(some))
            query = f'SELECT "{reference.key}" FROM "{reference.table}" WHERE "{reference.key}" IN ({places})'
            known.update(row[0] for row in self._connection.execute(query, some))
        return keys - known

    def repeated(self, table: Table) -> dict[int, tuple[str, ...]]:
        """Give the rows whose key another row before them has, with the columns of that key."""
        names = {column: column for column in self._found[table.name].columns}
        found: dict[int, tuple[str, ...]] = {}
        for key in table.keys:
            if not self.is_checked(table) and set(key) <= set(names):
                columns = ", ".join(f'"{name}"' for name in key)
                known = " AND ".join(f'"{name}" IS NOT NULL' for name in key)
                numbered = f"row_number() OVER (PARTITION BY {columns} ORDER BY rowid)"
                inner = f'SELECT rowid AS r, {numbered} AS n FROM "{table.name}" WHERE {known}'
                found |= {r: key for (r,) in self._connection.execute(f"SELECT r FROM ({inner}) WHERE n > 1")}
        return found

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

    def _select(self, table: Table) -> str:
        there = self._found[table.name].columns
        listed, joined = [], ""
        for column in table.columns:
            if column.name in there:
                listed.append(f't."{column.name}"')
            elif column.is_identity:
                listed.append("t.rowid")
            elif column.name == "execution_id":
                self._name_executions(table)
                listed.append("x.execution_id")
                joined = " LEFT JOIN temp.asp_executions AS x ON x.r = t.rowid"
            else:
                listed.append("NULL")
        return f'SELECT t.rowid, {", ".join(listed)} FROM "{table.name}" AS t{joined}'

    def _name_executions(self, table: Table) -> None:
        """Name the executions of a foreign file as the reader for analysis does: context, then occurrence."""
        there = self._found[table.name].columns
        texts = [_as_text(name) for name in EXECUTION_CONTEXT if name in there]
        context = ", ".join(texts)
        metric = _as_text("metric_type") if "metric_type" in there else "NULL"
        order = "CAST(id AS INTEGER), rowid" if "id" in there else "rowid"
        self._connection.create_function("asp_md5", -1, _md5, deterministic=True)
        self._connection.execute("CREATE TEMP TABLE asp_executions (r INTEGER PRIMARY KEY, execution_id TEXT)")
        self._connection.execute(
            f"INSERT INTO temp.asp_executions SELECT rowid, asp_md5({context}) || '-' || "
            f'row_number() OVER (PARTITION BY {context}, {metric} ORDER BY {order}) FROM main."{table.name}"'
        )


@contextmanager
def open_source(url: StoreUrl) -> Iterator[Source]:
    """Open a SQLite store for reading, as it is at this moment; it is never changed.

    Raises:
        StoreError: there is none, it is none, or this process holds it open with the other SQLite library.
    """
    path = url.path
    if path is None:
        raise StoreError(
            f"A SQLite store is needed to migrate, {url.shown} is none. Name it with: --from sqlite:///FILE"
        )
    if not path.is_file():
        raise StoreError(f"A SQLite store is needed to migrate, {path} does not exist. Name it with: --from FILE")
    with occupancy.held(path, "writer"):
        connection = None
        try:
            connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
            connection.execute("BEGIN")
            yield Source(url, connection)
        except sqlite3.Error as error:
            raise StoreError(
                f"A readable store is needed, {path} gave: {error}. Check the file and its folder's permissions."
            ) from None
        finally:
            if connection is not None:
                connection.close()


def first_roles() -> set[tuple[str, int, str]]:
    """Give the roles that every store begins with."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE agent_roles (agent_role, phase_order, kind)")
        connection.executescript(sql.script("agent_roles.sql"))
        return set(connection.execute("SELECT agent_role, phase_order, kind FROM agent_roles"))


def _found_tables(connection: sqlite3.Connection) -> dict[str, _Found]:
    """Look up the tables of the contract; the first look is also what fixes the moment that is read."""
    scripts = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall())
    found = {}
    for table in tables():
        if table.name in scripts:
            columns = tuple(row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")'))
            script = scripts[table.name] or ""
            is_strict = "STRICT" in script.rpartition(")")[2].upper()
            found[table.name] = _Found(columns, is_strict and all(name in script for name in table.file_constraints))
    return found


def _as_text(name: str) -> str:
    """A value as text, every REAL with all its digits: the form in which analysis reads foreign files."""
    return f'CASE typeof("{name}") WHEN \'real\' THEN printf(\'%!.17g\', "{name}") ELSE CAST("{name}" AS TEXT) END'


def _md5(*texts: str | None) -> str:
    return hashlib.md5("|".join(text for text in texts if text is not None).encode(), usedforsecurity=False).hexdigest()
