"""What a user may say about a table: where its columns belong, and how its cells are written."""

import csv
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.platform_form import our_name
from asp_analysis.time_zones import check_time_zone

UNKNOWN_WORDS = frozenset({"n/a", "na", "#n/a", "null", "none", "nil", "nan", "-", "--", "–", "—"})
"""Words that mean unknown in a cell of numbers, times or fixed words, in any case; a text may really be called so."""

ZONE_WORD = re.compile(r"(?<![%A-Za-z])[A-Z]{3,5}(?![A-Za-z])|[A-Z][A-Za-z]+/[A-Za-z_]+")


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What the user said about a table.

    columns: ours -> theirs; behind the name of a column of numbers may be a factor: `seconds*1000`.
    constants: ours -> the value of all records. labels: name of a label, or person, machine and repository -> theirs.
    values: ours -> their word -> our word.
    nulls: words that mean unknown, in every column.
    time_formats: forms of their times, as `strptime` reads them; several where columns differ.
    time_zone: the IANA name of the zone of times that name no offset; None means UTC.
    decimal, thousands: signs of their numbers; None where nobody said, so that what may be either is refused.
    encoding: of CSV files without a byte order mark. sheet: the name of a sheet of a workbook.
    passed_over: columns that another kind of record takes from the same file.

    Raises:
        InputError: a form of times or a zone is none.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    nulls: tuple[str, ...] = ()
    time_formats: tuple[str, ...] = ()
    time_zone: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str = "utf-8"
    sheet: str | None = None
    passed_over: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for time_format in self.time_formats:
            _check_time_format(time_format)
        if self.time_zone is not None:
            check_time_zone(self.time_zone)
        if self.decimal is not None and self.decimal == self.thousands:
            raise InputError(f"--decimal and --thousands are both {self.decimal!r}. Leave one of them out.")

    def of_kind(self, kind: str) -> "TableOptions":
        """Return what of this is about records of a kind: the columns, constants and words that they have."""
        from asp_analysis.records import RECORDS

        fields = RECORDS[kind].model_fields

        def is_its(ours: str) -> bool:
            return our_name(kind, ours) in fields

        return replace(
            self,
            columns={ours: theirs for ours, theirs in self.columns.items() if is_its(ours)},
            constants={ours: value for ours, value in self.constants.items() if is_its(ours)},
            labels=self.labels if kind == "executions" else {},
            values={ours: words for ours, words in self.values.items() if is_its(ours)},
        )

    @property
    def said(self) -> dict[str, Any]:
        """What differs from saying nothing, under the names of the load log."""
        names = {"labels": "label", "columns": "map", "constants": "set", "values": "value", "nulls": "null"}
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del said["passed_over"]
        said["time_format"] = " | ".join(said.pop("time_formats"))
        said["nulls"] = list(said["nulls"])
        defaults = {"encoding": "utf-8"}
        return {names.get(name, name): value for name, value in said.items() if value and value != defaults.get(name)}


def read_values(said: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what `--value OURS:THEIR=OUR` says, ours -> their word -> our word; FILE is a CSV of three columns.

    Raises:
        InputError: one says neither, or the file cannot be read.
    """
    values: dict[str, dict[str, str]] = {}
    for text in said:
        column, is_pair, words = text.partition(":")
        if is_pair and "=" in words:
            theirs, _, ours = words.rpartition("=")
            values.setdefault(column.strip(), {})[theirs.strip()] = ours.strip()
        else:
            for column, theirs, ours in _rows_of_values(text):
                values.setdefault(column.strip(), {})[theirs.strip()] = ours.strip()
    return values


def _rows_of_values(path: str) -> list[list[str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:  # noqa: PTH123 - a text of the command line
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        found = getattr(error, "strerror", None) or error
        raise InputError(
            f"--value {path}: it is not OURS:THEIR=OUR, and as a file it gives: {found}. "
            "Write it such as --value 'status:Done=completed'."
        ) from None
    odd = next((number for number, row in enumerate(rows, 1) if len(row) != 3), None)
    if odd is not None:
        raise InputError(
            f"--value {path}, row {odd}: it has {len(rows[odd - 1])} cells; write column, their word, ours."
        )
    return rows[1:] if rows and rows[0][0].strip().lower() in ("column", "ours") else rows


def _check_time_format(time_format: str) -> None:
    try:
        time.strptime("", time_format)
    except (ValueError, re.error) as error:
        if not str(error).startswith(("time data", "unconverted")):
            raise InputError(
                f"--time-format: {time_format!r} is not a form of times ({error}). Write one such as '%m/%d/%Y %H:%M'."
            ) from None
    literal = re.sub(r"%.", " ", time_format)
    if "%Z" in time_format or ZONE_WORD.search(literal):
        found = "%Z" if "%Z" in time_format else ZONE_WORD.search(literal)[0]  # type: ignore[index]
        raise InputError(
            f"--time-format: {found} in {time_format!r} would be read and forgotten. Leave it out and name the zone "
            "with --time-zone; %z reads an offset such as +02:00."
        )
