"""An estimate is the next row of a backtest: the same code forecasts the past tasks and the new one.

So its record is its own, and it comes with its evidence: interval, method, why that method, how many tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.answers import CostVector, Estimate
from asp_analysis.probe.backtest import Replay, name_level, replay_next
from asp_analysis.probe.choice import Choice, choose_model
from asp_analysis.probe.models.candidates import Forecasts
from asp_analysis.probe.question import AUTO, Question, pose
from asp_analysis.probe.unit_sums import measure_shared_error, sum_estimates

FARTHEST_ENDS = 1000
"""Factor between the ends of an interval from which on it says nothing: every task is between a cent and ten dollars.

Asked only of bounds that rest on a t tail, because the past errors are too few to read them off. An interval as wide
that past errors do support is evidence: the tasks scatter so much."""

_EVIDENCE = ("n", "mdape", "mmre", "pred25", "sa", "log_bias", "log_bias_lower", "log_bias_upper")


def estimate(history: pd.DataFrame, question: Question) -> CostVector:
    """What the task that is asked about will cost, component by component.

    history: the view `task_history`, or what `history` describes. The units of a task are estimated one by one and
    summed with correlated errors (`unit_sums`). A component that cannot be estimated is among the refusals, with the
    reason.

    Raises:
        EstimationRefusal: no component can be estimated, or `question.pose` refuses.
        InputError: every model or every role is asked for, or the history cannot be read.
    """
    posed = pose(history, question)
    made, refused = {}, {}
    for component in question.components:
        try:
            made[component] = _estimate_component(posed, replace(question, components=(component,)))
        except EstimationRefusal as refusal:
            refused[component] = str(refusal)
    if not made:
        raise EstimationRefusal(next(iter(refused.values())))
    return CostVector(made, refused)


def estimate_next(found: Replay, method: str = AUTO) -> Estimate:
    """The estimate for the task to come of a replayed series.

    Raises:
        EstimationRefusal: no model can answer, or the past supports no interval of the levels that were asked for.
    """
    choice = choose_model(found, method)
    series, said = found.series, found.forecasts[AUTO if method == AUTO else choice.method]
    new_size = float(f"{np.exp(found.timeline.log_size[-1]):.12g}")  # the size as it was typed, not exp(ln(size))
    withheld = _withhold(found, said)
    if len(withheld) == len(found.levels):
        reason = withheld[min(withheld)]
        raise EstimationRefusal(f"{reason} Finish more tasks, or take the planner's own figure.")
    return Estimate(
        component=series.component,
        llm_model=series.llm_model,
        agent_role=series.agent_role,
        estimate=float(said.estimate[-1]),
        mean=float(said.mean[-1]),
        lower=_name_bounds(found.levels, said.lower[-1], withheld),
        upper=_name_bounds(found.levels, said.upper[-1], withheld),
        method=choice.method,
        why=choice.why,
        n=choice.n,
        per=series.per,
        size=None if np.isnan(new_size) else new_size,
        evidence=_list_evidence(choice),
        notes=tuple(_write_notes(found, said, withheld)),
        withheld=withheld,
    )


def _estimate_component(posed: pd.DataFrame, question: Question) -> Estimate:
    replays = replay_next(posed, question)
    estimates = [estimate_next(one, question.method) for one in replays]
    return estimates[0] if question.units is None else sum_estimates(estimates, measure_shared_error(replays[0]))


def _name_bounds(levels: tuple[float, ...], bounds: np.ndarray, withheld: dict[float, str]) -> dict[float, float]:
    return {
        level: float("nan") if level in withheld else float(bound) for level, bound in zip(levels, bounds, strict=True)
    }


def _withhold(found: Replay, said: Forecasts) -> dict[float, str]:
    """Say of each level whose interval says nothing why it is withheld (`FARTHEST_ENDS`)."""
    reasons = {}
    for level, low, high in zip(found.levels, said.lower[-1], said.upper[-1], strict=True):
        needed = _count_points_of_two_tails(level)
        if said.n_effective[-1] < needed - 1e-9 and high > FARTHEST_ENDS * low:
            reasons[level] = (
                f"{len(found.series.tasks)} tasks are too few for a {name_level(level)} % interval of "
                f"{found.series.component}: it would reach from {_write_amount(low)} to {_write_amount(high)}, which "
                f"says nothing. About {np.ceil(needed - 1e-9) + 1:.0f} like tasks support one."
            )
    return reasons


def _write_amount(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= value < 1e15 else f"{value:.4g}"


def _count_points_of_two_tails(level: float) -> float:
    """Past errors from which on both bounds are quantiles of them: ranks below 1 and above n do not exist."""
    return 2 / (1 - level) - 1


def _list_evidence(choice: Choice) -> dict[str, float]:
    scores = {row["model"]: row for row in choice.scores.to_dict("records")}
    if choice.method not in scores:
        return {}
    row = scores[choice.method]
    interval = [name for name in map(str, row) if name.startswith(("coverage_", "interval_score_"))]
    found = {name: float(row[name]) for name in (*_EVIDENCE, *interval) if not pd.isna(row[name])}
    if "past_median" in scores:
        found["past_median_mdape"] = float(scores["past_median"]["mdape"])
    return found


def _write_notes(found: Replay, said: Forecasts, withheld: dict[float, str]) -> Iterator[str]:
    series = found.series
    known = series.size[~np.isnan(series.size)]
    size = np.exp(found.timeline.log_size[-1])
    if len(known) and not np.isnan(size) and not known.min() <= size <= known.max():
        side = "above the largest" if size > known.max() else "below the smallest"
        yield f"Extrapolation: size {size:g} is {side} of {len(known)} past sizes ({known.min():g} to {known.max():g})."
    needed = _count_points_of_two_tails(max(level for level in found.levels if level not in withheld))
    if said.n_effective[-1] < needed - 1e-9:
        yield (
            f"Thin: {said.n_effective[-1]:.0f} like tasks; from {needed:.0f} on, both bounds are read off past errors. "
            "Here the widest interval rests on a t tail."
        )
    if series.describe_left_out() != "none":
        yield f"Left out: {series.describe_left_out()}."
