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
from asp_analysis.probe.models.spread_prior import SpreadPrior

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
"""Past errors of unlike tasks count together as this many tasks: a distribution where no like task is known."""

EQUAL = 1e-9
"""Bounds that are closer on logs are equal: the past has no spread, and a prior says how much it may be. Bounds are
moved outwards by as much: of costs with few values many fall on a bound, and rounding must not put them outside."""


@dataclass(frozen=True)
class Calibration:
    """How the past errors of a model become its intervals.

    half_life_tasks: tasks after which an error counts half; None counts all alike. bandwidth_sd: width of the
    Gaussian weight on the distance in log size, in standard deviations of the past log sizes; None ignores size.
    is_by_knowledge: errors of tasks of which as much was known count in full, those of others together as `FAR_MASS`
    tasks (Mondrian categories: Vovk and others 2005, section 4.5). is_adaptive: the level follows the misses.
    """

    half_life_tasks: float | None = None
    bandwidth_sd: float | None = None
    is_by_knowledge: bool = False
    is_adaptive: bool = True


@dataclass(frozen=True, kw_only=True)
class Past:
    """One series in the order of its outcomes, and which of them were known before each forecast.

    log_cost: (n,). The rest has n rows for the past tasks and one for each task to come. log_size: NaN where unknown.
    known: how many outcomes were known, always the first ones. knowledge: codes of what was known of each task itself.
    prior: of the spread of errors, for few of them.
    """

    log_cost: np.ndarray
    log_size: np.ndarray
    known: np.ndarray
    knowledge: np.ndarray
    prior: SpreadPrior

    @property
    def rows(self) -> int:
        """Forecasts: the past tasks and those to come."""
        return len(self.known)


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """Forecasts on the log scale, one row per task in order, the last ones for the tasks to come (no actual yet).

    median, mean: shape (rows,). lower, upper: shape (rows, levels). NaN where the past did not support a forecast.
    n_effective: sum(w)^2 / sum(w^2) of the weights. p_value: (n,), the largest miss share at which the outcome would
    have been inside. position: (n,), share of the predictive distribution below the outcome, before the level follows
    the misses. crps: (n,), its continuous ranked probability score on logs. shares: (rows,
    levels), the miss shares that were asked for. bound: miss shares and which rows are
    wanted -> (lower, upper), computed again by blocks.
    """

    median: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    n_effective: np.ndarray
    p_value: np.ndarray
    position: np.ndarray
    crps: np.ndarray
    shares: np.ndarray
    bound: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def calibrate(
    centres: Sequence[np.ndarray], past: Past, levels: Sequence[float], calibrations: Sequence[Calibration]
) -> list[Calibrated]:
    """Intervals around several rolling centres of one series, each from its errors that were known.

    centres: one (rows,) per calibration, the forecast of ln cost of each task. levels: nominal levels in (0, 1).
    """
    n, nominal = len(past.log_cost), 1 - np.asarray(levels, dtype=float)
    limits = Limits.of(past)
    shares = np.tile(nominal, (len(centres), past.rows, 1))
    is_unseen = limits.find_unseen(past.log_cost)
    adaptive = [k for k, one in enumerate(calibrations) if one.is_adaptive]
    level = AdaptiveLevel(np.tile(nominal, len(adaptive)))
    asked = np.empty((n + 1, len(adaptive) * len(nominal)))
    errors = _collect_errors(centres, past, limits, calibrations)
    blocks: list[list[_Block]] = [[] for _ in centres]
    for start, stop in _cut_blocks(past.rows):  # one block at a time: the weights of all would fill the memory
        made = {own: own.cut(start, stop) for own in dict.fromkeys(errors)}
        p_values = np.column_stack([made[own].p_values for own in errors])[: max(n - start, 0)]
        p_values = np.where(is_unseen[start:stop, None] & ~np.isnan(p_values), 0.0, p_values)
        if adaptive:
            end = min(stop, n)
            asked[start:end] = level.follow(np.repeat(p_values[:, adaptive], len(nominal), axis=1))
            asked[end] = level.ask()
            followed = asked[past.known[start:stop]].reshape(-1, len(adaptive), len(nominal)).transpose(1, 0, 2)
            trust = 1 - past.prior.share(past.known[start:stop])[:, None]
            shares[adaptive, start:stop] += trust * (followed - nominal)
        for k, own in enumerate(errors):
            blocks[k].append(made[own].summarise(p_values[:, k], shares[k, start:stop]))
    return [_join(own, _concatenate(parts), one) for own, parts, one in zip(errors, blocks, shares, strict=True)]


