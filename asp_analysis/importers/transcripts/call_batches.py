"""Transcripts as batches for the store: first the tasks, then their calls; a record is one task or one call."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from asp_analysis.batch import Batch, Combine, Reject
from asp_analysis.executions import COLUMNS, EXECUTIONS, PLACE
from asp_analysis.importers.tables.raw import BATCH_RECORDS
from asp_analysis.importers.transcripts.activity_rows import TASK_COLUMNS, activity_row, combine_activities
from asp_analysis.importers.transcripts.call_rows import CallRows, Pricer
from asp_analysis.importers.transcripts.calls import Call, Reading, Transcript

_NOT_A_NAME = "a text without U+0000 is needed"


class TranscriptRun:
    """Makes batches of the transcripts of one run, under one reading and one set of prices, and counts what they hold.

    options: all that their rows depend on besides the files, for the load log.
    """

    def __init__(self, reading: Reading, price: Pricer, options: dict[str, Any] | None = None) -> None:
        self.reading, self.options = reading, options or {}
        self.price = price
        self._unpriced: frozenset[str] = frozenset()
        self._reconciliation = Reconciliation()

    def make_batches(self, transcript: Transcript) -> list[Batch]:
        """Return the batches of one file; its rejects come with the first."""
        rejects = list(transcript.rejects)
        tasks = self._task_batch(transcript, rejects)
        unpriced: set[str] = set()
        calls = list(self._call_batches(transcript, rejects, unpriced))
        self._unpriced = frozenset(unpriced)
        return [_with_rejects(tasks, rejects), *calls]

    def count(self, transcript: Transcript) -> dict[str, Any]:
        """Count what the file whose batches were made last adds to the files before it."""
        return self._reconciliation.count(transcript, self._unpriced)

    def _task_batch(self, transcript: Transcript, rejects: list[Reject]) -> Batch:
        rows = []
        for task_id, activity in transcript.activities.items():
            try:
                rows.append(activity_row(_named(task_id), activity))
            except ValueError as error:
                rejects.append(Reject(1, (f"task {task_id!r}: {error}",), task_id))
        return _batch("task_metadata", TASK_COLUMNS, rows, [1] * len(rows), combine_activities)

    def _call_batches(self, transcript: Transcript, rejects: list[Reject], unpriced: set[str]) -> Iterator[Batch]:
        maker = CallRows(self.reading, transcript.source, self.price)
        calls = list(transcript.calls.values())
        for start in range(0, len(calls), BATCH_RECORDS):
            rows, numbers = [], []
            for call in calls[start : start + BATCH_RECORDS]:
                number = transcript.line_numbers[call.call_id]
                try:
                    row = maker.row(_checked(call))
                except ValueError as error:
                    rejects.append(Reject(number, (str(error),), f"call {call.call_id}"))
                    continue
                if row[PLACE["cost_usd"]] is None:
                    unpriced.add(call.call_id)
                rows.append(row)
                numbers.append(number)
            yield _batch(EXECUTIONS, COLUMNS, rows, numbers, maker.combine)


class Reconciliation:
    """Counts what the files of one run hold, each call and each event once over all of them."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def count(self, transcript: Transcript, unpriced: frozenset[str]) -> dict[str, Any]:
        """Count what one file adds to the files before it."""
        calls = [name for name in transcript.calls if self._see("call", name)]
        return {
            "lines": transcript.lines,
            "calls": len(calls),
            "duplicates": transcript.duplicates + len(transcript.calls) - len(calls),
            "calls_without_usage": sum(self._see("no usage", name) for name in transcript.without_usage),
            "calls_without_price": sum(name in unpriced for name in calls),
            "errors": self._events(transcript, "tool_errors", "api_errors"),
            "interruptions": self._events(transcript, "interruptions"),
            **(
                {"not_understood": dict(sorted(transcript.not_understood.items()))} if transcript.not_understood else {}
            ),
        }

    def _events(self, transcript: Transcript, *kinds: str) -> int:
        return sum(
            self._see(kind, f"{task_id} {name}")
            for task_id, activity in transcript.activities.items()
            for kind in kinds
            for name in activity.events.get(kind, ())
        )

    def _see(self, kind: str, name: str) -> bool:
        """Remember a thing; return whether it is seen for the first time."""
        mark = hash((kind, name))  # 64 bits: a million calls collide once in a million runs
        is_new = mark not in self._seen
        self._seen.add(mark)
        return is_new


def _batch(table: str, columns: tuple[str, ...], rows: list[Any], numbers: list[int], combine: Combine) -> Batch:
    return Batch(
        table=table,
        columns=columns,
        rows=rows,
        record_of_row=range(len(rows)),
        line_numbers=numbers,
        raw_text=lambda _: "",
        record_count=len(numbers),
        combine=combine,
    )


def _with_rejects(batch: Batch, rejects: list[Reject]) -> Batch:
    return replace(batch, record_count=batch.record_count + len(rejects), rejects=rejects)


def _checked(call: Call) -> Call:
    origin = call.origin
    for name in (call.call_id, origin.session_id, origin.agent):
        _named(name)
    said = (call.agent_version, call.user_id, call.machine, call.repository, origin.branch)
    for known in (call.model, call.provider, call.tool_version, origin.agent_id, origin.project_id, *said):
        if known is not None:
            _named(known)
    return call


def _named(name: str) -> str:
    if not name or "\x00" in name:
        raise ValueError(f"{_NOT_A_NAME}, found {name!r}")
    name.encode()  # a lone surrogate cannot be stored
    return name
