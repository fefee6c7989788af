"""Writes what a running agent reports: short transactions, and the store is held only while one of them lasts.

The connection is opened and closed with each batch, so that a session of the same process can read a file in between;
the caller chooses how long to wait for a busy store, because an agent must not stop for half a minute.
"""

import hashlib
import sqlite3
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError

from asp_analysis import occupancy
from asp_analysis.batch import Batch, Reject
from asp_analysis.config import StoreUrl, require_writable
from asp_analysis.errors import ConfigError, StoreError
from asp_analysis.store import sqlite
from asp_analysis.store.database import Store, check_schema
from asp_analysis.store.loads import add_to_log, begin_log, is_logged
from asp_analysis.store.log import LoadedFile, LoadResult
from asp_analysis.store.rejects import keep_rejects
from asp_analysis.store.statements import execute
from asp_analysis.store.upsert import BatchWriter, Outcome


class RecordRefused(StoreError):
    """The store's own rules refuse a record of the batch; nothing of the batch was written."""


@dataclass(kw_only=True)
class CaptureLog:
    """One row of `load_log` that grows with each batch: its source, and the fingerprint of the lines so far."""

    file: str
    loaded_as: str
    format: str = "jsonl"
    options: dict[str, Any] = field(default_factory=lambda: {"captured": True})
    load_id: int | None = None
    size_bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class CapturedStore:
    """A store that takes batches of captured records, each in one transaction of its own."""

    def __init__(self, url: StoreUrl) -> None:
        """Prepare; nothing is opened before the first batch."""
        self.url = url
        self._patience_s, self._is_checked = 0.0, False
        self._store = Store(url, self._engine())

    @property
    def is_missing(self) -> bool:
        """True where no file can be seen; whether there is a server is known only by asking it."""
        try:
            return self.url.is_missing()
        except ConfigError:
            return True

    def write(self, log: CaptureLog, batch: Batch, *, patience_s: float) -> list[Reject]:
        """Write one batch, wait at most `patience_s` for a busy store, and return the records that were rejected.

        Raises:
            RecordRefused: a record breaks a constraint that its model does not know.
            StoreError: the store is busy, missing or unwritable, or read by a session of this process.
        """
        self._patience_s = patience_s
        if self.is_missing:
            raise StoreError(f"The store {self.url.spill_path} does not exist. Create it with: asp-analysis init")
        try:
            with self._held():
                self._check_schema()
                with self._store.transaction() as connection:
                    grown, rejects = _accepted(connection, log, batch)
        except sqlite3.Error as error:  # raised while connecting, before SQLAlchemy translates
            raise StoreError(f"Cannot write to the store {self.url.spill_path}: {error}. Check the file.") from None
        log.load_id, log.size_bytes, log.digest = grown.load_id, grown.size_bytes, grown.digest
        return rejects

    def refuse(self, log: CaptureLog, batch: Batch, reason: str, *, patience_s: float) -> list[Reject]:
        """Keep the records of a batch as rejects, with a reason that only the store could find.

        Raises:
            StoreError: as `write`.
        """
        rejects = [
            Reject(number, (reason,), batch.raw_text(record)) for record, number in enumerate(batch.line_numbers)
        ]
        kept = replace(batch, rows=[], record_of_row=[], rejects=[*batch.rejects, *rejects])
        return self.write(log, kept, patience_s=patience_s)

    def _engine(self) -> Engine:
        require_writable(self.url)
        if self.url.path is not None:
            return sqlite.make_brief_engine(self.url.path, lambda: self._patience_s)
        from asp_analysis.store import postgres  # a store in a file must not wait for the driver of a server

        return postgres.make_engine(self.url, lambda: self._patience_s)

    def _held(self) -> AbstractContextManager[None]:
        if self.url.path is None:
            return nullcontext()
        return occupancy.held(self.url.path, "writer", is_brief=True)

    def _check_schema(self) -> None:
        if not self._is_checked:
            check_schema(self._store)
            self._is_checked = True


def _accepted(connection: Connection, log: CaptureLog, batch: Batch) -> tuple[CaptureLog, list[Reject]]:
    try:
        return _written(connection, log, batch)
    except (IntegrityError, DataError) as error:
        raise RecordRefused(f"The store does not accept the record: {error.orig}. Correct it.") from None


def _written(connection: Connection, log: CaptureLog, batch: Batch) -> tuple[CaptureLog, list[Reject]]:
    """Write a batch and count it in its row of `load_log`; the log itself stays as it is until the commit."""
    grown = _grown(log, batch)
    if grown.load_id is None or not is_logged(connection, grown.load_id, log.file):
        source = LoadedFile(
            file=log.file,
            sha256="",
            size_bytes=0,
            format=log.format,
            loaded_as=log.loaded_as,
            options=log.options,
        )
        grown.load_id = begin_log(connection, source)
    writer = BatchWriter(connection, grown.load_id)
    outcome = writer.write(batch)
    writer.finish()
    rejects = [*batch.rejects, *outcome.rejects]
    add_to_log(connection, grown.load_id, _result(log, batch, outcome))
    execute(
        connection,
        "UPDATE load_log SET sha256 = ?, size_bytes = ? WHERE load_id = ?",
        (grown.digest.hexdigest(), grown.size_bytes, grown.load_id),
    )
    keep_rejects(connection, grown.load_id, log.file, rejects)
    return grown, rejects


def _result(log: CaptureLog, batch: Batch, outcome: Outcome) -> LoadResult:
    return LoadResult(
        file=log.file,
        loaded_as=log.loaded_as,
        read=batch.record_count,
        written=outcome.written,
        updated=outcome.updated,
        present=outcome.present,
        rejected=len(batch.rejects) + len(outcome.rejects),
        tasks_stubbed=outcome.tasks_stubbed,
    )


def _grown(log: CaptureLog, batch: Batch) -> CaptureLog:
    """Return the log with the lines of a batch."""
    lines = [batch.raw_text(record) for record in range(len(batch.line_numbers))]
    raw = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="backslashreplace")
    digest = log.digest.copy()
    digest.update(raw)
    return replace(log, size_bytes=log.size_bytes + len(raw), digest=digest)
