"""Which rows the server could not take, and why: every reason with its column and value, none of them repaired."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.postgres.carried_tables import ForeignKey, ServerTable, tables
from asp_analysis.postgres.sqlite_source import Chunk, SqliteSource
from asp_analysis.validation import shown

NAMED = 5
"""How many are named in a refusal."""


_REFERRED_TO = {reference.table for table in tables() for reference in table.references}


@dataclass(frozen=True)
class Reason:
    """Why a row was not taken: the column, what it holds, and what is wrong with that."""

    column: str
    value: Any
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as part of a JSON line."""
        return {"column": self.column, "value": _plain(self.value), "reason": self.reason}


Reasons = dict[int, list[Reason]]
"""Place in the chunk -> what is wrong with the row."""


@dataclass(kw_only=True)
class SetAside:
    """Counts the rows that are set aside, remembers the first, and writes all of them to a file if there is one."""

    target: Path | None
    row_count: int = 0
    by_table: dict[str, int] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    keys: dict[str, set[Any]] = field(default_factory=dict)
    """Table -> keys of the rows that were set aside: what refers to them is an orphan."""

    def __enter__(self) -> "SetAside":
        self._stream = None
        if self.target is not None:
            with _writable(self.target):
                self._stream = self._part.open("w", encoding="utf-8")
        return self

    def __exit__(self, _type: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._stream is not None:
            self._stream.close()
            self._part.unlink(missing_ok=True)

    @property
    def _part(self) -> Path:
        return Path(f"{self.target}.part")

    def add(self, source: SqliteSource, table: ServerTable, chunk: Chunk, reasons: Reasons) -> None:
        """Set rows aside."""
        key = table.columns[0].name
        for place, found in sorted(reasons.items()):
            rowid = chunk.rowids[place]
            self.row_count += 1
            self.by_table[table.name] = self.by_table.get(table.name, 0) + 1
            if table.name in _REFERRED_TO:
                self.keys.setdefault(table.name, set()).add(chunk.columns[0][place])
            if len(self.first) < NAMED:
                first = found[0]
                column = first.column or key
                self.first.append(f"{table.name} row {rowid} {column} {shown(first.value)} ({first.reason})")
            if self._stream is not None:
                row = {name: _plain(value) for name, value in source.row(table, rowid).items()}
                line = {"table": table.name, "rowid": rowid, "reasons": [one.as_dict() for one in found], "row": row}
                with _writable(self.target):
                    self._stream.write(json.dumps(line) + "\n")

    def finish(self) -> None:
        """Return the file its name: it is whole."""
        if self.target is not None and self._stream is not None:
            with _writable(self.target):
                self._stream.close()
                self._part.replace(self.target)


class _writable:  # noqa: N801 - reads as a word of the `with` statement
    """Turn what the disk says into one line."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: type | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        if isinstance(error, OSError):
            raise InputError(
                f"The rows that cannot be copied cannot be written to {self._path}: {error.strerror}. "
                "Name another file with --rejects FILE."
            ) from None


class Inspector:
    """Finds what single values do not show: rows that refer to a row that is not there, or that is set aside."""

    def __init__(self, source: SqliteSource, table: ServerTable, set_aside: SetAside) -> None:
        self._source, self._table, self._set_aside = source, table, set_aside
        self._known: dict[ForeignKey, set[Any]] = {}

    def inspect(self, chunk: Chunk, reasons: Reasons) -> None:
        """Add to `reasons` what is wrong with the rows of a chunk."""
        for reference in self._table.references:
            for place, reason in self._orphans(chunk, reference):
                _note(reasons, place, reason)

    def _orphans(self, chunk: Chunk, reference: ForeignKey) -> Iterator[tuple[int, Reason]]:
        values = chunk.columns[self._place(reference.column)]
        aside = self._set_aside.keys.get(reference.table, set())
        wanted = set(values)
        new = wanted - self._known.get(reference, set())
        missing = self._source.missing(reference, set(filter(_is_sound, new)))
        self._known[reference] = wanted - missing
        if not missing and not (wanted & aside):
            return
        for place, value in enumerate(values):
            if value in missing:
                yield place, Reason(reference.column, value, f"{reference.table} has no such row")
            elif value in aside:
                yield place, Reason(reference.column, value, f"its row of {reference.table} is set aside")

    def _place(self, name: str) -> int:
        return [column.name for column in self._table.columns].index(name)


def _is_sound(key: Any) -> bool:
    """Return whether SQLite can be asked for a key: not for a text that is no UTF-8, which is a reason of its own."""
    return not isinstance(key, str) or key.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in key)


def _note(reasons: Reasons, place: int, reason: Reason) -> None:
    """Keep one reason for each column of a row."""
    known = reasons.setdefault(place, [])
    if all(one.column != reason.column for one in known):
        known.append(reason)


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value
