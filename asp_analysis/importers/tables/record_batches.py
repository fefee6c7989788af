"""Tables of records (CSV, JSON Lines, Parquet) -> batches for the store: executions, their metrics, and the others."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from asp_analysis.batch import Batch, Reject
from asp_analysis.errors import InputError
from asp_analysis.executions import COLUMN_OF, COLUMNS, CONTEXT, MEASURES, METRICS, ORIGIN, PLACE
from asp_analysis.importers.tables.cells import CellReader
from asp_analysis.importers.tables.mapping import apply_mapping, former_metadata, unmapped_note
from asp_analysis.importers.tables.occurrences import Occurrences
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.tables.table_prices import price_executions
from asp_analysis.importers.transcripts.call_rows import Pricer
from asp_analysis.platform_form import VECTORS, unfold
from asp_analysis.records import RECORDS, json_text, table_of
from asp_analysis.validation import Columns, validate_columns

_METRIC_SHIFT = {metric: 16 * place for place, metric in enumerate(METRICS)}

_STAYS_OF_A_DEFECT = ("found_at", "task_id", "description")

MOST_REJECTED_RECORDS = 1_000_000

Rows = list[tuple[Any, ...]]


class RecordReader:
    """Reads the raw columns of one file as records of one kind: mapped, checked, named and priced.

    kind: a key of `records.RECORDS`. Executions without an `execution_id` get one from their content and its occurrence
    in the file, so that loading the file again, or a longer version of it, names every execution as before; so do
    defects without a `defect_id`. price: prices executions that name a model and tokens and no cost. notes: gets what
    the user should know, when all is read.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        options: TableOptions,
        *,
        price: Pricer | None = None,
        notes: list[str] | None = None,
    ) -> None:
        self._name, self._kind, self._options, self._price = name, kind, options, price
        self._notes = [] if notes is None else notes
        self._cells = CellReader(kind, options)
        self._priced = 0

    def read(self, raws: Iterable[RawBatch]) -> Iterator[Batch]:
        """Yield the batches of a file.

        Raises:
            InputError: the file cannot be read, or more than `MOST_REJECTED_RECORDS` of its records cannot be taken.
        """
        rejected = filled = 0
        with closing(Occurrences()) as occurrences:
            for number, raw in enumerate(raws):
                if number == 0 and (note := unmapped_note(list(raw.columns), self._options, self._kind)):
                    self._notes.append(note)
                batch = self._batch(raw, occurrences)
                filled += raw.filled
                rejected += len(batch.rejects)
                if rejected > MOST_REJECTED_RECORDS:
                    raise self._too_many_rejects(batch.rejects[-1])
                yield batch
        self._note(filled)

    def _is_priced(self, raw: RawBatch) -> bool:
        """Return whether missing costs are computed: not in a copy of a store, as `export` writes it."""
        return self._kind == "executions" and not raw.columns.keys() >= set(COLUMNS)

    def _note(self, filled: int) -> None:
        self._notes += self._cells.notes
        if filled:
            lines = "line has" if filled == 1 else "lines have"
            self._notes.append(f"{filled:,} {lines} fewer cells than the header; the missing ones are empty.")
        if self._priced:
            had = "execution had no cost and was" if self._priced == 1 else "executions had no cost and were"
            self._notes.append(f"{self._priced:,} {had} priced by model and tokens.")

    def _too_many_rejects(self, last: Reject) -> InputError:
        return InputError(
            f"{self._name} has more than {MOST_REJECTED_RECORDS:,} records that cannot be taken as {self._kind} "
            f"(line {last.line_number}: {last.reasons[0]}). Correct it, or say how to read it: --map, --time-format."
        )

    def _batch(self, raw: RawBatch, occurrences: Occurrences) -> Batch:
        kind, model = self._kind, RECORDS[self._kind]
        given = apply_mapping(kind, raw, self._options, self._cells)
        if kind == "defect_log":
            given["defect_id"] = _defect_ids(given, raw.record_count, occurrences)
        clean, errors = validate_columns(model, given, raw.record_count, self._cells.repair)
        rejects = [
            Reject(raw.line_numbers[record], tuple(reasons), raw.raw_text(record)) for record, reasons in errors.items()
        ]
        good = [record for record in range(raw.record_count) if record not in errors] if errors else None
        unnamed_count = _unnamed_count(clean, errors)
        clean = _only(clean, good)
        if unnamed_count and kind == "metrics":
            clean["execution_id"] = _with_names(clean, _named_by_context(clean, occurrences))
        elif unnamed_count:
            told = former_metadata(raw, given, self._options)
            kept = (
                clean["metadata_json"] if told is None else told if good is None else [told[record] for record in good]
            )
            clean["execution_id"] = list(_named_by_content(clean, kept, occurrences))
        priced = price_executions(clean, self._price) if self._price and self._is_priced(raw) else 0
        self._priced += priced
        columns, rows = rows_of(kind, clean, given)
        return Batch(
            table=table_of(kind),
            columns=columns,
            rows=rows,
            record_of_row=good if good is not None else range(raw.record_count),
            line_numbers=raw.line_numbers,
            raw_text=raw.raw_text,
            record_count=raw.record_count + len(raw.unreadable),
            rejects=sorted([*raw.unreadable, *rejects], key=lambda reject: reject.line_number),
            unnamed_count=unnamed_count,
            is_by_metric=kind == "metrics",
            has_computed_costs=bool(priced),
        )


def _only(clean: Columns, good: list[int] | None) -> Columns:
    return clean if good is None else {name: [values[record] for record in good] for name, values in clean.items()}


