"""A captured record as one line of JSON, and lines as a batch for the store.

The caller makes the line (a copy that nothing can change afterwards), the background thread makes the batch: the
record's own model decides there what is right, and what is wrong is kept as a reject with its reasons.
"""

import json
import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from numbers import Real
from pathlib import PurePath
from typing import Any
from uuid import UUID

from asp_analysis.batch import Batch, Reject
from asp_analysis.importers.tables.record_batches import rows_of
from asp_analysis.platform_form import our_name
from asp_analysis.records import RECORDS, table_of
from asp_analysis.validation import validate_columns

_DEEPEST = 20


def line_of(record: dict[str, Any]) -> str:
    """Return a record as one line of ASCII JSON without its line end; whatever it holds, it becomes a line.

    NaN and infinity become text (no JSON number can say them), so that the record is rejected with that reason.
    """
    try:
        return json.dumps(record, allow_nan=False, default=_plain_object, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_plain(record, 0), separators=(",", ":"))


def batch_of(kind: str, lines: Sequence[str], first_number: int) -> Batch:
    """Return lines as a checked batch of `kind` (`executions`, `defect_log`); lines count from `first_number`."""
    rejects: list[Reject] = []
    numbers, texts, objects = [], [], []
    for number, line in enumerate(lines, first_number):
        record, reason = _read(kind, line)
        if reason is None:
            numbers.append(number)
            texts.append(line)
            objects.append(record)
        else:
            rejects.append(Reject(number, (reason,), line))
    given = {name: [record.get(name) for record in objects] for name in dict.fromkeys(n for o in objects for n in o)}
    clean, errors = validate_columns(RECORDS[kind], given, len(objects)) if objects else ({}, {})
    rejects += [Reject(numbers[row], tuple(reasons), texts[row]) for row, reasons in errors.items()]
    good = [row for row in range(len(objects)) if row not in errors]
    kept = {name: [values[row] for row in good] for name, values in clean.items()}
    columns, rows = rows_of(kind, kept, given) if good else ((), [])
    return Batch(
        table=table_of(kind),
        columns=columns,
        rows=rows,
        record_of_row=good,
        line_numbers=numbers,
        raw_text=texts.__getitem__,
        record_count=len(lines),
        rejects=rejects,
    )


def _read(kind: str, line: str) -> tuple[dict[str, Any], str | None]:
    try:
        record = json.loads(line)
    except ValueError as error:
        return {}, f"the line is not JSON: {error}"
    if not isinstance(record, dict):
        return {}, "the line is not a JSON object"
    record = {our_name(kind, name): value for name, value in record.items()}  # also the names of earlier releases
    unknown = sorted(record.keys() - RECORDS[kind].model_fields.keys())
    if unknown:
        return {}, f"{unknown[0]}: is no column of {kind}"
    return record, None


def _plain_object(value: Any) -> Any:
    """Return what JSON has no form for as text; foreign objects as their type, their `__str__` is not run here."""
    if isinstance(value, Real):  # numpy's scalars
        return float(value)
    if isinstance(value, date | Decimal | UUID | PurePath):
        return str(value)
    return f"<{type(value).__qualname__}>"


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return f"<{type(value).__qualname__}>"
    if isinstance(value, dict):
        return {_plain_key(key): _plain(inner, depth + 1) for key, inner in list(value.items())}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else repr(float(value))
    return _plain_object(value)


def _plain_key(key: Any) -> str:
    return key if isinstance(key, str) else str(_plain(key, _DEEPEST))
