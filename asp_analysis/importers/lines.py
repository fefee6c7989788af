"""Transcripts as numbered lines of JSON: what cannot be read is rejected by its line, never by a traceback."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from asp_analysis.batch import Reject
from asp_analysis.importers.calls import Transcript
from asp_analysis.importers.source import decoded, open_utf8_lines
from asp_analysis.records import read_instant
from asp_analysis.validation import shown

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
            transcript.lines += 1
            yield Line(number, content)


def parse_object(line: Line) -> dict[str, Any]:
    """Parse a line that must hold one JSON object.

    Raises:
        LineError: it does not; the reason says whether the file ends within the line.
    """
    try:
        value = from_json(line.content, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        half = "" if line.content.endswith(b"\n") else "; the file ends within this line (half-written?)"
        raise LineError(f"the line is not JSON: {error}{half}") from None
    if not isinstance(value, dict):
        raise LineError(f"a JSON object is needed on each line, found a {type(value).__name__}")
    return value


def reject(line: Line, reason: str, keep_text: bool) -> Reject:
    """Reject a line; its text stays out of the store unless texts are kept, its fingerprint tells it from others."""
    if keep_text:
        return Reject(line.number, (reason,), decoded(line.content))
    digest = hashlib.sha256(line.content).hexdigest()[:16]
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
    except (ValueError, OverflowError) as error:
        raise LineError(f"{name}: {error}") from None


def word(record: dict[str, Any], name: str) -> str | None:
    """Give a text that is not empty; anything else is unknown."""
    value = record.get(name)
    return value if isinstance(value, str) and value else None


def list_in(value: Any) -> list[Any]:
    """Give a list as it is; anything else holds nothing."""
    return value if isinstance(value, list) else []


def text_of(blocks: list[Any]) -> str:
    """Join the texts of a message's blocks."""
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str) and text)
