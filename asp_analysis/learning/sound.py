"""The sound rule: autonomy rests on evidence that stays valid however often you look at it.

A published rule that looks at a raw rate after every task promotes nearly every capability that sits exactly at its
target. Here a capability is promoted when an e-value passes 1/alpha: by Ville's inequality that happens to one below
or at its target with a probability of at most alpha over its whole life, at any number of looks. It falls back when
a recent window, one critical failure, or a new model or prompt version says so.

Own code, because no library of the project has anytime-valid tests; the special functions are SciPy's.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln

from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import Floats
from asp_analysis.learning.bisection import find_last_above

MODES = ("Learning", "Shadow", "Autonomous")

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SoundRule:
    """The thresholds of the sound rule.

    alpha: probability that a capability at or below its target is ever promoted, however often one looks; it is spent
        once per model and prompt version, because a new one is a new capability.
    dwell: looks in a row at which promotion must be deserved.
    min_per_stratum: scored cases that each stratum (small, medium, large tasks) needs before autonomy.
    drift_window, drift_alpha, demote_margin: fall back when the last `drift_window` cases would be this unlikely
        (one-sided exact binomial) at a rate of target minus margin. Promotion and demotion have different thresholds.
    memory: a model or prompt version that was not at work in so many last cases is a change.
    """

    alpha: float = 0.05
    dwell: int = 3
    min_per_stratum: int = 5
    drift_window: int = 20
    drift_alpha: float = 0.05
    demote_margin: float = 0.05
    memory: int = 30

    def __post_init__(self) -> None:
        """Refuse thresholds that make no sense."""
        if not (0 < self.alpha < 1 and 0 < self.drift_alpha < 1 and 0 <= self.demote_margin < 1):
            raise EstimationRefusal(
                f"alpha={self.alpha}, drift_alpha={self.drift_alpha} or demote_margin={self.demote_margin} is not a "
                "probability between 0 and 1. Correct it."
            )
        if min(self.dwell, self.drift_window, self.memory) < 1 or self.min_per_stratum < 0:
            raise EstimationRefusal(
                f"dwell={self.dwell}, drift_window={self.drift_window} or memory={self.memory} is not at least 1. "
                "Correct it."
            )


# --- evidence ---------------------------------------------------------------------------------------------------------


def log_e_value(successes: Floats | float, cases: Floats | float, target: Floats | float) -> Floats:
    """Return ln M_n with M_n = [Int_p0^1 p^k (1-p)^(n-k) dp / (1-p0)] / [p0^k (1-p0)^(n-k)], p0 = target, k of n.

    Evidence against "the rate is at most the target"; 0 before there is any. In logarithms, because M_n leaves the
    range of floats after some hundred cases. k may be a sum of shares between 0 and 1: the likelihood ratio is convex
    in the outcome, so its expectation stays at or below 1 for shares as it does for yes and no.

    Raises:
        EstimationRefusal: the target is not between 0 and 1, or there are more successes than cases.
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(cases, dtype=float)
    p = np.asarray(target, dtype=float)
    if not np.all((p > 0) & (p < 1)) or np.any(k < 0) or np.any(k > n + 1e-9):
        raise EstimationRefusal(
            f"The counts or the target {target} are wrong: 0 <= successes <= cases and 0 < target < 1. Check them."
        )
    fails = np.maximum(n - k, 0.0)
    with np.errstate(divide="ignore"):  # an integral that underflows is no evidence: ln 0 = -inf says so
        above = np.log(betainc(fails + 1, k + 1, 1 - p)) + betaln(k + 1, fails + 1)
    return above - k * np.log(p) - (fails + 1) * np.log1p(-p)


