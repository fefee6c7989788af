"""Transcripts as batches for the store: first the tasks, then their calls; a record is one task or one call."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from asp_analysis.batch import Batch, Combine, Reject
from asp_analysis.importers.activity_rows import TASK_COLUMNS, activity_row, combine_activities
from asp_analysis.importers.call_rows import CALL_COLUMNS, CallRows, Pricer
from asp_analysis.importers.calls import Call, Reading, Transcript
from asp_analysis.importers.rows import BATCH_RECORDS

_NOT_A_NAME = "a text without U+0000 is needed"


class TranscriptBatches:
    """Makes batches of transcripts under one reading and one set of prices; `unpriced` counts the last one's calls."""

    def __init__(self, reading: Reading, price: Pricer) -> None:
        self._reading, self._price = reading, price
        self.unpriced = 0

    def batches(self, transcript: Transcript) -> list[Batch]:
        """Give the batches of one file; its rejects come with the first."""
        self.unpriced = 0
        rejects = list(transcript.rejects)
        tasks = self._task_batch(transcript, rejects)
        calls = list(self._call_batches(transcript, rejects))
        return [_with_rejects(tasks, rejects), *calls]

    def _task_batch(self, transcript: Transcript, rejects: list[Reject]) -> Batch:
        rows = []
        for task_id, activity in transcript.activities.items():
            try:
                rows.append(activity_row(_named(task_id), activity))
            except ValueError as error:
                rejects.append(Reject(1, (f"task {task_id!r}: {error}",), task_id))
        return _batch("task_metadata", TASK_COLUMNS, rows, range(len(rows)), [1] * len(rows), combine_activities)

    def _call_batches(self, transcript: Transcript, rejects: list[Reject]) -> Iterator[Batch]:
        maker = CallRows(self._reading, transcript.source, self._price)
        calls = list(transcript.calls.values())
        for start in range(0, len(calls), BATCH_RECORDS):
            rows, record_of_row, numbers = [], [], []
            for call in calls[start : start + BATCH_RECORDS]:
                number = transcript.line_numbers[call.call_id]
                try:
                    made = maker.rows(_checked(call))
                except ValueError as error:
                    rejects.append(Reject(number, (str(error),), f"call {call.call_id}"))
                    continue
                self.unpriced += made[0][-3] != "API_Cost"
                rows += made
                record_of_row += [len(numbers)] * len(made)
                numbers.append(number)
            yield _batch("agent_cost_vector", CALL_COLUMNS, rows, record_of_row, numbers, maker.combine)


def found_counts(transcript: Transcript, unpriced: int) -> dict[str, int]:
    """Count what the reconciliation line says about one file."""
    return {
        "lines": transcript.lines,
        "calls": len(transcript.calls),
        "duplicates": transcript.duplicates,
        "calls_without_usage": len(transcript.without_usage),
        "calls_without_price": unpriced,
        "errors": transcript.event_count("tool_errors", "api_errors"),
        "interruptions": transcript.event_count("interruptions"),
    }


def _batch(
    table: str,
    columns: tuple[str, ...],
    rows: list[Any],
    record_of_row: Sequence[int],
    numbers: list[int],
    combine: Combine,
) -> Batch:
    return Batch(table, columns, rows, record_of_row, numbers, lambda _: "", len(numbers), [], combine)


def _with_rejects(batch: Batch, rejects: list[Reject]) -> Batch:
    return replace(batch, record_count=batch.record_count + len(rejects), rejects=rejects)


def _checked(call: Call) -> Call:
    for name in (call.call_id, call.model, call.provider, call.origin.session_id, call.origin.agent):
        if name is not None:
            _named(name)
    return call


def _named(name: str) -> str:
    if not name or "\x00" in name:
        raise ValueError(f"{_NOT_A_NAME}, found {name!r}")
    name.encode()  # a lone surrogate cannot be stored
    return name
