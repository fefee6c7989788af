"""The store as a database: create, open, start again; SQLite or PostgreSQL behind one SQLAlchemy engine."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from asp_analysis import occupancy, server, sql
from asp_analysis.config import StoreUrl, require_writable
from asp_analysis.errors import StoreError
from asp_analysis.records import format_instant
from asp_analysis.sql import CONTRACT_TABLES, SCHEMA_VERSION
from asp_analysis.store import sqlite, upgrades
from asp_analysis.store.backups import keep_copy, opened
from asp_analysis.store.forgotten import OF_STORE
from asp_analysis.store.restoring import put_in_place
from asp_analysis.store.statements import execute, run_script

log = logging.getLogger("asp_analysis.store")

_LIST_TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'",
    "postgresql": "SELECT table_name AS name FROM information_schema.tables "
    "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'",
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
        engine.update_execution_options(**{OF_STORE: url})
        self._rehearsal: Connection | None = None

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
        """Return a connection inside one write transaction; it is committed at the end and rolled back on any error.

        Raises:
            StoreError: the store is locked for longer than half a minute, full, read-only or damaged, or its server is
                not there (any more).
            IntegrityError: a row breaks a constraint.
        """
        if self._rehearsal is not None:
            with self._explained(), self._rehearsal.begin_nested():
                yield self._rehearsal
            return
        with self._explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Let the transactions of the block see one another, and take all of them back at its end."""
        with self._explained(), self.engine.connect() as connection, connection.begin() as outer:
            self._rehearsal = connection
            try:
                yield
            finally:
                self._rehearsal = None
                outer.rollback()

    @property
    def is_rehearsing(self) -> bool:
        """Whether what is written now will be taken back."""
        return self._rehearsal is not None

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


def open_store(url: StoreUrl, *, may_upgrade: bool = True) -> Store:
    """Open an existing store for writing; one of an older schema is upgraded to the present one.

    Raises:
        StoreError: there is none, it is not a database, it was written by the ASP platform or by a newer workbench, its
            server does not answer, this process reads it at the moment, or it must not be upgraded and is older.
    """
    if url.is_missing():
        raise StoreError(f"The store {url.path} does not exist. Create it with: asp-analysis init")
    store = _connect(url)
    try:
        check_schema(store, may_upgrade=may_upgrade)
    except BaseException:
        store.close()
        raise
    return store


SAMPLE_PROJECTS = ("ferry-booking", "boarding-app", "harbour-office")
"""The invented projects of database/sqlite/sample_data.sql."""


def create_store(url: StoreUrl, *, with_sample: bool = False) -> Created:
    """Create the store where there is none; with `with_sample`, fill one that holds no tasks with the sample data.

    A store that is already there keeps what it holds. On PostgreSQL the database itself must exist.

    Raises:
        StoreError: the folder cannot be written, the file is something else, or the server refuses.
    """
    is_new = url.is_missing()
    if is_new and url.path is not None:
        _make_folder(url.path)
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
            with suppress(OSError):  # on a medium that takes no file there is none to remove
                _remove(url.path)
        raise
    store.close()
    return Created(url.shown, is_new, count)


def sample_task_count(store: Store) -> int:
    """Count the tasks of the sample data; 0 in a store that was begun without them."""
    rows = store.read(f"SELECT count(*) AS tasks FROM task_metadata WHERE project_id IN {SAMPLE_PROJECTS}")
    return int(rows[0]["tasks"])


def reset_store(url: StoreUrl, *, with_sample: bool = False) -> Created:
    """Back the store up and replace it by a new one, in one step between which nobody writes.

    Raises:
        StoreError: the backup cannot be made, or somebody else has the store open, and it is left as it was; or the
            store is on a server.
    """
    require_writable(url)
    if url.path is None:
        raise StoreError(
            f"{url.shown} is on a server, and --reset replaces SQLite files only. "
            "Create another database there with createdb, and name it."
        )
    if url.is_missing():
        return create_store(url, with_sample=with_sample)
    path = url.path.resolve()
    try:
        count, backup = put_in_place(path, lambda part: _make_new(part, with_sample=with_sample), before="reset")
    except OSError as error:
        raise StoreError(
            f"{path} was not replaced: {error.filename}: {error.strerror}. Free some space, or check the permissions "
            "of the folder."
        ) from None
    return Created(url.shown, True, count, backup)


