"""A SQLite file of another program, which may be writing it right now -> its tables as they are at one moment.

A program that has its file open keeps the index of its write-ahead log (`-shm`) next to it: then the file is read where
it is, in one transaction that only reads. Otherwise it is copied with its log and read from the copy, because opening
it there would leave files behind. It is never opened as immutable: what the log holds would be missing, in silence.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from asp_analysis.errors import InputError

Opener = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens the content of a file, unpacked."""

MAGIC = b"SQLite format 3\x00"
_WAL_MODE_AT, _WAL_MODE = 18, b"\x02"
_LARGEST_VALUE = 64 * 2**20
_COPY_TRIES = 3
_BUSY_S = 5.0

Row = dict[str, Any]


class Database:
    """The tables of an open SQLite file.

    lacks_log: it is written through a write-ahead log, and there is none next to it.
    """

    def __init__(self, connection: sqlite3.Connection, *, lacks_log: bool) -> None:
        self.connection = connection
        self.lacks_log = lacks_log

    @cached_property
    def tables(self) -> Mapping[str, frozenset[str]]:
        """Name -> columns of every real table: views and virtual tables may run anything, and are none."""
        listed = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
        names = [row[0] for row in self.connection.execute(listed)]
        return {name: frozenset(self._columns(name)) for name in names}

    def _columns(self, table: str) -> list[str]:
        return [row[1] for row in self.connection.execute(f"PRAGMA table_info({_quoted(table)})")]

    def rows(self, table: str, *columns: str) -> Iterator[Row]:
        """Yield the rows of a table, as values by column; what the table lacks is None in each."""
        there = [name for name in columns if name in self.tables.get(table, ())]
        if not there:
            return
        listed = ", ".join(map(_quoted, there))
        nothing = dict.fromkeys(columns)
        for values in self.connection.execute(f"SELECT {listed} FROM {_quoted(table)}"):
            yield {**nothing, **dict(zip(there, values, strict=True))}

    def count_used(self, table: str, column: str) -> int:
        """Count the rows of a table in which a column holds a number that is not zero."""
        name = _quoted(column)
        query = f"SELECT count(*) FROM {_quoted(table)} WHERE typeof({name}) IN ('integer', 'real') AND {name} <> 0"
        return int(self.connection.execute(query).fetchone()[0])

    def objects(self, table: str, column: str, kind: str, **paths: str) -> Iterator[Row]:
        """Yield what JSON texts of a column hold at some paths, of those objects whose `type` is `kind`.

        SQLite takes the values out, so that long texts next to them are never held here.
        """
        json = f"CASE WHEN typeof({column}) = 'text' AND json_valid({column}) THEN {column} END"
        listed = ", ".join(f"json_extract({json}, '{path}') AS {name}" for name, path in paths.items())
        others = ", ".join(map(_quoted, sorted(self.tables.get(table, frozenset()) - {column})))
        query = f"SELECT {listed}, {others} FROM {_quoted(table)} WHERE json_extract({json}, '$.type') = ?"
        cursor = self.connection.execute(query, (kind,))
        names = [described[0] for described in cursor.description]
        yield from (dict(zip(names, values, strict=True)) for values in cursor)

    def array_items(self, table: str, column: str, kind: str, *, key: str, item: str) -> Iterator[Row]:
        """Yield `key` of a row with what the path `item` holds, of each object of `kind` in arrays of JSON texts."""
        if not {column, key} <= self.tables.get(table, frozenset()):
            return
        array = f"CASE WHEN typeof({column}) = 'text' AND json_valid({column}) THEN {column} ELSE '[]' END"
        query = (
            f"SELECT {key}, json_extract(part.value, '{item}') FROM {_quoted(table)}, json_each({array}) AS part "
            "WHERE part.type = 'object' AND json_extract(part.value, '$.type') = ?"
        )
        for name, found in self.connection.execute(query, (kind,)):
            yield {key: name, "item": found}


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what SQLite says into one line.

    Raises:
        InputError: SQLite cannot read the file.
    """
    try:
        yield
    except MemoryError:  # a damaged header may ask for any size
        raise InputError(
            f"{name} cannot be read as a SQLite database: it is damaged. Check that it is whole."
        ) from None
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite's own words may repeat damaged bytes
        found = str(error) if isinstance(error, sqlite3.Error) else "malformed database schema"
        busy = "locked" in found or "busy" in found
        do = (
            "Another program has it open and writes it; try again." if busy else "Check that it is whole, and unpacked."
        )
        raise InputError(f"{name} cannot be read as a SQLite database: {found}. {do}") from None


@contextmanager
def open_database(path: Path, name: str, open_bytes: Opener) -> Iterator[Database]:
    """Open a SQLite file as it is now, with what its write-ahead log holds; a packed one by what it unpacks to.

    Raises:
        InputError: it is damaged, or another program keeps it locked.
    """
    with ExitStack() as stack, reading(name):
        with open_bytes() as content:
            is_logged = content.read(_WAL_MODE_AT + 1)[_WAL_MODE_AT:] == _WAL_MODE
        lacks_log = is_logged and not _beside(path, "-wal").is_file()
        if not _is_plain(path):
            connection = stack.enter_context(_connected(_unpacked(open_bytes, stack)))
        elif is_logged and not _beside(path, "-shm").is_file():
            connection = stack.enter_context(_connected(_copied(path, stack)))
        else:
            connection = _connected_in_place(path, stack)
        yield Database(connection, lacks_log=lacks_log)


def _is_plain(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _connected_in_place(path: Path, stack: ExitStack) -> sqlite3.Connection:
    """Read the file itself; a copy where its log or journal was left by a program that is gone."""
    connection = stack.enter_context(_connected(path))
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise
        return stack.enter_context(_connected(_copied(path, stack)))
    return connection


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as connection:
        connection.isolation_level = None
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.text_factory = lambda text: text.decode("utf-8", errors="backslashreplace")
        yield connection


def _unpacked(open_bytes: Opener, stack: ExitStack) -> Path:
    target = _scratch(stack) / "packed.db"
    with open_bytes() as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return target


def _copied(path: Path, stack: ExitStack) -> Path:
    """Copy a file with its log and its journal; again where one of them changed meanwhile."""
    target = _scratch(stack) / "copy.db"
    for _ in range(_COPY_TRIES):
        before = _states(path)
        for suffix in ("", "-wal", "-journal"):
            if _beside(path, suffix).is_file():
                shutil.copyfile(_beside(path, suffix), _beside(target, suffix))
            else:
                _beside(target, suffix).unlink(missing_ok=True)
        if _states(path) == before:
            break
    with closing(sqlite3.connect(target)) as connection:  # takes the log or the journal in; may write the copy
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return target


def _states(path: Path) -> list[tuple[int, int] | None]:
    return [state_of(_beside(path, suffix)) for suffix in ("", "-wal", "-journal")]


def state_of(path: Path) -> tuple[int, int] | None:
    """Return size in bytes and time of change in nanoseconds; None where there is no such file."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


def _scratch(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asp-analysis-")))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
