"""Every past task is forecast from what was known when it started, by every model, and the frame keeps what each said.

Outcomes are known from their completion on: of tasks that ran at the same time none helps to forecast another. One row
per model, series and task; a model has a row only if the past before that task supported its forecast.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.history import Series, advise, split_series
from asp_analysis.probe.models.candidates import CANDIDATES, MODELS, Forecasts, Timeline, forecast_all
from asp_analysis.probe.models.changes import find_changes
from asp_analysis.probe.models.nested import KNOWLEDGE, Centres, Nested, NewTask
from asp_analysis.probe.models.selection import pick, select
from asp_analysis.probe.models.spread_prior import SpreadPrior
from asp_analysis.probe.question import AUTO, EACH, Question, pose
from asp_analysis.probe.scores import BASELINE, score
from asp_analysis.progress import Step, tell

LATEST_TASKS = 1_000
"""Past tasks from which the next one is estimated: they settle what an interval holds to one or two percent, agents and
prices of long ago say little about tomorrow, and an answer takes about a second."""

LEAST_PAST = 3
"""Tasks of a series before it is backtested."""

AFTER_CHANGE = 20
"""Tasks that count as being after a change of costs."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """One series forecast in order: a row for every past task, then one for each task to come; chosen is what auto
    asks."""

    series: Series
    timeline: Timeline
    levels: tuple[float, ...]
    forecasts: dict[str, Forecasts]
    chosen: np.ndarray

    made_scores: dict[str, pd.DataFrame] = field(default_factory=dict, compare=False)

    def score_record(self, name: str) -> pd.DataFrame:
        """Scores of the past forecasts of a model and of the past median (`scores.score`); no rows where there are
        none. They are made once."""
        if name not in self.made_scores:
            rows = list_forecasts(self, {name, BASELINE})
            self.made_scores[name] = pd.DataFrame() if rows.empty else score(rows)
        return self.made_scores[name]


def backtest(history: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Forecasts of every model, baseline and `auto` of every past task, as one long frame.

    history: the view `task_history`, or what `history` describes. Of the question are read the model and the role (the
    others still inform the nested model), its one component, its levels, its prior and what one past cost is. Columns:
    model, llm_model, agent_role, cutoff (instant of the latest outcome used), n_past (outcomes used), place (of the
    task in its series), task_id, size, size_tercile (small, middle, large within the series; a label for scoring, no
    model sees it), knowledge (what was known of the task itself, of `nested.KNOWLEDGE`), is_after_change (within 20
    tasks after the costs of the series changed; a label too), actual, estimate, mean, lower_<level>, upper_<level>
    (level in percent), position (share of the predictive distribution below the actual), crps (on logs), method (the
    model that answered; differs from model for auto only).

    Raises:
        EstimationRefusal: no series has 3 usable tasks, or `pose` refuses.
        InputError: the question is about several components, or the history cannot be read.
    """
    every = split_series(pose(history, question), question.component, question.per)
    is_any = question.model in (None, EACH)
    wanted = [(own, one) for own, one in enumerate(every) if is_any or one.llm_model == question.model]
    total = sum(len(one.tasks) for _, one in wanted)
    nested, frames, done = Nested.of(every), [], 0
    for own, one in wanted:
        if len(one.tasks) >= LEAST_PAST:
            timeline = make_timeline(one, nested.look_ahead(own, ()), (), question.prior)
            frames.append(list_forecasts(replay(one, timeline, question.levels)))
        done += len(one.tasks)
        tell(Step(part="forecasting", done=done, total=total, unit="tasks"))
    if not frames:
        raise EstimationRefusal(_say_what_is_missing([one for _, one in wanted], question))
    return pd.concat(frames, ignore_index=True)


def replay(series: Series, timeline: Timeline, levels: tuple[float, ...]) -> Replay:
    """Forecast one series in order, and the tasks to come, with every model and with `auto`."""
    forecasts = forecast_all(MODELS.values(), timeline, levels)
    candidates = {model.name: forecasts[model.name] for model in CANDIDATES}
    chosen = select(timeline.log_cost, timeline.known, candidates, levels)
    forecasts[AUTO] = pick(forecasts, timeline, chosen, levels)
    return Replay(series=series, timeline=timeline, levels=levels, forecasts=forecasts, chosen=chosen)


def replay_next(posed: pd.DataFrame, question: Question, new: Sequence[NewTask] | None = None) -> Replay:
    """Replay the series that is asked for, with the tasks to come: `new`, else the task of the question or its units.

    posed: the rows of the question (`pose`). Of a longer series the last `LATEST_TASKS` tasks are replayed; the older
    ones are left out and counted.

    Raises:
        EstimationRefusal: the history has no such series.
        InputError: the question is about several components, models or roles, or the history cannot be read.
    """
    every = split_series(posed, question.component, question.per)
    own = find_own(every, question)
    new = list_new_tasks(question) if new is None else new
    return replay_series(every, own, new, question)