def lower_bound(successes: Floats | float, cases: Floats | float, alpha: float = 0.05) -> Floats:
    """Return the lower bound of a rate that holds at all looks at once with confidence 1 - alpha; NaN without cases.

    It is the largest target whose e-value passes 1/alpha: it is at or above a target exactly when the e-value
    against that target promotes.
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(cases, dtype=float)
    least = 1e-9

    def is_passed(target: Floats | float) -> Flags:
        return log_e_value(k, n, target) >= -math.log(alpha)

    rate = np.clip(k / np.where(n > 0, n, 1.0), least, 1 - least)
    bound = np.where(is_passed(least), find_last_above(is_passed, least, rate), 0.0)
    return np.where(n > 0, bound, math.nan)


def is_drifting(values: Floats, target: float, rule: SoundRule) -> Flags:
    """Return after each case (last axis) whether the recent window is below target minus margin.

    P(K <= k | n = window, p = target - margin) <= drift_alpha, exact binomial; False before the window is full.
    """
    n, floor = rule.drift_window, max(target - rule.demote_margin, 0.01)
    recent = _sum_recent(values, n)
    probability = betainc(np.maximum(n - recent, 1e-9), recent + 1, 1 - floor)
    return (probability <= rule.drift_alpha) & (np.arange(values.shape[-1]) >= n - 1)


# --- what the rule sees and what it decides ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Cases:
    """The scored cases of one capability in time order.

    values: (n, criteria) shares between 0 and 1, NaN where a case says nothing about a criterion.
    targets: per criterion; all must be passed, each at alpha (one that fails a criterion is promoted at most so often).
    needed: cases before Shadow. strata: (n,) whole numbers, -1 unknown. is_changed: another model or prompt version
    begins here. is_critical: a critical failure got through.
    """

    values: Floats
    targets: tuple[float, ...]
    needed: int
    strata: NDArray[np.int64]
    is_changed: Flags
    is_critical: Flags


class Walk(NamedTuple):
    """How one life went: mode after each case, (n,) indices into MODES; where the present evidence begins; events."""

    modes: NDArray[np.int64]
    evidence_from: int
    events: list[tuple[int, str]]


def walk(cases: Cases, rule: SoundRule) -> Walk:
    """Lead a capability through its modes case by case.

    Evidence begins again after a change of model or prompt and after a fall from autonomy, never because of a look.
    """
    n = len(cases.values)
    modes, events = np.zeros(n, dtype=np.int64), []
    mode, start = 0, 0
    signals = _find_signals(cases, 0, rule)
    for i in range(n):
        is_ready, drifts = signals.is_ready[i - start], signals.drifts[i - start]
        cause = _find_fall(cases, i, bool(drifts))
        if cause == "changed":
            mode, start = min(mode, 1), i
            signals = _find_signals(cases, i, rule)
        elif cause and mode > 0:
            if mode == 2:
                start = i + 1
                signals = _find_signals(cases, start, rule)
            mode -= 1 if mode == 2 or cause == "drifting" else 0
        elif mode == 1 and is_ready:
            mode = 2
        elif mode == 0 and not drifts and signals.is_hopeful[i - start] and i - start + 1 >= cases.needed:
            mode = 1
        if mode != (modes[i - 1] if i else 0) or cause == "changed":
            events.append((i, cause or "earned"))
        modes[i] = mode
    return Walk(modes, start, events)


def _find_fall(cases: Cases, i: int, drifts: bool) -> str:
    if cases.is_changed[i]:
        return "changed"
    if cases.is_critical[i]:
        return "critical"
    return "drifting" if drifts else ""


class _Signals(NamedTuple):
    is_ready: Flags
    is_hopeful: Flags
    drifts: Flags


def _find_signals(cases: Cases, start: int, rule: SoundRule) -> _Signals:
    """Compute, for evidence that begins at `start`, after which cases autonomy is deserved and where drift shows.

    Hopeful is what is not clearly below its target: enough to be compared with a person's work in Shadow.
    """
    values, strata = cases.values[start:], cases.strata[start:]
    n = len(values)
    passed, hopeful, drifts = np.ones(n, dtype=bool), np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    for column, target in enumerate(cases.targets):
        seen = np.flatnonzero(~np.isnan(values[:, column]))
        known = values[seen, column]
        spread = np.searchsorted(seen, np.arange(n), side="right") - 1
        passed &= _hold(_is_passed(known, target, rule), spread)
        hopeful &= _hold(_is_hopeful(known, target, rule), spread)
        drifts |= _hold(is_drifting(known, target, rule), spread)
    passed &= is_every_stratum_filled(strata, rule.min_per_stratum, cases.strata.max(initial=-1) + 1)
    return _Signals(is_in_a_row(passed & ~drifts, rule.dwell), hopeful, drifts)


def _is_passed(values: Floats, target: float, rule: SoundRule) -> Flags:
    counts = np.arange(1, values.shape[-1] + 1)
    return log_e_value(np.cumsum(values, axis=-1), counts, target) >= -math.log(rule.alpha)


def _is_hopeful(values: Floats, target: float, rule: SoundRule) -> Flags:
    k, n = np.cumsum(values), np.arange(1, len(values) + 1)
    return betainc(np.maximum(n - k, 1e-9), k + 1, 1 - max(target - rule.demote_margin, 0.01)) > rule.drift_alpha


def _hold(flags: Flags, spread: NDArray[np.int64]) -> Flags:
    """Spread flags of the scored cases over all cases: the last known one holds, False before the first."""
    return np.where(spread >= 0, flags[np.maximum(spread, 0)], False) if len(flags) else np.zeros(len(spread), bool)


def is_every_stratum_filled(strata: NDArray[np.int64], needed: int, count: int = 3) -> Flags:
    """Return after each case whether each of the strata 0, 1, ..., count - 1 holds enough cases."""
    filled = np.ones(len(strata), dtype=bool)
    for stratum in range(count):
        filled &= np.cumsum(strata == stratum) >= needed
    return filled


def is_in_a_row(flags: Flags, length: int) -> Flags:
    """Return along the last axis where a flag has held for so many places in a row."""
    return _sum_recent(flags, length) >= length


def _sum_recent(values: Floats | Flags, length: int) -> Floats:
    sums = np.cumsum(values, axis=-1, dtype=float)
    recent = sums.copy()
    recent[..., length:] = sums[..., length:] - sums[..., :-length]
    return recent


# --- how the rules behave ---------------------------------------------------------------------------------------------


class Promotions(NamedTuple):
    """Shares of lives promoted at some look, by the sound and by the published rule."""

    sound_share: float
    published_share: float


def simulate(outcomes: Flags, target: float, rule: SoundRule | None = None) -> Promotions:
    """Lead capabilities through their lives, a row of `outcomes` each, and look after every task: who is promoted?

    outcomes: (lives, tasks), drawn at a constant true rate. The sound rule is `walk` itself; the published one promotes
    when the raw rate reaches the target, from the tenth task on. Task sizes cycle through the three strata.
    """
    rule, first, n = rule or SoundRule(), 10, outcomes.shape[1]
    sizes, never = np.arange(n) % 3, np.zeros(n, dtype=bool)
    lives = (
        Cases(
            values=life[:, None].astype(float),
            targets=(target,),
            needed=first,
            strata=sizes,
            is_changed=never,
            is_critical=never,
        )
        for life in outcomes
    )
    sound = np.mean([(walk(cases, rule).modes == 2).any() for cases in lives])
    rate = np.cumsum(outcomes, axis=1) / np.arange(1, n + 1)
    return Promotions(float(sound), float((rate[:, first - 1 :] >= target).any(axis=1).mean()))
