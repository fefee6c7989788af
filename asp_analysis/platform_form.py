"""The form in which the ASP platform writes: its names, its JSON vectors, and how both become ours.

The contract's tables and columns keep their meaning, their names changed in schema version 3. Files and tables of the
old form are read through here; `database/one_row_per_execution.sql` makes executions of the platform's metrics.
"""

import json
import math
from typing import Any

CONTRACT_COLUMNS: dict[str, tuple[str, ...]] = {
    "agent_cost_vector": (
        "id", "timestamp", "execution_date", "task_id", "subtask_id", "project_id", "user_id", "agent_role",
        "agent_version", "agent_iteration", "metric_type", "metric_value", "metric_unit", "llm_model", "llm_provider",
        "metadata", "execution_id",
    ),
    "task_metadata": (
        "task_id", "created_at", "started_at", "completed_at", "project_id", "task_type", "task_description",
        "requirements_text", "semantic_units_json", "estimated_complexity", "actual_complexity",
        "estimated_cost_vector_json", "actual_cost_vector_json", "defect_count", "defect_density",
        "components_affected", "bootstrap_phase", "human_reviewed", "human_corrections_json", "status", "metadata",
    ),
    "defect_log": (
        "defect_id", "created_at", "resolved_at", "task_id", "project_id", "user_id", "defect_type", "severity",
        "phase_injected", "phase_removed", "component_path", "function_name", "line_number", "effort_to_fix_json",
        "description", "root_cause", "resolution_notes", "flagged_by_agent", "validated_by_human", "false_positive",
        "metadata",
    ),
    "bootstrap_metrics": (
        "id", "measured_at", "measurement_period_start", "measurement_period_end", "capability_name",
        "capability_mode", "tasks_completed", "tasks_required_for_graduation", "primary_metric_name",
        "primary_metric_value", "primary_metric_target", "secondary_metrics_json", "graduation_criteria_met",
        "graduation_notes", "metadata",
    ),
}  # fmt: skip
"""The contract's tables and their columns; a file that the platform wrote may lack some, execution_id among them."""

PLATFORM_CONTEXT: tuple[str, ...] = (
    "timestamp", "task_id", "subtask_id", "project_id", "user_id", "agent_role", "agent_version", "agent_iteration",
    "llm_model", "llm_provider",
)  # fmt: skip
"""What distinguishes executions where the file does not name them."""

_EXECUTION = {"timestamp": "executed_at", "metadata": "metadata_json"}

OUR_NAMES: dict[str, dict[str, str]] = {
    "executions": {**_EXECUTION, "api_cost_usd": "cost_usd"},
    "metrics": _EXECUTION,
    "task_metadata": {
        "estimated_complexity": "estimated_size",
        "actual_complexity": "actual_size",
        "defect_count": "reported_defects",
        "defect_density": "reported_defect_density",
        "components_affected": "components_json",
        "human_reviewed": "is_human_reviewed",
        "metadata": "metadata_json",
    },
    "defect_log": {
        "created_at": "found_at",
        "resolved_at": "fixed_at",
        "flagged_by_agent": "is_flagged_by_agent",
        "validated_by_human": "is_validated_by_human",
        "false_positive": "is_false_positive",
        "metadata": "metadata_json",
    },
    "bootstrap_metrics": {
        "capability_name": "capability",
        "measurement_period_start": "period_start_at",
        "measurement_period_end": "period_end_at",
        "capability_mode": "mode",
        "tasks_required_for_graduation": "tasks_needed",
        "primary_metric_name": "metric_name",
        "primary_metric_value": "metric_value",
        "primary_metric_target": "metric_target",
        "graduation_criteria_met": "is_graduated",
        "graduation_notes": "notes",
        "metadata": "metadata_json",
    },
    "agent_roles": {},
    "capabilities": {},
    "defect_types": {},
    "people": {"from": "from_day", "until": "until_day", "cost_centre": "cost_center"},
    "code_change": {"metadata": "metadata_json"},
    "change_session": {},
}
"""Kind of record -> the contract's name of a column, or another -> ours. Columns that are not here have one name."""

VECTORS: dict[str, dict[str, dict[str, str]]] = {
    "task_metadata": {
        "estimated_cost_vector_json": {
            "latency_ms": "estimated_latency_ms",
            "tokens": "estimated_tokens",
            "api_cost_usd": "estimated_cost_usd",
        },
        "actual_cost_vector_json": {
            "latency_ms": "reported_latency_ms",
            "tokens": "reported_tokens",
            "api_cost_usd": "reported_cost_usd",
        },
    },
    "defect_log": {
        "effort_to_fix_json": {
            "latency_ms": "fix_latency_ms",
            "tokens": "fix_tokens",
            "api_cost_usd": "fix_cost_usd",
            "retries": "fix_retries",
        },
    },
}
"""Kind of record -> the platform's JSON object -> its key -> our column."""

_WHOLE_NUMBERS = {"fix_retries"}


def our_name(kind: str, name: str) -> str:
    """Return our name of a column of the contract; any other name as it is."""
    return OUR_NAMES[kind].get(name, name)


def unfold(kind: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of `kind` with the values of its JSON vectors in columns of their own.

    A column that is known already keeps its value. What has no column (another key, a value that is no amount) stays in
    `metadata_json`, under the vector's name.
    """
    unfolded = {name: value for name, value in record.items() if name not in VECTORS.get(kind, {})}
    for vector, columns in VECTORS.get(kind, {}).items():
        if record.get(vector) is None:
            continue
        rest = json.loads(record[vector])
        for key, column in columns.items():
            if key in rest and _fits(column, rest[key]):
                value = rest.pop(key)
                if unfolded.get(column) is None:
                    unfolded[column] = int(value) if column in _WHOLE_NUMBERS else float(value)
        if rest:
            metadata = json.loads(unfolded.get("metadata_json") or "{}")
            from asp_analysis.records import json_text  # it brings pydantic

            unfolded["metadata_json"] = json_text({vector: rest, **metadata})
    return unfolded


def _fits(column: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e15:
        return False
    return math.isfinite(value) and (column not in _WHOLE_NUMBERS or float(value).is_integer())
