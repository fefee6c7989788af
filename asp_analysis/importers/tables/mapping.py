"""How other people's column names become ours: `--map`, `--set`, and everything unmapped into `metadata`."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.executions import MEASURES, ORIGIN
from asp_analysis.importers.tables.cells import CellReader
from asp_analysis.importers.tables.numbers import is_number, source_of
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.platform_form import our_name
from asp_analysis.records import RECORDS, json_text, parse_json
from asp_analysis.validation import Columns

_SAY_NOTHING = {"metrics": {"id", "execution_date"}, "bootstrap_metrics": {"id"}}
"""Kind of record -> columns of the platform's table that say nothing of their own."""

_SHOWN_COLUMNS = 50

LABEL_COLUMNS = {"person": "user_id", "machine": "machine", "repository": "repository"}
"""Names of `--label` that have a column of their own -> that column."""

_TASK_COLUMNS = RECORDS["task_metadata"].model_fields.keys() - {"metadata_json"}

_MARKS: dict[str, Callable[[set[str]], bool]] = {
    "code_change": lambda names: {"change_id", "flow", "outcome"} <= names,
    "change_session": lambda names: {"link_id", "change_id", "session_id"} <= names,
    "metrics": lambda names: {"metric_type", "metric_value"} <= names,
    "defect_log": lambda names: bool({"phase_injected", "phase_removed"} & names),
    "defect_types": lambda names: {"defect_type", "type_order", "taxonomy"} <= names,
    "capabilities": lambda names: {"capability", "capability_order", "meaning"} <= names,
    "bootstrap_metrics": lambda names: {"capability", "measured_at"} <= names,
    "agent_roles": lambda names: {"agent_role", "phase_order", "kind"} <= names,
    "people": lambda names: {"person", "from_day"} <= names and bool({"team", "cost_center"} & names),
    "executions": lambda names: bool(names & MEASURES.keys()) and "agent_role" in names,
    "task_metadata": lambda names: "task_id" in names and len(names & _TASK_COLUMNS) >= 3,
}
"""Kind of record -> whether columns, under our names, say that it is this kind; the first that fits is taken."""


def kind_of(table: str, columns: list[str], options: TableOptions) -> str:
    """Return what `--as` means: `agent_cost_vector` has one row per execution, or per metric as the platform writes."""
    if table != "agent_cost_vector":
        return table
    named = {*columns, *options.columns, *options.constants}
    return "metrics" if "metric_type" in named else "executions"


def detect_target(path: str, columns: list[str], options: TableOptions) -> str:
    """Detect what the records are from the columns they have, as `--as` would say it.

    Raises:
        InputError: the columns fit no table; the message lists them.
    """
    named = {*columns, *options.columns, *options.constants}
    fitting = [kind for kind, is_fitting in _MARKS.items() if is_fitting({our_name(kind, name) for name in named})]
    if fitting:
        return fitting[0]
    raise InputError(
        f"The columns of {path} fit no kind of record: {_listed(columns)}. "
        f"Say --as {'|'.join(RECORDS)}, and --map OURS=THEIRS for names of your own."
    )


def _listed(columns: list[str]) -> str:
    more = f" and {len(columns) - _SHOWN_COLUMNS:,} more" if len(columns) > _SHOWN_COLUMNS else ""
    return (", ".join(columns[:_SHOWN_COLUMNS]) or "(none)") + more


def check_mapping(path: str, columns: list[str], options: TableOptions, kinds: tuple[str, ...]) -> None:
    """Refuse a mapping that names a column which none of the kinds has, or which is not in the file.

    Raises:
        InputError: an unknown name on either side, one name given both by --map and by --set, or a text multiplied.
    """
    for ours in [*_said(options), *options.values]:
        if not any(our_name(kind, ours) in RECORDS[kind].model_fields for kind in kinds):
            listed = "; ".join(f"{kind} has: {', '.join(RECORDS[kind].model_fields)}" for kind in kinds)
            raise InputError(f"{ours!r} is not a column of {' or '.join(kinds)} (left of =). {listed}.")
    for name, column in options.labels.items() if "executions" in kinds else ():
        if column not in columns:
            raise InputError(
                f"--label {name}={column}: {path} has no column {column!r}. It has: {_listed(columns)}. Name one "
                f"of them, or give all rows one value with --set labels='{json_text({name: column})}'."
            )
    for ours, theirs in options.columns.items():
        column, factor = source_of(theirs, columns)
        if column not in columns:
            raise InputError(f"--map {ours}={theirs}: {path} has no column {column!r}. It has: {_listed(columns)}.")
        if factor is not None and not (factor and _is_number_of_any(kinds, ours)):
            raise InputError(
                f"--map {ours}={theirs}: only numbers are multiplied, by a factor above 0. Leave *{factor} out."
            )
    for kind in kinds:
        sources = Counter(our_name(kind, ours) for ours in _said(options))
        for name, count in sources.items():
            if count > 1:
                raise InputError(f"--map and --set name {count} sources for {name}. Leave one out.")


