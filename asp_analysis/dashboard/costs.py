"""What it cost, and against what plan: headline numbers, weeks, tasks, roles and models."""

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Fact, Figure, Note, Part, Section, Table
from asp_analysis.quality import accepted_costs

MOST_WEEKS, MOST_TASKS, MOST_NAMES = 16, 12, 16
"""How many of the latest weeks, the latest tasks, and of the dearest roles and models are shown."""


def build_headline(facts: Facts) -> list[Fact]:
    """Give the numbers at the head of the page."""
    totals, tasks = facts.totals, facts.tasks
    unknown = totals.executions - totals.with_cost
    states = ", ".join(f"{n} {str(name).replace('_', ' ')}" for name, n in tasks["status"].value_counts().items())
    accepted = accepted_costs(facts.work).iloc[0]
    left_out = f"of {words.count_noun(totals.with_cost, 'execution')}"
    days, period = "none yet", "no executions"
    if totals.executions:
        days = words.count_noun((totals.last_at.normalize() - totals.first_at.normalize()).days + 1, "day")
        period = f"{words.day(totals.first_at)} to {words.day(totals.last_at)} (UTC)"
    real = facts.work.real_defects
    return [
        Fact("Cost known", words.usd(totals.cost_usd, "none yet"), left_out),
        Fact(
            "Cost unknown", words.count_noun(unknown, "execution"), "counted, in no sum" if unknown else "none missing"
        ),
        Fact("Executions", words.count(totals.executions), f"working time {words.hours(totals.latency_ms)}"),
        Fact(
            "Tokens",
            words.short_count(totals.tokens) if totals.executions else "none yet",
            "in and out, as far as known",
        ),
        Fact("Tasks", words.count(len(tasks)), states),
        Fact(
            "Per accepted task",
            words.usd(accepted["usd_per_accepted"], words.NOT_DEFINED),
            f"failed attempts included, n = {accepted['accepted']}",
        ),
        Fact("Defects", words.count(len(real)), f"and {len(facts.work.defects) - len(real)} false alarms"),
        Fact("Period", days, period),
    ]


def build_cost_section(facts: Facts) -> Section:
    """Give the section on cost against plan."""
    parts = _compare_with_plan(facts)
    if len(facts.roles):
        by_model = _draw_shares("Cost by model", facts.models, "llm_model")
        parts[2:2] = [by_model, _draw_shares("Cost by role", facts.roles, "agent_role")]
    else:
        parts += [Note("No executions yet. Load telemetry with: asp-analysis load FILE")]
    return Section("cost", "Cost against plan", "Do tasks cost what was planned, and where does the money go?", parts)


def _compare_with_plan(facts: Facts) -> list[Part]:
    ended = facts.ended
    both = ended[ended["estimated_cost_usd"].gt(0) & ended["final_usd"].gt(0)]
    if not len(both):
        return [Note(f"Nothing to compare yet: of {len(ended)} ended tasks none has both a plan and a known cost.")]
    left_out = len(ended) - len(both)
    said = (
        f" {words.count_noun(left_out, 'ended task')} without a plan or with a cost unknown left out."
        if left_out
        else ""
    )
    return [_draw_weeks(both, said), _draw_multiples(both), _list_tasks(both)]


def _draw_weeks(both: pd.DataFrame, said: str) -> Figure:
    week = both["completed_at"].dt.to_period("W-SUN").dt.start_time
    grouped = both.groupby(week).agg(
        planned=("estimated_cost_usd", "sum"), spent=("final_usd", "sum"), tasks=("task_id", "size")
    )
    every = pd.date_range(grouped.index.min(), grouped.index.max(), freq="7D")
    sums = grouped.reindex(every, fill_value=0).iloc[-MOST_WEEKS:]
    places = [
        svg.Column(
            f"{begin:%d %b}",
            [row["planned"], row["spent"]],
            [f"planned {words.usd(row['planned'])}", f"spent {words.usd(row['spent'])}, n = {row['tasks']}"],
        )
        for begin, row in zip(sums.index, sums.to_dict("records"), strict=True)
    ]
    scale = svg.Scale(0.0, float(sums[["planned", "spent"]].max().max()) * 1.05 or 1.0)
    axes = svg.Axes(scale=scale, ticks=[(tick, words.usd_tick(tick)) for tick in scale.choose_ticks()], height=190)
    title = f"Planned and spent per week in USD, last {len(sums)} weeks"
    last = sums.iloc[-1]
    desc = f"Week of {places[-1].label}: planned {words.usd(last['planned'])}, spent {words.usd(last['spent'])}."
    drawn = svg.draw_columns(title, desc, places, axes, ("planned", "one"))
    reading = f"USD per week in which tasks ended, n = {int(sums['tasks'].sum())} tasks.{said}"
    keys = (("planned", "planned"), ("one", "spent"))
    return Figure(title="Planned and spent per week", drawn=drawn, words=reading, keys=keys)


