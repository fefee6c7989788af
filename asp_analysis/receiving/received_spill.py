"""Requests on the disk: one line each, which is on the disk itself before the request is answered.

The file is a spill file like those of captured records, so that its lock says whether its receiver lives. The receiver
lets go of it after a moment, and begins the next one; whoever loads takes files that are not locked.
"""

import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from asp_analysis.capture.segment import Segment
from asp_analysis.capture.spill import RECEIVED, Spill

_LET_GO_BYTES = 4 << 20


class ReceivedSpill:
    """The spill files of one receiver; any thread may call it."""

    def __init__(self, store: Path) -> None:
        """Name the store; no file is made before the first request."""
        self._spill = Spill(store, (RECEIVED,))
        self._folder = store.parent
        self._lock = threading.Lock()
        self._open: Segment | None = None
        self._began_at = 0.0

    def keep(self, document: dict[str, Any]) -> None:
        """Append a request and return when it is on the disk.

        Raises:
            OSError: the disk does not take it; nothing of it is kept.
        """
        line = json.dumps(document, separators=(",", ":"))
        with self._lock:
            self._spill.append(RECEIVED, [line])
            segment = self._spill.oldest()
            if segment is None:
                raise OSError("the spill file is gone")
            if segment is not self._open:
                self._open, self._began_at = segment, time.monotonic()
                secure_folder(segment.path.parent)
            segment.secure()
            if segment.size_bytes >= _LET_GO_BYTES:
                self._let_go()

    def let_go(self, after_s: float = 0.0) -> None:
        """Let what is kept be loaded, where the file is older than `after_s`."""
        with self._lock:
            if self._open is not None and time.monotonic() - self._began_at >= after_s:
                self._let_go()

    def _let_go(self) -> None:
        self._spill.release()
        self._open = None


def waiting_path(spill_path: Path) -> Path:
    """Return the file of what waits for the rest of its trace."""
    return spill_path.with_name(f"{spill_path.name}.received.jsonl")


def secure_folder(folder: Path) -> None:
    """Bring the name of a new file to the disk; file systems that cannot do that keep names in other ways."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
