"""One process never holds a SQLite file with two SQLite libraries at once.

Python's `sqlite3` (the writer) and DuckDB's scanner (the reader) each bring a copy of the SQLite library. POSIX file
locks belong to the process, so when one copy closes the file the other one's locks are gone and a third process may
write into the middle of a transaction. The store and the session both claim their file here. A claim that lasts for one
short transaction says so (`is_brief`), and others wait until it ends.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asp_analysis.errors import StoreError

_BRIEF_S = 1.0
"""How long a claim waits for claims that are brief: a batch takes milliseconds."""

_holders: dict[str, Counter[str]] = {}
_brief: Counter[str] = Counter()
_changed = threading.Condition(threading.Lock())


def claim(path: Path, library: str, *, is_brief: bool = False) -> None:
    """Note that `library` ("writer" or "reader") of this process opens the file; waits shortly for what is brief.

    Raises:
        StoreError: the other library of this process has it open, or the file has a second name.
    """
    _check_one_name(path)
    name = _identity(path)
    with _changed:
        _changed.wait_for(lambda: not _is_briefly_taken(name, library), timeout=_BRIEF_S)
        if others := _others(name, library):
            raise StoreError(
                f"This process has {path.name} open with a {others[0]}, so that a {library} cannot open it "
                "(two SQLite libraries in one process break its locks). "
                f"Close the {others[0]} first, or use another process."
            )
        _holders.setdefault(name, Counter())[library] += 1
        _brief[name] += is_brief


def release(path: Path, library: str, *, is_brief: bool = False) -> None:
    """Note that `library` of this process has closed the file."""
    name = _identity(path)
    with _changed:
        holders = _holders.get(name, Counter())
        holders[library] = max(0, holders[library] - 1)
        _brief[name] -= is_brief
        _changed.notify_all()


@contextmanager
def held(path: Path, library: str, *, is_brief: bool = False) -> Iterator[None]:
    """Claim the file for the length of a `with` block."""
    claim(path, library, is_brief=is_brief)
    try:
        yield
    finally:
        release(path, library, is_brief=is_brief)


def _check_one_name(path: Path) -> None:
    """Refuse a file with hard links: SQLite keeps the log of its last records next to the name that was opened.

    Raises:
        StoreError: it has more than one name.
    """
    try:
        count = path.stat().st_nlink
    except OSError:
        return  # whoever opens it says what is wrong
    if count > 1:
        raise StoreError(
            f"{path} is one of {count} names (hard links) of one file, and records that are written "
            "through one are lost to the other. Keep one name, or copy the file."
        )


def _others(name: str, library: str) -> list[str]:
    return [other for other, count in _holders.get(name, Counter()).items() if count and other != library]


def _is_briefly_taken(name: str, library: str) -> bool:
    """Return whether all that is in the way is brief."""
    holders = _holders.get(name, Counter())
    in_the_way = sum(count for other, count in holders.items() if other != library)
    return 0 < in_the_way <= _brief[name]


def _identity(path: Path) -> str:
    return os.path.realpath(path)
