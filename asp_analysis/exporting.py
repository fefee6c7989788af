"""Writes the store's tables to files for other tools: CSV that a spreadsheet can open safely, or typed Parquet.

What leaves here can be loaded again: the columns are the store's, or those of the ASP platform, in the form that `load`
reads. Rows come in the order of their key. All files of one export show one instant, and get their final names
together or not at all.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import InputError, StoreError
from asp_analysis.platform_form import our_name
from asp_analysis.progress import Step, is_heard, tell
from asp_analysis.session import view_key
from asp_analysis.session.batches import AS_STORED, Read, reading_batches
from asp_analysis.session.persons import PersonView

VIEWS = {
    "agent_roles": "stg_roles",
    "capabilities": "stg_capabilities",
    "defect_types": "stg_defect_types",
    "task_metadata": "stg_tasks",
    "agent_cost_vector": "stg_executions",
    "defect_log": "stg_defects",
    "bootstrap_metrics": "stg_learning",
    "people": "stg_people",
    "code_change": "stg_changes",
    "change_session": "stg_change_sessions",
}
"""Table -> the view that has its rows with real types."""

_FOCUS_FILE = "cost_and_usage"
"""The name that FOCUS has for its dataset, and that of the file."""

_SINCE = {
    "task_metadata": "created_at",
    "agent_cost_vector": "executed_at",
    "defect_log": "found_at",
    "bootstrap_metrics": "measured_at",
}
"""Table -> the column that `since` looks at; the vocabularies are exported whole."""

RUN_BY_SPREADSHEETS = r"^\x{FEFF}*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""A text that begins so may be run as a formula when a spreadsheet opens it (CWE-1236, OWASP "CSV injection"); the last
four are the wide forms of = + - @. A byte order mark before it is not seen."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """One file of an export.

    rows: how many; neutralised: its cells that got a leading apostrophe.
    """

    table: str
    rows: int
    file: Path
    size_bytes: int
    neutralised: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to export.

    tables: of `RECORD_TABLES`; since: the instant (UTC text) from which on; is_raw: whether CSV cells stay as they are;
    is_as_platform: whether rows have the form in which the ASP platform writes them, one row per metric; has_views:
    whether the marts are written, too; is_focus: whether it is one file of what was spent, as FOCUS 1.2 has it, and no
    table; persons: how persons are shown, by their names where None.
    """

    tables: tuple[str, ...] = sql.RECORD_TABLES
    format_name: str = "csv"
    since: str | None = None
    is_raw: bool = False
    is_as_platform: bool = False
    has_views: bool = False
    is_focus: bool = False
    persons: PersonView | None = None


def export(url: StoreUrl, folder: Path, wanted: Wanted) -> list[Exported]:
    """Write one file per table into a new folder, in bounded memory.

    CSV: UTF-8 with a header; unknown is an empty cell and an empty text is `""`; instants as in the store. Texts that a
    spreadsheet would run get a leading apostrophe unless `is_raw`; numbers stay numbers. Parquet: instants are UTC
    timestamps, counts integers, flags booleans, JSON is text. The platform's form has its names, instants with a
    space and flags as 0 and 1.

    Raises:
        InputError: the folder is there already or cannot be written.
        StoreError: the store cannot be read, or is of the platform or of an earlier release.
    """
    with _finished_folder(folder) as part, reading_batches(url, wanted.persons) as read:
        _check_form(url, read)
        tables = [name for name in sql.RECORD_TABLES if name in wanted.tables]
        if wanted.is_as_platform:
            tables = [name for name in tables if name in sql.CONTRACT_TABLES]
        queries = {table: _query(read, table, wanted) for table in tables}
        if wanted.is_focus:
            queries = {_FOCUS_FILE: _focus_query()}
        if wanted.has_views:
            queries |= {name: _view_query(read, name, wanted) for name in sql.view_names("marts")}
        written = [_write(read, name, query, part, wanted) for name, query in queries.items()]
    return [Exported(**{**vars(one), "file": folder / one.file.name}) for one in written]


def _focus_query() -> str:
    text = sql.view_text("to_focus", _FOCUS_FILE)
    key = text.partition("-- key: ")[2].partition("\n")[0]
    return f"{text.replace('FROM stg_', f'FROM {AS_STORED}.stg_')} ORDER BY {key}"


