"""What the present evidence says about one criterion: the cases that count, their bound, and what they lack."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from asp_analysis.intervals import Floats, wilson
from asp_analysis.learning.balance import order_evenly
from asp_analysis.learning.betting import Places, Stream
from asp_analysis.learning.likeness import estimate_icc
from asp_analysis.learning.rule import Cases, SoundRule
from asp_analysis.learning.signals import hold
from asp_analysis.learning.sound import Walk


@dataclass(frozen=True, kw_only=True)
class Present:
    """The outcomes of one criterion since the present evidence began, in the order of time.

    log_needed: what ln of the e-value must pass: ln(1/alpha), more where former versions have used up some of alpha.
    shares: of the thirds of size; empty for one third alone.
    """

    values: Floats
    strata: Places
    blocks: Places | None
    target: float
    log_needed: float
    shares: tuple[float, ...]
    surplus: int

    @classmethod
    def of(cls, cases: Cases, life: Walk, rule: SoundRule, column: int = 0, stratum: int | None = None) -> "Present":
        """Take the present evidence of a life, all of it or that of one third."""
        values, strata = cases.values[life.evidence_from :, column], cases.strata[life.evidence_from :]
        wanted = ~np.isnan(values) & ((strata == stratum) if stratum is not None else True)
        place = 0 if stratum is None else 1 + stratum
        stake = max(float(life.stakes[column, place]), 1e-300)
        return cls(
            values=values[wanted],
            strata=strata[wanted],
            blocks=None if cases.blocks is None else cases.blocks[life.evidence_from :][wanted],
            target=cases.targets[column],
            log_needed=float(rule.find_thresholds(cases.strata_count)[place]) - math.log(stake),
            shares=cases.strata_shares if stratum is None else (),
            surplus=rule.surplus,
        )

    @cached_property
    def order(self) -> tuple[Places, Places]:
        """The cases that count, in their order, and how many count after each case."""
        return order_evenly(self.strata, self.shares, self.surplus)

    @cached_property
    def counted(self) -> Stream:
        """The outcomes that count."""
        order = self.order[0]
        return Stream.of(self.values[order], None if self.blocks is None else self.blocks[order])

    @cached_property
    def log_e(self) -> float:
        """ln of the e-value; 0 before there is a case."""
        return self.counted.final_log_e(self.target)

    @cached_property
    def log_growth(self) -> float:
        """By how much it grows with each case, if those to come are like these; NaN before there is a case."""
        return self.counted.find_growth(self.target)

    @cached_property
    def likeness(self) -> float:
        """Intraclass correlation within blocks; NaN where it cannot be known."""
        return math.nan if self.blocks is None else estimate_icc(self.values, self.blocks)

    def bound_path(self) -> Floats:
        """Return after each case the lower bound of the rate that holds at all looks at once."""
        path = self.counted.bound_path(math.exp(-self.log_needed))
        bounds = hold(path, self.order[1] - 1)
        return np.where(self.order[1] > 0, bounds, math.nan)

    def describe(self) -> dict[str, Any]:
        """Return the columns of `criteria` for this criterion."""
        k, n = float(self.values.sum()), len(self.values)
        lower, upper = wilson(k, n) if n else (math.nan, math.nan)
        return {
            "cases": n,
            "value": k / n if n else math.nan,
            "wilson_lower": lower,
            "wilson_upper": upper,
            "lower_bound": self.counted.bound(math.exp(-self.log_needed)),
            "target": self.target,
            "e_value": math.exp(min(self.log_e, 700.0)),
            "is_passed": self.log_e >= self.log_needed,
            "hits_needed": self.counted.count_hits_needed(self.target, self.log_needed),
            "cases_counted": len(self.order[0]),
            "blocks": n if self.blocks is None else len(np.unique(self.blocks)),
            "block_likeness": self.likeness,
            "e_value_needed": math.exp(min(self.log_needed, 700.0)),
        }
