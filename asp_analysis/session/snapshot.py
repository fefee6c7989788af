"""A typed columnar copy of a large store under `data/cache/`: taken in one consistent read, renewed when it grows.

A small JSON file, the pointer, names the present copy, the state of the store that it holds and the views that made it.
Copies are never changed once the pointer names them: a renewed one is a new file, and the pointer is replaced in one
step. Whoever builds holds a lock that the system drops with the process, so two sessions never build at once, and what
an interrupted build left is cleared by the next.
"""

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

import duckdb

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.executions import EXECUTIONS
from asp_analysis.privacy import as_private_as, make_folder
from asp_analysis.session.attaching import attached, bare, bound, show_since
from asp_analysis.session.catalog import marts, staging_views
from asp_analysis.session.copies import NAME, TABLE_OF, grow, row_count
from asp_analysis.session.freshness import (
    NUMBERED,
    State,
    fingerprint,
    has_changed,
    has_only_grown,
    is_same,
    state_of,
)
from asp_analysis.session.running import run_interruptible

LONGEST_WAIT_S = 60
"""Seconds that a reader waits for another process to build the copy; then it reads the store itself."""

_LOOK_AGAIN_S = 0.05
_ROW_GROUP = 30_720
"""Rows that are written together: a quarter of the usual number, because a growing copy rewrites its last group."""


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """Which file holds the present copy, and of what: the store's state and file, and the views' fingerprint."""

    file: str
    made_of: str
    taken_at: float
    state: State | None
    fingerprint: list[Any] | None


