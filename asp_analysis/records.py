"""One model per kind of record: what a file may hold, its units and its closed vocabularies.

A model takes what a file holds (text, numbers, JSON) and returns what the store holds, or every reason why it cannot. A
field is a column of the store, or one of the platform's columns that `platform` turns into ours. Unknown is None: an
empty text is unknown, never zero. What the columns mean is in `database/README.md`, which a test compares with the
fields here and with the tables. Vocabularies that people extend are rows of the store: it checks those words itself.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic_core import CoreSchema, core_schema, from_json

from asp_analysis.executions import EXECUTIONS, MEASURES, METRICS

Status = Literal["pending", "in_progress", "completed", "failed"]
Mode = Literal["Learning", "Shadow", "Autonomous"]
Severity = Literal["Low", "Medium", "High", "Critical"]
Kind = Literal["overhead", "construction", "appraisal", "failure"]
Flow = Literal["merge", "squash", "rebase", "commit", "branch"]
ChangeOutcome = Literal["merged", "open", "abandoned"]
RevertEvidence = Literal["message", "lines"]
LinkEvidence = Literal["trailer", "checkpoint", "branch", "paths"]
if TYPE_CHECKING:
    MetricType = str
else:
    MetricType = Literal[tuple(METRICS)]

LARGEST_AMOUNT = 1e15
"""No measured value is larger; the views count tokens in 64 bits, and one absurd record must not stop them all."""


# --- how single values are read ---------------------------------------------------------------------------------------


def format_instant(moment: datetime) -> str:
    """Return the store's one text form of an instant, `2026-01-31T09:30:00.000000Z`; naive times are taken as UTC."""
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError(f"{moment} is not within the years 1 to 9999 in UTC") from None
    return _within_9999(moment.isoformat(timespec="microseconds") + "Z")


def _within_9999(text: str) -> str:
    """Refuse the last half millisecond of 9999, which SQLite rounds up to a year that it does not know."""
    if text >= "9999-12-31T23:59:59.9995":
        raise ValueError(f"{text} is no instant, at most 9999-12-31T23:59:59.999499Z is one. Leave it empty if unknown")
    return text


_UTC_TEXT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00)?", re.ASCII)


