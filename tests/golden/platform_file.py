"""A small SQLite file as the ASP platform writes it: no STRICT tables, loose times, 0 and 1 for flags, gaps.

Every value follows from its place, so the file is the same each time.
"""

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

_TABLES = """
CREATE TABLE agent_cost_vector (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    execution_date DATE NOT NULL, task_id TEXT NOT NULL, subtask_id TEXT, project_id TEXT, user_id TEXT,
    agent_role TEXT NOT NULL, agent_version TEXT, agent_iteration INTEGER DEFAULT 1, metric_type TEXT NOT NULL,
    metric_value REAL NOT NULL, metric_unit TEXT NOT NULL, llm_model TEXT, llm_provider TEXT, metadata TEXT);
CREATE TABLE task_metadata (
    task_id TEXT PRIMARY KEY, created_at TIMESTAMP, started_at TIMESTAMP, completed_at TIMESTAMP, project_id TEXT,
    task_type TEXT, task_description TEXT, requirements_text TEXT, semantic_units_json TEXT,
    estimated_complexity INTEGER, actual_complexity INTEGER, estimated_cost_vector_json TEXT,
    actual_cost_vector_json TEXT, defect_count INTEGER DEFAULT 0, defect_density REAL, components_affected TEXT,
    bootstrap_phase TEXT, human_reviewed BOOLEAN, human_corrections_json TEXT, status TEXT, metadata TEXT);
CREATE TABLE defect_log (
    defect_id TEXT PRIMARY KEY, created_at TIMESTAMP, resolved_at TIMESTAMP, task_id TEXT, project_id TEXT,
    user_id TEXT, defect_type TEXT, severity TEXT, phase_injected TEXT, phase_removed TEXT, component_path TEXT,
    function_name TEXT, line_number INTEGER, effort_to_fix_json TEXT, description TEXT, root_cause TEXT,
    resolution_notes TEXT, flagged_by_agent BOOLEAN DEFAULT 0, validated_by_human BOOLEAN DEFAULT 0,
    false_positive BOOLEAN DEFAULT 0, metadata TEXT);
CREATE TABLE bootstrap_metrics (
    id INTEGER PRIMARY KEY, measured_at TIMESTAMP, measurement_period_start TIMESTAMP,
    measurement_period_end TIMESTAMP, capability_name TEXT, capability_mode TEXT, tasks_completed INTEGER,
    tasks_required_for_graduation INTEGER, primary_metric_name TEXT, primary_metric_value REAL,
    primary_metric_target REAL, secondary_metrics_json TEXT, graduation_criteria_met BOOLEAN, graduation_notes TEXT,
    metadata TEXT);
"""

_START = datetime(2025, 11, 3, 8)
_SIZES = (5, 8, 12, 20, None, 31, 14, 9)
_STATUSES = ("completed",) * 6 + ("failed", "in_progress")
_ROLES = ("Planning", "Design", "Code", "CodeReview", "Test")
_OWN_ROLE = "Refactoring"
_MODELS = (("claude-sonnet-4-5", "anthropic"), ("gpt-5-mini", "openai"))
_UNITS = {
    "Latency": "ms",
    "Tokens_In": "tokens",
    "Tokens_Out": "tokens",
    "Tokens_Cache_Read": "tokens",
    "API_Cost": "USD",
    "Tool_Calls": "count",
    "Retries": "count",
    "Memory_Usage": "MB",
}
_CAPABILITIES = (
    ("PROBE_AI", "MAPE", 20.0),
    ("TaskDecomposition", "correction rate", 10.0),
    ("ReviewAgent_Code", "TP", 80.0),
)


def write_platform_file(path: Path) -> None:
    """Write the file: 8 tasks, 42 executions, 9 defects, 9 learning rows."""
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(_TABLES)
        for rows, table in (
            (_tasks(), "task_metadata"),
            (_metrics(), "agent_cost_vector"),
            (_defects(), "defect_log"),
            (_learning(), "bootstrap_metrics"),
        ):
            for row in rows:
                names, places = ", ".join(row), ", ".join("?" * len(row))
                file.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(row.values()))


