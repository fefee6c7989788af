"""What runs would have cost that a limit cut off: the distribution of costs of which some are lower bounds only.

A run that was stopped after an hour takes an hour or more. Quantiles that count it as one of an hour are lower bounds;
leaving it out is worse, because the long runs are cut off. The product-limit estimate (Kaplan and Meier 1958) counts it
among the runs that were at least as long, for as long as it ran. It holds where a limit says nothing of the run itself:
the same for all, or one that was set before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

TOLERANCE = 1e-12
"""Rounding of a share of survivors: ten thousand factors are exact to this."""


def find_uncut_quantiles(cost: ArrayLike, is_cut: ArrayLike, shares: Sequence[float]) -> np.ndarray:
    """The costs that these shares of runs stay within when none is cut off; NaN where too many were cut to know.

    cost: (n,), of a run that was cut off what it had cost by then. is_cut: (n,). A quantile is the lowest cost at which
    the share of survivors S = product of (1 - finished / at risk) is at most 1 - share; where cost and cut fall
    together, the run that finished comes first. Between two costs that are exactly on the share, their mean.
    """
    value, cut = np.asarray(cost, float), np.asarray(is_cut, bool)
    order = np.lexsort((cut, value))
    value, cut = value[order], cut[order]
    at_risk = np.arange(len(value), 0, -1)
    survivors = np.cumprod(np.where(cut, 1.0, 1 - 1 / at_risk))
    value, survivors = value[~cut], survivors[~cut]
    found = np.full(len(shares), np.nan)
    for place, share in enumerate(shares):
        reached = np.flatnonzero(survivors <= 1 - share + TOLERANCE)
        if len(reached):
            first = reached[0]
            is_level = abs(survivors[first] - (1 - share)) <= TOLERANCE and first + 1 < len(value)
            found[place] = value[first : first + 2].mean() if is_level else value[first]
    return found
