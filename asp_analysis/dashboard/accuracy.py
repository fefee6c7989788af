"""How good estimates would have been: every past task forecast from those before it, with the intervals judged."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Figure, Note, Section, Table
from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import wilson
from asp_analysis.membership import is_among
from asp_analysis.probe.backtest import AUTO, backtest
from asp_analysis.probe.question import pose
from asp_analysis.probe.scores import log_bias, score

LATEST, WINDOW, WIDEST = 200, 20, 4.0
"""Latest tasks that are forecast; forecasts in a rolling share; an interval wider than this many times says little."""


@dataclass(frozen=True)
class Accuracy:
    """The forecasts of `auto` for the cost of whole tasks (one row per task), or why there are none."""

    forecasts: pd.DataFrame
    model: str
    refusal: str = ""

    @property
    def inside(self) -> np.ndarray:
        """Which forecasts had the actual cost within their 70 % interval; NaN where there was no interval."""
        frame = self.forecasts
        hit = (frame["lower_70"] <= frame["actual"]) & (frame["actual"] <= frame["upper_70"])
        return hit.to_numpy(dtype=float, na_value=np.nan) + 0.0 * frame["lower_70"].to_numpy(dtype=float)

    @property
    def factor(self) -> float:
        """Median upper / lower end of the 70 % intervals of the last 10 forecasts."""
        latest = self.forecasts.tail(10)
        return float((latest["upper_70"] / latest["lower_70"]).median()) if len(latest) else float("nan")


def measure(facts: Facts) -> Accuracy:
    """Backtest the cost of whole tasks; where models did the same tasks side by side, that of the busiest model."""
    try:
        history, model = _asked(facts.history)
        finished = history[history["is_finished"] & history["cost_usd"].gt(0)]
        forecasts = backtest(finished.tail(LATEST), "cost_usd")
    except EstimationRefusal as refusal:
        return Accuracy(pd.DataFrame(), "", str(refusal))
    auto = forecasts[forecasts["model"] == AUTO].reset_index(drop=True)
    why = "" if len(auto) else "3 or more finished tasks with a known cost are needed before the first forecast."
    return Accuracy(auto, model, why)


def _asked(history: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if not len(history):
        raise EstimationRefusal("Finished tasks with a cost are needed, there are no executions. Load some.")
    try:
        return pose(history), ""
    except EstimationRefusal:
        busiest = history.groupby("llm_model")["task_id"].nunique().idxmax()
        return pose(history, str(busiest)), str(busiest)


def accuracy_section(facts: Facts, found: Accuracy) -> Section:
    """Give the section on estimates."""
    question = "Can the next task's cost be told, and do the intervals hold what they promise?"
    if found.refusal:
        return Section("estimates", "Estimates", question, [Note(f"No forecast can be judged yet. {found.refusal}")])
    parts = [_over_time(found), _coverage(found), _scores(facts, found)]
    return Section("estimates", "Estimates", question, parts)


def _over_time(found: Accuracy) -> Figure:
    rows = found.forecasts.tail(60)
    x = _places(len(rows))
    low = float(np.nanmin(rows[["actual", "estimate", "lower_70"]].to_numpy(dtype=float)))
    high = float(np.nanmax(rows[["actual", "estimate", "upper_70"]].to_numpy(dtype=float)))
    scale = svg.Scale(low / 1.2, high * 1.2, is_log=True)
    band = svg.Line(x, rows["estimate"].to_list(), "one", rows["lower_70"].to_list(), rows["upper_70"].to_list())
    dots = svg.Line(x, rows["actual"].to_list(), "accent", is_dots=True)
    axes = svg.Axes(scale, [(tick, words.usd_tick(tick)) for tick in scale.ticks()], _dates(rows), height=200)
    last = rows.iloc[-1]
    desc = (
        f"Latest: task {last['task_id']} was estimated {words.usd(last['estimate'])} "
        f"({words.between(last['lower_70'], last['upper_70'], words.usd)}) and cost {words.usd(last['actual'])}."
    )
    title = f"Estimated and actual cost of the last {len(rows)} tasks"
    reading = f"USD per task, logarithmic; each forecast from the tasks before it, n = {len(rows)}." + (
        f" Model {found.model} alone: several did the same tasks side by side." if found.model else ""
    )
    keys = (("one", "estimate, 70 % interval"), ("accent", "actual cost"))
    return Figure("Estimate against actual", svg.lines(title, desc, axes, [band, dots]), reading, keys)


def _coverage(found: Accuracy) -> Figure | Note:
    inside = pd.Series(found.inside)
    hits, n = inside.rolling(WINDOW, min_periods=1).sum(), inside.notna().rolling(WINDOW, min_periods=1).sum()
    share = (hits / n).where(n >= min(10, WINDOW))
    if share.notna().sum() < 2:
        known = int(inside.notna().sum())
        return Note(f"Coverage over time needs 11 forecasts with an interval; so far there are {known}.")
    lower, upper = wilson(hits.fillna(0), n.clip(lower=1))
    is_shown = share.notna()
    lower, upper = (pd.Series(bound).where(is_shown).to_list() for bound in (lower, upper))
    line = svg.Line(_places(len(share)), share.to_list(), "one", lower, upper)
    scale = svg.Scale(0.0, 1.0)
    ticks = [(tick, words.percent(tick)) for tick in (0.0, 0.25, 0.5, 0.75, 1.0)]
    axes = svg.Axes(scale, ticks, _dates(found.forecasts), (0.7,), 200)
    now = f"{words.percent(share.iloc[-1])} ({words.between(lower[-1], upper[-1])}) of the last {int(n.iloc[-1])}"
    title = f"Share of the last {WINDOW} costs within their 70 % interval"
    drawn = svg.lines(title, f"At the end {now}; 70 % would be right.", axes, [line])
    keys = (("one", "share with 95 % interval (Wilson)"), ("level", "promised: 70 %"))
    return Figure("Do the intervals hold?", drawn, f"Now {now} forecasts.", keys)


def _scores(facts: Facts, found: Accuracy) -> Table:
    half = len(found.forecasts) // 2
    spans = [("all forecasts", found.forecasts)]
    if half >= 5:
        spans += [("earlier half", found.forecasts[:half]), ("later half", found.forecasts[half:])]
    rows = [_score_row(name, frame) for name, frame in spans]
    rows += _planner_row(facts.forecasts, found)
    headers = ["Forecasts", "n", "Median error (MdAPE)", "Within ±25 %", "Bias (95 %)", "In 70 % interval", "In 90 %"]
    reading = (
        "Cost of whole tasks. Bias above 1 is too high. Shares with their 95 % Wilson interval. "
        f"The last 10 intervals of 70 % span a factor of {words.number(found.factor, 1)} (median upper / lower end)."
    )
    return Table("Scores of the forecasts", headers, rows, reading)


def _planner_row(stored: pd.DataFrame, found: Accuracy) -> list[list[str]]:
    """Score the planner's own estimates of the same tasks; nothing where there are none."""
    planned = stored[
        (stored["source"] == "planner")
        & (stored["component"] == "cost_usd")
        & stored["is_before_outcome"].astype(bool)
        & stored["actual"].gt(0)
        & is_among(stored["task_id"], found.forecasts["task_id"])
    ]
    if found.model or not len(planned):
        return []
    error = (planned["estimate"] - planned["actual"]).abs() / planned["actual"]
    scores = [words.count(len(planned)), words.percent(error.median()), words.percent((error <= 0.25).mean())]
    bias = _bias_words(*log_bias(planned["actual"], planned["estimate"]))
    return [["the planner's own, same tasks", *scores, bias, "no interval given", "no interval given"]]


