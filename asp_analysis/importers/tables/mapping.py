"""How other people's column names become ours: `--map`, `--set`, and everything unmapped into `metadata`."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.executions import MEASURES, ORIGIN
from asp_analysis.importers.tables.numbers import is_number, scaled, source_of, with_decimal_point
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.platform_form import our_name
from asp_analysis.records import RECORDS, json_text, parse_json
from asp_analysis.validation import Columns

_SAY_NOTHING = {"metrics": {"id", "execution_date"}, "bootstrap_metrics": {"id"}}
"""Kind of record -> columns of the platform's table that say nothing of their own."""

_SHOWN_COLUMNS = 50

_INSTANTS = {"executed_at", "created_at", "started_at", "completed_at", "found_at", "fixed_at", "measured_at"} | {
    "period_start_at",
    "period_end_at",
}


@dataclass(frozen=True, kw_only=True)
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


_TASK_COLUMNS = RECORDS["task_metadata"].model_fields.keys() - {"metadata_json"}

_MARKS: dict[str, Callable[[set[str]], bool]] = {
    "metrics": lambda names: {"metric_type", "metric_value"} <= names,
    "defect_log": lambda names: bool({"phase_injected", "phase_removed"} & names),
    "defect_types": lambda names: {"defect_type", "type_order", "taxonomy"} <= names,
    "capabilities": lambda names: {"capability", "capability_order", "meaning"} <= names,
    "bootstrap_metrics": lambda names: {"capability", "measured_at"} <= names,
    "agent_roles": lambda names: {"agent_role", "phase_order", "kind"} <= names,
    "executions": lambda names: bool(names & MEASURES.keys()) and "agent_role" in names,
    "task_metadata": lambda names: "task_id" in names and len(names & _TASK_COLUMNS) >= 3,
}
"""Kind of record -> whether columns, under our names, tell that it is this kind; the first that fits is taken."""


def kind_of(table: str, columns: list[str], mapping: Mapping) -> str:
    """Return what `--as` means: `agent_cost_vector` has one row per execution, or per metric as the platform writes."""
    if table != "agent_cost_vector":
        return table
    named = {*columns, *mapping.columns, *mapping.constants}
    return "metrics" if "metric_type" in named else "executions"


def detect_target(path: str, columns: list[str], mapping: Mapping) -> str:
    """Tell what the records are from the columns they have, as `--as` would say it.

    Raises:
        InputError: the columns fit no table; the message lists them.
    """
    named = {*columns, *mapping.columns, *mapping.constants}
    fitting = [kind for kind, is_fitting in _MARKS.items() if is_fitting({our_name(kind, name) for name in named})]
    if fitting:
        return fitting[0]
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
    model, sources = RECORDS[loaded_as], Counter(our_name(loaded_as, ours) for ours in _said(mapping))
    for ours in _said(mapping):
        if our_name(loaded_as, ours) not in model.model_fields:
            raise InputError(
                f"A column of {loaded_as} is needed on the left of =, {ours!r} is none. "
                f"It has: {', '.join(model.model_fields)}."
            )
    for ours, theirs in mapping.columns.items():
        column, factor = source_of(theirs, columns)
        if column not in columns:
            raise InputError(
                f"--map {ours}={theirs} needs a column {column!r}, {path} has none of that name. "
                f"It has: {_listed(columns)}."
            )
        if factor is not None and not (factor and is_number(model, our_name(loaded_as, ours))):
            raise InputError(
                f"Numbers and a factor above 0 are needed by *, --map {ours}={theirs} has none. Leave *{factor} out."
            )
    for name, count in sources.items():
        if count > 1:
            raise InputError(f"One source for {name} is needed, --map and --set name {count}. Leave one out.")


def _said(mapping: Mapping) -> list[str]:
    return [*mapping.columns, *mapping.constants]


