"""Transcripts as numbered lines of JSON: what cannot be read is rejected by its line, never by a traceback."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError
from asp_analysis.importers.calls import Transcript
from asp_analysis.importers.source import CutLine, decoded, open_utf8_lines
from asp_analysis.records import read_instant
from asp_analysis.validation import shown

MOST_REJECTS, MOST_CALLS = 20_000, 1_000_000
"""What a file of transcripts may hold: all of it is in memory until the file is written as a whole."""

_LONGEST_KEPT = 64 * 2**10
_TOO_LARGE, _MOST_DIGITS = 2**63, 19


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, counted from 1."""

    number: int
    content: bytes


class LineError(ValueError):
    """One line that tells nothing; its text is the reason."""


def json_lines(path: Path, transcript: Transcript) -> Iterator[Line]:
    """Give the lines of a file that are not blank, and count them."""
    with open_utf8_lines(path) as stream:
        for number, content in enumerate(stream, 1):
            if content.isspace():
                continue
            check_size(path, transcript)
            transcript.lines += 1
            yield Line(number, content)


def check_size(path: Path, transcript: Transcript, count: int = 0) -> None:
    """Refuse a file that tells more than can be held in memory, or hardly anything that can be read.

    Raises:
        InputError: it holds more than `MOST_CALLS` calls (or `count` does), or has more than `MOST_REJECTS` rejects.
    """
    if len(transcript.rejects) > MOST_REJECTS:
        first = transcript.rejects[0]
        raise InputError(
            f"A readable {transcript.source} file is needed, {path} has more than {MOST_REJECTS:,} records that cannot "
            f"be read (line {first.line_number}: {first.reasons[0]}). Check that it is whole."
        )
    if max(len(transcript.calls), count) > MOST_CALLS:
        raise InputError(f"At most {MOST_CALLS:,} calls in a file are needed, {path} holds more. Split it.")


def parse_object(line: Line) -> dict[str, Any]:
    """Parse a line that must hold one JSON object.

    Raises:
        LineError: it does not; the reason says whether the file ends within the line.
    """
    value = parse_line(line.content)
    if not isinstance(value, dict):
        raise LineError(f"a JSON object is needed on each line, found a {type(value).__name__}")
    return value


def parse_line(content: bytes) -> Any:
    """Parse a line of JSON.

    Raises:
        LineError: it is none; the reason says whether the file ends within the line, or that the line is too long.
    """
    try:
        return from_json(content, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        if isinstance(content, CutLine):
            raise LineError(content.reason) from None
        half = "" if content.endswith(b"\n") else "; the file ends within this line (half-written?)"
        raise LineError(f"the line is not JSON: {error}{half}") from None


def reject(line: Line, reason: str, keep_text: bool) -> Reject:
    """Reject a line; its text stays out of the store unless texts are kept, its fingerprint tells it from others."""
    if keep_text and 0 < len(line.content) <= _LONGEST_KEPT:
        return Reject(line.number, (reason,), decoded(line.content))
    # The records of one document share its line: their reasons tell them apart.
    digest = hashlib.sha256(line.content or reason.encode(errors="backslashreplace")).hexdigest()[:16]
    return Reject(line.number, (reason,), f"(text not kept: {len(line.content)} bytes, sha256 {digest}...)")


def count(values: dict[str, Any], name: str) -> int | None:
    """Give a count such as a number of tokens; a text of digits is one, None is unknown.

    Raises:
        LineError: it is something else, or negative.
    """
    value = values.get(name)
    if value is None or (value.__class__ is int and 0 <= value < _TOO_LARGE):
        return value
    if isinstance(value, float) and 0 <= value < _TOO_LARGE and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        return int(value)
    raise LineError(f"{name}: a count of at least 0 is needed, found {shown(value)}")


def instant(record: dict[str, Any], name: str = "timestamp") -> str:
    """Give an instant in the store's form, so that instants of all formats compare as texts.

    Raises:
        LineError: it is missing or no instant.
    """
    try:
        return str(read_instant(record.get(name)))
    except ValueError as error:
        raise LineError(f"{name}: {error}") from None


def word(record: dict[str, Any], name: str) -> str | None:
    """Give a text that is not empty; anything else is unknown. U+0000, which no store takes, becomes visible."""
    value = record.get(name)
    if value.__class__ is not str or not value:
        return None
    return value.replace("\x00", "\\x00") if "\x00" in value else value


def list_in(value: Any) -> list[Any]:
    """Give a list as it is; anything else holds nothing."""
    return value if isinstance(value, list) else []


def text_of(blocks: list[Any]) -> str:
    """Join the texts of a message's blocks."""
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str) and text).replace("\x00", "\\x00")
