"""Executions that a lake keeps for a time only. What was computed of the others stays: sums of days, and of tasks.

The inbox has them as long as their stores do. A task that goes on after its first executions were left out, and a mart
that is to be made whole, draw them in once more, so that a sum never lacks what came first.
"""

from dataclasses import replace
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


def keep_again(plan: TablePlan, former: LakeBuild | None, since: str | None) -> None:
    """Let periods that the former build left out, and that are kept now, be made again."""
    plan.changed.update(left_out(plan, former.kept_since if former else None) - left_out(plan, since))


def leaves_more_out(plan: TablePlan, former: LakeBuild | None, since: str | None) -> bool:
    """Return whether the former build has periods that end before a day."""
    gone = left_out(plan, since)
    table = former.tables.get(EXECUTION_ROWS) if former else None
    return table is not None and any(file.period in gone for file in table.files)


def keep(table: LakeTable, plan: TablePlan, since: str | None) -> LakeTable:
    """Return the table without the files of periods that end before a day."""
    gone = left_out(plan, since)
    return replace(table, files=tuple(file for file in table.files if file.period not in gone))