def apply_mapping(kind: str, raw: RawBatch, mapping: Mapping) -> Columns:
    """Give the raw columns under our names; what has no place there goes to `metadata_json` as it is named."""
    model, count = RECORDS[kind], raw.record_count
    mapped: Columns = {}
    for ours, theirs in mapping.columns.items():
        column = source_of(theirs, raw.columns)[0]
        if column in raw.columns:
            mapped[our_name(kind, ours)] = raw.columns[column]
    mapped |= {our_name(kind, ours): [value] * count for ours, value in mapping.constants.items()}
    extras = {name: raw.columns[name] for name in _unmapped(kind, list(raw.columns), mapping)}
    for name, values in raw.columns.items():
        if name not in extras and (ours := our_name(kind, name)) in model.model_fields:
            mapped.setdefault(ours, values)
    _read_numbers(kind, mapped, raw, mapping)
    if mapping.time_format:
        _read_times(mapped, mapping.time_format)
    for name in _origins(kind, raw, mapping):
        mapped[name], others = _parted(name, raw.columns[name])
        if any(value is not None for value in others):
            extras[name] = others
    if extras:
        mapped["metadata_json"] = _merged_metadata(mapped.get("metadata_json"), extras, count)
    return mapped


def _origins(kind: str, raw: RawBatch, mapping: Mapping) -> list[str]:
    """List the columns that tell where executions come from; no option says so, they may mean something else."""
    said = _said(mapping)
    return [name for name in ORIGIN if kind == "executions" and name in raw.columns and name not in said]


def _parted(name: str, values: list[Any]) -> tuple[list[Any], list[Any]]:
    """Part the values of such a column: what ours can hold, and what goes to the metadata as it came."""
    fits = [value in (None, "") or (_is_object(value) if name == "labels" else _is_word(value)) for value in values]
    pairs = list(zip(values, fits, strict=True))
    return [value if fit else None for value, fit in pairs], [None if fit else value for value, fit in pairs]


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_object(value: Any) -> bool:
    try:
        return isinstance(parse_json(value) if isinstance(value, str) else value, dict)
    except ValueError:
        return False


def former_metadata(raw: RawBatch, given: Columns, mapping: Mapping) -> list[str | None] | None:
    """Return the metadata with where executions come from, as earlier releases kept it; None where nothing tells it.

    given: the columns of `apply_mapping`.
    """
    others = _origins("executions", raw, mapping)
    told = {name: (raw.columns if name in others else given)[name] for name in ORIGIN if name in given}
    if not told:
        return None
    merged = _merged_metadata(given.get("metadata_json"), told, raw.record_count)
    return [json_text(value) if isinstance(value, dict) else None for value in merged]


def _read_numbers(kind: str, columns: Columns, raw: RawBatch, mapping: Mapping) -> None:
    if mapping.decimal == ",":
        for name in columns:
            if is_number(RECORDS[kind], name):
                columns[name] = [with_decimal_point(value) for value in columns[name]]
    for ours, theirs in mapping.columns.items():
        column, factor = source_of(theirs, raw.columns)
        if factor is not None and column in raw.columns:
            name = our_name(kind, ours)
            columns[name] = [scaled(value, factor) for value in columns[name]]


def unmapped_note(columns: list[str], mapping: Mapping, loaded_as: str) -> str:
    """Say which columns only go to `metadata`; empty where none does."""
    names = _unmapped(loaded_as, columns, mapping)
    return f"Not mapped, kept in metadata: {_listed(names)}. Name them with --map OURS=THEIRS." if names else ""


def _unmapped(kind: str, columns: list[str], mapping: Mapping) -> list[str]:
    fields = RECORDS[kind].model_fields
    sources = {ours: source_of(theirs, columns)[0] for ours, theirs in mapping.columns.items()}
    taken = {our_name(kind, ours) for ours, column in sources.items() if column in columns}
    taken |= {our_name(kind, ours) for ours in mapping.constants}
    left = []
    for name in columns:
        ours = our_name(kind, name)
        if ours in fields and ours not in taken:
            taken.add(ours)
        elif name not in sources.values() and name not in _SAY_NOTHING.get(kind, ()):
            left.append(name)
    return left


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
    known = {name: value for name, raw in extras.items() if (value := _json_or_none(raw)) is not None}
    if given in (None, "", "{}"):
        return known or None
    if isinstance(given, str):
        # The record's own check judges this text; the extras are added to it only where it is an object.
        try:
            given = parse_json(given)
        except ValueError:
            return given
    return {**known, **given} if isinstance(given, dict) else given


def _json_or_none(value: Any) -> Any:
    """Give an unmapped value as it should stand in `metadata`: an empty cell is unknown."""
    if isinstance(value, str) and value == "":
        return None
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return value
