"""What the same task, or tasks like it, cost others: their deviation from their own usual cost carries over.

Taking the deviation instead of the cost removes that models have different prices: a task that cost the others twice
their usual cost is expected to cost this model about twice its own. (Reference class forecasting: Kahneman and
Tversky 1979, Flyvbjerg 2006; the two-way form task + model on the log scale is the additive model of median polish,
Tukey 1977.)
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from asp_analysis.probe.history import Series

PRIOR_TASKS = 3
"""The slope of own cost on the others' deviation starts at 1 (it carries over in full), worth this many tasks."""

SMALLEST_CLASS = 3
"""Fewer tasks of a class than this say nothing about the class."""

SIZE_BAND_RATIO = 2.0
"""Tasks whose size is within a factor of 2 belong to one band; sizes in software span several powers of 10."""

_Class = tuple[str | None, str | None, int | None]
"""Project, type and size band: tasks of one class are alike."""


@dataclass(frozen=True, kw_only=True)
class KnownTask:
    """What is known of a task before it starts, besides its size: which tasks are like it. None is unknown."""

    task_id: str | None = None
    project_id: str | None = None
    task_type: str | None = None


class _Usual:
    """Running mean and variance of the log costs of one series."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    def weigh(self) -> float:
        """1 / variance: a model whose costs scatter widely says little about the task; variance 1 for 3 prior tasks."""
        return (self.count + PRIOR_TASKS) / (self.squares + PRIOR_TASKS)


class _Outcome(NamedTuple):
    """What one past task of a series cost; `row` is its place in the series, `order` that in the whole history."""

    order: int
    known_at: pd.Timestamp
    source: int
    row: int
    task: str
    kind: _Class
    cost: float


class _Known:
    """Running sums over what is known so far."""

    def __init__(self) -> None:
        self.usual: defaultdict[int, _Usual] = defaultdict(_Usual)
        self.by_task: defaultdict[str | None, dict[int, float]] = defaultdict(dict)
        self.by_class: defaultdict[_Class, list[float]] = defaultdict(lambda: [0, 0.0])

    def find_deviation(self, own: int, task: str | None, kind: _Class) -> float:
        """Mean deviation of the others' latest runs of the task, else that of its class; NaN where neither is known."""
        total = weights = 0.0
        for source, value in self.by_task.get(task, {}).items():
            usual = self.usual[source]
            if source != own and usual.count >= SMALLEST_CLASS:
                weight = usual.weigh()
                weights += weight
                total += weight * (value - usual.mean)
        return total / weights if weights else self._find_class_deviation(kind)

    def _find_class_deviation(self, kind: _Class) -> float:
        count, total = self.by_class.get(kind, (0, 0.0))
        is_named = any(part is not None for part in kind[:2])
        return total / count if is_named and count >= SMALLEST_CLASS else np.nan

    def add(self, outcome: _Outcome) -> None:
        value = float(np.log(outcome.cost))
        usual = self.usual[outcome.source]
        if usual.count >= SMALLEST_CLASS:
            in_class = self.by_class[outcome.kind]
            in_class[0] += 1
            in_class[1] += value - usual.mean
        usual.add(value)
        self.by_task[outcome.task][outcome.source] = value


@dataclass(frozen=True)
class Reference:
    """Deviations of the tasks alike of every task of every series, each from what was known before it.

    by_series: one array (n,) per series, in the order of the series; `ln(cost of alike tasks / what is usual for
    whoever did them)`, NaN where nothing alike was known. Same task by others first (mean over others of their latest
    deviation, weighted by 1 / variance of their log costs; the own series' runs of the task do not count); else the
    mean over the tasks of the same project, type and size band by anyone, at least 3 of them.
    """

    by_series: tuple[np.ndarray, ...]
    known: _Known

    @classmethod
    def of(cls, every: list[Series]) -> Reference:
        """One pass over all outcomes in the order in which they became known.

        Outcomes of one instant become known together, so none of them helps to forecast another: the roles of one
        task are all finished when the task is.
        """
        known = _Known()
        found = tuple(np.full(len(series.tasks), np.nan) for series in every)
        for _, together in itertools.groupby(_list_outcomes(every), key=lambda outcome: outcome.known_at):
            outcomes = list(together)
            for one in outcomes:
                found[one.source][one.row] = known.find_deviation(one.source, one.task, one.kind)
            for one in outcomes:
                known.add(one)
        return cls(found, known)

    def take_timeline(self, own: int, new: KnownTask | None = None, size: float | None = None) -> np.ndarray:
        """Deviations of series `own` and of the task to come (NaN where nothing is known of it), shape (n + 1,)."""
        if new is None:
            return np.append(self.by_series[own], np.nan)
        kind = (new.project_id, new.task_type, _find_band(size))
        return np.append(self.by_series[own], self.known.find_deviation(own, new.task_id, kind))


def forecast_centres(log_cost: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Rolling forecasts of ln cost, shape (n + 1,): own usual log cost + slope (deviation - its own mean).

    slope = (Sxy + k v) / (Sxx + k v) with k = 3 prior tasks of slope 1 and v the variance of the deviations so far.
    NaN where the deviation is unknown or fewer than 3 past tasks had one.
    """
    n = len(log_cost)
    x, y = deviation[:n], log_cost
    has = ~np.isnan(x)
    count = np.cumsum(has)
    x, y = np.where(has, x, 0.0), np.where(has, y, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = np.cumsum(x) / count, np.cumsum(y) / count
        # Deviations are centred near 0 and ln cost is of the order 1: running sums keep their digits.
        sxx = np.cumsum(x * x) - count * mean_x**2
        sxy = np.cumsum(x * y) - count * mean_x * mean_y
        prior = PRIOR_TASKS * sxx / count
        slope = np.where(sxx > 1e-12, (sxy + prior) / (sxx + prior), 0.0)
        forecast = mean_y + slope * (deviation[1:] - mean_x)
    return np.concatenate([[np.nan], np.where(count >= 3, forecast, np.nan)])


def _list_outcomes(every: list[Series]) -> list[_Outcome]:
    """Every task of every series, in the order in which the outcomes became known."""
    outcomes = []
    for source, series in enumerate(every):
        names = ("order", "known_at", "task_id", "project_id", "task_type")
        columns = zip(*(series.tasks[name] for name in names), series.size, series.cost, strict=True)
        for row, (order, known_at, task, project, task_type, size, cost) in enumerate(columns):
            kind = (project, task_type, _find_band(size))
            outcomes.append(
                _Outcome(order=order, known_at=known_at, source=source, row=row, task=task, kind=kind, cost=cost)
            )
    outcomes.sort(key=lambda outcome: outcome.order)
    return outcomes


def _find_band(size: float | None) -> int | None:
    return round(np.log(size) / np.log(SIZE_BAND_RATIO)) if size is not None and size > 0 else None
