"""The headline numbers, and cost against plan: weeks, multiples, the latest tasks."""

import math

import numpy as np
import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts, Totals
from asp_analysis.dashboard.parts import Fact, Figure, Part, Section, Table
from asp_analysis.dashboard.spending import name_period
from asp_analysis.dashboard.usage import Usage
from asp_analysis.quality import accepted_costs

MOST_WEEKS, MOST_TASKS = 16, 12
"""How many of the latest weeks and the latest tasks are shown."""


def build_headline(facts: Facts) -> list[Fact]:
    """Return the numbers at the head of the page, money first."""
    totals = facts.totals
    unknown = totals.executions - totals.with_cost
    left_out = f"of {words.count_noun(totals.with_cost, 'execution')}"
    tokens = words.short_count(totals.tokens) if totals.executions else "none yet"
    missing = "counted, in no sum" if unknown else "none missing"
    working_time = words.duration(totals.latency_ms)
    return [
        Fact("Cost known", words.usd(totals.cost_usd, "none yet"), left_out, "cost"),
        *_compare_latest(facts.usage),
        _price_accepted(facts),
        Fact("Cost unknown", words.count_noun(unknown, "execution"), missing, "unknown"),
        Fact("Executions", words.count(totals.executions), f"working time {working_time}", "executions"),
        Fact("Tokens", tokens, "in and out, as far as known", "tokens"),
        *_count_tasks(facts),
        _tell_period(totals, facts.clock),
    ]


def _compare_latest(usage: Usage | None) -> list[Fact]:
    """Return what the latest periods cost, and by how much that is more than before; nothing in a short record."""
    if usage is None or not usage.compared:
        return []
    count = usage.compared
    now, before = (usage.sum_periods(range(begin, begin + count))["cost_usd"] for begin in (0, count))
    length = name_period(usage, count)
    said = f"{words.change(now, before)} against {words.usd(before)} in the {length} before"
    if before == 0:
        said = f"nothing ran in the {length} before"
    return [Fact(f"Latest {length}", words.usd(now), said, "latest")]


def _price_accepted(facts: Facts) -> Fact:
    accepted = accepted_costs(facts.work).iloc[0]
    said = f"failed attempts included, n = {accepted['accepted']}"
    if "alternatives" in accepted["note"]:
        said = f"{len(facts.models)} models did the same tasks: see By model"
    return Fact("Per accepted task", words.usd(accepted["usd_per_accepted"], words.NOT_DEFINED), said, "accepted")


def _count_tasks(facts: Facts) -> list[Fact]:
    tasks, real = facts.tasks, facts.work.real_defects
    states = ", ".join(f"{n:,} {str(name).replace('_', ' ')}" for name, n in tasks["status"].value_counts().items())
    found = [Fact("Tasks", words.count(len(tasks)), states, "tasks")]
    if len(facts.work.defects):
        false_alarms = words.count_noun(len(facts.work.defects) - len(real), "false alarm")
        found.append(Fact("Defects", words.count(len(real)), f"and {false_alarms}", "defects"))
    return found


def _tell_period(totals: Totals, clock: str) -> Fact:
    if not totals.executions:
        return Fact("Period", "none yet", "no executions", "period")
    days = words.count_noun((totals.last_at.normalize() - totals.first_at.normalize()).days + 1, "day")
    return Fact("Period", days, f"{words.day(totals.first_at)} to {words.day(totals.last_at)} ({clock})", "period")


def build_plan_section(facts: Facts) -> Section:
    """Return the section on cost against plan."""
    question = "Do tasks cost what was planned?"
    ended = facts.ended
    both = ended[ended["estimated_cost_usd"].gt(0) & ended["final_usd"].gt(0)]
    if not len(both):
        missing = (
            f"Of {len(ended):,} ended tasks none has both a plan and a known cost. "
            "Load plans with: asp-analysis load FILE --as task_metadata --map estimated_cost_usd=COLUMN"
        )
        return Section(anchor="plan", title="Cost against plan", question=question, missing=missing)
    left_out = words.count_noun(len(ended) - len(both), "ended task")
    said = f" {left_out} without a plan or with a cost unknown left out." if len(both) < len(ended) else ""
    parts: list[Part] = [_draw_weeks(both, said), _draw_multiples(both), _list_tasks(both, facts.clock)]
    return Section(anchor="plan", title="Cost against plan", question=question, parts=parts)


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


def _list_tasks(both: pd.DataFrame, clock: str) -> Table:
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
    headers = ["Task", "What", f"Ended ({clock})", "Planned (USD)", "Spent (USD)", "Spent / planned"]
    return Table(title=f"The latest {len(rows)} tasks with a plan", headers=headers, rows=rows, names=2)
