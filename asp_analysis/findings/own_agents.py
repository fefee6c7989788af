"""Notebook 08: what your own coding agents cost, by task, day, model and project, and what the next task will cost."""

from functools import partial
from typing import Any

import pandas as pd

from asp_analysis import charts
from asp_analysis.errors import EstimationRefusal
from asp_analysis.findings.finding import Finding, lack, set_height
from asp_analysis.findings.next_task import HISTORY_SQL, ask, tell_vector
from asp_analysis.findings.overview import LOAD, NO_COST, NO_EXECUTIONS, PRICE, TOTALS_SQL, tell_totals
from asp_analysis.probe.answers import CostVector
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.question import ALL_MODELS, Question
from asp_analysis.session import Session
from asp_analysis.wording import (
    write_count,
    write_day,
    write_duration,
    write_list,
    write_name,
    write_noun,
    write_share,
    write_usd,
)

MOST_EXPENSIVE = 10
EVENTS = {"errors": "failed tool calls or requests", "interruptions": "stops by a person",
          "compactions": "contexts that were summed up"}  # fmt: skip
TOKENS = ["tokens_fresh", "tokens_cache_write", "tokens_cache_read", "tokens_out"]

MODELS_SQL = """
    SELECT
        llm_model, count(*) AS executions, count(*) - count(cost_usd) AS executions_without_cost,
        CAST(coalesce(sum(tokens_in + tokens_out) FILTER (WHERE cost_usd IS NULL), 0) AS BIGINT) AS tokens_without_cost,
        sum(cost_usd) AS cost_usd
    FROM executions
    GROUP BY ALL
    ORDER BY cost_usd DESC NULLS LAST, llm_model
"""
DAYS_SQL = "SELECT day, llm_model, sum(cost_usd) AS cost_usd FROM daily_costs GROUP BY ALL ORDER BY ALL"
TASKS_SQL = "SELECT * FROM task_activity ORDER BY cost_usd DESC NULLS LAST, task_id"
PROJECTS_SQL = """
    SELECT
        project_id, count(DISTINCT task_id) AS tasks, count(*) AS executions,
        count(*) - count(cost_usd) AS executions_without_cost, sum(cost_usd) AS cost_usd
    FROM executions
    GROUP BY project_id
    ORDER BY cost_usd DESC NULLS LAST, project_id
"""
TOKENS_SQL = """
    SELECT
        llm_model, sum(tokens_fresh) AS tokens_fresh, sum(tokens_cache_write) AS tokens_cache_write,
        sum(tokens_cache_read) AS tokens_cache_read, sum(tokens_out) AS tokens_out
    FROM work
    GROUP BY ALL
    ORDER BY sum(tokens_in) DESC NULLS LAST, llm_model
"""
LATENCY_SQL = """
    SELECT
        llm_model, count(*) AS executions, count(latency_ms) AS with_latency,
        median(latency_ms) AS median_latency_ms, quantile_cont(latency_ms, 0.9) AS p90_latency_ms
    FROM executions
    GROUP BY ALL
    ORDER BY executions DESC, llm_model
"""


def answer(session: Session) -> Finding:
    """Say what the agents cost so far, and what a task costs."""
    totals = session.sql(TOTALS_SQL)
    if not totals.executions[0]:
        return lack(NO_EXECUTIONS, LOAD)
    days, tasks = tell_days(session.sql(DAYS_SQL)), tell_tasks(session.sql(TASKS_SQL))
    text = tell_totals(totals).text
    return Finding(text=f"{text} {tasks.text}" if tasks.draw else text, draw=days.draw)


def tell_models(models: pd.DataFrame) -> Finding:
    """Say which executions have no cost. models: as `MODELS_SQL` finds them."""
    if models.empty:
        return lack(NO_EXECUTIONS, LOAD)
    without = models[models.executions_without_cost > 0]
    missing = int(without.executions_without_cost.sum())
    if not missing:
        text = "Every execution has a cost."
    else:
        text = (
            f"**{write_noun(missing, 'execution')}** of {write_list(without.llm_model)} "
            f"{'has' if missing == 1 else 'have'} no cost, and every sum leaves them out. "
            "`asp-analysis models --unpriced` lists them, and `--prices FILE` on the next load gives them a price."
        )
    total = models.cost_usd.sum()
    table = models.assign(cost_share=models.cost_usd / total if total > 0 else float("nan"))
    return Finding(text=text, table=table)