def _cut_blocks(rows: int) -> list[tuple[int, int]]:
    """The rows as (start, stop) of blocks."""
    return [(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK)]


def _collect_errors(
    centres: Sequence[np.ndarray], past: Past, limits: Limits, calibrations: Sequence[Calibration]
) -> list[_Errors]:
    """The past errors of every model; models of the same centre and weights share theirs."""
    made: dict[tuple[int, float | None, float | None, bool], _Errors] = {}
    keys = [
        (id(centre), one.half_life_tasks, one.bandwidth_sd, one.is_by_knowledge)
        for centre, one in zip(centres, calibrations, strict=True)
    ]
    for key, centre, one in zip(keys, centres, calibrations, strict=True):
        made[key] = made.get(key) or _Errors(centre, past, limits, _Likeness(past, one))
    return [made[key] for key in keys]


class _Errors:
    """The errors of one model and what they weigh for each other."""

    def __init__(self, centre: np.ndarray, past: Past, limits: Limits, likeness: _Likeness) -> None:
        self.centre, self.past, self.limits, self.likeness = centre, past, limits, likeness
        self.residual = past.log_cost - centre[: len(past.log_cost)]

    def cut(self, start: int, stop: int) -> _Piece:
        return _Piece(start, stop, self)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """What is known of the errors around the forecasts of one block, one row each; lower, upper: (rows, levels)."""

    middle: np.ndarray
    log_mean: np.ndarray
    n_effective: np.ndarray
    p_value: np.ndarray
    position: np.ndarray
    crps: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def _concatenate(blocks: list[_Block]) -> _Block:
    parts = {one.name: np.concatenate([getattr(block, one.name) for block in blocks]) for one in fields(_Block)}
    return _Block(**parts)


