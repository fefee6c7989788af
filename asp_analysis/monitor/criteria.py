"""What a criterion of the storage decision says, and those about the store outside its rows."""

from dataclasses import dataclass

import pandas as pd

from asp_analysis.monitor import limits
from asp_analysis.monitor.engines import EngineFacts


@dataclass(frozen=True, kw_only=True)
class Check:
    """One criterion: what was measured, the limit, `ok`, `watch` or `alert`, what an alert asks for, and all in words.

    leads_to: repair, prepare, migrate, or nothing.
    """

    check: str
    measured: str
    limit: str
    state: str
    leads_to: str = ""
    finding: str


def grade(is_alert: bool, is_near: bool) -> str:
    """Return the state of a criterion."""
    return "alert" if is_alert else "watch" if is_near else "ok"


def check_file(engine: EngineFacts) -> list[Check]:
    """Check the size of a SQLite file, and of its write-ahead log."""
    if engine.engine != "SQLite" or engine.size_bytes is None:
        return []
    size_mb, log_mb = engine.size_bytes / 1e6, (engine.log_bytes or 0) / 1e6
    log_days = (engine.log_age_s or 0) / 86_400
    is_stale = log_mb > limits.LOG_MB or (log_mb > 0 and log_days > limits.LOG_DAYS)
    said = f"the log (-wal) holds {log_mb:.1f} MB, untouched for {log_days:.1f} days"
    remedy = "; close what reads the store, any later load folds it in" if is_stale else ""
    return [
        Check(
            check="file size",
            measured=f"{size_mb:.1f} MB",
            limit=f"{limits.SIZE_MB:.0f} MB",
            state=grade(size_mb >= limits.SIZE_MB, size_mb >= limits.EARLY_SIZE_MB),
            leads_to="prepare",
            finding=f"{size_mb:.1f} MB, the alert is at {limits.SIZE_MB:.0f} MB",
        ),
        Check(
            check="log",
            measured=f"{log_mb:.1f} MB",
            limit=f"{limits.LOG_MB:.0f} MB, {limits.LOG_DAYS:.0f} day",
            state=grade(False, is_stale),
            finding=said + remedy,
        ),
    ]


def check_soundness(engine: EngineFacts) -> list[Check]:
    """Check what an integrity check found."""
    if engine.lake is not None:
        return []  # each file was written once, and its build says what it holds
    if engine.findings is None:
        state = grade(False, bool(engine.remark))
        return [Check(check="integrity", measured="not checked", limit="sound", state=state, finding=engine.remark)]
    is_damaged, orphans = bool(engine.findings), engine.orphans or {}
    said = f"damaged: {' '.join(engine.findings[0].split())}" if is_damaged else "sound"
    remedy = "; restore a backup: asp-analysis restore FILE" if is_damaged else ""
    count = sum(orphans.values())
    tables = f" ({', '.join(f'{table} {rows}' for table, rows in orphans.items())})" if count else ""
    return [
        Check(
            check="integrity",
            measured=said.partition(":")[0],
            limit="sound",
            state=grade(is_damaged, False),
            leads_to="repair",
            finding=said + remedy,
        ),
        Check(
            check="orphans",
            measured=str(count),
            limit="0",
            state=grade(count > 0, False),
            leads_to="repair",
            finding=f"{count} rows refer to what is not there{tables}",
        ),
    ]


def check_backups(engine: EngineFacts, as_of: pd.Timestamp) -> list[Check]:
    """Check how old the newest backup is."""
    if engine.backups is None:
        return []
    limit = f"under {limits.BACKUP_DAYS} days"
    if engine.newest_backup_at is None:
        finding = "there is no backup yet: asp-analysis backup"
        return [Check(check="newest backup", measured="none", limit=limit, state="watch", finding=finding)]
    days = max(0.0, (as_of - pd.Timestamp(engine.newest_backup_at).tz_localize(None)).total_seconds() / 86_400)
    return [
        Check(
            check="newest backup",
            measured=f"{days:.1f} days",
            limit=limit,
            state=grade(False, days > limits.BACKUP_DAYS),
            finding=f"{engine.backups} backups, the newest is {days:.1f} days old",
        )
    ]
