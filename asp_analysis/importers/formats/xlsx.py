"""Workbooks: one sheet is a table, its first row that is not empty is the header. python-calamine reads the cells."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.tables.raw import BATCH_RECORDS, RawBatch, check_width, name_columns, write_row
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions

LARGEST_WORKBOOK = 256 * 2**20
"""Bytes of a workbook, which is held in memory as a whole."""


def read_table(file: SourceFile, options: TableOptions) -> Iterator[RawBatch]:
    """Read the sheet that the user names, else the only one with cells; a record's line number is its row.

    Raises:
        InputError: it is no workbook, it has no such sheet, or several sheets have cells and none is named.
    """
    rows = _rows_of(file, options.sheet)
    place = next((place for place, row in enumerate(rows) if any(cell != "" for cell in row)), None)
    if place is None:
        return
    header = name_columns([str(_plain(cell)).strip() for cell in rows[place]])
    check_width(file.name, len(header))
    for start in range(place + 1, len(rows), BATCH_RECORDS):
        part = [(start + n + 1, row) for n, row in enumerate(rows[start : start + BATCH_RECORDS])]
        yield _batch(header, [(number, row) for number, row in part if any(cell != "" for cell in row)])


def _batch(header: list[str], rows: list[tuple[int, Sequence[Any]]]) -> RawBatch:
    columns = {
        name: [_plain(row[place]) if place < len(row) else None for _, row in rows] for place, name in enumerate(header)
    }
    numbers = [number for number, _ in rows]
    return RawBatch(columns=columns, line_numbers=numbers, raw_text=write_row(columns))


def _rows_of(file: SourceFile, sheet: str | None) -> Sequence[Sequence[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    with file.open_bytes() as stream:
        content = stream.read(LARGEST_WORKBOOK + 1)
    if len(content) > LARGEST_WORKBOOK:
        raise InputError(f"{file.name} has more than {LARGEST_WORKBOOK:,} bytes. Save its sheet as CSV UTF-8.")
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        filled = {
            name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in workbook.sheet_names
        }
    except (CalamineError, ValueError, OSError) as error:
        raise InputError(
            f"{file.name} is a zip archive and cannot be read as a workbook ({error}). Save its sheet as CSV UTF-8, or "
            "unpack it."
        ) from None
    return _choose(file, filled, sheet)


def _choose(file: SourceFile, filled: dict[str, Any], sheet: str | None) -> Sequence[Sequence[Any]]:
    named = [name for name, rows in filled.items() if rows] if sheet is None else [sheet]
    if sheet is not None and sheet not in filled:
        raise InputError(f"{file.name} has no sheet {sheet!r}. It has: {', '.join(filled)}.")
    if len(named) > 1:
        raise InputError(f"{file.name} has {len(named)} sheets with cells: {', '.join(named)}. Name one with --sheet.")
    rows: Sequence[Sequence[Any]] = filled[named[0]] if named else []
    return rows


def _plain(cell: Any) -> Any:
    """Return a cell as a table of text would have it: Excel keeps whole numbers as 5.0 and times without a date."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = cell / timedelta(seconds=1)
        return f"{int(seconds // 3600):02}:{int(seconds // 60 % 60):02}:{seconds % 60:09.6f}"
    return cell


def _is_workbook(head: Head) -> bool:
    return head.magic.startswith(b"PK\x03\x04") or head.magic.startswith(b"\xd0\xcf\x11\xe0")


FORMAT = TableFormat(
    name="xlsx",
    title="Workbook",
    suffixes=(".xlsx", ".xlsm", ".xls", ".ods"),
    recognises=_is_workbook,
    read_table=read_table,
)
