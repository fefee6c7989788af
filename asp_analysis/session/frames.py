"""What a query found as a frame, with the types of DuckDB's own `df()`, in less than half its time.

`df()` makes a Python object of every text and pandas then an Arrow array of the objects. Where all columns are of the
types that the views have, Arrow goes straight to pandas; anything else is left to `df()`.
"""

import duckdb
import pandas as pd
import pyarrow as pa

DAYS = "days"
"""The attribute of a frame that names its columns of dates."""

_PLAIN_TYPES = {"VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE"}
_DATE, _INSTANT = pa.date32(), pa.timestamp("us")
_WITH_UNKNOWN = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype()}
"""Arrow's type -> the one of pandas that can hold a missing value of it."""


def framed(found: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the rows that a statement found; texts are `str` also where all are missing (`df()` says `object`).

    `attrs[DAYS]` of the frame names the columns of dates: pandas has no type of its own for them.
    """
    kinds = [(column[0], str(column[1])) for column in found.description]
    frame = _frame(found, [name for name, _ in kinds], {kind for _, kind in kinds})
    if days := [name for name, kind in kinds if kind == "DATE"]:
        frame.attrs[DAYS] = days
    return frame


def _frame(found: duckdb.DuckDBPyConnection, names: list[str], kinds: set[str]) -> pd.DataFrame:
    if len(set(names)) < len(names) or not kinds <= _PLAIN_TYPES:
        return found.df()
    table = found.to_arrow_table()
    table = table.cast(pa.schema((f.name, _INSTANT if f.type == _DATE else f.type) for f in table.schema))
    frame = table.to_pandas()
    for field in table.schema:
        if field.type in _WITH_UNKNOWN and table[field.name].null_count:
            frame[field.name] = table[field.name].to_pandas(types_mapper=_WITH_UNKNOWN.get)
    return frame


class Listing(pd.DataFrame):
    """A frame that a notebook shows whole: every row, and every word of its texts."""

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None, "display.max_rows", None):
            return self.to_html(border=0)
