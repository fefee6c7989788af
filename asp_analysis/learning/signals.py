"""What the sound rule reads off the cases: after which of them autonomy is deserved, and where an agent got worse."""

from typing import NamedTuple

import numpy as np
from scipy.special import betainc

from asp_analysis.intervals import Floats
from asp_analysis.learning.balance import is_every_stratum_filled, order_evenly
from asp_analysis.learning.betting import Flags, Places, Stream
from asp_analysis.learning.falls import is_drifting, is_falling, is_in_a_row
from asp_analysis.learning.likeness import find_design_effect
from asp_analysis.learning.rule import Cases, SoundRule


class Signals(NamedTuple):
    """What is known after each of some cases: log_e (n, criteria, 1 + strata), is_ready (n, 1 + strata), thirds_fall
    (n, strata), the rest (n,)."""

    log_e: Floats
    is_ready: Flags
    has_third: Flags
    is_hopeful: Flags
    drifts: Flags
    falls: Flags
    thirds_fall: Flags


def find_effect(cases: Cases, column: int) -> float:
    """Return the design effect of a criterion over the whole life: by how much its cases are worth less."""
    known = ~np.isnan(cases.values[:, column])
    return find_design_effect(cases.values[known, column], None if cases.blocks is None else cases.blocks[known])


def find_signals(cases: Cases, part: slice, rule: SoundRule, stakes: Floats, effects: list[float]) -> Signals:
    """Compute for evidence that begins with `part` after which cases autonomy is deserved and where drift shows.

    Hopeful is what is not clearly below its target: enough to be compared with a person's work in Shadow.
    """
    values, strata = cases.values[part], cases.strata[part]
    n, count = len(values), cases.strata_count
    log_e = np.zeros((n, values.shape[1], 1 + count))
    hopeful, drifts, falls = np.ones(n, dtype=bool), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    thirds_fall = np.zeros((n, count), dtype=bool)
    for column, target in enumerate(cases.targets):
        seen = np.flatnonzero(~np.isnan(values[:, column]))
        known = values[seen, column]
        spread = np.searchsorted(seen, np.arange(n), side="right") - 1
        log_e[:, column] = hold(weigh(cases, part, column, seen, rule.surplus), spread)
        hopeful &= hold(_is_hopeful(known, target, rule), spread)
        drifts |= hold(is_drifting(known, target, rule), spread)
        falls |= hold(is_falling(known, target, rule.demote_margin, effects[column]), spread)
        for one in range(count):
            own = np.flatnonzero(strata[seen] == one)
            at = np.searchsorted(seen[own], np.arange(n), side="right") - 1
            thirds_fall[:, one] |= hold(is_falling(known[own], target, rule.demote_margin, effects[column]), at)
    worth = log_e + np.log(np.maximum(stakes, 1e-300))
    is_ready: Flags = np.asarray((worth >= rule.find_thresholds(count)).all(axis=1))
    is_ready[:, 0] &= is_every_stratum_filled(strata, rule.min_per_stratum, count) & ~drifts & ~falls
    is_ready[:, 0] = is_in_a_row(is_ready[:, 0], rule.dwell)
    is_ready[:, 1:] &= ~thirds_fall & (count > 1)
    return Signals(
        log_e=log_e,
        is_ready=is_ready,
        has_third=np.asarray(is_ready[:, 1:].any(axis=1)),
        is_hopeful=hopeful,
        drifts=drifts,
        falls=falls,
        thirds_fall=thirds_fall,
    )


def weigh(cases: Cases, part: slice, column: int, seen: Places, surplus: int) -> Floats:
    """Return ln e-values of one criterion after each seen case, (seen, 1 + strata): of all sizes, of each alone."""
    known, strata, target = cases.values[part][seen, column], cases.strata[part][seen], cases.targets[column]
    blocks = None if cases.blocks is None else cases.blocks[part][seen]
    log_e = np.zeros((len(seen), 1 + cases.strata_count))
    order, counted = order_evenly(strata, cases.strata_shares, surplus)
    whole = Stream.of(known[order], None if blocks is None else blocks[order]).log_e(target)
    log_e[:, 0] = hold(whole, counted - 1)
    for one in range(cases.strata_count):
        own = np.flatnonzero(strata == one)
        at = np.searchsorted(own, np.arange(len(seen)), side="right") - 1
        log_e[:, 1 + one] = hold(Stream.of(known[own], None if blocks is None else blocks[own]).log_e(target), at)
    return log_e


def _is_hopeful(values: Floats, target: float, rule: SoundRule) -> Flags:
    k, n = np.cumsum(values), np.arange(1, len(values) + 1)
    return betainc(np.maximum(n - k, 1e-9), k + 1, 1 - max(target - rule.demote_margin, 0.01)) > rule.drift_alpha


def hold(values: np.ndarray, spread: Places) -> np.ndarray:
    """Spread what is known after the scored cases over all cases: the last known holds, False or 0 before the first."""
    if not len(values):
        return np.zeros((len(spread), *values.shape[1:]), dtype=values.dtype)
    known = (spread >= 0).reshape(-1, *[1] * (values.ndim - 1))
    return np.where(known, values[np.maximum(spread, 0)], np.zeros((), dtype=values.dtype))