def replay_series(every: list[Series], own: int, new: Sequence[NewTask], question: Question) -> Replay:
    """Replay the latest tasks of series `own`, with the tasks to come."""
    series = every[own].take_latest(LATEST_TASKS)
    centres = Nested.of(every).look_ahead(own, new)
    older = len(every[own].tasks) - len(series.tasks)
    latest = Centres(centres.log_cost[older:], centres.knowledge[older:])
    return replay(series, make_timeline(series, latest, new, question.prior), question.levels)


def list_new_tasks(question: Question) -> list[NewTask]:
    """The task of a question, or its units."""
    return [
        NewTask(task=question.task, log_size=float("nan") if size is None else float(np.log(size)))
        for size in question.sizes
    ]


def make_timeline(series: Series, centres: Centres, new: Sequence[NewTask], prior: SpreadPrior) -> Timeline:
    """The series on logs, with what the nested model says of its tasks and of those to come."""
    return Timeline(
        log_cost=np.log(series.cost),
        log_size=np.append(np.log(series.size), [one.log_size for one in new]),
        known=np.append(series.known, np.full(len(new), len(series.tasks))),
        knowledge=centres.knowledge,
        prior=prior,
        nested=centres.log_cost,
    )


def name_level(level: float) -> str:
    """`70` for 0.7, `97.5` for 0.975: the end of a column name."""
    return f"{round(100 * level, 4):g}"


def list_forecasts(found: Replay, names: Collection[str] | None = None) -> pd.DataFrame:
    """The forecasts of a replay as rows of a backtest: of every model, or of those that are named.

    Costs are those that were paid: a replay at the prices of today is turned back to those at the start of each task.
    """
    series = found.series
    n, then = len(series.tasks), 1 / found.series.repricing
    known = found.timeline.known[:n]
    completed = pd.concat([pd.Series([pd.NaT]), series.tasks["known_at"].dt.tz_convert(None)], ignore_index=True)
    shared = pd.DataFrame(
        {
            "llm_model": series.llm_model,
            "agent_role": series.agent_role,
            "cutoff": completed.iloc[known].dt.tz_localize("UTC").array,
            "n_past": known,
            "place": np.arange(n),
            "task_id": series.tasks["task_id"],
            "size": series.size,
            "size_tercile": label_sizes(series.size),
            "knowledge": pd.Categorical.from_codes(found.timeline.knowledge[:n], categories=pd.Index(KNOWLEDGE)),
            "is_after_change": label_after_change(np.log(series.recorded_cost)),
            "actual": series.recorded_cost,
        }
    )
    frames = []
    for name, forecasts in found.forecasts.items():
        if names is not None and name not in names:
            continue
        said = {"estimate": forecasts.estimate[:n] * then, "mean": forecasts.mean[:n] * then}
        for k, level in enumerate(found.levels):
            said[f"lower_{name_level(level)}"] = forecasts.lower[:n, k] * then
            said[f"upper_{name_level(level)}"] = forecasts.upper[:n, k] * then
        said |= {"position": forecasts.position, "crps": forecasts.crps}
        method = found.chosen[:n] if name == AUTO else name
        rows = shared.assign(model=name, **said, method=method)
        frames.append(rows[~np.isnan(forecasts.estimate[:n])])
    frame = pd.concat(frames, ignore_index=True)
    return frame[["model", *[name for name in frame.columns if name != "model"]]]


def label_after_change(log_cost: np.ndarray) -> np.ndarray:
    """Whether a task is one of 20 after the costs of a series changed: `find_changes` on its logs. Shape (n,)."""
    label = np.zeros(len(log_cost), dtype=bool)
    for change in find_changes(log_cost):
        label[change : change + AFTER_CHANGE] = True
    return label


def label_sizes(size: np.ndarray) -> pd.Categorical[str]:
    """small, middle or large by the terciles of the known sizes (ties go down); missing where the size is unknown."""
    known = size[~np.isnan(size)]
    low, high = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else (np.nan, np.nan)
    codes = np.where(np.isnan(size), -1, (size > low).astype(int) + (size > high).astype(int))
    return pd.Categorical.from_codes(codes, categories=pd.Index(["small", "middle", "large"]), ordered=True)


def find_own(every: list[Series], question: Question) -> int:
    """The place of the series that is asked for."""
    names = [(series.llm_model, series.agent_role) for series in every]
    if (question.llm_model, question.agent_role) in names:
        return names.index((question.llm_model, question.agent_role))
    known = "; ".join(f"{series.name} ({len(series.tasks)})" for series in every) or "none"
    raise EstimationRefusal(
        f"There are no past tasks of {question.llm_model} / {question.agent_role}. Known series: {known}. "
        "Ask for one of them, or record some tasks."
    )


def _say_what_is_missing(short: list[Series], question: Question) -> str:
    noun = "finished tasks" if question.per == "finished" else "attempts"
    counts = "; ".join(f"{one.name}: {len(one.tasks)} (left out: {one.describe_left_out()})" for one in short)
    return (
        f"No series has the 3 {noun} with a {question.component} that a backtest takes: {counts or 'no series'}. "
        f"{advise(short)}"
    )
