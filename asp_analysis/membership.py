"""Which names are among others, by hash: `Series.isin` of pandas' text type walks through the others one by one."""

import pandas as pd


def is_among(names: pd.Series, others: pd.Series) -> pd.Series:
    """Give for each name whether it is one of the others; the same answer as `names.isin(others)`."""
    return names.astype(object).isin(others.astype(object))
