"""Files that hold one JSON document, a list of them, or one on each line: traces, exports, trajectories."""

import itertools
from collections.abc import Iterator
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.file import LARGEST_DOCUMENT, CutLine, SourceFile, whole_document
from asp_analysis.importers.json_lines import Line, LineError, parse_object, parse_recorded
from asp_analysis.importers.json_text import read_json
from asp_analysis.importers.transcripts.calls import Transcript
from asp_analysis.importers.transcripts.values import check_size, reject
from asp_analysis.records import LARGEST_AMOUNT
from asp_analysis.validation import shown


def read_documents(file: SourceFile, transcript: Transcript, keep_text: bool) -> Iterator[tuple[dict[str, Any], Line]]:
    """Yield the objects of a file with their lines: the whole file as one document where it is one, else line by line.

    Lines that are no objects are rejected; the lines are counted.

    Raises:
        InputError: the file is one document and not valid JSON, or too large to be read as a whole.
    """
    with file.open_lines(LARGEST_DOCUMENT) as stream:
        lines = (Line(number, content) for number, content in enumerate(stream, 1) if not content.isspace())
        first, second = next(lines, None), next(lines, None)
        if first is None:
            return
        if second is not None and not _is_whole(first.content):
            yield from _one_document(file.name, itertools.chain((first, second), lines), transcript)
            return
        for line in itertools.chain((first,), (second,) if second else (), lines):
            check_size(file.name, transcript)
            transcript.lines += 1
            try:
                yield from ((record, line) for record in _objects(line))
            except LineError as error:
                transcript.rejects.append(reject(line, str(error), keep_text))


def _is_whole(content: bytes) -> bool:
    try:
        read_json(content)
    except ValueError:
        return isinstance(content, CutLine)
    return True


def _objects(line: Line) -> list[dict[str, Any]]:
    if not line.content.lstrip().startswith(b"["):
        return [parse_object(line)]
    return objects_in(parse_recorded(line.content))


def _one_document(name: str, lines: Iterator[Line], transcript: Transcript) -> Iterator[tuple[dict[str, Any], Line]]:
    first = next(lines)
    content = whole_document(name, (line.content for line in itertools.chain((first,), lines)))
    transcript.lines += content.count(b"\n") + (not content.endswith(b"\n"))
    try:
        value = read_json(content)
    except ValueError as error:
        raise InputError(f"The JSON document {name} is damaged or cut short: {error}. Copy it again.") from None
    first = Line(first.number, b"")
    for record in value if isinstance(value, list) else [value]:
        if isinstance(record, dict):
            yield record, first


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; anything else holds none."""
    return [record for record in value if isinstance(record, dict)] if isinstance(value, list) else []


def positive(value: Any) -> float | None:
    """Return a number above 0, also from text; None is unknown, and so is 0 (a recorder that knew no price).

    Raises:
        LineError: it is no number.
    """
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise LineError(f"{shown(value)} is not a number") from None
    if not 0 <= number <= LARGEST_AMOUNT:
        raise LineError(f"{shown(value)} is not a number from 0 to 1e15")
    return number or None
