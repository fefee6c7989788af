"""A numbered line of JSON: what cannot be parsed has a reason, never a traceback."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from asp_analysis.importers.file import CutLine
from asp_analysis.importers.json_text import read_json


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
    value = parse_recorded(line.content)
    if not isinstance(value, dict):
        raise LineError(f"this line is a {type(value).__name__}, not a JSON object")
    return value


def parse_line(content: bytes) -> Any:
    """Parse a line of JSON exactly as it is written.

    Raises:
        LineError: it is none; the reason says whether the file ends within the line, or that the line is too long.
    """
    return _parsed(content, from_json)


def parse_recorded(content: bytes) -> Any:
    """Parse a line of JSON that a tool recorded, as `read_json` does.

    Raises:
        LineError: as for `parse_line`.
    """
    return _parsed(content, read_json)


def _parsed(content: bytes, parse: Callable[..., Any]) -> Any:
    try:
        return parse(content, allow_inf_nan=False)
    except ValueError as error:
        if isinstance(content, CutLine):
            raise LineError(content.reason) from None
        half = "" if content.endswith(b"\n") else "; the file ends within this line (half-written?)"
        raise LineError(f"the line is not JSON: {error}{half}") from None


# --- keys that come twice ---------------------------------------------------------------------------------------------

_KEY_END = re.compile(rb'"\s*:')


class Repeated(dict[str, Any]):
    """An object of JSON in which a key comes twice, its own (`is_own`) or one of an object within it."""

    key: str = ""
    is_own: bool = False


def count_keys(content: bytes) -> int:
    """Count at least as many keys as there are in a text of JSON; texts may hold what looks like one."""
    return len(_KEY_END.findall(content))


def find_repeated(content: bytes) -> Any:
    """Parse a text of JSON so that objects with a key that comes twice are `Repeated`; None where it is none."""
    try:
        return json.loads(content, object_pairs_hook=_collect)
    except (ValueError, RecursionError):
        return None


def tell_repeated(key: str) -> str:
    """Return the reason for a record with a key that comes twice."""
    return f"the key {key!r} comes twice in one object, and only one of its values could be kept; write it once"


def _collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    key = None
    if len(found) < len(pairs):
        key = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    inner = key or next(filter(None, (_inner_key(value) for _, value in pairs)), None)
    if inner is None:
        return found
    repeated = Repeated(found)
    repeated.key, repeated.is_own = inner, key is not None
    return repeated


def _inner_key(value: Any) -> str | None:
    if isinstance(value, list):
        return next(filter(None, map(_inner_key, value)), None)
    return value.key if isinstance(value, Repeated) else None
