"""What could have been said of the spend to come on each past day, and how wrong it was: the rolling origin.

On each day four levels of daily spend are known, which forget with half-lives of 5, 14 and 45 days or never, each
pulled towards the next slower one while it rests on few days; and what share of it each day of the week has. A level
times the weekdays to come is a forecast. Its error is ln((0.3 + r) / 1.3), r the ratio of actual to forecast: a ratio's
logarithm where something was spent, and finite where nothing was, as on days off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asp_analysis.spending.daily import WEEK, DailySpend

HALF_LIVES_DAYS = (5.0, 14.0, 45.0, 1e9)
"""After so many days what was spent counts half in a level."""

WEEKDAY_HALF_LIFE_DAYS = 56.0
"""The same for the shares of weekdays."""

PULL_DAYS = 3.0
"""Days that the slower level counts as in a faster one."""

PULL_WEEKS = 2.0
"""Weeks without any pattern that count in the shares of weekdays."""

ZERO_RATIO = 0.3
"""Added to the ratio of actual to forecast, so that its logarithm exists where nothing was spent."""

NO_SPEND = float(np.log(ZERO_RATIO / (1 + ZERO_RATIO)))
"""The error of a forecast after which nothing was spent."""

HORIZONS_DAYS = (1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 42, 61, 92)
"""How far past forecasts looked ahead."""

_TINY = 1e-12
_MOST_RATIO = 1e6


@dataclass(frozen=True, kw_only=True)
class RollingPast:
    """Levels and weekdays before each day, and the errors of past forecasts in the order in which they were known.

    levels: (n + 1, 4), shares: (n + 1, 7), activity: (n + 1,), ln of the fast level to the slow one; backlog: (n + 1,),
    ln of open tasks to the mean of before, 0 where unknown. origin, horizon: (k,); errors: (k, 4).
    """

    spend: DailySpend
    levels: np.ndarray
    shares: np.ndarray
    activity: np.ndarray
    backlog: np.ndarray
    origin: np.ndarray
    horizon: np.ndarray
    errors: np.ndarray

    @classmethod
    def of(cls, spend: DailySpend) -> RollingPast:
        """Forecast each day of the past from the days before it."""
        levels, shares = _follow(spend)
        slow = np.maximum(levels[:, -1], _TINY)
        activity = np.where(levels[:, -1] > 0, np.log((levels[:, 0] + 0.03 * slow) / (1.03 * slow)), 0.0)
        origin, horizon, errors = _collect_errors(spend, levels, shares)
        order = np.argsort(origin + horizon, kind="stable")
        return cls(
            spend=spend,
            levels=levels,
            shares=shares,
            activity=activity,
            backlog=_compare_backlog(spend),
            origin=origin[order],
            horizon=horizon[order],
            errors=errors[order],
        )

    def expect(self, day: int, horizon: int) -> np.ndarray:
        """Return what each level says of the spend of so many days from a day on. Shape (4,)."""
        weeks, rest = divmod(horizon, WEEK)
        ahead = (self.spend.first_day.weekday() + day + np.arange(rest)) % WEEK
        mass = weeks * self.shares[day].sum() + self.shares[day, ahead].sum()
        return np.maximum(mass * self.levels[day], _TINY)

    def count_known(self, day: int) -> int:
        """Return how many of the errors were known before a day: always the first ones."""
        return int(np.searchsorted(self.origin + self.horizon, day, side="right"))


def _follow(spend: DailySpend) -> tuple[np.ndarray, np.ndarray]:
    """Return levels, (n + 1, 4), and shares of weekdays, (n + 1, 7; their mean is 1), as known before each day."""
    n, forget = len(spend.amounts), 0.5 ** (1 / np.asarray(HALF_LIVES_DAYS))
    levels, shares = np.zeros((n + 1, len(forget))), np.ones((n + 1, WEEK))
    spent, days = np.zeros(len(forget)), np.zeros(len(forget))
    by_weekday, seen, fade = np.zeros(WEEK), np.zeros(WEEK), 0.5 ** (1 / WEEKDAY_HALF_LIFE_DAYS)
    for day, (amount, weekday) in enumerate(zip(spend.amounts, spend.weekdays, strict=True), 1):
        by_weekday, seen = fade * by_weekday, fade * seen
        by_weekday[weekday] += amount
        seen[weekday] += 1
        mean = by_weekday.sum() / seen.sum()
        if mean > 0:
            share = (by_weekday + PULL_WEEKS * mean) / ((seen + PULL_WEEKS) * mean)
            shares[day] = share / share.mean()
        spent, days = forget * spent + amount, forget * days + shares[day, weekday]
        level = spent / days
        for place in range(len(forget) - 2, -1, -1):
            trust = days[place] / (days[place] + PULL_DAYS)
            level[place] = trust * level[place] + (1 - trust) * level[place + 1]
        levels[day] = level
    return levels, shares


def _collect_errors(
    spend: DailySpend, levels: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return origin, horizon and errors of the forecasts of which the outcome is known; the first week makes none."""
    n, total = len(spend.amounts), np.append(0.0, np.cumsum(spend.amounts))
    origins, horizons, errors = [], [], []
    for horizon in (one for one in HORIZONS_DAYS if one <= n - WEEK):
        day = np.arange(WEEK, n - horizon + 1)
        weeks, rest = divmod(horizon, WEEK)
        mass = weeks * shares[day].sum(1)
        for ahead in range(rest):
            mass += shares[day, (spend.first_day.weekday() + day + ahead) % WEEK]
        expected = np.maximum(mass[:, None] * levels[day], _TINY)
        ratio = np.minimum((total[day + horizon] - total[day])[:, None] / expected, _MOST_RATIO)
        errors.append(np.log((ZERO_RATIO + ratio) / (ZERO_RATIO + 1)))
        origins.append(day)
        horizons.append(np.full(len(day), horizon))
    if not errors:
        return np.empty(0, int), np.empty(0, int), np.empty((0, len(HALF_LIVES_DAYS)))
    return np.concatenate(origins), np.concatenate(horizons), np.concatenate(errors)


def _compare_backlog(spend: DailySpend) -> np.ndarray:
    """Return ln((1 + open tasks) / (1 + their mean of before)) before each day, (n + 1,)."""
    if spend.open_tasks is None:
        return np.zeros(len(spend.amounts) + 1)
    mean = np.cumsum(spend.open_tasks) / np.arange(1, len(spend.open_tasks) + 1)
    return np.log1p(spend.open_tasks) - np.log1p(mean)
