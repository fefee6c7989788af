"""Which model will be asked for the next task, and the one sentence that says why.

The rule itself is in `models.selection`; it is the one that a backtest replays as `auto`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.backtest import Replay, name_level
from asp_analysis.probe.history import Series, advise
from asp_analysis.probe.models.candidates import CANDIDATES, LEAST_FOR_A_LINE, LEAST_TASKS, MODELS
from asp_analysis.probe.question import AUTO

FIRST_ERRORS = 2
"""Past errors that make the first interval."""

EXPLAINED = ((0.1, "next to nothing"), (0.3, "little"), (0.6, "some"), (1.01, "much"))
"""Words for r2 of ln cost on ln size, by upper limits."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The model to ask next. scores: of the past forecasts of `auto`, or of the model that was asked for, and of the
    past median (`scores.score`).

    why: one sentence. n: past tasks.
    """

    method: str
    why: str
    n: int
    scores: pd.DataFrame


def choose_model(found: Replay, method: str = AUTO, row: int = -1) -> Choice:
    """The model for a task to come of a replayed series: the one that `auto` asks, or the one that `method` names.

    row: of the replay, the last one if nothing is said. Falls back as data thins: a line needs 7 tasks with a size,
    history 3.

    Raises:
        EstimationRefusal: no model, or not `method`, can answer; the message says what is missing.
    """
    name = found.chosen[row] if method == AUTO else method
    said = found.forecasts.get(name)
    if said is None or np.isnan(said.estimate[row]) or np.isnan(said.lower[row]).any():
        raise EstimationRefusal(_say_what_is_missing(found, name or "history"))
    r2 = measure_size_r2(found.series)
    if method == AUTO:
        why = _say_why(found, name, r2, row)
    else:
        why = f"{name} was asked for; {_describe_record(name, found)}."
    return Choice(method=name, why=why, n=len(found.series.tasks), scores=found.score_record(method))


def measure_size_r2(series: Series) -> float:
    """Squared correlation of ln cost and ln size over tasks of known size; NaN below 3 of them or without spread."""
    known = ~np.isnan(series.size)
    x, y = np.log(series.size[known]), np.log(series.cost[known])
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _say_why(found: Replay, name: str, r2: float, row: int) -> str:
    able = [model.name for model in CANDIDATES if not np.isnan(found.forecasts[model.name].estimate[row])]
    sentence = next(model.sentence for model in CANDIDATES if model.name == name)
    reason = f"best past interval score of the {len(able)} models that can answer"
    if name == able[0]:
        others = len(able) - 1
        reason = f"none of {others} others was clearly better so far" if others else "only this model can answer"
    record, about_size = _describe_record(AUTO, found), _describe_size(name, r2, found.series.component)
    return f"{name} ({sentence}): {reason}; {record}{about_size}."


def _describe_record(name: str, found: Replay) -> str:
    """How good the past forecasts of a model were; those of auto include its choices."""
    scores = found.score_record(name)
    rows = scores[scores["model"] == name] if len(scores) else scores
    if rows.empty:
        return "no past forecast can be scored yet"
    row = rows.iloc[0]
    level = name_level(found.levels[0])
    chosen = ", each by the model chosen before it," if name == AUTO else " of it"
    text = (
        f"on {row['n']:.0f} past forecasts{chosen} the {level} % intervals held {100 * row[f'coverage_{level}']:.0f} % "
        f"and the median error was {100 * row['mdape']:.0f} %"
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
    least = LEAST_FOR_A_LINE + FIRST_ERRORS if name == "loglog" else LEAST_TASKS
    usable = int((~np.isnan(series.size)).sum()) if needs == "size" else len(series.tasks)
    what = {"size": "a size and a "}.get(needs, "a ") + series.component
    if usable >= least:
        known = {"size": "The size of the new task"}
        return f"{known.get(needs, 'A past forecast')} is unknown, and {name} uses it. Name it, or use method auto."
    return (
        f"Too few {noun} with {what} for {series.name}: {usable} of at least {least} "
        f"(left out: {series.describe_left_out()}). {advise([series])}"
    )
