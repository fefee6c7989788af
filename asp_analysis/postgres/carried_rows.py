"""The rows of the source that the server can take, ready for COPY; the others are set aside with their reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asp_analysis.postgres.carried_tables import ServerTable
from asp_analysis.postgres.dirty import Inspector, Reason, Reasons, SetAside
from asp_analysis.postgres.server_values import Converted, convert
from asp_analysis.postgres.sqlite_source import SqliteSource


@dataclass(frozen=True)
class Rows:
    """Rows that the server can take, column by column."""

    row_count: int
    columns: Sequence[Converted]

    def as_copied(self) -> str:
        """Return the rows in the text form of COPY."""
        return "\n".join(map("\t".join, zip(*(column.copied() for column in self.columns), strict=True))) + "\n"


def read_rows(source: SqliteSource, table: ServerTable, set_aside: SetAside) -> Iterator[tuple[int, Rows]]:
    """Read a table; yield for each chunk how many rows were read and those that the server can take."""
    inspector = Inspector(source, table, set_aside)
    for chunk in source.chunks(table):
        reasons: Reasons = {}
        columns = _read_columns(table, chunk.columns, reasons)
        inspector.inspect(chunk, reasons)
        if reasons:
            set_aside.add(source, table, chunk, reasons)
            columns = _read_columns(table, _without(reasons, chunk.columns), {})
        yield len(chunk.rowids), Rows(len(chunk.rowids) - len(reasons), columns)


def _read_columns(table: ServerTable, columns: Sequence[Sequence[Any]], reasons: Reasons) -> list[Converted]:
    """Read the columns whose values can all be read; note the rows whose value cannot."""
    found = []
    for column, values in zip(table.columns, columns, strict=True):
        converted, wrong = convert(column.kind, values)
        if converted is not None:
            found.append(converted)
        for place, value in enumerate(values if wrong else ()):
            if value in wrong:
                reasons.setdefault(place, []).append(Reason(column.name, value, wrong[value]))
    return found


def _without(reasons: Reasons, columns: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the columns without the rows that are set aside."""
    return [[value for place, value in enumerate(values) if place not in reasons] for values in columns]
