"""The files of one writer in a lake, and the head that names them.

Files come first, then the head, in one step; files that no head names any more go last. A process that is killed
anywhere leaves the former state or the new one, and files that nobody sees until the next run removes them.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from asp_analysis import __version__
from asp_analysis.lake.heads import INBOX, LAKE_TABLES, HeadFile, WriterHead, head_path, read_head
from asp_analysis.lake.objects import Storage
from asp_analysis.publishing.day_files import DayFile
from asp_analysis.publishing.days import StoreDay

_DATA_FILE = re.compile(r"(\w+)/day=[\w-]+/[0-9a-f]{32}\.parquet")
"""A file below the folder of a writer: its table, its day and its name."""


@dataclass(kw_only=True)
class PublishedTable:
    """What a lake has of one table of a writer, and what this run did about it."""

    table: str
    rows: int = 0
    files: int = 0
    size_bytes: int = 0
    uploaded_files: int = 0
    uploaded_rows: int = 0
    uploaded_bytes: int = 0
    removed_files: int = 0

    @property
    def unchanged_files(self) -> int:
        """Files that were there already."""
        return self.files - self.uploaded_files


class WriterFiles:
    """What a writer has in a lake, and what it will have when `finish` has replaced its head."""

    def __init__(self, storage: Storage, writer: str) -> None:
        """Read the head and list the files.

        Raises:
            StoreError: the lake cannot be used, or a newer workbench wrote the head.
        """
        self._storage, self._writer, self._folder = storage, writer, f"{INBOX}/{writer}"
        self._former = read_head(storage, writer)
        self._there = {one.path: one.size_bytes for one in storage.list_below(self._folder)}
        self._named = {file.path: file for file in self._former.files} if self._former else {}
        self._by_day = {(file.table, file.day): file for file in self._named.values()}
        self._files: list[HeadFile] = []
        self._counts: defaultdict[str, PublishedTable] = defaultdict(lambda: PublishedTable(table=""))
        self._at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"

    @property
    def is_there(self) -> bool:
        """Whether the lake has anything of the writer."""
        return self._former is not None or bool(self._there)

    @property
    def foreign(self) -> list[str]:
        """Paths in the writer's folder that are neither its head nor named as its files are; they are left alone."""
        own = head_path(self._writer)
        return [path for path in self._there if path != own and self._table_of(path) is None]

    def keep(self, day: StoreDay) -> bool:
        """Take a day as it is in the lake; return False where it is not there as the store has it."""
        file = self._by_day.get((day.table, day.day))
        if file is None or file.digest != day.digest or self._there.get(file.path) != file.size_bytes:
            return False
        self._count(file)
        return True

    def add(self, day: StoreDay, file: DayFile) -> None:
        """Upload the file of a day, unless it is there already.

        Raises:
            StoreError: the lake cannot be used.
        """
        path = f"{self._folder}/{day.table}/day={day.day}/{file.name}.parquet"
        known = self._named.get(path)
        self._count(
            HeadFile(
                path=path,
                table=day.table,
                day=day.day,
                rows=file.rows,
                size_bytes=file.size_bytes,
                digest=day.digest,
                published_at=known.published_at if known else self._at,
            )
        )
        if self._there.get(path) == file.size_bytes:
            return
        self._storage.upload(path, file.file)
        counts = self._counts[day.table]
        counts.uploaded_files += 1
        counts.uploaded_rows += file.rows
        counts.uploaded_bytes += file.size_bytes

    def finish(self) -> None:
        """Replace the head, then remove the files that it does not name.

        Raises:
            StoreError: the lake cannot be used.
        """
        files = tuple(sorted(self._files, key=lambda file: (LAKE_TABLES.index(file.table), file.day)))
        head = WriterHead(writer=self._writer, published_at=self._at, product=__version__, files=files)
        self._storage.replace(head_path(self._writer), head.write())
        self._remove_others({file.path for file in files})

    def remove(self) -> None:
        """Remove the head, then all files.

        Raises:
            StoreError: the lake cannot be used.
        """
        self._storage.delete([head_path(self._writer)])
        self._remove_others(set())

    def tables(self) -> list[PublishedTable]:
        """Return the tables of which the lake has or had files, in the order of the lake."""
        return [replace(self._counts[table], table=table) for table in LAKE_TABLES if table in self._counts]

    def _count(self, file: HeadFile) -> None:
        self._files.append(file)
        counts = self._counts[file.table]
        counts.files += 1
        counts.rows += file.rows
        counts.size_bytes += file.size_bytes

    def _remove_others(self, named: set[str]) -> None:
        gone = {path: table for path in self._there if path not in named and (table := self._table_of(path))}
        self._storage.delete([*gone, *self._storage.list_unfinished(self._folder)])
        for table in gone.values():
            self._counts[table].removed_files += 1

    def _table_of(self, path: str) -> str | None:
        """Return the table that a path is a file of, None where it is none of the writer's files."""
        found = _DATA_FILE.fullmatch(str(PurePosixPath(path).relative_to(self._folder)))
        return found[1] if found and found[1] in LAKE_TABLES else None
