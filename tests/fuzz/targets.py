"""Reads one file as the command line would, and checks that the store could take everything that comes of it."""

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from asp_analysis import sql
from asp_analysis.batch import Batch
from asp_analysis.errors import AnalysisError
from asp_analysis.importers.calls import Reading, Transcript
from asp_analysis.importers.mapping import Mapping, check_mapping, detect_target
from asp_analysis.importers.platform_file import FORMAT, KINDS, read_table_of, tables_of
from asp_analysis.importers.raw import RawBatch
from asp_analysis.importers.registry import FORMATS, detect
from asp_analysis.importers.rows import READERS, detect_format, first_columns, read_table
from asp_analysis.importers.tables import read_batches
from asp_analysis.importers.transcripts import Reconciliation, TranscriptBatches
from asp_analysis.loading import LoadOptions, _pricer
from asp_analysis.records import RECORDS
from asp_analysis.store.loading import storable
from asp_analysis.store.upsert import TABLES, _merge_of

READINGS = (Reading("branch", (("re*", "Review"),), keep_text=True), Reading())
_TABLES = sqlite3.connect(":memory:")
_TABLES.executescript(sql.script("sqlite/create_tables.sql"))
_PRICE = _pricer(LoadOptions())


def read_as(name: str, path: Path) -> int:
    """Read a file as the format `name`, whatever it is; give how many rows came of it.

    Raises:
        AssertionError: the store could not hold them, or reading again would change them.
        Exception: a defect, unless it is an `AnalysisError`, which ends the reading.
    """
    try:
        detect(path)
        if name in READERS:
            return _read_table(name, path)
        if name == FORMAT:
            return sum(_read_records(read_table_of(path, table), KINDS[table]) for table in tables_of(path))
        form = next(form for form in FORMATS if form.name == name)
        return sum(_read_transcript(form.read(path, reading), reading) for reading in READINGS)
    except AnalysisError as error:
        assert str(error), "an error says what is wrong"
        return 0


def _read_transcript(transcript: Transcript, reading: Reading) -> int:
    batches = TranscriptBatches(reading, _PRICE)
    made = batches.batches(transcript)
    Reconciliation().count(transcript, batches.unpriced)
    return sum(map(_checked, made))


def _read_table(name: str, path: Path) -> int:
    detect_format(path)
    columns = first_columns(path, name)
    count = 0
    for kind in RECORDS:
        count += _read_records(read_table(path, name), kind)
    if columns:
        check_mapping(str(path), columns, Mapping({"task_id": columns[0]}), "executions")
        detect_target(str(path), columns, Mapping())
    return count


def _read_records(raws: Iterator[RawBatch], kind: str) -> int:
    return sum(map(_checked, read_batches(raws, "a file", kind, Mapping())))


def _checked(batch: Batch) -> int:
    _check_rows(batch, batch.rows)
    for reject in batch.rejects:
        assert reject.reasons
        for text in (*map(storable, reject.reasons), storable(reject.raw_text)):
            text.encode()
    for record in set(batch.record_of_row):
        storable(batch.raw_text(record)).encode()
    if batch.combine is not None or batch.is_by_metric:
        _check_merging(batch)
    return len(batch.rows)


def _check_rows(batch: Batch, rows: list[tuple]) -> None:
    for row in rows:
        for value in row:
            _check_value(value)
    if batch.table == "task_metadata":  # the store itself asks for the time of a task
        place = batch.columns.index("created_at") if "created_at" in batch.columns else None
        rows = [] if place is None else [row for row in rows if row[place] is not None]
    if rows:
        places = ", ".join("?" * len(batch.columns))
        _TABLES.executemany(
            f"INSERT OR REPLACE INTO {batch.table} ({', '.join(batch.columns)}) VALUES ({places})", rows
        )
        _TABLES.rollback()


def _check_value(value: object) -> None:
    if isinstance(value, str):
        assert "\x00" not in value
        value.encode()
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, int):  # truth values too
        assert -(2**63) <= value < 2**63
    else:
        assert value is None


def _check_merging(batch: Batch) -> None:
    """Check that what is stored and read again stays as it is, and that the metrics of an execution become one row."""
    merge, place = batch.combine or _merge_of(batch), batch.columns.index(TABLES[batch.table].key[0])
    known: dict[str, tuple] = {}
    for row in batch.rows:
        once = merge(row, row)
        assert once == merge(once, row)
        known[row[place]] = merge(known.get(row[place], row), row)
    _check_rows(batch, list(known.values()))
