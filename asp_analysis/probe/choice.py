"""Which model will be asked for the next task, and the one sentence that says why.

The rule itself is in `models.selection`; it is the one that a backtest replays as `auto`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.backtest import Replay, list_forecasts, name_level
from asp_analysis.probe.history import Series, advise
from asp_analysis.probe.models.candidates import CANDIDATES, LEAST_FOR_A_LINE, MODELS
from asp_analysis.probe.question import AUTO
from asp_analysis.probe.scores import score

FIRST_ERRORS = 2
"""Past errors that make the first interval."""

LEAST_CENTRE = {"": 1, "size": LEAST_FOR_A_LINE, "deviation": 3}
"""Tasks before the first forecast of a model, by what it needs to know of a task; models of alike size need 1."""

EXPLAINED = ((0.1, "next to nothing"), (0.3, "little"), (0.6, "some"), (1.01, "much"))
"""Words for r2 of ln cost on ln size, by upper limits."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The model to ask next. scores: every model's past forecasts (`scores.score`), the chosen and `auto` among them.

    why: one sentence. n: past tasks.
    """

    method: str
    why: str
    n: int
    scores: pd.DataFrame


def choose_model(found: Replay, method: str = AUTO) -> Choice:
    """The model for the task to come of a replayed series: the one that `auto` asks, or the one that `method` names.

    Falls back as data thins: lines need 7 tasks with a size, history 3.

    Raises:
        EstimationRefusal: no model, or not `method`, can answer; the message says what is missing.
    """
    name = found.chosen[-1] if method == AUTO else method
    if name is None or np.isnan(found.forecasts[name].estimate[-1]) or np.isnan(found.forecasts[name].lower[-1]).any():
        raise EstimationRefusal(_say_what_is_missing(found, name or "history"))
    scores = score(list_forecasts(found))
    r2 = measure_size_r2(found.series)
    if method == AUTO:
        why = _say_why(found, name, scores, r2)
    else:
        why = f"{name} was asked for; {_describe_record(scores, name, found)}."
    return Choice(method=name, why=why, n=len(found.series.tasks), scores=scores)


def measure_size_r2(series: Series) -> float:
    """Squared correlation of ln cost and ln size over tasks of known size; NaN below 3 of them or without spread."""
    known = ~np.isnan(series.size)
    x, y = np.log(series.size[known]), np.log(series.cost[known])
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _say_why(found: Replay, name: str, scores: pd.DataFrame, r2: float) -> str:
    able = [model.name for model in CANDIDATES if not np.isnan(found.forecasts[model.name].estimate[-1])]
    sentence = next(model.sentence for model in CANDIDATES if model.name == name)
    reason = f"best past interval score of the {len(able)} models that can answer"
    if name == able[0]:
        others = len(able) - 1
        reason = f"none of {others} others was clearly better so far" if others else "only this model can answer"
    record, about_size = _describe_record(scores, name, found), _describe_size(name, r2, found.series.component)
    return f"{name} ({sentence}): {reason}; {record}{about_size}."


def _describe_record(scores: pd.DataFrame, name: str, found: Replay) -> str:
    rows = scores[scores["model"] == name]
    if rows.empty:
        return "no past forecast of it can be scored yet"
    row = rows.iloc[0]
    level = name_level(found.levels[0])
    text = (
        f"on {row['n']:.0f} past forecasts its {level} % intervals held {100 * row[f'coverage_{level}']:.0f} % "
        f"and its median error was {100 * row['mdape']:.0f} %"
    )
    base = scores[scores["model"] == "past_median"]
    return text if base.empty else text + f" (past median {100 * base.iloc[0]['mdape']:.0f} %)"


def _describe_size(name: str, r2: float, component: str) -> str:
    if np.isnan(r2):
        return ""
    word = next(word for limit, word in EXPLAINED if r2 < limit)
    text = f"; size explains {word} of {component} (r2 {r2:.2f} on logs)"
    is_weak = r2 < EXPLAINED[1][0]
    return text + ", so the published line is not the way to estimate it" if is_weak and name != "probe_line" else text


def _say_what_is_missing(found: Replay, name: str) -> str:
    series = found.series
    noun = "finished tasks" if series.per == "finished" else "attempts"
    needs = MODELS[name].needs
    least = 3 if name.startswith(("alike", "probe")) else LEAST_CENTRE[needs] + FIRST_ERRORS
    usable = int((~np.isnan(series.size)).sum()) if needs == "size" else len(series.tasks)
    what = {"size": "a size and a ", "deviation": "tasks alike by others and a "}.get(needs, "a ") + series.component
    if usable >= least:
        known = {"size": "The size of the new task", "deviation": "A task that others did, its project or its type"}
        return f"{known.get(needs, 'A past forecast')} is unknown, and {name} uses it. Name it, or use method auto."
    return (
        f"Too few {noun} with {what} for {series.name}: {usable} of at least {least} "
        f"(left out: {series.describe_left_out()}). {advise([series])}"
    )
