"""What differs between a file and a server: one function per engine, one answer for both."""

from dataclasses import dataclass
from datetime import datetime

from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.store import file_health, list_backups


@dataclass(frozen=True)
class EngineFacts:
    """What is known of the store outside its rows; None is not measured.

    findings: what an integrity check found, empty for a sound store; orphans: rows per table that refer to what is not
    there; remark: why something was not measured.
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


def engine_facts(url: StoreUrl) -> EngineFacts:
    """Measure the file or the server of a store, whoever reads or writes it meanwhile."""
    return _sqlite(url) if url.path is not None else _postgresql(url)


def _sqlite(url: StoreUrl) -> EngineFacts:
    backups = list_backups(url)
    newest = backups[0].made_at if backups else None
    try:
        health = file_health(url.path)
    except StoreError as error:
        size_bytes = url.path.stat().st_size
        return EngineFacts(
            "SQLite", size_bytes, backups=len(backups), newest_backup_at=newest, remark=f"not checked: {error}"
        )
    return EngineFacts("SQLite", **vars(health), backups=len(backups), newest_backup_at=newest)


def _postgresql(_url: StoreUrl) -> EngineFacts:
    return EngineFacts("PostgreSQL", remark="the server's size, checks and backups are its administrator's")
