"""Three ways to read a store, with the same views: a copy in memory (small), a snapshot on disk (large), or live.

A fourth, `lake_reader`, reads what was built of many stores.

Each shows the store as it is at the moment: `renewed` returns the reader to use for the next query. The session locks
the connection of a new reader before it runs a query.
"""

import logging
import time
from typing import Protocol

import duckdb

from asp_analysis.config import StoreUrl
from asp_analysis.session.attaching import attached, unreadable
from asp_analysis.session.catalog import create_views
from asp_analysis.session.freshness import fingerprint, is_same, state_of
from asp_analysis.session.lake_reader import LakeReader
from asp_analysis.session.read_only import is_on_read_only
from asp_analysis.session.snapshot import Pointer, Snapshots

log = logging.getLogger("asp_analysis.session")

COPIED_ROWS = 20_000
"""Executions up to which a store is copied into memory: about a tenth of a second."""


class Reader(Protocol):
    """What a session reads through."""

    connection: duckdb.DuckDBPyConnection

    def renewed(self) -> "Reader":
        """Return a reader that shows the store as it is now; this one where nothing changed."""

    def shown(self) -> str:
        """Say in a few words what is read."""


def open_reader(url: StoreUrl, *, is_live: bool) -> Reader:
    """Choose how to read a store: directly with `is_live`, else from a copy that suits its size.

    Raises:
        StoreError: the store cannot be read.
    """
    if url.is_lake:
        return LakeReader(url)
    if not is_live and (reader := _present_snapshot(url)):
        return reader
    if not is_live and Snapshots(url).is_kept():
        return _renewed_snapshot(url)
    connection = attached(url)
    try:
        if is_live:
            return _Live(connection)
        if _count_executions(connection) <= COPIED_ROWS:
            return _InMemory(url, connection)
        if url.path is not None and is_on_read_only(url.path):
            return _Live(connection)  # a snapshot would have no place
        if not url.is_sqlite and state_of(connection, url, is_quick=True) is None:
            return _Live(connection)  # nothing shows whether a copy of it is still true
    except duckdb.Error as error:
        connection.close()
        raise unreadable(url, error) from None
    connection.close()
    return _renewed_snapshot(url)


class _Live:
    """The attached store itself."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        create_views(connection, is_copied=False)

    def renewed(self) -> Reader:
        return self

    def shown(self) -> str:
        return "live"


class _InMemory:
    """A small store: the views that others read are tables in memory, made again when the store has changed."""

    def __init__(self, url: StoreUrl, connection: duckdb.DuckDBPyConnection) -> None:
        self._url, self.connection = url, connection
        self._copy()

    def renewed(self) -> Reader:
        if self._is_current():
            return self
        is_attached_copy = self._url.path is not None and is_on_read_only(self._url.path)
        if is_attached_copy or _count_executions(self.connection) > COPIED_ROWS:
            self.connection.close()
            return open_reader(self._url, is_live=False)
        self._copy()
        return self

    def shown(self) -> str:
        return "from memory"

    def _copy(self) -> None:
        # What is known of the store is read before its rows: a change between the two is found by the next look.
        self._seen = fingerprint(self._url.path)
        self._state = None if self._url.is_sqlite else state_of(self.connection, self._url)
        create_views(self.connection, is_copied=True)

    def _is_current(self) -> bool:
        if not self._url.is_sqlite:
            return is_same(state_of(self.connection, self._url), self._state)
        return self._seen is not None and fingerprint(self._url.path) == self._seen


class _Snapshot:
    """A large store: a copy on disk. Of a store on a server a second connection looks whether it has changed."""

    def __init__(self, url: StoreUrl, pointer: Pointer, server: duckdb.DuckDBPyConnection | None = None) -> None:
        self._url, self._pointer, self._server = url, pointer, server
        self.connection = Snapshots(url).open(pointer)

    def renewed(self) -> Reader:
        if self._is_current():
            return self
        self.connection.close()
        if self._server is not None:
            self._server.close()
        return open_reader(self._url, is_live=False)

    def shown(self) -> str:
        age_s = max(0, round(time.time() - self._pointer.taken_at))
        return f"from a snapshot of the present state, taken {age_s} s ago"

    def _is_current(self) -> bool:
        if self._server is not None:
            return is_same(state_of(self._server, self._url, is_quick=True), self._pointer.state)
        return self._pointer.fingerprint is not None and fingerprint(self._url.path) == self._pointer.fingerprint


def _present_snapshot(url: StoreUrl) -> Reader | None:
    """Open the snapshot of a file that has not changed since; the store itself is not opened."""
    pointer = Snapshots(url).current()
    try:
        return None if pointer is None else _Snapshot(url, pointer)
    except duckdb.Error as error:
        log.info("The snapshot cannot be read (%s); it is made again.", error)
        return None


def _renewed_snapshot(url: StoreUrl) -> Reader:
    """Bring the snapshot up to date and open it; read live where none can be written."""
    snapshots = Snapshots(url)
    for _ in range(2):
        pointer = None
        try:
            pointer = snapshots.renewed()
            return _Snapshot(url, pointer, None if url.is_sqlite else attached(url))
        except (OSError, duckdb.Error) as error:
            reason = " ".join(str(error).split())
            if pointer is not None:  # it was replaced or damaged meanwhile
                snapshots.discard(pointer)
    log.warning("No snapshot can be kept in %s (%s); the store is read live.", url.data_dir / "cache", reason)
    return open_reader(url, is_live=True)


def _count_executions(connection: duckdb.DuckDBPyConnection) -> int:
    """Count the executions, at most one more than are copied."""
    query = f"SELECT count(*) FROM (SELECT 1 FROM raw.agent_cost_vector LIMIT {COPIED_ROWS + 1})"
    return int(connection.execute(query).fetchall()[0][0])
