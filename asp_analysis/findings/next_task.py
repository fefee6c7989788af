"""Notebook 02: what the next task will cost, and what the published and the newer methods say of it.

A refusal of the estimator is an answer: it is shown as the text of the finding, with what would help.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis import charts
from asp_analysis.errors import EstimationRefusal
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.findings.overview import LOAD
from asp_analysis.probe.answers import CostVector, Estimate
from asp_analysis.probe.compare import compare
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.published.linear import LinearFit, fit_line
from asp_analysis.probe.published.methods import probe
from asp_analysis.probe.question import COST_VECTOR, Question, pose
from asp_analysis.session import Session
from asp_analysis.wording import (
    is_known,
    write_amount,
    write_between,
    write_measure,
    write_name,
    write_noun,
    write_share,
    write_size,
    write_usd,
)

HISTORY_SQL = "SELECT * FROM task_history ORDER BY known_at, task_id, llm_model, agent_role"
FINISH = (
    "Load the costs of tasks, and how the tasks ended: `asp-analysis load FILE --as task_metadata --set "
    "status=completed`."
)
SIZES = (
    "Load sizes that are known before the work with `asp-analysis load FILE --as task_metadata --map "
    "estimated_size=COLUMN`."
)

_WORDS = {
    "cost_usd": "cost",
    "latency_ms": "time",
    "tokens_in": "input tokens",
    "tokens_out": "output tokens",
    "tool_calls": "tool calls",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with what can be said to it: the finished tasks that it is about, and how it came to be asked so.

    finished: one row per finished task of known cost. refusal: why nothing could be asked. remark: what was chosen.
    """

    question: Question
    posed: pd.DataFrame
    finished: pd.DataFrame
    refusal: str = ""
    remark: str = ""


def ask(history: pd.DataFrame, question: Question) -> Asked:
    """Return the question with its finished tasks.

    Without a size it is asked for the median of the past sizes. Where models did the same work side by side, whose sum
    is no task's cost, it is asked of the model with the most finished tasks, and the remark says so.
    """
    refusal, remark = "", ""
    try:
        posed = pose(history, question)
    except EstimationRefusal as refused:
        refusal = str(refused)
        named = history.loc[history.is_finished & history.whole_cost_usd.notna(), "llm_model"].dropna()
        model = (named if len(named) else history.llm_model.dropna()).value_counts().index
        if not len(model):
            empty = pd.DataFrame(columns=[*history.columns])
            return Asked(question=question, posed=empty, finished=empty, refusal=refusal)
        question = replace(question, model=model[0])
        posed = pose(history, question)
        posed = posed[posed.llm_model == model[0]]
        remark = (
            f"What follows is about **{write_name(model[0])}** alone, the model with the most finished tasks. "
            "Set MODEL to see another."
        )
    finished = posed[posed.is_finished].dropna(subset=["cost_usd"])
    finished = finished[finished.cost_usd > 0].reset_index(drop=True)
    sizes = finished["size"].dropna()
    if question.size is None and question.units is None and len(sizes):
        question = replace(question, size=float(sizes.median()))
    return Asked(question=question, posed=posed, finished=finished, refusal=refusal, remark=remark)


def answer(session: Session, size: float | None = None) -> Finding:
    """Say what the next task will cost, in one number with its interval, or why no number can be given."""
    history = session.sql(HISTORY_SQL)
    if history.empty:
        return lack("No task here has an execution yet, so there is nothing to estimate from.", LOAD)
    asked = ask(history, Question(size=size))
    if asked.refusal:
        models = tell_models(history, asked.question)
        return Finding(text=f"{_quote(asked.refusal)}\n\n{models.text}", draw=models.draw)
    return tell_estimate(history, asked)


def tell_estimate(history: pd.DataFrame, asked: Asked) -> Finding:
    """Say which number to use: the estimate of the model with the best record, with its intervals and its record."""
    try:
        said = estimate(history, asked.question)["cost_usd"]
    except EstimationRefusal as refused:
        return Finding(text=_quote(str(refused)), draw=_draw_past(asked.finished))
    text = f"**Use {write_usd(said.estimate)}** for the next {_name_task(said)}"
    text += f": with 70 % probability it will cost {_write_bounds(said, 0.7)}"
    text += f", with 90 % {_write_bounds(said, 0.9)}." if 0.9 in said.lower else "."
    text += f" For a budget of many such tasks, use the mean, {write_usd(said.mean)} each."
    return Finding(text=text, draw=_draw_next(asked.finished, said), reading=said.why)


