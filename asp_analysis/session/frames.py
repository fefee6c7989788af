"""What a query found as a frame, with the types of DuckDB's own `df()`, in less than half its time.

`df()` makes a Python object of every text and pandas then an Arrow array of the objects; it makes floats of large
integers and of DECIMAL, and days of months. Where columns are of types that Arrow brings over exactly, it is not used.
"""

from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

DAYS = "days"
"""The attribute of a frame that names its columns of dates."""

_PLAIN_TYPES = {"VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE"}
_DECIMAL = "DECIMAL("
_NESTED = ("STRUCT(", "MAP(")
_ENDLESS = 2**63 - 1
"""DuckDB's infinite instant, in microseconds."""

_DATE, _INSTANT = pa.date32(), pa.timestamp("us")
_WITH_UNKNOWN = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype()}
"""Arrow's type -> the one of pandas that can hold a missing value of it."""


def framed(found: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the rows that a statement found; texts are `str` also where all are missing (`df()` says `object`).

    `attrs[DAYS]` of the frame names the columns of dates: pandas has no type of its own for them.
    """
    kinds = [(column[0], str(column[1])) for column in found.description]
    frame = _frame(found, [name for name, _ in kinds], [kind for _, kind in kinds])
    if days := [name for name, kind in kinds if kind == "DATE"]:
        frame.attrs[DAYS] = days
    return frame


def _frame(found: duckdb.DuckDBPyConnection, names: list[str], kinds: list[str]) -> pd.DataFrame:
    if not all(map(_is_from_arrow, kinds)) and not any(map(_is_made_inexact, kinds)):
        return found.df()
    table = found.to_arrow_table()
    table = table.rename_columns([str(place) for place in range(len(names))])  # a name may come twice
    special = {
        place: _read_special(table[int(place)], kind) for place, kind in zip(table.column_names, kinds, strict=True)
    }
    plain = table.select([place for place in table.column_names if special[place] is None])
    plain = plain.cast(pa.schema((f.name, _INSTANT if f.type == _DATE else f.type) for f in plain.schema))
    frame = plain.to_pandas()
    for field in plain.schema:
        if field.type in _WITH_UNKNOWN and plain[field.name].null_count:
            frame[field.name] = plain[field.name].to_pandas(types_mapper=_WITH_UNKNOWN.get)
    for place, column in special.items():
        if column is not None:
            frame.insert(int(place), place, column)
    frame.columns = pd.Index(names)
    return frame


def _is_from_arrow(kind: str) -> bool:
    return kind in _PLAIN_TYPES or _is_made_inexact(kind)


def _is_made_inexact(kind: str) -> bool:
    """Return whether `df()` would change values of a type, or pandas cannot hold them as they are."""
    return kind in ("HUGEINT", "INTERVAL") or kind.endswith("[]") or kind.startswith((_DECIMAL, *_NESTED))


def _read_special(column: pa.ChunkedArray, kind: str) -> pd.Series | None:
    """Return a column that pandas would make inexact or cannot hold as it is; None for the others."""
    if kind == "HUGEINT":
        return _read_integers(column.to_pylist())
    if kind.startswith(_DECIMAL) and not kind.endswith("[]"):
        return pd.Series(column.to_pylist(), dtype=object)
    if kind == "INTERVAL":
        return pd.Series([_write_interval(value) for value in column.to_pylist()], dtype=object)
    if kind.endswith("[]") or kind.startswith(_NESTED):
        return pd.Series([dict(v) if kind.startswith("MAP") and v else v for v in column.to_pylist()], dtype=object)
    if kind == "TIMESTAMP" and _has_infinity(column):
        return pd.Series([_write_endless(value) for value in column.cast(pa.int64()).to_pylist()], dtype=object)
    return None


def _read_integers(values: list[Any]) -> pd.Series:
    """Return sums of integers as integers; DuckDB gives them 128 bits, which pandas would make floats."""
    numbers = [None if value is None else int(value) for value in values]
    if any(number is not None and abs(number) >= 2**63 for number in numbers):
        return pd.Series(numbers, dtype=object)
    return pd.Series(numbers, dtype="Int64" if None in numbers else "int64")


def _write_interval(value: Any) -> str | None:
    """Write an interval as PostgreSQL does: months have no fixed number of days."""
    if value is None:
        return None
    months, days, nanoseconds = value
    parts = [
        f"{count} {noun}{'' if abs(count) == 1 else 's'}" for count, noun in ((months, "month"), (days, "day")) if count
    ]
    seconds, rest = divmod(abs(nanoseconds), 10**9)
    clock = f"{'-' if nanoseconds < 0 else ''}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    clock += f".{rest // 1000:06}" if rest else ""
    return " ".join(parts + ([clock] if nanoseconds or not parts else []))


def _has_infinity(column: pa.ChunkedArray) -> bool:
    ends = pc.min_max(column.cast(pa.int64())).as_py()
    return ends["max"] == _ENDLESS or ends["min"] == -_ENDLESS


def _write_endless(value: int | None) -> str | None:
    if value is None or abs(value) != _ENDLESS:
        return None if value is None else f"{pd.Timestamp(value, unit='us').isoformat()}Z"
    return "infinity" if value > 0 else "-infinity"


class Listing(pd.DataFrame):
    """A frame that a notebook shows whole: every row, and every word of its texts."""

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None, "display.max_rows", None):
            return self.to_html(border=0)
