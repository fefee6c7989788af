"""What one token of each kind costs, as the costs of a model's calls themselves say it: no price list is needed.

Costs of calls are linear in their tokens, so that non-negative least squares on relative errors finds the prices. Four
kinds have fifteen sets of prices above zero: all are tried, which is exact, and needs no solver.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from asp_analysis.intervals import Floats

PRICED_TOKENS = ("tokens_fresh", "tokens_cache_read", "tokens_cache_write", "tokens_out")
"""Input that no cache held, input from a cache, input written to one, output."""

PRODUCTS = tuple(
    f"{one}__{other}" for place, one in enumerate(PRICED_TOKENS) for other in PRICED_TOKENS[place:]
)  # the upper half of a symmetric matrix, row by row
"""Columns of a frame of products: sums over calls of token kind times token kind, each divided by the call's cost."""

USUAL_RATIO = np.array([1.0, 0.1, 1.25, 5.0])
"""What kinds of tokens cost next to fresh input where a model's costs do not say it: as Anthropic's price list has it
(platform.claude.com, Pricing), and near most others."""

_FEWEST_CALLS = 8
_POOLED_ERROR, _OWN_ERROR = 0.05, 0.02
"""Largest root mean square of relative errors of costs by prices, over both periods, and of each by itself."""


@dataclass(frozen=True)
class _Fit:
    prices: Floats
    error: float


def find_weights(products: pd.DataFrame) -> dict[tuple[object, object], Floats]:
    """Return the prices of the four kinds of tokens by (period, model), in a unit that is the same for both periods.

    products: period, llm_model, calls, the columns of `PRODUCTS`, and of each of `PRICED_TOKENS` the sum over calls of
    tokens / cost. One set of prices serves both periods where it explains the costs of both; where each period is
    explained by prices of its own and both together are not, prices have changed and each has its own; else the usual
    ratio.
    """
    weights: dict[tuple[object, object], Floats] = {}
    for model, rows in products.groupby("llm_model", dropna=False, sort=False):
        pooled = _fit(rows)
        own = [_fit(rows[rows["period"] == period]) for period in rows["period"]]
        is_changed = len(own) == 2 and pooled.error > _OWN_ERROR and max(one.error for one in own) <= _OWN_ERROR
        shared = pooled.prices if pooled.error <= _POOLED_ERROR else USUAL_RATIO
        for period, fit in zip(rows["period"], own, strict=True):
            weights[period, None if pd.isna(model) else model] = fit.prices if is_changed else shared
    return weights


def _fit(rows: pd.DataFrame) -> _Fit:
    """Return the prices above or at zero that minimise the sum of (1 - tokens . prices / cost)^2."""
    calls = float(rows["calls"].sum())
    if calls < _FEWEST_CALLS:
        return _Fit(USUAL_RATIO, np.inf)
    gram = np.zeros((4, 4))
    gram[np.triu_indices(4)] = rows[list(PRODUCTS)].astype(float).sum().to_numpy()
    gram = gram + np.triu(gram, 1).T
    linear = rows[list(PRICED_TOKENS)].astype(float).sum().to_numpy()
    scale = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    gram, linear = gram / np.outer(scale, scale), linear / scale
    best, least = np.zeros(4), calls
    for count in range(1, 5):
        for kept in map(list, combinations(np.flatnonzero(np.diag(gram) > 0), count)):
            solved = np.linalg.lstsq(gram[np.ix_(kept, kept)], linear[kept], rcond=1e-12)[0]
            squares = calls - 2 * solved @ linear[kept] + solved @ gram[np.ix_(kept, kept)] @ solved
            if (solved >= 0).all() and squares < least - 1e-9 * calls:
                best, least = np.zeros(4), squares
                best[kept] = solved
    return _Fit(best / scale, float(np.sqrt(max(least, 0.0) / calls)))
