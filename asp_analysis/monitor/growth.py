"""How many rows there are, how fast they come, and when that reaches a limit.

Growth is counted by the rows' own instants, over the whole weeks of the last eight: a load of old files is no growth.
The rate is the mean of those weeks; how much they differ gives the interval.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.session import Session

WEEKS = 8
LEAST_WEEKS = 3
"""Weeks that are needed for a rate: two say nothing about how much weeks differ."""
LEVEL = 0.9
_FARTHEST_WEEKS = 50 * 52

_INSTANTS = """
SELECT 'agent_cost_vector' AS "table", "at" FROM stg_costs
UNION ALL SELECT 'task_metadata', created_at FROM stg_tasks
UNION ALL SELECT 'defect_log', created_at FROM stg_defects
UNION ALL SELECT 'bootstrap_metrics', measured_at FROM stg_learning
"""
_TABLES = f"""
SELECT names."table", count(found."table") AS rows, min("at") AS first_at, max("at") AS last_at
FROM (SELECT unnest(['agent_cost_vector', 'task_metadata', 'defect_log', 'bootstrap_metrics']) AS "table") AS names
LEFT JOIN ({_INSTANTS}) AS found ON names."table" = found."table"
GROUP BY names."table" ORDER BY rows DESC, names."table"
"""
_WEEKS = f"""
SELECT "table", CAST(floor(epoch($as_of - "at") / 604800) AS BIGINT) AS weeks_ago, count(*) AS rows
FROM ({_INSTANTS}) WHERE "at" <= $as_of GROUP BY ALL
"""
_LOADED = """
SELECT CAST(COALESCE(sum(written), 0) AS BIGINT) AS records, count(*) AS loads, max(finished_at) AS last_at
FROM stg_loads WHERE finished_at > $since AND finished_at <= $as_of
"""


@dataclass(frozen=True)
class Growth:
    """Rows per week: the mean, the interval of that mean (at LEVEL), and how many whole weeks they come from.

    per_week is None where there are too few weeks; `refusal` says why.
    """

    weeks: int
    per_week: float | None
    low: float | None
    high: float | None
    refusal: str = ""

    def times(self, factor: float) -> "Growth":
        """Give the growth of something that grows with the rows."""
        if self.per_week is None:
            return self
        return Growth(self.weeks, self.per_week * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Contents:
    """tables: table, rows, first_at, last_at, rows_per_day, rows_per_week; weeks: week_ends, rows, total_rows;
    growth: of all rows; loaded: records, loads and last_at of the load log in the last eight weeks."""

    tables: pd.DataFrame
    weeks: pd.DataFrame
    growth: Growth
    loaded: dict

    @property
    def rows(self) -> int:
        """All rows of the four tables."""
        return int(self.tables["rows"].sum())


def read_contents(session: Session, as_of: pd.Timestamp) -> Contents:
    """Count rows per table and week, by their own instants, as of an instant (UTC, without zone)."""
    tables = session.sql(_TABLES)
    by_week = session.sql(_WEEKS, as_of=as_of)
    first_at = tables["first_at"].min()
    recent = by_week[by_week["weeks_ago"] < WEEKS]
    weeks = 0 if pd.isna(first_at) else max(0, min(WEEKS, (as_of - first_at).days // 7))
    whole = recent[recent["weeks_ago"] < weeks]
    counts = whole.groupby("weeks_ago")["rows"].sum().reindex(range(weeks), fill_value=0)
    per_week = whole.groupby("table")["rows"].sum().reindex(tables["table"], fill_value=0).to_numpy() / max(weeks, 1)
    is_known = weeks >= LEAST_WEEKS
    tables["rows_per_day"] = per_week / 7 if is_known else np.nan
    tables["rows_per_week"] = per_week if is_known else np.nan
    since = as_of - pd.Timedelta(weeks=WEEKS)
    loaded = session.sql(_LOADED, as_of=as_of, since=since).to_dict("records")[0]
    return Contents(tables, _weekly(by_week, as_of), _growth(counts.to_numpy(), first_at, as_of), loaded)


def forecast(name: str, now: float, limit: float, growth: Growth, as_of: pd.Timestamp) -> dict:
    """Say when `now` reaches `limit` if it goes on as in the last weeks.

    reached_on, earliest, latest (dates, empty where there is none): the date for the mean growth, and for both ends of
    its interval; forecast: the same in words.
    """
    at = [_reached(now, limit, rate, as_of) for rate in (growth.per_week, growth.high, growth.low)]
    row = {"limit": name, "now": now, "limit_value": limit, "per_week": growth.per_week}
    return {
        **row,
        **dict(zip(("reached_on", "earliest", "latest"), at, strict=True)),
        "forecast": _words(row, at, growth),
    }


def _words(row: dict, at: list, growth: Growth) -> str:
    reached_on, earliest, latest = at
    if row["now"] >= row["limit_value"]:
        return "reached"
    if growth.per_week is None:
        return f"no forecast: {growth.refusal}"
    if growth.per_week == 0:
        return "not at present growth"
    if reached_on is None:
        return "not within 50 years at present growth"
    until = f"{latest:%Y-%m-%d}" if latest is not None else "never"
    return f"{reached_on:%Y-%m-%d} ({earliest:%Y-%m-%d} to {until})"


def _reached(now: float, limit: float, per_week: float | None, as_of: pd.Timestamp) -> pd.Timestamp | None:
    if per_week is None or per_week <= 0 or now >= limit:
        return None
    weeks = (limit - now) / per_week
    return (as_of + pd.Timedelta(weeks=weeks)).normalize() if weeks <= _FARTHEST_WEEKS else None


def _growth(counts: np.ndarray, first_at: pd.Timestamp, as_of: pd.Timestamp) -> Growth:
    if len(counts) < LEAST_WEEKS:
        days = 0 if pd.isna(first_at) else max(0, (as_of - first_at).days)
        return Growth(len(counts), None, None, None, f"{LEAST_WEEKS} weeks of records are needed, found {days} days")
    from scipy.special import stdtrit

    half = stdtrit(len(counts) - 1, (1 + LEVEL) / 2) * counts.std(ddof=1) / np.sqrt(len(counts))
    mean = float(counts.mean())
    return Growth(len(counts), mean, max(0.0, mean - half), mean + half)


def _weekly(by_week: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Give the rows of every week up to `as_of`, the oldest first, and their running total."""
    if by_week.empty:
        return pd.DataFrame({"week_ends": pd.Series(dtype="datetime64[us]"), "rows": [], "total_rows": []})
    counts = by_week.groupby("weeks_ago")["rows"].sum()
    counts = counts.reindex(range(int(counts.index.max()), -1, -1), fill_value=0)
    ends = as_of - pd.to_timedelta(counts.index * 7, unit="D")
    return pd.DataFrame({"week_ends": ends, "rows": counts.to_numpy(), "total_rows": counts.cumsum().to_numpy()})
