"""What a build must make again: the periods of each table whose files are others than those of the former build."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from asp_analysis.lake.builds import LakeBuild
from asp_analysis.lake.heads import LAKE_TABLES, UNDATED, HeadFile, WriterHead

DAY_ROWS = 5_000
"""A day of so many rows is a period of its own; days of fewer share the file of their month."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A published file with the place of its values among others of the same key: the highest rank counts."""

    path: str
    writer: str
    day: str
    rank: int


@dataclass(frozen=True, kw_only=True)
class TablePlan:
    """One table: its periods, which of them to make again, and which are no longer there.

    sources: period -> its files. digests: period -> what they are. days: day -> its period. changed: to make again.
    gone: of the former build, without rows now. links: pairs of days that share keys.
    """

    table: str
    sources: dict[str, list[Source]]
    digests: dict[str, str]
    days: dict[str, str]
    changed: set[str]
    gone: set[str]
    links: set[tuple[str, str]] = field(default_factory=set)

    @property
    def is_touched(self) -> bool:
        """Whether anything of the table changes."""
        return bool(self.changed or self.gone)

    @property
    def has_several_writers(self) -> bool:
        """Whether keys may repeat: within one store they do not."""
        return len({source.writer for sources in self.sources.values() for source in sources}) > 1


def plan_tables(heads: Iterable[WriterHead], former: LakeBuild | None) -> list[TablePlan]:
    """Compare what is published with what the former build was made of."""
    files: dict[str, list[tuple[str, HeadFile]]] = defaultdict(list)
    for head in heads:
        for file in head.files:
            files[file.table].append((head.writer, file))
    return [_plan_table(table, files[table], former) for table in LAKE_TABLES]


def _plan_table(table: str, files: list[tuple[str, HeadFile]], former: LakeBuild | None) -> TablePlan:
    days = _assign_periods(file for _, file in files)
    ordered = sorted(files, key=lambda pair: (pair[1].published_at, pair[0], pair[1].path))
    sources: dict[str, list[Source]] = defaultdict(list)
    for rank, (writer, file) in enumerate(ordered, start=1):
        sources[days[file.day]].append(Source(path=file.path, writer=writer, day=file.day, rank=rank))
    digests = {period: _digest(ones) for period, ones in sources.items()}
    before = _former_digests(table, former)
    links = set(former.links.get(table, ())) if former else set()
    changed = {period for period, digest in digests.items() if before.get(period) != digest}
    gone = set(before) - set(digests)
    moved = {day for day, period in days.items() if period in changed}
    moved |= {day for pair in links for day in pair if _former_period(day, before) in gone | changed}
    return TablePlan(
        table=table,
        sources=dict(sources),
        digests=digests,
        days=days,
        changed=changed | {days[day] for day in linked_days(moved, links) if day in days},
        gone=gone,
        links=links,
    )


def linked_days(days: set[str], links: set[tuple[str, str]]) -> set[str]:
    """Return days and all that are linked with them, directly or by others."""
    neighbours: Mapping[str, set[str]] = defaultdict(set)
    for first, second in links:
        neighbours[first].add(second)
        neighbours[second].add(first)
    reached, waiting = set(days), list(days)
    while waiting:
        for day in neighbours[waiting.pop()] - reached:
            reached.add(day)
            waiting.append(day)
    return reached


def month_of(day: str) -> str:
    """Return the month of a day or of a period."""
    return day[:7] if day != UNDATED else UNDATED


def _assign_periods(files: Iterable[HeadFile]) -> dict[str, str]:
    rows: Counter[str] = Counter()
    for file in files:
        rows[file.day] += file.rows
    return {day: day if day == UNDATED or count >= DAY_ROWS else month_of(day) for day, count in rows.items()}


def _digest(sources: list[Source]) -> str:
    text = "\n".join(f"{source.writer} {source.path}" for source in sources)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _former_digests(table: str, former: LakeBuild | None) -> dict[str, str]:
    if former is None:
        return {}
    parts = ((*name.split(" "), digest) for name, digest in former.sources.items())
    return {period: digest for of, period, digest in parts if of == table}


def _former_period(day: str, periods: Mapping[str, str]) -> str:
    return day if day in periods else month_of(day)
