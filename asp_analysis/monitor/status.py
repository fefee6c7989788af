"""Compares what was measured with the limits and gives one verdict: stay, prepare or migrate, with its reasons."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from asp_analysis.monitor import limits
from asp_analysis.monitor.agents import AtOnce, read_agents
from asp_analysis.monitor.engines import EngineFacts, engine_facts
from asp_analysis.monitor.growth import WEEKS, Contents, forecast, read_contents
from asp_analysis.monitor.queries import time_queries
from asp_analysis.session import Session

VERDICTS = ("stay", "prepare", "migrate")


@dataclass(frozen=True)
class Status:
    """The state of one store as of one instant (UTC, without zone).

    checks: check, measured, limit, state (`ok`, `watch`: look at it, `alert`), leads_to (what an alert asks for:
    repair, prepare or migrate), finding. forecasts: limit, now, limit_value, per_week, reached_on, earliest, latest,
    forecast. queries: view, asked_by, limit_ms, took_ms, took, is_within.
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
        size_mb = None if self.engine.size_bytes is None else self.engine.size_bytes / 1e6
        rows = [
            ("rows", self.contents.rows, limits.ROWS, "rows"),
            ("file size", size_mb, limits.SIZE_MB, "MB"),
            ("agents at once", self.agents.recent, limits.AGENTS_AT_ONCE, "agents"),
        ]
        frame = pd.DataFrame(rows, columns=["criterion", "used", "limit", "unit"])
        return frame.assign(share=frame["used"].astype(float) / frame["limit"])

    @property
    def alerts(self) -> list[str]:
        """What stands: `--check` fails on any."""
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
    engine = engine or engine_facts(session.url)
    contents = read_contents(session, instant)
    agents, queries = read_agents(session, instant, WEEKS), time_queries(session)
    forecasts = _forecasts(contents, engine, instant)
    checks = pd.DataFrame(
        [
            _rows(contents),
            *(_soon(row, instant) for row in forecasts.to_dict("records")),
            *_size(engine),
            *(_queries(queries, asked_by) for asked_by in ("PROBE", "dashboard")),
            _agents(agents),
            *_soundness(engine),
            *_backups(engine, instant),
            *_waiting(waiting),
        ],
        columns=["check", "measured", "limit", "state", "leads_to", "finding"],
    )
    if engine.engine != "SQLite":  # who has migrated is no longer told to
        checks.loc[checks["leads_to"] == "migrate", ["limit", "state"]] = ["none on a server", "ok"]
    verdict, reasons = _verdict(checks, engine)
    return Status(instant, verdict, reasons, checks, contents, forecasts, queries, agents, engine)


def _verdict(checks: pd.DataFrame, engine: EngineFacts) -> tuple[str, list[str]]:
    alerts = checks[checks["state"] == "alert"]
    repairs = alerts.loc[alerts["leads_to"] == "repair", "finding"].tolist()
    if engine.engine != "SQLite":
        return "stay", [*repairs, f"the store is on {engine.engine} already"]
    for verdict in ("migrate", "prepare"):
        if (alerts["leads_to"] == verdict).any():
            order = alerts["leads_to"].map({"repair": 0, "migrate": 1, "prepare": 2}).sort_values(kind="stable").index
            return verdict, alerts.loc[order, "finding"].tolist()
    return "stay", repairs + checks.loc[checks["leads_to"].isin(["prepare", "migrate"]), "finding"].tolist()


def _state(is_alert: bool, is_near: bool) -> str:
    return "alert" if is_alert else "watch" if is_near else "ok"


def _forecasts(contents: Contents, engine: EngineFacts, as_of: pd.Timestamp) -> pd.DataFrame:
    """Forecast both limits; the file is taken to grow by as many bytes per row as it has now."""
    if engine.engine != "SQLite":
        return pd.DataFrame(columns=["limit", "now", "limit_value", "per_week", "reached_on", "forecast"])
    size_mb, rows = engine.size_bytes / 1e6, contents.rows
    growth = contents.growth
    found = [
        forecast("rows", rows, limits.ROWS, growth, as_of),
        forecast("size_mb", size_mb, limits.SIZE_MB, growth.times(size_mb / max(rows, 1)), as_of),
    ]
    return pd.DataFrame(found)


# --- one function per criterion: check, measured, limit, state, leads_to, finding -------------------------------------


def _rows(contents: Contents) -> tuple:
    rows = contents.rows
    state = _state(rows > limits.ROWS, rows >= limits.NEAR_SHARE * limits.ROWS)
    return "rows", f"{rows:,}", f"{limits.ROWS:,}", state, "migrate", f"{rows:,} rows, the limit is {limits.ROWS:,}"


