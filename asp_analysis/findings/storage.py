"""Notebook 09: whether a store may stay where it is, and until when."""

from functools import partial
from typing import Any

import pandas as pd

from asp_analysis import charts
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.findings.moments import find_newest
from asp_analysis.monitor import Status, forecast, measure
from asp_analysis.session import Session
from asp_analysis.wording import write_count, write_day, write_list, write_noun, write_share

VERDICTS = {
    "stay": "this store may stay where it is",
    "prepare": "plan the move to PostgreSQL, or to a lake",
    "migrate": "move to PostgreSQL, or publish to a lake where many machines have stores of their own",
}
TIMES_AS_FAST = (1, 10, 50, 250)


def measure_store(session: Session) -> Status:
    """Measure the store as of its newest record: loading old files is no growth."""
    return measure(session, find_newest(session) or pd.Timestamp("1970-01-01"))


def answer(session: Session) -> Finding:
    """Say the verdict, and how much of each limit is used."""
    status = measure_store(session)
    return Finding(text=tell_verdict(status).text, draw=tell_use(status).draw)


def tell_contents(status: Status) -> Finding:
    """Say how much there is, and how fast it grows."""
    growth = status.contents.growth
    text = f"The store holds **{write_noun(status.contents.executions, 'execution')}**"
    if growth.per_week is None:
        text += f". Growth cannot be said: {growth.refusal}."
    else:
        text += f"; **{growth.per_week:,.1f}** come per week."
    columns = ["table", "rows", "rows_per_day", "rows_per_week"]
    return Finding(text=text, table=status.contents.tables[columns])


def tell_verdict(status: Status) -> Finding:
    """Say the verdict, its alerts, and what to watch."""
    watched = status.checks.loc[status.checks.state == "watch", "check"]
    text = f"The verdict is **{status.verdict}**: {VERDICTS[status.verdict]}. "
    text += (
        f"{write_noun(len(status.alerts), 'alert')}: {'; '.join(status.alerts)}."
        if status.alerts
        else "There are no alerts."
    )
    if len(watched):
        text += f" {write_noun(len(watched), 'item')} to watch: {write_list(watched)}."
    if (lake := status.engine.lake) is not None:
        text += (
            f" The store is a lake, published by {write_noun(len(lake.writers), 'writer')}: build **{lake.build}** of "
            f"**{write_day(lake.built_at)}**."
        )
    return Finding(text=text, table=status.checks[["check", "measured", "limit", "state", "finding"]])


def tell_use(status: Status) -> Finding:
    """Say how much of each limit is used."""
    known = status.use.dropna(subset=["share"])
    if known.empty:
        return lack("No limit of a file applies: the store is not a file.", "")
    closest = known.iloc[int(known["share"].to_numpy().argmax())]
    text = f"**{closest.criterion.capitalize()}** come closest to their limit, at **{write_share(closest.share)}**."
    title = f"{closest.criterion.capitalize()} come closest to their limit, at {write_share(closest.share)}"
    return Finding(
        text=text,
        table=known.rename(columns={"share": "used_share"}).reset_index(drop=True),
        draw=partial(charts.plot_limit_use, known, title=title),
        reading="Agents at once are counted from when executions began and how long they took; one role on one task "
        "is one "
        "agent, however many executions it has at the same time.",
    )


def tell_forecasts(status: Status) -> Finding:
    """Say when a limit is reached if it goes on as in the last weeks."""
    if status.forecasts.empty:
        return lack("No limit of a file applies: the store is not a file.", "")
    parts = [
        f"{row['limit'].replace('size_mb', 'size of the file')}: **{row['forecast']}**"
        for row in status.forecasts.to_dict("records")
    ]
    columns = ["limit", "limit_value", "per_week", "reached_on", "earliest", "latest"]
    known = [name for name in columns if name in status.forecasts]
    return Finding(text=f"When each limit is reached: {'; '.join(parts)}.", table=status.forecasts[known])


def forecast_faster(status: Status) -> pd.DataFrame:
    """Forecast the executions with today's growth multiplied; empty where there is no growth to multiply."""
    growth = status.contents.growth
    if status.forecasts.empty or not growth.per_week:
        return pd.DataFrame(columns=["times_as_fast", "per_week", "reached_on", "earliest", "latest", "limit_value"])
    limit = status.forecasts.limit_value.iloc[0]
    now = status.contents.executions
    rows = [forecast("executions", now, limit, growth.times(factor), status.as_of) for factor in TIMES_AS_FAST]
    return pd.DataFrame(rows).assign(times_as_fast=TIMES_AS_FAST)


def tell_faster(status: Status, faster: pd.DataFrame) -> Finding:
    """Say when the limit is reached if more agents work."""
    if faster.empty:
        return lack(
            f"There is no growth to multiply: "
            f"{status.contents.growth.refusal or 'no execution came in the last weeks'}.",
            "",
        )
    last = faster.iloc[-1]
    speed = f"{write_count(last.times_as_fast)} times today's growth"
    if pd.isna(last.reached_on):
        when = (
            "is not reached within fifty years"
            if last.limit_value > status.contents.executions
            else "is reached already"
        )
    else:
        when = f"is reached on {write_day(last.reached_on)}"
    columns = ["times_as_fast", "per_week", "reached_on", "earliest", "latest"]
    row: dict[Any, Any] = last.to_dict()
    return Finding(
        text=f"At **{speed}** the limit of executions **{when}**. Run `asp-analysis status --check` daily.",
        table=faster[columns],
        draw=partial(charts.plot_growth, status.contents.weeks, row, title=f"At {speed} the limit {when}"),
        reading="The short thick line is the store so far; the rest is the forecast.",
    )


def tell_queries(status: Status) -> Finding:
    """Say whether the queries keep their limits."""
    within = int(status.queries.is_within.sum())
    text = f"**{within:,} of {len(status.queries):,}** views are read within their limit."
    columns = {"view": "view", "asked_by": "asked_by", "limit_ms": "limit_ms", "took": "took", "is_within": "within"}
    return Finding(text=text, table=status.queries[list(columns)].rename(columns=columns))