def _check_form(url: StoreUrl, read: Read) -> None:
    """Refuse what is not in the store's own form: values that fit no column would leave no trace in a file."""
    with read("SELECT count(*) AS n FROM duckdb_schemas() WHERE schema_name = 'platform'") as reader:
        if reader.read_all()["n"][0].as_py():
            raise StoreError(
                f"{url.shown} was written by the ASP platform or by an earlier release. Load it into a store "
                "(asp-analysis load FILE --db sqlite:///STORE), or let this release upgrade it (asp-analysis init --db "
                f"{url.shown}), and export that."
            )


def _write(read: Read, table: str, query: str, folder: Path, wanted: Wanted) -> Exported:
    path = folder / f"{table}.{wanted.format_name}"
    rows = neutralised = 0
    since: dict[str, str | None] = {"since": wanted.since} if wanted.is_focus else {}
    if wanted.since and table in _SINCE:
        since["since"] = wanted.since
    with ExitStack() as stack:
        total = _count(read, query, since) if is_heard() else None
        reader = stack.enter_context(read(query, **since))
        writer = stack.enter_context(_writer(path, reader.schema, wanted.format_name))
        for batch in reader:
            rows += batch.num_rows
            if wanted.format_name == "csv" and not wanted.is_raw:
                batch, count = neutralise(batch)
                neutralised += count
            writer.write_batch(batch)
            tell(Step(part=table, done=rows, total=total))
    return Exported(table=table, rows=rows, file=path, size_bytes=path.stat().st_size, neutralised=neutralised)


def _count(read: Read, query: str, since: dict[str, str | None]) -> int:
    with read(f"SELECT count(*) AS n FROM ({query})", **since) as reader:
        return int(reader.read_all()["n"][0].as_py())


def neutralise(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Put an apostrophe before every text that a spreadsheet would run; return how many there were."""
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


def _query(read: Read, table: str, wanted: Wanted) -> str:
    if wanted.is_as_platform:
        text = sql.view_text("to_platform", table)
        source, key = (
            f"({text.replace('FROM stg_', f'FROM {AS_STORED}.stg_')}) AS rows",
            text.partition("-- key: ")[2].partition("\n")[0],
        )
    else:
        source, key = f"{AS_STORED}.{VIEWS[table]}", ", ".join(view_key(VIEWS[table]))
    types = _types(read, source)
    if not wanted.is_as_platform:
        types = {name: types[name] for name in sql.table_columns()[table] if name != "load_id"}
    columns = ", ".join(f'{_value(name, kind, wanted)} AS "{name}"' for name, kind in types.items())
    where = ""
    if wanted.since and table in _SINCE:
        since = next(name for name in types if our_name(_KIND_NAMES.get(table, table), name) == _SINCE[table])
        where = f'WHERE "{since}" >= CAST($since AS TIMESTAMP)'
    return f"SELECT {columns} FROM {source} {where} ORDER BY {key}"


def _view_query(read: Read, name: str, wanted: Wanted) -> str:
    """Return the query of a whole mart, as people see it."""
    columns = ", ".join(f'{_value(column, kind, wanted)} AS "{column}"' for column, kind in _types(read, name).items())
    return f"SELECT {columns} FROM {name} ORDER BY {', '.join(view_key(name))}"


_KIND_NAMES = {"agent_cost_vector": "metrics"}


def _types(read: Read, source: str) -> dict[str, str]:
    """Return the columns of a view or a SELECT in brackets, with DuckDB's type of each."""
    with read(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {source})") as reader:
        found = reader.read_all().to_pydict()
    return dict(zip(found["column_name"], found["column_type"], strict=True))


def _value(name: str, kind: str, wanted: Wanted) -> str:
    if kind == "TIMESTAMP" and wanted.format_name == "csv":
        form = "%Y-%m-%d %H:%M:%S.%f" if wanted.is_as_platform else "%Y-%m-%dT%H:%M:%S.%fZ"
        return f"strftime(\"{name}\", '{form}')"
    if kind == "TIMESTAMP":
        return f"\"{name}\" AT TIME ZONE 'UTC'"
    if kind == "BOOLEAN" and wanted.is_as_platform:
        return f'CAST("{name}" AS INTEGER)'
    return f'"{name}"'


# --- the folder -------------------------------------------------------------------------------------------------------


@contextmanager
def _finished_folder(folder: Path) -> Iterator[Path]:
    """Return a temporary folder that takes its name when the block has ended well."""
    if folder.exists():
        raise InputError(f"The folder {folder} exists already. Name a new folder for the export.")
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
        yield part
        part.rename(folder)
    except OSError as error:
        raise InputError(
            f"The export to {error.filename or folder} failed: {error.strerror}. Choose another folder."
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
