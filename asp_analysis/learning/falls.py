"""When an agent got worse: quickly where it acts alone, with patience where a person works next to it."""

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc

from asp_analysis.intervals import Floats
from asp_analysis.learning.betting import Flags

if TYPE_CHECKING:
    from asp_analysis.learning.rule import SoundRule

_FALLEN = 0.1
"""What is to be seen quickly: an agent ten points above its target falls ten points below it."""

_WAIT, _MOST_ALARM = 30.0, 4.6
"""The alarm is what so many cases after that fall add up to, at most ln 100: a good agent is seldom accused."""


def is_drifting(values: Floats, target: float, rule: "SoundRule") -> Flags:
    """Return after each case (last axis) whether the recent window is below target minus margin.

    P(K <= k | n = window, p = target - margin) <= drift_alpha, exact binomial; False before the window is full.
    """
    n, floor = rule.drift_window, max(target - rule.demote_margin, 0.01)
    recent = sum_recent(values, n)
    probability = betainc(np.maximum(n - recent, 1e-9), recent + 1, 1 - floor)
    return (probability <= rule.drift_alpha) & (np.arange(values.shape[-1]) >= n - 1)


def is_falling(values: Floats, target: float, margin: float, design_effect: float = 1.0) -> Flags:
    """Return after each case whether the cumulative sum of evidence for "worse" is above its alarm (CUSUM).

    Each case adds ln(likelihood at target - margin / likelihood at a good rate: halfway to 1, at most target + 0.1),
    and the sum never falls below 0 (Page, Continuous inspection schemes, Biometrika 41, 1954). Cases that are alike add
    less (`likeness`). The alarm follows from the target: a fall of 20 points takes about 25 cases.
    """
    good, bad = target + min(0.1, (1 - target) / 2), max(target - margin, target / 2)
    hit, miss = math.log(bad / good), math.log((1 - bad) / (1 - good))
    fallen = max(target - _FALLEN, target / 4)
    alarm = min(_WAIT * (fallen * hit + (1 - fallen) * miss), _MOST_ALARM)
    steps = (values * hit + (1 - values) * miss) / design_effect
    total = np.cumsum(steps)
    return np.asarray(total - np.minimum(np.minimum.accumulate(total), 0.0) >= alarm)


def is_in_a_row(flags: Flags, length: int) -> Flags:
    """Return along the last axis where a flag has held for so many places in a row."""
    return sum_recent(flags, length) >= length


def sum_recent(values: Floats | Flags, length: int) -> Floats:
    """Return along the last axis the sum of the last `length` values."""
    sums = np.cumsum(values, axis=-1, dtype=float)
    recent = sums.copy()
    recent[..., length:] = sums[..., length:] - sums[..., :-length]
    return recent
