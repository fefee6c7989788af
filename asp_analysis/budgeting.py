"""Budgets and where they will end: the store's budgets, joined with the spend of their parts and forecast.

Spend is what `costs` says (`cost_groups`), by day; a budget is answered as of the end of a day. What is known of open
tasks moves the forecast of a project and of the whole store as far as it did so in the past.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asp_analysis.cost_groups import group_costs, move_to_zone
from asp_analysis.errors import EstimationRefusal
from asp_analysis.periods import Period, find_period
from asp_analysis.session.scope import Scope
from asp_analysis.spending.daily import DailySpend
from asp_analysis.spending.open_work import OpenWork, measure_open_work
from asp_analysis.spending.period_forecast import Limit, PeriodForecast, forecast_period
from asp_analysis.time_zones import check_time_zone, from_utc, to_utc

if TYPE_CHECKING:
    from asp_analysis.session import Session

MOST_HISTORY_DAYS = 730
"""Days of history that a forecast looks at."""

GAP_DAYS = 56
"""After so many days without spend the history begins again: what comes back is seldom what paused."""

_OPEN_SQL = """
SELECT
    created_at,
    COALESCE(completed_at, CASE WHEN outcome <> 'open' THEN known_at END) AS closed_at,
    CAST(estimated_cost_usd AS DOUBLE) AS planned_usd,
    CAST(estimated_tokens AS DOUBLE) AS planned_tokens,
    CAST(estimated_size AS DOUBLE) AS size
FROM tasks
WHERE NOT is_stub AND ($project IS NULL OR project_id = $project)
"""
_RUNNING_SQL = """
SELECT count(*) AS n
FROM tasks
WHERE
    outcome = 'open' AND last_at >= CAST($since AS TIMESTAMP) AND last_at < CAST($before AS TIMESTAMP)
    AND ($project IS NULL OR project_id = $project)
"""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A budget of the store: budget_id names it; dimension and member are None for the whole store."""

    budget_id: str
    dimension: str | None
    member: str | None
    period: str
    unit: str
    amount: float

    @property
    def part(self) -> str:
        """The part in words: team core, or the whole store."""
        return "the whole store" if self.dimension is None else f"{self.dimension} {self.member}"


@dataclass(frozen=True, kw_only=True)
class Movers:
    """What moves a forecast. open_tasks and their usual number, running sessions: None where tasks of the part are
    unknown. open_by: what the open tasks count by: "estimate" (their own, in the unit of the budget), "size", or
    "number" where too few tasks have either. open_estimate: the sum of the estimates of those that are open, None where
    one is unknown. left_per_day: what may be spent on each day that is left; None after the last one or where all is
    spent."""

    open_tasks: int | None
    usual_open_tasks: float | None
    open_by: str | None
    open_estimate: float | None
    running_sessions: int | None
    left_per_day: float | None


@dataclass(frozen=True, kw_only=True)
class BudgetAnswer:
    """One budget as of the end of a day: what was spent of it, and its forecast, or why there is none.

    spend: by day, None without any execution. unknown: executions of the period whose cost is unknown, left out.
    """

    budget: Budget
    as_of: date
    span: Period
    spent: float
    unknown: int
    spend: DailySpend | None
    movers: Movers
    forecast: PeriodForecast | None
    refusal: str


def read_budgets(session: Session) -> list[Budget]:
    """Return the budgets that the store has, by their names."""
    return [
        Budget(
            budget_id=row["budget_id"],
            dimension=row["dimension"] if isinstance(row["dimension"], str) else None,
            member=row["member"] if isinstance(row["member"], str) else None,
            period=row["period"],
            unit=row["unit"],
            amount=row["amount"],
        )
        for row in session.view("stg_budgets").to_dict("records")
    ]


def find_newest_day(session: Session, zone: str | None = None) -> date | None:
    """Return the day of the newest execution, in a time zone; None where there is none."""
    newest = session.sql("SELECT max(executed_at) AS at FROM executions")["at"][0]
    if pd.isna(newest):
        return None
    instant = pd.Timestamp(newest).to_pydatetime()
    return (instant if zone is None else from_utc(instant, zone)).date()


def answer_budgets(
    session: Session, budgets: list[Budget], as_of: date | None = None, zone: str | None = None
) -> list[BudgetAnswer]:
    """Answer budgets as of the end of a day (of a time zone; UTC for None), that of the newest execution for None.

    Raises:
        InputError: a name cannot be grouped by, or the time zone is none.
        StoreError: the store cannot be read.
    """
    if zone is not None:
        check_time_zone(zone)
    day = as_of or find_newest_day(session, zone)
    if day is None:
        return []
    read: dict[str | None, pd.DataFrame] = {}
    for one in budgets:
        if one.dimension not in read:
            read[one.dimension] = _read_days(session, one.dimension, day, zone)
    return [_answer(session, one, _Days(read[one.dimension], day, zone)) for one in budgets]


def list_answers(answers: list[BudgetAnswer]) -> pd.DataFrame:
    """Return answers as a frame, one row a budget; amounts are in the unit of the budget, unknown is empty."""
    counts = ("executions_without_cost", "checked", "held_70", "open_tasks", "running_sessions")
    return pd.DataFrame([_list_one(one) for one in answers]).astype(dict.fromkeys(counts, "Int64") if answers else {})


# --- the spend of a part ---


