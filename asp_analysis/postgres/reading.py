"""The rows of the source that the server can take, ready for COPY; the others are set aside with their reasons."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from asp_analysis.postgres.dirty import Inspector, Reason, Reasons, SetAside
from asp_analysis.postgres.source import Chunk, Source
from asp_analysis.postgres.tables import Column, Table
from asp_analysis.postgres.values import Converted, convert, read_moment


@dataclass(frozen=True)
class Rows:
    """Rows that the server can take: their values column by column, and what each distinct value becomes."""

    row_count: int
    columns: Sequence[Sequence[Any]]
    converted: Sequence[Converted]

    def as_copied(self) -> str:
        """Give the rows in the text form of COPY."""
        texts: list[Iterable[str]] = []
        for values, converted in zip(self.columns, self.converted, strict=True):
            text_of = converted.copied
            is_constant = len(text_of) == 1
            texts.append(repeat(text_of[values[0]], len(values)) if is_constant else map(text_of.__getitem__, values))
        return "\n".join(map("\t".join, zip(*texts, strict=True))) + "\n"


def read_rows(source: Source, table: Table, set_aside: SetAside) -> Iterator[tuple[int, Rows]]:
    """Read a table; give for each chunk how many rows were read and those that the server can take."""
    inspector = Inspector(source, table, set_aside)
    for chunk in source.chunks(table):
        reasons: Reasons = {}
        columns = _completed(table, chunk)
        converted = [_converted(*known, reasons) for known in zip(table.columns, columns, strict=True)]
        inspector.inspect(chunk, reasons)
        if reasons:
            set_aside.add(source, table, chunk, reasons)
            columns, converted = _without(reasons, columns, converted)
        yield len(chunk.rowids), Rows(len(chunk.rowids) - len(reasons), columns, converted)


def _completed(table: Table, chunk: Chunk) -> list[Sequence[Any]]:
    """Fill in what the writer would have filled in: defaults, and the date of an instant."""
    columns: list[Sequence[Any]] = list(chunk.columns)
    for place, column in enumerate(table.columns):
        values = columns[place]
        if column.kind == "DATE" and None in values:
            columns[place] = _dated(values, columns[place - 1])
        elif column.default is not None and None in values:
            columns[place] = [column.default if value is None else value for value in values]
    return columns


def _dated(days: Sequence[Any], moments: Sequence[Any]) -> list[Any]:
    """Give the UTC dates of instants where the file has none; of what is no instant, none."""
    found = []
    for day, moment in zip(days, moments, strict=True):
        if day is None and moment is not None:
            try:
                day = read_moment(moment).copied[:10]
            except ValueError:
                day = "1970-01-01"  # its row is set aside for the instant
        found.append(day)
    return found


def _converted(column: Column, values: Sequence[Any], reasons: Reasons) -> Converted:
    """Read each distinct value once; note the rows whose value cannot be read."""
    distinct = set(values)
    converted, wrong = convert(column.kind, distinct)
    if column.is_required and None in distinct:
        wrong[None] = "a value is needed"
    if wrong:
        for place, value in enumerate(values):
            if value in wrong:
                reasons.setdefault(place, []).append(Reason(column.name, value, wrong[value]))
    return converted


def _without(
    reasons: Reasons, columns: Sequence[Sequence[Any]], converted: Sequence[Converted]
) -> tuple[list[Sequence[Any]], list[Converted]]:
    """Leave out rows, and the values that only they had."""
    kept = [[value for place, value in enumerate(values) if place not in reasons] for values in columns]
    return kept, [one.only(set(values)) for one, values in zip(converted, kept, strict=True)]
