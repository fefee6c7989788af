"""What it cost, and against what plan: headline numbers, weeks, tasks, roles and models."""

import math

import numpy as np
import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Fact, Figure, Note, Section, Table
from asp_analysis.quality import accepted_costs

WEEKS, TASKS, NAMES = 16, 12, 16
"""How many of the latest weeks, the latest tasks, and of the dearest roles and models are shown."""


def headline(facts: Facts) -> list[Fact]:
    """Give the numbers at the head of the page."""
    totals, tasks = facts.totals, facts.plans
    unknown = int(totals["executions"] - totals["with_cost"])
    state = tasks["status"].value_counts()
    accepted = accepted_costs(facts.work).iloc[0]
    left_out = f"of {words.counted(totals['with_cost'], 'execution')}"
    first, last = (pd.Timestamp(totals[name]) for name in ("first_at", "last_at"))
    days = words.counted((last.normalize() - first.normalize()).days + 1, "day") if totals["executions"] else "none yet"
    period = f"{words.day(first)} to {words.day(last)} (UTC)" if totals["executions"] else "no executions"
    real = facts.work.real_defects
    return [
        Fact("Cost known", words.usd(totals["cost_usd"], "none yet"), left_out),
        Fact("Cost unknown", words.counted(unknown, "execution"), "counted, in no sum" if unknown else "none missing"),
        Fact("Executions", words.count(totals["executions"]), f"working time {words.hours(totals['latency_ms'])}"),
        Fact(
            "Tokens",
            words.short_count(totals["tokens"]) if totals["executions"] else "none yet",
            "in and out, as far as known",
        ),
        Fact("Tasks", words.count(len(tasks)), ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in state.items())),
        Fact(
            "Per accepted task",
            words.usd(accepted["usd_per_accepted"], words.NOT_DEFINED),
            f"failed attempts included, n = {accepted['accepted']}",
        ),
        Fact("Defects", words.count(len(real)), f"and {len(facts.work.defects) - len(real)} false alarms"),
        Fact("Period", days, period),
    ]


def cost_section(facts: Facts) -> Section:
    """Give the section on cost against plan."""
    parts = [*_plan_parts(facts)]
    if len(facts.roles):
        shares = (("Cost by model", facts.models, "llm_model"), ("Cost by role", facts.roles, "agent_role"))
        parts[2:2] = [_share_figure(*share) for share in shares]
    else:
        parts += [Note("No executions yet. Load telemetry with: asp-analysis load FILE")]
    return Section("cost", "Cost against plan", "Do tasks cost what was planned, and where does the money go?", parts)


def _plan_parts(facts: Facts) -> list:
    ended = facts.ended
    both = ended[ended["planned_usd"].gt(0) & ended["cost_usd"].gt(0)]
    if not len(both):
        return [Note(f"Nothing to compare yet: of {len(ended)} ended tasks none has both a plan and a known cost.")]
    left_out = len(ended) - len(both)
    said = (
        f" {words.counted(left_out, 'ended task')} without a plan or with a cost unknown left out." if left_out else ""
    )
    return [_weeks(both, said), _total_fact(both, said), _tasks(both)]


def _weeks(both: pd.DataFrame, said: str) -> Figure:
    week = both["completed_at"].dt.to_period("W-SUN").dt.start_time
    grouped = both.groupby(week).agg(
        planned=("planned_usd", "sum"), spent=("cost_usd", "sum"), tasks=("task_id", "size")
    )
    every = pd.date_range(grouped.index.min(), grouped.index.max(), freq="7D")
    sums = grouped.reindex(every, fill_value=0).iloc[-WEEKS:]
    places = [
        svg.Column(
            f"{begin:%d %b}",
            [row.planned, row.spent],
            [f"planned {words.usd(row.planned)}", f"spent {words.usd(row.spent)}, n = {row.tasks}"],
        )
        for begin, row in zip(sums.index, sums.itertuples(), strict=True)
    ]
    scale = svg.Scale(0.0, float(sums[["planned", "spent"]].max().max()) * 1.05 or 1.0)
    axes = svg.Axes(scale, [(tick, words.usd_tick(tick)) for tick in scale.ticks()], height=190)
    title = f"Planned and spent per week in USD, last {len(sums)} weeks"
    last = sums.iloc[-1]
    desc = f"Week of {places[-1].label}: planned {words.usd(last.planned)}, spent {words.usd(last.spent)}."
    drawn = svg.columns(title, desc, places, axes, ("planned", "one"))
    reading = f"USD per week in which tasks ended, n = {int(sums['tasks'].sum())} tasks.{said}"
    return Figure("Planned and spent per week", drawn, reading, (("planned", "planned"), ("one", "spent")))


