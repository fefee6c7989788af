"""One process never holds a SQLite file with two SQLite libraries at once.

Python's `sqlite3` (the writer) and DuckDB's scanner (the reader) each bring a copy of the SQLite library. POSIX file
locks belong to the process, so when one copy closes the file the other one's locks are gone and a third process may
write into the middle of a transaction. The store and the session both claim their file here.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asp_analysis.errors import StoreError

_holders: dict[str, Counter[str]] = {}
_guard = threading.Lock()


def claim(path: Path, library: str) -> None:
    """Note that `library` ("writer" or "reader") of this process opens the file.

    Raises:
        StoreError: the other library of this process has it open.
    """
    with _guard:
        holders = _holders.setdefault(_identity(path), Counter())
        others = [other for other, count in holders.items() if count and other != library]
        if others:
            raise StoreError(
                f"{path.name} is needed by a {library}, this process holds it open with a {others[0]} "
                "(two SQLite libraries in one process break its locks). "
                f"Close the {others[0]} first, or do one of the two in a process of its own."
            )
        holders[library] += 1


def release(path: Path, library: str) -> None:
    """Note that `library` of this process has closed the file."""
    with _guard:
        holders = _holders.get(_identity(path), Counter())
        holders[library] = max(0, holders[library] - 1)


@contextmanager
def held(path: Path, library: str) -> Iterator[None]:
    """Claim the file for the length of a `with` block."""
    claim(path, library)
    try:
        yield
    finally:
        release(path, library)


def _identity(path: Path) -> str:
    return os.path.realpath(path)
