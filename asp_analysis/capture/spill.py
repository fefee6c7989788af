"""Files beside the store that take records while it cannot: JSON Lines, one file per process and kind of record.

A line is handed to the operating system at once and so outlives a killed process; `sync` (at most once a second, and
at the end) makes it outlive a loss of power too. The process that writes a file holds a lock on it that the system
takes back when the process ends, however it ends: what is not locked may be loaded and removed.
"""

import fcntl
import os
import re
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

KINDS = ("executions", "defect_log")
_SYNC_EVERY_S = 1.0


@dataclass
class _OpenFile:
    path: Path
    descriptor: int
    size_bytes: int = 0


class Spill:
    """The spill files of one process for one store."""

    def __init__(self, store: Path) -> None:
        """Name the store; no file is made before the first record."""
        self._store = store
        # Asked for here and once: `tempfile` has a lock, which a forked child would inherit locked from the thread.
        self._temporary = Path(tempfile.gettempdir()) / f"asp-capture-{os.getuid()}"
        self._open: dict[str, _OpenFile] = {}
        self.lock = threading.RLock()  # a fork holds it, so that no file is left half-way
        self._is_dirty, self._synced_at = False, 0.0

    @property
    def paths(self) -> list[Path]:
        """The files that this process is writing."""
        return [file.path for file in self._open.values()]

    def append(self, kind: str, lines: list[str]) -> Path:
        """Append lines to this process's file of that kind, all of them or none; gives the file.

        Raises:
            OSError: neither the store's folder nor the one for temporary files takes them.
        """
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
        with self.lock:
            file = self._open.get(kind) or self._create(kind)
            try:
                _append_whole(file, data)
            except OSError:
                # another disk may have room
                file = self._create(kind, self._folders()[1:])
                _append_whole(file, data)
            self._is_dirty = True
            return file.path

    def rotate(self) -> None:
        """Close the files; they then wait to be loaded, and the next record begins new ones."""
        with self.lock:
            self.sync(is_due=True)
            for file in self._open.values():
                _let_go(file.descriptor)
            self._open = {}

    def sync(self, *, is_due: bool = False) -> None:
        """Bring what was appended to the disk itself, at most once a second unless `is_due`."""
        if self._is_dirty and (is_due or time.monotonic() - self._synced_at >= _SYNC_EVERY_S):
            self._is_dirty, self._synced_at = False, time.monotonic()
            for file in list(self._open.values()):
                os.fsync(file.descriptor)

    def forget(self) -> None:
        """Let go of the files in a forked child: they are the parent's, and so is their lock."""
        self.lock = threading.RLock()
        for file in self._open.values():
            with suppress(OSError):  # the fork may have met the thread after it closed the file
                os.close(file.descriptor)
        self._open, self._is_dirty = {}, False

    def waiting(self) -> list[Path]:
        """List the spill files of this store that are not being written by this process, oldest first."""
        found = [path for folder in self._folders() for path in _spill_files(folder, self._stem(folder))]
        own = set(self.paths)
        return sorted((path for path in found if path not in own), key=_modified_at)

    def _create(self, kind: str, folders: list[Path] | None = None) -> _OpenFile:
        failure: OSError | None = None
        for folder in self._folders() if folders is None else folders:
            path = folder / f"{self._stem(folder)}{kind}-{os.getpid()}-{uuid.uuid4().hex[:12]}.jsonl"
            try:
                if folder != self._store.parent:
                    folder.mkdir(mode=0o700, exist_ok=True)
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            except OSError as error:
                failure = error
                continue
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if kind in self._open:
                _let_go(self._open[kind].descriptor)
            self._open[kind] = _OpenFile(path, descriptor)
            return self._open[kind]
        raise failure or OSError("no folder for a spill file")

    def _folders(self) -> list[Path]:
        return [self._store.parent, self._temporary]

    def _stem(self, folder: Path) -> str:
        if folder == self._store.parent:
            return f"{self._store.name}.spill-"
        return f"{sha256(os.path.realpath(self._store).encode()).hexdigest()[:16]}.spill-"


@contextmanager
def taken(path: Path) -> Iterator[bool]:
    """Hold a waiting file for the length of a block; False where its process still writes it, or where it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = os.fstat(descriptor).st_nlink > 0 and os.fstat(descriptor).st_uid == os.getuid()
        except OSError:
            is_there = False
        yield is_there
    finally:
        _let_go(descriptor)


def kind_of(path: Path) -> str:
    """Tell from a spill file's name what its records are."""
    return next(kind for kind in KINDS if f".spill-{kind}-" in path.name)


def _spill_files(folder: Path, stem: str) -> list[Path]:
    form = re.compile(rf"{re.escape(stem)}(?:{'|'.join(KINDS)})-\d+-[0-9a-f]+\.jsonl")
    with suppress(OSError):
        return [path for path in folder.iterdir() if form.fullmatch(path.name)]
    return []


def _modified_at(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _let_go(descriptor: int) -> None:
    """Unlock and close; a forked child may hold a copy of the descriptor, which would keep the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _append_whole(file: _OpenFile, data: bytes) -> None:
    """Append all of `data`; where the disk takes only a part, take that part back: no line is ever torn."""
    done = 0
    try:
        while done < len(data):
            done += os.write(file.descriptor, data[done:])
    except OSError:
        if done:
            os.ftruncate(file.descriptor, file.size_bytes)
        raise
    file.size_bytes += done
