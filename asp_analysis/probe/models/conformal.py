"""An interval is a pair of quantiles of past forecast errors, weighted towards tasks like the next one.

Errors are log residuals `ln(actual) - ln(centre)` of forecasts that were made before the actual was known, so they
need no correction for fitting. Two things make such quantiles fail on agents: errors depend on size, and runs come in
blocks and drift. Weights handle the first (near in log size, and, for models that ask for it, recent), the second
by the level that is asked of the quantiles: it follows the misses (`adaptive`).

Own code because MAPIE's and crepes' regressors know neither weights per forecast nor a level that moves.
Sources: Vovk, Gammerman and Shafer (2005); weights: Tibshirani et al. (2019), Barber et al. (2023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from asp_analysis.probe.models.adaptive import AdaptiveLevel

BLOCK = 512
"""Forecasts that are calibrated at once: the weights are a matrix of BLOCK rows by BLOCK + MOST_ERRORS columns."""

MOST_ERRORS = 1024
"""Past errors that an interval looks at; more would cost memory and change the quantiles by less than 2 points."""

CACHED_ROWS = 64
"""Of them so many are weighed at once; the rows do not depend on each other."""

ENOUGH = 20
"""Past tasks (19 support both tails of a 90 % interval) from which on quantiles are read between two errors instead of
at the outer one, and no bound goes beyond the highest or lowest of them: a handful should rather cover too much
than too little."""

FAR_MASS = 3
"""Past errors of unlike size count together as this many tasks: a distribution where no like task is known."""


@dataclass(frozen=True)
class Calibration:
    """How the past errors of a model become its intervals.

    half_life_tasks: tasks after which an error counts half; None counts all alike. bandwidth_sd: width of the
    Gaussian weight on the distance in log size, in standard deviations of the past log sizes; None ignores size.
    is_adaptive: the level follows the misses.
    """

    half_life_tasks: float | None = None
    bandwidth_sd: float | None = None
    is_adaptive: bool = True


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """Forecasts on the log scale, one row per task in order, the last one for the task to come (no actual yet).

    median, mean: shape (n + 1,). lower, upper: shape (n + 1, levels). NaN where the past did not support a forecast.
    n_effective: sum(w)^2 / sum(w^2) of the weights. p_value: (n,), the largest miss share at which the outcome would
    have been inside. bound: miss shares and which rows are wanted -> (lower, upper), computed again by blocks.
    """

    median: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    n_effective: np.ndarray
    p_value: np.ndarray
    bound: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def calibrate(
    centres: Sequence[np.ndarray],
    log_cost: np.ndarray,
    log_size: np.ndarray,
    levels: Sequence[float],
    calibrations: Sequence[Calibration],
) -> list[Calibrated]:
    """Intervals around several rolling centres of one series, each from its errors before.

    centres: one (n + 1,) per calibration, the forecast of ln cost before each outcome, the last for the task to come.
    log_cost: (n,). log_size: (n + 1,). levels: nominal levels in (0, 1).
    """
    n, nominal = len(log_cost), 1 - np.asarray(levels, dtype=float)
    seen = find_seen_range(log_cost, log_size)
    shares = np.tile(nominal, (len(centres), n + 1, 1))
    is_unseen = (log_cost < seen[0][:n]) | (log_cost > seen[1][:n])
    adaptive = [k for k, one in enumerate(calibrations) if one.is_adaptive]
    level = AdaptiveLevel(np.tile(nominal, len(adaptive)))
    errors = _collect_errors(centres, log_cost, log_size, calibrations)
    blocks: list[list[_Block]] = [[] for _ in centres]
    for start, stop in _cut_blocks(n):  # one block at a time: the weights of all would fill the memory
        made = {own: own.cut(start, stop) for own in dict.fromkeys(errors)}
        p_values = np.column_stack([made[own].rank_outcomes() for own in errors])[: n - start]
        p_values = np.where(is_unseen[start:stop, None] & ~np.isnan(p_values), 0.0, p_values)
        if adaptive:
            asked = level.follow(np.repeat(p_values[:, adaptive], len(nominal), axis=1))
            asked = np.vstack([asked, level.ask()])[: stop - start]
            shares[adaptive, start:stop] = asked.reshape(-1, len(adaptive), len(nominal)).transpose(1, 0, 2)
        for k, own in enumerate(errors):
            blocks[k].append(made[own].summarise(p_values[:, k], shares[k, start:stop]))
    return [_join(own, _concatenate(parts), seen) for own, parts in zip(errors, blocks, strict=True)]


def _cut_blocks(n: int) -> list[tuple[int, int]]:
    """The rows 0..n as (start, stop) of blocks."""
    return [(start, min(start + BLOCK, n + 1)) for start in range(0, n + 1, BLOCK)]


def _collect_errors(
    centres: Sequence[np.ndarray], log_cost: np.ndarray, log_size: np.ndarray, calibrations: Sequence[Calibration]
) -> list[_Errors]:
    """The past errors of every model; models of the same centre and weights share theirs."""
    made: dict[tuple[int, float | None, float | None], _Errors] = {}
    keys = [
        (id(centre), one.half_life_tasks, one.bandwidth_sd) for centre, one in zip(centres, calibrations, strict=True)
    ]
    for key, centre, one in zip(keys, centres, calibrations, strict=True):
        made[key] = made.get(key) or _Errors(centre, log_cost, _Likeness(log_size, one))
    return [made[key] for key in keys]


class _Errors:
    """The errors of one model and what they weigh for each other."""

    def __init__(self, centre: np.ndarray, log_cost: np.ndarray, likeness: _Likeness) -> None:
        self.centre, self.residual, self.likeness = centre, log_cost - centre[: len(log_cost)], likeness

    def cut(self, start: int, stop: int) -> _Piece:
        return _Piece(start, stop, self.residual, self.likeness)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """What is known of the errors around the forecasts of one block, one row each; lower, upper: (rows, levels)."""

    middle: np.ndarray
    log_mean: np.ndarray
    n_effective: np.ndarray
    p_value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def _concatenate(blocks: list[_Block]) -> _Block:
    parts = {one.name: np.concatenate([getattr(block, one.name) for block in blocks]) for one in fields(_Block)}
    return _Block(**parts)


def _join(errors: _Errors, block: _Block, seen: tuple[np.ndarray, np.ndarray]) -> Calibrated:
    """Put the errors around their centre."""
    centre = errors.centre
    median = centre + block.middle

    def limit(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (
            np.maximum(centre[:, None] + lower, np.fmin(seen[0], median)[:, None]),
            np.minimum(centre[:, None] + upper, np.fmax(seen[1], median)[:, None]),
        )

    def bound(miss_shares: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lower, upper = np.full(miss_shares.shape, np.nan), np.full(miss_shares.shape, np.nan)
        for start, stop in _cut_blocks(len(centre) - 1):
            if wanted[start:stop].any():
                lower[start:stop], upper[start:stop] = errors.cut(start, stop).bound(miss_shares[start:stop])
        return limit(lower, upper)

    lower, upper = limit(block.lower, block.upper)
    return Calibrated(
        median=median,
        mean=centre + block.log_mean,
        lower=lower,
        upper=upper,
        n_effective=block.n_effective,
        p_value=block.p_value,
        bound=bound,
    )


def measure_bandwidths(log_size: np.ndarray) -> np.ndarray:
    """Standard deviation of the log sizes known up to each task, its own included (a size is known before the cost)."""
    known = ~np.isnan(log_size)
    count = np.maximum(np.cumsum(known), 1)
    shifted = np.where(known, log_size - (log_size[known][0] if known.any() else 0.0), 0.0)
    mean = np.cumsum(shifted) / count
    variance = np.cumsum(shifted**2) / count - mean**2
    return np.sqrt(np.maximum(variance, 1e-12))


def find_seen_range(log_cost: np.ndarray, log_size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and most log cost before each task, shape (n + 1,); infinite where the past does not bound the task.

    A bound past anything seen has no evidence, and a ratio error of a small task can blow it up on a large one. Next
    tasks fall outside the range of n exchangeable ones with probability 2 / (n + 1), so it binds from 20 past tasks
    on, and not on the side to which the task is smaller or larger than all before.
    """
    n = len(log_cost)
    is_enough = np.arange(n + 1) >= ENOUGH
    is_largest = log_size > _accumulate(np.fmax, np.where(np.isnan(log_size[:n]), -np.inf, log_size[:n]), -np.inf)
    is_smallest = log_size < _accumulate(np.fmin, np.where(np.isnan(log_size[:n]), np.inf, log_size[:n]), np.inf)
    least = np.where(is_enough & ~is_smallest, _accumulate(np.fmin, log_cost, np.inf), -np.inf)
    most = np.where(is_enough & ~is_largest, _accumulate(np.fmax, log_cost, -np.inf), np.inf)
    return least, most


