"""Reads one file as the command line would, and checks that the store could take everything that comes of it."""

import json
import math
import sqlite3
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from asp_analysis import sql
from asp_analysis.batch import Batch
from asp_analysis.billing.reading import read_bills
from asp_analysis.billing.reconciliation import compare
from asp_analysis.call_prices import make_pricer
from asp_analysis.errors import AnalysisError
from asp_analysis.importers.file import SourceFile, open_file
from asp_analysis.importers.formats import platform_file
from asp_analysis.importers.formats.otlp import count_points, take_documents
from asp_analysis.importers.json_lines import Line
from asp_analysis.importers.presets.preset import PresetUse, read_preset
from asp_analysis.importers.presets.series import Stored
from asp_analysis.importers.presets.series_parts import PresetSeries
from asp_analysis.importers.registry import find_format
from asp_analysis.importers.tables.mapping import check_mapping, detect_target
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.importers.tables.record_batches import RecordReader
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.transcripts.call_batches import TranscriptRun
from asp_analysis.importers.transcripts.calls import Reading, Transcript
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import read_options
from asp_analysis.receiving.bodies import PROTOBUF, RECORDS_KEY, BodyError, BodyForm, read_body
from asp_analysis.receiving.pending import Patience, PendingTraces, Request
from asp_analysis.records import RECORDS
from asp_analysis.store.loads import storable
from asp_analysis.store.upsert import KEYED_TABLES, merge_of
from tests.fuzz.bill_seeds import BILLS
from tests.fuzz.preset_seeds import PRESETS
from tests.reading import detected, format_named

READINGS = (Reading(task_from="branch", roles=(("re*", "Review"),), keep_text=True), Reading())
_TABLES = sqlite3.connect(":memory:")
_TABLES.executescript(sql.script("sqlite/create_tables.sql"))
_BODY_FORMS = [BodyForm(kind, packing) for kind in ("application/json", PROTOBUF) for packing in ("identity", "gzip")]
_PRICE = make_pricer(LoadOptions())


def read_as(name: str, path: Path) -> int:
    """Read a file as the format `name`, whatever it is; give how many rows came of it.

    Raises:
        AssertionError: the store could not hold them, or reading again would change them.
        Exception: a defect, unless it is an `AnalysisError`, which ends the reading.
    """
    if name == "receive":
        return _receive(path.read_bytes())
    try:
        if name in BILLS:
            return _reconcile(path)
        if name.startswith("from-"):
            return _read_by_preset(name.removeprefix("from-"), path)
        detected(path)
        form = format_named(name)
        with open_file(path) as file:
            if isinstance(form, TranscriptFormat):
                return sum(_read_transcript(form.read_transcript(file, reading), reading) for reading in READINGS)
            if isinstance(form, TableFormat):
                return _read_table(form, file)
            tables = platform_file.list_tables(file)
            kinds = platform_file.KINDS
            return sum(_read_records(platform_file.read_table(file, table), kinds[table]) for table in tables)
    except AnalysisError as error:
        assert str(error), "an error says what is wrong"
        return 0


def _reconcile(path: Path) -> int:
    """Read a file as a bill, and compare it with a store that has seen nothing."""
    found = compare(read_bills([path]), [])
    for value in (found.billed_usd, found.seen_usd, found.unexplained_usd):
        _check_value(value)
    for row in (*found.cells.to_dict("records"), *found.causes.to_dict("records")):
        json.dumps(row, allow_nan=True, default=str)
    assert found.answer
    return len(found.cells)


def _read_by_preset(name: str, path: Path) -> int:
    """Read a file as the export or the report of a preset; a series as a run between two that are as the seed is."""
    use = PresetUse(preset=read_preset(name), said_as=name, task_from="[A-Z]+-[0-9]+", keep_text=True)
    told = {"task_id": "T-1"} if use.preset.asks else {}
    options = read_options(LoadOptions(preset=use, table=TableOptions(constants=told)))
    with open_file(path) as file:
        if use.preset.is_series:
            series = PresetSeries(use, options)
            for number in range(2):
                seed = path.with_name(f"seed-{number * 2}-{name}")
                seed.write_bytes(PRESETS[name]())
                with open_file(seed) as other:
                    series.add(other)
            series.add(file)
            stored = Stored(defects=lambda _names: set(), tasks=lambda _commits: {})
            parts = series.parts("a series", stored)
        else:
            form = find_format(file, options, is_named=True)
            parts = form.read_parts(file, options) if form else []
        count = sum(_checked(batch) for part in parts for batch in part.batches)
    for part in parts:
        json.dumps([part.found, part.notes, part.options])
    return count


def _receive(data: bytes) -> int:
    """Take bytes as the body of every kind of request, and whatever waits for its trace as whole."""
    pending, transcript = PendingTraces(), Transcript(source="opentelemetry")
    for signal, form in product(RECORDS_KEY, _BODY_FORMS):
        try:
            document = read_body(signal, form, data)
        except BodyError as error:
            assert str(error) and 400 <= error.status < 500
            continue
        json.dumps(document)
        pending.add(document, Request("received-1", 1, 0.0))
        count_points(document)
    settled = pending.take(0.0, Patience.NONE)
    pending.retain(settled, 0.0)
    assert pending.count == 0
    for items in settled.by_source().values():
        documents = ((item.document, Line(item.number, item.name.encode(errors="replace"))) for item in items)
        take_documents(documents, Reading(), transcript, lambda _count: None, set())
    return _read_transcript(transcript, Reading())


def _read_transcript(transcript: Transcript, reading: Reading) -> int:
    run = TranscriptRun(reading, _PRICE)
    made = run.make_batches(transcript)
    run.count(transcript)
    return sum(map(_checked, made))


def _read_table(form: TableFormat, file: SourceFile) -> int:
    first = next(form.read_table(file, TableOptions()), None)
    count = 0
    for kind in RECORDS:
        count += _read_records(form.read_table(file, TableOptions()), kind)
    if first is not None and (columns := list(first.columns)):
        check_mapping(file.name, columns, TableOptions(columns={"task_id": columns[0]}), ("executions",))
        detect_target(file.name, columns, TableOptions())
    return count


def _read_records(raws: Iterator[RawBatch], kind: str) -> int:
    return sum(map(_checked, RecordReader("a file", kind, TableOptions(), price=_PRICE).read(raws)))


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
    merge, place = batch.combine or merge_of(batch), batch.columns.index(KEYED_TABLES[batch.table].key[0])
    known: dict[str, tuple] = {}
    for row in batch.rows:
        once = merge(row, row)
        assert once == merge(once, row)
        known[row[place]] = merge(known.get(row[place], row), row)
    _check_rows(batch, list(known.values()))
