"""Every past task is forecast from what was known before it, by every model, and the frame keeps what each one said.

One row per model, series and task; a model's row is there only if the past before that task carried its forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.history import Series, position_of, series_of, ways_on
from asp_analysis.probe.models import CANDIDATES, MODELS, Forecasts, Timeline, forecast_all
from asp_analysis.probe.reference_class import Reference
from asp_analysis.probe.selection import choices, pick

LEVELS = (0.7, 0.9)
AUTO = "auto"


LATEST = 1_000
"""Past tasks from which the next one is estimated: they settle what an interval holds to one or two percent, agents and
prices of long ago say little about tomorrow, and an answer takes about a second."""


@dataclass(frozen=True)
class Replay:
    """One series forecast in order: rows 0..n, the last for the task to come; chosen is what auto asks."""

    series: Series
    timeline: Timeline
    levels: tuple[float, ...]
    forecasts: dict[str, Forecasts]
    chosen: np.ndarray


def backtest(
    history: pd.DataFrame,
    component: str,
    *,
    per: str = "finished",
    levels: tuple[float, ...] = LEVELS,
    series: list[tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Rolling-origin forecasts of every model, baseline and `auto`, as one long frame.

    Columns: model, llm_model, agent_role, cutoff (instant of the latest outcome used), n_past (outcomes used),
    task_id, size, size_tercile (small, middle, large within the series; a label for scoring, no model sees it),
    actual, estimate, lower_<level>, upper_<level> (level in percent), method (the model that answered; differs from
    model for auto only). series: the (llm_model, agent_role) to forecast, all when None; the others still serve as
    reference class. Raises InputError for levels outside 0.5 to 0.99, EstimationRefusal
    when no series has 3 usable tasks.
    """
    check_levels(levels)
    every = series_of(history, component, per)
    wanted = [
        (own, one) for own, one in enumerate(every) if series is None or (one.llm_model, one.agent_role) in series
    ]
    reference = Reference.of(every)
    frames = [
        forecast_rows(replay(one, timeline_of(one, reference.timeline(own)), levels))
        for own, one in wanted
        if len(one.tasks) >= 3
    ]
    if not frames:
        found = (
            "; ".join(f"{one.name}: {len(one.tasks)} (left out: {one.left_out_text()})" for _, one in wanted)
            or "no series"
        )
        raise EstimationRefusal(
            f"A series of 3 {_noun(per)} with a {component} is needed for a backtest, found {found}. "
            f"{ways_on([one for _, one in wanted])}"
        )
    return pd.concat(frames, ignore_index=True)


def replay(series: Series, timeline: Timeline, levels: tuple[float, ...]) -> Replay:
    """Forecast one series in order, and the task to come, with every model and with `auto`."""
    forecasts = forecast_all(MODELS.values(), timeline, levels)
    chosen = choices(timeline.log_cost, {model.name: forecasts[model.name] for model in CANDIDATES}, levels)
    forecasts[AUTO] = pick(forecasts, chosen, levels)
    return Replay(series, timeline, levels, forecasts, chosen)


def replay_series(
    history: pd.DataFrame,
    component: str,
    key: tuple[str, str],
    *,
    size: float | None = None,
    task: dict | None = None,
    levels: tuple[float, ...] = LEVELS,
    per: str = "finished",
) -> Replay:
    """Replay one series (llm_model, agent_role) and the task to come: its size and its task_id, project_id, task_type.

    Of a longer series the last `LATEST` tasks are replayed; the older ones are left out and counted.

    Raises EstimationRefusal when the history has no such series, InputError for sizes and levels that cannot be.
    """
    check_levels(levels)
    every = series_of(history, component, per)
    own = position_of(every, key)
    new = {**(task or {}), "size": size}
    series, deviation = every[own].latest(LATEST), Reference.of(every).timeline(own, new)
    timeline = timeline_of(series, deviation[-(len(series.tasks) + 1) :], size)
    return replay(series, timeline, levels)


def timeline_of(series: Series, deviation: np.ndarray, new_size: float | None = None) -> Timeline:
    """The series on logs, with deviations of tasks alike (n + 1,) and the size of the task to come (None: unknown)."""
    if new_size is not None and not new_size > 0:
        raise InputError(f"A size above 0 is needed, {new_size:g} found. Give the size of the task, or none.")
    size = np.append(series.size, np.nan if new_size is None else new_size)
    return Timeline(np.log(series.cost), np.log(size), deviation)


def check_levels(levels: tuple[float, ...]) -> None:
    """Raises InputError unless every level is a share between 0.5 and 0.99: below or above it says nothing useful."""
    wrong = [level for level in levels if not 0.5 <= level <= 0.99]
    if wrong or not levels:
        raise InputError(
            f"Levels from 0.5 to 0.99 are needed, {wrong or 'none'} found. Ask for instance for 0.7 and 0.9."
        )


def level_name(level: float) -> str:
    """`70` for 0.7, `97.5` for 0.975: the end of a column name."""
    return f"{round(100 * level, 4):g}"


def _noun(per):
    return "finished tasks" if per == "finished" else "attempts"


def forecast_rows(found: Replay) -> pd.DataFrame:
    """The forecasts of a replay as rows of a backtest."""
    series = found.series
    n = len(series.tasks)
    known_at = series.tasks["at"].shift(1)
    shared = pd.DataFrame(
        {
            "llm_model": series.llm_model,
            "agent_role": series.agent_role,
            "cutoff": known_at,
            "n_past": np.arange(n),
            "task_id": series.tasks["task_id"],
            "size": series.size,
            "size_tercile": size_terciles(series.size),
            "actual": series.cost,
        }
    )
    frames = []
    for name, forecasts in found.forecasts.items():
        method = found.chosen[:n] if name == AUTO else name
        bounds = {}
        for k, level in enumerate(found.levels):
            bounds[f"lower_{level_name(level)}"] = forecasts.lower[:n, k]
            bounds[f"upper_{level_name(level)}"] = forecasts.upper[:n, k]
        rows = shared.assign(model=name, estimate=forecasts.estimate[:n], **bounds, method=method)
        frames.append(rows[~np.isnan(forecasts.estimate[:n])])
    frame = pd.concat(frames, ignore_index=True)
    return frame[["model", *[name for name in frame.columns if name != "model"]]]


def size_terciles(size: np.ndarray) -> pd.Categorical:
    """small, middle or large by the terciles of the known sizes (ties go down); missing where the size is unknown."""
    known = size[~np.isnan(size)]
    low, high = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else (np.nan, np.nan)
    codes = np.where(np.isnan(size), -1, (size > low).astype(int) + (size > high).astype(int))
    return pd.Categorical.from_codes(codes, categories=["small", "middle", "large"], ordered=True)