def _accumulate(reduce: np.ufunc, values: np.ndarray, start: float) -> np.ndarray:
    return np.concatenate([[start], reduce.accumulate(values)]) if len(values) else np.array([start])


class _Likeness:
    """Weights of past errors by age and by distance in log size."""

    def __init__(self, log_size: np.ndarray, calibration: Calibration) -> None:
        self.log_size, self.half_life = log_size, calibration.half_life_tasks
        self.counts_alike = calibration.half_life_tasks is None and calibration.bandwidth_sd is None
        width = calibration.bandwidth_sd
        self.bandwidth = None if width is None else width * measure_bandwidths(log_size)

    def weigh(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Shape (rows, columns); 0 for what is not past, at most 1."""
        if self.half_life is None:
            weights = (columns[None, :] < rows[:, None]).astype(float)
        else:
            age = rows[:, None] - columns[None, :]
            span = np.arange(age.min(initial=0), age.max(initial=0) + 1)
            decay = np.where(span > 0, np.exp2(-(span - 1) / self.half_life), 0.0)
            weights = decay[age - span[0]]
        if self.bandwidth is None:
            return weights
        near = self.log_size[rows][:, None] - self.log_size[columns][None, :]
        near /= self.bandwidth[rows][:, None]
        return self._weigh_sizes(near, weights)

    def _weigh_sizes(self, near: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weigh by nearness in size too; near: distances in bandwidths, (rows, columns), which are overwritten."""
        near *= near
        np.minimum(near, 50, out=near)
        near *= -0.5
        np.exp(near, out=near)
        far = FAR_MASS / np.maximum(weights.sum(1, keepdims=True), FAR_MASS)
        np.maximum(near, far, out=near)
        weights *= np.fmin(near, 1.0, out=near)
        return weights


class _Piece:
    """Weighted error distributions of the forecasts start..stop - 1, one row each, over the errors before them."""

    def __init__(self, start: int, stop: int, residual: np.ndarray, likeness: _Likeness) -> None:
        self.start, self.stop, self.residual = start, stop, residual
        first = max(0, start - MOST_ERRORS)
        columns = np.arange(first, max(stop - 1, first))
        columns = columns[~np.isnan(residual[columns])]
        columns = columns[np.argsort(residual[columns], kind="stable")]
        self.errors = residual[columns]
        self._weigh(likeness, columns)
        self._take_moments()

    def _weigh(self, likeness: _Likeness, columns: np.ndarray) -> None:
        """Ranks and sums of the weights, some rows at a time: what fits the processor's cache is several times faster.

        Ranks are weights as numbers of tasks: they sum to n_effective, and of n alike errors the r-th smallest has
        rank r. What does not count has the rank of its neighbour below and is never looked up.
        """
        count = self.stop - self.start
        self.rank = np.empty((count, len(columns)), dtype=np.int16 if likeness.counts_alike else float)
        self.total, squares, first, second, raised = np.empty((5, count))
        powers = self.errors, self.errors**2, np.exp(np.minimum(self.errors, 50))
        for low in range(0, count, CACHED_ROWS):
            some = slice(low, min(low + CACHED_ROWS, count))
            weights = likeness.weigh(np.arange(self.start + some.start, self.start + some.stop), columns)
            self.total[some], squares[some] = weights.sum(1), np.einsum("ij,ij->i", weights, weights)
            for sums, values in zip((first, second, raised), powers, strict=True):
                sums[some] = weights @ values
            if likeness.counts_alike:
                np.cumsum(weights > 0, axis=1, dtype=np.int16, out=self.rank[some])
            else:
                _rank_into(self.rank[some], weights, self.total[some], squares[some])
        with np.errstate(divide="ignore", invalid="ignore"):
            self.n_effective = self.total**2 / squares
            self.means = first / self.total, second / self.total, raised / self.total
        self.is_usable = self.n_effective >= 2 - 1e-9
        self.is_few = ~(self.n_effective >= ENOUGH)
        self.last_rank = self.rank[:, -1].astype(float) if len(columns) else np.zeros(count)

    def _take_moments(self) -> None:
        first, second, raised = self.means
        with np.errstate(divide="ignore", invalid="ignore"):
            self.middle = np.where(self.is_usable, self._find_error((self.n_effective + 1) / 2), np.nan)
            variance = np.maximum(second - 2 * self.middle * first + self.middle**2, 0)
            self.log_mean = np.log(raised)
            # The centre took one residual, and its own error adds the 1/n of a prediction interval.
            self.dof = np.maximum(self.n_effective - 1, 1)
            self.sd = np.sqrt(variance * self.n_effective / self.dof * (1 + 1 / self.n_effective))

    def _find_index(self, rank: np.ndarray) -> np.ndarray:
        """Per row the first error of at least this rank, the last one where there is none; all rows bisect together."""
        rank = np.minimum(np.maximum(rank, 1e-6), self.last_rank) - 1e-9
        last, flat = max(len(self.errors) - 1, 0), self.rank.reshape(-1)
        before = np.arange(len(rank)) * len(self.errors) - 1
        index = np.zeros(len(rank), dtype=np.int64)  # how many errors are known to have a lower rank
        for step in (1 << bit for bit in reversed(range(len(self.errors).bit_length()))):
            reach = np.minimum(index + step, len(self.errors))
            index = np.where(flat.take(before + reach) < rank, reach, index)
        return np.minimum(index, last)

    def _find_error(self, rank: np.ndarray, outwards: int = 0) -> np.ndarray:
        """The error of a rank, linear between neighbours (rank r of n is the quantile r / (n + 1)).

        outwards: -1 or +1 takes the lower or upper neighbour instead where few errors are known.
        """
        if not len(self.errors):
            return np.full(len(rank), np.nan)
        index = self._find_index(rank)
        low, high = self._find_rank_before(index), self._find_rank(index)
        previous = np.where(low > 0, self.errors[self._find_index(low)], self.errors[index])
        part = _locate(rank, low, high)
        if outwards:
            part = np.where(self.is_few, outwards > 0 or part >= 1 - 1e-9, part)
        return previous + part * (self.errors[index] - previous)

    def _find_rank_before(self, index: np.ndarray) -> np.ndarray:
        return np.where(index > 0, self._find_rank(np.maximum(index - 1, 0)), 0.0)

    def _find_rank(self, index: np.ndarray) -> np.ndarray:
        return self.rank[np.arange(len(index)), index].astype(float)

    def rank_outcomes(self) -> np.ndarray:
        """Two-sided weighted conformal p-value of each outcome; beyond every past error the t tail decides."""
        own = np.full(self.stop - self.start, np.nan)
        known = self.residual[self.start : self.stop]
        own[: len(known)] = known
        if not len(self.errors):
            return own
        below = self._find_rank_before(np.searchsorted(self.errors, own))
        is_outside = (below <= 0) | (below >= self.last_rank - 1e-9)
        after = self._find_index(below + 1e-6)
        above = self._find_rank(after)
        rank = below + _locate(own, self.errors[self._find_index(below)], self.errors[after]) * (above - below)
        low, high = np.where(self.is_few, above, rank), np.where(self.is_few, below, rank)
        p = np.minimum(2 * np.minimum(low, self.n_effective + 1 - high) / (self.n_effective + 1), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t_tail = 2 * special.stdtr(self.dof, -np.abs(own - self.middle) / self.sd)
        p = np.where(is_outside, np.fmin(2 / (self.n_effective + 1), t_tail), p)
        return np.where(self.is_usable & ~np.isnan(own), p, np.nan)

    def summarise(self, p_values: np.ndarray, miss_share: np.ndarray) -> _Block:
        """What the errors say of the forecasts, with the bounds of the miss shares, (rows, levels)."""
        lower, upper = self.bound(miss_share)
        return _Block(
            middle=self.middle,
            log_mean=self.log_mean,
            n_effective=self.n_effective,
            p_value=p_values,
            lower=lower,
            upper=upper,
        )

    def bound(self, miss_share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(lower, upper) errors, (rows, levels) each: weighted quantiles, the t tail where they would be infinite."""
        lower = np.full(miss_share.shape, np.nan)
        upper = np.full(miss_share.shape, np.nan)
        if not len(self.errors):
            return lower, upper
        least, most = self._find_error(np.zeros(len(self.total))), self._find_error(self.last_rank)
        for k, share in enumerate(miss_share.T):
            rank = share / 2 * (self.n_effective + 1)
            reach = special.stdtrit(self.dof, 1 - share / 2) * self.sd
            is_finite = rank >= 1 - 1e-9
            low = np.where(is_finite, self._find_error(rank, -1), np.fmin(least, self.middle - reach))
            other = self.n_effective + 1 - rank
            high = np.where(is_finite, self._find_error(other, +1), np.fmax(most, self.middle + reach))
            lower[:, k] = np.where(self.is_usable, low, np.nan)
            upper[:, k] = np.where(self.is_usable, high, np.nan)
        return lower, upper


def _rank_into(rank: np.ndarray, weights: np.ndarray, total: np.ndarray, squares: np.ndarray) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        tasks = weights * (total / squares)[:, None]
    np.cumsum(tasks, axis=1, out=rank)
    tasks /= 2
    np.subtract(0.5, tasks, out=tasks)
    rank += tasks
    np.putmask(rank, ~(weights > 0), 0.0)
    np.maximum.accumulate(rank, axis=1, out=rank)


def _locate(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How far value is on the way from low to high, 0 to 1; 1 where there is no way."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(high > low, np.clip((value - low) / (high - low), 0, 1), 1.0)
