"""Backups of a SQLite store: copied while others write, verified, and only then renamed.

SQLite's own backup reads one state of the store, however long it takes and whoever writes meanwhile. The copy is
written under a temporary name: what has the name of a backup is whole, whenever the process was killed.
"""

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asp_analysis import occupancy
from asp_analysis.config import StoreUrl, require_writable
from asp_analysis.errors import StoreError
from asp_analysis.progress import Step, tell

SIDECARS = ("-wal", "-shm", "-journal")
BUSY_TIMEOUT_S = 30.0
_STEP_PAGES = 4_096
"""Pages that a backup copies between two looks at how far it is: 16 MB."""

_STAMP = "%Y%m%dT%H%M%S%fZ"
_LEFTOVER_S = 3_600
"""Age from which on a temporary file was left by a process that was killed: a backup of 1 GB takes seconds."""


@dataclass(frozen=True)
class Backup:
    """A backup: its file, when it was made (UTC), its size."""

    path: Path
    made_at: datetime
    size_bytes: int


@dataclass(frozen=True)
class BackedUp:
    """What `back_up` did: the backup, the rows of each table in it, and the older backups that it removed."""

    backup: Backup
    rows: dict[str, int]
    removed: tuple[Path, ...]


def back_up(url: StoreUrl, keep: int | None = None) -> BackedUp:
    """Copy the store to `backups/` next to it and verify the copy; `keep` removes the oldest backups beyond that many.

    The copy passes `PRAGMA integrity_check` and has the rows that each table had in the state that was copied. Only
    files that an earlier call named are removed, never the copies that `reset` and `restore` made.

    Raises:
        StoreError: there is no store, it is a server, it is damaged, or the copy cannot be written.
    """
    path = sqlite_file(url)
    target = _target(path, "")
    with (
        _said(path),
        occupancy.held(path, "writer"),
        closing(opened(path)) as source,
        finished_file(target, like=path) as part,
    ):
        rows = copy_verified(source, part)
        if not rows:
            raise StoreError(f"The file {path} has no tables. Check that it is the right file.")
    backup = _described(target)
    return BackedUp(backup, rows, _removed(url, backup, keep))


def back_up_file(url: StoreUrl, before: str = "reset") -> Path:
    """Keep the present file before it is replaced; a damaged file is copied as it is. Such copies are never removed.

    Raises:
        StoreError: the copy cannot be written; nothing was changed.
    """
    path = sqlite_file(url)
    with occupancy.held(path, "writer"), closing(opened(path)) as source:
        return keep_copy(path, source, before)


def keep_copy(path: Path, source: sqlite3.Connection, before: str) -> Path:
    """Copy the store that `source` has open; a file that SQLite cannot read is copied byte by byte.

    Raises:
        StoreError: the copy cannot be written; nothing was changed.
    """
    target = _target(path, f"before-{before}-")
    try:
        with finished_file(target, like=path) as part:
            try:
                _copy(source, part)
            except sqlite3.DatabaseError:
                shutil.copyfile(path, part)
                log = Path(f"{path}-wal")
                if log.exists() and log.stat().st_size:
                    shutil.copyfile(log, f"{target}-wal")
    except OSError as error:
        raise StoreError(f"The backup {target} cannot be written: {error.strerror}. {path} was not changed.") from None
    return target


def list_backups(url: StoreUrl) -> list[Backup]:
    """List the backups that `back_up` made of this store, the newest first; empty for a server."""
    if url.path is None:
        return []
    path = url.path.resolve()
    name = re.compile(rf"{re.escape(path.stem)}-\d{{8}}T\d{{12}}Z{re.escape(path.suffix)}")
    folder = path.parent / "backups"
    found = folder.iterdir() if folder.is_dir() else ()
    own = [file for file in found if name.fullmatch(file.name) and file.is_file() and not file.is_symlink()]
    return sorted(map(_described, own), key=lambda backup: backup.path.name, reverse=True)


def sqlite_file(url: StoreUrl) -> Path:
    """Return the file of the store, with symbolic links resolved.

    Raises:
        StoreError: there is none, or the store is a server; the message names the command that does the same there.
    """
    require_writable(url)
    if url.path is None:
        raise StoreError(
            f"{url.shown} is a PostgreSQL server, and asp-analysis backup copies SQLite files. "
            f"Use: pg_dump --format=custom --file=asp.dump --dbname={url.shown}"
        )
    if url.is_missing() or not url.path.is_file():
        raise StoreError(f"The store {url.path} does not exist. Create it with: asp-analysis init")
    return url.path.resolve()