def _make_new(path: Path, *, with_sample: bool) -> int:
    """Make a store of an empty file, and give how many tasks it holds."""
    with _connect(StoreUrl(f"sqlite:///{path}", path)) as store:
        _make_schema(store)
        if with_sample:
            _fill(store)
        return _task_count(store)


def now() -> str:
    """Return the present instant in the store's text form."""
    return format_instant(datetime.now(UTC))


def check_schema(store: Store, *, may_upgrade: bool = True) -> None:
    """Check that the store has the present schema; an older one is upgraded to it.

    Raises:
        StoreError: it is not a store of the workbench, one of a newer workbench, or an older one that must not change.
    """
    tables = {row["name"] for row in store.read(_LIST_TABLES[store.engine.dialect.name])}
    if "asp_schema" not in tables:
        known = sorted(tables & set(CONTRACT_TABLES))
        what = f"it holds {', '.join(known)} of the ASP platform" if known else "it holds none of its tables"
        raise StoreError(
            f"{store.url.shown} is not a store of the workbench: {what}. Read it, or load it into another store: "
            "run asp-analysis init --db sqlite:///FILE, then load it there."
        )
    if not may_upgrade and upgrades.has_upgrade(_version(store)):
        raise StoreError(
            f"{store.url.shown} has schema version {_version(store)}, and nothing is to be written to it. "
            "Upgrade it first with: asp-analysis init"
        )
    if upgrades.has_upgrade(_version(store)):
        _upgrade(store)
    if _version(store) != SCHEMA_VERSION:
        raise StoreError(
            f"{store.url.shown} has schema version {_version(store)}, this workbench writes {SCHEMA_VERSION}. "
            "Use the workbench that wrote it, or a newer one."
        )


def _upgrade(store: Store) -> None:
    """Upgrade a store to the present schema version; a file is backed up first, and its free space is freed after."""
    path, was = store.url.path, _version(store)
    kept = None
    if path is not None:
        with closing(opened(path.resolve())) as source:
            kept = keep_copy(path.resolve(), source, f"upgrade-to-{SCHEMA_VERSION}")
    if not _run_upgrade(store):
        return
    if path is not None:
        with closing(opened(path.resolve())) as file, suppress(sqlite3.OperationalError):
            file.execute("VACUUM")  # a reader in the way, or a full disk, only keeps the file larger than it must be
    copied = "" if kept is None else f"; the store as it was: {kept}"
    log.warning("%s was upgraded from schema version %s to %s%s.", store.url.shown, was, SCHEMA_VERSION, copied)


def _run_upgrade(store: Store) -> bool:
    """Upgrade in one transaction; false where somebody else did it while this process waited for its turn.

    Raises:
        StoreError: the upgrade would change what the store says, or the new tables refuse a row.
    """
    try:
        with store.transaction() as connection:
            version = int(execute(connection, "SELECT max(version) FROM asp_schema").scalar_one())
            upgrades.upgrade(connection, version)
    except IntegrityError as error:
        found = server.without_password(str(error.orig), store.url)
        raise StoreError(
            f"{store.url.shown} cannot be upgraded to schema version {SCHEMA_VERSION}, a row breaks a rule: {found}. "
            "Nothing was changed. Correct the row, then try again."
        ) from None
    return version < SCHEMA_VERSION


def upgrade_copy(path: Path) -> None:
    """Upgrade a copy of a SQLite store to the present schema version; nobody else may have the copy.

    Raises:
        StoreError: as `open_store`.
    """
    store = _connect(StoreUrl(f"sqlite:///{path}", path))
    try:
        _run_upgrade(store)
    finally:
        store.close()


def _version(store: Store) -> int:
    return int(store.read("SELECT max(version) AS version FROM asp_schema")[0]["version"] or 0)


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {path.parent} cannot be created: {error.strerror}. Choose another folder for the store."
        ) from None


def _is_empty(store: Store) -> bool:
    """Return whether a database on a server has none of the workbench's tables; an existing file is never empty."""
    if store.url.is_sqlite:
        return False
    tables = {row["name"] for row in store.read(_LIST_TABLES["postgresql"])}
    return not tables & {"asp_schema", *CONTRACT_TABLES}


def _connect(url: StoreUrl) -> Store:
    require_writable(url)
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
    name = "sqlite/sample_data.sql" if store.url.is_sqlite else "migrations/004_sample_data.sql"
    with store.transaction() as connection:
        run_script(connection, sql.script(name))


def _task_count(store: Store) -> int:
    return int(store.read("SELECT count(*) AS tasks FROM task_metadata")[0]["tasks"])


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