def tell_distribution(history: pd.DataFrame, asked: Asked) -> Finding:
    """Say how likely the next task costs at most so much."""
    try:
        said = estimate(history, asked.question)["cost_usd"]
    except EstimationRefusal as refused:
        return lack(_quote(str(refused)), "")
    if not said.quantiles:
        return lack("The method that answers has no distribution.", "")
    double = 2 * said.estimate
    chance = said.find_chance_below(double)
    text = (
        f"With a probability of **{write_share(chance)}** the task costs at most twice the estimate, "
        f"{write_usd(double)}. A tenth of such tasks cost more than **{write_usd(said.quantiles[0.9])}**."
    )
    title = f"{write_share(chance)} of such tasks cost at most {write_usd(double)}"
    return Finding(
        text=text,
        draw=partial(charts.plot_quantiles, said.list_quantiles(), under=double, title=title),
        reading="`asp-analysis estimate --under 5` gives the probability for any amount.",
    )


def tell_history(asked: Asked) -> Finding:
    """Say how many finished tasks there are, and over which range of sizes."""
    rows = asked.finished
    if rows.empty:
        return lack("No finished task has a known cost.", FINISH)
    text = f"**{write_noun(len(rows), 'finished task')}** of known cost."
    sizes = rows["size"].dropna()
    if sizes.empty:
        text += f" No task has a size, so that the estimate cannot follow it. {SIZES}"
    else:
        text += f" Their sizes run from **{write_size(sizes.min())}** to **{write_size(sizes.max())}** units"
        text += f", with a median of {write_size(sizes.median())}."
    columns = ["task_id", "size", "actual_size", "cost_usd", "latency_ms", "planned_cost_usd"]
    return Finding(text=f"{asked.remark} {text}".strip(), table=rows[columns].tail(5).reset_index(drop=True))


def fit_history(asked: Asked) -> LinearFit | str:
    """Return the line of cost over size through the finished tasks, or the reason why there is none."""
    rows = asked.finished.dropna(subset=["size"])
    try:
        return fit_line(rows["size"], rows["cost_usd"])
    except EstimationRefusal as refused:
        return str(refused)


def tell_line(asked: Asked, levels: tuple[float, ...] = (0.70, 0.90)) -> Finding:
    """Say how much of the variation in cost the size explains, and what one unit adds."""
    fit, rows = fit_history(asked), asked.finished.dropna(subset=["size"])
    if isinstance(fit, str):
        return lack(_quote(fit), SIZES)
    text = (
        f"Each complexity unit {'adds' if fit.b1 >= 0 else 'takes away'} **{write_usd(abs(fit.b1))}**, on top of a "
        f"fixed {write_usd(fit.b0)}. Size explains **{write_share(fit.r2)}** of the variation in cost "
        f"({'PSP asks for at least half' if fit.r2 < 0.5 else 'enough for PSP, which asks for half'}); the "
        f"probability of such a slope by chance alone is {_write_probability(fit.significance)}, and a task is usually "
        f"{write_usd(fit.sigma)} off the line."
    )
    sizes = np.linspace(0, 1.05 * rows["size"].max(), 60)
    bands = {level: fit.band(sizes, level).assign(size=sizes) for level in levels}
    title = f"Size explains {write_share(fit.r2)} of the variation in cost"
    return Finding(
        text=text,
        draw=partial(charts.plot_probe, rows, bands, title=title),
        reading="The bands say where one single new task falls. A line takes the scatter to be equal for all sizes, "
        "while costs scatter by factors; where a band reaches below zero, that idea does not fit small tasks.",
    )


