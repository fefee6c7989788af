"""Which names are among others, by hash: `Series.isin` of pandas' text type walks through the others one by one."""

import pandas as pd
import pyarrow as pa
import pyarrow.compute

_ARROW_TEXT = pa.large_string()


def is_among(names: pd.Series, others: pd.Series) -> pd.Series:
    """Return for each name whether it is one of the others; the same answer as `names.isin(others)`, for texts only."""
    found = pa.compute.is_in(pa.array(names, type=_ARROW_TEXT), value_set=pa.array(others, type=_ARROW_TEXT))
    return pd.Series(found.to_numpy(zero_copy_only=False), index=names.index, name=names.name)
