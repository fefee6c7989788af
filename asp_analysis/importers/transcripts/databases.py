"""What readers of SQLite files share: a row as the line of a reject, JSON in a cell, and a log that is missing."""

from collections.abc import Collection
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.json_text import read_json
from asp_analysis.importers.transcripts.calls import Transcript
from asp_analysis.importers.transcripts.values import LONGEST_NAME, speaks_of_usage


def row_line(number: int, content: Any) -> Line:
    """Return a row as the line of a reject: its number from 1, and what identifies it."""
    return Line(number, str(content).encode(errors="backslashreplace"))


def note_missing_log(file: SourceFile, transcript: Transcript) -> None:
    """Say that newest rows may be missing where a file without its log is a copy; nothing in the file shows it."""
    if file.database.lacks_log:
        transcript.notes.append(
            f"{file.name} has no write-ahead log ({file.path.name}-wal) next to it. If it was copied while its program "
            "ran, its newest rows are missing: copy both files."
        )


def note_unknown_columns(file: SourceFile, transcript: Transcript, table: str, known: Collection[str]) -> None:
    """Count the rows of columns that speak of usage, are not known and not zero: what was paid for there is missing."""
    for column in sorted(file.database.tables.get(table, frozenset()) - set(known)):
        if speaks_of_usage(column) and (used := file.database.count_used(table, column)):
            transcript.not_understood[f"{table}.{column}"[:LONGEST_NAME]] += used


def parsed_object(value: Any, name: str) -> dict[str, Any]:
    """Return the JSON object in a cell; an empty cell holds nothing.

    Raises:
        LineError: the cell holds something else.
    """
    if value in (None, "", b""):
        return {}
    try:
        found = read_json(value if isinstance(value, str | bytes) else str(value), allow_inf_nan=False)
    except ValueError as error:
        raise LineError(f"{name} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise LineError(f"{name} is not a JSON object")
    return found