def tell_influence(asked: Asked) -> Finding:
    """Say which tasks decide the line: Cook's distance above 4 / n."""
    fit, rows = fit_history(asked), asked.finished.dropna(subset=["size"])
    if isinstance(fit, str):
        return lack("Without a line no task can decide it.", SIZES)
    residuals = rows[["task_id", "size"]].assign(residual_usd=fit.residuals, leverage=fit.leverage)
    residuals["cooks_distance"] = fit.cooks_distance
    most = residuals.cooks_distance.nlargest(6).index
    residuals["is_named"] = (residuals.cooks_distance > 4 / len(residuals)) & residuals.index.isin(most)
    named = int((residuals.cooks_distance > 4 / len(residuals)).sum())
    slopes = fit.leave_one_out_slopes[:, 0]
    known = slopes[np.isfinite(slopes)]
    text = f"**{write_noun(named, 'task')}** of {len(rows):,} pull at the line."
    if len(known):
        text += (
            f" Whichever one is left out, a unit costs between **{write_usd(known.min())}** and "
            f"**{write_usd(known.max())}**."
        )
    title = f"{write_noun(named, 'task')} of {len(rows):,} pull at the line"
    is_drawn = np.isfinite(residuals.cooks_distance).all()
    return Finding(text=text, draw=partial(charts.plot_residuals, residuals, title=title) if is_drawn else None)


def tell_methods(history: pd.DataFrame, asked: Asked) -> Finding:
    """Say which method published PROBE chooses, and what each of its methods says."""
    try:
        report = probe(history, asked.question)
    except EstimationRefusal as refused:
        return lack(_quote(str(refused)), "")
    methods = report.frame()
    columns = ["method", "x_name", "projection", "lower_70", "upper_70", "verdict", "reasons"]
    names = {"projection": "projection_usd", "lower_70": "lower_70_usd", "upper_70": "upper_70_usd"}
    best = report.best
    text = f"PROBE chooses method **{report.chosen}**, {write_usd(best.projection)}."
    if best.intervals:
        interval = best.intervals[0]
        text += f" Its 70 % interval reaches from {write_between(interval.lower, interval.upper)}."
    return Finding(
        text=text,
        table=methods[columns].rename(columns=names),
        draw=partial(charts.plot_methods, methods, title=f"Method {report.chosen}: {write_usd(best.projection)}"),
    )


def estimate_all(history: pd.DataFrame, asked: Asked) -> CostVector | str:
    """Return the estimates of the whole cost vector, or the reason why there are none."""
    try:
        return estimate(history, replace(asked.question, components=COST_VECTOR))
    except EstimationRefusal as refused:
        return str(refused)


def tell_vector(vector: CostVector | str) -> Finding:
    """Say what the next task will take besides money."""
    if isinstance(vector, str):
        return lack(_quote(vector), "")
    parts = [
        f"{_WORDS[name]} **{write_measure(name, one.estimate)}** ({_write_bounds(one, 0.7)})"
        for name, one in vector.estimates.items()
    ]
    text = f"The next task takes, with 70 % intervals: {'; '.join(parts)}."
    wide = [_WORDS[name] for name, one in vector.estimates.items() if one.needs_human_review]
    if wide:
        text += f" A person should look at {', '.join(wide)}: the interval is wider than half of the estimate."
    text += "".join(f"\n\n{_WORDS[name].capitalize()}: {_quote(reason)}" for name, reason in vector.refusals.items())
    frame = vector.to_frame()
    drawable = frame.dropna(subset=["lower_70", "upper_70", "lower_90", "upper_90"])
    drawable = drawable[(drawable.lower_90 > 0) & (drawable.estimate > 0)]
    title = "Each component with its intervals, as a multiple of its estimate"
    return Finding(
        text=text,
        table=frame[["component", "n", "method", "why"]],
        draw=partial(charts.plot_estimate_vector, drawable, title=title) if len(drawable) else None,
        reading="A bar from a third to three says: a third to three times the estimate. Orange bars reach beyond half "
        "of the estimate: set a limit there rather than a price." if len(drawable) else "",
    )  # fmt: skip


