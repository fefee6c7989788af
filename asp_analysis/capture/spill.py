"""Spill files: every record goes here first, and a file goes when the store has committed all of it.

They are JSON Lines next to the store (or in a folder for this store under the one for temporary files), one at a
time per process and kind of record. A line is handed to the operating system at once and so outlives a killed process;
`sync` makes what the store does not take outlive a loss of power too. Whoever writes a file holds a lock on it that the
system takes back when the process ends, however it ends: what is not locked may be loaded and removed. The name says
from which process the lines are and the number of the first: a line that is loaded twice has the same name both times.
"""

import fcntl
import itertools
import os
import re
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from asp_analysis.capture.segment import Segment

CAPTURED_KINDS = ("executions", "defect_log")
RECEIVED = "received"
"""The kind of lines that are whole requests of a receiver; who loads them reads them as files of OpenTelemetry."""

# An interrupted load begins its file again: small files are better. Each that waits is an open one: large ones are.
_SEGMENT_BYTES = 16 << 20
_MOST_LISTED = 1_000
_SYNC_EVERY_S = 1.0
_NAME = re.compile(rf".*\.spill-({'|'.join((*CAPTURED_KINDS, RECEIVED))})-(\d+-[0-9a-f]+)-(\d+)\.jsonl", re.DOTALL)


class Spill:
    """The spill files of one process for one store, and of some kinds of lines."""

    def __init__(self, store: Path, kinds: tuple[str, ...] = CAPTURED_KINDS) -> None:
        """Name the store; no file is made before the first record."""
        self._store, self._kinds = store, kinds
        # Asked for here and once: `tempfile` has a lock, which a forked child would inherit locked from the thread.
        self._temporary = Path(tempfile.gettempdir()) / f"asp-capture-{os.geteuid()}"
        self._own_folder = self._temporary / sha256(os.path.realpath(store).encode()).hexdigest()[:16]
        self._begin()

    def _begin(self) -> None:
        self.lock = threading.RLock()  # a fork holds it, so that no file is left half-way
        self._segments: list[Segment] = []
        self._numbers = dict.fromkeys(self._kinds, 1)
        # The time first: sorted by name, the files of one process are in the order in which it wrote them.
        self._token = f"{os.getpid()}-{time.time_ns():016x}{uuid.uuid4().hex[:8]}"
        self._synced_at = time.monotonic()

    @property
    def paths(self) -> list[Path]:
        """The files that this process holds."""
        return [segment.path for segment in list(self._segments)]

    def append(self, kind: str, lines: list[str]) -> None:
        """Append lines to this process's file of that kind, all of them or none.

        Raises:
            OSError: neither the store's folder nor the one for temporary files takes them.
        """
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
        with self.lock:
            segment = self._writable(kind) or self._create(kind, self._folders())
            try:
                segment.append(data)
            except OSError:
                self.drop_if_stored(segment)
                segment = self._create(kind, self._folders()[1:])  # another disk may have room
                segment.append(data)
            self._numbers[kind] += len(lines)

    def oldest(self) -> Segment | None:
        """Return the first file that holds what the store has not."""
        with self.lock:
            return next((segment for segment in self._segments if not segment.is_stored), None)

    def drop_if_stored(self, segment: Segment) -> None:
        """Remove a file of this process of which nothing is left to store."""
        with self.lock:
            if segment.is_stored and segment in self._segments:
                self._segments.remove(segment)
                segment.remove()

    def release(self) -> None:
        """Let go of the files: they then wait for whoever loads them, and the next record begins new ones."""
        with self.lock:
            self.sync(is_due=True)
            for segment in self._segments:
                if segment.is_stored:
                    segment.remove()
                else:
                    segment.let_go()
            self._segments = []

    def sync(self, *, is_due: bool = False) -> None:
        """Bring what waits to the disk itself, at most once a second unless `is_due`; others may append meanwhile."""
        if is_due or time.monotonic() - self._synced_at >= _SYNC_EVERY_S:
            self._synced_at = time.monotonic()
            for segment in list(self._segments):
                segment.sync()

    def forget(self) -> None:
        """Let go of the files in a forked child: they are the parent's, and so is their lock."""
        for segment in self._segments:
            segment.forget()
        self._begin()

    def waiting(self) -> list[Path]:
        """List spill files of this store that this process does not hold, oldest first, at most a thousand."""
        own = set(self.paths)
        found = itertools.chain.from_iterable(map(self._listed, self._folders()))
        return sorted(itertools.islice((path for path in found if path not in own), _MOST_LISTED), key=_age)

    # --- files ---

    def _listed(self, folder: Path) -> Iterator[Path]:
        stem = f"{self._store.name}.spill-"
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(stem) and (match := _NAME.fullmatch(entry.name)) and match[1] in self._kinds:
                    yield folder / entry.name

    def _writable(self, kind: str) -> Segment | None:
        last = next((segment for segment in reversed(self._segments) if segment.kind == kind), None)
        return last if last is not None and not last.is_failed and last.size_bytes < _SEGMENT_BYTES else None

    def _create(self, kind: str, folders: list[Path]) -> Segment:
        failure: OSError | None = None
        for folder in folders:
            try:
                segment = self._created(kind, folder)
            except OSError as error:
                failure = error
                continue
            self._segments.append(segment)
            return segment
        raise failure or OSError("no folder for a spill file")

    def _created(self, kind: str, folder: Path) -> Segment:
        if folder == self._own_folder:
            for made in (self._temporary, self._own_folder):
                made.mkdir(mode=0o700, exist_ok=True)
            if self._temporary.lstat().st_uid != os.geteuid():
                raise PermissionError(f"{self._temporary} belongs to somebody else")
        path = folder / f"{self._store.name}.spill-{kind}-{self._token}-{self._numbers[kind]}.jsonl"
        while True:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR | os.O_CLOEXEC, 0o600)
            segment = _segment(path, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Before it was locked, another process may have found it, seen it empty and removed it.
                if os.fstat(descriptor).st_nlink > 0:
                    return segment
                os.close(descriptor)
            except OSError:  # a file system without locks
                segment.remove()
                raise

    def _folders(self) -> list[Path]:
        return [self._store.parent, self._own_folder]


@contextmanager
def taken(path: Path) -> Iterator[Segment | None]:
    """Hold a waiting file for the length of a block; None where its process still writes it, or where it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    segment = _segment(path, descriptor)
    try:
        yield segment if _claim(segment) else None
    finally:
        segment.let_go()


def _segment(path: Path, descriptor: int) -> Segment:
    """Return the open file; its name says what its lines are."""
    kind, source, first = _origin(path)
    return Segment(path=path, kind=kind, source=source, first=first, descriptor=descriptor)


def _claim(segment: Segment) -> bool:
    """Lock and measure a file; return whether it is ours to load: unlocked, still there, and of this user."""
    try:
        fcntl.flock(segment.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(segment.descriptor)
        if status.st_nlink == 0 or status.st_uid != os.geteuid():
            return False
        segment.measure()
    except OSError:
        return False
    return True


def _origin(path: Path) -> tuple[str, str, int]:
    """Read from a spill file's name the kind of its records, the source they are counted in, and their first number."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(path.name)
    return match[1], f"capture-{match[2]}", int(match[3])


def _age(path: Path) -> tuple[str, int]:
    _, source, first = _origin(path)
    return source.rpartition("-")[2], first