def tell_days(daily: pd.DataFrame) -> Finding:
    """Say what a day costs. daily: day, llm_model, cost_usd, as `DAYS_SQL` finds them."""
    per_day = daily.groupby("day").cost_usd.sum(min_count=1).dropna() if len(daily) else pd.Series(dtype=float)
    if per_day.empty:
        return lack(NO_COST if len(daily) else NO_EXECUTIONS, PRICE if len(daily) else LOAD)
    title = f"{write_usd(per_day.sum())} on {write_noun(len(per_day), 'day')}"
    text = (
        f"**{write_usd(per_day.sum())}** on **{write_noun(len(per_day), 'day')}** with executions, "
        f"{write_usd(per_day.median())} on the middle one. The most expensive was **{write_day(per_day.idxmax())}** "
        f"with "
        f"**{write_usd(per_day.max())}**."
    )
    return Finding(
        text=text,
        draw=partial(charts.plot_cost_per_day, daily, title=f"{title}; most on {write_day(per_day.idxmax())}"),
        reading="A change of colour without a change of height is a move to another model at the same cost. Gaps "
        "are days "
        "without executions.",
    )


def tell_projects(projects: pd.DataFrame) -> Finding:
    """Say which project takes the money. projects: as `PROJECTS_SQL` finds them."""
    known = projects[projects.cost_usd > 0]
    if known.empty:
        return lack(NO_COST if len(projects) else NO_EXECUTIONS, PRICE if len(projects) else LOAD)
    if known.project_id.notna().sum() == 0:
        return lack("No execution names a project.", "Load it with `--map project_id=COLUMN`.")
    first = known.iloc[0]
    share = first.cost_usd / known.cost_usd.sum()
    text = (
        f"**{write_name(first.project_id)}** takes **{write_share(share)}** of the known cost of "
        f"{write_noun(len(known), 'project')}."
    )
    table = known.assign(cost_per_task_usd=known.cost_usd / known.tasks)
    title = f"The most expensive of {write_noun(len(known), 'project')} takes {write_share(share)} of the cost"
    return Finding(
        text=text,
        table=table.reset_index(drop=True),
        draw=partial(_plot_rows, charts.plot_cost_by_project, known, title, min(len(known), 13)),
        reading="A project is expensive because it has many tasks or because its tasks are expensive; the last column "
        "says which. A task that touched two projects counts in both.",
    )


def tell_tasks(tasks: pd.DataFrame) -> Finding:
    """Say what a task costs. tasks: the view `task_activity`."""
    whole = tasks[(tasks.executions_without_cost == 0) & (tasks.cost_usd > 0)]
    if whole.empty:
        return lack("No task has a whole cost.", PRICE if len(tasks) else LOAD)
    text = (
        f"Half of **{write_noun(len(whole), 'task')}** cost less than **{write_usd(whole.cost_usd.median())}**; the "
        f"mean, "
        f"which is the figure for a budget, is {write_usd(whole.cost_usd.mean())}."
    )
    if len(whole) == 1:
        text = f"One task has a whole cost, **{write_usd(whole.cost_usd.iloc[0])}**."
    title = f"Half of {write_noun(len(whole), 'task')} cost less than {write_usd(whole.cost_usd.median())}"
    return Finding(text=text, draw=partial(charts.plot_cost_distribution, whole, title=title))


def tell_expensive(tasks: pd.DataFrame, top: int = MOST_EXPENSIVE) -> Finding:
    """Say which tasks cost the most, with what may explain it. tasks: the view `task_activity`, by falling cost."""
    head = tasks[tasks.cost_usd > 0].head(top)
    if head.empty:
        return lack(NO_COST if len(tasks) else NO_EXECUTIONS, PRICE if len(tasks) else LOAD)
    share = head.cost_usd.sum() / tasks.cost_usd.sum()
    names = f"The {len(head)} most expensive of {write_noun(len(tasks), 'task')} take"
    text = f"{names} **{write_share(share)}** of the known cost."
    if len(head) == 1:
        text = "One task has a known cost."
    counts = ["executions", "models", "tool_calls", "tokens_cache_read", "tokens_out", "errors"]
    columns = ["task_id", "project_id", *counts, "cost_usd"]
    return Finding(
        text=text,
        table=head[columns].reset_index(drop=True),
        draw=partial(
            _plot_rows, charts.plot_most_expensive_tasks, head, f"{names} {write_share(share)} of the cost", len(head)
        ),
        reading="A long session reads its whole context again with every call, so its cost grows faster than its "
        "length.",
    )


