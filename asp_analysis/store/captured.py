"""Writes what a running agent reports: short transactions, and the file is held only while one of them lasts.

The connection is opened and closed with each batch, so that a session of the same process can read in between; the wait
for a busy file is the caller's to choose, because an agent must not stand still for half a minute.
"""

import hashlib
import sqlite3
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from asp_analysis import occupancy
from asp_analysis.batch import Batch, Reject
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.records import json_text
from asp_analysis.store.database import SCHEMA_VERSION, Store, now
from asp_analysis.store.loading import storable
from asp_analysis.store.upsert import BatchWriter

_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON")


class RecordRefused(StoreError):
    """The store's own rules refuse a record of the batch; nothing of the batch was written."""


@dataclass
class CaptureLog:
    """One row of `load_log` that grows with each batch: its source, and the fingerprint of the lines so far."""

    file: str
    loaded_as: str
    load_id: int | None = None
    size_bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class CapturedStore:
    """A SQLite store that takes batches of captured records, each in one transaction of its own."""

    def __init__(self, url: StoreUrl) -> None:
        """Prepare; nothing is opened before the first batch.

        Raises:
            StoreError: the store is no SQLite file.
        """
        if url.path is None:
            raise StoreError(
                f"A SQLite store is needed to capture, {url.shown} is none. Set DATABASE_URL=sqlite:///..."
            )
        self.url, self.path = url, url.path
        self._patience_s, self._is_checked = 0.0, False
        engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        self._store = Store(url, engine)

    def write(self, log: CaptureLog, batch: Batch, *, patience_s: float) -> list[Reject]:
        """Write one batch, wait at most `patience_s` for a busy file, and give the records that were rejected.

        Raises:
            RecordRefused: a record breaks a constraint that its model does not know.
            StoreError: the store is busy, missing or unwritable, or read by a session of this process.
        """
        self._patience_s = patience_s
        with occupancy.held(self.path, "writer", is_brief=True):
            try:
                with self._store.transaction() as connection:
                    self._check_schema(connection)
                    outcome = BatchWriter(connection).write(batch)
                    rejects = [*batch.rejects, *outcome.rejects]
                    grown = _grown(log, batch)
                    grown.load_id = _logged(connection, grown, batch, outcome)
                    _keep(connection, grown.load_id, log.file, rejects)
            except IntegrityError as error:
                raise RecordRefused(
                    f"Records that the store accepts are needed, it gave: {error.orig}. Mend the record."
                ) from None
            except sqlite3.Error as error:  # raised while connecting, before SQLAlchemy translates
                raise StoreError(f"The store {self.path} is needed for writing, it gave: {error}. Check it.") from None
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

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a store that is not there is an error here, never a new and empty file.
        address = f"file:{quote(str(self.path))}?mode=rw"
        connection = sqlite3.connect(
            address, uri=True, timeout=self._patience_s, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_schema(self, connection: Connection) -> None:
        if self._is_checked:
            return
        version = connection.exec_driver_sql("SELECT max(version) FROM asp_schema").scalar()
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"A store with schema version {SCHEMA_VERSION} is needed, {self.path} has version {version}. "
                "Use the workbench that wrote it, or a newer one."
            )
        self._is_checked = True


def _grown(log: CaptureLog, batch: Batch) -> CaptureLog:
    """Give the log as it is once the batch is committed; the log itself stays as it is until then."""
    lines = [batch.raw_text(record) for record in range(len(batch.line_numbers))]
    raw = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="backslashreplace")
    digest = log.digest.copy()
    digest.update(raw)
    return CaptureLog(log.file, log.loaded_as, log.load_id, log.size_bytes + len(raw), digest)


def _logged(connection: Connection, log: CaptureLog, batch: Batch, outcome: Any) -> int:
    """Add the batch's counts to its row in `load_log`, which is made where there is none (any more)."""
    rejected = len(batch.rejects) + len(outcome.rejects)
    counts = (batch.record_count, outcome.written, outcome.updated, outcome.present, rejected, outcome.tasks_stubbed)
    finger = (log.digest.hexdigest(), log.size_bytes)
    if log.load_id is not None:
        row = connection.exec_driver_sql(
            "UPDATE load_log SET sha256 = ?, size_bytes = ?, finished_at = ?, read_count = read_count + ?, "
            "written = written + ?, updated = updated + ?, present = present + ?, rejected = rejected + ?, "
            "tasks_stubbed = tasks_stubbed + ? WHERE load_id = ? AND file = ? RETURNING load_id",
            (*finger, now(), *counts, log.load_id, log.file),
        ).scalar()
        if row is not None:
            return int(row)
    started = now()
    row = connection.exec_driver_sql(
        "INSERT INTO load_log (file, loaded_as, format, options_json, started_at, finished_at, sha256, size_bytes, "
        "read_count, written, updated, present, rejected, tasks_stubbed) "
        "VALUES (?, ?, 'jsonl', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING load_id",
        (log.file, log.loaded_as, json_text({"captured": True}), started, started, *finger, *counts),
    )
    return int(row.scalar_one())


def _keep(connection: Connection, load_id: int, file: str, rejects: list[Reject]) -> None:
    for reject in rejects:
        text = storable(reject.raw_text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        reasons = json_text([*map(storable, reject.reasons)])
        connection.exec_driver_sql(
            "INSERT INTO load_reject (load_id, file, line_number, reasons_json, raw_text, raw_sha256) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (load_id, file, reject.line_number, reasons, text, digest),
        )
