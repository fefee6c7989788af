"""Records that wait next to the store because nobody captures any more: counted for `status`, taken by `load`."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from asp_analysis.capture.spill import Spill
from asp_analysis.config import StoreUrl

_PATIENCE_S = 2.0
_AT_MOST_S = 600.0


def records_waiting(url: StoreUrl) -> int:
    """Count the records of waiting spill files; those that a live process writes are on their way, and count too."""
    return sum(map(count_lines, Spill(url.spill_path).waiting()))


def load_waiting(url: StoreUrl, named: Iterable[Path] = ()) -> int:
    """Load what ended processes left next to the store; return how many records it was.

    A file that a live process holds stays its own; a store that is busy or refuses leaves the rest where it is. Whoever
    has named one of the files to be loaded finds all of them where they were.
    """
    spill = Spill(url.spill_path)
    waiting = spill.waiting()
    before = sum(map(count_lines, waiting))
    if not before or not {path.resolve() for path in named}.isdisjoint(path.resolve() for path in waiting):
        return 0
    from asp_analysis.capture.absorber import Absorber  # it brings SQLAlchemy, and most often nothing waits
    from asp_analysis.store.captured import CapturedStore

    deadline = time.monotonic() + _AT_MOST_S
    Absorber(CapturedStore(url), spill).recover(_PATIENCE_S, lambda: time.monotonic() > deadline)
    return max(0, before - sum(map(count_lines, spill.waiting())))


def count_lines(path: Path) -> int:
    """Count the lines of a file; one that is gone has none."""
    count = 0
    with suppress(OSError), path.open("rb") as stream:
        while data := stream.read(1 << 20):
            count += data.count(b"\n")
    return count
