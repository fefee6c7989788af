"""Notebook 01: how much is in a store, and where the money goes."""

from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from asp_analysis import charts
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.session import Session
from asp_analysis.wording import (
    write_day,
    write_factor,
    write_name,
    write_noun,
    write_share,
    write_usd,
)

NO_EXECUTIONS = "No executions are recorded here."
LOAD = (
    "Load your own with `asp-analysis load FILE --as executions`, or transcripts of coding agents with "
    "`asp-analysis load --claude-code`."
)
NO_COST = "No execution here has a known cost."
PRICE = "Load costs with `--map cost_usd=COLUMN`, or list the models without a price: `asp-analysis models --unpriced`."

TOTALS_SQL = """
    SELECT
        count(*) AS executions, count(DISTINCT task_id) AS tasks, NULLIF(count(DISTINCT project_id), 0) AS projects,
        NULLIF(count(DISTINCT llm_model), 0) AS models, min(executed_at) AS first_at, max(executed_at) AS last_at,
        count(*) - count(cost_usd) AS executions_without_cost, sum(cost_usd) AS cost_usd,
        sum(latency_ms) AS latency_ms
    FROM executions
"""
WEEKS_SQL = """
    SELECT date_trunc('week', day)::DATE AS week, llm_model, sum(cost_usd) AS cost_usd
    FROM daily_costs
    GROUP BY ALL
    ORDER BY ALL
"""
NAMES_SQL = """
    WITH named AS (
        SELECT 'team' AS grouped_by, team AS name, * EXCLUDE (team) FROM staffed
        UNION ALL BY NAME SELECT 'person' AS grouped_by, person AS name, * FROM staffed
        UNION ALL BY NAME SELECT 'machine' AS grouped_by, machine AS name, * FROM staffed
        UNION ALL BY NAME SELECT 'repository' AS grouped_by, repository AS name, * FROM staffed
        UNION ALL BY NAME
        SELECT 'label ' || label AS grouped_by, json_extract_string(labels, '$."' || label || '"') AS name, * FROM (
            SELECT *, UNNEST(json_keys(CAST(labels AS JSON))) AS label FROM staffed WHERE labels IS NOT NULL
        ) WHERE label NOT IN ('team', 'cost_center')
    )

    SELECT
        grouped_by, name, count(*) AS executions, count(*) - count(cost_usd) AS executions_without_cost,
        sum(cost_usd) AS cost_usd
    FROM named
    GROUP BY grouped_by, name
    QUALIFY count(name) OVER (PARTITION BY grouped_by) > 0
    ORDER BY grouped_by, name NULLS LAST
"""


def answer(session: Session) -> Finding:
    """Say how much there is and which roles (models, where one role did it all) cost the most."""
    totals = session.sql(TOTALS_SQL)
    by_role = tell_roles(session.view("role_costs"))
    weeks = session.sql(WEEKS_SQL)
    if not totals.executions[0]:
        return lack(NO_EXECUTIONS, LOAD)
    is_shown = by_role.table is not None and len(by_role.table) > 1
    part = by_role if is_shown else tell_models(weeks)
    return Finding(text=f"{tell_totals(totals).text} {part.text}", draw=part.draw)


def tell_totals(totals: pd.DataFrame) -> Finding:
    """Say how many executions there are, from when to when, and what is known of their cost.

    totals: one row, as `TOTALS_SQL` finds it.
    """
    row = totals.iloc[0]
    if not row.executions:
        return lack(NO_EXECUTIONS, LOAD)
    text = f"The store holds **{write_noun(row.executions, 'execution')}** of **{write_noun(row.tasks, 'task')}**"
    text += f", {_write_period(row.first_at, row.last_at)}."
    if pd.isna(row.cost_usd):
        text += f" {NO_COST} {PRICE}"
    else:
        text += f" What is known of their cost adds up to **{write_usd(row.cost_usd)}**."
        if row.executions_without_cost:
            text += (
                f" For **{write_noun(row.executions_without_cost, 'execution')}** nobody recorded a cost. "
                "They do not count as free: every sum is the sum of what is known."
            )
    return Finding(text=text, table=totals)


def tell_statuses(statuses: pd.DataFrame) -> Finding:
    """Say how many tasks ended, and how.

    statuses: status, tasks; one row per status.
    """
    if statuses.empty:
        return lack(
            "No tasks are recorded here.",
            "Executions bring theirs; `asp-analysis load FILE --as task_metadata` says more.",
        )
    counts = {str(name): int(n) for name, n in zip(statuses.status.fillna("unknown"), statuses.tasks, strict=True)}
    completed, failed = counts.get("completed", 0), counts.get("failed", 0)
    text = f"**{write_noun(completed, 'task')}** completed and **{failed:,}** failed."
    rest = sum(counts.values()) - completed - failed
    text += f" {rest:,} {'is' if rest == 1 else 'are'} not recorded as ended." if rest else ""
    if not completed:
        text += (
            " Estimates learn from completed tasks: load how they ended with "
            "`asp-analysis load FILE --as task_metadata --set status=completed`."
        )
    return Finding(text=text, table=statuses)