def _join(errors: _Errors, block: _Block, shares: np.ndarray) -> Calibrated:
    """Put the errors around their centre."""
    centre, limits = errors.centre, errors.limits
    median = limits.cut_point(centre + block.middle)

    def limit(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return limits.cut_interval(median, centre[:, None] + lower, centre[:, None] + upper)

    def bound(miss_shares: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lower, upper = np.full(miss_shares.shape, np.nan), np.full(miss_shares.shape, np.nan)
        for start, stop in _cut_blocks(len(centre)):
            if wanted[start:stop].any():
                lower[start:stop], upper[start:stop] = errors.cut(start, stop).bound(miss_shares[start:stop])
        return limit(lower, upper)

    lower, upper = limit(block.lower, block.upper)
    n = len(errors.residual)
    return Calibrated(
        median=median,
        mean=limits.cut_point(centre + block.log_mean),
        lower=lower,
        upper=upper,
        n_effective=block.n_effective,
        p_value=block.p_value,
        position=block.position[:n],
        crps=block.crps[:n],
        shares=shares,
        bound=bound,
    )


def measure_bandwidths(log_size: np.ndarray) -> np.ndarray:
    """Standard deviation of the first k log sizes, for k = 0 .. n; 1e-6 where they do not differ. Shape (n + 1,)."""
    return np.sqrt(np.maximum(_accumulate_moments(log_size)[1], 1e-12))


def _accumulate_moments(log_size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the first k known log sizes, for k = 0 .. n."""
    known = ~np.isnan(log_size)
    count = np.maximum(np.cumsum(known), 1)
    first = log_size[known][0] if known.any() else 0.0
    shifted = np.where(known, log_size - first, 0.0)
    mean = np.cumsum(shifted) / count
    variance = np.maximum(np.cumsum(shifted**2) / count - mean**2, 0)
    return np.append([np.nan], first + mean), np.append([0.0], variance)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What was seen before each forecast, and how far outside of it the task is. Shape (rows,) each.

    least, most: log cost seen; infinite for a task smaller or larger than all before, which they do not bound.
    is_enough: enough was seen to bound an interval. stretch: factor on the distance of the bounds from the estimate, 1
    within the sizes seen, and while these are few.
    """

    least: np.ndarray
    most: np.ndarray
    is_enough: np.ndarray
    stretch: np.ndarray

    @classmethod
    def of(cls, past: Past) -> Limits:
        """Take the limits of every forecast from the outcomes that were known.

        A bound past anything seen has no evidence, and a ratio error of a small task can blow it up on a large one.
        Next tasks fall outside the range of k exchangeable ones with probability 2 / (k + 1), so it binds from 20 past
        tasks on, and not for a task that is smaller or larger than all before: there the interval is stretched.
        """
        n, known = len(past.log_cost), past.known
        size = past.log_size[:n]
        largest = _accumulate(np.fmax, np.where(np.isnan(size), -np.inf, size), -np.inf)[known]
        smallest = _accumulate(np.fmin, np.where(np.isnan(size), np.inf, size), np.inf)[known]
        is_seen = largest >= smallest  # where no size was known before, a size is far from nothing
        is_outside = is_seen & ((past.log_size > largest) | (past.log_size < smallest))
        least = np.where(is_outside, -np.inf, _accumulate(np.fmin, past.log_cost, np.inf)[known])
        most = np.where(is_outside, np.inf, _accumulate(np.fmax, past.log_cost, -np.inf)[known])
        stretch = np.where(is_outside & (known >= ENOUGH), measure_stretch(past), 1.0)
        return cls(least=least, most=most, is_enough=known >= ENOUGH, stretch=stretch)

    def find_unseen(self, log_cost: np.ndarray) -> np.ndarray:
        """Whether outcomes lie beyond what bounds their intervals."""
        n = len(log_cost)
        return self.is_enough[:n] & ((log_cost < self.least[:n]) | (log_cost > self.most[:n]))

    def cut_point(self, value: np.ndarray) -> np.ndarray:
        """A figure within what was seen."""
        return np.where(self.least <= self.most, np.minimum(np.maximum(value, self.least), self.most), value)

    def cut_interval(self, median: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bounds, (rows, levels), within what was seen, stretched away from the median outside of it."""
        middle, stretch = median[:, None], self.stretch[:, None]
        lower, upper = middle - stretch * (middle - lower), middle + stretch * (upper - middle)
        binds = (self.is_enough & (self.least < self.most))[:, None]
        low, high = np.fmin(self.least, median)[:, None], np.fmax(self.most, median)[:, None]
        lower, upper = np.where(binds, np.maximum(lower, low), lower), np.where(binds, np.minimum(upper, high), upper)
        return lower - EQUAL, upper + EQUAL


FARTHEST_SD = 3.0
"""Standard deviations of log size from the mean beyond which, outside the sizes seen, no curve is known."""

LEAST_SIZE_SD = float(np.log(3) / FARTHEST_SD)
"""Sizes that hardly differ still support a task three times as large or small."""

CURVATURE = 0.4
"""A line that bends by this many standard deviations of the error per squared standard deviation of log size."""


def measure_distance(past: Past) -> np.ndarray:
    """Standard deviations of log size by which each task is from the mean of the sizes known before. Shape (rows,)."""
    mean, variance = (one[past.known] for one in _accumulate_moments(past.log_size[: len(past.log_cost)]))
    return np.abs(past.log_size - mean) / np.maximum(np.sqrt(variance), LEAST_SIZE_SD)


def measure_stretch(past: Past) -> np.ndarray:
    """How many times wider an interval is at a distance z: sqrt(1 + z^2 / k + (0.4 (z^2 - 1))^2), 1 up to z = 1.

    z^2 / k is the leverage of a line through k tasks; the last part is a line that is a mild curve in truth.
    """
    z = measure_distance(past)
    bent = CURVATURE * np.maximum(z**2 - 1, 0)
    return np.where(z > 1, np.sqrt(1 + z**2 / np.maximum(past.known, 1) + bent**2), 1.0)


def _accumulate(reduce: np.ufunc, values: np.ndarray, start: float) -> np.ndarray:
    return np.concatenate([[start], reduce.accumulate(values)]) if len(values) else np.array([start])


class _Likeness:
    """Weights of past errors by age, by distance in log size and by what was known of the task."""

    def __init__(self, past: Past, calibration: Calibration) -> None:
        self.past, self.half_life = past, calibration.half_life_tasks
        self.is_by_knowledge = calibration.is_by_knowledge
        self.counts_alike = calibration == Calibration(is_adaptive=calibration.is_adaptive)
        width = calibration.bandwidth_sd
        spreads = measure_bandwidths(past.log_size[: len(past.log_cost)])[past.known]
        self.bandwidth = None if width is None else width * spreads

    def weigh(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Shape (rows, columns); 0 for what is not known, at most 1."""
        age = self.past.known[rows][:, None] - columns[None, :]
        if self.half_life is None:
            weights = (age > 0).astype(float)
        else:
            span = np.arange(age.min(initial=0), age.max(initial=0) + 1)
            decay = np.where(span > 0, np.exp2(-(span - 1) / self.half_life), 0.0)
            weights = decay[age - span[0]]
        if self.is_by_knowledge:
            is_alike = self.past.knowledge[rows][:, None] == self.past.knowledge[columns][None, :]
            far = FAR_MASS / np.maximum(weights.sum(1, keepdims=True), FAR_MASS)
            weights *= np.where(is_alike, 1.0, far)
        if self.bandwidth is None:
            return weights
        log_size = self.past.log_size
        near = log_size[rows][:, None] - log_size[columns][None, :]
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
    """Weighted error distributions of the forecasts start..stop - 1, one row each, over the errors that were known."""

    def __init__(self, start: int, stop: int, errors: _Errors) -> None:
        self.start, self.stop, self.residual = start, stop, errors.residual
        self.known, self.prior = errors.past.known[start:stop], errors.past.prior
        first = max(0, int(self.known.min()) - MOST_ERRORS)
        columns = np.arange(first, max(int(self.known.max()), first))
        columns = columns[~np.isnan(self.residual[columns])]
        columns = columns[np.argsort(self.residual[columns], kind="stable")]
        self.errors = self.residual[columns]
        self.own = np.full(stop - start, np.nan)
        self.own[: max(len(self.residual) - start, 0)] = self.residual[start:stop]
        self._weigh(errors, columns)
        self._take_moments()
        self.p_values, self.position = self._rank_outcomes()

    def _weigh(self, errors: _Errors, columns: np.ndarray) -> None:
        """Ranks and sums of the weights, some rows at a time: what fits the processor's cache is several times faster.

        Ranks are weights as numbers of tasks: they sum to n_effective, and of n alike errors the r-th smallest has
        rank r. What does not count has the rank of its neighbour below and is never looked up.
        """
        count, likeness = self.stop - self.start, errors.likeness
        self.rank = np.empty((count, len(columns)), dtype=np.int16 if likeness.counts_alike else float)
        self.total, squares, first, second, raised, distance, spread = np.empty((7, count))
        low, high = (one[self.start : self.stop] for one in (errors.limits.least, errors.limits.most))
        centre = errors.centre[self.start : self.stop]
        for begin in range(0, count, CACHED_ROWS):
            some = slice(begin, min(begin + CACHED_ROWS, count))
            weights = likeness.weigh(np.arange(self.start + some.start, self.start + some.stop), columns)
            self.total[some], squares[some] = weights.sum(1), np.einsum("ij,ij->i", weights, weights)
            first[some], second[some] = weights @ self.errors, weights @ self.errors**2
            raised[some] = self._raise(weights, (low - centre)[some, None], (high - centre)[some, None])
            distance[some], spread[some] = self._score(weights, self.own[some, None])
            if likeness.counts_alike:
                np.cumsum(weights > 0, axis=1, dtype=np.int16, out=self.rank[some])
            else:
                _rank_into(self.rank[some], weights, self.total[some], squares[some])
        with np.errstate(divide="ignore", invalid="ignore"):
            self.n_effective = self.total**2 / squares
            self.means = first / self.total, second / self.total, raised / self.total
            self.crps = distance / self.total - spread / self.total**2
        self.is_usable = self.n_effective >= 2 - 1e-9
        self.is_few = ~(self.n_effective >= ENOUGH)
        self.last_rank = self.rank[:, -1].astype(float) if len(columns) else np.zeros(count)

    def _raise(self, weights: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Weighted sum of exp(error), each within what was seen: one wild error must not make the mean of all."""
        if not len(self.errors):
            return np.zeros(len(weights))
        inside = np.minimum(np.maximum(self.errors[None, :], np.minimum(low, high)), np.minimum(high, 50))
        return np.einsum("ij,ij->i", weights, np.exp(inside))

    def _score(self, weights: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The two sums of the CRPS of weighted points: sum w |e - y|, and half of sum w w' |e - e'|."""
        if not len(self.errors):
            return np.zeros(len(weights)), np.zeros(len(weights))
        # The sum over pairs is the integral of 2 F (1 - F) over the errors, here of the gaps between them.
        below = np.cumsum(weights, axis=1)[:, :-1]
        spread = (below * (weights.sum(1, keepdims=True) - below)) @ np.diff(self.errors)
        return np.einsum("ij,ij->i", weights, np.abs(self.errors[None, :] - own)), spread

    def _take_moments(self) -> None:
        first, second, raised = self.means
        with np.errstate(divide="ignore", invalid="ignore"):
            self.median = np.where(self.is_usable, self._find_error((self.n_effective + 1) / 2), np.nan)
            variance = np.maximum(second - 2 * self.median * first + self.median**2, 0)
            self.log_mean = np.log(raised)
            # The centre took one residual, and its own error adds the 1/n of a prediction interval.
            self.dof = np.maximum(self.n_effective - 1, 1)
            self.sd = np.sqrt(variance * self.n_effective / self.dof * (1 + 1 / self.n_effective))
            squares = np.maximum(second - first**2, 0) * self.n_effective
            self.prior_dof = self.dof + self.prior.tasks
            prior = (squares + self.prior.tasks * self.prior.sd_log**2) / self.prior_dof
            self.prior_sd = np.sqrt(prior * (1 + 1 / self.n_effective))
        self.average = first
        self.prior_share = self.prior.share(self.known)
        self.middle = self.median + self.prior_share * (self.average - self.median)

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

    def _rank_outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Two-sided weighted conformal p-value of each outcome, and the share of the distribution below it.

        Beyond every past error the t tail decides; the prior has its share of both.
        """
        own = self.own
        if not len(self.errors):
            return np.full(len(own), np.nan), np.full(len(own), np.nan)
        below = self._find_rank_before(np.searchsorted(self.errors, own))
        is_outside = (below <= 0) | (below >= self.last_rank - 1e-9)
        after = self._find_index(below + 1e-6)
        above = self._find_rank(after)
        rank = below + _locate(own, self.errors[self._find_index(below)], self.errors[after]) * (above - below)
        low, high = np.where(self.is_few, above, rank), np.where(self.is_few, below, rank)
        p = np.minimum(2 * np.minimum(low, self.n_effective + 1 - high) / (self.n_effective + 1), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t_tail = 2 * special.stdtr(self.dof, -np.abs(own - self.median) / self.sd)
            from_prior = special.stdtr(self.prior_dof, (own - self.average) / self.prior_sd)
        p = np.where(is_outside, np.fmin(2 / (self.n_effective + 1), t_tail), p)
        position = np.where(is_outside, np.where(below <= 0, p / 2, 1 - p / 2), rank / (self.n_effective + 1))
        p += self.prior_share * (2 * np.minimum(from_prior, 1 - from_prior) - p)
        position += self.prior_share * (from_prior - position)
        # Errors without any spread say nothing of the level: what they would be asked for is a prior's.
        is_known = self.is_usable & ~np.isnan(own) & (self.errors[-1] - self.errors[0] >= EQUAL)
        return np.where(is_known, p, np.nan), np.where(is_known, position, np.nan)

    def summarise(self, p_values: np.ndarray, miss_share: np.ndarray) -> _Block:
        """What the errors say of the forecasts, with the bounds of the miss shares, (rows, levels)."""
        lower, upper = self.bound(miss_share)
        return _Block(
            middle=self.middle,
            log_mean=self.log_mean,
            n_effective=self.n_effective,
            p_value=p_values,
            position=self.position,
            crps=np.where(self.is_usable, self.crps, np.nan),
            lower=lower,
            upper=upper,
        )

    def bound(self, miss_share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(lower, upper) errors, (rows, levels) each: weighted quantiles, the t tail where they would be infinite.

        The prior of the spread has its share while few tasks are known, and decides where the errors have no spread.
        """
        lower = np.full(miss_share.shape, np.nan)
        upper = np.full(miss_share.shape, np.nan)
        if not len(self.errors):
            return lower, upper
        least, most = self._find_error(np.zeros(len(self.total))), self._find_error(self.last_rank)
        for k, share in enumerate(miss_share.T):
            rank = share / 2 * (self.n_effective + 1)
            reach = special.stdtrit(self.dof, 1 - share / 2) * self.sd
            is_finite = rank >= 1 - 1e-9
            low = np.where(is_finite, self._find_error(rank, -1), np.fmin(least, self.median - reach))
            other = self.n_effective + 1 - rank
            high = np.where(is_finite, self._find_error(other, +1), np.fmax(most, self.median + reach))
            part = np.where(most - least < EQUAL, 1.0, self.prior_share)
            reach = special.stdtrit(self.prior_dof, 1 - share / 2) * self.prior_sd
            low += part * (self.average - reach - low)
            high += part * (self.average + reach - high)
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
