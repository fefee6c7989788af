"""The lines and values of a transcript: what cannot be read is rejected by its line, never by a traceback."""

import hashlib
import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, decoded
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import Transcript
from asp_analysis.records import read_instant
from asp_analysis.validation import shown

MOST_REJECTS, MOST_CALLS = 20_000, 1_000_000
"""What a file of transcripts may hold: all of it is in memory until the file is written as a whole."""

_LONGEST_KEPT = 64 * 2**10
_LOOKED_AT = 1_000
LONGEST_NAME = 120
"""Letters of a name that is not understood, which a file may make as long as it likes."""
_TOO_LARGE, _MOST_DIGITS = 2**63, 19


def read_lines(file: SourceFile, transcript: Transcript) -> Iterator[Line]:
    """Yield the lines of a file that are not blank, and count them."""
    with file.open_lines() as stream:
        for number, content in enumerate(stream, 1):
            if content.isspace():
                continue
            check_size(file.name, transcript)
            transcript.lines += 1
            yield Line(number, content)


def check_size(name: str, transcript: Transcript, count: int = 0) -> None:
    """Refuse a file that holds more than can be held in memory, or hardly anything that can be read.

    Raises:
        InputError: it holds more than `MOST_CALLS` calls (or `count` does), or has more than `MOST_REJECTS` rejects.
    """
    if len(transcript.rejects) > MOST_REJECTS:
        first = transcript.rejects[0]
        raise InputError(
            f"The {transcript.source} file {name} has more than {MOST_REJECTS:,} records that cannot "
            f"be read (line {first.line_number}: {first.reasons[0]}). Check that it is whole."
        )
    if max(len(transcript.calls), count) > MOST_CALLS:
        raise InputError(f"{name} holds more than {MOST_CALLS:,} calls, the most that are read of one file. Split it.")


def reject(line: Line, reason: str, keep_text: bool) -> Reject:
    """Reject a line; its text stays out of the store unless texts are kept, its fingerprint identifies it."""
    if keep_text and 0 < len(line.content) <= _LONGEST_KEPT:
        return Reject(line.number, (reason,), decoded(line.content))
    # The records of one document share its line: their reasons tell them apart.
    digest = hashlib.sha256(line.content or reason.encode(errors="backslashreplace")).hexdigest()[:16]
    return Reject(line.number, (reason,), f"(text not kept: {len(line.content)} bytes, sha256 {digest}...)")


def count(values: dict[str, Any], name: str) -> int | None:
    """Return a count such as a number of tokens; a text of digits is one, None is unknown.

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
    raise LineError(f"{name}: {shown(value)} is not a count of at least 0")


_SPEAKS_OF_USAGE = re.compile(r"token|usage|cost|price|billing|billed|iteration|credit", re.IGNORECASE)


def speaks_of_usage(name: str) -> bool:
    """Return whether a name is one of what is paid for: tokens, usage, cost, price, billing, iterations or credits."""
    return _SPEAKS_OF_USAGE.search(name) is not None


def note_unknown(transcript: Transcript, usage: dict[str, Any], known: frozenset[str], where: str) -> None:
    """Count the keys of a usage that are not known and not zero: what was paid for there would be missing."""
    for key in usage.keys() - known:
        if is_counted(usage[key]):
            transcript.not_understood[f"{where}{key}"[:LONGEST_NAME]] += 1


def note_unknown_attributes(
    transcript: Transcript, attributes: dict[str, Any], known: frozenset[str], where: str
) -> None:
    """Count the attributes that speak of usage and are not known and not zero; most speak of other things."""
    speaking = {key: value for key, value in attributes.items() if speaks_of_usage(key)}
    note_unknown(transcript, speaking, known, where)


def note_unknown_type(transcript: Transcript, kind: str | None) -> None:
    """Count a record whose type speaks of usage and that no reader knows."""
    if kind and speaks_of_usage(kind):
        transcript.not_understood[f"records of type {kind}"[:LONGEST_NAME]] += 1


def is_counted(value: Any) -> bool:
    """Return whether a value holds a number that is not zero, also as a text or further inside."""
    if isinstance(value, bool):
        return False
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return any(map(is_counted, itertools.islice(inner, _LOOKED_AT)))
    try:
        return float(value) not in (0.0,) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False


def instant(record: dict[str, Any], name: str = "timestamp") -> str:
    """Return an instant in the store's form, so that instants of all formats compare as texts.

    Raises:
        LineError: it is missing or no instant.
    """
    try:
        return str(read_instant(record.get(name)))
    except ValueError as error:
        raise LineError(f"{name}: {error}") from None


def word(record: dict[str, Any], name: str) -> str | None:
    """Return a text that is not empty; anything else is unknown. U+0000, which no store takes, becomes visible."""
    value = record.get(name)
    if value.__class__ is not str or not value:
        return None
    return value.replace("\x00", "\\x00") if "\x00" in value else value


def object_in(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object of a record; anything else holds nothing."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def list_in(value: Any) -> list[Any]:
    """Return a list as it is; anything else holds nothing."""
    return value if isinstance(value, list) else []


def text_of(blocks: list[Any]) -> str:
    """Join the texts of a message's blocks."""
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str) and text).replace("\x00", "\\x00")