@lru_cache(maxsize=1_024)
def _instant_from_text(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if utc := _UTC_TEXT.fullmatch(text):  # by far the most common form, without arithmetic
            day, time, fraction = utc.groups("")
            return _within_9999(f"{day}T{time}.{fraction:0<6}Z")
        return format_instant(moment)
    except ValueError:
        return _instant_from_number_text(text)


def _instant_from_number_text(text: str) -> str:
    text = text.strip()
    try:
        return _instant_from_epoch(int(text) if text.isdigit() else float(text))
    except ValueError:
        raise ValueError(
            f"{_shown(text)} is not an instant; "
            "write ISO 8601 such as 2026-01-31T09:30:00Z, or say their form: --time-format '%d.%m.%Y %H:%M'"
        ) from None


def _instant_from_epoch(number: float) -> str:
    """Read seconds, milliseconds, microseconds or nanoseconds since 1970; the size shows which (1973 to 2286)."""
    for unit_per_s in (1, 1_000, 1_000_000, 1_000_000_000) if abs(number) < 10**20 else ():
        if 1e8 <= number / unit_per_s <= 1e10:
            exact = isinstance(number, int)
            micros = number * 1_000_000 // unit_per_s if exact else round(number / unit_per_s * 1_000_000)
            return format_instant(datetime(1970, 1, 1) + timedelta(microseconds=micros))
    raise ValueError(f"{_shown(number)} is no time since 1970 between 1973 and 2286")


def read_instant(value: Any) -> Any:
    """Read ISO 8601 text, a datetime, a date or an epoch number as the store's text form; a missing zone means UTC."""
    if value.__class__ is str:
        return _instant_from_text(value)
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return format_instant(datetime(value.year, value.month, value.day))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _instant_from_epoch(value)
    raise ValueError(f"{_shown(value)} is not an instant")


def read_day(value: Any) -> Any:
    """Read a day, or the UTC day of an instant, as the store's text form `2026-01-31`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        return read_instant(value)[:10]
    except ValueError:
        raise ValueError(f"{_shown(value)} is not a day; write it as 2026-01-31") from None


_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def json_text(value: Any) -> str:
    """Return the store's one text form of a JSON value: keys sorted, no spaces, no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=str)


def storable_json(value: Any) -> str:
    """Return the store's text form of a JSON value that came from outside.

    Raises:
        ValueError: it is nested too deeply, holds an infinite number, half a surrogate pair, or U+0000, which
            PostgreSQL cannot store.
    """
    try:
        text = json_text(value)
        if not text.isascii():
            text.encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the JSON value cannot be stored: {error}") from None
    if "u0000" in text and _ESCAPED_NUL.search(text):
        raise ValueError("the JSON value holds the character U+0000, which cannot be stored")
    return text


def parse_json(text: str) -> Any:
    """Parse a JSON text from outside: no NaN, at most 200 levels, no numbers of thousands of digits.

    Raises:
        ValueError: it is no JSON, or more than that; the message says which.
    """
    return from_json(text.encode(), allow_inf_nan=False)


def _json_of(kind: type | tuple[type, ...], what: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if isinstance(value, str):
            try:
                value = parse_json(value)
            except ValueError as error:
                raise ValueError(f"{_shown(value)} is not JSON: {error}") from None
        if not isinstance(value, kind):
            raise ValueError(f"{_shown(value)} is not a JSON {what}")
        return storable_json(value)

    return read


def _json_texts(value: Any) -> str:
    text = _json_of(list, "array of texts")(value)
    if odd := [item for item in json.loads(text) if not isinstance(item, str)]:
        raise ValueError(f"{_shown(odd[0])} is not a text; write a JSON array of texts")
    return text


_TEXT, _REAL = core_schema.str_schema(strict=True), core_schema.float_schema(strict=True)


def _number(kind: CoreSchema, what: str) -> GetPydanticSchema:
    """Take a number, or a text that is one; a truth value is not a number. Compiled: it runs once per stored value."""
    return _one_of([{**kind, "strict": True}, _chain(_TEXT, kind), _chain(_REAL, kind)], what)


def _whole_number(largest: float, what: str) -> GetPydanticSchema:
    """Take a number without a fraction from 0 to `largest`, in any form that a number may have, such as 1e+05."""
    real, whole = core_schema.float_schema(ge=0, le=largest), core_schema.int_schema(ge=0, le=int(largest))
    return _one_of([{**whole, "strict": True}, _chain(_TEXT, real, whole), _chain(_REAL, whole)], what)


def _chain(*steps: CoreSchema) -> CoreSchema:
    return core_schema.chain_schema(list(steps))


def _one_of(choices: list[CoreSchema | tuple[CoreSchema, str]], what: str) -> GetPydanticSchema:
    schema = core_schema.union_schema(
        choices, mode="left_to_right", custom_error_type="number", custom_error_message=what
    )
    return GetPydanticSchema(lambda _source, _handler: schema)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


Instant = Annotated[str, BeforeValidator(read_instant)]
Day = Annotated[str, BeforeValidator(read_day)]
JsonObject = Annotated[str, BeforeValidator(_json_of(dict, "object"))]
JsonTexts = Annotated[str, BeforeValidator(_json_texts)]
JsonValue = Annotated[str, BeforeValidator(_json_of((dict, list), "object or array"))]
Count = Annotated[int, _number(core_schema.int_schema(ge=0, le=2**63 - 1), "a whole number of at least 0")]
Ordinal = Annotated[int, _number(core_schema.int_schema(ge=1, le=2**63 - 1), "a whole number of at least 1")]
Quantity = Annotated[int, _whole_number(LARGEST_AMOUNT, "a whole number from 0 to 1e15")]
Amount = Annotated[float, _number(core_schema.float_schema(ge=0, le=LARGEST_AMOUNT), "a number from 0 to 1e15")]
Share = Annotated[float, _number(core_schema.float_schema(ge=0, le=1), "a number from 0 to 1")]
Real = Annotated[float, _number(core_schema.float_schema(allow_inf_nan=False), "a finite number")]
# A text with U+0000 cannot be stored by PostgreSQL and is cut short by many tools: refused everywhere alike.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(pattern=r"^[^\x00]+$")]


# --- the tables -------------------------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """A rule over several columns of one record: returns the reason why the values contradict each other, or None."""

    columns: tuple[str, ...]
    reason: Callable[..., str | None]


class Record(BaseModel):
    """What all records share: no unknown columns, blanks around a text are cut, numbers may be written as text."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, str_strip_whitespace=True, frozen=True)
    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> "Record":
        for rule in self.rules:
            reason = rule.reason(*(getattr(self, column) for column in rule.columns))
            if reason:
                raise ValueError(reason)
        return self


def _in_order(first_name: str, second_name: str) -> Rule:
    def reason(first: str | None, second: str | None) -> str | None:
        if first is None or second is None or first <= second:
            return None
        return f"{second_name}: {second} is before {first_name} {first}"

    return Rule((first_name, second_name), reason)


def _unit_of_the_metric(metric_type: str, metric_unit: str) -> str | None:
    unit = METRICS[metric_type].unit
    if metric_unit == unit:
        return None
    return f"metric_unit: {metric_type} is measured in {unit}, found {_shown(metric_unit)}"


def _whole_count(metric_type: str, metric_value: float) -> str | None:
    if not METRICS[metric_type].is_count or metric_value.is_integer():
        return None
    return f"metric_value: {metric_type} is a whole number, found {metric_value!r}; round it"


def _something_measured(*values: float | None) -> str | None:
    if set(values) != {None}:
        return None
    advice = "name the column that holds one with --map, or leave out what measured nothing"
    return f"nothing was measured: {', '.join(MEASURES)} are all empty; {advice}"


def _different_phases(injected: str, removed: str) -> str | None:
    return (
        f"phase_removed: must differ from phase_injected, both are {_shown(injected)}" if injected == removed else None
    )


class Execution(Record):
    """One execution (table `agent_cost_vector`): one run of one agent role on one task."""

    executed_at: Instant
    task_id: Name
    subtask_id: Text | None = None
    project_id: Text | None = None
    user_id: Text | None = None
    agent_role: Name
    agent_version: Text | None = None
    agent_iteration: Count = 1
    llm_model: Text | None = None
    llm_provider: Text | None = None
    latency_ms: Amount | None = None
    tokens_in: Quantity | None = None
    tokens_out: Quantity | None = None
    tokens_cache_read: Quantity | None = None
    tokens_cache_write: Quantity | None = None
    cost_usd: Amount | None = None
    tool_calls: Quantity | None = None
    retries: Quantity | None = None
    memory_mb: Amount | None = None
    machine: Text | None = None
    tool: Text | None = None
    tool_version: Text | None = None
    labels: JsonObject | None = None
    repository: Text | None = None
    branch: Text | None = None
    metadata_json: JsonObject | None = None
    execution_id: Name | None = None

    rules: ClassVar[tuple[Rule, ...]] = (Rule(tuple(MEASURES), _something_measured),)


class Metric(Record):
    """One metric of one execution, as the ASP platform writes it; the metrics of an execution become its one row."""

    executed_at: Instant
    task_id: Name
    subtask_id: Text | None = None
    project_id: Text | None = None
    user_id: Text | None = None
    agent_role: Name
    agent_version: Text | None = None
    agent_iteration: Count = 1
    metric_type: MetricType
    metric_value: Amount
    metric_unit: Name
    llm_model: Text | None = None
    llm_provider: Text | None = None
    metadata_json: JsonObject | None = None
    execution_id: Name | None = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(("metric_type", "metric_unit"), _unit_of_the_metric),
        Rule(("metric_type", "metric_value"), _whole_count),
    )


class Task(Record):
    """One task (table `task_metadata`). `created_at` may be missing where the task is already in the store."""

    task_id: Name
    created_at: Instant | None = None
    started_at: Instant | None = None
    completed_at: Instant | None = None
    project_id: Text | None = None
    task_type: Text | None = None
    task_description: Text | None = None
    requirements_text: Text | None = None
    status: Status | None = None
    is_stub: bool | None = None
    estimated_size: Count | None = None
    actual_size: Count | None = None
    estimated_latency_ms: Amount | None = None
    estimated_tokens: Amount | None = None
    estimated_cost_usd: Amount | None = None
    reported_latency_ms: Amount | None = None
    reported_tokens: Amount | None = None
    reported_cost_usd: Amount | None = None
    reported_defects: Count | None = None
    reported_defect_density: Amount | None = None
    bootstrap_phase: Mode | None = None
    is_human_reviewed: bool | None = None
    human_corrections_json: JsonObject | None = None
    semantic_units_json: JsonValue | None = None
    components_json: JsonTexts | None = None
    metadata_json: JsonObject | None = None
    estimated_cost_vector_json: JsonObject | None = None
    actual_cost_vector_json: JsonObject | None = None

    rules: ClassVar[tuple[Rule, ...]] = (_in_order("started_at", "completed_at"),)


class Defect(Record):
    """One defect (table `defect_log`): what went wrong, where it came in and where it was found."""

    defect_id: Name
    found_at: Instant
    fixed_at: Instant | None = None
    task_id: Name
    project_id: Text | None = None
    user_id: Text | None = None
    defect_type: Name
    severity: Severity | None = None
    phase_injected: Name
    phase_removed: Name
    component_path: Text | None = None
    function_name: Text | None = None
    line_number: Count | None = None
    fix_latency_ms: Amount | None = None
    fix_tokens: Amount | None = None
    fix_cost_usd: Amount | None = None
    fix_retries: Count | None = None
    description: Name
    root_cause: Text | None = None
    resolution_notes: Text | None = None
    is_flagged_by_agent: bool | None = None
    is_validated_by_human: bool | None = None
    is_false_positive: bool | None = None
    metadata_json: JsonObject | None = None
    effort_to_fix_json: JsonObject | None = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(("phase_injected", "phase_removed"), _different_phases),
        _in_order("found_at", "fixed_at"),
    )


class LearningMetric(Record):
    """One measurement of one capability (table `bootstrap_metrics`)."""

    capability: Name
    measured_at: Instant
    period_start_at: Instant
    period_end_at: Instant
    mode: Mode
    tasks_completed: Count
    tasks_needed: Ordinal
    metric_name: Text | None = None
    metric_value: Real | None = None
    metric_target: Real | None = None
    is_graduated: bool | None = None
    notes: Text | None = None
    secondary_metrics_json: JsonObject | None = None
    metadata_json: JsonObject | None = None

    rules: ClassVar[tuple[Rule, ...]] = (_in_order("period_start_at", "period_end_at"),)


class Role(Record):
    """One agent role (table `agent_roles`)."""

    agent_role: Name
    phase_order: Count
    kind: Kind


class Capability(Record):
    """One capability (table `capabilities`)."""

    capability: Name
    capability_order: Count
    meaning: Name


class DefectType(Record):
    """One class of defects (table `defect_types`)."""

    defect_type: Name
    type_order: Count
    taxonomy: Name


class Person(Record):
    """One person's time in one team (table `people`), from a day to a day, both included."""

    person: Name
    from_day: Day
    until_day: Day | None = None
    team: Text | None = None
    cost_center: Text | None = None

    rules: ClassVar[tuple[Rule, ...]] = (_in_order("from_day", "until_day"),)


class CodeChange(Record):
    """One change of code (table `code_change`): what came to the main branch at once, or a branch that has not."""

    change_id: Name
    task_id: Name
    project_id: Text | None = None
    repository: Name
    flow: Flow
    outcome: ChangeOutcome
    branch: Text | None = None
    pull_request: Count | None = None
    commit_hash: Text | None = None
    user_id: Text | None = None
    agent: Text | None = None
    title: Text | None = None
    started_at: Instant
    merged_at: Instant | None = None
    release_name: Text | None = None
    released_at: Instant | None = None
    commits: Count | None = None
    files: Count | None = None
    hunks: Count | None = None
    lines_added: Count | None = None
    lines_deleted: Count | None = None
    foreign_lines: Count | None = None
    is_fix: bool | None = None
    lines_lost_14: Count | None = None
    lines_lost_30: Count | None = None
    lines_lost_90: Count | None = None
    reverted_at: Instant | None = None
    reverted_by: Text | None = None
    reverted_share: Share | None = None
    revert_evidence: RevertEvidence | None = None
    metadata_json: JsonObject | None = None

    rules: ClassVar[tuple[Rule, ...]] = (_in_order("started_at", "merged_at"),)


class ChangeSession(Record):
    """That one session of an agent worked on one change (table `change_session`)."""

    link_id: Name
    change_id: Name
    session_id: Name
    evidence: LinkEvidence
    share: Share


RECORDS: dict[str, type[Record]] = {
    "executions": Execution,
    "metrics": Metric,
    "task_metadata": Task,
    "defect_log": Defect,
    "bootstrap_metrics": LearningMetric,
    "agent_roles": Role,
    "capabilities": Capability,
    "defect_types": DefectType,
    "people": Person,
    "code_change": CodeChange,
    "change_session": ChangeSession,
}
"""What a file can be loaded as -> the model of one of its records."""


def table_of(kind: str) -> str:
    """Return the table that records of a kind are rows of."""
    return EXECUTIONS if kind in ("executions", "metrics") else kind
