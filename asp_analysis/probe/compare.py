"""Which model would be cheapest for this task, and how sure that is: errors are compared on the same tasks.

What is hard for one model is often hard for all, so the errors of two models on one task go together; drawing them
independently would make the answer look less sure than it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import wilson
from asp_analysis.probe.backtest import LEVELS, Replay, level_name, replay, timeline_of
from asp_analysis.probe.estimate import Estimate, estimate_of
from asp_analysis.probe.history import SERIES, Series, series_of
from asp_analysis.probe.reference_class import Reference

LEAST_SHARED_TASKS = 20
"""Tasks that all compared series did, from which on errors are compared task by task."""

LEAST_ERRORS = 5
"""Past errors of a series, below which the probability of being the cheapest would be invented."""

DRAWS = 4000
"""Independent draws where too few tasks are shared: Monte-Carlo error below 1 point."""

CONFIDENCE = 0.9
"""Level of the interval of the probability."""


@dataclass(frozen=True)
class Comparison:
    """Series by estimated cost, cheapest first.

    frame: llm_model, agent_role, estimate, lower_<level>, upper_<level>, cheapest_probability with _lower and _upper
    (90 % Wilson interval), method, n. sentence: the answer. n_tasks: shared tasks (or the shortest record) that the
    probability rests on. refusals: series -> why it could not be compared. withheld: series -> why some of its bounds
    are NaN.
    """

    frame: pd.DataFrame
    sentence: str
    n_tasks: int
    is_paired: bool
    refusals: dict[str, str]
    withheld: dict[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        reasons = [*self.refusals.items(), *self.withheld.items()]
        refused = "".join(f"<li>{name}: {reason}</li>" for name, reason in reasons)
        return f"<p>{self.sentence}</p>{self.frame.round(4).to_html(index=False)}<ul>{refused}</ul>"


def compare_models(
    history: pd.DataFrame,
    component: str = "cost_usd",
    *,
    size: float | None = None,
    task: dict | None = None,
    levels: tuple[float, ...] = LEVELS,
    per: str = "finished",
    rng: np.random.Generator | None = None,
) -> Comparison:
    """Every series' estimate for one task, and the probability that each would be the cheapest.

    The probability is the share of past tasks on which `estimate x (actual / past estimate)` is smallest, over the
    tasks that all series did (20 or more); else over independent draws from each one's past errors (rng, a fixed one
    when None). Only series of the same work are compared: the column `roles` says which (`question.pose_per_model`),
    else agent_role; those of other work than most are refused. Raises EstimationRefusal when no two did the same work,
    or fewer than two series can be estimated.
    """
    every = series_of(history, component, per)
    refusals = _of_other_work(history, every)
    reference = Reference.of(every)
    estimates, errors, withheld = [], [], {}
    for own, series in enumerate(every):
        if series.name in refusals:
            continue
        new = {**(task or {}), "size": size}
        try:
            found = replay(series, timeline_of(series, reference.timeline(own, new), size), levels)
            estimate, past = estimate_of(found), _past_errors(series, found)
            if len(past) < LEAST_ERRORS:
                raise EstimationRefusal(
                    f"{LEAST_ERRORS} past forecasts with an outcome are needed to say how sure a comparison is, "
                    f"{len(past)} found. Finish more tasks with it."
                )
            estimates.append(estimate)
            errors.append(past)
            withheld |= {series.name: " ".join(estimate.withheld.values())} if estimate.withheld else {}
        except EstimationRefusal as refusal:
            refusals[series.name] = str(refusal)
    if len(estimates) < 2:
        reason = next(iter(refusals.values()), "only one series in the history.")
        raise EstimationRefusal(f"Two series to compare are needed, {len(estimates)} can be estimated. {reason}")
    wins, n_tasks, is_paired = _wins(estimates, errors, rng or np.random.default_rng(0))
    frame = _frame(estimates, wins, n_tasks)
    return Comparison(frame, _sentence(frame, component, n_tasks, is_paired), n_tasks, is_paired, refusals, withheld)


def _of_other_work(history: pd.DataFrame, every: list[Series]) -> dict[str, str]:
    """Say of each series that does other work than most why it is not compared: the cheapest would be the least work.

    Of kinds of work that equally many series do, the one with the most tasks is compared.
    """
    column = "roles" if "roles" in history.columns else "agent_role"
    groups = history.groupby(list(SERIES), sort=False, dropna=False)[column].first()
    roles_of = {(str(model), str(role)): str(roles) for (model, role), roles in groups.items()}
    work = {series.name: roles_of[series.llm_model, series.agent_role] for series in every}
    rank = dict.fromkeys(work.values(), (0, 0))
    for series in every:
        n_series, n_tasks = rank[work[series.name]]
        rank[work[series.name]] = n_series + 1, n_tasks + len(series.tasks)
    most = max(rank, key=rank.__getitem__, default="")
    if len(every) > 1 and rank[most][0] < 2:
        found = "; ".join(f"{name}: {roles}" for name, roles in work.items())
        raise EstimationRefusal(
            f"Two models that did the same work are needed, each of the {len(every)} found does other work ({found}). "
            "Name one role with --role."
        )
    reason = "the models that are compared do {}, this one does {}. Name one role with --role to compare it."
    return {name: reason.format(most, roles) for name, roles in work.items() if roles != most}


def _past_errors(series: Series, found: Replay) -> pd.Series:
    """ln(actual / auto's estimate) by task, the latest where a task was repeated."""
    n = len(series.tasks)
    error = found.timeline.log_cost - np.log(found.forecasts["auto"].estimate[:n])
    by_task = pd.Series(error, index=series.tasks["task_id"].to_numpy()).dropna()
    return by_task[~by_task.index.duplicated(keep="last")]


def _wins(estimates, errors, rng):
    shared = pd.concat(errors, axis=1, join="inner").to_numpy()
    is_paired = len(shared) >= LEAST_SHARED_TASKS
    if is_paired:
        drawn, n_tasks = shared, len(shared)
    else:
        drawn = np.column_stack(
            [rng.choice(error.to_numpy(), DRAWS) if len(error) else np.zeros(DRAWS) for error in errors]
        )
        n_tasks = min(len(error) for error in errors)
    costs = np.log([one.estimate for one in estimates]) + drawn
    return np.bincount(costs.argmin(1), minlength=len(estimates)) / len(costs), n_tasks, is_paired


def _frame(estimates: list[Estimate], wins: np.ndarray, n_tasks: int) -> pd.DataFrame:
    lower, upper = wilson(wins * n_tasks, max(n_tasks, 1), CONFIDENCE)
    rows = []
    for one, share, low, high in zip(estimates, wins, lower, upper, strict=True):
        row = {"llm_model": one.llm_model, "agent_role": one.agent_role, "estimate": one.estimate}
        for level, bound in one.lower.items():
            row |= {f"lower_{level_name(level)}": bound, f"upper_{level_name(level)}": one.upper[level]}
        row |= {"cheapest_probability": share, "cheapest_probability_lower": low, "cheapest_probability_upper": high}
        rows.append({**row, "method": one.method, "n": one.n})
    return pd.DataFrame(rows).sort_values("estimate", kind="stable").reset_index(drop=True)


def _sentence(frame, component, n_tasks, is_paired):
    best = frame.loc[frame["cheapest_probability"].idxmax()]
    ground = f"{n_tasks} tasks that all did" if is_paired else f"independent records, the shortest of {n_tasks} tasks"
    return (
        f"{best['llm_model']} / {best['agent_role']} would most likely be the cheapest ({component} about "
        f"{best['estimate']:.3g}): probability {best['cheapest_probability']:.0%}, 90 % interval "
        f"{best['cheapest_probability_lower']:.0%} to {best['cheapest_probability_upper']:.0%}, from {ground}."
    )