def _text(instant: datetime) -> str:
    """Write an instant as the platform does: with a space, with a fraction only where there is one."""
    return instant.isoformat(sep=" ", timespec="milliseconds" if instant.microsecond else "seconds")


def _begin(task: int) -> datetime:
    return _START + timedelta(days=2 * task, minutes=7 * task)


def _tasks() -> list[dict]:
    return [_task(number) for number in range(len(_SIZES))]


def _task(number: int) -> dict:
    begin, size, is_over = _begin(number), _SIZES[number], _STATUSES[number] != "in_progress"
    planned = {
        "latency_ms": 60_000 + 9_000 * number,
        "tokens": 40_000 + 5_000 * number,
        "api_cost_usd": 0.4 + 0.1 * number,
    }
    units = [{"unit_id": f"U{n}", "est_complexity": n + 2, "description": "ein Stück"} for n in range(number % 3 + 1)]
    return {
        "task_id": f"TASK-2025-{number + 1:03}",
        "created_at": _text(begin),
        "started_at": _text(begin + timedelta(minutes=5)) if number != 4 else None,
        "completed_at": _text(begin + timedelta(hours=30, milliseconds=250 * number)) if is_over else None,
        "project_id": "ASP" if number % 2 else None,
        "task_type": ("api", "ui", "database")[number % 3],
        "task_description": f"Change number {number}",
        "requirements_text": "=SUM(A1)" if number == 2 else None,
        "semantic_units_json": json.dumps(units, ensure_ascii=False) if number != 5 else None,
        "estimated_complexity": size,
        "actual_complexity": None if size is None or not is_over else size + number % 3,
        "estimated_cost_vector_json": json.dumps(planned) if number != 3 else None,
        "actual_cost_vector_json": json.dumps({"api_cost_usd": 1.25}) if number == 3 else None,
        "defect_count": number % 3,
        "defect_density": None if size is None else (number % 3) / size,
        "components_affected": json.dumps([f"src/part_{number % 2}.py"]) if number % 4 else None,
        "bootstrap_phase": "Learning" if number < 6 else "Shadow",
        "human_reviewed": (1, 0, None)[number % 3],
        "human_corrections_json": json.dumps({"missing_tasks": ["U9"]}) if number == 6 else None,
        "status": _STATUSES[number],
        "metadata": json.dumps({"b": 2, "a": {"is_censored": number == 6}}) if number % 2 else None,
    }


def _metrics() -> list[dict]:
    """Five roles per task, one loop more in the code of two tasks; the last value is no number."""
    rows = [
        row
        for task in range(len(_SIZES))
        for place, role in enumerate(_ROLES)
        for iteration in ((1, 2) if role == "Code" and task in (2, 5) else (1,))
        for row in _execution(task, place, role, iteration)
    ]
    return [*rows, rows[0] | {"metric_type": "Memory_Usage", "metric_unit": "MB", "metric_value": "n/a"}]


