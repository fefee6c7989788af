"""Series of runs: reports that say something together only, each with its time, its commit and its task.

The time is what the report says, else what `--commit-from` finds in the path (group `time`), else when the file was
changed. The commit is what `--set commit=` says, else what `--commit-from` finds, else what the report says.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.presets.preset import PresetUse
from asp_analysis.importers.tables.raw import BATCH_RECORDS, RawBatch, write_raw
from asp_analysis.importers.tables.times import TimeReader
from asp_analysis.records import read_instant


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a series asks the store: which defects of these identities it has, and the tasks of these commits."""

    defects: Callable[[list[str]], set[str]]
    tasks: Callable[[set[str]], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class SeriesRun:
    """One report: its file, its time, its commit and task where they are known, and what it holds."""

    file: str
    at: str
    commit: str | None
    task: str | None
    content: Any

    @property
    def place(self) -> tuple[str, str]:
        """What the runs of a series are ordered by."""
        return self.at, self.file


@dataclass
class Told:
    """What a series says: records, and what its user should know; counts for the load log."""

    records: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class RunReader:
    """Says when and on which commit a report was made; `notes` says what had to be guessed."""

    def __init__(self, use: PresetUse, times: TimeReader, zone: str | None) -> None:
        self._use, self._times = use, times
        self._pattern = _compiled(use.commit_from)
        self._undated: list[str] = []
        self._uncommitted: list[str] = []
        self._without_zone: list[str] = []
        self._zone = zone
        self._count = 0

    def run(self, file: SourceFile, said: dict[str, str | None], content: Any) -> SeriesRun:
        """Return the run of a report.

        said: time and commit, as the report says them.

        Raises:
            InputError: its time is none, or may be one of two.
        """
        found = self._pattern.search(file.name) if self._pattern else None
        groups = found.groupdict() if found else {}
        first = next((group for group in found.groups() if group), found[0]) if found else None
        commit = (
            self._use.inputs.get("commit") or groups.get("commit") or (None if groups else first) or said.get("commit")
        )
        self._count += 1
        if commit is None:
            self._uncommitted.append(file.name)
        at = self._instant(file, said.get("time") or groups.get("time"))
        return SeriesRun(file=file.name, at=at, commit=commit, task=self._task(file.name, groups), content=content)

    def _task(self, path: str, groups: dict[str, Any]) -> str | None:
        if groups.get("task"):
            return str(groups["task"])
        if self._use.task_from in (None, "branch", "project"):
            return None
        found = re.search(str(self._use.task_from), path)
        return next((group for group in found.groups() if group), found[0]) or None if found else None

    def _instant(self, file: SourceFile, text: str | None) -> str:
        if text is None:
            self._undated.append(file.name)
            return str(read_instant(datetime.fromtimestamp(file.modified_ns // 1_000 / 1e6, UTC)))
        dashed = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T_ ](\d\d)-(\d\d)(?:-(\d\d))?(Z?)", text)
        if dashed:
            text = f"{dashed[1]}T{dashed[2]}:{dashed[3]}:{dashed[4] or '00'}{dashed[5]}"
        if self._zone is None and _has_no_zone(text):
            self._without_zone.append(file.name)
        try:
            return str(read_instant(self._times.read(text)))
        except ValueError as error:
            raise InputError(f"The time of {file.name} cannot be read: {error}.") from None

    @property
    def notes(self) -> list[str]:
        """One sentence for each thing that had to be guessed."""
        notes = []
        if self._undated:
            notes.append(
                f"{_counted(self._undated, self._count)} no time, such as {self._undated[0]}: when the file changed "
                "is taken. If the path says it: --commit-from '(?P<time>[0-9T:-]+)_(?P<commit>[0-9a-f]+)'."
            )
        if self._without_zone:
            first = self._without_zone[0]
            notes.append(
                f"{_counted(self._without_zone, self._count)} a time without its zone, such as {first}: UTC is taken. "
                "--time-zone ZONE says where the tests ran."
            )
        if self._uncommitted and self._count > 1:
            notes.append(
                f"{_counted(self._uncommitted, self._count)} no commit, such as {self._uncommitted[0]}: what one is "
                "about is not known. --commit-from PATTERN finds it in the path, --set commit=HASH says it."
            )
        return notes


def _has_no_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def _counted(files: list[str], count: int) -> str:
    return "1 report says" if len(files) == 1 else f"{len(files):,} of {count:,} reports say"


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"--commit-from {pattern!r} is not a regular expression: {error}. Write one such as '/([0-9a-f]{{7,40}})/'."
        ) from None


def name_tasks(records: Sequence[dict[str, Any]], stored: Stored) -> None:
    """Let the records without a task have that of their commit, where its repository was loaded."""
    commits = {record["commit"] for record in records if record["task"] is None and record["commit"]}
    tasks = stored.tasks(commits) if commits else {}
    for record in records:
        record["task"] = record["task"] or tasks.get(record["commit"])


def record_batches(records: Sequence[dict[str, Any]], task_known: bool, name: str) -> Iterator[RawBatch]:
    """Yield the records of a series as raw batches; the line number of a record is its place.

    task_known: every record has a task by what the user said.

    Raises:
        InputError: the task of a record is not known.
    """
    if not task_known and any(record["task"] is None and record["commit"] is None for record in records):
        raise InputError(
            f"The defects of {name} belong to no task. Say one with --set task_id=TASK, or find the commit in the "
            "path of each report with --commit-from PATTERN."
        )
    for start in range(0, len(records), BATCH_RECORDS):
        yield _batch(records[start : start + BATCH_RECORDS], start + 1)


def _batch(records: Sequence[dict[str, Any]], first: int) -> RawBatch:
    return RawBatch(
        columns={name: [record[name] for record in records] for name in records[0]},
        line_numbers=range(first, first + len(records)),
        raw_text=lambda row: write_raw(records[row]),
    )


def in_order(runs: Iterable[SeriesRun]) -> list[SeriesRun]:
    """Return the runs by their time."""
    return sorted(runs, key=lambda run: run.place)
