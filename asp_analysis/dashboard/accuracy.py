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
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.question import AUTO, Question, pose
from asp_analysis.probe.scores import log_bias, score

MOST_FORECASTS, SHARE_WINDOW, WIDEST = 200, 20, 4.0
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
        history, question = _pose_whole_tasks(facts.history)
        finished = history[history["is_finished"] & history["cost_usd"].gt(0)]
        forecasts = backtest(finished.tail(MOST_FORECASTS), question)
    except EstimationRefusal as refusal:
        return Accuracy(pd.DataFrame(), "", str(refusal))
    auto = forecasts[forecasts["model"] == AUTO].reset_index(drop=True)
    why = "" if len(auto) else "3 or more finished tasks with a known cost are needed before the first forecast."
    return Accuracy(auto, question.model or "", why)


def _pose_whole_tasks(history: pd.DataFrame) -> tuple[pd.DataFrame, Question]:
    if not len(history):
        raise EstimationRefusal("There are no executions, so no finished task has a cost. Load some.")
    try:
        return pose(history, Question()), Question()
    except EstimationRefusal:
        busiest = history.groupby("llm_model")["task_id"].nunique().idxmax()
        question = Question(model=str(busiest))
        return pose(history[history["llm_model"] == busiest], question), question


def build_accuracy_section(facts: Facts, found: Accuracy) -> Section:
    """Return the section on estimates."""
    question = "Can the next task's cost be estimated, and do the intervals hold what they promise?"
    if found.refusal:
        return Section(
            anchor="estimates",
            title="Estimates",
            question=question,
            missing=f"No forecast can be judged yet. {found.refusal}",
        )
    parts = [_draw_over_time(found), _draw_coverage(found), _tabulate_scores(facts, found)]
    return Section(anchor="estimates", title="Estimates", question=question, parts=parts)


def _draw_over_time(found: Accuracy) -> Figure:
    rows = found.forecasts.tail(60)
    x = _spread(len(rows))
    low = float(np.nanmin(rows[["actual", "estimate", "lower_70"]].to_numpy(dtype=float)))
    high = float(np.nanmax(rows[["actual", "estimate", "upper_70"]].to_numpy(dtype=float)))
    scale = svg.Scale(low / 1.2, high * 1.2, is_log=True)
    lower, upper = rows["lower_70"].to_list(), rows["upper_70"].to_list()
    band = svg.Polyline(x=x, y=rows["estimate"].to_list(), lower=lower, upper=upper)
    dots = svg.Polyline(x=x, y=rows["actual"].to_list(), class_="accent", is_dots=True)
    ticks = [(tick, words.usd_tick(tick)) for tick in scale.choose_ticks()]
    axes = svg.Axes(scale=scale, ticks=ticks, labels=_label_days(rows))
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
    drawn = svg.draw_lines(title, desc, axes, [band, dots])
    return Figure(title="Estimate against actual", drawn=drawn, words=reading, keys=keys)


def _draw_coverage(found: Accuracy) -> Figure | Note:
    inside = pd.Series(found.inside)
    hits, n = (
        inside.rolling(SHARE_WINDOW, min_periods=1).sum(),
        inside.notna().rolling(SHARE_WINDOW, min_periods=1).sum(),
    )
    share = (hits / n).where(n >= min(10, SHARE_WINDOW))
    if share.notna().sum() < 2:
        known = int(inside.notna().sum())
        return Note(f"Coverage over time needs 11 forecasts with an interval; so far there are {known}.")
    bounds = wilson(hits.fillna(0), n.clip(lower=1))
    lower, upper = (pd.Series(bound).where(share.notna()).to_list() for bound in bounds)
    line = svg.Polyline(x=_spread(len(share)), y=share.to_list(), lower=lower, upper=upper)
    ticks = [(tick, words.percent(tick)) for tick in (0.0, 0.25, 0.5, 0.75, 1.0)]
    axes = svg.Axes(scale=svg.Scale(0.0, 1.0), ticks=ticks, labels=_label_days(found.forecasts), levels=(0.7,))
    now = f"{words.percent(share.iloc[-1])} ({words.between(lower[-1], upper[-1])}) of the last {int(n.iloc[-1])}"
    title = f"Share of the last {SHARE_WINDOW} costs within their 70 % interval"
    drawn = svg.draw_lines(title, f"At the end {now}; 70 % would be right.", axes, [line])
    keys = (("one", "share with 95 % interval (Wilson)"), ("level", "promised: 70 %"))
    return Figure(title="Do the intervals hold?", drawn=drawn, words=f"Now {now} forecasts.", keys=keys)


def _tabulate_scores(facts: Facts, found: Accuracy) -> Table:
    half = len(found.forecasts) // 2
    spans = [("all forecasts", found.forecasts)]
    if half >= 5:
        spans += [("earlier half", found.forecasts[:half]), ("later half", found.forecasts[half:])]
    rows = [_score_span(name, frame) for name, frame in spans]
    rows += _score_planner(facts.forecasts, found)
    headers = ["Forecasts", "n", "Median error (MdAPE)", "Within ±25 %", "Bias (95 %)", "In 70 % interval", "In 90 %"]
    reading = (
        "Cost of whole tasks. Bias above 1 is too high. Shares with their 95 % Wilson interval. "
        f"The last 10 intervals of 70 % span a factor of {words.number(found.factor, 1)} (median upper / lower end)."
    )
    return Table(title="Scores of the forecasts", headers=headers, rows=rows, words=reading, is_sortable=False)


def _score_planner(stored: pd.DataFrame, found: Accuracy) -> list[list[str]]:
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
    mean, lower, upper = log_bias(planned["actual"], planned["estimate"])
    bias = _write_bias(mean, lower, upper)
    return [["the planner's own, same tasks", *scores, bias, "no interval given", "no interval given"]]


def _write_bias(mean: float, lower: float, upper: float) -> str:
    """Write a mean of ln(estimate / actual) as a multiple."""
    interval = f" ({np.exp(lower):.2f} to {np.exp(upper):.2f})" if words.is_known(lower) else ""
    return f"{words.number(np.exp(mean))} times{interval}" if words.is_known(mean) else words.NOT_DEFINED


def _score_span(name: str, frame: pd.DataFrame) -> list[str]:
    scores = score(frame).iloc[0]
    n = int(scores["n"])
    return [
        name,
        words.count(n),
        words.percent(scores["mdape"]),
        words.percent(scores["pred25"]),
        _write_bias(scores["log_bias"], scores["log_bias_lower"], scores["log_bias_upper"]),
        _write_coverage(frame, "70"),
        _write_coverage(frame, "90"),
    ]


def _write_coverage(frame: pd.DataFrame, level: str) -> str:
    known = frame.dropna(subset=[f"lower_{level}"])
    if not len(known):
        return "no interval yet"
    hits = int(known["actual"].between(known[f"lower_{level}"], known[f"upper_{level}"]).sum())
    lower, upper = wilson(hits, len(known))
    n = "" if len(known) == len(frame) else f", n = {len(known)}"
    return f"{words.percent(hits / len(known))} ({words.between(lower, upper)}){n}"


def _spread(n: int) -> list[float]:
    return [place / max(n - 1, 1) for place in range(n)]


def _label_days(rows: pd.DataFrame) -> list[tuple[float, str]]:
    """Label the first, the middle and the last forecast with the day of what it knew last."""
    n = len(rows)
    places = sorted({0, n // 2, n - 1})
    return [(place / max(n - 1, 1), words.day(rows["cutoff"].iloc[place])) for place in places if n > 1]
