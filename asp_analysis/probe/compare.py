"""Which model would be cheapest for this task, and how sure that is: errors are compared on the same tasks.

What is hard for one model is often hard for all, so the errors of two models on one task go together; drawing them
independently would make the answer look less sure than it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.intervals import wilson
from asp_analysis.probe.answers import Estimate
from asp_analysis.probe.backtest import Replay, list_new_tasks, make_timeline, name_level, replay
from asp_analysis.probe.estimate import estimate_next
from asp_analysis.probe.history import SERIES, Series, split_series
from asp_analysis.probe.models.candidates import Timeline
from asp_analysis.probe.models.nested import Nested
from asp_analysis.probe.question import EACH, Question, pose
from asp_analysis.wording import write_html_list

LEAST_SHARED_TASKS = 20
"""Tasks that all compared series did, from which on errors are compared task by task."""

LEAST_RECORD = 5
"""Past errors of a series, below which the probability of being the cheapest would be invented."""

DRAWS = 4000
"""Independent draws where too few tasks are shared: Monte-Carlo error below 1 point."""

CONFIDENCE = 0.9
"""Level of the interval of the probability."""


@dataclass(frozen=True, kw_only=True)
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

    def to_listing(self) -> pd.DataFrame:
        """One row per series: `frame`, then the refused ones; remark: why the series or its interval is not there."""
        names = self.frame["llm_model"] + " / " + self.frame["agent_role"]
        compared = self.frame.assign(remark=[self.withheld.get(name, "") for name in names])
        rows = [(*name.rpartition(" / ")[::2], reason) for name, reason in self.refusals.items()]
        refused = pd.DataFrame(rows, columns=["llm_model", "agent_role", "remark"])
        return pd.concat([compared, refused], ignore_index=True) if len(refused) else compared

    def _repr_html_(self) -> str:
        reasons = [*self.refusals.items(), *self.withheld.items()]
        refused = write_html_list(f"{name}: {reason}" for name, reason in reasons)
        return f"<p>{escape(self.sentence)}</p>{self.frame.round(4).to_html(index=False)}{refused}"


def compare(history: pd.DataFrame, question: Question, rng: np.random.Generator | None = None) -> Comparison:
    """Every model's estimate for one task, and the probability that each would be the cheapest.

    history: the view `task_history`, or what `history` describes. The probability is the share of past tasks on which
    `estimate x (actual / past estimate)` is smallest, over the tasks that all models did (20 or more); else over
    independent draws from each one's past errors (rng, a fixed one when None). Only models of the same work are
    compared: the column `roles` says which (`question.pose`), else agent_role; those of other work than most are
    refused.

    Raises:
        EstimationRefusal: no two models did the same work, or fewer than two can be estimated.
        InputError: the question is about one model, several components or units, or the history cannot be read.
    """
    question = _ask_each_model(question)
    posed = pose(history, question)
    every = split_series(posed, question.component, question.per)
    refusals = _refuse_other_work(posed, every)
    nested, new = Nested.of(every), list_new_tasks(question)
    found = []
    for own, series in enumerate(every):
        if series.name in refusals:
            continue
        timeline = make_timeline(series, nested.look_ahead(own, new), new, question.prior)
        try:
            found.append(_estimate_with_record(series, timeline, question))
        except EstimationRefusal as refusal:
            refusals[series.name] = str(refusal)
    if len(found) < 2:
        reason = next(iter(refusals.values()), "The history has only one series.")
        raise EstimationRefusal(f"A comparison takes two series or more, and {len(found)} can be estimated. {reason}")
    chances = _find_chances(found, rng or np.random.default_rng(0))
    frame = _make_frame(found, chances)
    return Comparison(
        frame=frame,
        sentence=_write_sentence(frame, question.component, chances),
        n_tasks=chances.n_tasks,
        is_paired=chances.is_paired,
        refusals=refusals,
        withheld={one.name: " ".join(one.estimate.withheld.values()) for one in found if one.estimate.withheld},
    )


@dataclass(frozen=True)
class _Compared:
    """One series that can be compared. errors: ln(actual / past estimate) by task."""

    name: str
    estimate: Estimate
    errors: pd.Series


@dataclass(frozen=True)
class _Chances:
    """How often each series would have been the cheapest, shape (series,), and the tasks that this rests on."""

    wins: np.ndarray
    n_tasks: int
    is_paired: bool


def _ask_each_model(question: Question) -> Question:
    if question.model not in (None, EACH):
        raise InputError(
            f"{question.model!r} is one model, and a comparison takes every model that did the same work. "
            "Name no model, or ask for its estimate."
        )
    if question.units is not None:
        raise InputError("Models are compared for a task of one size, not for its units. Name the size of the task.")
    return replace(question, model=EACH)


def _estimate_with_record(series: Series, timeline: Timeline, question: Question) -> _Compared:
    found = replay(series, timeline, question.levels)
    estimate = estimate_next(found, question.method)
    errors = _list_past_errors(series, found, question.method)
    if len(errors) < LEAST_RECORD:
        raise EstimationRefusal(
            f"Too few past forecasts with an outcome to say how sure a comparison is: {len(errors)} of at least "
            f"{LEAST_RECORD}. Finish more tasks with this model."
        )
    return _Compared(series.name, estimate, errors)


def _refuse_other_work(posed: pd.DataFrame, every: list[Series]) -> dict[str, str]:
    """Say of each series that does other work than most why it is not compared: the cheapest would be the least work.

    Of kinds of work that equally many series do, the one with the most tasks is compared.
    """
    column = "roles" if "roles" in posed.columns else "agent_role"
    first = posed.drop_duplicates([*SERIES])
    names = zip(first["llm_model"], first["agent_role"], first[column], strict=True)
    roles_of = {(str(model), str(role)): str(roles) for model, role, roles in names}
    work = {series.name: roles_of[series.llm_model, series.agent_role] for series in every}
    rank = dict.fromkeys(work.values(), (0, 0))
    for series in every:
        n_series, n_tasks = rank[work[series.name]]
        rank[work[series.name]] = n_series + 1, n_tasks + len(series.tasks)
    most = max(rank, key=rank.__getitem__, default="")
    if len(every) > 1 and rank[most][0] < 2:
        found = "; ".join(f"{name}: {roles}" for name, roles in work.items())
        raise EstimationRefusal(
            f"Each of the {len(every)} models does other work ({found}), so they cannot be compared. "
            "Name one role with --role."
        )
    reason = "the models that are compared do {}, this one does {}. Name one role with --role to compare it."
    return {name: reason.format(most, roles) for name, roles in work.items() if roles != most}


def _list_past_errors(series: Series, found: Replay, method: str) -> pd.Series:
    """ln(actual / the method's estimate) by task, the latest where a task was repeated."""
    said = found.forecasts[method].estimate[: len(series.tasks)]
    error = found.timeline.log_cost - np.log(np.where(said > 0, said, np.nan))
    by_task = pd.Series(error, index=series.tasks["task_id"].to_numpy()).dropna()
    return by_task[~by_task.index.duplicated(keep="last")]


def _find_chances(found: list[_Compared], rng: np.random.Generator) -> _Chances:
    """Let the series compete on the tasks that all did, or on independent draws where these are too few."""
    shared = pd.concat([one.errors for one in found], axis=1, join="inner").to_numpy()
    is_paired = len(shared) >= LEAST_SHARED_TASKS
    if is_paired:
        drawn, n_tasks = shared, len(shared)
    else:
        drawn = np.column_stack([rng.choice(one.errors.to_numpy(), DRAWS) for one in found])
        n_tasks = min(len(one.errors) for one in found)
    costs = np.log([one.estimate.estimate for one in found]) + drawn
    return _Chances(np.bincount(costs.argmin(1), minlength=len(found)) / len(costs), n_tasks, is_paired)


def _make_frame(found: list[_Compared], chances: _Chances) -> pd.DataFrame:
    lower, upper = wilson(chances.wins * chances.n_tasks, max(chances.n_tasks, 1), CONFIDENCE)
    rows = []
    for one, share, low, high in zip((one.estimate for one in found), chances.wins, lower, upper, strict=True):
        row = {"llm_model": one.llm_model, "agent_role": one.agent_role, "estimate": one.estimate}
        for level, bound in one.lower.items():
            row |= {f"lower_{name_level(level)}": bound, f"upper_{name_level(level)}": one.upper[level]}
        row |= {"cheapest_probability": share, "cheapest_probability_lower": low, "cheapest_probability_upper": high}
        rows.append({**row, "method": one.method, "n": one.n})
    return pd.DataFrame(rows).sort_values("estimate", kind="stable").reset_index(drop=True)


def _write_sentence(frame: pd.DataFrame, component: str, chances: _Chances) -> str:
    best = frame.iloc[int(frame["cheapest_probability"].argmax())]
    n = chances.n_tasks
    ground = f"{n} tasks that all did" if chances.is_paired else f"independent records, the shortest of {n} tasks"
    return (
        f"{best['llm_model']} / {best['agent_role']} would most likely be the cheapest ({component} about "
        f"{best['estimate']:.3g}): probability {best['cheapest_probability']:.0%}, 90 % interval "
        f"{best['cheapest_probability_lower']:.0%} to {best['cheapest_probability_upper']:.0%}, from {ground}."
    )
