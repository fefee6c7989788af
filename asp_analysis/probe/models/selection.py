"""The model that forecast best so far is asked next, as long as its intervals held.

The score is the mean interval score on logs (Gneiting and Raftery 2007), averaged over the levels: it pays for width
and for misses at once, and on logs a cheap task counts as much as an expensive one. The same rule, applied before every
past task with what was known then, is the model `auto` of a backtest, so its coverage includes the choosing.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from asp_analysis.probe.models.adaptive import follow_misses
from asp_analysis.probe.models.candidates import CANDIDATES, Forecasts
from asp_analysis.probe.models.conformal import Past

COVERAGE_TOLERANCE = 0.05
"""A candidate's past coverage may miss the level by this much ..."""

TOLERANCE_ERRORS = 2.0
"""... plus this many binomial standard errors, so that ten tasks cannot disqualify anybody by chance."""

LEAST_FORECASTS = 10
"""Past forecasts that a model needs before it can displace the simplest: the best of eight short records is luck."""

LEAST_LEAD = 0.2
"""... and by how many standard errors its score must then be better: with none the choice flickers, and more keeps the
simplest for long after another leads."""

MEMORY_TASKS = 100
"""Half-life of the scores: agents change, and what forecast best a thousand tasks ago need not today."""


def score_intervals(log_actual: np.ndarray, forecasts: Forecasts, levels: tuple[float, ...]) -> np.ndarray:
    """Interval score on logs, mean over levels: width + 2 / (1 - level) x overshoot. Shape (n,); NaN without a
    forecast."""
    n = len(log_actual)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = np.log(forecasts.lower[:n]), np.log(forecasts.upper[:n])
        missed = np.maximum(lower - log_actual[:, None], 0) + np.maximum(log_actual[:, None] - upper, 0)
        return (upper - lower + 2 / (1 - np.array(levels)) * missed).mean(1)


def select(
    log_actual: np.ndarray, known: np.ndarray, forecasts: dict[str, Forecasts], levels: tuple[float, ...]
) -> np.ndarray:
    """Names of the chosen model before each task and those to come, shape (rows,), None where none can answer.

    known: outcomes that were known before each, (rows,). The simplest that can answer is asked until another leads: it
    has 10 past forecasts, its mean past score is better by a fifth of a standard error, and its coverage at every level
    is within 5 points plus 2 standard errors; the best lead is asked. If the simplest itself does not hold and nobody
    leads, the one with the least excess miss of coverage is asked.
    """
    names = [model.name for model in CANDIDATES if model.name in forecasts]
    can = np.column_stack([~np.isnan(forecasts[name].estimate) for name in names])
    can &= np.column_stack([~np.isnan(forecasts[name].lower).any(1) for name in names])
    lead = np.column_stack([_measure_lead(log_actual, forecasts[name], forecasts[names[0]], levels) for name in names])
    excess = np.column_stack([_measure_excess(log_actual, forecasts[name], levels) for name in names])
    lead, excess = lead[known], excess[known]
    held = can & (excess <= 0) & np.isfinite(lead)
    by_score = np.argmin(np.where(held, lead, np.inf), axis=1)
    by_coverage = np.argmin(np.where(can, np.maximum(excess, 0), np.inf), axis=1)
    best = np.where(held.any(1), by_score, by_coverage)
    chosen = np.array(names, dtype=object)[best]
    chosen[~can.any(1)] = None
    return chosen


def pick(forecasts: dict[str, Forecasts], past: Past, chosen: np.ndarray, levels: tuple[float, ...]) -> Forecasts:
    """The forecasts of the chosen model, row by row; their level follows the misses of the choice itself.

    chosen: names of candidates, shape (rows,), None where none can answer. Each model's level follows its own misses,
    but picking the luckiest record misses more often than each of them does.
    """
    calibrated = {name: one.calibrated for name, one in forecasts.items() if one.calibrated is not None}
    nominal, rows = 1 - np.array(levels), len(chosen)
    n = len(next(iter(calibrated.values())).p_value)
    p_value, position, crps = np.full((3, n), np.nan)
    for name in set(chosen[:n]) - {None}:
        own = chosen[:n] == name
        p_value[own], position[own] = calibrated[name].p_value[own], forecasts[name].position[own]
        crps[own] = forecasts[name].crps[own]
    followed = follow_misses(np.repeat(p_value[:, None], len(nominal), axis=1), nominal)[past.known]
    shares = nominal + (1 - past.prior.share(past.known)[:, None]) * (followed - nominal)
    estimate, mean, n_effective = np.full((3, rows), np.nan)
    bounds = np.full((2, rows, len(nominal)), np.nan)
    for name in set(chosen) - {None}:
        own, source = chosen == name, forecasts[name]
        estimate[own], mean[own] = source.estimate[own], source.mean[own]
        n_effective[own] = source.n_effective[own]
        lower, upper = calibrated[name].bound(shares, own)
        bounds[0, own], bounds[1, own] = np.exp(lower[own]), np.exp(upper[own])
    return Forecasts(
        estimate=estimate,
        mean=mean,
        lower=bounds[0],
        upper=bounds[1],
        n_effective=n_effective,
        position=position,
        crps=crps,
        shares=shares,
    )


def _measure_lead(
    log_actual: np.ndarray, mine: Forecasts, simplest: Forecasts, levels: tuple[float, ...]
) -> np.ndarray:
    """Mean past score minus the simplest's on the same tasks; infinite until it is long and clear enough, 0 for
    itself."""
    if mine is simplest:
        return np.zeros(len(log_actual) + 1)
    difference = score_intervals(log_actual, mine, levels) - score_intervals(log_actual, simplest, levels)
    forecasts = np.concatenate([[0], np.cumsum(~np.isnan(difference))])
    total, count = _sum_fading(difference)
    squares, _ = _sum_fading(difference**2)
    mean = total / np.maximum(count, 1)
    error = np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0) / np.maximum(count - 1, 1))
    is_clear = (forecasts >= LEAST_FORECASTS) & (mean < -LEAST_LEAD * error)
    return np.where(is_clear, mean, np.inf)


def _measure_excess(log_actual: np.ndarray, forecasts: Forecasts, levels: tuple[float, ...]) -> np.ndarray:
    """How far past coverage misses its level beyond the tolerance, worst level, shape (n + 1,); at most 0: it held."""
    n = len(log_actual)
    actual = np.exp(log_actual)[:, None]
    inside = ((forecasts.lower[:n] <= actual) & (actual <= forecasts.upper[:n])).astype(float)
    inside[np.isnan(forecasts.lower[:n])] = np.nan
    worst = np.full(n + 1, -np.inf)
    for k, level in enumerate(levels):
        total, count = _sum_fading(inside[:, k])
        error = np.sqrt(level * (1 - level) / np.maximum(count, 1))
        off = np.abs(total / np.maximum(count, 1e-9) - level) - COVERAGE_TOLERANCE - TOLERANCE_ERRORS * error
        worst = np.maximum(worst, np.where(count > 0, off, -np.inf))
    return worst


def _sum_fading(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exponentially fading sum and count of the known values before each row, shape (n + 1,) each."""
    keep = 0.5 ** (1 / MEMORY_TASKS)
    known = ~np.isnan(values)
    sums = (
        accumulate(row.tolist(), lambda total, value: keep * total + value, initial=0.0)
        for row in (np.where(known, values, 0.0), known.astype(float))
    )
    total, count = (np.array(list(one)) for one in sums)
    return total, count