def opened(path: Path, timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """Open an existing SQLite file; transactions are begun by hand."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=timeout_s, isolation_level=None)


def copy_verified(source: sqlite3.Connection, part: Path) -> dict[str, int]:
    """Copy one state of a store into `part` and return the rows of each of its tables.

    Raises:
        StoreError: the copy fails its check or lacks rows: the store is damaged, or the disk.
        sqlite3.Error: the source cannot be read or the copy cannot be written.
    """
    source.execute("BEGIN")  # the first read fixes the state, and the copy is made of the same one
    try:
        wanted = _row_counts(source)
        _copy(source, part, pages=_STEP_PAGES)
    finally:
        if source.in_transaction:
            source.execute("ROLLBACK")
    tell(Step(part="checking the copy"))
    with closing(opened(part)) as copy:
        found = check_sound(copy)
    if found != wanted:
        lost = next(table for table in wanted if found.get(table) != wanted[table])
        raise StoreError(f"The copy has {found.get(lost)} instead of {wanted[lost]} rows of {lost}. Check the disk.")
    return found


def check_sound(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the rows of each table of a database that passes SQLite's integrity check.

    Raises:
        StoreError: it does not pass; the message holds the first finding.
    """
    findings = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if findings != "ok":
        said = " ".join(findings.split())
        raise StoreError(f"The file is damaged, its integrity check says: {said}. Restore an older backup.")
    return _row_counts(connection)


@contextmanager
def finished_file(target: Path, like: Path | None = None) -> Iterator[Path]:
    """Return a temporary file in the folder of `target` that takes its name when the block has ended well.

    It gets the user's umask; where the file `like` is its owner's alone, so is this one.
    """
    is_private = like is not None and like.exists() and not like.stat().st_mode & 0o077
    target.parent.mkdir(mode=0o700 if is_private else 0o777, parents=True, exist_ok=True)
    _remove_leftovers(target)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if is_private else 0o666))
    try:
        yield part
        _flush(part)
        part.replace(target)
        _flush(target.parent)
    finally:
        for name in (part, *(Path(f"{part}{suffix}") for suffix in SIDECARS)):
            name.unlink(missing_ok=True)


# --- the copy ---------------------------------------------------------------------------------------------------------


def _copy(source: sqlite3.Connection, part: Path, pages: int = -1) -> None:
    """Copy all pages; the copy is one file without sidecars, which a read-only folder can hold too.

    In several steps, of `pages`, only within a transaction of the source: else a writer begins the copy again.
    """

    def tell_pages(_: int, left: int, total: int) -> None:
        tell(Step(part="copying", done=total - left, total=total, unit="pages"))

    with closing(opened(part)) as copy:
        source.backup(copy, pages=pages, progress=tell_pages)
        copy.execute("PRAGMA journal_mode = DELETE")


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    tables = [row[0] for row in connection.execute(query).fetchall()]
    quoted = {table: '"' + table.replace('"', '""') + '"' for table in tables}
    return {table: connection.execute(f"SELECT count(*) FROM {quoted[table]}").fetchone()[0] for table in tables}


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        is_locked = "locked" in str(error)
        remedy = "Wait until the other program has finished" if is_locked else "Check the file and the disk"
        raise StoreError(f"No backup of {path} was made: {error}. {remedy}.") from None
    except OSError as error:
        raise StoreError(
            f"No backup of {path} was made: {error.filename}: {error.strerror}. Check the folder and the disk."
        ) from None


# --- names and files --------------------------------------------------------------------------------------------------


def _target(path: Path, label: str) -> Path:
    return path.parent / "backups" / f"{path.stem}-{label}{datetime.now(UTC):{_STAMP}}{path.suffix}"


def _described(path: Path) -> Backup:
    stamp = path.stem.rpartition("-")[2]
    try:
        made_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:  # digits that are no date: named by somebody else
        made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Backup(path, made_at, path.stat().st_size)


def _removed(url: StoreUrl, newest: Backup, keep: int | None) -> tuple[Path, ...]:
    if keep is None:
        return ()
    older = [backup.path for backup in list_backups(url) if backup.path != newest.path]
    for path in (removed := older[max(0, keep - 1) :]):
        path.unlink(missing_ok=True)
    return tuple(removed)


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary files that killed processes left on the way to this name, or to one of another time."""
    kind = re.sub(r"\d{8}T\d{12}Z.*", "", target.name)
    name = re.compile(rf"\.{re.escape(kind)}.*\.\d+\.part({'|'.join(SIDECARS)})?")
    for part in target.parent.iterdir():
        with suppress(OSError):
            if name.fullmatch(part.name) and time.time() - part.stat().st_mtime > _LEFTOVER_S:
                part.unlink()


def _flush(path: Path) -> None:
    """Bring a file or a folder to the disk: a name must not outlive a power cut that its content did not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
