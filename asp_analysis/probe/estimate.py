"""An estimate is the next row of a backtest: the same code forecasts the past tasks and the new one.

So its record is its own, and it comes with its evidence: interval, method, why that method, how many tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.answers import CostVector, Estimate
from asp_analysis.probe.backtest import Replay, name_level, replay_next
from asp_analysis.probe.choice import Choice, choose_model
from asp_analysis.probe.models.candidates import Forecasts
from asp_analysis.probe.models.nested import NewTask
from asp_analysis.probe.models.spread_prior import GONE_FROM
from asp_analysis.probe.question import AUTO, Question, pose
from asp_analysis.probe.remarks import refuse_far_size, write_remarks
from asp_analysis.probe.unit_sums import measure_shared_error, sum_estimates

FARTHEST_ENDS = 1000
"""Factor between the ends of an interval from which on it says nothing: every task is between a cent and ten dollars.

Asked only of bounds that rest on a t tail, because the past errors are too few to read them off. An interval as wide
that past errors do support is evidence: the tasks scatter so much."""

_EVIDENCE = (
    *("n", "mdape", "mmre", "pred25", "sa", "log_bias", "log_bias_lower", "log_bias_upper", "above", "mean_ratio"),
    *("wis", "crps", "skill", "skill_lower", "skill_upper"),
)

QUANTILES = (0.01, 0.025, *(round(0.05 * k, 2) for k in range(1, 20)), 0.975, 0.99)
"""Shares of the predictive distribution that an estimate holds; between them it is linear on logs."""


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


def estimate_each(
    history: pd.DataFrame, question: Question, new: Sequence[NewTask]
) -> list[Estimate | EstimationRefusal]:
    """What each of several tasks will cost, in their order: the answers of `estimate`, from one replay of the past.

    Of the question are read all but its task and its size; it is about one component.

    Raises:
        EstimationRefusal, InputError: as `estimate`, for all of them.
    """
    found = replay_next(pose(history, question), question, new)
    answers: list[Estimate | EstimationRefusal] = []
    for ahead in range(len(new)):
        try:
            answers.append(estimate_next(found, question.method, ahead))
        except EstimationRefusal as refusal:
            answers.append(refusal)
    return answers


def estimate_next(found: Replay, method: str = AUTO, ahead: int = 0) -> Estimate:
    """The estimate for a task to come of a replayed series: the first, or the one after so many others.

    Raises:
        EstimationRefusal: no model can answer, the size is too far from those seen, or the past supports no interval
            of the levels that were asked for.
    """
    row = len(found.series.tasks) + ahead
    refuse_far_size(found, row)
    choice = choose_model(found, method, row)
    series, said = found.series, found.forecasts[AUTO if method == AUTO else choice.method]
    new_size = float(f"{np.exp(found.timeline.log_size[row]):.12g}")  # the size as it was typed, not exp(ln(size))
    withheld = withhold(found, said, row)
    if len(withheld) == len(found.levels):
        reason = withheld[min(withheld)]
        raise EstimationRefusal(f"{reason} Finish more tasks, or take the planner's own figure.")
    return Estimate(
        component=series.component,
        llm_model=series.llm_model,
        agent_role=series.agent_role,
        estimate=float(said.estimate[row]),
        mean=float(said.mean[row]),
        lower=_name_bounds(found.levels, said.lower[row], withheld),
        upper=_name_bounds(found.levels, said.upper[row], withheld),
        quantiles=_read_quantiles(found, choice.method, said, row),
        method=choice.method,
        why=choice.why,
        n=choice.n,
        per=series.per,
        size=None if np.isnan(new_size) else new_size,
        evidence=_list_evidence(choice, AUTO if method == AUTO else choice.method),
        notes=(*_remark_on_support(found, said, withheld, row), *write_remarks(found, row)),
        withheld=withheld,
    )


def _estimate_component(posed: pd.DataFrame, question: Question) -> Estimate:
    found = replay_next(posed, question)
    estimates = [estimate_next(found, question.method, ahead) for ahead in range(len(question.sizes))]
    return estimates[0] if question.units is None else sum_estimates(estimates, measure_shared_error(found))


def _read_quantiles(found: Replay, name: str, said: Forecasts, row: int) -> dict[float, float]:
    """The predictive distribution of a task to come by share; empty where the model has none.

    The miss shares that the adaptive level asks for at the levels of the question are carried over to the others,
    linear in between, so that the quantiles agree with the intervals.
    """
    calibrated = found.forecasts[name].calibrated
    if calibrated is None:
        return {}
    shares = np.array(QUANTILES)
    nominal = np.minimum(2 * np.minimum(shares, 1 - shares), 1.0)
    known = sorted((1 - level, share) for level, share in zip(found.levels, said.shares[row], strict=True))
    asked = np.interp(nominal, [0.0, *(one for one, _ in known), 1.0], [0.0, *(share for _, share in known), 1.0])
    rows = np.arange(found.timeline.rows) == row
    lower, upper = (one[row] for one in calibrated.bound(np.tile(asked, (found.timeline.rows, 1)), rows))
    values = np.where(shares < 0.5, lower, np.where(shares > 0.5, upper, np.log(said.estimate[row])))
    values = np.maximum.accumulate(values)
    return {float(share): float(np.exp(value)) for share, value in zip(shares, values, strict=True)}


def _name_bounds(levels: tuple[float, ...], bounds: np.ndarray, withheld: dict[float, str]) -> dict[float, float]:
    return {
        level: float("nan") if level in withheld else float(bound) for level, bound in zip(levels, bounds, strict=True)
    }


def withhold(found: Replay, said: Forecasts, row: int) -> dict[float, str]:
    """Say of each level whose interval says nothing why it is withheld (`FARTHEST_ENDS`)."""
    reasons = {}
    for level, low, high in zip(found.levels, said.lower[row], said.upper[row], strict=True):
        needed = _count_points_of_two_tails(level)
        if said.n_effective[row] < needed - 1e-9 and high > FARTHEST_ENDS * low:
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


def _list_evidence(choice: Choice, method: str) -> dict[str, float]:
    scores = {row["model"]: row for row in choice.scores.to_dict("records")}
    if method not in scores:
        return {}
    row = scores[method]
    interval = [name for name in map(str, row) if name.startswith(("coverage_", "interval_score_"))]
    found = {name: float(row[name]) for name in (*_EVIDENCE, *interval) if not pd.isna(row.get(name))}
    if "past_median" in scores:
        found["past_median_mdape"] = float(scores["past_median"]["mdape"])
    return found


def _remark_on_support(found: Replay, said: Forecasts, withheld: dict[float, str], row: int) -> Iterator[str]:
    needed = _count_points_of_two_tails(max(level for level in found.levels if level not in withheld))
    share = found.timeline.prior.share(found.timeline.known)[row]
    if share > 0:
        yield (
            f"Thin: {len(found.series.tasks)} tasks; {share:.0%} of the interval's shape is a prior from other agents, "
            f"none from {GONE_FROM} tasks on."
        )
    elif said.n_effective[row] < needed - 1e-9:
        yield (
            f"Thin: {said.n_effective[row]:.0f} like tasks; from {needed:.0f} on, both bounds are read off past "
            "errors. Here the widest interval rests on a t tail."
        )
