"""Between the agent and its spill file: a bounded queue, a thread that secures it, and one that brings it to the store.

The agent's own thread only queues: writing lets other threads have the interpreter, which costs milliseconds while the
store is being written. The securing thread does nothing but append, so that a record is safe from a killed process
within `GATHER_S` and a little more, whatever the store is doing. Only from the spill file do records go to the store.
"""

import atexit
import logging
import os
import queue
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from multiprocessing import parent_process, util
from typing import Any

from asp_analysis.capture.absorber import Absorber
from asp_analysis.capture.record_lines import line_of
from asp_analysis.capture.shield import Shield
from asp_analysis.capture.spill import CAPTURED_KINDS, Spill
from asp_analysis.config import StoreUrl
from asp_analysis.store.captured import CapturedStore

log = logging.getLogger("asp_analysis.capture")

GATHER_S = 0.02
BATCH_S = 0.05  # a batch costs the store the same for one record as for a hundred
BUSY_S = 0.04
_BACKLOG_S = 10.0  # how long a flush that makes progress may take, beyond the patience for a busy store
_RECORDS_AT_ONCE = 1_000
_LONGEST_LINE = 64 * 1024
_RETRY_S = 0.25
_SAY_LOST_EVERY_S = 1.0
_FORK_WAITS_S = 1.0  # for each lock; then the fork of the agent comes first, and the child keeps off the store

Item = tuple[str, str]


class Writer:
    """Takes lines of `executions` and `defect_log` from any thread and brings them to the store."""

    def __init__(self, url: StoreUrl, queue_limit: int) -> None:
        """Begin the background threads; records of processes that have ended are loaded first."""
        self._limit = queue_limit
        store = CapturedStore(url)
        self._spill = Spill(url.spill_path)
        self._absorber = Absorber(store, self._spill)
        self._is_closed, self._has_ended = False, False
        self._begin()
        _writers.add(self)
        atexit.register(self.close)
        self._start()

    def put(self, kind: str, record: dict[str, object]) -> None:
        """Take a record; never waits for the store and never raises."""
        with Shield("Taking a record"):
            line = line_of(record)
            self._queue.append((kind, line))
            if self._is_closed or len(self._queue) >= self._limit or len(line) > _LONGEST_LINE:
                self._secure()
                if self._has_ended:
                    self._spill.release()
            else:
                if not self._threads:
                    self._start()
                self._wake()

    def flush(self, patience_s: float) -> bool:
        """Bring everything that was reported to disk; True where all of it is in the store, not in a spill file."""
        began = time.monotonic()
        with Shield("Flushing"):
            is_secured = self._secure(is_due=True)
            is_done = self._absorber.flush(patience_s, lambda: time.monotonic() > began + patience_s + _BACKLOG_S)
            if is_done:
                deadline = began + patience_s
                is_all = self._absorber.recover(patience_s, lambda: time.monotonic() > deadline)
                is_done = is_all or not self._is_closed
            self._spill.sync(is_due=True)
            return is_secured and is_done
        return False

    def close(self, patience_s: float = 2.0) -> None:
        """Flush, end the threads, and say where records are left if the store did not take them."""
        if self._is_closed:
            return
        self._is_closed = True
        self._wake()
        self._secured.put(None)
        if not self.flush(patience_s):
            names = ", ".join(map(str, self._spill.paths or self._spill.waiting())) or "no file"
            log.warning("Records wait in %s; the next capture.open() or asp-analysis load takes them.", names)
        with Shield("Closing"):
            self._has_ended = True
            self._spill.release()
        atexit.unregister(self.close)

    # --- the threads ---

    def _begin(self) -> None:
        """Set up what belongs to one process: the parent's queue, locks and threads mean nothing to a forked child."""
        self._queue: deque[Item] = deque()
        self._queued: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._secured: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_awake, self._is_store_awake = False, False
        self._starting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.lost_count, self._lost_said_at, self._retry_at = 0, float("-inf"), 0.0
        self._refusal = OSError()
        self._held: list[Any] = []  # the locks that a fork holds
        self._was_busy = False

    def _start(self) -> None:
        with self._starting:
            if self._threads:
                return
            for name, target in (("asp-capture", self._secure_all), ("asp-capture-store", self._store_all)):
                self._threads.append(threading.Thread(target=target, name=name, daemon=True))
                self._threads[-1].start()
            if parent_process() is not None:  # such a child ends without atexit
                util.Finalize(None, self.close, exitpriority=10)

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            self._queued.put(None)

    def _secure_all(self) -> None:
        while not self._is_closed:
            with Shield("Securing records"):
                _token(self._queued, _RETRY_S if self._queue else None)
                time.sleep(0 if self._is_closed else GATHER_S)
                self._is_awake = False  # from here on, a record that comes late wakes the thread again
                self._secure()

    def _store_all(self) -> None:
        with Shield("Looking for what earlier processes left"):
            self._absorber.work(BUSY_S, lambda: self._is_closed)
        while not self._is_closed:
            with Shield("Writing records"):
                _token(self._secured, self._absorber.rest_s)
                time.sleep(0 if self._is_closed else BATCH_S)
                self._is_store_awake = False
                self._absorber.work(BUSY_S, lambda: self._is_closed)

    # --- securing ---

    def _secure(self, *, is_due: bool = False) -> bool:
        """Append all that is queued to the spill file, in its order; False where no disk takes it."""
        with self._spill.lock:
            if not is_due and not self._is_closed and time.monotonic() < self._retry_at:
                self._trim()
                return False
            while self._queue:
                some = [self._queue.popleft() for _ in range(min(_RECORDS_AT_ONCE, len(self._queue)))]
                try:
                    self._append(some)
                except OSError as error:
                    self._queue.extendleft(reversed(some))
                    self._refusal, self._retry_at = error, time.monotonic() + _RETRY_S
                    self._trim()
                    return False
        if not self._is_store_awake:
            self._is_store_awake = True
            self._secured.put(None)
        return True

    def _append(self, some: list[Item]) -> None:
        """Append lines kind by kind; what was appended is taken out of `some`, also where the next kind fails."""
        for kind in CAPTURED_KINDS:
            lines = [line for of, line in some if of == kind]
            if lines:
                self._spill.append(kind, lines)
                some[:] = [item for item in some if item[0] != kind]

    def _trim(self) -> None:
        """Keep what the queue has room for; at the end nobody empties it any more, and it has none."""
        count = max(0, len(self._queue) - (0 if self._is_closed else self._limit))
        for _ in range(count):
            self._queue.pop()
        self.lost_count += count
        if count and (self._is_closed or time.monotonic() >= self._lost_said_at + _SAY_LOST_EVERY_S):
            self._lost_said_at = time.monotonic()
            log.error("No spill file can be written (%s): %d records lost so far.", self._refusal, self.lost_count)

    # --- fork ---

    def before_fork(self) -> None:
        """Let what is at hand be finished: neither SQLite nor a spill file may be half-way when a process forks."""
        locks = (self._absorber.lock, self._spill.lock)
        self._held = [lock for lock in locks if lock.acquire(timeout=_FORK_WAITS_S)]
        self._was_busy = self._absorber.lock not in self._held

    def after_fork_in_parent(self) -> None:
        """Go on as before."""
        while self._held:
            self._held.pop().release()

    def after_fork_in_child(self) -> None:
        """Begin again: the parent writes what was queued."""
        self._spill.forget()
        self._absorber.forget(was_busy=self._was_busy)
        self._begin()


def _token(tokens: "queue.SimpleQueue[None]", timeout_s: float | None) -> None:
    with suppress(queue.Empty):
        tokens.get(timeout=timeout_s)


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
