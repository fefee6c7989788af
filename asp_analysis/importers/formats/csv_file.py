"""Reads CSV: header, delimiter and encoding of a spreadsheet's export, one record at a time with its own text."""

import csv
import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError
from asp_analysis.importers.file import LONGEST_LINE, Head, SourceFile, is_decoded
from asp_analysis.importers.tables.raw import RawBatch, check_width, chunks, name_columns
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions

_SHOWN_LENGTH = 200
LINE_END = "\n"


class _RememberedLines:
    """Hands lines to the csv module and keeps those of the record at hand, for the text of a rejected record."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream, self._lines = stream, iter(functools.partial(stream.readline, LONGEST_LINE), "")
        self._taken: list[str] = []
        self._line_number = self._first = self._length = 0

    def __iter__(self) -> "_RememberedLines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._line_number += 1
        self._length += len(line)
        self._taken.append(line)
        if self._length >= LONGEST_LINE:  # an open quote, for one, makes a record of the rest of the file
            self._pass_over(line)
        return line

    def _pass_over(self, line: str) -> None:
        self._taken = ["".join(self._taken[:_SHOWN_LENGTH])[:_SHOWN_LENGTH]]
        while line and not line.endswith(("\n", "\r")):
            line = self._stream.readline(2**20)
        raise csv.Error(f"it has more than {LONGEST_LINE:,} characters, only its beginning is kept")

    @property
    def count(self) -> int:
        """How many lines the record at hand has."""
        return self._line_number - self._first

    def take(self) -> tuple[int, str]:
        """Return the number of the record's first line and its text, and forget them."""
        first, text = self._first + 1, "".join(self._taken)
        self._first, self._length = self._line_number, 0
        self._taken.clear()
        return first, text


@dataclass(frozen=True, slots=True)
class _Shape:
    """How records look: the number of columns of the header, and what parts them."""

    width: int
    delimiter: str

    def has_swallowed(self, text: str) -> bool:
        """Return whether a record that takes several lines holds one that looks like a whole record of this file."""
        if text.count(LINE_END) < 3 or self.width < 3:
            return False
        return any(line.count(self.delimiter) == self.width - 1 for line in text.splitlines()[1:-1])


@dataclass(frozen=True, slots=True)
class _Line:
    """One record: its cells, one for each column, where it begins, its text, and whether cells were filled in."""

    cells: list[str]
    number: int
    text: str
    is_filled: bool


def read_table(file: SourceFile, options: TableOptions) -> Iterator[RawBatch]:
    """Read a CSV file; its header shows whether comma, semicolon or tab parts it. A quoted cell may hold lines."""
    csv.field_size_limit(LONGEST_LINE)
    encoding = options.encoding
    with file.open_text(encoding) as stream:
        lines = _RememberedLines(stream)
        header, delimiter = _csv_header(file.name, lines)
        if not header:
            return
        if not is_decoded("".join(header)):
            raise InputError(f"The header of {file.name} is not {encoding}. {_what_to_do(encoding)}.")
        shape = _Shape(len(header), delimiter)
        records = _csv_records(csv.reader(lines, delimiter=delimiter, strict=True), lines, shape, encoding)
        for chunk in chunks(records, _length_of):
            yield _csv_batch(header, chunk)


def read_header(file: SourceFile, options: TableOptions) -> str:
    """Return the header line as it is in the file; empty where there is none."""
    with file.open_text(options.encoding) as stream:
        return next((line for line in iter(functools.partial(stream.readline, LONGEST_LINE), "") if line.strip()), "")


def _length_of(record: _Line | Reject) -> int:
    return len(record.raw_text if isinstance(record, Reject) else record.text)


def _csv_header(name: str, lines: _RememberedLines) -> tuple[list[str], str]:
    try:
        first = next((line for line in lines if line.strip()), "")
        delimiter = max(",;\t", key=first.count)
        cells = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise InputError(f"Line 1 of {name} is not a CSV header ({error}). Check the file.") from None
    lines.take()
    check_width(name, len(cells))
    return name_columns(cells), delimiter


def _what_to_do(encoding: str) -> str:
    option = "--encoding cp1252" if encoding == "utf-8" else "another --encoding"
    return f"Save the file as UTF-8 (in Excel: CSV UTF-8), or give {option}"


def _csv_records(reader: Any, lines: _RememberedLines, shape: _Shape, encoding: str) -> Iterator[_Line | Reject]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _csv_reject(lines, f"the line is not CSV: {error}")
            continue
        number, text = lines.take()
        if not is_decoded(text):
            yield Reject(number, (f"the line is not {encoding}. {_what_to_do(encoding)}",), text)
        elif cells:
            yield _line_of(cells, shape, number, text)


def _line_of(cells: list[str], shape: _Shape, number: int, text: str) -> _Line | Reject:
    """Fit a record to the header: empty cells at its end may be missing, or be too many."""
    width = shape.width
    if shape.has_swallowed(text):
        reason = f"a cell holds lines that are records themselves{_tell_span(number, text.count(LINE_END))}"
        return Reject(number, (reason,), text)
    if len(cells) > width and not any(map(str.strip, cells[width:])):
        cells = cells[:width]
    if len(cells) == width:
        return _Line(cells, number, text, False)
    reason = f"the header has {width} columns, this line has {len(cells)}{_tell_span(number, text.count(LINE_END))}"
    if len(cells) > width:
        return Reject(number, (reason,), text)
    if not text.endswith(("\n", "\r")):
        return Reject(number, (f"{reason}; the file ends within this line (half-written?)",), text)
    return _Line(cells + [""] * (width - len(cells)), number, text, True)


def _csv_reject(lines: _RememberedLines, reason: str) -> Reject:
    count = lines.count
    line_number, text = lines.take()
    return Reject(line_number, (f"{reason}{_tell_span(line_number, count)}",), text)


def _tell_span(first: int, count: int) -> str:
    """Say how many lines one record took: a quote that opens and does not close makes one cell of what follows."""
    if count < 2:
        return ""
    return f". A quote opens in line {first} and takes up {count:,} lines, to line {first + count - 1}; close it there"


def _csv_batch(header: list[str], chunk: list[_Line | Reject]) -> RawBatch:
    good = [item for item in chunk if isinstance(item, _Line)]
    by_column = zip(*(line.cells for line in good), strict=True) if good else ([] for _ in header)
    columns = {name: list(values) for name, values in zip(header, by_column, strict=True)}
    return RawBatch(
        columns=columns,
        line_numbers=[line.number for line in good],
        raw_text=[line.text for line in good].__getitem__,
        unreadable=[item for item in chunk if isinstance(item, Reject)],
        filled=sum(line.is_filled for line in good),
    )


def _is_csv(head: Head) -> bool:
    """Whatever is text and nothing else may be CSV: its header is judged when it is read."""
    is_other = head.text.startswith(("[", "{", "<?xml", "<testsuite")) or head.magic.startswith(
        (b"PK\x03\x04", b"SQLite format 3", b"PAR1")
    )
    return bool(head.text) and not is_other and "\x00" not in head.text.partition("\n")[0]


FORMAT = TableFormat(
    name="csv",
    title="CSV",
    suffixes=(".csv", ".tsv"),
    recognises=_is_csv,
    read_table=read_table,
    read_header=read_header,
)

EMPTY = TableFormat(
    name="empty",
    title="an empty file",
    suffixes=(),
    recognises=lambda head: not head.text,
    read_table=lambda _file, _options: iter(()),
)
"""A file without any content is a table without records."""
