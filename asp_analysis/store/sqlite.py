"""A SQLite file as a store: how it is opened, set up, and what its errors mean."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.store.statements import run_script
from asp_analysis.store.views import create_views

BUSY_TIMEOUT_MS = 30_000
LARGEST_LOG = 32 * 2**20
"""Bytes that the write-ahead log may reach while readers never pause; the transaction that passes it empties it."""
_LOG_PATIENCE_MS, _LOG_MOST_PATIENCE_MS = 500, 5_000
_LOG_RETRY_S, _LOG_REST = 10.0, 10
_CACHE_KIB = 65_536  # the unique index is written in random order: with SQLite's 2 MiB it is the bottleneck
_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON")
_SCHEMA = ("sqlite/create_tables.sql", "sqlite/count_changes.sql", "sqlite/create_indexes.sql", "vocabularies.sql")
_SQLITE_ERRORS = (
    ("locked", "it is locked by another program", "Wait for it to finish, or close it."),
    ("readonly", "it is read-only", "Check the permissions of the file and its folder."),
    ("unable to open", "it cannot be opened", "Check that its folder exists and can be written."),
    ("disk is full", "the disk is full", "Free some space; nothing of this load was written."),
    ("disk i/o", "the disk has an error", "Check the disk and its free space; nothing of this load was written."),
    (
        "not a database",
        "it is not a SQLite database",
        "Name another file, or start again with: asp-analysis init --reset",
    ),
    (
        "malformed",
        "it is damaged",
        "Restore a backup with: asp-analysis restore, or start again with: asp-analysis init --reset",
    ),
)


def make_engine(path: Path) -> Engine:
    """Return an engine whose transactions hold the write lock from their beginning, those that only read excepted."""
    engine = create_engine(f"sqlite:///{path}", creator=lambda: open_present(path, BUSY_TIMEOUT_MS / 1000, mode="rwc"))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _LogBound(path).keep)
    return engine


def make_brief_engine(path: Path, patience_s: Callable[[], float]) -> Engine:
    """Return an engine that opens an existing file again for each transaction and waits for `patience_s` at most."""

    def opened() -> sqlite3.Connection:
        # mode=rw: a store that does not exist is an error here, never a new and empty file.
        connection = open_present(path, patience_s(), mode="rw")
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=opened, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _LogBound(path).keep)
    return engine


def open_present(path: Path, timeout_s: float, *, mode: str) -> sqlite3.Connection:
    """Open the file that has the name now: what is written into one that was replaced meanwhile is lost.

    `restore` and `init --reset` put another file in its place while nobody else has it open. Who waits for them to end
    has the former file open, and must open the new one. From its first read on a file with a write-ahead log is in use,
    and cannot be replaced until it is closed.
    """
    while True:
        before = _identity(path)
        address = f"file:{quote(str(path))}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=timeout_s, check_same_thread=False)
        try:
            connection.isolation_level = None  # transactions are begun by SQLAlchemy's event, not guessed by sqlite3
            connection.execute("PRAGMA schema_version").fetchone()
        except BaseException:
            connection.close()
            raise
        if before is None or before == _identity(path):
            return connection
        connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


class _LogBound:
    """Empties the write-ahead log of a file where it has grown large, when a connection is done with its transaction.

    SQLite goes on at the end of the log as long as any reader uses it. With readers that take turns it never begins
    again, and grows without bound (sqlite.org/wal.html, "Avoiding Excessively Large WAL Files"). A checkpoint that may
    wait lets readers end while no writer adds to the log. It waits half a second, then it is tried again later; where
    readers are slow and the log has grown further it waits longer, up to five seconds, and rests ten times as long.
    """

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(f"{path.name}-wal")
        self._not_before = 0.0

    def keep(self, connection: sqlite3.Connection | None, _record: object) -> None:
        """Empty the log if it is too large; the transaction is over, so that no failure here concerns it."""
        began = time.monotonic()
        if connection is None or began < self._not_before or (size := self._read_size()) <= LARGEST_LOG:
            return
        try:
            (patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
            connection.execute(f"PRAGMA busy_timeout = {_patience_ms(size)}")
            (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute(f"PRAGMA busy_timeout = {patience_ms}")
        except sqlite3.Error:  # a full disk, or one that is gone: the next transaction says so
            is_busy = True
        if is_busy:
            ended = time.monotonic()
            self._not_before = ended + max(_LOG_RETRY_S, _LOG_REST * (ended - began))

    def _read_size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0


def _patience_ms(size: int) -> int:
    """Return how long to wait for readers of a log of so many bytes."""
    return int(min(_LOG_PATIENCE_MS * (size / LARGEST_LOG) ** 2, _LOG_MOST_PATIENCE_MS))


def create_schema(connection: Connection) -> None:
    """Create all tables and views in an empty file."""
    for name in _SCHEMA:
        run_script(connection, sql.script(name))
    create_views(connection)


def rewrite_file(path: Path) -> bool:
    """Write a file again without its free pages; return whether nothing that was removed is left in it and its log."""
    with closing(sqlite3.connect(path.resolve(), timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)) as file:
        try:
            file.execute("VACUUM")
            return not file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError:  # a reader in the way, or a full disk
            return False


def explained(url: StoreUrl, text: str) -> str:
    """Return the error line for what SQLite said."""
    for mark, found, remedy in _SQLITE_ERRORS:
        if mark in text.lower():
            return f"Cannot write to the store {url.shown}: {found}. {remedy}"
    return f"Cannot write to the store {url.shown}: {text}. Check the file with: sqlite3 FILE"


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in (*_PRAGMAS, f"busy_timeout = {BUSY_TIMEOUT_MS}", f"cache_size = -{_CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")
