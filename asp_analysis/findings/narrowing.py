"""Notebook 08: what a session was forecast to cost at its end after each of its calls, while it ran."""

from functools import partial

import pandas as pd

from asp_analysis import charts
from asp_analysis.errors import EstimationRefusal
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.findings.overview import LOAD, NO_EXECUTIONS
from asp_analysis.probe.unfinished import LEAST_SESSIONS, RunningForecast
from asp_analysis.running_sessions import Sessions
from asp_analysis.session import Session
from asp_analysis.wording import write_between, write_factor, write_name, write_noun, write_usd

LEAST_CALLS = 5
"""Calls of a session before it is shown as an example."""

MOST_TRIED = 20
"""Sessions that are tried, the newest first."""


def tell_narrowing(session: Session) -> Finding:
    """Show how the forecast of a session narrows: of one that runs, else of the latest that is over."""
    sessions = Sessions.read(session)
    if not sessions.names:
        return lack(NO_EXECUTIONS, LOAD)
    found = _forecast_running(sessions)
    if found is not None:
        return _tell(*found, is_over=False)
    found = _replay_latest(sessions)
    if found is not None:
        return _tell(*found, is_over=True)
    return lack(
        f"No session of {LEAST_CALLS} calls or more has {LEAST_SESSIONS} finished ones of known cost before it, which "
        "a forecast of a running session takes.",
        LOAD,
    )


def _forecast_running(sessions: Sessions) -> tuple[str, RunningForecast] | None:
    """The running session with the most calls, and what it is forecast to cost."""
    lengths = sessions.calls.groupby("task_id").size().reindex(list(sessions.running)).sort_values(ascending=False)
    past = sessions.take_past()
    for name in lengths.index:
        try:
            return str(name), past.forecast(sessions.add_up(str(name)))
        except EstimationRefusal:
            continue
    return None


def _replay_latest(sessions: Sessions) -> tuple[str, RunningForecast] | None:
    """The latest finished session, forecast from those that were over when it began."""
    groups = sessions.calls.groupby("task_id")
    known = groups["cost_usd"].count() == groups.size()
    long = groups["executed_at"].min()[known & (groups.size() >= LEAST_CALLS)]
    latest = long.drop(list(sessions.running), errors="ignore").sort_values(ascending=False, kind="stable")
    for name in latest.index[:MOST_TRIED]:
        try:
            return str(name), sessions.take_past_before(str(name)).forecast(sessions.add_up(str(name)))
        except EstimationRefusal:
            continue
    return None


def _tell(name: str, found: RunningForecast, *, is_over: bool) -> Finding:
    table = found.list_calls(calls=found.list_milestones())
    first, last = table.iloc[0], table.iloc[-1]
    spans = [write_factor(row.upper / row.lower) for row in (first, last)]
    if is_over:
        earlier = table.iloc[:-1]
        held = earlier[(earlier.lower <= last.spent) & (last.spent <= earlier.upper)]
        began = (
            f"No session runs. **{write_name(name)}**, replayed, ended after {write_noun(found.calls, 'call')} at "
            f"**{write_usd(last.spent)}**: of the {write_noun(len(earlier), 'interval')} before it in the table "
            f"{len(held):,} held that."
        )
        before = table.iloc[-2]
        spans[1] = write_factor(before.upper / before.lower)
        now = f"call {before.call:,.0f}"
    else:
        began = (
            f"**{write_name(name)}** runs: after {write_noun(found.calls, 'call')} it has spent "
            f"**{write_usd(last.spent)}**, and at its end it will have cost about **{write_usd(last.estimate)}** "
            f"(70 % interval {write_between(last.lower, last.upper)})."
        )
        now = "now"
    text = f"{began} At its first call the ends of the interval were {spans[0]} apart, {now} {spans[1]}."
    drawn = found.list_calls()
    title = f"{'It ended at' if is_over else 'It has spent'} {write_usd(last.spent)}, call by call"
    names = {column: f"{column}_usd" for column in ("spent", "estimate", "lower", "upper")}
    return Finding(
        text=text,
        table=table.rename(columns=names),
        draw=partial(charts.plot_funnel, _thin(drawn), title=title),
        reading="Finished sessions that got as far say how it ends, those that had spent as much by then most. That a "
        "session has got this far rules out most of what was likely before it began. `asp-analysis estimate --running "
        "--budget 5` says it for every session that runs.",
    )


def _thin(frame: pd.DataFrame, most: int = 300) -> pd.DataFrame:
    """Every so many rows, and the last one: a chart shows no more."""
    step = -(-len(frame) // most)
    return frame[(frame.index % step == 0) | (frame.index == frame.index[-1])]
