"""From the spill files of receivers into the store: what is whole is stored, what is not goes on waiting on the disk.

Files are taken when their receiver has let go of them. What still waits of them is written to one file, which also
names the files that it replaces, and which comes into its place in one step; only then they go. So a kill at any moment
leaves either all of them or what waits, never a part of a trace: what was stored already is found present.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asp_analysis.call_prices import make_pricer
from asp_analysis.capture.spill import RECEIVED, Spill, taken
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.importers.format import TRANSCRIPT
from asp_analysis.importers.formats.otlp import SOURCE, count_points, take_documents
from asp_analysis.importers.json_lines import Line
from asp_analysis.importers.transcripts.call_batches import TranscriptRun
from asp_analysis.importers.transcripts.calls import Transcript
from asp_analysis.load_options import LoadOptions
from asp_analysis.receiving.pending import Patience, PendingTraces, Received, Request, Settled
from asp_analysis.receiving.received_spill import secure_folder, waiting_path
from asp_analysis.store.captured import CapturedStore, CaptureLog, RecordRefused
from asp_analysis.unchanged import transcript_options

log = logging.getLogger("asp_analysis.receiving")

_MOST_REQUEST_IDS = 500_000
_FILES_AT_ONCE = 4
_PATIENCE_S = 2.0


@dataclass(kw_only=True)
class SettleCounts:
    """What became of what was received, since this process began; points are those of metrics."""

    requests: int = 0
    records: int = 0
    written: int = 0
    present: int = 0
    rejected: int = 0
    points: int = 0
    waiting: int = 0
    failure: str = ""


@contextmanager
def only_settler(url: StoreUrl) -> Iterator[bool]:
    """Hold the right to settle for the length of a block; False where another process has it."""
    path = url.spill_path.with_name(f"{url.spill_path.name}.received.lock")
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


class Settler:
    """Brings what receivers kept to the store; make it only within `only_settler`."""

    def __init__(self, url: StoreUrl, options: LoadOptions | None = None) -> None:
        """Read what waited when the last one ended."""
        options = options or LoadOptions()
        self._reading = options.reading
        logged = transcript_options(options.reading, options.prices)
        self._run = TranscriptRun(options.reading, make_pricer(options), {**logged, "received": True})
        self._store, self._spill = CapturedStore(url), Spill(url.spill_path, (RECEIVED,))
        self._waiting_file = _WaitingFile(waiting_path(url.spill_path))
        self._logs: dict[str, CaptureLog] = {}
        self._request_ids: set[str] = set()  # a request may be an event now, and a span when its trace is whole
        self._pending = PendingTraces()
        self._read: list[Path] = []
        self._records_read = self._records_kept = 0
        self.has_more = False
        self.counts = SettleCounts()
        for item in self._waiting_file.open(self._spill.waiting):
            self._pending.add(item.document, Request(item.source, item.number, time.monotonic()))
            self._records_kept += 1
        self.counts.records = self._pending.count

    def step(self, patience: Patience = Patience.USUAL) -> bool:
        """Read what receivers let go of and store what is whole; return whether the store took it.

        At most some files are read; `has_more` then says that there are others.
        """
        now = time.monotonic()
        self._read_files(now)
        settled = self._pending.take(now, patience)
        try:
            if settled:
                self._write(settled)
        except StoreError as error:
            self._pending.put_back(settled)
            self.counts.waiting, self.counts.failure = self._pending.count, str(error)
            return False
        self._pending.retain(settled, time.monotonic())
        self.counts.waiting, self.counts.failure = self._pending.count, ""
        # What waits is written again each time: not before as much has gone to the store.
        held = self._records_read + self._records_kept
        if held and held - self._pending.count >= self._pending.count:
            self._replace_files()
        return True

    def finish(self, patience: Patience) -> bool:
        """Read all that there is, then store what is whole under a patience; return whether the store took it."""
        while True:
            if not self.step():
                return False
            if not self.has_more:
                return self.step(patience)

    def _read_files(self, now: float) -> None:
        known, count = set(self._read), 0
        self.has_more = False
        for path in self._spill.waiting():
            with taken(path) as segment:
                if segment is None or path in known:  # its receiver still writes it, or it was read
                    continue
                if count == _FILES_AT_ONCE:
                    self.has_more = True
                    return
                count += 1
                self._read.append(path)
                token = segment.source.partition("-")[2]
                while lines := segment.unstored(1_000):
                    for line in lines:
                        self._add(line, Request(f"{RECEIVED}-{token}", segment.first, now))
                        segment.first += 1
                    segment.settle(lines)

    def _add(self, line: str, request: Request) -> None:
        document = json.loads(line)
        before = self._pending.count
        self._pending.add(document, request)
        self.counts.requests += 1
        self.counts.points += count_points(document)
        self.counts.records += self._pending.count - before
        self._records_read += self._pending.count - before

    def _write(self, settled: Settled) -> None:
        if len(self._request_ids) > _MOST_REQUEST_IDS:
            self._request_ids.clear()
        for source, items in settled.by_source().items():
            transcript = Transcript(source=SOURCE)
            documents = ((item.document, Line(item.number, item.name.encode(errors="replace"))) for item in items)
            take_documents(documents, self._reading, transcript, lambda _count: None, self._request_ids)
            entry = self._logs.setdefault(
                source,
                CaptureLog(file=source, loaded_as=TRANSCRIPT, format=SOURCE, options=self._run.options),
            )
            for batch in self._run.make_batches(transcript):
                if batch.record_count:
                    self._write_batch(entry, batch)

    def _write_batch(self, entry: CaptureLog, batch: Any) -> None:
        try:
            rejects = self._store.write(entry, batch, patience_s=_PATIENCE_S)
        except RecordRefused as error:
            rejects = self._store.refuse(entry, batch, str(error), patience_s=_PATIENCE_S)
        self.counts.rejected += len(rejects)
        for reject in rejects:
            log.warning("A record was rejected (asp-analysis rejects): %s", "; ".join(reject.reasons))

    def _replace_files(self) -> None:
        self._records_kept = self._waiting_file.replace(self._pending.waiting(), self._read)
        self._read, self._records_read = [], 0


@dataclass
class _WaitingFile:
    """One line that names the files that it replaces, then one line for each span or event that waits."""

    path: Path
    _replaced: list[str] = field(default_factory=list)

    def open(self, list_files: Any) -> list[Received]:
        """Return what waits, and remove files that it replaced already."""
        try:
            lines = self.path.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []
        self._replaced = json.loads(lines[0])["replaces"]
        for path in list_files():
            if path.name in self._replaced:
                path.unlink(missing_ok=True)
        if len(lines) == 1:
            self.path.unlink()
        return [Received(**json.loads(line)) for line in lines[1:]]

    def replace(self, waiting: Iterator[Received], files: list[Path]) -> int:
        """Write what waits in the place of the files that it was read from, remove these; return how much waits."""
        fresh = self.path.with_suffix(".new")
        items = [
            json.dumps({"document": one.document, "source": one.source, "number": one.number, "name": one.name})
            for one in waiting
        ]
        with fresh.open("w", encoding="ascii") as stream:
            stream.write("\n".join([json.dumps({"replaces": [path.name for path in files]}), *items]) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        fresh.chmod(0o600)
        fresh.replace(self.path)
        secure_folder(self.path.parent)
        for path in files:
            path.unlink(missing_ok=True)
        if not items:
            with suppress(OSError):
                self.path.unlink()
        return len(items)
