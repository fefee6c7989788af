"""What travels from an importer to the store: batches of finished rows, and the records that could not become rows.

The batch says how a record that comes again is merged with the stored one: tables of records say nothing, and the later
value wins; formats that may say the same thing in any order bring a `combine` function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reject:
    """One record that could not be taken: its line, every reason, and its text as it was found."""

    line_number: int
    reasons: tuple[str, ...]
    raw_text: str


Row = tuple[Any, ...]
Combine = Callable[[Row, Row], Row]
"""Takes the stored row of a record and the one just read, returns the row that the record has from now on.

It must not depend on the order in which descriptions come, nor on how often one comes.
"""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows of one table, made of consecutive records of one file, one row a record.

    `rows` hold the values of `columns` in that order. `record_of_row[i]` is the record, counted from 0 within this
    batch, that row i came from. `line_numbers[r]` and `raw_text(r)` lead back to record r in the file. `rejects` are
    the records that became no row; `record_count` counts all of them. `combine` merges a record with the stored one.
    `unnamed_count` says of how many records the key is made of their content, because the file names them by nothing.
    With `is_by_metric` a record is one metric of its execution: rows of one execution complete each other. With
    `has_computed_costs` costs that are in the metadata too were computed: they never replace one that is known.
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
    is_by_metric: bool = False
    has_computed_costs: bool = False