def tell_units(history: pd.DataFrame, asked: Asked, parts: int = 2) -> Finding:
    """Say what the same task costs as the sum of equal units."""
    size = asked.question.size
    if size is None:
        return lack("Without sizes a task cannot be estimated in units.", SIZES)
    try:
        whole = estimate(history, asked.question)["cost_usd"]
        units = estimate(history, replace(asked.question, size=None, units=(size / parts,) * parts))["cost_usd"]
    except EstimationRefusal as refused:
        return lack(_quote(str(refused)), "")
    text = (
        f"In one piece the task costs about **{write_usd(whole.estimate)}** ({_write_bounds(whole, 0.7)}), as "
        f"{parts} units of {write_size(size / parts)} each **{write_usd(units.estimate)}** "
        f"({_write_bounds(units, 0.7)}). The history knows whole tasks only: what every task costs once is counted "
        f"once "
        "per unit."
    )
    return Finding(text=text)


def tell_models(history: pd.DataFrame, question: Question) -> Finding:
    """Say which model would be the cheapest, and how sure that is; role by role where only that can be compared."""
    asked = replace(question, model=None, components=("cost_usd",), units=None)
    roles = [question.role] if question.role else [None, *history.agent_role.value_counts().index]
    reason = ""
    for role in roles[:6]:
        try:
            found = compare(history, replace(asked, role=role))
        except EstimationRefusal as refused:
            reason = reason or str(refused)
            continue
        first, frame = found.frame.iloc[int(found.frame.cheapest_probability.argmax())], found.frame
        work = f"For {write_name(role)}, " if role else ""
        text = (
            f"{work}**{write_name(first.llm_model)}** would most likely be the cheapest, at about "
            f"{write_usd(first.estimate)}: its probability to be so is **{write_share(first.cheapest_probability)}** "
            f"({write_share(first.cheapest_probability_lower)} to {write_share(first.cheapest_probability_upper)}), "
            f"from {write_noun(found.n_tasks, 'task')}."
        )
        if found.refusals:
            text += f" {write_noun(len(found.refusals), 'model')} could not be compared."
        columns = ["llm_model", "estimate", "lower_70", "upper_70", "cheapest_probability", "n"]
        names = {name: f"{name}_usd" for name in columns[1:4]} | {"cheapest_probability": "cheapest_share"}
        drawable = frame.dropna(subset=["lower_70", "upper_70", "lower_90", "upper_90"])
        title = f"{first.llm_model} would likely be the cheapest{f' for {role}' if role else ''}"
        return Finding(
            text=text,
            table=frame[columns].rename(columns=names),
            draw=partial(charts.plot_models, drawable, title=title) if len(drawable) else None,
            reading="This compares what the same work costs, not how good it is, and tasks are rarely assigned to "
            "models "
            "at random.",
        )
    return lack(f"Models cannot be compared here. {_quote(reason)}", "")


def _write_bounds(said: Estimate, level: float) -> str:
    lower, upper = said.lower[level], said.upper[level]
    if not is_known(lower) or not is_known(upper):
        return "no interval: too few tasks"
    return write_between(lower, upper, said.component)


def _name_task(said: Estimate) -> str:
    model = "" if said.llm_model == "all models" else f" with {write_name(said.llm_model)}"
    return f"task{model}" if said.size is None else f"task of {write_size(said.size)} complexity units{model}"


def _draw_next(rows: pd.DataFrame, said: Estimate) -> Any:
    if said.size is None or rows["size"].notna().sum() < 3:
        return _draw_past(rows)
    level = 0.7
    row = {"size": said.size, "projection": said.estimate, "level": level}
    point = pd.DataFrame([row | {"lower": said.lower[level], "upper": said.upper[level]}])
    title = f"What {write_noun(len(rows), 'finished task')} say of the next one"
    return partial(charts.plot_probe, rows, {}, point if point.notna().all(axis=None) else None, title=title)


def _draw_past(rows: pd.DataFrame) -> Any:
    if rows.empty:
        return None
    return partial(charts.plot_cost_distribution, rows, title=f"What {write_noun(len(rows), 'finished task')} cost")


def _quote(reason: str) -> str:
    """Return a refusal in Markdown, and the option of the command line that it names as the parameter of a notebook."""
    text = reason.replace("Name one with --model, or compare them with --compare: ", "Set MODEL to one of them: ")
    return text.replace("--role", "ROLE").replace("--model", "MODEL").replace("_", "\\_").replace("*", "\\*")


def _write_probability(value: float) -> str:
    return "below 0.001" if value < 0.001 else write_amount(value) if is_known(value) else "not defined"
