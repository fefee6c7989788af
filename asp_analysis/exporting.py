"""Writes the store's tables to files for other tools: CSV that a spreadsheet can open safely, or typed Parquet.

What leaves here can be loaded again: the columns are the contract's, in the form that `load` reads. All files of one
export show one instant, and stand under their final name together or not at all.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from asp_analysis.config import StoreUrl
from asp_analysis.errors import InputError
from asp_analysis.records import RECORDS, Amount, Count, Instant, Ordinal, Real
from asp_analysis.session.batches import Read, reading_batches

TABLES = {
    "task_metadata": "created_at",
    "agent_cost_vector": "timestamp",
    "defect_log": "created_at",
    "bootstrap_metrics": "measured_at",
}
"""Table -> the column that `since` looks at; in the order in which they load again: tasks before what names them."""

_NUMBERS = {Count: "BIGINT", Ordinal: "BIGINT", Amount: "DOUBLE", Real: "DOUBLE"}
_TYPES = {Instant: "TIMESTAMPTZ", bool: "BOOLEAN", **_NUMBERS}
_EMPTIED = "emptied_values"

RUN_BY_SPREADSHEETS = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""A text that begins so may be run as a formula when a spreadsheet opens it (CWE-1236, OWASP "CSV injection"); the last
four are the wide forms of = + - @."""


@dataclass(frozen=True)
class Exported:
    """One file of an export.

    rows: how many; neutralised: its cells that got a leading apostrophe; emptied: values of a file of others that have
    no place in a typed column (a text where a number belongs).
    """

    table: str
    rows: int
    file: Path
    size_bytes: int
    neutralised: int
    emptied: int


@dataclass(frozen=True)
class Wanted:
    """What to export: the tables, the format, the instant (UTC text) from which on, and whether CSV cells stay raw."""

    tables: tuple[str, ...] = tuple(TABLES)
    format_name: str = "csv"
    since: str | None = None
    is_raw: bool = False


def export(url: StoreUrl, folder: Path, wanted: Wanted) -> list[Exported]:
    """Write one file per table into a new folder, in constant memory.

    CSV: UTF-8 with a header; unknown is an empty cell and an empty text is `""`; instants as in the store. Texts that a
    spreadsheet would run get a leading apostrophe unless `is_raw`; numbers stay numbers. Parquet: instants are UTC
    timestamps, counts integers, flags booleans, JSON is text.

    Raises:
        InputError: the folder is there already or cannot be written.
        StoreError: the store cannot be read.
    """
    with _finished_folder(folder) as part, reading_batches(url) as read:
        written = [_write(read, table, part, wanted) for table in TABLES if table in wanted.tables]
    return [Exported(**{**vars(one), "file": folder / one.file.name}) for one in written]


def _write(read: Read, table: str, folder: Path, wanted: Wanted) -> Exported:
    path = folder / f"{table}.{wanted.format_name}"
    rows = emptied = neutralised = 0
    since = {"since": wanted.since} if wanted.since else {}
    with ExitStack() as stack:
        reader = stack.enter_context(read(_query(table, wanted), **since))
        schema = reader.schema.remove(reader.schema.get_field_index(_EMPTIED))
        writer = stack.enter_context(_writer(path, schema, wanted.format_name))
        for batch in reader:
            rows += batch.num_rows
            emptied += pc.sum(batch[_EMPTIED]).as_py() or 0
            batch = batch.drop_columns([_EMPTIED])
            if wanted.format_name == "csv" and not wanted.is_raw:
                batch, count = neutralise(batch)
                neutralised += count
            writer.write_batch(batch)
    return Exported(table, rows, path, path.stat().st_size, neutralised, emptied)


def neutralise(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Put an apostrophe before every text that a spreadsheet would run; gives how many there were."""
    columns, count = [], 0
    for column in batch.columns:
        if pa.types.is_string(column.type):
            is_run = pc.match_substring_regex(column, RUN_BY_SPREADSHEETS)
            found = pc.sum(is_run).as_py() or 0
            if found:
                column = pc.if_else(is_run, pc.binary_join_element_wise("'", column, ""), column)
            count += found
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema), count


def _writer(path: Path, schema: pa.Schema, format_name: str) -> Any:
    return csv.CSVWriter(path, schema) if format_name == "csv" else parquet.ParquetWriter(path, schema)


# --- the query --------------------------------------------------------------------------------------------------------


def column_types(table: str) -> dict[str, str]:
    """Give the contract's columns of a table, with the type that each has in Parquet (DuckDB's names)."""
    hints = get_type_hints(RECORDS[table], include_extras=True)
    return {name: _type(hints[name]) for name in RECORDS[table].model_fields}


def _type(hint: Any) -> str:
    choices = (hint, *get_args(hint))
    return next((sql_type for kind, sql_type in _TYPES.items() if kind in choices), "VARCHAR")


def _query(table: str, wanted: Wanted) -> str:
    types = column_types(table)
    columns = [f'{_value(name, types[name], wanted.format_name)} AS "{name}"' for name in types]
    lost = [_is_lost(name, sql_type) for name, sql_type in types.items() if sql_type != "VARCHAR"]
    where = f'WHERE TRY_CAST("{TABLES[table]}" AS TIMESTAMPTZ) >= CAST($since AS TIMESTAMPTZ)' if wanted.since else ""
    return f'SELECT {", ".join(columns)}, {" + ".join(lost)} AS {_EMPTIED} FROM raw."{table}" {where}'


def _value(name: str, sql_type: str, format_name: str) -> str:
    if sql_type == "TIMESTAMPTZ" and format_name == "csv":
        form = "'%Y-%m-%dT%H:%M:%S.%fZ'"
        return f"strftime(TRY_CAST(\"{name}\" AS TIMESTAMPTZ) AT TIME ZONE 'UTC', {form})"
    return f'CAST("{name}" AS VARCHAR)' if sql_type == "VARCHAR" else f'TRY_CAST("{name}" AS {sql_type})'


def _is_lost(name: str, sql_type: str) -> str:
    return f'CAST("{name}" IS NOT NULL AND TRY_CAST("{name}" AS {sql_type}) IS NULL AS INTEGER)'


# --- the folder -------------------------------------------------------------------------------------------------------


@contextmanager
def _finished_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder that takes its name when the block has ended well."""
    if folder.exists():
        raise InputError(f"A new folder is needed for the export, {folder} is there already. Name another.")
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
        yield part
        part.rename(folder)
    except OSError as error:
        raise InputError(
            f"A folder to write is needed, {error.filename or folder} gave: {error.strerror}. Choose another."
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
