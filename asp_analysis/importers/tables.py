"""Tables of records (CSV, JSON Lines, Parquet) -> batches for the store, in long or wide form."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from asp_analysis.batch import Batch, Reject
from asp_analysis.errors import InputError
from asp_analysis.importers.mapping import Mapping, apply_mapping
from asp_analysis.importers.occurrences import Occurrences
from asp_analysis.importers.raw import RawBatch
from asp_analysis.importers.rows import read_table
from asp_analysis.records import EXECUTION_CONTEXT, METRIC_UNITS, RECORDS, WIDE_METRICS
from asp_analysis.validation import Columns, validate_columns

_METRIC_SHIFT = {metric: 16 * place for place, metric in enumerate(METRIC_UNITS)}

_STAYS_OF_A_DEFECT = ("created_at", "task_id", "description")

MOST_REJECTS = 1_000_000

COST_COLUMNS = (
    *EXECUTION_CONTEXT,
    "metadata",
    "execution_date",
    "execution_id",
    "metric_type",
    "metric_value",
    "metric_unit",
)


def read_batches(path: Path, format_name: str, loaded_as: str, mapping: Mapping) -> Iterator[Batch]:
    """Read a file as records of `loaded_as` (a key of `records.RECORDS`), checked, mapped and named.

    Executions without an `execution_id` get one from their content and its occurrence in the file, so that loading the
    file again, or a longer version of it, names every execution as before; so do defects without a `defect_id`.

    Raises:
        InputError: the file cannot be read, or more than `MOST_REJECTS` of its records cannot be taken.
    """
    rejected = 0
    with closing(Occurrences()) as occurrences:
        for raw in read_table(path, format_name, mapping.encoding):
            batch = _batch(raw, loaded_as, mapping, occurrences)
            rejected += len(batch.rejects)
            if rejected > MOST_REJECTS:
                raise _too_many_rejects(path, loaded_as, batch.rejects[-1])
            yield batch


def _too_many_rejects(path: Path, loaded_as: str, last: Reject) -> InputError:
    return InputError(
        f"A table of {loaded_as} is needed, {path} has more than {MOST_REJECTS:,} records that cannot be taken "
        f"(line {last.line_number}: {last.reasons[0]}). Mend it, or say how to read it: --map, --time-format."
    )


def _batch(raw: RawBatch, loaded_as: str, mapping: Mapping, occurrences: Occurrences) -> Batch:
    model = RECORDS[loaded_as]
    given = apply_mapping(model, raw, mapping)
    if loaded_as == "defect_log":
        given["defect_id"] = _defect_ids(given, raw.record_count, occurrences)
    clean, errors = validate_columns(model, given, raw.record_count)
    rejects = [
        Reject(raw.line_numbers[record], tuple(reasons), raw.raw_text(record)) for record, reasons in errors.items()
    ]
    good = [record for record in range(raw.record_count) if record not in errors] if errors else None
    unnamed_count = _unnamed_count(clean, errors)
    table, columns, rows, record_of_row = _rows(loaded_as, clean, given, good, occurrences)
    return Batch(
        table=table,
        columns=columns,
        rows=rows,
        record_of_row=record_of_row,
        line_numbers=raw.line_numbers,
        raw_text=raw.raw_text,
        record_count=raw.record_count + len(raw.unreadable),
        rejects=sorted([*raw.unreadable, *rejects], key=lambda reject: reject.line_number),
        unnamed_count=unnamed_count,
    )


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


def _rows(
    loaded_as: str, clean: Columns, given: Columns, good: list[int] | None, occurrences: Occurrences
) -> tuple[str, tuple[str, ...], list[tuple[Any, ...]], Any]:
    if good is not None:
        clean = {name: [values[record] for record in good] for name, values in clean.items()}
    records = good if good is not None else range(len(next(iter(clean.values()))))
    if loaded_as == "agent_cost_vector":
        return "agent_cost_vector", COST_COLUMNS, _long_rows(clean, occurrences), records
    if loaded_as == "executions":
        rows, origin = _wide_rows(clean, list(records), occurrences)
        return "agent_cost_vector", COST_COLUMNS, rows, origin
    columns = tuple(name for name in clean if name in given)
    return loaded_as, columns, list(zip(*(clean[name] for name in columns), strict=True)), records


def _long_rows(clean: Columns, occurrences: Occurrences) -> list[tuple[Any, ...]]:
    given = clean["execution_id"]
    if None in given:
        named = _named_by_context(clean, occurrences)
        clean["execution_id"] = [own if own is not None else name for own, name in zip(given, named, strict=True)]
    clean["execution_date"] = [instant[:10] for instant in clean["timestamp"]]
    return list(zip(*(clean[name] for name in COST_COLUMNS), strict=True))


def _named_by_context(clean: Columns, occurrences: Occurrences) -> Iterator[str]:
    """Name the execution of each metric row: the rows of one context belong together until a metric comes again.

    `occurrences` packs the counts of all metrics of one context into one integer, 16 bits each.
    """
    last_context, digest = None, ""
    contexts = zip(*(clean[name] for name in EXECUTION_CONTEXT), strict=True)
    for context, metric in zip(contexts, clean["metric_type"], strict=True):
        if context != last_context:
            last_context, digest = context, _digest(context)
        shift = _METRIC_SHIFT[metric]
        counts = occurrences[digest] + (1 << shift)
        occurrences[digest] = counts
        yield f"{digest}-{counts >> shift & 0xFFFF}"


def _wide_rows(clean: Columns, records: list[int], occurrences: Occurrences) -> tuple[list[tuple[Any, ...]], list[int]]:
    contexts = zip(*(clean[name] for name in EXECUTION_CONTEXT), strict=True)
    measured = zip(*(clean[name] for name in WIDE_METRICS), strict=True)
    rows, origin = [], []
    for context, values, metadata, execution_id, record in zip(
        contexts, measured, clean["metadata"], clean["execution_id"], records, strict=True
    ):
        if execution_id is None:
            execution_id = _occurrence((context, values, metadata), occurrences)
        head = (*context, metadata, context[0][:10], execution_id)
        for metric, value in zip(WIDE_METRICS.values(), values, strict=True):
            if value is not None:
                rows.append((*head, metric, value, METRIC_UNITS[metric]))
                origin.append(record)
    return rows, origin


def _digest(content: Sequence[Any]) -> str:
    return hashlib.blake2b(repr(content).encode(), digest_size=12).hexdigest()
