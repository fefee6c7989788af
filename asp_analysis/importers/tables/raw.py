"""What a reader of tables gives: batches of raw columns, bounded in memory whatever a file holds."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError

BATCH_RECORDS = 5_000
"""Records of a batch; fewer where they are long or wide, so that the memory is bounded whatever a file holds."""

MOST_COLUMNS = 10_000
BATCH_BYTES = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class RawBatch:
    """Consecutive records of one file, by column: unknown values are None, text is as it was found.

    filled: how many of them had fewer cells than the header and were filled with empty ones.
    """

    columns: dict[str, list[Any]]
    line_numbers: Sequence[int]
    raw_text: Callable[[int], str]
    unreadable: list[Reject] = field(default_factory=list)
    filled: int = 0

    @property
    def record_count(self) -> int:
        """How many records could be read; the unreadable ones come on top."""
        return len(self.line_numbers)


def write_raw(record: dict[str, Any] | Any) -> str:
    """Return a record as a reject keeps it: the JSON of what was found, with infinite numbers too."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)


def write_row(columns: dict[str, list[Any]]) -> Callable[[int], str]:
    """Return what writes one row of columns as a reject keeps it."""
    return lambda row: write_raw({name: values[row] for name, values in columns.items()})


def chunks(items: Iterable[Any], length_of: Callable[[Any], int]) -> Iterator[list[Any]]:
    """Yield items in groups of at most `BATCH_RECORDS`, of fewer where they are long."""
    chunk: list[Any] = []
    length = 0
    for item in items:
        chunk.append(item)
        length += length_of(item)
        if len(chunk) >= BATCH_RECORDS or length >= BATCH_BYTES:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk


def check_width(name: str, count: int) -> None:
    """Refuse a file of more columns than anyone can mean.

    Raises:
        InputError: there are too many.
    """
    if count > MOST_COLUMNS:
        raise InputError(
            f"{name} has {count:,} columns, at most {MOST_COLUMNS:,} are read. Leave out what is not a column."
        )


def name_columns(cells: Sequence[str]) -> list[str]:
    """Return the names of columns: a name that is there several times gets a number each time, an empty one its place.

    None of the repeated ones is the one that is meant, so that none is taken by its name alone.
    """
    seen: Counter[str] = Counter()
    times = Counter(cells)
    names = []
    for place, cell in enumerate(cells, 1):
        seen[cell] += 1
        names.append(f"column {place}" if not cell else f"{cell} ({seen[cell]})" if times[cell] > 1 else cell)
    return names
