"""Executions that a lake keeps for a time only. What was computed of the others stays: sums of days, and of tasks.

The inbox has them as long as their stores do. A task that goes on after its first executions were left out, and a mart
that is to be made whole, draw them in once more, so that a sum never lacks what came first.
"""

from datetime import UTC, datetime, timedelta

from asp_analysis.building.plan import TablePlan
from asp_analysis.lake.builds import LakeBuild, LakeTable
from asp_analysis.lake.heads import UNDATED

EXECUTION_ROWS = "stg_executions"


def first_kept_day(keep_days: float | None) -> str | None:
    """Return the first day (UTC) whose executions are kept, None where all are."""
    return None if keep_days is None else f"{datetime.now(UTC) - timedelta(days=keep_days):%Y-%m-%d}"


def left_out(plan: TablePlan, since: str | None) -> set[str]:
    """Return the periods that end before a day."""
    if since is None:
        return set()
    last: dict[str, str] = {}
    for day, period in plan.days.items():
        last[period] = max(last.get(period, ""), day)
    return {period for period, day in last.items() if day < since and day != UNDATED}


def reconsider(plan: TablePlan, former: LakeBuild | None, since: str | None) -> bool:
    """Let periods that are kept again be made again; return whether a build must leave others out than the former."""
    before = left_out(plan, former.kept_since if former else None)
    now = left_out(plan, since)
    plan.changed.update(before - now)
    has = (
        {file.period for file in former.tables[EXECUTION_ROWS].files}
        if former and EXECUTION_ROWS in former.tables
        else set()
    )
    return bool(has & now)


def keep(table: LakeTable, plan: TablePlan, since: str | None) -> LakeTable:
    """Return the table without the files of periods that end before a day."""
    gone = left_out(plan, since)
    return LakeTable(columns=table.columns, files=tuple(file for file in table.files if file.period not in gone))
