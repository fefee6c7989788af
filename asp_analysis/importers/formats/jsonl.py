"""JSON Lines: one object a line is one record; its keys are the columns."""

import contextlib
import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic_core import from_json

from asp_analysis.batch import Reject
from asp_analysis.importers.file import SourceFile, decoded
from asp_analysis.importers.json_lines import LineError, Repeated, count_keys, find_repeated, parse_line, tell_repeated
from asp_analysis.importers.tables.raw import MOST_COLUMNS, RawBatch, chunks
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.validation import shown

_BATCH_CELLS = 2_000_000


def read_table(file: SourceFile, _options: TableOptions) -> Iterator[RawBatch]:
    """Read a file that holds one JSON object a line; blank lines are skipped."""
    with file.open_lines() as stream:
        first = 1
        for lines in chunks(stream, len):
            numbers = range(first, first := first + len(lines))
            yield from _jsonl_batches(*_without_blank(numbers, lines))


def _without_blank(numbers: Sequence[int], lines: list[bytes]) -> tuple[Sequence[int], list[bytes]]:
    if not any(map(bytes.isspace, lines)):
        return numbers, lines
    kept = [(number, line) for number, line in zip(numbers, lines, strict=True) if not line.isspace()]
    return [number for number, _ in kept], [line for _, line in kept]


def _jsonl_batches(numbers: Sequence[int], lines: list[bytes]) -> Iterator[RawBatch]:
    objects, unreadable = _parse_lines(numbers, lines)
    if unreadable:
        bad = {reject.line_number for reject in unreadable}
        lines = [line for number, line in zip(numbers, lines, strict=True) if number not in bad]
        numbers = [number for number in numbers if number not in bad]
    start = 0
    for count, columns in _by_column(objects):
        part = slice(start, start := start + count)
        yield RawBatch(
            columns=columns, line_numbers=numbers[part], raw_text=_text_of(lines[part]), unreadable=unreadable
        )
        unreadable = []


def _text_of(lines: list[bytes]) -> Callable[[int], str]:
    return lambda row: decoded(lines[row])


def _by_column(objects: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Return objects as columns with their count; in several parts where each object has keys of its own."""
    names = list(objects[0]) if objects else []
    if len(names) > 1 and set(map(len, objects)) == {len(names)}:  # most files: every object has the same keys
        with contextlib.suppress(KeyError):
            by_column = zip(*map(operator.itemgetter(*names), objects), strict=True)
            columns = dict(zip(names, map(list, by_column), strict=True))
            yield len(objects), columns
            return
    names = list(dict.fromkeys(itertools.chain.from_iterable(objects)))
    if len(objects) > 1 and len(names) * len(objects) > _BATCH_CELLS:
        half = len(objects) // 2
        yield from _by_column(objects[:half])
        yield from _by_column(objects[half:])
        return
    yield len(objects), {name: [record.get(name) for record in objects] for name in names}


def _parse_lines(numbers: Sequence[int], lines: list[bytes]) -> tuple[list[dict[str, Any]], list[Reject]]:
    """Parse all lines in one call where all are well formed, else line by line to find those that are not."""
    try:
        joined = b"[" + b",".join(lines) + b"]"
        values = from_json(joined, allow_inf_nan=False)
        if len(values) == len(lines) and _are_objects(values) and count_keys(joined) == sum(map(len, values)):
            return values, []
    except ValueError:
        pass
    objects, unreadable = [], []
    for number, line in zip(numbers, lines, strict=True):
        try:
            objects.append(_object(line))
        except LineError as error:
            unreadable.append(Reject(number, (str(error),), decoded(line)))
    return objects, unreadable


def _are_objects(values: list[Any]) -> bool:
    return set(map(type, values)) <= {dict} and max(map(len, values), default=0) <= MOST_COLUMNS


def _object(line: bytes) -> dict[str, Any]:
    value = parse_line(line)
    if not isinstance(value, dict):
        raise LineError(f"{shown(value)} is not a JSON object; write one on each line")
    if len(value) > MOST_COLUMNS:
        raise LineError(f"this object has {len(value):,} keys, at most {MOST_COLUMNS:,} are read")
    if count_keys(line) > len(value) and isinstance(found := find_repeated(line), Repeated):
        raise LineError(tell_repeated(found.key))
    return value


FORMAT = TableFormat(
    name="jsonl",
    title="JSON Lines",
    suffixes=(".jsonl", ".ndjson"),
    recognises=lambda head: head.text.startswith("{"),
    read_table=read_table,
)
