"""A cell of a table becomes a value of a column: numbers, durations, instants and fixed words as people write them.

A cell that our own form reads is never touched. What needs an option that nobody gave, or may mean two things, is
rejected with the option that this very cell needs.
"""

import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal, DecimalException
from typing import Any, Literal, get_args, get_origin

from asp_analysis.importers.tables.numbers import (
    Signs,
    is_count,
    is_currency,
    is_dollar,
    is_number,
    is_unit_of_time,
    parse_cell,
    read_duration_ms,
    scale,
    source_of,
)
from asp_analysis.importers.tables.table_options import UNKNOWN_WORDS, TableOptions
from asp_analysis.importers.tables.times import TimeReader
from asp_analysis.platform_form import our_name
from asp_analysis.records import RECORDS, Record
from asp_analysis.validation import Columns, shown

_SHOWN_WORDS = 8
_LARGE = frozenset({"k", "mio", "b", "bn", "g", "t"})
_SHARES = {"metric_value", "metric_target"}
"""Columns that may hold a share, so that 85% is 0.85 there."""


class Unread:
    """Stands for a cell that must not be taken as it is; `reason` says why."""

    def __init__(self, text: Any, reason: str) -> None:
        self.text, self.reason = text, reason

    def __repr__(self) -> str:
        return repr(self.text)


class CellReader:
    """Reads the cells of one file as one kind of record; `notes` says what was read in another form than ours."""

    def __init__(self, kind: str, options: TableOptions) -> None:
        self._model = RECORDS[kind]
        self._signs = Signs(options.decimal, options.thousands)
        self._times = TimeReader(options.time_formats, options.time_zone)
        self._nulls = frozenset(options.nulls)
        self._values = {our_name(kind, ours): words for ours, words in options.values.items()}
        self._theirs: dict[str, str] = {our_name(kind, ours): theirs for ours, theirs in options.columns.items()}
        self._counted: Counter[str] = Counter()
        self._foreign: dict[str, dict[str, str]] = {}

    @property
    def notes(self) -> list[str]:
        """What the user should know, one sentence each."""
        counted = [f"Cells {what}: {count:,}." for what, count in self._counted.items()]
        return counted + [_said_of_words(name, guesses) for name, guesses in self._foreign.items()]

    def read(self, columns: Columns, raw_names: Columns) -> None:
        """Read the columns, under our names, by what the user said; cells that fail become `Unread`.

        raw_names: the columns under their names, in which a factor is looked up.
        """
        for name in columns:
            if self._nulls:
                columns[name] = [None if self._is_null(value) else value for value in columns[name]]
            if words := self._values.get(name):
                columns[name] = [
                    words.get(value.strip(), value) if _is_text(value) else value for value in columns[name]
                ]
            if name.endswith("_at") and self._times.is_told:
                columns[name] = [self._read_time(value) for value in columns[name]]
            elif name in self._model.model_fields and is_number(self._model, name):
                columns[name] = self._read_numbers(name, columns[name], raw_names)

    def repair(self, name: str, value: Any) -> Any:
        """Read a cell that the column does not take as it is; return it unchanged where there is nothing to say.

        Raises:
            ValueError: it cannot be taken; the text says why and what to do.
        """
        if isinstance(value, Unread):
            raise ValueError(value.reason)
        if isinstance(value, timedelta) and name.endswith("_ms"):
            return _plain(Decimal(str(value / timedelta(milliseconds=1))))
        if not _is_text(value):
            return value
        if value.strip().lower() in UNKNOWN_WORDS and not _is_free_text(self._model, name):
            self._counted[f"with {value.strip()!r}, read as unknown"] += 1
            return None
        if name.endswith("_at"):
            return self._times.repair(value)
        if is_number(self._model, name):
            return self._number(name, value, None)
        if words := fixed_words(self._model, name):
            return self._fixed_word(name, value, words)
        return value

    def _is_null(self, value: Any) -> bool:
        return _is_text(value) and value.strip() in self._nulls

    def _read_time(self, value: Any) -> Any:
        try:
            return self._times.read(value)
        except ValueError as error:
            return Unread(value, str(error))

    def _read_numbers(self, name: str, values: list[Any], raw_names: Columns) -> list[Any]:
        theirs = self._theirs.get(name)
        factor = source_of(theirs, raw_names)[1] if theirs else None
        is_whole = is_count(self._model, name)
        if (
            factor is None
            and not self._signs.are_said
            and not (is_whole and any("." in v for v in values if _is_text(v)))
        ):
            return values
        return [self._read_number(name, value, factor) for value in values]

    def _read_number(self, name: str, value: Any, factor: Decimal | None) -> Any:
        if not _is_text(value):
            return value if factor is None else scale(value, factor)
        if not value.strip() or value.strip().lower() in UNKNOWN_WORDS:
            return value
        try:
            return self._number(name, value, factor)
        except ValueError as error:
            return Unread(value, str(error))

    def _number(self, name: str, text: str, factor: Decimal | None) -> Any:
        if name.endswith("latency_ms") and (duration := read_duration_ms(text)) is not None:
            if factor is not None:
                raise ValueError(f"{shown(text)} names its unit; leave the factor out of --map")
            return _plain(duration)
        cell = parse_cell(text, self._signs, is_whole=is_count(self._model, name))
        factor = self._factor_of_unit(name, cell.unit, text, factor)
        if factor is None:
            return cell.number
        try:
            return _plain(Decimal(cell.number) * factor)
        except DecimalException:
            return cell.number

    def _factor_of_unit(self, name: str, unit: str, text: str, factor: Decimal | None) -> Decimal | None:
        """Return what a number with this unit is multiplied by, None for nothing."""
        if not unit:
            return factor
        if unit == "%":
            if name in _SHARES and factor is None:
                self._counted[f"of {name} in percent, read as shares (85% is 0.85)"] += 1
                return Decimal("0.01")
            raise ValueError(f"{shown(text)} is a share; {name} holds none")
        if is_currency(unit) and name.endswith("_usd"):
            if is_dollar(unit) or factor is not None:
                return factor
            theirs = self._theirs.get(name, name)
            raise ValueError(
                f"{shown(text)} is not in US dollars; multiply by what one {unit} is worth: "
                f"--map '{name}={theirs}*RATE'"
            )
        if is_currency(unit):
            raise ValueError(f"{shown(text)} has the unit {unit}; {name} holds no money")
        if unit.lower() in _LARGE or unit == "M":
            raise ValueError(f"{shown(text)} is shortened; write the number in full")
        if is_unit_of_time(unit):
            raise ValueError(f"{shown(text)} is a duration; {name} holds none")
        raise ValueError(f"{shown(text)} is not a number; if it means unknown, add --null '{text.strip()}'")

    def _fixed_word(self, name: str, value: str, words: tuple[str, ...]) -> str:
        wanted = _folded(value)
        same = [word for word in words if _folded(word) == wanted]
        if same:
            return same[0]
        self._foreign.setdefault(name, {})[value.strip()] = _guess(value, words)
        raise ValueError(f"{shown(value)} is not one of {', '.join(words)}; say which it is with --value")


