"""From the spill files into the store: this process's own lines first, then what processes that have ended left.

Nothing here keeps a record safe, it is safe in its file already; so whatever fails may simply be tried again. A batch
that was committed by a process that ended before it could say so is found `present` the second time.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from asp_analysis.capture.record_lines import batch_of
from asp_analysis.capture.segment import Segment
from asp_analysis.capture.shield import Shield
from asp_analysis.capture.spill import CAPTURED_KINDS, Spill, taken
from asp_analysis.errors import StoreError
from asp_analysis.store.captured import CapturedStore, CaptureLog, RecordRefused

log = logging.getLogger("asp_analysis.capture")

_LINES_AT_ONCE = 200
_FIRST_RETRY_S, _LAST_RETRY_S = 0.25, 5.0
_POLL_S = 0.02
_HOLD_S = 0.1  # a fork waits while the store is open: it is not kept open to wait for others

Stop = Callable[[], bool]


class Absorber:
    """Brings lines from spill files to the store, a batch at a time; any thread may call it."""

    def __init__(self, store: CapturedStore, spill: Spill) -> None:
        """Prepare; nothing is opened before the first batch."""
        self._store, self._spill = store, spill
        self._held: Segment | None = None
        self._is_barred = False
        self._begin()

    def _begin(self) -> None:
        self.lock = RLock()  # for one batch; a fork holds it, so that SQLite is not half-way
        self._recovering = RLock()
        self._has_left_overs = True  # there may be some: nobody has looked yet
        self._logs: dict[str, CaptureLog] = {}
        self._retry_at, self._retry_s, self._is_failing = 0.0, _FIRST_RETRY_S, False

    @property
    def rest_s(self) -> float | None:
        """How long it makes sense to wait before the next attempt, None where there is nothing to bring."""
        if self._is_barred or (self._spill.oldest() is None and not self._has_left_overs):
            return None
        return max(0.01, self._retry_at - time.monotonic())

    def work(self, patience_s: float, is_over: Stop) -> None:
        """Load what can be loaded now, unless the store failed a moment ago."""
        is_time = time.monotonic() >= self._retry_at
        if is_time and self._absorb(patience_s, is_over) and self._has_left_overs:
            self.recover(patience_s, is_over)
        if self._is_failing:
            self._spill.sync()

    def flush(self, patience_s: float, is_over: Stop) -> bool:
        """Bring this process's lines, also where the store failed a moment ago; True where all are stored."""
        return self._absorb(patience_s, is_over)

    def recover(self, patience_s: float, is_over: Stop) -> bool:
        """Load what processes that have ended left; each file goes once it is committed. True where nothing is left."""
        with _within(self._recovering, patience_s) as is_mine:
            if not is_mine:
                return False
            self._has_left_overs = True
            is_some_loaded = True
            while is_some_loaded:  # a listing may be too long to be whole
                is_some_loaded = False
                for path in self._spill.waiting():
                    with self._took(path) as segment:
                        if segment is None:  # its process lives
                            continue
                        if not self._load(segment, patience_s, is_over):
                            return False
                        is_some_loaded = True
            self._has_left_overs = False
            return True

    def forget(self, *, was_busy: bool) -> None:
        """Begin again in a forked child: what was open belongs to the parent.

        With `was_busy` the parent had the store open. SQLite in the child then believes that it has the parent's locks:
        commits are lost, indexes break. Such a child never opens the store, others load its files.
        """
        self._is_barred |= was_busy
        if self._held is not None:
            self._held.forget()
            self._held = None
        self._store = CapturedStore(self._store.url)
        self._begin()

    # --- a batch ---

    def _absorb(self, patience_s: float, is_over: Stop) -> bool:
        while (segment := self._spill.oldest()) is not None:
            if is_over() or not self._advance(segment, patience_s):
                return False
            self._spill.drop_if_stored(segment)
        return True

    def _load(self, segment: Segment, patience_s: float, is_over: Stop) -> bool:
        """Store all of a file and remove it; return whether that is done."""
        while not segment.is_stored:
            if is_over() or not self._advance(segment, patience_s):
                return False
        segment.path.unlink(missing_ok=True)
        return True

    def _advance(self, segment: Segment, patience_s: float) -> bool:
        """Store the next lines of a file, trying for `patience_s` while the store is there; return whether it did."""
        deadline = time.monotonic() + patience_s
        while not self._is_barred:
            left_s = max(0.0, deadline - time.monotonic())
            if self._try_once(segment, min(_HOLD_S, left_s)):
                return True
            if time.monotonic() >= deadline or self._store.is_missing:
                return False
            time.sleep(_POLL_S)
        return False

    def _try_once(self, segment: Segment, patience_s: float) -> bool:
        """Store the next lines of a file; return whether the store took them."""
        with _within(self.lock, patience_s) as is_mine:
            if not is_mine:
                return False
            if segment.is_stored:  # another thread was faster
                return True
            with Shield("Writing to the store"):
                lines = segment.unstored(_LINES_AT_ONCE)
                try:
                    self._write(self._log_of(segment), lines, segment.first + segment.stored_lines, patience_s)
                except StoreError as error:
                    self._failed(error)
                    return False
                segment.settle(lines)
                self._is_failing, self._retry_at, self._retry_s = False, 0.0, _FIRST_RETRY_S
                return True
            self._put_off()
            return False

    def _write(self, entry: CaptureLog, lines: list[str], first: int, patience_s: float) -> None:
        batch = batch_of(entry.loaded_as, lines, first)
        try:
            rejects = self._store.write(entry, batch, patience_s=patience_s)
        except RecordRefused as error:
            if len(lines) > 1:
                half = len(lines) // 2
                self._write(entry, lines[:half], first, patience_s)
                self._write(entry, lines[half:], first + half, patience_s)
                return
            rejects = self._store.refuse(entry, batch, str(error), patience_s=patience_s)
        for reject in rejects:
            log.warning("A record was rejected (asp-analysis rejects): %s", "; ".join(reject.reasons))

    def _log_of(self, segment: Segment) -> CaptureLog:
        """Return the row of `load_log`: one per process and kind; of other processes' only the last ones are kept."""
        name = f"{segment.source} {segment.kind}"
        if name not in self._logs:
            while len(self._logs) >= 4 * len(CAPTURED_KINDS):
                self._logs.pop(next(iter(self._logs)))
            self._logs[name] = CaptureLog(file=segment.source, loaded_as=segment.kind)
        return self._logs[name]

    def _failed(self, error: StoreError) -> None:
        if not self._is_failing:
            log.warning("Records are kept in a spill file until the store can be written: %s", error)
        self._put_off()

    def _put_off(self) -> None:
        self._is_failing = True
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)

    @contextmanager
    def _took(self, path: Path) -> Iterator[Segment | None]:
        with taken(path) as segment:
            self._held = segment
            try:
                yield segment
            finally:
                self._held = None


@contextmanager
def _within(lock: Any, patience_s: float) -> Iterator[bool]:
    """Hold a lock for the length of a block; False where it was not free within `patience_s`."""
    is_mine = lock.acquire(timeout=max(0.0, patience_s))
    try:
        yield is_mine
    finally:
        if is_mine:
            lock.release()
