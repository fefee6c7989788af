"""Which model will be asked for the next task, and the one sentence that says why.

The rule itself stands in `selection`; it is the one that a backtest replays as `auto`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.backtest import AUTO, LEVELS, Replay, forecast_rows, level_name, replay_series
from asp_analysis.probe.history import Series, ways_on
from asp_analysis.probe.models import CANDIDATES, LEAST_FOR_A_LINE, MODELS
from asp_analysis.probe.scores import score

LEAST_ERRORS = 2
"""Past errors that make the first interval."""

LEAST_CENTRE = {"": 1, "size": LEAST_FOR_A_LINE, "deviation": 3}
"""Tasks before the first forecast of a model, by what it needs to know of a task; models of alike size need 1."""

EXPLAINED = ((0.1, "next to nothing"), (0.3, "little"), (0.6, "some"), (1.01, "much"))
"""Words for r2 of ln cost on ln size, by upper limits."""


@dataclass(frozen=True)
class Choice:
    """The model to ask next. scores: every model's past forecasts (`scores.score`), the chosen and `auto` among them.

    why: one sentence. size_r2: share of the variance of ln cost that a line on ln size explains, NaN without sizes.
    """

    method: str
    why: str
    n: int
    size_r2: float
    scores: pd.DataFrame

    def _repr_html_(self) -> str:
        shown = [name for name in self.scores.columns if name not in ("llm_model", "agent_role")]
        return f"<p><b>{self.method}</b>: {self.why}</p>" + self.scores[shown].round(3).to_html(index=False)


def choose(
    history: pd.DataFrame,
    component: str,
    *,
    llm_model: str,
    agent_role: str,
    size: float | None = None,
    task: dict | None = None,
    levels: tuple[float, ...] = LEVELS,
    method: str = AUTO,
    per: str = "finished",
) -> Choice:
    """The model for the next task of a series: the best past interval score on logs among those whose coverage held.

    size, task (task_id, project_id, task_type): what is known of the next task; a model that needs more cannot be
    asked. method: a name of `models.MODELS` takes the choice away and keeps the evidence. Falls back as data thins:
    lines need 7 tasks with a size, history 3; below that EstimationRefusal names what is missing.
    """
    found = replay_series(history, component, (llm_model, agent_role), size=size, task=task, levels=levels, per=per)
    return choice_of(found, method)


def choice_of(found: Replay, method: str = AUTO) -> Choice:
    """The choice for the task to come of a replayed series.

    Raises EstimationRefusal if no model, or not `method`, can answer; InputError for an unknown method.
    """
    if method not in (AUTO, *MODELS):
        raise InputError(f"A method of {', '.join((AUTO, *MODELS))} is needed, {method!r} found. Choose one of them.")
    name = found.chosen[-1] if method == AUTO else method
    if name is None or np.isnan(found.forecasts[name].estimate[-1]) or np.isnan(found.forecasts[name].lower[-1]).any():
        raise EstimationRefusal(_what_is_missing(found, name or "history"))
    scores = score(forecast_rows(found))
    r2 = size_r2(found.series)
    why = _why(found, name, scores, r2) if method == AUTO else f"{name} was asked for; {_record(scores, name, found)}."
    return Choice(name, why, len(found.series.tasks), r2, scores)


def size_r2(series: Series) -> float:
    """Squared correlation of ln cost and ln size over tasks of known size; NaN below 3 of them or without spread."""
    known = ~np.isnan(series.size)
    x, y = np.log(series.size[known]), np.log(series.cost[known])
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _why(found: Replay, name: str, scores: pd.DataFrame, r2: float) -> str:
    able = [model.name for model in CANDIDATES if not np.isnan(found.forecasts[model.name].estimate[-1])]
    sentence = next(model.sentence for model in CANDIDATES if model.name == name)
    reason = f"best past interval score of the {len(able)} models that can answer"
    if name == able[0]:
        others = len(able) - 1
        reason = f"none of {others} others was clearly better so far" if others else "only this model can answer"
    return (
        f"{name} ({sentence}): {reason}; {_record(scores, name, found)}{_about_size(name, r2, found.series.component)}."
    )


def _record(scores, name, found):
    row = scores[scores["model"] == name]
    if row.empty:
        return "no past forecast of it can be scored yet"
    row = row.iloc[0]
    level = level_name(found.levels[0])
    text = (
        f"on {row['n']:.0f} past forecasts its {level} % intervals held {100 * row[f'coverage_{level}']:.0f} % "
        f"and its median error was {100 * row['mdape']:.0f} %"
    )
    base = scores[scores["model"] == "past_median"]
    return text if base.empty else text + f" (past median {100 * base.iloc[0]['mdape']:.0f} %)"


def _about_size(name, r2, component):
    if np.isnan(r2):
        return ""
    word = next(word for limit, word in EXPLAINED if r2 < limit)
    text = f"; size explains {word} of {component} (r2 {r2:.2f} on logs)"
    is_weak = r2 < EXPLAINED[1][0]
    return text + ", so the published line is not the way to estimate it" if is_weak and name != "probe_line" else text


def _what_is_missing(found: Replay, name: str) -> str:
    series = found.series
    noun = "finished tasks" if series.per == "finished" else "attempts"
    needs = next(model.needs for model in MODELS.values() if model.name == name)
    least = 3 if name.startswith(("alike", "probe")) else LEAST_CENTRE[needs] + LEAST_ERRORS
    usable = int((~np.isnan(series.size)).sum()) if needs == "size" else len(series.tasks)
    what = {"size": "a size and a ", "deviation": "tasks alike by others and a "}.get(needs, "a ") + series.component
    if usable >= least:
        known = {"size": "the size of the new task", "deviation": "a task that others did, or its project or type"}
        return (
            f"{known.get(needs, 'More past forecasts')} is needed for {name}, none found. "
            "Give it, or ask for method auto."
        )
    return (
        f"{least} {noun} with {what} are needed, {usable} found for {series.name} "
        f"(left out: {series.left_out_text()}). {ways_on([series])}"
    )
