"""What a query found as values of Python: a listing needs no frame, and pandas takes half a second to import."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    import pandas as pd

_EXACT_TYPES = {
    *("VARCHAR", "BOOLEAN", "DOUBLE", "TIMESTAMP", "DATE"),
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
}
_ENDS = {datetime.min, datetime.max, date.min, date.max}
"""What Python is given for the infinite instants; the days are themselves."""


@dataclass(frozen=True)
class FoundRows:
    """The names of the columns and the rows, every value exact: integers, Decimal, texts, naive UTC instants."""

    names: list[str]
    values: list[tuple[Any, ...]]


def fetch_rows(connection: duckdb.DuckDBPyConnection, query: str, parameters: Any) -> "FoundRows | pd.DataFrame":
    """Return the rows that a query finds; a frame where a value has no exact form among those of Python."""
    found = connection.execute(query, parameters)
    columns = [(column[0], str(column[1])) for column in found.description]
    if all(kind in _EXACT_TYPES or kind.startswith("DECIMAL(") for _, kind in columns):
        values = found.fetchall()
        timed = [place for place, (_, kind) in enumerate(columns) if kind in ("TIMESTAMP", "DATE")]
        if not any(_is_beyond(row[place]) for place in timed for row in values):
            return FoundRows([name for name, _ in columns], values)
        found = connection.execute(query, parameters)
    from asp_analysis.session.frames import framed

    return framed(found)


def _is_beyond(value: date | str | None) -> bool:
    """Return whether an instant or a day may be an infinite one, or is text because Python has no such year."""
    return value is not None and (isinstance(value, str) or value in _ENDS)
