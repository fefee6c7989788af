"""The criteria of a lake: how old its build is, who has not published, and what the next build will cost."""

import pandas as pd

from asp_analysis.monitor import limits
from asp_analysis.monitor.criteria import Check, grade
from asp_analysis.monitor.lakes import LakeFacts


def check_lake(lake: LakeFacts | None, as_of: pd.Timestamp) -> list[Check]:
    """Check the build of a lake, its writers, and what the next build will cost."""
    if lake is None:
        return []
    return [_check_build(lake, as_of), _check_writers(lake, as_of), _check_next_build(lake)]


def _check_build(lake: LakeFacts, as_of: pd.Timestamp) -> Check:
    days = _days_between(lake.built_at, as_of)
    has_waiting = bool(lake.writers["waiting_files"].fillna(0).sum())
    size = f"{lake.rows:,} rows in {lake.files:,} files, {lake.size_bytes / 1e6:,.1f} MB, by {lake.engine}"
    return Check(
        check="build",
        measured=f"number {lake.build}, {days:.1f} days old",
        limit=f"{limits.BEHIND_DAYS} days behind",
        state=grade(False, has_waiting and days >= limits.BEHIND_DAYS),
        finding=f"number {lake.build}, of {lake.built_at:%Y-%m-%d %H:%M} UTC: {size}",
    )


def _check_writers(lake: LakeFacts, as_of: pd.Timestamp) -> Check:
    days = [_days_between(instant, as_of) for instant in lake.writers["published_at"]]
    quiet = [name for name, passed in zip(lake.writers["writer"], days, strict=True) if passed >= limits.QUIET_DAYS]
    said = f"all published within the last {max(days):.1f} days" if days else "nobody publishes"
    return Check(
        check="writers",
        measured=f"{len(days)}",
        limit=f"each within {limits.QUIET_DAYS} days",
        state=grade(False, bool(quiet)),
        finding=f"{len(quiet)} of {len(days)} have not published for {limits.QUIET_DAYS} days: {', '.join(quiet)}"
        if quiet
        else said,
    )


def _check_next_build(lake: LakeFacts) -> Check:
    last = "" if lake.cpu_s is None else f"; the last build took {lake.cpu_s:,.1f} CPU s"
    is_long = lake.engine != "spark" and (lake.cpu_s or 0) >= limits.BUILD_CPU_S
    if is_long:
        last += ", and a cluster may be worth it: SPARK_REMOTE"
    if lake.remark:
        measured, finding = "not known", f"{lake.remark}{last}"
    else:
        count, rows, size = (
            int(lake.writers[f"waiting_{name}"].fillna(0).sum()) for name in ("files", "rows", "bytes")
        )
        measured = f"{count:,} files"
        finding = f"{count:,} files with {rows:,} rows, {size / 1e6:,.1f} MB, wait for it{last}"
    return Check(
        check="next build",
        measured=measured,
        limit=f"{limits.BUILD_CPU_S:,.0f} CPU s",
        state=grade(False, is_long or bool(lake.remark)),
        finding=finding,
    )


def _days_between(instant: pd.Timestamp, as_of: pd.Timestamp) -> float:
    return max(0.0, (as_of - instant).total_seconds() / 86_400)