def _defect_ids(given: Columns, count: int, occurrences: Occurrences) -> list[Any]:
    """Name defects without an id by what stays of them: their type may be corrected, and one day they are resolved."""
    unknown = [None] * count
    ids, *stays = (given.get(name, unknown) for name in ("defect_id", *_STAYS_OF_A_DEFECT))
    return [
        _occurrence(content, occurrences) if own in (None, "") else own
        for own, *content in zip(ids, *stays, strict=True)
    ]


def _occurrence(content: Sequence[Any], occurrences: Occurrences) -> str:
    """Name a record by its content and by how often that was met in its file."""
    digest = _digest(content)
    count = occurrences[digest] + 1
    occurrences[digest] = count
    return f"{digest}-{count}"


def _unnamed_count(clean: Columns, errors: dict[int, list[str]]) -> int:
    names = clean.get("execution_id", [])
    return names.count(None) - sum(names[record] is None for record in errors if names)


def rows_of(kind: str, clean: Columns, given: Columns) -> tuple[tuple[str, ...], Rows]:
    """Return the columns of the store and the rows that records of a kind become, one row a record.

    clean: the validated columns; given: the columns that the source has, others stay out of the rows of tables.
    """
    if kind == "executions":
        return COLUMNS, list(zip(*(clean[name] for name in COLUMNS), strict=True))
    if kind == "metrics":
        return COLUMNS, _metric_rows(clean)
    columns = tuple(name for name in clean if name in given)
    if VECTORS.get(kind, {}).keys() & columns:
        columns, rows = _unfolded(kind, columns, clean)
    else:
        rows = list(zip(*(clean[name] for name in columns), strict=True))
    if kind == "task_metadata" and "is_stub" not in columns:
        return (*columns, "is_stub"), [_with_stub_mark(columns, row) for row in rows]
    return columns, rows


def _unfolded(kind: str, columns: tuple[str, ...], clean: Columns) -> tuple[tuple[str, ...], Rows]:
    """Return the rows of records with the platform's JSON vectors; every column that one of them may fill."""
    values = zip(*(clean[name] for name in columns), strict=True)
    records = [unfold(kind, dict(zip(columns, row, strict=True))) for row in values]
    filled = [column for vector in VECTORS[kind].values() for column in vector.values()]
    kept = [name for name in columns if name not in VECTORS[kind]]
    ours = tuple(dict.fromkeys([*kept, *filled, "metadata_json"]))
    return ours, [tuple(map(record.get, ours)) for record in records]


def _with_stub_mark(columns: tuple[str, ...], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Add `is_stub` to the row of a task: the platform's form and earlier releases have it in the metadata."""
    place = columns.index("metadata_json") if "metadata_json" in columns else None
    if place is None or '"is_stub":true' not in (row[place] or ""):
        return (*row, False)
    metadata = json.loads(row[place])
    is_stub = metadata.pop("is_stub", False) is True  # else it is a key further inside
    text = (json_text(metadata) if metadata else None) if is_stub else row[place]
    return (*row[:place], text, *row[place + 1 :], is_stub)


def _named_by_content(clean: Columns, metadata: Sequence[str | None], occurrences: Occurrences) -> Iterator[str]:
    """Name each execution that has no name by all that is known of it.

    The names are those that earlier releases gave, with which a file that was loaded then is known again: measured
    values were floats, and `metadata` is what they kept there.
    """
    contexts = zip(*(clean[name] for name in CONTEXT), strict=True)
    measured = zip(*(clean[name] for name in MEASURES), strict=True)
    for own, context, values, text in zip(clean["execution_id"], contexts, measured, metadata, strict=True):
        if own is not None:
            yield own
            continue
        floats = tuple(None if value is None else float(value) for value in values)
        yield _occurrence((context, floats, text), occurrences)


def _with_names(clean: Columns, names: Iterable[str]) -> list[str]:
    return [name if own is None else own for own, name in zip(clean["execution_id"], names, strict=True)]


def _metric_rows(clean: Columns) -> Rows:
    """Return each metric as a row of its execution in which only it is known: merged, they are the execution."""
    contexts = zip(*(clean[name] for name in CONTEXT), strict=True)
    empty = (None,) * (len(MEASURES) + len(ORIGIN))
    rows = []
    for context, metric, value, metadata, name in zip(
        contexts,
        clean["metric_type"],
        clean["metric_value"],
        clean["metadata_json"],
        clean["execution_id"],
        strict=True,
    ):
        row = [*context, *empty, metadata, name]
        row[PLACE[COLUMN_OF[metric]]] = int(value) if METRICS[metric].is_count else value
        rows.append(tuple(row))
    return rows


def _named_by_context(clean: Columns, occurrences: Occurrences) -> Iterator[str]:
    """Name the execution of each metric row: the rows of one context belong together until a metric comes again.

    `occurrences` packs the counts of all metrics of one context into one integer, 16 bits each.
    """
    last_context, digest = None, ""
    contexts = zip(*(clean[name] for name in CONTEXT), strict=True)
    for context, metric in zip(contexts, clean["metric_type"], strict=True):
        if context != last_context:
            last_context, digest = context, _digest(context)
        shift = _METRIC_SHIFT[metric]
        counts = occurrences[digest] + (1 << shift)
        occurrences[digest] = counts
        yield f"{digest}-{counts >> shift & 0xFFFF}"


def _digest(content: Sequence[Any]) -> str:
    return hashlib.blake2b(repr(content).encode(), digest_size=12).hexdigest()
