"""What several tasks cost together: totals whose errors depend on each other as far as those of the past did.

The past is forecast again as if its tasks had come in batches of the size that is asked for: each batch from what was
known before it. So errors contain what a total has to expect: agents drift while nobody looks, and a level that is off
is off for all tasks of a batch. Past errors, in half widths of the task's own interval, are drawn again (bootstrap),
plus one level for the whole batch whose variance is what batches differ by beyond chance (one-way analysis of
variance). Where batches differ much, errors are drawn from one batch together, with their dependence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.backtest import Replay, find_own, name_level, replay_series
from asp_analysis.probe.estimate import FARTHEST_ENDS, withhold
from asp_analysis.probe.history import Series, split_series
from asp_analysis.probe.models.nested import NewTask
from asp_analysis.probe.question import AUTO, Question, pose
from asp_analysis.probe.remarks import refuse_far_size

DRAWS = 4_000
"""Totals that are drawn: a probability of one half is off by 0.8 points."""

LEAST_ERRORS_OF_TOTALS = 10
"""Past forecasts in batches, below which their errors cannot be drawn again."""

LEAST_BATCHES = 4
"""Past batches before they show by how much batches differ; before, `ASSUMED_LEVEL` is used."""

ASSUMED_LEVEL = 0.15
"""Share of the variance of errors that a batch has in common where the past is too short to show it."""

LEAST_FREEDOM = 8.0
"""Degrees of freedom of the level, at least: few batches do not make a total infinite."""

TOGETHER = 5.0
"""Errors are drawn from one past batch together with this probability times the share of the level in their variance:
always from a fifth on."""

LATEST_ERRORS = 300
"""Past errors that are drawn from."""

FITTING = 0.8
"""Probability with which tasks must stay within a budget to fit."""


@dataclass(frozen=True, kw_only=True)
class BatchErrors:
    """Past errors of forecasts in batches, in half widths of their interval: ln(actual / estimate) / half width.

    value: (k,), oldest first. batch: (k,), whole numbers that never fall.
    """

    value: np.ndarray
    batch: np.ndarray

    def take_before(self, batch: int) -> BatchErrors:
        """The errors of earlier batches."""
        is_past = self.batch < batch
        return BatchErrors(value=self.value[is_past], batch=self.batch[is_past])

    def measure_level(self) -> tuple[float, float]:
        """Variance of the level that a batch has in common, and degrees of freedom of that estimate.

        (MSB - MSW) / k0 of the one-way analysis of variance, at least 0 (Donner 1986); `ASSUMED_LEVEL` of the variance
        for fewer than 4 batches.
        """
        value = self.value[-LATEST_ERRORS:]
        group = np.unique(self.batch[-LATEST_ERRORS:], return_inverse=True)[1]
        count = np.bincount(group)
        if len(count) < LEAST_BATCHES or len(value) <= len(count):
            return ASSUMED_LEVEL * float(np.mean(value**2)), float(LEAST_BATCHES)
        mean = np.bincount(group, value) / count
        between = np.sum(count * (mean - value.mean()) ** 2) / (len(count) - 1)
        within = np.sum((value - mean[group]) ** 2) / (len(value) - len(count))
        k0 = (len(value) - np.sum(count**2) / len(value)) / (len(count) - 1)
        return float(max(between - within, 0) / k0), float(len(count) - 1)


@dataclass(frozen=True, kw_only=True)
class Total:
    """What several tasks cost together, in the unit of the component.

    tasks: task_id, size, estimate, mean, in the order asked. draws: (DRAWS, tasks), costs drawn together. n: past
    tasks. level_share: how much of the variance of errors a batch has in common. refusals: task or size -> why it is
    not in the total.
    """

    component: str
    llm_model: str
    agent_role: str
    tasks: pd.DataFrame
    draws: np.ndarray
    n: int
    level_share: float
    refusals: dict[str, str] = field(default_factory=dict)

    @property
    def estimate(self) -> float:
        """The median of the total."""
        return float(np.median(self.draws.sum(1)))

    @property
    def mean(self) -> float:
        """The mean of the total."""
        return float(self.draws.sum(1).mean())

    def bound(self, level: float) -> tuple[float, float]:
        """The interval of a level (share)."""
        low, high = np.quantile(self.draws.sum(1), [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def find_chance_within(self, budget: float) -> float:
        """The probability that the total is at most the budget."""
        return float((self.draws.sum(1) <= budget).mean())

    def count_fitting(self, budget: float) -> int:
        """How many of the tasks, in the order asked, stay within the budget with a probability of 80 %."""
        chances = (self.draws.cumsum(1) <= budget).mean(0)
        return int((chances >= FITTING).sum())

    def to_dict(self, levels: Sequence[float], budget: float | None = None) -> dict[str, object]:
        """Plain values."""
        plain: dict[str, object] = {
            "component": self.component,
            "llm_model": self.llm_model,
            "agent_role": self.agent_role,
            "tasks": len(self.tasks),
            "estimate": self.estimate,
            "mean": self.mean,
        }
        for level in levels:
            low, high = self.bound(level)
            plain |= {f"lower_{name_level(level)}": low, f"upper_{name_level(level)}": high}
        plain |= {"n": self.n, "level_share": self.level_share}
        if budget is not None:
            plain |= {"budget": budget, "chance_within": self.find_chance_within(budget)}
            plain["fitting"] = self.count_fitting(budget)
        return {**plain, "refusals": dict(self.refusals)}


def estimate_total(
    history: pd.DataFrame, question: Question, new: Sequence[NewTask], rng: np.random.Generator | None = None
) -> Total:
    """What several tasks cost together.

    history: the view `task_history`, or what `history` describes. Of the question are read model, role, component,
    levels, prior and what one past cost is. new: the tasks, in the order in which a budget is spent on them. rng: a
    fixed one when None.

    Raises:
        EstimationRefusal: no task can be estimated, or the past is too short to draw errors from.
        InputError: there are no tasks, several components are asked for, or the history cannot be read.
    """
    if not new:
        raise InputError("There are no tasks to add up. Name one task or more.")
    every = split_series(pose(history, question), question.component, question.per)
    own = find_own(every, question)
    every[own] = put_in_batches(every[own], len(new))
    found = replay_series(every, own, new, question)
    errors = list_batch_errors(found, len(new))
    if len(errors.value) < LEAST_ERRORS_OF_TOTALS:
        raise EstimationRefusal(
            f"The past of {found.series.name} has {len(errors.value)} forecasts in batches of {len(new)}, at least "
            f"{LEAST_ERRORS_OF_TOTALS} are drawn from. Finish more tasks, or ask for fewer at once."
        )
    rows, refusals = _find_answered(found, new)
    said = found.forecasts[AUTO]
    draws = draw_costs(errors, said.estimate[rows], _find_half_widths(said.lower, said.upper)[rows], rng)
    answered = [new[row - len(found.series.tasks)] for row in rows]
    level, _ = errors.measure_level()
    tasks = pd.DataFrame(
        {
            "task_id": [one.task.task_id for one in answered],
            "size": np.exp([one.log_size for one in answered]),
            "estimate": said.estimate[rows],
            "mean": said.mean[rows],
        }
    )
    return Total(
        component=question.component,
        llm_model=found.series.llm_model,
        agent_role=found.series.agent_role,
        tasks=tasks,
        draws=draws,
        n=len(found.series.tasks),
        level_share=level / float(np.mean(errors.value**2)),
        refusals=refusals,
    )


def put_in_batches(series: Series, count: int) -> Series:
    """The series as if its tasks had started in batches of `count`, each when the batch before it was over."""
    known_at = series.tasks["known_at"]
    first = number_batches(len(known_at), count) * count - (-len(known_at)) % count
    started = known_at.iloc[np.maximum(first - 1, 0)].reset_index(drop=True)
    started = started.where(first > 0, known_at.min() - pd.Timedelta(seconds=1))
    return replace(series, tasks=series.tasks.assign(started_at=started)).follow_prices()


def number_batches(n: int, count: int) -> np.ndarray:
    """The batch of each of n tasks; the last one is full."""
    return (np.arange(n) + (-n) % count) // count


def list_batch_errors(found: Replay, count: int) -> BatchErrors:
    """The errors of `auto` in a series that was put in batches."""
    n = len(found.series.tasks)
    said = found.forecasts[AUTO]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = found.timeline.log_cost - np.log(said.estimate[:n])
        value = value / _find_half_widths(said.lower, said.upper)[:n]
    is_known = np.isfinite(value)
    return BatchErrors(value=value[is_known], batch=number_batches(n, count)[is_known])


def draw_costs(
    errors: BatchErrors, estimate: np.ndarray, half_width: np.ndarray, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Costs of tasks drawn together, shape (DRAWS, tasks): own errors drawn again, plus a level for the batch.

    Own errors are those of the past, shrunk to the variance within batches; the level is a t variable around the mean
    error of the past. No error is larger than those of the past, and no cost further from its estimate than
    `FARTHEST_ENDS` times.
    """
    rng = rng or np.random.default_rng(0)
    value = errors.value[-LATEST_ERRORS:]
    variance, dof = errors.measure_level()
    spread = float(value.var())
    if spread == 0:
        return np.tile(estimate * np.exp(half_width * value.mean()), (DRAWS, 1))
    own = (value - value.mean()) * np.sqrt(max(spread - variance, 0.0) / spread)
    # The mean of the past errors is itself uncertain by what batches differ.
    level = rng.standard_t(max(dof, LEAST_FREEDOM), (DRAWS, 1)) * np.sqrt(variance * (1 + 1 / (dof + 1)))
    drawn = value.mean() + level + rng.choice(own, (DRAWS, len(estimate)))
    is_together = rng.random((DRAWS, 1)) < TOGETHER * variance / spread
    drawn = np.where(is_together, _draw_batches(errors, len(estimate), rng), drawn)
    farthest = np.log(FARTHEST_ENDS)
    errors_drawn = np.clip(half_width * np.clip(drawn, value.min(), value.max()), -farthest, farthest)
    return estimate * np.exp(errors_drawn)