def tell_tokens(tokens: pd.DataFrame) -> Finding:
    """Say which tokens are paid for. tokens: as `TOKENS_SQL` finds them."""
    known = tokens.assign(**{name: tokens[name].astype(float).fillna(0) for name in TOKENS})
    inputs = known[TOKENS[:3]].sum().sum()
    if not inputs:
        return lack(
            "No execution has its input tokens by kind.",
            "Load `tokens_in`, `tokens_cache_read` and `tokens_cache_write`.",
        )
    cached = known.tokens_cache_read.sum() / inputs
    text = f"**{write_share(cached)}** of {write_count(inputs)} input tokens were read from a cache."
    total = known[TOKENS[:3]].sum(axis=1)
    table = known.assign(cached_share=(known.tokens_cache_read / total.where(total > 0)))
    return Finding(
        text=text,
        table=table,
        draw=partial(_plot_rows, charts.plot_tokens_by_kind, known,
                     f"{write_share(cached)} of all input was read from a cache", min(len(tokens), 9)),
        reading="Agents send their context again with each call, so a high share is usual and good. A low one pays "
        "the full price for the same text: short sessions, long pauses (caches expire) or a provider without a cache.",
    )  # fmt: skip


def tell_trouble(tasks: pd.DataFrame) -> Finding:
    """Say where it went wrong, as far as the source records it. tasks: the view `task_activity`."""
    recorded = {name: words for name, words in EVENTS.items() if tasks[name].notna().any()}
    if not recorded:
        return lack(
            "No errors, interruptions or compactions are recorded.",
            "Transcripts of coding agents have them: `asp-analysis load --claude-code`.",
        )
    rows = []
    for name, words in recorded.items():
        seen = tasks[tasks[name].notna()]
        hit = seen[seen[name] > 0]
        rows.append(
            {"event": words, "tasks_recorded": len(seen), "total": int(seen[name].sum()), "tasks_with_any": len(hit),
             "per_100_executions": 100 * float(seen[name].sum()) / max(int(seen.executions.sum()), 1),
             "cost_of_those_tasks_usd": hit.cost_usd.sum(min_count=1)}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    parts = [
        f"**{write_count(row.total)}** {row.event} in {write_noun(row.tasks_with_any, 'task')}"
        for row in table.itertuples()
    ]
    return Finding(
        text=f"{'; '.join(parts)}.",
        table=table,
        reading="Errors are normal work for an agent (a test that fails is one), so compare projects or weeks "
        "rather than "
        "reading the number by itself. The cost is that of the whole tasks, not of what was thrown away.",
    )


def tell_latency(latency: pd.DataFrame) -> Finding:
    """Say how long an execution takes. latency: as `LATENCY_SQL` finds it."""
    known = latency[latency.with_latency > 0]
    if known.empty:
        return lack(
            "No execution has a latency.",
            "Transcripts often lack it; traces (OpenTelemetry) and `--map latency_ms=COLUMN` have it.",
        )
    first = known.iloc[0]
    text = (
        f"An execution of {write_name(first.llm_model)} takes **{write_duration(first.median_latency_ms)}** in the "
        f"median, "
        f"and one in ten more than **{write_duration(first.p90_latency_ms)}**."
    )
    return Finding(text=text, table=latency)


def tell_active(tasks: pd.DataFrame) -> Finding:
    """Say what an hour of work costs. tasks: the view `task_activity`."""
    timed = tasks.dropna(subset=["active_ms", "cost_usd"])
    hours = timed.active_ms.sum() / 3_600_000
    if not hours:
        return lack(
            "No task has a working time.", "Transcripts of coding agents have it: `asp-analysis load --claude-code`."
        )
    text = (
        f"The agents worked **{write_duration(timed.active_ms.sum())}** on {write_noun(len(timed), 'task')}, at "
        f"**{write_usd(timed.cost_usd.sum() / hours)}** per hour: compare it with the hour of a person who waits "
        f"for it."
    )
    return Finding(text=text)


def estimate_next(session: Session, size: float | None = None) -> CostVector | str:
    """Estimate the next task, whichever models work on it, or say why that cannot be done."""
    history = session.sql(HISTORY_SQL)
    asked = ask(history, Question(size=size))
    if asked.refusal:
        return asked.refusal.replace(
            "Name one with --model, or compare them with --compare: ", "Set MODEL to one of them: "
        )
    question = Question(size=size, components=("cost_usd", "tokens_out", "tool_calls"))
    try:
        return estimate(history.assign(llm_model=ALL_MODELS), question)
    except EstimationRefusal as refused:
        return str(refused)


def tell_next(vector: CostVector | str) -> Finding:
    """Say what the next task will cost."""
    return tell_vector(vector)


def _plot_rows(plot: Any, frame: pd.DataFrame, title: str, rows: int) -> Any:
    return set_height(plot(frame, title=title), 1.6 + 0.32 * rows)
