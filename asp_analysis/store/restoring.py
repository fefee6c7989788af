"""Puts a backup in the place of the store: verified first, the former store kept, and replaced in one step."""

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from asp_analysis import occupancy
from asp_analysis.config import StoreUrl, require_writable
from asp_analysis.errors import StoreError
from asp_analysis.sql import SCHEMA_VERSION
from asp_analysis.store.backups import SIDECARS, check_sound, copy_verified, finished_file, keep_copy, opened

Made = TypeVar("Made")

_ALONE_TIMEOUT_S = 2.0
"""How long a writer that is at work may take to finish: a batch takes milliseconds, an open shell stays."""


@dataclass(frozen=True)
class Restored:
    """What `restore` did: the store's file, the rows of each table in it, the copy of the former store."""

    path: Path
    rows: dict[str, int]
    kept: Path | None


def check_backup(url: StoreUrl, backup: Path) -> dict[str, int]:
    """Return the rows of each table of a backup that could be restored; no file is changed or made.

    Raises:
        StoreError: the store is a server, or the file is missing, damaged, no store, of a newer workbench, or the
            store itself.
    """
    require_writable(url)
    if url.path is None:
        raise StoreError(
            f"{url.shown} is a PostgreSQL server, and asp-analysis restore replaces SQLite files. "
            f"Use: pg_restore --clean --if-exists --dbname={url.shown} asp.dump"
        )
    if not backup.is_file():
        raise StoreError(f"There is no file {backup}. List the backups with: asp-analysis status --table backups")
    if not url.is_missing() and backup.samefile(url.path):
        raise StoreError(f"{backup} is the store itself, not a backup of it. Name a file of backups/.")
    with _read_errors(backup), closing(_opened_quietly(backup)) as connection:
        _check_schema(connection, backup)
        return check_sound(connection)


def restore(url: StoreUrl, backup: Path) -> Restored:
    """Replace the store by a backup; the former store is copied to `backups/` first.

    The store has the old content or the new one, whenever this is killed. It keeps its permissions.

    Raises:
        StoreError: as `check_backup`; somebody else has the store open; or the disk has an error.
    """
    check_backup(url, backup)
    path = (url.path or backup).resolve()  # a server was refused by the check

    def copy(part: Path) -> dict[str, int]:
        with _read_errors(backup), closing(_opened_quietly(backup)) as source:
            return copy_verified(source, part)

    try:
        rows, kept = put_in_place(path, copy, before="restore")
    except OSError as error:
        raise StoreError(
            f"The backup was not restored to {path}: {error.filename}: {error.strerror}. Free some space, or check "
            "the permissions of the folder."
        ) from None
    return Restored(path, rows, kept)


def put_in_place(path: Path, make: Callable[[Path], Made], *, before: str) -> tuple[Made, Path | None]:
    """Let `make` write a store into a file, put that into the place of the one at `path`, and keep that one.

    Nobody works with the store meanwhile, so that no record comes between its copy and its end. Returns what `make`
    returned, and the copy; None where there was no store.

    Raises:
        StoreError: somebody else has the store open, or it cannot be copied; it is left as it was.
        OSError: the disk has an error; the store is left as it was.
    """
    with occupancy.held(path, "writer"), _alone(path) as there, finished_file(path, like=path) as part:
        made = make(part)
        _begin_anew(part)
        return made, None if there is None else _keep(path, there, part, before)


def _keep(path: Path, there: sqlite3.Connection, part: Path, before: str) -> Path:
    """Keep the present store, and leave nothing of it that could be taken for the log of its successor."""
    shutil.copymode(path, part)
    kept = keep_copy(path, there, before)
    for suffix in SIDECARS:  # only a file that SQLite cannot read still has any
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    return kept


@contextmanager
def _alone(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Return a connection that locks everybody out, with the write-ahead log folded into the file; None for no file.

    A file that SQLite cannot read has no locks: nobody can work with it either.
    """
    if not path.exists():
        yield None
        return
    with closing(opened(path, _ALONE_TIMEOUT_S)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # the lock stays until the connection is closed
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise StoreError(_not_alone(path, error)) from None
        except sqlite3.DatabaseError:
            pass
        yield connection


def _not_alone(path: Path, error: sqlite3.OperationalError) -> str:
    if "locked" in str(error):
        return (
            f"{path} is open in another program and was not replaced. "
            "Stop the agents, close the programs that use it, and try again."
        )
    return f"{path} cannot be locked and was not replaced: {error}. Check its permissions."


def _opened_quietly(backup: Path) -> sqlite3.Connection:
    """Open a backup so that nothing is written next to it; one that was copied with its log is read with it."""
    has_log = any(Path(f"{backup}{suffix}").exists() for suffix in ("-wal", "-journal"))
    mode = "mode=ro" if has_log else "mode=ro&immutable=1"
    return sqlite3.connect(f"{backup.resolve().as_uri()}?{mode}", uri=True, isolation_level=None)


def _check_schema(connection: sqlite3.Connection, backup: Path) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "asp_schema" not in tables:
        raise StoreError(f"{backup} is not a backup of a store: it has no table asp_schema. Name another file.")
    version = connection.execute("SELECT max(version) FROM asp_schema").fetchone()[0]
    if version > SCHEMA_VERSION:  # an older one is upgraded when it is next written
        raise StoreError(
            f"{backup} has schema version {version}; this workbench restores version {SCHEMA_VERSION} or older. "
            "Use the workbench that wrote it, or a newer one."
        )


def _begin_anew(part: Path) -> None:
    """Make the copy ready to be the store: its journal mode, as a reader may come before the first writer, and counters
    of changes that no snapshot of the former store knows."""
    with closing(opened(part)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'asp_changes'"
        if connection.execute(query).fetchone()[0]:
            connection.execute("UPDATE asp_changes SET changes = changes + ?", (1 + secrets.randbelow(2**40),))


@contextmanager
def _read_errors(backup: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"The backup {backup} cannot be read: {error}. Name another file.") from None