@dataclass(frozen=True)
class _Days:
    """Sums by part and day until a day of a time zone."""

    frame: pd.DataFrame
    as_of: date
    zone: str | None

    def find_midnight(self, day: date) -> datetime:
        """Return the instant (UTC) at which a day begins."""
        local = datetime.combine(day, datetime.min.time())
        return local if self.zone is None else to_utc(local, self.zone)


def _read_days(session: Session, dimension: str | None, day: date, zone: str | None) -> pd.DataFrame:
    scope = Scope.read(until=day.isoformat())
    scope = scope if zone is None else move_to_zone(scope, zone)
    return group_costs(session, ("day",) if dimension is None else (dimension, "day"), scope, zone)


def _answer(session: Session, budget: Budget, days: _Days) -> BudgetAnswer:
    span = find_period(budget.period, days.as_of)
    rows = days.frame if budget.dimension is None else days.frame[days.frame[budget.dimension] == budget.member]
    rows = rows.assign(day=pd.to_datetime(rows["day"]).dt.date)
    amounts = rows["cost_usd"] if budget.unit == "USD" else rows["tokens_in"].add(rows["tokens_out"], fill_value=0)
    rows = rows.assign(amount=amounts.astype(float).fillna(0.0))
    now = rows[rows["day"] >= span.first]
    spent = float(now["amount"].sum())
    spend, work = _make_series(session, budget, rows, days) if len(rows) else (None, None)
    forecast, refusal = None, ""
    try:
        if spend is None:
            raise EstimationRefusal(
                f"The store has no execution of {budget.part} until {days.as_of}. "
                f"List what there is with: asp-analysis costs --by '{budget.dimension or 'month'}'"
            )
        forecast = forecast_period(spend, Limit(budget.period, budget.amount))
    except EstimationRefusal as error:
        refusal = str(error)
    return BudgetAnswer(
        budget=budget,
        as_of=days.as_of,
        span=span,
        spent=spent,
        unknown=int(now["executions_without_cost"].sum()) if budget.unit == "USD" else 0,
        spend=spend,
        movers=_find_movers(session, days, budget, spent, work),
        forecast=forecast,
        refusal=refusal,
    )


def _make_series(
    session: Session, budget: Budget, rows: pd.DataFrame, days: _Days
) -> tuple[DailySpend, OpenWork | None]:
    first = max(_find_beginning(rows), days.as_of - timedelta(days=MOST_HISTORY_DAYS - 1))
    count = (days.as_of - first).days + 1
    amounts = np.zeros(count)
    for day, amount in zip(rows["day"], rows["amount"], strict=True):
        if day >= first:
            amounts[(day - first).days] += amount
    work = _find_open_work(session, budget, first, days)
    return DailySpend(first, amounts, None if work is None else work.work), work


def _find_beginning(rows: pd.DataFrame) -> date:
    """Return the first day with an execution after the last long gap between two of them."""
    known = sorted(set(rows["day"]))
    gaps = (later for earlier, later in pairwise(known) if (later - earlier).days > GAP_DAYS)
    return max(gaps, default=known[0])


def _find_open_work(session: Session, budget: Budget, first: date, days: _Days) -> OpenWork | None:
    """Return the open tasks of a part; None where no task of the part ever was closed."""
    if budget.dimension not in (None, "project"):
        return None
    tasks = session.sql(_OPEN_SQL, project=budget.member).dropna(subset=["created_at"])
    if tasks["closed_at"].notna().sum() == 0:
        return None
    count = (days.as_of - first).days + 1
    midnights = np.array([days.find_midnight(first + timedelta(days=k)) for k in range(count + 1)], "datetime64[us]")
    return measure_open_work(tasks, midnights, "planned_usd" if budget.unit == "USD" else "planned_tokens")


def _find_movers(session: Session, days: _Days, budget: Budget, spent: float, work: OpenWork | None) -> Movers:
    left = (find_period(budget.period, days.as_of).last - days.as_of).days
    running = None
    if budget.dimension in (None, "project"):
        end = days.find_midnight(days.as_of + timedelta(days=1))
        values = {"since": end - timedelta(days=1), "before": end, "project": budget.member}
        running = int(session.sql(_RUNNING_SQL, **values)["n"][0])
    return Movers(
        open_tasks=None if work is None else round(work.count[-1]),
        usual_open_tasks=None if work is None else float(work.count.mean()),
        open_by=None if work is None else work.by,
        open_estimate=None if work is None else work.estimate,
        running_sessions=running,
        left_per_day=(budget.amount - spent) / left if left and spent < budget.amount else None,
    )


def _list_one(one: BudgetAnswer) -> dict[str, object]:
    row: dict[str, object] = {
        **asdict(one.budget),
        "from_day": one.span.first.isoformat(),
        "until_day": one.span.last.isoformat(),
        "as_of": one.as_of.isoformat(),
        "spent": one.spent,
        "executions_without_cost": one.unknown,
    }
    found = one.forecast
    names = ("estimate", "lower_70", "upper_70", "lower_90", "upper_90", "chance_over", "crossing_day", "rate_per_day")
    row |= dict.fromkeys((*names, "run_rate", "last_period", "seasonal_naive", "checked", "held_70"))
    if found is not None:
        row |= {"estimate": found.estimate, "chance_over": found.chance_over, "rate_per_day": found.rate}
        for level in found.lower:
            row |= {f"lower_{100 * level:g}": found.lower[level], f"upper_{100 * level:g}": found.upper[level]}
        row |= {"crossing_day": None if found.crossing is None else found.crossing.isoformat(), **found.rules}
        row |= {"checked": found.checked, "held_70": found.held_70}
    return {**row, **asdict(one.movers), "refusal": one.refusal}
