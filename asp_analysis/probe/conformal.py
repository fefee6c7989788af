"""An interval is a pair of quantiles of past forecast errors, weighted towards tasks like the next one.

Errors are log residuals `ln(actual) - ln(centre)` of forecasts that were made before the actual was known, so they need no
correction for fitting. Two things make such quantiles fail on agents: errors depend on size, and runs come in blocks and
drift. The first is met by weights (near in log size, and, for models that ask for it, recent), the second by adaptive
conformal inference: the level that is asked of the quantiles follows the misses.

Own code because MAPIE's and crepes' regressors know neither weights per forecast nor a level that moves.
Sources: Vovk, Gammerman and Shafer (2005); weights: Tibshirani et al. (2019), Barber et al. (2023); adaptive level: Gibbs and
Candes (2021); several learning rates at once, weighted by their past loss (DtACI): Gibbs and Candes (2024), algorithm 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from asp_analysis.errors import EstimationRefusal

LEARNING_RATES = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08)
"""Steps of the adaptive level, a doubling grid: the smallest forgets over about 500 tasks, the largest over about 12."""

ADAPTATION_SPAN = 100
"""Tasks over which the choice among the learning rates should be near the best one (I of DtACI)."""

SMALLEST_MISS_SHARE = 0.01
"""The adaptive level stops at 99 %: past it a finite history knows nothing and the interval would only grow."""

BLOCK = 512
"""Forecasts that are calibrated at once: the weights are a matrix of BLOCK rows by BLOCK + WINDOW columns."""

WINDOW = 1024
"""Past forecasts that an interval looks at; more would cost memory and change the quantiles by less than 2 points."""


FAR_MASS = 3
"""Past errors of unlike size count together as this many tasks: enough for a distribution where no like task is known."""


@dataclass(frozen=True)
class Calibration:
    """How the past errors of a model become its intervals.

    half_life_tasks: tasks after which an error counts half; None counts all alike.
    bandwidth_sd: width of the Gaussian weight on the distance in log size, in standard deviations of the past log sizes;
    None ignores size. is_adaptive: the level follows the misses.
    """

    half_life_tasks: float | None = None
    bandwidth_sd: float | None = None
    is_adaptive: bool = True


@dataclass(frozen=True)
class Calibrated:
    """Forecasts on the log scale, one row per task in order, the last one for the task to come (no actual yet).

    median, mean: shape (n + 1,). lower, upper: shape (n + 1, levels). miss_share: the 1 - level that was really asked of the
    quantiles. NaN where the past did not carry a forecast. n_effective: sum(w)^2 / sum(w^2) of the weights.
    """

    median: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    miss_share: np.ndarray
    n_effective: np.ndarray


def points_needed(level: float) -> int:
    """The smallest n that gives a finite symmetric conformal interval: ceil(level (n + 1)) <= n, so n >= level / (1 - level)."""
    return math.ceil(level / (1 - level) - 1e-9)


def conformal_half_width(residuals: np.ndarray, level: float) -> float:
    """Half width of the split or leave-one-out conformal interval: the ceil(level (n + 1))-th smallest absolute residual.

    residuals: shape (n,), of forecasts that had not seen their own actual (held out, or leave-one-out).
    Raises EstimationRefusal when n is too small for a finite interval.
    """
    sizes = np.sort(np.abs(np.asarray(residuals, dtype=float)))
    rank = math.ceil(level * (len(sizes) + 1) - 1e-9)
    if rank > len(sizes):
        raise EstimationRefusal(
            f"{points_needed(level)} past forecasts are needed for a {level:.0%} conformal interval, {len(sizes)} found. "
            "Ask for a lower level or finish more tasks."
        )
    return float(sizes[rank - 1])


def adaptive_miss_shares(p_values: np.ndarray, nominal: np.ndarray) -> np.ndarray:
    """The miss share (1 - level) to ask for before each outcome, so that misses come out at `nominal` in the long run.

    p_values: shape (n, streams), the largest miss share at which the outcome would still have been inside; NaN where there
    was no forecast. nominal: shape (streams,). Returns shape (n + 1, streams); row t uses outcomes before t only.
    Each learning rate g moves its own share by g (nominal - missed); the shares are averaged with weights that fall with the
    pinball loss of the share against the p-value (DtACI).
    """
    n, streams = p_values.shape
    rates = np.array(LEARNING_RATES)
    level = 1 - nominal
    spread = level**2 * nominal**3 + level**3 * nominal**2
    eta = np.sqrt(3 / ADAPTATION_SPAN * (np.log(len(rates) * ADAPTATION_SPAN) + 2) / spread)[:, None]
    mixing = 1 / (2 * ADAPTATION_SPAN)
    target = nominal[:, None]
    shares = np.repeat(target, len(rates), axis=1)
    weights = np.full((streams, len(rates)), 1 / len(rates))
    asked = np.empty((n + 1, streams))
    for t in range(n):
        asked[t] = (weights * shares).sum(1)
        p = p_values[t][:, None]
        is_known = ~np.isnan(p)
        is_miss = p < shares
        loss = np.where(is_miss, (1 - target) * (shares - p), target * (p - shares))
        weights = weights * np.exp(-eta * np.where(is_known, loss, 0.0))
        weights = (1 - mixing) * weights / weights.sum(1, keepdims=True) + mixing / len(rates)
        shares = np.clip(shares + np.where(is_known, rates * (target - is_miss), 0.0), -0.2, 1.2)
    asked[n] = (weights * shares).sum(1)
    return np.clip(asked, np.minimum(SMALLEST_MISS_SHARE, nominal), 0.999)


def calibrate(centre, log_cost, log_size, levels, calibration: Calibration) -> Calibrated:
    """Intervals around a rolling centre, each from the errors before it.

    centre: (n + 1,), forecast of ln cost before each outcome, the last for the task to come. log_cost: (n,).
    log_size: (n + 1,). levels: nominal levels in (0, 1).
    """
    n = len(log_cost)
    residual = log_cost - centre[:n]
    nominal = 1 - np.asarray(levels, dtype=float)
    bandwidth = size_bandwidths(log_size) * calibration.bandwidth_sd if calibration.bandwidth_sd else None
    pieces = [
        _Piece(start, min(start + BLOCK, n + 1), residual, _sized(log_size, bandwidth), calibration.half_life_tasks)
        for start in range(0, n + 1, BLOCK)
    ]
    miss_share = np.tile(nominal, (n + 1, 1))
    if calibration.is_adaptive:
        p_values = np.concatenate([piece.p_values(residual) for piece in pieces])[:n]
        miss_share = adaptive_miss_shares(np.repeat(p_values[:, None], len(nominal), axis=1), nominal)
    bounds = [piece.bounds(miss_share[piece.start : piece.stop]) for piece in pieces]
    middle = np.concatenate([piece.middle for piece in pieces])
    smear = np.concatenate([piece.log_mean for piece in pieces])
    return Calibrated(
        centre + middle,
        centre + smear,
        centre[:, None] + np.concatenate([lower for lower, _ in bounds]),
        centre[:, None] + np.concatenate([upper for _, upper in bounds]),
        miss_share,
        np.concatenate([piece.n_effective for piece in pieces]),
    )


def size_bandwidths(log_size: np.ndarray) -> np.ndarray:
    """Standard deviation of the log sizes known up to each task, its own included (a size is known before the cost)."""
    known = ~np.isnan(log_size)
    count = np.maximum(np.cumsum(known), 1)
    shifted = np.where(known, log_size - (log_size[known][0] if known.any() else 0.0), 0.0)
    mean = np.cumsum(shifted) / count
    variance = np.cumsum(shifted**2) / count - mean**2
    return np.sqrt(np.maximum(variance, 1e-12))


def _sized(log_size, bandwidth):
    return None if bandwidth is None else (log_size, bandwidth)


class _Piece:
    """Weighted error distributions of the forecasts start..stop - 1, one row each, over the errors before them."""

    def __init__(self, start, stop, residual, sized, half_life):
        self.start, self.stop = start, stop
        first = max(0, start - WINDOW)
        columns = np.arange(first, max(stop - 1, first))
        columns = columns[~np.isnan(residual[columns])]
        columns = columns[np.argsort(residual[columns], kind="stable")]
        self.errors = residual[columns]
        weights = _weights(np.arange(start, stop), columns, sized, half_life)
        self.cumulated = np.cumsum(weights, axis=1)
        self.total = self.cumulated[:, -1] if len(columns) else np.zeros(stop - start)
        self._moments(weights)

    def _moments(self, weights):
        with np.errstate(divide="ignore", invalid="ignore"):
            self.n_effective = self.total**2 / (weights**2).sum(1)
            self.middle = self._value_at(self.total / 2)
            deviation = self.errors[None, :] - self.middle[:, None]
            variance = (weights * deviation**2).sum(1) / self.total
            self.log_mean = np.log((weights * np.exp(np.minimum(self.errors, 50))).sum(1) / self.total)
            # One residual too few for the centre, and the error of the centre itself (the 1 + 1/n of a prediction interval).
            dof = np.maximum(self.n_effective - 1, 1)
            self.sd = np.sqrt(variance * self.n_effective / dof * (1 + 1 / self.n_effective))
        self.dof = dof
        self.is_usable = self.n_effective >= 2 - 1e-9
        self.middle[~self.is_usable] = np.nan

    def _index_at(self, mass):
        return (self.cumulated < mass[:, None] - 1e-9).sum(1)

    def _value_at(self, mass):
        if not len(self.errors):
            return np.full(len(mass), np.nan)
        return self.errors[np.minimum(self._index_at(mass), len(self.errors) - 1)]

    def p_values(self, residual):
        """Two-sided weighted conformal p-value of each outcome; beyond every past error the t tail decides."""
        own = np.full(self.stop - self.start, np.nan)
        known = residual[self.start : self.stop]
        own[: len(known)] = known
        if not len(self.errors):
            return own * np.nan
        position = np.searchsorted(self.errors, own)
        below = np.where(position > 0, np.take_along_axis(self.cumulated, np.maximum(position - 1, 0)[:, None], 1)[:, 0], 0)
        tail = np.minimum(below, self.total - below)
        p = np.minimum(2 * (tail + 1) / (self.total + 1), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t_tail = 2 * special.stdtr(self.dof, -np.abs(own - self.middle) / self.sd)
        p = np.where(tail < 1e-9, np.fmin(p, t_tail), p)
        return np.where(self.is_usable & ~np.isnan(own), p, np.nan)

    def bounds(self, miss_share):
        """(lower, upper) errors, each (rows, levels): weighted quantiles, or the t tail where they would be infinite."""
        lower = np.full(miss_share.shape, np.nan)
        upper = np.full(miss_share.shape, np.nan)
        if not len(self.errors):
            return lower, upper
        least = self._value_at(np.full(len(self.total), 2e-9))
        most = self._value_at(self.total)
        for k, share in enumerate(miss_share.T):
            mass = share / 2 * (self.total + 1)
            reach = stats.t.ppf(1 - share / 2, self.dof) * self.sd
            is_finite = mass >= 1 - 1e-9
            low = np.where(is_finite, self._value_at(mass - 1), np.fmin(least, self.middle - reach))
            high = np.where(is_finite, self._value_at(self.total + 1 - mass), np.fmax(most, self.middle + reach))
            lower[:, k] = np.where(self.is_usable, low, np.nan)
            upper[:, k] = np.where(self.is_usable, high, np.nan)
        return lower, upper


def _weights(rows, columns, sized, half_life):
    age = rows[:, None] - columns[None, :]
    weights = np.where(age > 0, 1.0, 0.0)
    if half_life:
        weights *= np.exp2(-(np.maximum(age, 1) - 1) / half_life)
    if sized is not None:
        log_size, bandwidth = sized
        distance = (log_size[rows][:, None] - log_size[columns][None, :]) / bandwidth[rows][:, None]
        near = np.exp(-0.5 * np.minimum(distance**2, 50))
        far = FAR_MASS / np.maximum(weights.sum(1, keepdims=True), FAR_MASS)
        weights *= np.where(np.isnan(near), 1.0, np.maximum(near, far))
    return weights
