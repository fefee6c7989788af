"""When an outcome may be counted: a failure shows later than a success, so young cases look better than they are."""

import numpy as np
import pandas as pd

from asp_analysis.intervals import Floats

_QUANTILE, _ENOUGH = 0.9, 5
_WAIT_SHARE = 2 / 3


def find_lag(delays: Floats, span: float) -> float:
    """Return after how long a case counts: the 90 % quantile of the delays with which failures became known.

    delays: of known failures, from the end of the case; span: how long the record is, both in one unit. With fewer than
    5 failures nobody knows how late they come: then it is two thirds of the record.
    """
    known = np.maximum(np.asarray(delays, dtype=float), 0.0)
    known = known[~np.isnan(known)]
    if len(known) >= _ENOUGH:
        return float(np.quantile(known, _QUANTILE))
    return max(span * _WAIT_SHARE, float(known.max(initial=0.0)))


def find_lag_of(ended_at: pd.Series, seconds: pd.Series, as_of: pd.Timestamp) -> pd.Timedelta:
    """Return `find_lag` of cases that ended at these instants, and of the seconds after which failures were known."""
    first = ended_at.min()
    span = 0.0 if pd.isna(first) else max((as_of - first).total_seconds(), 0.0)
    return pd.Timedelta(seconds=find_lag(seconds.to_numpy(dtype=float), span))