def tell_roles(roles: pd.DataFrame) -> Finding:
    """Say which roles cost the most. roles: the view `role_costs`."""
    known = roles[roles.cost_usd > 0].sort_values("cost_usd", ascending=False)
    if known.empty:
        return lack(NO_COST if len(roles) else NO_EXECUTIONS, PRICE if len(roles) else LOAD)
    columns = ["agent_role", "kind", "tasks", "executions", "executions_without_cost", "cost_usd", "cost_share"]
    if len(known) == 1:
        text = f"All known cost is that of one role, **{write_name(known.agent_role.iloc[0])}**."
        return Finding(text=text, table=known[columns].reset_index(drop=True))
    top = known.head(3)
    parts = [f"{write_name(r.agent_role)} (**{write_share(r.cost_share)}**)" for r in top.itertuples()]
    text = f"Most of it went to {', '.join(parts[:-1])} and {parts[-1]}."
    title = f"{', '.join(top.agent_role)}: {write_share(top.cost_share.sum())} of the known cost"
    return Finding(
        text=text,
        table=known[columns].reset_index(drop=True),
        draw=partial(charts.plot_cost_by_role, known, title=title),
        reading="The roles are in the order of the phases. A long bar is where the money goes; the colour says what "
        "kind of work it is.",
    )


def tell_models(weeks: pd.DataFrame) -> Finding:
    """Say which models cost the most. weeks: week, llm_model, cost_usd, as `WEEKS_SQL` finds them."""
    costs = weeks.assign(llm_model=weeks.llm_model.fillna("(not named)")).groupby("llm_model").cost_usd.sum(min_count=1)
    known = costs[costs > 0].sort_values(ascending=False)
    if known.empty:
        return lack(NO_COST, PRICE)
    share = known / known.sum()
    table = pd.DataFrame({"llm_model": known.index, "cost_usd": known.to_numpy(), "cost_share": share.to_numpy()})
    first = f"**{write_name(known.index[0])}** took **{write_share(share.iloc[0])}** of the known cost"
    text = f"{first}." if len(known) > 1 else f"All of it went to one model, **{write_name(known.index[0])}**."
    return Finding(text=text, table=table, draw=_draw_weeks(weeks))


def tell_model_shares(weeks: pd.DataFrame) -> Finding:
    """Say the same without the chart, where `tell_weeks` has drawn it."""
    return replace(tell_models(weeks), draw=None)


def tell_weeks(weeks: pd.DataFrame) -> Finding:
    """Say which week cost the most. weeks: week, llm_model, cost_usd, as `WEEKS_SQL` finds them."""
    by_week = weeks.groupby("week").cost_usd.sum(min_count=1).dropna()
    if by_week.empty:
        return lack(NO_COST, PRICE)
    table = by_week.rename("cost_usd").reset_index().rename(columns={"week": "week_at"})
    if len(by_week) == 1:
        text = (
            f"All of it was spent in one week, that of {write_day(by_week.index[0])}: **{write_usd(by_week.iloc[0])}**."
        )
        return Finding(text=text, table=table)
    text = (
        f"The most expensive week, that of **{write_day(by_week.idxmax())}**, cost **{write_usd(by_week.max())}**; "
        f"the cheapest of {len(by_week):,} cost {write_usd(by_week.min())}."
    )
    return Finding(
        text=text,
        table=table,
        draw=_draw_weeks(weeks),
        reading="A high bar is not waste by itself: weeks differ in the number and the size of the tasks. "
        "`02-estimate-with-probe` compares cost with size.",
    )


def tell_names(names: pd.DataFrame) -> Finding:
    """Say by which names the cost can be divided; persons are listed by their names, never by their costs.

    names: grouped_by, name, executions, executions_without_cost, cost_usd, as `NAMES_SQL` finds them.
    """
    if names.empty:
        return lack(
            "No execution says whose it is.",
            "Load who is in which team with `asp-analysis load people.csv --as people`, or name persons, machines and "
            "labels with `--label`.",
        )
    counts = names.groupby("grouped_by").name.nunique()
    parts = [f"**{write_name(kind)}** ({count:,} different)" for kind, count in counts.items()]
    said = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return Finding(
        text=f"Executions name their {said}.",
        table=names.assign(name=names.name.fillna("(not assigned)")),
        reading="Each name divides the whole cost by itself; what has no name is a row of its own. The rows are in the "
        "order of the names: nobody is ranked. `asp-analysis costs --by team,month` combines names.",
    )


def tell_task_costs(costs: pd.DataFrame) -> Finding:
    """Say what a task costs. costs: cost_usd, one row per task of which every execution has a cost."""
    known = costs.cost_usd[costs.cost_usd > 0]
    if known.empty:
        return lack("No completed task has a whole cost.", PRICE)
    middle, high = known.quantile([0.5, 0.9])
    table = pd.DataFrame(
        {"measure": ["lowest", "median", "mean", "highest"],
         "cost_usd": [known.min(), middle, known.mean(), known.max()]}
    )  # fmt: skip
    if len(known) < 3:
        return Finding(
            text=f"**{write_noun(len(known), 'task')}** with a whole cost; too few to say more.", table=table
        )
    factor = known.max() / known.min()
    text = (
        f"Half of **{len(known):,}** tasks cost less than **{write_usd(middle)}**, and one in ten more than "
        f"**{write_usd(high)}**. The most expensive cost {write_factor(factor)} as much as the cheapest."
    )
    return Finding(
        text=text,
        table=table,
        draw=partial(
            charts.plot_cost_distribution, costs, title=f"Half of the tasks cost less than {write_usd(middle)}"
        ),
        reading="On this axis equal distances are equal factors, which suits costs: they scatter by factors. Quote the "
        "median for a typical task, and the mean only to add up many tasks.",
    )


def _draw_weeks(weeks: pd.DataFrame) -> Any:
    by_week = weeks.groupby("week").cost_usd.sum()
    title = f"The week of {write_day(by_week.idxmax())} cost the most, {write_usd(by_week.max())}"
    return partial(charts.plot_cost_per_week, weeks, title=title)


def _write_period(first: Any, last: Any) -> str:
    if pd.isna(first):
        return "at unknown times"
    start, end = write_day(first), write_day(last)
    return f"all on {start}" if start == end else f"from **{start}** to **{end}**"
