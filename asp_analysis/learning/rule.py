"""The sound rule's thresholds, and the cases that it sees."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import Floats
from asp_analysis.learning.betting import Flags, Places

MODES = ("Learning", "Shadow", "Autonomous")

THIRDS = ("small", "medium", "large")

RULE_VERSION = "sound 3"
"""Changes where the same cases may lead to another mode."""


@dataclass(frozen=True, kw_only=True)
class SoundRule:
    """The thresholds of the sound rule.

    alpha: probability that a capability at or below its target is ever promoted, however often one looks and however
        many versions it has.
    thirds_share: the part of alpha that is kept for autonomy on one third of size alone.
    dwell: looks in a row at which promotion must be deserved; the e-value needs no more than one.
    min_per_stratum: scored cases that each stratum (small, medium, large tasks) needs before autonomy.
    surplus: cases by which a stratum may be ahead of the one that has fewest; the others wait.
    drift_window, drift_alpha, demote_margin: not hopeful where the last `drift_window` cases would be this unlikely
        (one-sided exact binomial) at a rate of target minus margin; what acts alone falls sooner (`is_falling`).
    memory: a model or prompt version that was not at work in so many last cases is a change.
    """

    alpha: float = 0.05
    thirds_share: float = 0.05
    dwell: int = 1
    min_per_stratum: int = 5
    surplus: int = 5
    drift_window: int = 20
    drift_alpha: float = 0.05
    demote_margin: float = 0.05
    memory: int = 30

    def __post_init__(self) -> None:
        """Refuse thresholds that make no sense."""
        shares = self.drift_alpha, self.thirds_share
        if not (0 < self.alpha < 1 and min(shares) > 0 and max(shares) < 1 and 0 <= self.demote_margin < 1):
            raise EstimationRefusal(
                f"alpha={self.alpha}, thirds_share={self.thirds_share}, drift_alpha={self.drift_alpha} or "
                f"demote_margin={self.demote_margin} is not a probability between 0 and 1. Correct it."
            )
        if min(self.dwell, self.drift_window, self.memory) < 1 or min(self.min_per_stratum, self.surplus) < 0:
            raise EstimationRefusal(
                f"dwell={self.dwell}, drift_window={self.drift_window} or memory={self.memory} is not at least 1, or "
                f"min_per_stratum={self.min_per_stratum} or surplus={self.surplus} not at least 0. Correct it."
            )

    def find_thresholds(self, strata: int) -> Floats:
        """Return the logarithms that e-values must pass, (1 + strata,): for all sizes, then for each third alone."""
        if strata < 2:
            return np.full(1 + strata, -math.log(self.alpha))
        own = self.alpha * self.thirds_share / strata
        return -np.log([self.alpha * (1 - self.thirds_share), *[own] * strata])


@dataclass(frozen=True, kw_only=True)
class Cases:
    """The scored cases of one capability in time order.

    values: (n, criteria) shares between 0 and 1, NaN where a case says nothing about a criterion.
    targets: per criterion; all must be passed, each at alpha (one that fails a criterion is promoted at most so often).
    needed: cases before Shadow. strata: (n,) whole numbers, -1 unknown. is_changed: another model or prompt version
    begins here. is_critical: a critical failure got through. blocks: (n,) the day, epic or session of each case, whose
    cases may be alike; None: all independent.
    """

    values: Floats
    targets: tuple[float, ...]
    needed: int
    strata: Places
    is_changed: Flags
    is_critical: Flags
    blocks: Places | None = None

    @cached_property
    def strata_count(self) -> int:
        """How many strata there are: 0 where no size is known."""
        return int(self.strata.max(initial=-1)) + 1

    @cached_property
    def strata_shares(self) -> tuple[float, ...]:
        """The share of each stratum among the cases whose size is known."""
        counts = np.bincount(self.strata[self.strata >= 0], minlength=self.strata_count)
        return tuple(float(count) for count in counts / max(counts.sum(), 1))
