"""One spill file while it is open: lines are appended at its end and taken by the store from its beginning."""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_READ_BYTES = 256 * 1024


@dataclass(eq=False, kw_only=True)
class Segment:
    """Lines of one `kind`, numbered from `first` within their `source`, and how many bytes of them the store has."""

    path: Path
    kind: str
    source: str
    first: int
    descriptor: int
    size_bytes: int = 0
    stored_bytes: int = 0
    stored_lines: int = 0
    is_failed: bool = False

    @property
    def is_stored(self) -> bool:
        """True where the store has all of it."""
        return self.stored_bytes >= self.size_bytes

    def append(self, data: bytes) -> None:
        """Append all of `data`; where the disk takes only a part, take that part back: no line is ever torn."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self.descriptor, data[done:])
        except OSError:
            self.is_failed = True
            if done:
                os.ftruncate(self.descriptor, self.size_bytes)
            raise
        self.size_bytes += done

    def measure(self) -> None:
        """Learn the size of a file that another process wrote."""
        self.size_bytes = os.fstat(self.descriptor).st_size

    def unstored(self, most: int) -> list[str]:
        """Return the next lines to store, at most `most`; a part of a line, left by a killed process, is not a line."""
        rest, length = self.size_bytes - self.stored_bytes, _READ_BYTES
        while True:
            data = os.pread(self.descriptor, min(length, rest), self.stored_bytes)
            end = data.rfind(b"\n") + 1
            if end or length >= rest:
                break
            length *= 2
        lines = data[:end].split(b"\n")[:-1][:most]
        return [line.decode("utf-8", errors="surrogateescape") for line in lines]

    def settle(self, lines: list[str]) -> None:
        """Note that the store has committed the next lines; no lines at all mean that the rest cannot be read."""
        self.stored_lines += len(lines)
        self.stored_bytes += sum(len(line.encode("utf-8", errors="surrogateescape")) + 1 for line in lines)
        if not lines:
            self.stored_bytes = self.size_bytes

    def sync(self) -> None:
        """Bring it to the disk itself, where the disk takes it."""
        with suppress(OSError):
            self.secure()

    def secure(self) -> None:
        """Bring it to the disk itself.

        Raises:
            OSError: the disk does not take it.
        """
        os.fsync(self.descriptor)

    def remove(self) -> None:
        """Remove the file while it is still locked, then let go of it."""
        self.path.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Unlock and close; a forked child may hold a copy of the descriptor, which would keep the lock."""
        with suppress(OSError):
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        self.forget()

    def forget(self) -> None:
        """Close this process's copy and leave the lock to the process that has it."""
        with suppress(OSError):
            os.close(self.descriptor)