def _total_fact(both: pd.DataFrame, said: str) -> Figure:
    """Draw how far off plans were: how many tasks cost which multiple of their plan."""
    ratio = (both["cost_usd"] / both["planned_usd"]).to_numpy(dtype=float)
    edges = [0, 0.5, 0.8, 1.25, 2, 4, math.inf]
    names = ["less than half", "0.5 to 0.8 times", "0.8 to 1.25 times", "1.25 to 2 times", "2 to 4 times", "more"]
    counts = np.histogram(ratio, edges)[0]
    rows = [
        svg.Bar(name, amount / len(ratio), f"{words.counted(amount, 'task')}", "good" if at == 2 else "one")
        for at, (name, amount) in enumerate(zip(names, counts, strict=True))
    ]
    total = both["cost_usd"].sum() / both["planned_usd"].sum()
    title = "How many times its plan a task cost"
    desc = ", ".join(f"{name}: {amount}" for name, amount in zip(names, counts, strict=True))
    reading = (
        f"In sum {words.usd(both['cost_usd'].sum())} spent on {words.usd(both['planned_usd'].sum())} planned, "
        f"{total:.2f} times the plan; the median task {np.median(ratio):.2f} times (n = {len(ratio)} tasks)."
    )
    return Figure("Tasks by multiple of their plan", svg.bars(title, desc, rows), reading)


def _tasks(both: pd.DataFrame) -> Table:
    rows = [
        [
            words.short(row.task_id, 60),
            words.short(row.task_description, 60) or "no description",
            words.day(row.completed_at),
            words.usd(row.planned_usd),
            words.usd(row.cost_usd),
            f"{row.cost_usd / row.planned_usd:.2f} times",
        ]
        for row in both.iloc[::-1][:TASKS].itertuples()
    ]
    headers = ["Task", "What", "Ended (UTC)", "Planned (USD)", "Spent (USD)", "Spent / planned"]
    return Table(f"The latest {len(rows)} tasks with a plan", headers, rows, names=2)


def _share_figure(title: str, frame: pd.DataFrame, name: str) -> Figure:
    total = float(frame["cost_usd"].sum())
    most = float(frame["cost_usd"].max()) if frame["cost_usd"].notna().any() else 0.0
    shown = frame.sort_values("cost_usd", ascending=False, kind="stable")[:NAMES]
    rows = [_share_bar(row, name, total, most) for row in shown.to_dict("records")]
    desc = "; ".join(f"{row.label} {row.text}" for row in rows)
    cut = f" The {NAMES} dearest of {len(frame)}." if len(shown) < len(frame) else ""
    reading = (
        f"USD and share of the {words.usd(total)} that are known, dearest first; n = executions with a known cost.{cut}"
    )
    return Figure(title, svg.bars(title, desc, rows), reading)


def _share_bar(row: dict, name: str, total: float, most: float) -> svg.Bar:
    cost, unknown = row["cost_usd"], int(row["executions_without_cost"])
    text = words.usd(cost) + (f", {words.percent(cost / total)}" if words.is_known(cost) and total > 0 else "")
    known = f"{row['executions'] - unknown} of {row['executions']}" if unknown else row["executions"]
    share = cost / most if words.is_known(cost) and most > 0 else 0.0
    return svg.Bar(words.short(row[name], 60), share, f"{text}, n = {known}")
