"""What differs between a file, a server and a lake: one function per engine, one answer for all."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.monitor.lakes import LakeFacts, measure_lake
from asp_analysis.store.backups import list_backups
from asp_analysis.store.health import file_health


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """What is known of the store outside its rows; None is not measured.

    findings: what an integrity check found, empty for a sound store; orphans: rows per table that refer to what is not
    there; remark: why something was not measured; lake: of a lake, its build and writers.
    """

    engine: str
    size_bytes: int | None = None
    log_bytes: int | None = None
    log_age_s: float | None = None
    findings: tuple[str, ...] | None = None
    orphans: dict[str, int] | None = None
    backups: int | None = None
    newest_backup_at: datetime | None = None
    remark: str = ""
    lake: LakeFacts | None = None


def measure_engine(url: StoreUrl) -> EngineFacts:
    """Measure the file, the server or the lake of a store, whoever reads or writes it meanwhile.

    Raises:
        StoreError: the lake has no build, or cannot be reached.
    """
    if url.is_lake:
        facts = measure_lake(url)
        return EngineFacts(engine="lake", size_bytes=facts.size_bytes, lake=facts, remark=facts.remark)
    return _measure_postgresql() if url.path is None else _measure_sqlite(url, url.path)


def _measure_sqlite(url: StoreUrl, path: Path) -> EngineFacts:
    backups = list_backups(url)
    newest = backups[0].made_at if backups else None
    try:
        health = file_health(path)
    except StoreError as error:
        return EngineFacts(
            engine="SQLite",
            size_bytes=path.stat().st_size,
            backups=len(backups),
            newest_backup_at=newest,
            remark=f"not checked: {error}",
        )
    return EngineFacts(
        engine="SQLite",
        size_bytes=health.size_bytes,
        log_bytes=health.log_bytes,
        log_age_s=health.log_age_s,
        findings=health.findings,
        orphans=health.orphans,
        backups=len(backups),
        newest_backup_at=newest,
    )


def _measure_postgresql() -> EngineFacts:
    return EngineFacts(engine="PostgreSQL", remark="the server's size, checks and backups are its administrator's")
