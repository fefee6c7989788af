"""A numbered line of JSON: what cannot be parsed has a reason, never a traceback."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from asp_analysis.importers.file import CutLine


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, counted from 1."""

    number: int
    content: bytes


class LineError(ValueError):
    """One line that cannot be taken; its text is the reason."""


def parse_object(line: Line) -> dict[str, Any]:
    """Parse a line that must hold one JSON object.

    Raises:
        LineError: it does not; the reason says whether the file ends within the line.
    """
    value = parse_line(line.content)
    if not isinstance(value, dict):
        raise LineError(f"this line is a {type(value).__name__}, not a JSON object")
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
