"""What travels from an importer to the store: batches of finished rows, and the records that could not become rows.

How a record that comes again meets the one that is stored belongs to the batch: tables of records say nothing, and the
later value wins; formats that may tell the same thing in any order bring a `combine` of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reject:
    """One record that could not be taken: where it stood, every reason, and its text as it was found."""

    line_number: int
    reasons: tuple[str, ...]
    raw_text: str


Rows = Sequence[tuple[Any, ...]]
Combine = Callable[[Rows, Rows], Rows]
"""Takes the stored rows of one record and those just read, gives all rows that the record has from now on.

It must not depend on the order in which descriptions come, nor on how often one comes. It never takes a row away.
"""


@dataclass(frozen=True)
class Batch:
    """Rows of one table, made of consecutive records of one file.

    `rows` hold the values of `columns` in that order. `record_of_row[i]` is the record, counted from 0 within this
    batch, that row i came from: one wide record gives several rows. `line_numbers[r]` and `raw_text(r)` lead back to
    record r in the file. `rejects` are the records that gave no row; `record_count` counts all of them. With `combine`,
    the rows that share the first column of the table's key are one record and merge as a whole. `unnamed_count` says of
    how many records the key is made of their content, because the file names them by nothing.
    """

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    record_of_row: Sequence[int]
    line_numbers: Sequence[int]
    raw_text: Callable[[int], str]
    record_count: int
    rejects: list[Reject] = field(default_factory=list)
    combine: Combine | None = None
    unnamed_count: int = 0