def _draw_batches(errors: BatchErrors, count: int, rng: np.random.Generator) -> np.ndarray:
    """Errors of one past batch per draw, drawn again within it, shape (DRAWS, count)."""
    value = errors.value[-LATEST_ERRORS:]
    _, first, members = np.unique(errors.batch[-LATEST_ERRORS:], return_index=True, return_counts=True)
    batch = rng.integers(0, len(first), DRAWS)[:, None]
    within = (rng.random((DRAWS, count)) * members[batch]).astype(int)
    return value[first[batch] + within]


def _find_half_widths(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(upper[:, 0] / lower[:, 0]) / 2


def _find_answered(found: Replay, new: Sequence[NewTask]) -> tuple[list[int], dict[str, str]]:
    """Rows of the tasks that can be estimated, and why the others cannot.

    Raises:
        EstimationRefusal: none can.
    """
    rows, refusals = [], {}
    for row, one in enumerate(new, len(found.series.tasks)):
        name = one.task.task_id or f"size {np.exp(one.log_size):g}"
        try:
            refuse_far_size(found, row)
        except EstimationRefusal as refusal:
            refusals[name] = str(refusal)
            continue
        said = found.forecasts[AUTO]
        if np.isnan(said.lower[row]).any():
            refusals[name] = "no model can answer"
            continue
        if withheld := withhold(found, said, row).get(found.levels[0]):
            refusals[name] = withheld
            continue
        rows.append(row)
    if not rows:
        raise EstimationRefusal(next(iter(refusals.values())))
    return rows, refusals


def measure_parallelism(history: pd.DataFrame) -> float:
    """Tasks that ran at a time while any ran: sum of their durations / time covered by them; NaN where no start is
    known.

    history: columns task_id, started_at and known_at. Rows of one task count once, from its first start to its end.
    """
    if "started_at" not in history.columns or history["started_at"].isna().all():
        return float("nan")
    tasks = history.groupby("task_id").agg(start=("started_at", "min"), end=("known_at", "max")).dropna()
    tasks = tasks[tasks["end"] > tasks["start"]].sort_values("start").tail(LATEST_ERRORS)
    if tasks.empty:
        return float("nan")
    start, end = (tasks[name].to_numpy("datetime64[ns]").astype("int64").astype(float) for name in ("start", "end"))
    reached = np.maximum.accumulate(end)
    covered = np.maximum(end - np.maximum(start, np.append(-np.inf, reached[:-1])), 0).sum()
    return float((end - start).sum() / covered)
