"""Evidence that stays valid at every look, also where neighbours are alike: wealth won by betting on blocks.

Most of the wealth is bet on whole blocks (a day, an epic, a session): that a block's share of successes is above the
target. A block whose expected share is at most the target cannot be bet on with profit, however alike its cases are, so
wealth above 1/alpha comes to an unfit agent with a probability of at most alpha (Ville's inequality; Waudby-Smith and
Ramdas, Estimating means of bounded random variables by betting, JRSS B 86, 2024). The rest is bet on single cases,
each worth as much less as the cases of a block were alike so far (`likeness`): quicker where they hardly are alike.
Where every case is its own block both are the likelihood ratio of a mixture of alternatives.

Own code, because no library of the project has anytime-valid tests.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import Floats
from asp_analysis.learning.bisection import find_last_above
from asp_analysis.learning.likeness import BlockSums, Sums, find_design_effects, sum_up

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

_BETS = np.array([0.03, 0.1, 0.33, 0.5, 0.9])
_WEIGHTS = np.array([1.0, 1.0, 12.0, 8.0, 2.0]) / 24
"""How far above the target the rate may be, as shares of the room above it, and how much is staked on each: most where
a target of 0.7 to 0.9 is exceeded by ten points, a little on hardly better, so that no good agent waits for ever."""

_LIKENESS = 0.1
"""Larger blocks are bet on higher, as if their cases were alike by so much; a wrong guess costs power, never truth."""

_MOST_STAKED = 0.97
"""No bet loses more than this share of the stake on one block."""

_ON_CASES = 0.3
"""The part of the wealth that is bet on single cases: the lesser, as how alike they are has to be estimated for it."""

_TARGETS = np.concatenate([np.arange(1, 100) / 100, [0.995, 0.999]])
_LONG_STREAM = 2_000


@dataclass(frozen=True)
class Stream:
    """Outcomes in the order in which they count. values: (n,) shares; sums: of their blocks, None: all independent."""

    values: Floats
    sums: BlockSums | None

    @classmethod
    def of(cls, values: Floats, blocks: Places | None = None) -> "Stream":
        """Take outcomes between 0 and 1, and the block of each.

        Raises:
            EstimationRefusal: a value is no share.
        """
        values = np.asarray(values, dtype=float)
        if np.any((values < 0) | (values > 1)):
            raise EstimationRefusal("An outcome is not between 0 and 1. Outcomes are yes or no, or shares.")
        return cls(values, None if blocks is None or not len(values) else sum_up(values, blocks))

    @property
    def worth(self) -> float:
        """As how many independent cases these count: fewer where those of a block are alike."""
        return len(self.values) / (1.0 if self.sums is None else float(self.sums.design_effects[-1]))

    def log_e(self, target: float) -> Floats:
        """Return ln of the e-value against "the rate is at most the target" after each case, (n,).

        M = sum_j w_j (0.7 prod_blocks (1 - v_j + v_j share / target) + 0.3 prod_cases (1 - u_j + u_j value /
        target)^(1 / design effect)), a block's share being that so far; v_j = 1 - (1 - u_j)^d grows with a block's size
        m, d = m / (1 + (m - 1) 0.1).

        Raises:
            EstimationRefusal: the target is not between 0 and 1.
        """
        if not 0 < target < 1:
            raise EstimationRefusal(f"The target {target:g} is not between 0 and 1. A target is a share such as 0.8.")
        single = np.cumsum(np.log(1 - _BETS + _BETS * self.values[:, None] / target), axis=0)
        if self.sums is None:
            return _mix(single)
        sums = self.sums
        steps = _score_blocks(sums.hits, sums.count, target) - _score_blocks(sums.hits_before, sums.count - 1, target)
        return _join(_mix(np.cumsum(steps, axis=0)), _mix(single / sums.design_effects[:, None]))

    def final_log_e(self, target: float) -> float:
        """Return the last of `log_e`, without the others; 0 before there is a case."""
        scores = self._score(target)
        return float(_join(*(_mix(one) for one in scores))) if len(self.values) else 0.0

    def bound(self, alpha: float) -> float:
        """Return the lower bound of the rate that holds at all looks at once with confidence 1 - alpha; NaN: no case.

        It is the largest target whose e-value passes 1/alpha: it is at or above a target exactly when the e-value
        against that target promotes.
        """
        if not len(self.values):
            return math.nan

        def is_passed(target: Floats | float) -> Flags:
            return np.asarray(self.final_log_e(float(target)) >= -math.log(alpha))

        least, rate = 1e-9, float(np.clip(np.mean(self.values), 1e-9, 1 - 1e-9))
        return float(find_last_above(is_passed, least, rate)) if is_passed(least) else 0.0

    def bound_path(self, alpha: float) -> Floats:
        """Return the bound of `bound` after each case: exact at whole percents (of long streams at each fifth), else
        interpolated."""
        if not len(self.values):
            return np.zeros(0)
        targets = _TARGETS if len(self.values) <= _LONG_STREAM else _TARGETS[4::5]
        above = np.stack([self.log_e(target) for target in targets]) + math.log(alpha)
        last = (above >= 0).sum(axis=0)  # e-values fall as targets rise
        low, places = np.clip(last - 1, 0, len(targets) - 2), np.arange(above.shape[1])
        here, there = above[low, places], above[low + 1, places]
        share = np.clip(here / np.maximum(here - there, 1e-12), 0.0, 1.0)
        return np.where(last > 0, targets[low] + share * (targets[low + 1] - targets[low]), 0.0)

    def count_hits_needed(self, target: float, log_needed: float) -> float:
        """Return how many hits in a row, each its own block, would pass a threshold; NaN where not within 2,000."""
        more = np.arange(2_001.0)[:, None] * np.log1p(_BETS * (1 - target) / target)
        blocks, single = self._score(target)
        effect = 1.0 if self.sums is None else self.sums.design_effects[-1]
        enough = np.flatnonzero(_join(_mix(blocks + more), _mix(single + more / effect)) >= log_needed)
        return float(enough[0]) if len(enough) else math.nan

    def find_growth(self, target: float) -> float:
        """Return by how much ln M grows with each case where what comes is like what was, by the best of the bets."""
        return max(float(one.max()) for one in self._score(target)) / len(self.values) if len(self.values) else math.nan

    def _score(self, target: float) -> tuple[Floats, Floats]:
        """Return ln of the wealth of each bet at the end: on blocks, and on cases."""
        values, often = self._different_values
        single = np.asarray((often[:, None] * np.log(1 - _BETS + _BETS * values[:, None] / target)).sum(axis=0))
        if self.sums is None:
            return single, single
        blocks, alike = self.sums.different
        whole = (alike[:, None] * _score_blocks(blocks[:, 0], blocks[:, 1], target)).sum(axis=0)
        return whole, single / self.sums.design_effects[-1]

    @cached_property
    def _different_values(self) -> tuple[Floats, NDArray[np.int64]]:
        return np.unique(self.values, return_counts=True)


def log_e_of_blocks(hits: Floats, size: int, target: float) -> Floats:
    """Return ln M (`Stream.log_e`) after each whole block of one size, (lives, blocks); hits: whole numbers."""
    possible = np.arange(size + 1.0)
    scores = _score_blocks(possible, np.full(size + 1, float(size)), target)
    whole = np.cumsum(scores[hits.astype(np.int64)], axis=-2)
    if size == 1:
        return _mix(whole)
    won = np.cumsum(hits, axis=-1)[..., None]
    number = np.arange(1, hits.shape[-1] + 1)
    lost = (number * size)[:, None] - won
    single = won * np.log1p(_BETS * (1 - target) / target) + lost * np.log1p(-_BETS)
    between = np.cumsum(hits**2, axis=-1) / size
    counts = {"blocks": number, "cases": number * size, "squared_sizes": number * size**2.0}
    effects = find_design_effects(Sums(**counts, total=won[..., 0], squares=won[..., 0], between=between))
    return _join(_mix(whole), _mix(single / effects[..., None]))


def _score_blocks(hits: Floats, count: Floats, target: float) -> Floats:
    """Return ln(1 - v + v share / target) of each block and bet, shape (blocks, bets); 0 for a block without cases."""
    size = np.maximum(count, 1.0)
    effective = size / (1 + (size - 1) * _LIKENESS)
    bets = np.minimum(1 - (1 - _BETS) ** effective[:, None], _MOST_STAKED)
    scores = np.log(1 - bets + bets * (hits / size)[:, None] / target)
    return np.where(count[:, None] > 0, scores, 0.0)


def _mix(log_wealth: Floats) -> Floats:
    """Return ln sum_j w_j exp(.) over the last axis, without leaving the range of floats."""
    most = log_wealth.max(axis=-1)
    return most + np.log((np.exp(log_wealth - most[..., None]) * _WEIGHTS).sum(axis=-1))


def _join(on_blocks: Floats, on_cases: Floats) -> Floats:
    """Return ln of the whole wealth."""
    return np.logaddexp(on_blocks + math.log(1 - _ON_CASES), on_cases + math.log(_ON_CASES))
