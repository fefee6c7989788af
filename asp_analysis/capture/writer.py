"""Between the agent and the store: a bounded queue, a thread that empties it, and a spill file for what cannot wait.

A record is safe (committed, or handed to the system in the spill file) about 0.1 s after it was reported: the thread
gathers for `GATHER_S`, tries the store for `BUSY_S`, and what is then still queued goes to the spill file. Spilled
records are loaded when the store can be written again, at `flush` and `close`, or by the next process that opens it.
"""

import atexit
import itertools
import logging
import os
import queue
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing import parent_process, util
from pathlib import Path
from typing import Any

from asp_analysis.capture.lines import batch_of, line_of
from asp_analysis.capture.shield import Shield
from asp_analysis.capture.spill import KINDS, Spill, kind_of, taken
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.store.captured import CapturedStore, CaptureLog, RecordRefused

log = logging.getLogger("asp_analysis.capture")

GATHER_S = 0.03
BUSY_S = 0.04
_STORING_S = 0.06  # how long one round may write to the store before the rest of the queue is spilled
_AT_ONCE = 200
_LONGEST_LINE = 64 * 1024
_FIRST_RETRY_S, _LAST_RETRY_S = 0.25, 5.0
_SAY_LOST_EVERY_S = 1.0
_FORK_WAITS_S = 0.25  # for each lock: a fork of the agent comes first

Item = tuple[str, str]