def fixed_words(model: type[Record], name: str) -> tuple[str, ...]:
    """Return the words that a column of fixed words takes; empty where it takes others."""
    annotation = model.model_fields[name].annotation
    for kind in (annotation, *get_args(annotation)):
        if get_origin(kind) is Literal:
            return get_args(kind)
    return ()


_GUESSES = {
    "completed": ("done", "closed", "resolved", "merged", "complete", "finished", "fixed", "passed", "success"),
    "failed": (
        "canceled",
        "cancelled",
        "abandoned",
        "won't do",
        "wont_do",
        "duplicate",
        "failure",
        "error",
        "rejected",
    ),
    "in_progress": ("doing", "started", "in_review", "active", "wip", "running"),
    "pending": ("to_do", "todo", "open", "backlog", "new", "ready", "triage", "unstarted"),
    "Critical": ("highest", "blocker", "urgent", "p0", "sev1"),
    "High": ("major", "p1", "sev2"),
    "Medium": ("normal", "moderate", "p2", "sev3"),
    "Low": ("lowest", "minor", "trivial", "p3", "p4", "sev4"),
}
"""Our word -> what trackers call it: proposed to the user, never assumed."""


def _guess(value: str, words: tuple[str, ...]) -> str:
    folded = _folded(value)
    return next((word for word in words if folded in map(_folded, _GUESSES.get(word, ()))), words[0])


def _said_of_words(name: str, guesses: dict[str, str]) -> str:
    shown_first = list(guesses.items())[:_SHOWN_WORDS]
    said = " ".join(f"--value '{name}:{theirs}={ours}'" for theirs, ours in shown_first)
    more = f" and {len(guesses) - _SHOWN_WORDS} more" if len(guesses) > _SHOWN_WORDS else ""
    return f"{name} has words that are not ours; if this is what they mean, add: {said}{more}"


def _is_free_text(model: type[Record], name: str) -> bool:
    kinds = {model.model_fields[name].annotation, *get_args(model.model_fields[name].annotation)}
    return str in kinds and not name.endswith(("_at", "_json"))


def _is_text(value: Any) -> bool:
    return value.__class__ is str


def _folded(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().lower())


def _plain(number: Decimal) -> int | float:
    """Return a number as a whole one where it is whole and exact, so that counts stay counts."""
    is_whole = number == number.to_integral_value() and abs(number) < 2**63
    return int(number) if is_whole else float(number)
