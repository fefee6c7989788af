"""How much there is, how fast executions come, and when that reaches a limit.

Growth is counted by the records' own instants, over the whole weeks of the last eight: a load of old files is no
growth. The rate is the mean of those weeks; how much they differ sets the interval.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.executions import EXECUTIONS
from asp_analysis.session import Session
from asp_analysis.sql import CONTRACT_TABLES

GROWTH_WEEKS = 8
LEAST_WEEKS = 3
"""Weeks that a rate takes: two say nothing about how much weeks differ."""
LEVEL = 0.9
_FARTHEST_WEEKS = 50 * 52

_PER_WEEK_SQL = Path(__file__).with_name("records_per_week.sql").read_text(encoding="utf-8")
_LOADED_SQL = Path(__file__).with_name("records_loaded.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Executions per week: the mean, the interval of that mean (at LEVEL), and how many whole weeks they come from.

    per_week, low and high are None where there are too few weeks; `refusal` says why.
    """

    weeks: int
    per_week: float | None = None
    low: float | None = None
    high: float | None = None
    refusal: str = ""

    def times(self, factor: float) -> "Growth":
        """Return the growth of something that grows with the executions."""
        if self.per_week is None or self.low is None or self.high is None:
            return self
        return Growth(weeks=self.weeks, per_week=self.per_week * factor, low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True)
class Contents:
    """tables: table, rows, first_at, last_at, rows_per_day, rows_per_week, one row per table; weeks: week_ends,
    executions, total_executions; growth: of the executions; loaded: records, loads and last_at of the load log in the
    last eight weeks."""

    tables: pd.DataFrame
    weeks: pd.DataFrame
    growth: Growth
    loaded: dict[Hashable, Any]

    @property
    def executions(self) -> int:
        """How many executions the store holds."""
        return int(self.tables.set_index("table")["rows"].to_dict()[EXECUTIONS])


def read_contents(session: Session, as_of: pd.Timestamp) -> Contents:
    """Count rows per table and week, by their own instants, as of an instant (UTC, without zone)."""
    found = session.sql(_PER_WEEK_SQL, as_of=as_of)
    tables = _sum_by_table(found)
    past = found.dropna(subset=["weeks_ago"]).astype({"weeks_ago": int}).query("weeks_ago >= 0")
    first_at = tables.set_index("table")["first_at"].to_dict()[EXECUTIONS]
    weeks = 0 if pd.isna(first_at) else max(0, min(GROWTH_WEEKS, (as_of - first_at).days // 7))
    whole = past[past["weeks_ago"] < weeks]
    executions = past[past["table"] == EXECUTIONS].set_index("weeks_ago")["rows"].rename("executions")
    counts = executions.reindex(range(weeks), fill_value=0)
    per_week = whole.groupby("table")["rows"].sum().reindex(tables["table"], fill_value=0).to_numpy() / max(weeks, 1)
    is_known = weeks >= LEAST_WEEKS
    tables["rows_per_day"] = per_week / 7 if is_known else np.nan
    tables["rows_per_week"] = per_week if is_known else np.nan
    since = as_of - pd.Timedelta(weeks=GROWTH_WEEKS)
    loaded = session.sql(_LOADED_SQL, as_of=as_of, since=since).to_dict("records")[0]
    return Contents(tables, _count_by_week(executions, as_of), _measure_growth(counts, first_at, as_of), loaded)


def _sum_by_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return one row per table, also for one without records, the largest first: table, rows, first_at, last_at."""
    sums = found.groupby("table").agg(rows=("rows", "sum"), first_at=("first_at", "min"), last_at=("last_at", "max"))
    tables = sums.reindex(pd.Index(CONTRACT_TABLES, name="table")).reset_index()
    tables["rows"] = tables["rows"].fillna(0).astype(int)
    return tables.sort_values(["rows", "table"], ascending=[False, True], ignore_index=True)


def forecast(name: str, now: float, limit: float, growth: Growth, as_of: pd.Timestamp) -> dict[str, Any]:
    """Say when `now` reaches `limit` if it goes on as in the last weeks.

    reached_on, earliest, latest (dates, empty where there is none): the date for the mean growth, and for both ends of
    its interval; forecast: the same in words.
    """
    row = {
        "limit": name,
        "now": now,
        "limit_value": limit,
        "per_week": growth.per_week,
        "reached_on": _find_date(now, limit, growth.per_week, as_of),
        "earliest": _find_date(now, limit, growth.high, as_of),
        "latest": _find_date(now, limit, growth.low, as_of),
    }
    return row | {"forecast": _describe_forecast(row, growth)}


def _describe_forecast(row: dict[str, Any], growth: Growth) -> str:
    if row["now"] >= row["limit_value"]:
        return "reached"
    if growth.per_week is None:
        return f"no forecast: {growth.refusal}"
    if growth.per_week == 0:
        return "not at present growth"
    if row["reached_on"] is None:
        return "not within 50 years at present growth"
    until = f"{row['latest']:%Y-%m-%d}" if row["latest"] is not None else "never"
    return f"{row['reached_on']:%Y-%m-%d} ({row['earliest']:%Y-%m-%d} to {until})"


def _find_date(now: float, limit: float, per_week: float | None, as_of: pd.Timestamp) -> pd.Timestamp | None:
    if per_week is None or per_week <= 0 or now >= limit:
        return None
    weeks = (limit - now) / per_week
    return (as_of + pd.Timedelta(weeks=weeks)).normalize() if weeks <= _FARTHEST_WEEKS else None


def _measure_growth(counts: pd.Series, first_at: pd.Timestamp, as_of: pd.Timestamp) -> Growth:
    """Return the growth of the executions; counts: of each whole week."""
    weeks = len(counts)
    if weeks < LEAST_WEEKS:
        days = 0 if pd.isna(first_at) else max(0, (as_of - first_at).days)
        return Growth(weeks=weeks, refusal=f"{days} days of executions, a forecast takes {LEAST_WEEKS} weeks")
    from scipy.special import stdtrit

    per_week = counts.to_numpy(dtype=float)
    half = float(stdtrit(weeks - 1, (1 + LEVEL) / 2) * per_week.std(ddof=1) / np.sqrt(weeks))
    mean = float(per_week.mean())
    return Growth(weeks=weeks, per_week=mean, low=max(0.0, mean - half), high=mean + half)


def _count_by_week(executions: pd.Series, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the executions of every week up to `as_of`, the oldest first, and their running total.

    executions: count by weeks ago.
    """
    weeks = range(int(executions.index.max()), -1, -1) if len(executions) else range(0)
    counts = executions.reindex(weeks, fill_value=0)
    ends = (as_of - pd.to_timedelta(counts.index * 7, unit="D")).astype("datetime64[us]")
    return pd.DataFrame(
        {"week_ends": ends, "executions": counts.to_numpy(), "total_executions": counts.cumsum().to_numpy()}
    )
