"""The store as a database: create, open, back up, start anew; SQLite behind a SQLAlchemy engine."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from asp_analysis import occupancy, sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.records import format_instant

SCHEMA_VERSION = 1
_SCHEMA = ("sqlite/create_tables.sql", "sqlite/create_indexes.sql", "agent_roles.sql")
BUSY_TIMEOUT_MS = 30_000
_CACHE_KIB = 65_536  # the unique index is written in random order: with SQLite's 2 MiB it is the bottleneck


@dataclass(frozen=True)
class Created:
    """What `create` found and did: the file, whether it is new, how many tasks it holds, the backup that was made."""

    path: Path
    is_new: bool
    task_count: int
    backup: Path | None = None


class Store:
    """An open store. Use it as a context manager; one `transaction()` is all or nothing."""

    def __init__(self, url: StoreUrl, engine: Engine) -> None:
        """Wrap an engine; use `open_store` instead."""
        self.url, self.engine = url, engine

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; the file can then be read by a session of this process."""
        self.engine.dispose()
        if self.url.path is not None:
            occupancy.release(self.url.path, "writer")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection inside one write transaction; it is committed at the end and rolled back on any error.

        Raises:
            StoreError: the store is locked for longer than half a minute, full, read-only or damaged.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise StoreError(_said(self.url, error)) from None
        except DBAPIError as error:
            if isinstance(error.orig, sqlite3.IntegrityError):
                raise
            raise StoreError(_said(self.url, error)) from None

    def read(self, query: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Run a SELECT of the writer's own bookkeeping; analysis reads through a session."""
        with self.transaction() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query, parameters).mappings()]


def open_store(url: StoreUrl) -> Store:
    """Open an existing store for writing.

    Raises:
        StoreError: there is none, it is no database, was written by the ASP platform or by a newer workbench, or this
            process reads it at the moment.
    """
    path = _sqlite_path(url)
    if not path.exists():
        raise StoreError(f"A store is needed, {path} does not exist. Create it with: asp-analysis init")
    store = _connect(url, path)
    try:
        _check_schema(store, path)
    except BaseException:
        store.close()
        raise
    return store


def create_store(url: StoreUrl, *, with_sample: bool = False) -> Created:
    """Create the store where there is none; with `with_sample`, fill one that holds no tasks with the sample data.

    A store that is already there keeps what it holds.

    Raises:
        StoreError: the folder cannot be written, or the file is something else.
    """
    path = _sqlite_path(url)
    is_new = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"A folder for the store is needed, {path.parent} gave: {error.strerror}. Choose one."
        ) from None
    store = _connect(url, path)
    try:
        if is_new:
            _run(store, *(sql.script(name) for name in _SCHEMA))
        _check_schema(store, path)
        count = _task_count(store)
        if with_sample and count == 0:
            _run(store, sql.script("sqlite/sample_data.sql"))
            count = _task_count(store)
    except BaseException:
        store.close()
        if is_new:
            _remove(path)
        raise
    store.close()
    return Created(path, is_new, count)


def reset_store(url: StoreUrl, *, with_sample: bool = False) -> Created:
    """Back the store up, then start it anew.

    Raises:
        StoreError: the backup cannot be made; the store is then left as it was.
    """
    path = _sqlite_path(url)
    backup = back_up_file(url) if path.exists() else None
    _remove(path)
    created = create_store(url, with_sample=with_sample)
    return Created(created.path, created.is_new, created.task_count, backup)


def back_up_file(url: StoreUrl) -> Path:
    """Copy the store to `backups/` beside it, consistently even while others write; a damaged file is copied as it is.

    Raises:
        StoreError: the copy cannot be written.
    """
    path = _sqlite_path(url)
    target = path.parent / "backups" / f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}{path.suffix}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with occupancy.held(path, "writer"):
            try:
                with sqlite3.connect(path) as source, sqlite3.connect(target) as copy:
                    source.backup(copy)
                source.close()
                copy.close()
            except sqlite3.DatabaseError:
                shutil.copyfile(path, target)
    except OSError as error:
        raise StoreError(
            f"A backup of {path} is needed first, {target} gave: {error.strerror}. Nothing was changed."
        ) from None
    return target


def now() -> str:
    """Give the present instant in the store's text form."""
    return format_instant(datetime.now(UTC))


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _sqlite_path(url: StoreUrl) -> Path:
    if url.path is None:
        raise StoreError(f"A SQLite store is needed here, {url.shown} is PostgreSQL. Set DATABASE_URL=sqlite:///...")
    return url.path


def _connect(url: StoreUrl, path: Path) -> Store:
    occupancy.claim(path, "writer")
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return Store(url, engine)


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by SQLAlchemy's event above, not guessed by sqlite3
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        f"cache_size = -{_CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _run(store: Store, *scripts: str) -> None:
    """Run SQL scripts in one transaction: a store is never left half made."""
    with store.transaction() as connection:
        for statement in _statements("\n".join(scripts)):
            connection.exec_driver_sql(statement)


def _statements(text: str) -> Iterator[str]:
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _check_schema(store: Store, path: Path) -> None:
    tables = {row["name"] for row in store.read("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "asp_schema" not in tables:
        known = sorted(tables & {"agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics"})
        what = f"it holds {', '.join(known)} of the ASP platform" if known else "it holds none of its tables"
        raise StoreError(
            f"A store of the workbench is needed to write, {path} is none: {what}. "
            "It can still be read; to write, create another with: asp-analysis init --db sqlite:///FILE"
        )
    version = store.read("SELECT max(version) AS version FROM asp_schema")[0]["version"]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"A store with schema version {SCHEMA_VERSION} is needed, {path} has version {version}. "
            "Use the workbench that wrote it, or a newer one."
        )


def _task_count(store: Store) -> int:
    return int(store.read("SELECT count(*) AS tasks FROM task_metadata")[0]["tasks"])


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


_MEANINGS = (
    ("locked", "it is locked by another program", "Wait for it to finish, or close it."),
    ("readonly", "it is read-only", "Check the permissions of the file and its folder."),
    ("unable to open", "it cannot be opened", "Check that its folder exists and can be written."),
    ("disk is full", "the disk is full", "Free some space; nothing of this load was written."),
    ("disk i/o", "the disk gave an error", "Check the disk and its free space; nothing of this load was written."),
    ("not a database", "it is no SQLite database", "Name another file, or start anew with: asp-analysis init --reset"),
    ("malformed", "it is damaged", "Restore a backup of data/backups/, or start anew with: asp-analysis init --reset"),
)


def _said(url: StoreUrl, error: DBAPIError) -> str:
    text = str(error.orig)
    for mark, found, remedy in _MEANINGS:
        if mark in text.lower():
            return f"The store {url.shown} is needed for writing, {found}. {remedy}"
    return f"The store {url.shown} is needed for writing, it gave: {text}. Check the file with: sqlite3 FILE"