def _is_number_of_any(kinds: tuple[str, ...], ours: str) -> bool:
    models = [(RECORDS[kind], our_name(kind, ours)) for kind in kinds]
    return any(name in model.model_fields and is_number(model, name) for model, name in models)


def _said(options: TableOptions) -> list[str]:
    return [*options.columns, *options.constants]


def apply_mapping(kind: str, raw: RawBatch, options: TableOptions, reader: CellReader) -> Columns:
    """Return the raw columns under our names; what has no place there goes to `metadata_json` as it is named."""
    model, count = RECORDS[kind], raw.record_count
    mapped: Columns = {}
    for ours, theirs in options.columns.items():
        column = source_of(theirs, raw.columns)[0]
        if column in raw.columns:
            mapped[our_name(kind, ours)] = raw.columns[column]
    mapped |= {our_name(kind, ours): [value] * count for ours, value in options.constants.items()}
    for ours, theirs in LABEL_COLUMNS.items():
        if theirs_given := options.labels.get(ours):
            mapped[theirs] = raw.columns[theirs_given]
    extras = {name: raw.columns[name] for name in _unmapped(kind, list(raw.columns), options)}
    for name, values in raw.columns.items():
        if name not in extras and (ours := our_name(kind, name)) in model.model_fields:
            mapped.setdefault(ours, values)
    reader.read(mapped, raw.columns)
    for name in _origins(kind, raw, options):
        mapped[name], others = _parted(name, raw.columns[name])
        if any(value is not None for value in others):
            extras[name] = others
    if labelled := {name: column for name, column in options.labels.items() if name not in LABEL_COLUMNS}:
        mapped["labels"] = _labelled(mapped.get("labels"), labelled, raw)
    if extras:
        mapped["metadata_json"] = _merged_metadata(mapped.get("metadata_json"), extras, count)
    return mapped


def _labelled(given: list[Any] | None, labels: dict[str, str], raw: RawBatch) -> list[Any]:
    """Return the labels of each record: what its column of labels says, and the cells that `--label` names."""
    rows = []
    for row in range(raw.record_count):
        cells = {name: raw.columns[column][row] for name, column in labels.items()}
        told = {name: str(cell).strip() for name, cell in cells.items() if cell not in (None, "")}
        known = given[row] if given else None
        known = parse_json(known) if isinstance(known, str) and known else known
        rows.append(json_text({**(known if isinstance(known, dict) else {}), **told}) if told or known else None)
    return rows


def _origins(kind: str, raw: RawBatch, options: TableOptions) -> list[str]:
    """List the columns that say where executions come from; no option says so, they may mean something else."""
    said = _said(options)
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


def former_metadata(raw: RawBatch, given: Columns, options: TableOptions) -> list[str | None] | None:
    """Return the metadata with where executions come from, as earlier releases kept it; None where nothing says it.

    given: the columns of `apply_mapping`.
    """
    others = _origins("executions", raw, options)
    told = {name: (raw.columns if name in others else given)[name] for name in ORIGIN if name in given}
    if not told:
        return None
    merged = _merged_metadata(given.get("metadata_json"), told, raw.record_count)
    return [json_text(value) if isinstance(value, dict) else None for value in merged]


def unmapped_note(columns: list[str], options: TableOptions, loaded_as: str) -> str:
    """Say which columns only go to `metadata`; empty where none does."""
    names = _unmapped(loaded_as, columns, options)
    return f"Not mapped, kept in metadata: {_listed(names)}. Name them with --map OURS=THEIRS." if names else ""


def source_columns(kind: str, columns: list[str], options: TableOptions) -> frozenset[str]:
    """Return the columns of a file from which records of a kind are made."""
    return frozenset(columns) - frozenset(_unmapped(kind, columns, options))


def _unmapped(kind: str, columns: list[str], options: TableOptions) -> list[str]:
    fields = RECORDS[kind].model_fields
    sources = {ours: source_of(theirs, columns)[0] for ours, theirs in options.columns.items()}
    sources |= {f"label {name}": column for name, column in options.labels.items()}
    taken = {our_name(kind, ours) for ours, column in sources.items() if column in columns}
    taken |= {our_name(kind, ours) for ours in options.constants}
    left = []
    for name in columns:
        ours = our_name(kind, name)
        if ours in fields and ours not in taken:
            taken.add(ours)
        elif name not in sources.values() and name not in _SAY_NOTHING.get(kind, set()) | options.passed_over:
            left.append(name)
    return left


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
    """Return an unmapped value as `metadata` has it: an empty cell is unknown."""
    if isinstance(value, str) and value == "":
        return None
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return value
