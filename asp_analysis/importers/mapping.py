"""How other people's column names become ours: `--map`, `--set`, and everything unmapped into `metadata`."""

import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.numbers import is_number, scaled, source_of, with_decimal_point
from asp_analysis.importers.raw import RawBatch
from asp_analysis.importers.rows import json_or_none
from asp_analysis.records import COLUMN_ALIASES, RECORDS, WIDE_METRICS, Record, parse_json
from asp_analysis.validation import Columns

STORE_NUMBERED = {"id", "execution_date"}
"""Columns of the tables that the store fills by itself; a file may hold them, they are not taken from it."""

_SHOWN_COLUMNS = 50

_INSTANTS = {"timestamp", "created_at", "started_at", "completed_at", "resolved_at", "measured_at"} | {
    "measurement_period_start",
    "measurement_period_end",
}


@dataclass(frozen=True)
class Mapping:
    """What the user said about a table: ours -> theirs, ours -> constant, the form of its times, numbers and texts.

    Behind the name of a column of numbers may stand what multiplies it: `seconds*1000`.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    time_format: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        try:
            time.strptime("", self.time_format or "")
        except (ValueError, re.error) as error:
            if not str(error).startswith(("time data", "unconverted")):
                raise InputError(
                    f"--time-format needs a form such as '%m/%d/%Y %H:%M', found {self.time_format!r} ({error}). "
                    "Mend it."
                ) from None


def detect_target(path: str, columns: list[str], mapping: Mapping) -> str:
    """Tell what the records are from the columns they have, as `--as` would say it.

    Raises:
        InputError: the columns fit no table; the message lists them.
    """
    ours = {COLUMN_ALIASES.get(name, name) for name in (*columns, *mapping.columns, *mapping.constants)}
    if {"metric_type", "metric_value"} <= ours:
        return "agent_cost_vector"
    if {"phase_injected", "phase_removed"} & ours:
        return "defect_log"
    if "capability_name" in ours:
        return "bootstrap_metrics"
    if ours & WIDE_METRICS.keys() and "agent_role" in ours:
        return "executions"
    if "task_id" in ours and len(ours & (RECORDS["task_metadata"].model_fields.keys() - {"metadata"})) >= 3:
        return "task_metadata"
    raise InputError(
        f"The kind of records in {path} must be known, the columns {_listed(columns)} do not tell it. "
        f"Say --as {'|'.join(RECORDS)}, and --map OURS=THEIRS for names of your own."
    )


def _listed(columns: list[str]) -> str:
    more = f" and {len(columns) - _SHOWN_COLUMNS:,} more" if len(columns) > _SHOWN_COLUMNS else ""
    return (", ".join(columns[:_SHOWN_COLUMNS]) or "(none)") + more


def check_mapping(path: str, columns: list[str], mapping: Mapping, loaded_as: str) -> None:
    """Refuse a mapping that names a column which is not there.

    Raises:
        InputError: an unknown name on either side, one name given both by --map and by --set, or a text multiplied.
    """
    model = RECORDS[loaded_as]
    fields = [*model.model_fields, *(COLUMN_ALIASES if loaded_as == "executions" else ())]
    for ours in (*mapping.columns, *mapping.constants):
        if ours not in fields:
            raise InputError(
                f"A column of {loaded_as} is needed on the left of =, {ours!r} is none. It has: {', '.join(fields)}."
            )
    for ours, theirs in mapping.columns.items():
        column, factor = source_of(theirs, columns)
        if column not in columns:
            raise InputError(
                f"--map {ours}={theirs} needs a column {column!r}, {path} has none of that name. "
                f"It has: {_listed(columns)}."
            )
        if factor is not None and not (factor and is_number(model, _canonical(model, ours))):
            raise InputError(
                f"Numbers and a factor above 0 are needed by *, --map {ours}={theirs} has none. Leave *{factor} out."
            )
        if ours in mapping.constants:
            raise InputError(f"One source for {ours} is needed, --map and --set both name it. Leave one out.")


def apply_mapping(model: type[Record], raw: RawBatch, mapping: Mapping) -> Columns:
    """Give the raw columns under the names of `model`; what has no place there goes to `metadata` as it is named."""
    count = raw.record_count
    mapped: Columns = {}
    for ours, theirs in mapping.columns.items():
        column = source_of(theirs, raw.columns)[0]
        if column in raw.columns:
            mapped[_canonical(model, ours)] = raw.columns[column]
    mapped |= {_canonical(model, ours): [value] * count for ours, value in mapping.constants.items()}
    extras = {name: raw.columns[name] for name in _unmapped(model, list(raw.columns), mapping)}
    for name, values in raw.columns.items():
        if name not in extras and (ours := _canonical(model, name)) in model.model_fields:
            mapped.setdefault(ours, values)
    _read_numbers(model, mapped, raw, mapping)
    if mapping.time_format:
        _read_times(mapped, mapping.time_format)
    if extras:
        mapped["metadata"] = _merged_metadata(mapped.get("metadata"), extras, count)
    return mapped


def _read_numbers(model: type[Record], columns: Columns, raw: RawBatch, mapping: Mapping) -> None:
    if mapping.decimal == ",":
        for name in columns:
            if is_number(model, name):
                columns[name] = [with_decimal_point(value) for value in columns[name]]
    for ours, theirs in mapping.columns.items():
        column, factor = source_of(theirs, raw.columns)
        if factor is not None and column in raw.columns:
            name = _canonical(model, ours)
            columns[name] = [scaled(value, factor) for value in columns[name]]


def unmapped_note(columns: list[str], mapping: Mapping, loaded_as: str) -> str:
    """Say which columns only go to `metadata`; empty where none does."""
    names = _unmapped(RECORDS[loaded_as], columns, mapping)
    return f"Not mapped, kept in metadata: {_listed(names)}. Name them with --map OURS=THEIRS." if names else ""


def _unmapped(model: type[Record], columns: list[str], mapping: Mapping) -> list[str]:
    sources = {ours: source_of(theirs, columns)[0] for ours, theirs in mapping.columns.items()}
    taken = {_canonical(model, ours) for ours, column in sources.items() if column in columns}
    taken |= {_canonical(model, ours) for ours in mapping.constants}
    left = []
    for name in columns:
        ours = _canonical(model, name)
        if ours in model.model_fields and ours not in taken:
            taken.add(ours)
        elif name not in sources.values() and not (ours in STORE_NUMBERED and "metric_type" in taken):
            left.append(name)
    return left


def _canonical(model: type[Record], name: str) -> str:
    alias = COLUMN_ALIASES.get(name, name)
    return alias if alias in model.model_fields else name


def _read_times(columns: Columns, time_format: str) -> None:
    for name in _INSTANTS & columns.keys():
        columns[name] = [_strptime(value, time_format) for value in columns[name]]


def _strptime(value: Any, time_format: str) -> Any:
    """Read a text by the user's format; what does not fit it is left for the record's own check to judge."""
    try:
        return datetime.strptime(value.strip(), time_format) if isinstance(value, str) else value
    except ValueError:
        return value


def _merged_metadata(given: list[Any] | None, extras: Columns, count: int) -> list[Any]:
    names = list(extras)
    rows = zip(*extras.values(), strict=True)
    return [
        _one_metadata(given[row] if given else None, dict(zip(names, values, strict=True)))
        for row, values in zip(range(count), rows, strict=True)
    ]


def _one_metadata(given: Any, extras: dict[str, Any]) -> Any:
    known = {name: value for name, raw in extras.items() if (value := json_or_none(raw)) is not None}
    if given in (None, "", "{}"):
        return known or None
    if isinstance(given, str):
        # The record's own check judges this text; the extras are added to it only where it is an object.
        try:
            given = parse_json(given)
        except ValueError:
            return given
    return {**known, **given} if isinstance(given, dict) else given
