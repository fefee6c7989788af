"""Every past task is forecast from what was known before it, by every model, and the frame keeps what each one said.

One row per model, series and task; a model has a row only if the past before that task supported its forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.history import Series, advise, split_series
from asp_analysis.probe.models.candidates import CANDIDATES, MODELS, Forecasts, Timeline, forecast_all
from asp_analysis.probe.models.reference_class import Reference
from asp_analysis.probe.models.selection import pick, select
from asp_analysis.probe.question import AUTO, EACH, Question, pose

LATEST_TASKS = 1_000
"""Past tasks from which the next one is estimated: they settle what an interval holds to one or two percent, agents and
prices of long ago say little about tomorrow, and an answer takes about a second."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """One series forecast in order: rows 0..n, the last for the task to come; chosen is what auto asks."""

    series: Series
    timeline: Timeline
    levels: tuple[float, ...]
    forecasts: dict[str, Forecasts]
    chosen: np.ndarray


def backtest(history: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Rolling-origin forecasts of every model, baseline and `auto`, as one long frame.

    history: the view `task_history`, or what `history` describes. Of the question are read the model and the role (the
    others still serve as reference class), its one component, its levels and what one past cost is. Columns: model,
    llm_model, agent_role, cutoff (instant of the latest outcome used), n_past (outcomes used), task_id, size,
    size_tercile (small, middle, large within the series; a label for scoring, no model sees it), actual, estimate,
    lower_<level>, upper_<level> (level in percent), method (the model that answered; differs from model for auto only).

    Raises:
        EstimationRefusal: no series has 3 usable tasks, or `pose` refuses.
        InputError: the question is about several components, or the history cannot be read.
    """
    every = split_series(pose(history, question), question.component, question.per)
    is_any = question.model in (None, EACH)
    wanted = [(own, one) for own, one in enumerate(every) if is_any or one.llm_model == question.model]
    reference = Reference.of(every)
    frames = [
        list_forecasts(replay(one, make_timeline(one, reference.take_timeline(own)), question.levels))
        for own, one in wanted
        if len(one.tasks) >= 3
    ]
    if not frames:
        raise EstimationRefusal(_say_what_is_missing([one for _, one in wanted], question))
    return pd.concat(frames, ignore_index=True)


def replay(series: Series, timeline: Timeline, levels: tuple[float, ...]) -> Replay:
    """Forecast one series in order, and the task to come, with every model and with `auto`."""
    forecasts = forecast_all(MODELS.values(), timeline, levels)
    chosen = select(timeline.log_cost, {model.name: forecasts[model.name] for model in CANDIDATES}, levels)
    forecasts[AUTO] = pick(forecasts, chosen, levels)
    return Replay(series=series, timeline=timeline, levels=levels, forecasts=forecasts, chosen=chosen)


def replay_next(posed: pd.DataFrame, question: Question) -> list[Replay]:
    """Replay the series that is asked for, and the task to come: once, or once for each of its units.

    posed: the rows of the question (`pose`). Of a longer series the last `LATEST_TASKS` tasks are replayed; the older
    ones are left out and counted.

    Raises:
        EstimationRefusal: the history has no such series.
        InputError: the question is about several components, models or roles, or the history cannot be read.
    """
    every = split_series(posed, question.component, question.per)
    own = _find_own(every, question)
    series, reference = every[own].take_latest(LATEST_TASKS), Reference.of(every)
    found = []
    for size in question.sizes:
        deviation = reference.take_timeline(own, question.task, size)[-(len(series.tasks) + 1) :]
        found.append(replay(series, make_timeline(series, deviation, size), question.levels))
    return found


def make_timeline(series: Series, deviation: np.ndarray, new_size: float | None = None) -> Timeline:
    """The series on logs, with deviations of tasks alike (n + 1,) and the size of the task to come (None: unknown)."""
    size = np.append(series.size, np.nan if new_size is None else new_size)
    return Timeline(log_cost=np.log(series.cost), log_size=np.log(size), deviation=deviation)


def name_level(level: float) -> str:
    """`70` for 0.7, `97.5` for 0.975: the end of a column name."""
    return f"{round(100 * level, 4):g}"


def list_forecasts(found: Replay) -> pd.DataFrame:
    """The forecasts of a replay as rows of a backtest."""
    series = found.series
    n = len(series.tasks)
    known_at = series.tasks["known_at"].shift(1)
    shared = pd.DataFrame(
        {
            "llm_model": series.llm_model,
            "agent_role": series.agent_role,
            "cutoff": known_at,
            "n_past": np.arange(n),
            "task_id": series.tasks["task_id"],
            "size": series.size,
            "size_tercile": label_sizes(series.size),
            "actual": series.cost,
        }
    )
    frames = []
    for name, forecasts in found.forecasts.items():
        method = found.chosen[:n] if name == AUTO else name
        bounds = {}
        for k, level in enumerate(found.levels):
            bounds[f"lower_{name_level(level)}"] = forecasts.lower[:n, k]
            bounds[f"upper_{name_level(level)}"] = forecasts.upper[:n, k]
        rows = shared.assign(model=name, estimate=forecasts.estimate[:n], **bounds, method=method)
        frames.append(rows[~np.isnan(forecasts.estimate[:n])])
    frame = pd.concat(frames, ignore_index=True)
    return frame[["model", *[name for name in frame.columns if name != "model"]]]


def label_sizes(size: np.ndarray) -> pd.Categorical[str]:
    """small, middle or large by the terciles of the known sizes (ties go down); missing where the size is unknown."""
    known = size[~np.isnan(size)]
    low, high = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else (np.nan, np.nan)
    codes = np.where(np.isnan(size), -1, (size > low).astype(int) + (size > high).astype(int))
    return pd.Categorical.from_codes(codes, categories=pd.Index(["small", "middle", "large"]), ordered=True)


def _find_own(every: list[Series], question: Question) -> int:
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
