"""What travels from an importer to the store: batches of finished rows, and the records that could not become rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reject:
    """One record that could not be taken: where it stood, every reason, and its text as it was found."""

    line_number: int
    reasons: tuple[str, ...]
    raw_text: str


@dataclass(frozen=True)
class Batch:
    """Rows of one table, made of consecutive records of one file.

    `rows` hold the values of `columns` in that order. `record_of_row[i]` is the record, counted from 0 within this
    batch, that row i came from: one wide record gives several rows. `line_numbers[r]` and `raw_text(r)` lead back to
    record r in the file. `rejects` are the records that gave no row; `record_count` counts all of them.
    """

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    record_of_row: Sequence[int]
    line_numbers: Sequence[int]
    raw_text: Callable[[int], str]
    record_count: int
    rejects: list[Reject] = field(default_factory=list)
