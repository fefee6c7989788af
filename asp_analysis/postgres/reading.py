"""The rows of the source that the server can take, ready for COPY; the others are set aside with their reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asp_analysis.postgres.dirty import Inspector, Reason, Reasons, SetAside
from asp_analysis.postgres.source import Source
from asp_analysis.postgres.tables import Column, Table
from asp_analysis.postgres.values import Converted, convert


@dataclass(frozen=True)
class Rows:
    """Rows that the server can take, column by column."""

    row_count: int
    columns: Sequence[Converted]

    def as_copied(self) -> str:
        """Return the rows in the text form of COPY."""
        return "\n".join(map("\t".join, zip(*(column.copied() for column in self.columns), strict=True))) + "\n"


def read_rows(source: Source, table: Table, set_aside: SetAside) -> Iterator[tuple[int, Rows]]:
    """Read a table; give for each chunk how many rows were read and those that the server can take."""
    inspector = Inspector(source, table, set_aside)
    for chunk in source.chunks(table):
        reasons: Reasons = {}
        converted = [_converted(*known, reasons) for known in zip(table.columns, chunk.columns, strict=True)]
        inspector.inspect(chunk, reasons)
        if reasons:
            set_aside.add(source, table, chunk, reasons)
            converted = list(_without(reasons, table, chunk.columns))
        yield len(chunk.rowids), Rows(len(chunk.rowids) - len(reasons), converted)


def _converted(column: Column, values: Sequence[Any], reasons: Reasons) -> Converted | None:
    """Read a column; note the rows whose value cannot be read."""
    converted, wrong = convert(column.kind, values)
    if wrong:
        for place, value in enumerate(values):
            if value in wrong:
                reasons.setdefault(place, []).append(Reason(column.name, value, wrong[value]))
    return converted


def _without(reasons: Reasons, table: Table, columns: Sequence[Sequence[Any]]) -> Iterator[Converted]:
    """Read the columns again without the rows that are set aside."""
    for column, values in zip(table.columns, columns, strict=True):
        kept, _ = convert(column.kind, [value for place, value in enumerate(values) if place not in reasons])
        yield kept
