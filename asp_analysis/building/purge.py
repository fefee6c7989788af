"""Removes what no build names any more, after a time in which readers that began with it may go on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asp_analysis.building.marts import MARTS
from asp_analysis.building.on_spark import SPARK_FOLDER
from asp_analysis.building.tables import TABLES
from asp_analysis.lake.builds import LakeBuild
from asp_analysis.lake.heads import HEAD, INBOX, read_heads
from asp_analysis.lake.objects import Storage, StoredObject

_UNNAMED_DAYS = 7
"""For so long a published file may wait for the head that names it."""

_OF_SPARK = ("_SUCCESS", ".crc")
"""What Spark leaves next to the files of a mart."""


@dataclass(frozen=True, kw_only=True)
class Purged:
    """What was removed, and what is in the lake that nobody of the workbench wrote (`foreign`, left as it is)."""

    files: int
    size_bytes: int
    foreign: tuple[str, ...]


def purge(storage: Storage, present: LakeBuild, days: float) -> Purged:
    """Remove files of former builds that are older than so many days, and what interrupted writers left.

    What is in the inbox without a head's name may be of a writer that is at work: it stays for a week, whatever `days`
    is. What was forgotten is not among it, because a writer itself removes what its new head does not name.
    """
    found = [one for room in (TABLES, MARTS, INBOX) for one in storage.list_below(room)]
    named = {file.path for table in (*present.tables.values(), *present.marts.values()) for file in table.files}
    named |= {file.path for head in read_heads(storage) for file in head.files}
    found = [one for one in found if one.path not in named]
    foreign = sorted(one.path for one in found if not _is_ours(one.path))
    old = [one for one in found if _is_removable(one) and one.written_at <= _removable_before(one, days)]
    storage.delete(one.path for one in old)
    return Purged(files=len(old), size_bytes=sum(one.size_bytes for one in old), foreign=tuple(foreign))


def _removable_before(one: StoredObject, days: float) -> datetime:
    is_of_writer = one.path.startswith(f"{INBOX}/")
    return datetime.now(UTC) - timedelta(days=max(days, _UNNAMED_DAYS) if is_of_writer else days)


def _is_removable(one: StoredObject) -> bool:
    return one.path.endswith((".parquet", *_OF_SPARK)) and _is_ours(one.path)


def _is_ours(path: str) -> bool:
    """Return whether a path has the form of one that the workbench or Delta writes."""
    room, *rest = path.split("/")
    if room == TABLES:
        return len(rest) > 1 and (rest[1] == "_delta_log" or (len(rest) == 2 and rest[1].endswith(".parquet")))
    if room == MARTS:
        is_of_spark = len(rest) > 2 and rest[1].startswith(SPARK_FOLDER)
        return rest[0].isdigit() and (is_of_spark or (len(rest) == 3 and rest[2].endswith(".parquet")))
    is_published = len(rest) == 4 and rest[2].startswith("day=") and rest[3].endswith(".parquet")
    return is_published or (len(rest) == 2 and rest[1] == HEAD)
