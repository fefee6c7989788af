"""The distribution of what will be spent in the days ahead: the past errors of such forecasts, around a new one.

Levels are mixed by how well they did. Errors count by how far ahead they looked, how long ago they were, and how alike
the days before them were (a part that rests and one that is busy go on in different ways). They are a conformal
predictive distribution: quantiles of past errors of forecasts made in the same way (Vovk and others 2005), weighted
(Barber and others 2023). Errors of shorter forecasts replace missing ones of long forecasts, wider by what drifts. A
normal distribution worth three windows keeps few errors from promising too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asp_analysis.spending.rolling_past import NO_SPEND, ZERO_RATIO, RollingPast

ERRORS_HALF_LIFE_DAYS = 180.0
NEARNESS_IN_HORIZON = 0.5
"""Width of the Gaussian weight on ln of the ratio of two horizons."""

NEARNESS_IN_ACTIVITY = 0.8
"""Width of the Gaussian weight on the difference of two activities."""

UNLIKE = 0.1
"""What errors after unlike days count, at least."""

DRIFT = 0.04
"""Share of a day's variance that averaging over days does not remove."""

PRIOR_VARIANCE = 1.5
"""Variance of the error of a forecast of one day, before any was seen; it falls with 1 / days + DRIFT."""

PRIOR_WINDOWS = 3.0
"""Past windows that the prior is worth."""

SELECTION = 4.0
"""How strongly levels that did worse are left out."""

PRIOR_BACKLOG_WINDOWS = 6.0
"""Past windows that "open tasks move nothing" is worth."""

_NORMAL = np.array([-1.8, -1.27, -0.94, -0.66, -0.42, -0.2, 0.0, 0.2, 0.42, 0.66, 0.94, 1.27, 1.8])
"""Thirteen quantiles of a normal distribution, stretched by a tenth for its tails."""


@dataclass(frozen=True)
class Outlook:
    """What may be spent, rising, and the share of each value: (k,) both; the shares sum up to 1."""

    values: np.ndarray
    shares: np.ndarray

    @property
    def _positions(self) -> np.ndarray:
        return np.cumsum(self.shares) - self.shares / 2

    def find_quantiles(self, shares: Sequence[float]) -> np.ndarray:
        """Return the amounts with these shares of the distribution below."""
        return np.interp(shares, self._positions, self.values)

    def find_chance_over(self, amount: float) -> float:
        """Return the probability that more than an amount is spent."""
        if amount < 0:
            return 1.0
        return float(1 - np.interp(amount, self.values, self._positions, left=0.0, right=1.0))


def look_ahead(past: RollingPast, day: int, horizon: int) -> Outlook:
    """Return what may be spent in so many days from a day on, from what was known before it.

    day: 0 is the first day of the series; at least 8, so that one error is known.
    """
    known = past.count_known(day)
    errors, far = past.errors[:known], past.horizon[:known]
    weight, windows = _weigh(past, day, horizon)
    mix = _mix_levels(errors, weight, windows)
    centre = float(np.log(past.expect(day, horizon)) @ mix)
    error = errors @ mix
    slope = _fit_backlog(past.backlog[past.origin[:known]], error, weight, windows)
    is_nothing = error <= NO_SPEND + 1e-9
    error = error - slope * past.backlog[past.origin[:known]]
    error = np.where(is_nothing, NO_SPEND, error * np.sqrt(_widen(horizon) / _widen(far)))
    seen = float(weight @ error**2 / weight.sum())
    variance = (windows * seen + PRIOR_WINDOWS * PRIOR_VARIANCE * _widen(horizon)) / (windows + PRIOR_WINDOWS)
    error = np.append(error, _NORMAL * np.sqrt(variance))
    share = np.append(weight * windows / weight.sum(), np.full(len(_NORMAL), PRIOR_WINDOWS / len(_NORMAL)))
    moved = error + np.where(error <= NO_SPEND + 1e-9, 0.0, slope * past.backlog[day])
    ratio = np.maximum((ZERO_RATIO + 1) * np.exp(moved) - ZERO_RATIO, 0.0)
    order = np.argsort(ratio, kind="stable")
    return Outlook(np.exp(centre) * ratio[order], (share / share.sum())[order])


def _widen(horizon: np.ndarray | float) -> np.ndarray:
    return 1 / np.asarray(horizon, float) + DRIFT


def _weigh(past: RollingPast, day: int, horizon: int) -> tuple[np.ndarray, float]:
    """Return what each known error counts, and how many windows that do not overlap they are worth."""
    known = past.count_known(day)
    origin, far = past.origin[:known], past.horizon[:known]
    distance = np.log(far / horizon)
    age = 0.5 ** ((day - origin) / ERRORS_HALF_LIFE_DAYS) / far  # windows of h days overlap h times
    unlike = (past.activity[day] - past.activity[origin]) / NEARNESS_IN_ACTIVITY
    alike = (np.exp(-0.5 * unlike**2) + UNLIKE) / (1 + UNLIKE)
    near = np.abs(distance) < 0.3
    near = near if near.any() else far == far.max()
    windows = float((age * alike)[near].sum() / len(np.unique(far[near])))
    return age * alike * (np.exp(-0.5 * (distance / NEARNESS_IN_HORIZON) ** 2) + 1e-4), windows


def _mix_levels(errors: np.ndarray, weight: np.ndarray, windows: float) -> np.ndarray:
    """Return the share of each level in the forecast: less for one whose errors were larger, by how much is known."""
    squared = weight @ errors**2 / weight.sum()
    excess = (squared - squared.min()) / max(float(squared.min()), 0.05)
    share = np.exp(-SELECTION * excess * windows / (windows + 1))
    return share / share.sum()


def _fit_backlog(backlog: np.ndarray, error: np.ndarray, weight: np.ndarray, windows: float) -> float:
    """Return by how much errors rose with the tasks that were open: a ridge line through 0; 0 where nothing varied."""
    share = weight * windows / weight.sum()
    return float(share @ (backlog * error) / (share @ backlog**2 + PRIOR_BACKLOG_WINDOWS * 0.1))