def _soon(row: dict, as_of: pd.Timestamp) -> tuple:
    """An alert is a limit that the mean growth reaches soon; one that only its upper end does is to be watched."""
    horizon = as_of + pd.Timedelta(days=limits.SOON_DAYS)
    is_soon, may_be_soon = (pd.notna(row[name]) and row[name] <= horizon for name in ("reached_on", "earliest"))
    name, value = ("rows", f"{limits.ROWS:,} rows") if row["limit"] == "rows" else ("size", f"{limits.SIZE_MB:.0f} MB")
    finding = f"{value}: {row['forecast']}"
    limit = f"not within {limits.SOON_DAYS} days"
    may_be_soon |= row["forecast"] == "reached"  # the limit's own check is the alert
    return f"{name} forecast", row["forecast"], limit, _state(is_soon, may_be_soon), "prepare", finding


def _size(engine: EngineFacts) -> list[tuple]:
    if engine.engine != "SQLite":
        return []
    size_mb, log_mb = engine.size_bytes / 1e6, (engine.log_bytes or 0) / 1e6
    state = _state(size_mb >= limits.SIZE_MB, size_mb >= limits.EARLY_SIZE_MB)
    finding = f"{size_mb:.1f} MB, the alert is at {limits.SIZE_MB:.0f} MB"
    log_days = (engine.log_age_s or 0) / 86_400
    is_stale = log_mb > limits.LOG_MB or (log_mb > 0 and log_days > limits.LOG_DAYS)
    said = f"the log (-wal) holds {log_mb:.1f} MB, untouched for {log_days:.1f} days"
    remedy = "; close what reads the store, any later load folds it in" if is_stale else ""
    limit = f"{limits.LOG_MB:.0f} MB, {limits.LOG_DAYS:.0f} day"
    return [
        ("file size", f"{size_mb:.1f} MB", f"{limits.SIZE_MB:.0f} MB", state, "prepare", finding),
        ("log", f"{log_mb:.1f} MB", limit, _state(False, is_stale), "", said + remedy),
    ]


def _queries(queries: pd.DataFrame, asked_by: str) -> tuple:
    own = queries[queries["asked_by"] == asked_by]
    slowest = own.loc[own["took_ms"].idxmax()]
    slow = own.loc[~own["is_within"], "view"].tolist()
    limit = f"under {slowest['limit_ms']:.0f} ms"
    finding = f"every {asked_by} query takes {limit}"
    if slow:
        finding = f"{len(slow)} of {len(own)} {asked_by} queries do not stay {limit}: {', '.join(slow)}"
    return f"{asked_by} queries", slowest["took"], limit, _state(bool(slow), False), "prepare", finding


def _agents(agents: AtOnce) -> tuple:
    state = _state(agents.recent >= limits.AGENTS_AT_ONCE, agents.recent >= limits.AGENTS_AT_ONCE - 2)
    limit = f"{limits.AGENTS_AT_ONCE}"
    finding = f"at most {agents.recent} agents at once in the last {WEEKS} weeks, a server is for {limit} or more"
    if agents.days_at_limit:
        days = f"on {agents.days_at_limit} days of the last {WEEKS} weeks"
        finding = f"{agents.recent} agents at once, {limit} or more {days}"
    if left_out := agents.executions - agents.placed:
        finding += f"; {left_out:,} of {agents.executions:,} executions have no time of day or no latency"
    return "agents at once", str(agents.recent), f"fewer than {limit}", state, "migrate", finding


def _soundness(engine: EngineFacts) -> list[tuple]:
    if engine.findings is None:
        return [("integrity", "not checked", "sound", _state(False, bool(engine.remark)), "", engine.remark)]
    said = "sound" if not engine.findings else f"damaged: {' '.join(engine.findings[0].split())}"
    remedy = "; restore a backup: asp-analysis restore FILE" if engine.findings else ""
    orphans = sum(engine.orphans.values())
    tables = f" ({', '.join(f'{table} {count}' for table, count in engine.orphans.items())})" if orphans else ""
    missing = f"{orphans} rows refer to what is not there{tables}"
    return [
        ("integrity", said.partition(":")[0], "sound", _state(bool(engine.findings), False), "repair", said + remedy),
        ("orphans", str(orphans), "0", _state(orphans > 0, False), "repair", missing),
    ]


def _backups(engine: EngineFacts, as_of: pd.Timestamp) -> list[tuple]:
    if engine.backups is None:
        return []
    limit = f"under {limits.BACKUP_DAYS} days"
    if engine.newest_backup_at is None:
        return [("newest backup", "none", limit, "watch", "", "there is no backup yet: asp-analysis backup")]
    days = max(0.0, (as_of - pd.Timestamp(engine.newest_backup_at).tz_localize(None)).total_seconds() / 86_400)
    finding = f"{engine.backups} backups, the newest is {days:.1f} days old"
    return [("newest backup", f"{days:.1f} days", limit, _state(False, days > limits.BACKUP_DAYS), "", finding)]


def _waiting(records: int) -> list[tuple]:
    if not records:
        return []
    finding = (
        f"{records:,} captured records wait beside the store: the next asp-analysis load of any file takes them, "
        "and so does the next capture.open()"
    )
    return [("records waiting", f"{records:,}", "0", "watch", "", finding)]