def _execution(task: int, place: int, role: str, iteration: int) -> list[dict]:
    number = len(_ROLES) * task + place
    at = _begin(task) + timedelta(hours=place + 4 * (iteration - 1), milliseconds=125 * (number % 4))
    model, provider = _MODELS[(task + place // 2) % 2]
    context = {
        "timestamp": _text(at),
        "execution_date": f"{at:%Y-%m-%d}",
        "task_id": f"TASK-2025-{task + 1:03}",
        "subtask_id": f"U{place}" if place == 2 else None,
        "project_id": "ASP" if task % 2 else None,
        "user_id": "ada" if number % 5 == 0 else None,
        "agent_role": _OWN_ROLE if number == 36 else role,
        "agent_version": ("1.0.0", "1.1.0")[task // 4] if place != 1 else None,
        "agent_iteration": iteration,
        "llm_model": model if number != 13 else None,
        "llm_provider": provider,
    }
    notes = json.dumps({"prompt": f"p{number % 7}", "tools": ["read", "edit"]}) if number % 3 == 0 else None
    values = _values(task, place, iteration)
    return [
        {**context, "metric_type": name, "metric_value": value, "metric_unit": _UNITS[name], "metadata": notes}
        for name, value in values.items()
    ]


def _values(task: int, place: int, iteration: int) -> dict[str, float]:
    """Give the known values of an execution; they grow with the size of the task, with some noise."""
    number = len(_ROLES) * task + place
    size = (_SIZES[task] or 10) * (1 + (7 * number % 11) / 20) / iteration
    values = {
        "Latency": 1500.5 * size + 100 * place,
        "Tokens_In": float(int(2000 * size)),
        "Tokens_Out": float(int(300 * size) + number),
        "Tokens_Cache_Read": float(int(900 * size)),
        "API_Cost": 0.0123 * size * (1 + place % 3),
        "Tool_Calls": float(number % 9),
        "Retries": float(number % 2),
        "Memory_Usage": 100.25 + number,
    }
    unknown = {"API_Cost": number in (22, 32), "Tokens_Cache_Read": number % 2 == 1, "Memory_Usage": number % 4 != 2}
    unknown |= {"Tool_Calls": number % 5 == 1, "Retries": number % 3 != 0, "Latency": number == 23}
    return {name: value for name, value in values.items() if not unknown.get(name)}


def _defects() -> list[dict]:
    return [_defect(number) for number in range(9)]


def _defect(number: int) -> dict:
    found = _begin(number % 7) + timedelta(hours=6, minutes=number)
    injected, removed = (("Code", "CodeReview"), ("Design", "Code"), ("Code", "Test"))[number % 3]
    is_false = number == 3
    fix = {"latency_ms": 4000 + number, "tokens": 1000 * number, "api_cost_usd": 0.05 * number}
    return {
        "defect_id": f"D-{number + 1}",
        "created_at": _text(found),
        "resolved_at": _text(found + timedelta(minutes=50)) if number % 4 else None,
        "task_id": f"TASK-2025-{number % 7 + 1:03}",
        "project_id": "ASP" if number % 2 else None,
        "user_id": None,
        "defect_type": ("20_Syntax", "60_Checking", "1_Planning_Failure", "4_Hallucination")[number % 4],
        "severity": ("Low", "Medium", "High", None)[number % 4],
        "phase_injected": injected,
        "phase_removed": removed,
        "component_path": f"src/part_{number % 2}.py" if number % 3 else None,
        "function_name": None,
        "line_number": 10 * number if number % 2 else None,
        "effort_to_fix_json": json.dumps(fix) if number != 5 else None,
        "description": f"-defect {number}, naïve",
        "root_cause": "haste" if number == 8 else None,
        "resolution_notes": None,
        "flagged_by_agent": int(removed == "CodeReview"),
        "validated_by_human": int(removed == "CodeReview" and number == 0),
        "false_positive": int(is_false),
        "metadata": None,
    }


def _learning() -> list[dict]:
    return [
        {
            "id": 3 * day + place + 1,
            "measured_at": _text(_START + timedelta(days=5 * (day + 1))),
            "measurement_period_start": _text(_START),
            "measurement_period_end": _text(_START + timedelta(days=5 * (day + 1))),
            "capability_name": capability,
            "capability_mode": "Shadow" if day == 2 and place == 1 else "Learning",
            "tasks_completed": 2 * day + 1,
            "tasks_required_for_graduation": 20,
            "primary_metric_name": metric,
            "primary_metric_value": None if day == 0 else target * (1 + 0.3 / (day + place)),
            "primary_metric_target": target,
            "secondary_metrics_json": json.dumps({"n": day}) if place else None,
            "graduation_criteria_met": int(day == 2 and place == 1),
            "graduation_notes": None,
            "metadata": None,
        }
        for day in range(3)
        for place, (capability, metric, target) in enumerate(_CAPABILITIES)
    ]