class Snapshots:
    """The copies of one store."""

    def __init__(self, url: StoreUrl) -> None:
        self._url = url
        self._folder = url.data_dir / "cache"
        self._name = url.local_name

    def current(self) -> Pointer | None:
        """Return the copy that is as new as the store's file, without opening the store; None where none is known."""
        pointer = self._pointer()
        found = fingerprint(self._url.path)
        return pointer if pointer is not None and found is not None and pointer.fingerprint == found else None

    def renewed(self) -> Pointer:
        """Return a copy of the store as it is now: the present one if nothing changed, else one that was made again.

        Raises:
            StoreError: the store cannot be read.
            OSError, duckdb.Error: the copy cannot be written.
        """
        with self._building(), attached(self._url) as connection:
            return run_interruptible(connection, lambda: self._renewed(connection))

    def _renewed(self, connection: duckdb.DuckDBPyConnection) -> Pointer:
        pointer, seen = self._pointer(), fingerprint(self._url.path, is_settled=False)
        if pointer is not None and pointer.state is not None:
            state = state_of(connection, self._url, is_quick=True)
            is_touched = self._url.is_sqlite and seen != pointer.fingerprint
            if is_same(state, pointer.state) and is_same(state_of(connection, self._url), pointer.state):
                # A file that changed while no counter moved: somebody replaced rows, or took the triggers away.
                return self._point(self._taken(connection, seen) if is_touched else pointer)
            since = {
                table: pointer.state[f"{table} last"] - (table == EXECUTIONS)
                for table in NUMBERED["sqlite"]
                if has_only_grown(table, pointer.state, state)
                and not has_changed(sql.ALIASES, pointer.state, state)  # else rows that did not change look different
            }
            if EXECUTIONS in since and (grown := self._grown(connection, pointer, seen, since)):
                return self._point(grown)
        return self._point(self._taken(connection, seen))

    def is_kept(self) -> bool:
        """Return whether there is a copy, new or old: the store was large once."""
        return self._pointer() is not None

    def open(self, pointer: Pointer) -> duckdb.DuckDBPyConnection:
        """Open a copy for reading.

        Raises:
            duckdb.Error: the file is not there any more, or damaged.
        """
        connection = bare()
        bound(connection, self._url)
        try:
            connection.execute(f"ATTACH {sql.quoted(str(self._folder / pointer.file))} AS {NAME} (READ_ONLY)")
            connection.execute(f"USE {NAME}")
        except duckdb.Error:
            connection.close()
            raise
        return connection

    def discard(self, pointer: Pointer) -> None:
        """Throw a copy away that cannot be read."""
        with suppress(OSError):
            (self._folder / pointer.file).unlink(missing_ok=True)
            self._pointer_file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove every copy: what was removed from the store must not be read here."""
        with suppress(OSError):
            self._pointer_file.unlink(missing_ok=True)
            for path in self._folder.glob(f"{self._name}-*.duckdb*"):
                path.unlink(missing_ok=True)

    # --- building ---

    def _taken(self, connection: duckdb.DuckDBPyConnection, seen: list[Any] | None) -> Pointer:
        """Copy the whole store."""
        file = self._new_file()
        taken_at = time.time()
        with _written(connection, self._folder / file):
            state = state_of(connection, self._url)
            for name in staging_views():
                connection.execute(f"CREATE TABLE {NAME}.{name} AS {sql.view_text('staging', name)}")
            connection.execute(f"USE {NAME}")
            for name in marts():
                connection.execute(f"CREATE VIEW {NAME}.{name} AS {sql.view_text('marts', name)}")
        return Pointer(file=file, made_of=_made_of(), taken_at=taken_at, state=state, fingerprint=seen)

    def _grown(
        self, connection: duckdb.DuckDBPyConnection, pointer: Pointer, seen: list[Any] | None, since: dict[str, int]
    ) -> Pointer | None:
        """Copy the present copy and bring what is new into it; None where the numbers then do not agree.

        since: tables that have only grown -> the last row of theirs that the copy has; the others are read whole.
        """
        file, taken_at, known = self._new_file(), time.time(), pointer.state or {}
        show_since(connection, self._url, since)
        with _written(connection, self._folder / file, self._folder / pointer.file):
            state = state_of(connection, self._url) or {}
            grow(connection, [name for name in TABLE_OF.values() if state.get(name) != known.get(name)], since)
            is_whole = all(
                has_only_grown(table, known, state) and row_count(connection, name) == state[f"{table} rows"]
                for name, table in TABLE_OF.items()
                if table in since
            )
        if is_whole:
            return Pointer(file=file, made_of=_made_of(), taken_at=taken_at, state=state, fingerprint=seen)
        show_since(connection, self._url, dict.fromkeys(since))
        return None

    @contextmanager
    def _building(self) -> Iterator[None]:
        make_folder(self._folder, self._url)
        with as_private_as(self._url), (self._folder / f"{self._name}.lock").open("w") as lock:
            _take_lock(lock)
            yield

    def _point(self, pointer: Pointer) -> Pointer:
        """Let the pointer name a copy, and remove the others: nobody else is building."""
        if pointer != self._pointer():
            new = self._pointer_file.with_suffix(".json.new")
            new.write_text(json.dumps(asdict(pointer)), encoding="utf-8")
            new.replace(self._pointer_file)
        for path in self._folder.glob(f"{self._name}-*.duckdb*"):
            if not path.name.startswith(pointer.file):
                path.unlink(missing_ok=True)  # a session that has it open keeps it until it closes
        return pointer

    def _pointer(self) -> Pointer | None:
        try:
            pointer = Pointer(**json.loads(self._pointer_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        is_usable = pointer.made_of == _made_of() and (self._folder / pointer.file).is_file()
        return pointer if is_usable else None

    @property
    def _pointer_file(self) -> Path:
        return self._folder / f"{self._name}.json"

    def _new_file(self) -> str:
        return f"{self._name}-{uuid4().hex[:12]}.duckdb"


def _take_lock(lock: TextIO) -> None:
    """Wait for another builder, for a bounded time: one that was suspended must not stop every reader.

    Raises:
        OSError: it did not end in time.
    """
    deadline = time.monotonic() + LONGEST_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has been building one for more than {LONGEST_WAIT_S} s") from None
            time.sleep(_LOOK_AGAIN_S)


@contextmanager
def _written(connection: duckdb.DuckDBPyConnection, path: Path, former: Path | None = None) -> Iterator[None]:
    """Write a copy, or go on from a former one, in one transaction, which also reads the store in one.

    Nothing of it is left where that fails: what a full disk stopped must not take up the rest of it.
    """
    try:
        if former is not None:
            shutil.copyfile(former, path)
        # The commit writes the file itself; by default it first writes a log of all that is new.
        connection.execute("SET checkpoint_threshold = '1KB'")
        connection.execute(f"ATTACH {sql.quoted(str(path))} AS {NAME} (ROW_GROUP_SIZE {_ROW_GROUP})")
        connection.begin()
        yield
        connection.commit()
        connection.execute("USE memory")
        connection.execute(f"DETACH {NAME}")
    except BaseException:
        connection.close()
        for left in (path, Path(f"{path}.wal")):
            left.unlink(missing_ok=True)
        raise


def _made_of() -> str:
    """Return the fingerprint of what makes a copy: all views, and the version of DuckDB."""
    views = [*(("staging", name) for name in staging_views()), *(("marts", name) for name in marts())]
    texts = [sql.view_text(layer, name) for layer, name in views]
    return hashlib.sha256("\n".join([duckdb.__version__, *texts]).encode()).hexdigest()[:16]
