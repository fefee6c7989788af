"""Readers of plain tables: CSV, JSON Lines and Parquet, each path -> batches of raw columns."""

import contextlib
import itertools
import json
import operator
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError
from asp_analysis.importers.csv_rows import read_csv
from asp_analysis.importers.lines import LineError, parse_line
from asp_analysis.importers.raw import BATCH_RECORDS, MOST_COLUMNS, RawBatch, check_width, chunks
from asp_analysis.importers.source import beginning, decoded, open_bytes, open_utf8_lines
from asp_analysis.records import json_text
from asp_analysis.validation import shown

_BATCH_CELLS = 2_000_000

# --- JSON Lines -------------------------------------------------------------------------------------------------------


def read_jsonl(path: Path) -> Iterator[RawBatch]:
    """Read a file that holds one JSON object a line; blank lines are passed over."""
    with open_utf8_lines(path) as stream:
        first = 1
        for lines in chunks(stream, len):
            numbers = range(first, first := first + len(lines))
            yield from _jsonl_batches(*_without_blank(numbers, lines))


def _without_blank(numbers: Sequence[int], lines: list[bytes]) -> tuple[Sequence[int], list[bytes]]:
    if not any(map(bytes.isspace, lines)):
        return numbers, lines
    kept = [(number, line) for number, line in zip(numbers, lines, strict=True) if not line.isspace()]
    return [number for number, _ in kept], [line for _, line in kept]


def _jsonl_batches(numbers: Sequence[int], lines: list[bytes]) -> Iterator[RawBatch]:
    objects, unreadable = _parse_lines(numbers, lines)
    if unreadable:
        bad = {reject.line_number for reject in unreadable}
        lines = [line for number, line in zip(numbers, lines, strict=True) if number not in bad]
        numbers = [number for number in numbers if number not in bad]
    start = 0
    for count, columns in _by_column(objects):
        part = slice(start, start := start + count)
        yield RawBatch(columns, numbers[part], _text_of(lines[part]), unreadable)
        unreadable = []


def _text_of(lines: list[bytes]) -> Callable[[int], str]:
    return lambda row: decoded(lines[row])


def _by_column(objects: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Give objects as columns with their count; in several parts where each object has keys of its own."""
    names = list(objects[0]) if objects else []
    if len(names) > 1 and set(map(len, objects)) == {len(names)}:  # most files: every object has the same keys
        with contextlib.suppress(KeyError):
            by_column = zip(*map(operator.itemgetter(*names), objects), strict=True)
            columns = dict(zip(names, map(list, by_column), strict=True))
            yield len(objects), columns
            return
    names = list(dict.fromkeys(itertools.chain.from_iterable(objects)))
    if len(objects) > 1 and len(names) * len(objects) > _BATCH_CELLS:
        half = len(objects) // 2
        yield from _by_column(objects[:half])
        yield from _by_column(objects[half:])
        return
    yield len(objects), {name: [record.get(name) for record in objects] for name in names}


def _parse_lines(numbers: Sequence[int], lines: list[bytes]) -> tuple[list[dict[str, Any]], list[Reject]]:
    """Parse all lines in one call where all are well formed, else line by line to find those that are not."""
    try:
        values = from_json(b"[" + b",".join(lines) + b"]", allow_inf_nan=False)
        if len(values) == len(lines) and _are_objects(values):
            return values, []
    except ValueError:
        pass
    objects, unreadable = [], []
    for number, line in zip(numbers, lines, strict=True):
        try:
            objects.append(_object(line))
        except LineError as error:
            unreadable.append(Reject(number, (str(error),), decoded(line)))
    return objects, unreadable


def _are_objects(values: list[Any]) -> bool:
    return set(map(type, values)) <= {dict} and max(map(len, values), default=0) <= MOST_COLUMNS


def _object(line: bytes) -> dict[str, Any]:
    value = parse_line(line)
    if not isinstance(value, dict):
        raise LineError(f"a JSON object is needed on each line, found {shown(value)}")
    if len(value) > MOST_COLUMNS:
        raise LineError(f"an object of at most {MOST_COLUMNS:,} keys is needed, this one has {len(value):,}")
    return value


# --- Parquet ----------------------------------------------------------------------------------------------------------


def read_parquet(path: Path) -> Iterator[RawBatch]:
    """Read a Parquet file batch by batch; the line number of a record is its row number, counted from 1."""
    import pyarrow
    from pyarrow import parquet

    try:
        with open_bytes(path) as stream:
            file, seen = parquet.ParquetFile(stream), 0
            check_width(path, len(file.schema_arrow.names))
            for batch in file.iter_batches(batch_size=BATCH_RECORDS):
                columns = batch.to_pydict()
                yield RawBatch(columns, list(range(seen + 1, seen + 1 + batch.num_rows)), _parquet_text(columns))
                seen += batch.num_rows
    except (pyarrow.ArrowException, ValueError, OverflowError) as error:  # texts that are no UTF-8, times beyond 9999
        raise InputError(f"A Parquet file is needed, {path} gave: {_first_line(error)}. Write it again.") from None


def _parquet_text(columns: dict[str, list[Any]]) -> Callable[[int], str]:
    return lambda row: json_text({name: _plain(values[row]) for name, values in columns.items()})


def _plain(value: Any) -> Any:
    """Give a value that JSON can show: NaN and infinity are no JSON numbers."""
    return repr(value) if isinstance(value, float) and value - value != 0 else value


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]


# --- what format a file has -------------------------------------------------------------------------------------------

READERS: dict[str, Callable[[Path], Iterator[RawBatch]]] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}


def detect_format(path: Path) -> str:
    """Tell the format of a table from its content: `parquet`, `sqlite`, `jsonl`, else `csv`; `empty` for no content.

    Raises:
        InputError: the file is one JSON document, or other binary data.
    """
    with open_bytes(path) as stream:
        head = stream.read(16)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"SQLite format 3"):
        return "sqlite"
    if head.startswith(b"PK\x03\x04"):
        raise InputError(
            f"CSV, JSON Lines or Parquet is needed, {path} is a workbook or another zip archive. "
            "Save its sheet as CSV UTF-8, or unpack it."
        )
    text = beginning(path)
    if not text:
        return "empty"
    if text.startswith("["):
        raise InputError(f"JSON Lines are needed, {path} is one JSON array. Write one object a line (jq -c '.[]').")
    if text.startswith("{"):
        return "jsonl"
    if "\x00" in text.partition("\n")[0]:
        raise InputError(f"CSV, JSON Lines or Parquet is needed, {path} is binary. Convert it first.")
    return "csv"


def read_table(path: Path, format_name: str, encoding: str = "utf-8") -> Iterator[RawBatch]:
    """Read a table of a format that is known; `encoding` is that of CSV: JSON is UTF-8, and Parquet says its own."""
    return read_csv(path, encoding) if format_name == "csv" else READERS[format_name](path)


def first_columns(path: Path, format_name: str, encoding: str = "utf-8") -> list[str]:
    """List the columns of the file's first batch, in their order; what mapping and detection look at."""
    batch = next(read_table(path, format_name, encoding), None)
    return list(batch.columns) if batch else []


def json_or_none(value: Any) -> Any:
    """Give an unmapped value as it should stand in `metadata`: an empty cell is unknown."""
    if isinstance(value, str) and value == "":
        return None
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return value