def _bias_words(mean: float, lower: float, upper: float) -> str:
    """Write a mean of ln(estimate / actual) as a multiple."""
    interval = f" ({np.exp(lower):.2f} to {np.exp(upper):.2f})" if words.is_known(lower) else ""
    return f"{words.number(np.exp(mean))} times{interval}" if words.is_known(mean) else words.NOT_DEFINED


def _score_row(name: str, frame: pd.DataFrame) -> list[str]:
    scores = score(frame).iloc[0]
    n = int(scores["n"])
    return [
        name,
        words.count(n),
        words.percent(scores["mdape"]),
        words.percent(scores["pred25"]),
        _bias_words(scores["log_bias"], scores["log_bias_lower"], scores["log_bias_upper"]),
        _covered(frame, "70"),
        _covered(frame, "90"),
    ]


def _covered(frame: pd.DataFrame, level: str) -> str:
    known = frame.dropna(subset=[f"lower_{level}"])
    if not len(known):
        return "no interval yet"
    hits = int(known["actual"].between(known[f"lower_{level}"], known[f"upper_{level}"]).sum())
    lower, upper = wilson(hits, len(known))
    n = "" if len(known) == len(frame) else f", n = {len(known)}"
    return f"{words.percent(hits / len(known))} ({words.between(lower, upper)}){n}"


def _places(n: int) -> list[float]:
    return [place / max(n - 1, 1) for place in range(n)]


def _dates(rows: pd.DataFrame) -> list[tuple[float, str]]:
    """Label the first, the middle and the last forecast with the day of what it knew last."""
    n = len(rows)
    places = sorted({0, n // 2, n - 1})
    return [(place / max(n - 1, 1), words.day(rows["cutoff"].iloc[place])) for place in places if n > 1]
