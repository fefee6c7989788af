"""What a day's status becomes in the store: one measurement of each capability, next to what the sound rule says."""

import json
from collections.abc import Hashable
from datetime import datetime
from typing import Any

import pandas as pd

from asp_analysis.learning.telemetry import Telemetry
from asp_analysis.records import LearningMetric

_SOUND = ("sound_mode", "evidence_name", "evidence_cases", "evidence_value", "evidence_lower", "evidence_target")


def make_measurements(table: pd.DataFrame, telemetry: Telemetry, instant: datetime) -> list[LearningMetric]:
    """Return one record per capability of a `status`, measured at an instant (UTC, without zone).

    The measured period begins with the first task that the telemetry knows. Unknown values are None.
    """
    first = telemetry.tasks["created_at"].min()
    start = instant if pd.isna(first) else min(first.to_pydatetime(), instant)
    return [LearningMetric.model_validate(_make_row(row, start, instant)) for row in table.to_dict("records")]


def _make_row(row: dict[Hashable, Any], start: datetime, instant: datetime) -> dict[str, Any]:
    return {
        "capability": row["capability"],
        "measured_at": instant,
        "period_start_at": start,
        "period_end_at": instant,
        "mode": row["published_mode"],
        "tasks_completed": row["completed"],
        "tasks_needed": row["needed"],
        "metric_name": row["metric_name"],
        "metric_value": _know(row["metric_value"]),
        "metric_target": row["metric_target"],
        "is_graduated": row["is_graduated"],
        "notes": row["difference"] or row["recommendation"],
        "secondary_metrics_json": json.loads(row["secondary_json"]),
        "metadata_json": {"computed_by": "asp-analysis learning"} | {name: _know(row[name]) for name in _SOUND},
    }


def _know(value: Any) -> Any:
    """Return a value, None where it is NaN."""
    return None if value != value else value