class Writer:
    """Takes lines of `executions` and `defect_log` from any thread and brings them to the store."""

    def __init__(self, url: StoreUrl, queue_limit: int) -> None:
        """Begin the background thread; records of processes that have ended are loaded first.

        Raises:
            StoreError: the store is no SQLite file.
        """
        self._store = CapturedStore(url)
        self._path: Path = url.path  # type: ignore[assignment]  # CapturedStore has checked it
        self._limit = queue_limit
        self._spill = Spill(self._path)
        self._is_closed = False
        self._begin()
        _writers.add(self)
        atexit.register(self.close)
        self._start()
        self._wake()

    def put(self, kind: str, record: dict[str, object]) -> None:
        """Take a record; never waits for the store and never raises."""
        with Shield("Taking a record"):
            line = line_of(record)
            if self._is_closed or len(self._queue) >= self._limit or len(line) > _LONGEST_LINE:
                self._is_kept_aside(kind, [line])
                return
            self._queue.append((kind, line))
            if self._thread is None:
                self._start()
            self._wake()

    def flush(self, patience_s: float) -> bool:
        """Bring everything that was reported to disk; True where all of it is in the store, not in a spill file."""
        with Shield("Flushing"):
            self._retry_at = 0.0
            while self._round(patience_s):
                pass
            deadline = time.monotonic() + patience_s
            self._recover(patience_s, lambda: time.monotonic() > deadline)
            self._spill.sync(is_due=True)
        return not (self._queue or self._has_spilled)

    def close(self, patience_s: float = 2.0) -> None:
        """Flush, end the thread, and say where records are left if the store did not take them."""
        if self._is_closed:
            return
        self._is_closed = True
        self._tokens.put(None)
        if not self.flush(patience_s):
            with Shield("Closing"):
                self._spill_queue()
                self._spill.rotate()
                names = ", ".join(map(str, self._spill.waiting())) or "no file"
                log.warning("Records wait in %s; they are loaded when the store is next opened for capture.", names)
        atexit.unregister(self.close)

    # --- the thread ---

    def _begin(self) -> None:
        """Set up what belongs to one process: the parent's queue, locks and thread mean nothing to a forked child."""
        self._queue: deque[Item] = deque()
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_awake = False
        self._writing, self._recovering = threading.RLock(), threading.RLock()
        self._starting, self._losing = threading.Lock(), threading.Lock()
        self.lost_count, self._lost_said_at = 0, float("-inf")
        self._thread: threading.Thread | None = None
        self._source = f"capture-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._logs = {kind: CaptureLog(self._source, kind) for kind in KINDS}
        self._numbers = {kind: itertools.count(1) for kind in KINDS}
        self._held: list[Any] = []  # the locks that a fork holds
        self._retry_at, self._retry_s, self._is_failing, self._has_spilled = 0.0, _FIRST_RETRY_S, False, False

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="asp-capture", daemon=True)
                self._thread.start()
                if parent_process() is not None:  # such a child ends without atexit
                    util.Finalize(None, self.close, exitpriority=10)

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            self._tokens.put(None)

    def _run(self) -> None:
        with Shield("Loading what earlier processes left"):
            self._recover(BUSY_S, lambda: self._is_closed)
        while not self._is_closed:
            with Shield("Writing records"):
                self._wait()
                self._is_awake = False  # from here on, a record that comes late wakes the thread again
                self._empty()
                if self._has_spilled and time.monotonic() >= self._retry_at:
                    self._recover(BUSY_S, lambda: self._is_closed)
                self._spill.sync()

    def _wait(self) -> None:
        timeout_s = max(0.01, self._retry_at - time.monotonic()) if self._has_spilled or self._queue else None
        try:
            self._tokens.get(timeout=timeout_s)
        except queue.Empty:
            return
        if not self._is_closed:
            time.sleep(GATHER_S)

    def _empty(self) -> None:
        deadline = time.monotonic() + _STORING_S
        while self._round(BUSY_S if time.monotonic() < deadline else None):
            pass

    def _round(self, patience_s: float | None) -> bool:
        """Write some of the queue, to the spill file where `patience_s` is None; False: nothing more can be done."""
        with self._writing:
            some = [self._queue.popleft() for _ in range(min(_AT_ONCE, len(self._queue)))]
            is_stuck = False
            for kind in KINDS:
                lines = [line for of, line in some if of == kind]
                if lines and not (patience_s is not None and self._is_stored(kind, lines, patience_s)):
                    is_stuck |= not self._is_kept_aside(kind, lines)
            return bool(some) and not is_stuck

    # --- where lines go ---

    def _is_stored(self, kind: str, lines: list[str], patience_s: float) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        first = next(self._numbers[kind])
        self._numbers[kind] = itertools.count(first + len(lines))
        return self._is_written(self._logs[kind], lines, first, patience_s)

    def _is_written(self, entry: CaptureLog, lines: list[str], first: int, patience_s: float) -> bool:
        with Shield("Writing to the store"):
            try:
                self._write(entry, lines, first, patience_s)
            except StoreError as error:
                self._failed(error)
                return False
            self._succeeded()
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

    def _is_kept_aside(self, kind: str, lines: list[str]) -> bool:
        try:
            self._spill.append(kind, lines)
            self._has_spilled = True
            return True
        except OSError as error:
            # After the end nobody empties the queue any more: what is put back there would be lost without a word.
            room = 0 if self._is_closed else max(0, self._limit - len(self._queue))
            self._queue.extendleft((kind, line) for line in reversed(lines[:room]))
            self._put_off()
            self._lose(len(lines[room:]), error)
            return self._is_closed

    def _lose(self, count: int, error: OSError) -> None:
        with self._losing:
            self.lost_count += count
            is_due = count > 0 and (self._is_closed or time.monotonic() >= self._lost_said_at + _SAY_LOST_EVERY_S)
            if is_due:
                self._lost_said_at = time.monotonic()
        if is_due:
            text = "Neither store nor spill file can be written (%s): %d records lost so far."
            log.error(text, error, self.lost_count)

    def _failed(self, error: StoreError) -> None:
        if not self._is_failing:
            log.warning("Records are kept in a spill file until the store can be written: %s", error)
        self._put_off()

    def _put_off(self) -> None:
        self._is_failing = True
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)

    def _succeeded(self) -> None:
        self._is_failing, self._retry_at, self._retry_s = False, 0.0, _FIRST_RETRY_S

    # --- what was spilled ---

    def _recover(self, patience_s: float, is_over: Callable[[], bool]) -> None:
        """Load the spill files of this process and of those that have ended; each is removed once it is committed."""
        with self._recovering:
            if time.monotonic() < self._retry_at:
                return
            self._has_spilled = False  # first: what is spilled from here on is looked for again
            self._spill.rotate()
            for path in self._spill.waiting():
                with taken(path) as is_ours:
                    if is_ours and not self._is_loaded(path, patience_s, is_over):
                        self._has_spilled = True
                        return

    def _is_loaded(self, path: Path, patience_s: float, is_over: Callable[[], bool]) -> bool:
        entry, first = CaptureLog(str(path), kind_of(path)), 1
        for lines in _chunks(path):
            if first > 1 and is_over():
                return False
            with self._writing:  # one chunk at a time, so that new records and a fork need not wait for a long file
                if not self._is_written(entry, lines, first, patience_s):
                    return False
            first += len(lines)
            if not self._is_closed:
                self._spill_queue()
        path.unlink(missing_ok=True)
        return True

    def _spill_queue(self) -> None:
        while self._round(None):
            pass

    # --- fork ---

    def before_fork(self) -> None:
        """Let the batch at hand be finished: neither SQLite nor a spill file may be half-way when a process forks."""
        locks = (self._recovering, self._writing, self._spill.lock)
        self._held = [lock for lock in locks if lock.acquire(timeout=_FORK_WAITS_S)]

    def after_fork_in_parent(self) -> None:
        """Go on as before."""
        while self._held:
            self._held.pop().release()

    def after_fork_in_child(self) -> None:
        """Begin anew: what was queued is the parent's to write."""
        self._spill.forget()
        self._store = CapturedStore(self._store.url)
        self._begin()


def _chunks(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", errors="backslashreplace") as stream:
        while some := list(itertools.islice(stream, _AT_ONCE)):
            yield [line.rstrip("\n") for line in some]


_writers: "weakref.WeakSet[Writer]" = weakref.WeakSet()


def _for_all(step: str) -> None:
    for writer in list(_writers):
        with Shield("A fork"):
            getattr(writer, step)()


os.register_at_fork(
    before=lambda: _for_all("before_fork"),
    after_in_parent=lambda: _for_all("after_fork_in_parent"),
    after_in_child=lambda: _for_all("after_fork_in_child"),
)
