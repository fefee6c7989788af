"""When an outcome may be counted: a failure shows later than a success, so young cases look better than they are."""

import numpy as np
import pandas as pd

from asp_analysis.intervals import Floats

_QUANTILE, _ENOUGH = 0.9, 5
_WAIT_SHARE = 2 / 3

_TAIL_SPREADS = 2.5
"""Coefficients of variation above the mean: 97 % of exponential delays, and all of those that are alike."""

_FIXED_POINT_STEPS = 30


def find_lag(delays: Floats, span: float, ages: Floats | None = None) -> float:
    """Return after how long a case counts: the 90 % quantile of the delays with which failures became known.

    delays: of known failures, from the end of the case; span: how long the record is, both in one unit. With fewer than
    5 failures nobody knows how late they come: then it is two thirds of the record. ages: how long ago these cases
    ended; with them the wait is longer where delays scatter, as late failures of young cases are not known yet.
    """
    known = np.maximum(np.asarray(delays, dtype=float), 0.0)
    is_known = ~np.isnan(known)
    known = known[is_known]
    if len(known) < _ENOUGH:
        return max(span * _WAIT_SHARE, float(known.max(initial=0.0)))
    seen = float(np.quantile(known, _QUANTILE))
    if ages is None or not known.any():
        return seen
    return max(seen, _expect_tail(known, np.maximum(np.asarray(ages, dtype=float)[is_known], known), span))


def _expect_tail(delays: Floats, ages: Floats, span: float) -> float:
    """Return the mean delay plus 2.5 of its coefficients of variation, corrected for those that nobody could see yet.

    The correction is that of exponential delays, each seen only if it is shorter than its case's age (right
    truncation): the mean m solves m = mean(delays) + mean(age / (exp(age / m) - 1)); delays that are alike get none.
    """
    seen = mean = float(delays.mean())
    for _ in range(_FIXED_POINT_STEPS):
        mean = min(seen + float(np.mean(ages / np.expm1(np.clip(ages / mean, 1e-9, 50.0)))), max(span, seen))
    scatter = min(float(delays.std(ddof=1)) / seen, 1.0)
    return (seen + scatter * (mean - seen)) * (1 + _TAIL_SPREADS * scatter)


def find_lag_of(
    ended_at: pd.Series, seconds: pd.Series, as_of: pd.Timestamp, ages: pd.Series | None = None
) -> pd.Timedelta:
    """Return `find_lag` of cases that ended at these instants, and of the seconds after which failures were known."""
    first = ended_at.min()
    span = 0.0 if pd.isna(first) else max((as_of - first).total_seconds(), 0.0)
    known_ages = None if ages is None else ages.to_numpy(dtype=float)
    return pd.Timedelta(seconds=find_lag(seconds.to_numpy(dtype=float), span, known_ages))
