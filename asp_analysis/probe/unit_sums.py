"""The cost of several units is a sum whose errors are neither independent nor identical: part of each error is shared.

Adding lower to lower and upper to upper bounds supposes that all units go wrong together; adding variances supposes
that none do. The shared part is estimated from past forecasts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from asp_analysis.errors import InputError
from asp_analysis.probe.answers import Estimate
from asp_analysis.probe.backtest import Replay

DEFAULT_SHARE = 0.5
"""Correlation of two units' log errors where the past does not show it: halfway between independent and going wrong
together."""

LEAST_FOR_A_SHARE, LEAST_PROJECTS = 20, 5
"""Fewer past errors, or fewer projects with two or more, do not support a variance component."""


def measure_shared_error(found: Replay) -> float:
    """Correlation of log errors within a project: the intraclass correlation of auto's past errors, 0.5 where unknown.

    One-way analysis of variance estimate (MSB - MSW) / (MSB + (k0 - 1) MSW), k0 the mean group size corrected for
    unequal groups, cut to 0..1 (Donner 1986).
    """
    n = len(found.series.tasks)
    error = found.timeline.log_cost - np.log(found.forecasts["auto"].estimate[:n])
    project = found.series.tasks["project_id"].to_numpy(object)
    usable = ~np.isnan(error) & np.array([name is not None and name == name for name in project], dtype=bool)
    error, group = error[usable], np.unique(project[usable].astype(str), return_inverse=True)[1]
    count = np.bincount(group) if len(group) else np.array([0])
    if len(error) < LEAST_FOR_A_SHARE or (count >= 2).sum() < LEAST_PROJECTS:
        return DEFAULT_SHARE
    mean = np.bincount(group, error) / count
    between = np.sum(count * (mean - error.mean()) ** 2) / (len(count) - 1)
    within = np.sum((error - mean[group]) ** 2) / (len(error) - len(count))
    k0 = (len(error) - np.sum(count**2) / len(error)) / (len(count) - 1)
    return float(np.clip((between - within) / (between + (k0 - 1) * within), 0, 1))


def sum_estimates(units: list[Estimate], share: float = DEFAULT_SHARE) -> Estimate:
    """The estimate of the sum of units of one component and series, log errors correlated by `share` (0 to 1).

    Each unit is taken as log-normal with its own spread, below and above the median apart; the sum is matched by its
    first two moments (Fenton 1960): mean M = Sum m_i, variance V = Sum_ij m_i m_j (exp(rho_ij s_i s_j) - 1), spread^2
    = ln(1 + V / M^2), median = M exp(-spread^2 / 2). A level that one unit withholds is withheld for the sum. One unit
    is returned as it is.

    Raises:
        InputError: there are no units, or the share is another.
    """
    if not units or not 0 <= share <= 1:
        raise InputError(
            f"{len(units)} units with a share of {share:g} have no sum. Pass one unit or more, and a share from 0 to 1."
        )
    if len(units) == 1:
        return units[0]
    withheld = {level: reason for unit in units for level, reason in unit.withheld.items()}
    first = next(level for level in units[0].lower if level not in withheld)
    around = [np.log(unit.upper[first] / unit.lower[first]) / (2 * _find_quantile(first)) for unit in units]
    medians = [unit.estimate for unit in units]
    median, _ = _match(medians, around, share)
    lower, upper = {}, {}
    for level in units[0].lower:
        below = [np.log(unit.estimate / unit.lower[level]) / _find_quantile(level) for unit in units]
        above = [np.log(unit.upper[level] / unit.estimate) / _find_quantile(level) for unit in units]
        lower[level] = median * math.exp(-_find_quantile(level) * _match(medians, below, share)[1])
        upper[level] = median * math.exp(_find_quantile(level) * _match(medians, above, share)[1])
    methods = sorted({unit.method for unit in units})
    return replace(
        units[0],
        estimate=median,
        mean=float(sum(unit.mean for unit in units)),
        lower=lower,
        upper=upper,
        method=" + ".join(methods),
        why=f"Sum of {len(units)} units, {share:.0%} of their log error variance shared; first unit: {units[0].why}",
        size=sum(unit.size or 0 for unit in units) or None,
        evidence={},
        notes=_write_notes(units),
        withheld=withheld,
    )


def _write_notes(units: list[Estimate]) -> tuple[str, ...]:
    own = dict.fromkeys(note for unit in units for note in unit.notes)
    return (
        "Each unit is estimated like a past task of its size: what every task costs once is counted once per unit.",
        *own,
    )


def _find_quantile(level: float) -> float:
    return float(special.ndtri(0.5 + level / 2))


def _match(medians: Sequence[float], spreads: ArrayLike, share: float) -> tuple[float, float]:
    """Median and log standard deviation of the log-normal with the sum's mean and variance."""
    s = np.asarray(spreads)
    with np.errstate(over="ignore"):
        mean = np.asarray(medians) * np.exp(s**2 / 2)
        correlation = np.full((len(s), len(s)), share)
        np.fill_diagonal(correlation, 1.0)
        variance = mean @ (np.exp(correlation * np.outer(s, s)) - 1) @ mean
        spread = np.sqrt(np.log1p(variance / mean.sum() ** 2))
    return float(mean.sum() * np.exp(-(spread**2) / 2)), float(spread)
