"""The store as a database: create, open, start anew; SQLite or PostgreSQL behind one SQLAlchemy engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from asp_analysis import occupancy, server, sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.records import format_instant
from asp_analysis.sql import SCHEMA_VERSION
from asp_analysis.store import sqlite
from asp_analysis.store.backups import back_up_file
from asp_analysis.store.statements import execute

_CONTRACT = ("agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics")
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'",
    "postgresql": "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()",
}


@dataclass(frozen=True)
class Created:
    """What `create_store` found and did: the store, whether it is new, how many tasks it holds, the backup it made."""

    store: str
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
        """Close the store; a file can then be read by a session of this process."""
        self.engine.dispose()
        if self.url.path is not None:
            occupancy.release(self.url.path, "writer")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection inside one write transaction; it is committed at the end and rolled back on any error.

        Raises:
            StoreError: the store is locked for longer than half a minute, full, read-only or damaged, or its server is
                not there (any more).
            IntegrityError: a row breaks a constraint.
        """
        with self._explained(), self.engine.begin() as connection:
            yield connection

    def read(self, query: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Run a SELECT of the writer's own bookkeeping; analysis reads through a session."""
        with self._explained(), self.engine.connect() as connection:
            reading = connection.execution_options(reads=True)
            with reading.begin():
                return [dict(row) for row in execute(reading, query, parameters).mappings()]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            said = sqlite.explained if self.url.is_sqlite else server.explained
            raise StoreError(said(self.url, str(error.orig))) from None


def open_store(url: StoreUrl) -> Store:
    """Open an existing store for writing; one of an older schema is brought to the present one.

    Raises:
        StoreError: there is none, it is no database, was written by the ASP platform or by a newer workbench, its
            server does not answer, or this process reads it at the moment.
    """
    if url.is_missing():
        raise StoreError(f"A store is needed, {url.path} does not exist. Create it with: asp-analysis init")
    store = _connect(url)
    try:
        check_schema(store)
    except BaseException:
        store.close()
        raise
    return store


SAMPLE_PROJECTS = ("ferry-booking", "boarding-app", "harbour-office")
"""The invented projects of database/sqlite/sample_data.sql."""


def create_store(url: StoreUrl, *, with_sample: bool = False) -> Created:
    """Create the store where there is none; with `with_sample`, fill one that holds no tasks with the sample data.

    A store that is already there keeps what it holds. On PostgreSQL the database itself must be there.

    Raises:
        StoreError: the folder cannot be written, the file is something else, or the server refuses.
    """
    is_new = _is_missing(url)
    store = _connect(url)
    try:
        is_new = is_new or _is_empty(store)
        if is_new:
            _make_schema(store)
        check_schema(store)
        count = _task_count(store)
        if with_sample and count == 0:
            _fill(store)
            count = _task_count(store)
    except BaseException:
        store.close()
        if is_new and url.path is not None:
            _remove(url.path)
        raise
    store.close()
    return Created(url.shown, is_new, count)


def sample_task_count(store: Store) -> int:
    """Count the tasks of the sample data; 0 in a store that was begun without them."""
    rows = store.read(f"SELECT count(*) AS tasks FROM task_metadata WHERE project_id IN {SAMPLE_PROJECTS}")
    return int(rows[0]["tasks"])


def reset_store(url: StoreUrl, *, with_sample: bool = False) -> Created:
    """Back the store up, then start it anew.

    Raises:
        StoreError: the backup cannot be made, and the store is left as it was; or the store lies on a server.
    """
    if url.path is None:
        raise StoreError(
            f"A SQLite store is needed to start anew, {url.shown} lies on a server. "
            "Make another database there with createdb, and name it."
        )
    backup = None if url.is_missing() else back_up_file(url)
    _remove(url.path)
    created = create_store(url, with_sample=with_sample)
    return Created(created.store, created.is_new, created.task_count, backup)


def now() -> str:
    """Give the present instant in the store's text form."""
    return format_instant(datetime.now(UTC))


def check_schema(store: Store) -> None:
    """See that the store has the present schema; an older one is brought to it.

    Raises:
        StoreError: the store is none of the workbench, or of a newer one.
    """
    tables = {row["name"] for row in store.read(_TABLES[store.engine.dialect.name])}
    if "asp_schema" not in tables:
        known = sorted(tables & set(_CONTRACT))
        what = f"it holds {', '.join(known)} of the ASP platform" if known else "it holds none of its tables"
        raise StoreError(
            f"A store of the workbench is needed to write, {store.url.shown} is none: {what}. "
            "It can still be read; to write, create another with: asp-analysis init --db sqlite:///FILE"
        )
    if _version(store) == 1 and store.url.is_sqlite:
        with store.transaction() as connection:
            if execute(connection, "SELECT max(version) FROM asp_schema").scalar() == 1:
                sqlite.upgrade(connection)
    if _version(store) != SCHEMA_VERSION:
        raise StoreError(
            f"A store with schema version {SCHEMA_VERSION} is needed, {store.url.shown} has version {_version(store)}. "
            "Use the workbench that wrote it, or a newer one."
        )


def _version(store: Store) -> int:
    return int(store.read("SELECT max(version) AS version FROM asp_schema")[0]["version"] or 0)


def _is_missing(url: StoreUrl) -> bool:
    """Tell whether there is no file yet; its folder is made."""
    if not url.is_missing():
        return False
    try:
        url.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"A folder for the store is needed, {url.path.parent} gave: {error.strerror}. Choose one."
        ) from None
    return True


def _is_empty(store: Store) -> bool:
    """Tell whether a database on a server holds none of the workbench's tables; a file that is there is never empty."""
    if store.url.is_sqlite:
        return False
    tables = {row["name"] for row in store.read(_TABLES["postgresql"])}
    return not tables & {"asp_schema", *_CONTRACT}


def _connect(url: StoreUrl) -> Store:
    if url.path is None:
        from asp_analysis.store import postgres  # a store in a file must not wait for the driver of a server

        return Store(url, postgres.make_engine(url))
    occupancy.claim(url.path, "writer")
    return Store(url, sqlite.make_engine(url.path))


def _make_schema(store: Store) -> None:
    """Make the tables in one transaction: a store is never left half made."""
    with store.transaction() as connection:
        if store.url.is_sqlite:
            sqlite.create_schema(connection)
        else:
            from asp_analysis.store import postgres

            postgres.create_schema(connection)


def _fill(store: Store) -> None:
    with store.transaction() as connection:
        if store.url.is_sqlite:
            sqlite.run_script(connection, sql.script("sqlite/sample_data.sql"))
        else:
            from asp_analysis.store.statements import run_script

            run_script(connection, sql.script("migrations/004_sample_data.sql"))


def _task_count(store: Store) -> int:
    return int(store.read("SELECT count(*) AS tasks FROM task_metadata")[0]["tasks"])


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
