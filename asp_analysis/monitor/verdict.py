"""Compares what was measured with the limits and returns one verdict: stay, prepare or migrate, with its reasons."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from asp_analysis.monitor import limits
from asp_analysis.monitor.agents import AtOnce, read_agents
from asp_analysis.monitor.criteria import Check, check_backups, check_file, check_soundness, grade
from asp_analysis.monitor.engines import EngineFacts, measure_engine
from asp_analysis.monitor.growth import GROWTH_WEEKS, Contents, forecast, read_contents
from asp_analysis.monitor.lake_checks import check_lake
from asp_analysis.monitor.queries import time_queries
from asp_analysis.session import Session
from asp_analysis.time_zones import from_utc


@dataclass(frozen=True, kw_only=True)
class Status:
    """The state of one store as of one instant (UTC, without zone).

    verdict: stay, prepare or migrate. checks: the fields of `Check`. forecasts: limit, now, limit_value, per_week,
    reached_on, earliest, latest, forecast. queries: view, asked_by, limit_ms, took_ms, took, is_within.
    """

    as_of: pd.Timestamp
    verdict: str
    reasons: list[str]
    checks: pd.DataFrame
    contents: Contents
    forecasts: pd.DataFrame
    queries: pd.DataFrame
    agents: AtOnce
    engine: EngineFacts

    @property
    def use(self) -> pd.DataFrame:
        """How much of each limit that is an amount is used: criterion, used, limit, unit, share."""
        is_file = self.engine.engine == "SQLite" and self.engine.size_bytes is not None
        size_mb = (self.engine.size_bytes or 0) / 1e6 if is_file else None
        rows = [
            ("executions", self.contents.executions, limits.MOST_EXECUTIONS, "executions"),
            ("file size", size_mb, limits.SIZE_MB, "MB"),
            ("agents at once", self.agents.recent, limits.AGENTS_AT_ONCE, "agents"),
        ]
        frame = pd.DataFrame(rows, columns=["criterion", "used", "limit", "unit"])
        return frame.assign(share=frame["used"].astype(float) / frame["limit"])

    @property
    def alerts(self) -> list[str]:
        """The findings on which `--check` fails."""
        return self.checks.loc[self.checks["state"] == "alert", "finding"].tolist()


def measure(
    session: Session, as_of: datetime | None = None, engine: EngineFacts | None = None, waiting: int = 0
) -> Status:
    """Measure the session's store as of an instant (UTC, without zone; now for None).

    `waiting` counts the captured records that are not in the store yet.

    Raises:
        QueryError: a view cannot be read.
    """
    instant = pd.Timestamp(as_of or datetime.now(UTC).replace(tzinfo=None))
    engine = engine or measure_engine(session.url)
    shown = pd.Timestamp(from_utc(instant.to_pydatetime(), session.clock))
    contents = read_contents(session, shown)
    agents, queries = read_agents(session, shown, GROWTH_WEEKS), time_queries(session)
    forecasts = _forecast_limits(contents, engine, instant)
    checks = pd.DataFrame(
        [
            _check_executions(contents),
            *_check_next_step(contents, engine),
            *(_check_forecast(row, instant) for row in forecasts.to_dict("records")),
            *check_file(engine),
            *(_check_queries(queries, asked_by) for asked_by in ("PROBE", "dashboard")),
            _check_agents(agents),
            *check_soundness(engine),
            *check_backups(engine, instant),
            *check_lake(engine.lake, instant),
            *_check_waiting(waiting),
        ]
    )
    if engine.engine != "SQLite":  # only a file is asked to migrate
        where = "on a server" if engine.lake is None else "in a lake"
        checks.loc[checks["leads_to"] == "migrate", ["limit", "state"]] = [f"none {where}", "ok"]
    verdict, reasons = _decide(checks, engine)
    return Status(
        as_of=instant,
        verdict=verdict,
        reasons=reasons,
        checks=checks,
        contents=contents,
        forecasts=forecasts,
        queries=queries,
        agents=agents,
        engine=engine,
    )


def _decide(checks: pd.DataFrame, engine: EngineFacts) -> tuple[str, list[str]]:
    alerts = checks[checks["state"] == "alert"]
    repairs = alerts.loc[alerts["leads_to"] == "repair", "finding"].tolist()
    if engine.engine != "SQLite":
        where = f"on {engine.engine}" if engine.lake is None else "a lake"
        return "stay", [*repairs, f"the store is {where} already"]
    for verdict in ("migrate", "prepare"):
        if (alerts["leads_to"] == verdict).any():
            order = alerts["leads_to"].map({"repair": 0, "migrate": 1, "prepare": 2}).sort_values(kind="stable").index
            return verdict, alerts.loc[order, "finding"].tolist()
    return "stay", repairs + checks.loc[checks["leads_to"].isin(["prepare", "migrate"]), "finding"].tolist()


def _forecast_limits(contents: Contents, engine: EngineFacts, as_of: pd.Timestamp) -> pd.DataFrame:
    """Forecast both limits; the file is taken to grow by as many bytes per execution as it has now."""
    if engine.engine != "SQLite" or engine.size_bytes is None:
        return pd.DataFrame(columns=["limit", "now", "limit_value", "per_week", "reached_on", "forecast"])
    size_mb, executions = engine.size_bytes / 1e6, contents.executions
    growth = contents.growth
    found: list[dict[str, Any]] = [
        forecast("executions", executions, limits.MOST_EXECUTIONS, growth, as_of),
        forecast("size_mb", size_mb, limits.SIZE_MB, growth.times(size_mb / max(executions, 1)), as_of),
    ]
    return pd.DataFrame(found)


# --- one function per criterion ---------------------------------------------------------------------------------------


def _check_executions(contents: Contents) -> Check:
    count, limit = contents.executions, limits.MOST_EXECUTIONS
    return Check(
        check="executions",
        measured=f"{count:,}",
        limit=f"{limit:,}",
        state=grade(count > limit, count >= limits.NEAR_SHARE * limit),
        leads_to="migrate",
        finding=f"{count:,} executions, the limit is {limit:,}",
    )


def _check_next_step(contents: Contents, engine: EngineFacts) -> list[Check]:
    """Say when a server has so many executions that a lake is the better place to read them from."""
    if engine.engine != "PostgreSQL":
        return []
    count, limit = contents.executions, limits.MOST_ON_SERVER
    said = f"{count:,} executions; from {limit:,} on, a copy for reading takes a minute to make"
    return [
        Check(
            check="copy for reading",
            measured=f"{count:,} executions",
            limit=f"{limit:,}",
            state=grade(False, count >= limit),
            finding=f"{said}. Publish the store to a lake: asp-analysis publish URL" if count >= limit else said,
        )
    ]


def _check_forecast(row: dict[Hashable, Any], as_of: pd.Timestamp) -> Check:
    """An alert is a limit that the mean growth reaches soon; one that only its upper end reaches is watched."""
    horizon = as_of + pd.Timedelta(days=limits.SOON_DAYS)
    is_soon, may_be_soon = (pd.notna(row[name]) and row[name] <= horizon for name in ("reached_on", "earliest"))
    name, value = "size", f"{limits.SIZE_MB:.0f} MB"
    if row["limit"] == "executions":
        name, value = "executions", f"{limits.MOST_EXECUTIONS:,} executions"
    may_be_soon |= row["forecast"] == "reached"  # the limit's own check is the alert
    return Check(
        check=f"{name} forecast",
        measured=row["forecast"],
        limit=f"not within {limits.SOON_DAYS} days",
        state=grade(is_soon, may_be_soon),
        leads_to="prepare",
        finding=f"{value}: {row['forecast']}",
    )


def _check_queries(queries: pd.DataFrame, asked_by: str) -> Check:
    own = queries[queries["asked_by"] == asked_by]
    slowest = own.nlargest(1, "took_ms").to_dict("records")[0]
    slow = own.loc[~own["is_within"], "view"].tolist()
    limit = f"under {slowest['limit_ms']:.0f} ms"
    finding = f"every {asked_by} query takes {limit}"
    if slow:
        finding = f"{len(slow)} of {len(own)} {asked_by} queries do not stay {limit}: {', '.join(slow)}"
    return Check(
        check=f"{asked_by} queries",
        measured=slowest["took"],
        limit=limit,
        state=grade(bool(slow), False),
        leads_to="prepare",
        finding=finding,
    )


def _check_agents(agents: AtOnce) -> Check:
    limit = f"{limits.AGENTS_AT_ONCE}"
    span = f"the last {GROWTH_WEEKS} weeks"
    finding = f"at most {agents.recent} agents at once in {span}, a server is for {limit} or more"
    if agents.days_at_limit:
        finding = f"{agents.recent} agents at once, {limit} or more on {agents.days_at_limit} days of {span}"
    if left_out := agents.executions - agents.placed:
        finding += f"; {left_out:,} of {agents.executions:,} executions have no time of day or no latency"
    return Check(
        check="agents at once",
        measured=str(agents.recent),
        limit=f"fewer than {limit}",
        state=grade(agents.recent >= limits.AGENTS_AT_ONCE, agents.recent >= limits.AGENTS_AT_ONCE - 2),
        leads_to="migrate",
        finding=finding,
    )


def _check_waiting(records: int) -> list[Check]:
    if not records:
        return []
    finding = (
        f"{records:,} captured records wait next to the store: the next asp-analysis load of any file takes them, "
        "and so does the next capture.open()"
    )
    return [Check(check="records waiting", measured=f"{records:,}", limit="0", state="watch", finding=finding)]