def _draw_multiples(both: pd.DataFrame) -> Figure:
    """Draw how far off plans were: how many tasks cost which multiple of their plan."""
    planned, spent = both["estimated_cost_usd"], both["final_usd"]
    ratio = (spent / planned).to_numpy(dtype=float)
    edges = [0, 0.5, 0.8, 1.25, 2, 4, math.inf]
    names = ["less than half", "0.5 to 0.8 times", "0.8 to 1.25 times", "1.25 to 2 times", "2 to 4 times", "more"]
    counts = np.histogram(ratio, edges)[0].tolist()
    rows = [
        svg.Bar(
            label=name,
            share=amount / len(ratio),
            text=words.count_noun(amount, "task"),
            class_="good" if place == 2 else "one",
        )
        for place, (name, amount) in enumerate(zip(names, counts, strict=True))
    ]
    title = "How many times its plan a task cost"
    desc = ", ".join(f"{name}: {amount}" for name, amount in zip(names, counts, strict=True))
    reading = (
        f"In sum {words.usd(spent.sum())} spent on {words.usd(planned.sum())} planned, "
        f"{spent.sum() / planned.sum():.2f} times the plan; "
        f"the median task {np.median(ratio):.2f} times (n = {len(ratio)} tasks)."
    )
    return Figure(title="Tasks by multiple of their plan", drawn=svg.draw_bars(title, desc, rows), words=reading)


def _list_tasks(both: pd.DataFrame) -> Table:
    rows = [
        [
            words.shorten(row["task_id"], 60),
            words.shorten(row["task_description"], 60) or "no description",
            words.day(row["completed_at"]),
            words.usd(row["estimated_cost_usd"]),
            words.usd(row["final_usd"]),
            f"{row['final_usd'] / row['estimated_cost_usd']:.2f} times",
        ]
        for row in both.iloc[::-1][:MOST_TASKS].to_dict("records")
    ]
    headers = ["Task", "What", "Ended (UTC)", "Planned (USD)", "Spent (USD)", "Spent / planned"]
    return Table(title=f"The latest {len(rows)} tasks with a plan", headers=headers, rows=rows, names=2)


def _draw_shares(title: str, frame: pd.DataFrame, name: str) -> Figure:
    total = float(frame["cost_usd"].sum())
    most = float(frame["cost_usd"].max()) if frame["cost_usd"].notna().any() else 0.0
    largest = frame.sort_values("cost_usd", ascending=False, kind="stable")[:MOST_NAMES]
    rows = [_build_bar(row, name, total, most) for row in largest.to_dict("records")]
    desc = "; ".join(f"{row.label} {row.text}" for row in rows)
    cut = f" The {MOST_NAMES} dearest of {len(frame)}." if len(largest) < len(frame) else ""
    reading = (
        f"USD and share of the {words.usd(total)} that are known, dearest first; n = executions with a known cost.{cut}"
    )
    return Figure(title=title, drawn=svg.draw_bars(title, desc, rows), words=reading)


def _build_bar(row: dict[Hashable, Any], name: str, total: float, most: float) -> svg.Bar:
    cost, unknown = row["cost_usd"], int(row["executions_without_cost"])
    text = words.usd(cost) + (f", {words.percent(cost / total)}" if words.is_known(cost) and total > 0 else "")
    known = f"{row['executions'] - unknown} of {row['executions']}" if unknown else row["executions"]
    share = cost / most if words.is_known(cost) and most > 0 else 0.0
    return svg.Bar(label=words.shorten(row[name], 60), share=share, text=f"{text}, n = {known}")
