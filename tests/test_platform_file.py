"""A file that the ASP platform wrote opens as it is and gives the same views."""

import sqlite3

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.session import connect, view_names
from asp_analysis.store import open_store

TABLES = """
CREATE TABLE agent_cost_vector (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    execution_date DATE NOT NULL, task_id TEXT NOT NULL, subtask_id TEXT, project_id TEXT, user_id TEXT,
    agent_role TEXT NOT NULL, agent_version TEXT, agent_iteration INTEGER DEFAULT 1, metric_type TEXT NOT NULL,
    metric_value REAL NOT NULL, metric_unit TEXT NOT NULL, llm_model TEXT, llm_provider TEXT, metadata TEXT);
CREATE TABLE task_metadata (
    task_id TEXT PRIMARY KEY, created_at TIMESTAMP, started_at TIMESTAMP, completed_at TIMESTAMP, project_id TEXT,
    task_type TEXT, task_description TEXT, semantic_units_json TEXT, estimated_complexity INTEGER,
    actual_complexity INTEGER, estimated_cost_vector_json TEXT, human_reviewed BOOLEAN, status TEXT, metadata TEXT);
CREATE TABLE defect_log (
    defect_id TEXT PRIMARY KEY, created_at TIMESTAMP, resolved_at TIMESTAMP, task_id TEXT, defect_type TEXT,
    severity TEXT, phase_injected TEXT, phase_removed TEXT, effort_to_fix_json TEXT, description TEXT,
    flagged_by_agent BOOLEAN DEFAULT 0, validated_by_human BOOLEAN DEFAULT 0, false_positive BOOLEAN DEFAULT 0);
CREATE TABLE bootstrap_metrics (
    id INTEGER PRIMARY KEY, measured_at TIMESTAMP, measurement_period_start TIMESTAMP,
    measurement_period_end TIMESTAMP, capability_name TEXT, capability_mode TEXT, tasks_completed INTEGER,
    tasks_required_for_graduation INTEGER, primary_metric_name TEXT, primary_metric_value REAL,
    primary_metric_target REAL, graduation_criteria_met BOOLEAN);
"""

METRIC = (
    "INSERT INTO agent_cost_vector (timestamp, execution_date, task_id, agent_role, metric_type, metric_value, "
    "metric_unit, llm_model) VALUES (?, '2025-11-12', 'T-1', 'Code', ?, ?, ?, 'm')"
)


@pytest.fixture
def platform_file(tmp_path):
    path = tmp_path / "platform.db"
    with sqlite3.connect(path) as file:
        file.executescript(TABLES)
        file.execute(
            "INSERT INTO task_metadata (task_id, created_at, completed_at, estimated_complexity, human_reviewed, "
            "status) VALUES ('T-1', '2025-11-12 08:00:00', '2025-11-12 10:00:00.250', 12, 1, 'completed')"
        )
        file.execute(METRIC, ("2025-11-12 09:00:00", "Latency", 1200.0, "ms"))
        file.execute(METRIC, ("2025-11-12 09:00:00", "API_Cost", 0.1 + 0.2, "USD"))
        file.execute(METRIC, ("2025-11-12 09:00:00", "Latency", 800.0, "ms"))
        file.execute(
            "INSERT INTO defect_log (defect_id, created_at, task_id, defect_type, phase_injected, phase_removed, "
            "description, flagged_by_agent, validated_by_human) VALUES ('D-1', '2025-11-12 09:30:00', 'T-1', "
            "'20_Syntax', 'Code', 'CodeReview', 'd', 1, 1)"
        )
        file.execute(
            "INSERT INTO bootstrap_metrics VALUES (1, '2025-11-12 12:00:00', '2025-11-11 00:00:00', "
            "'2025-11-12 00:00:00', 'PROBE_AI', 'Learning', 1, 20, 'MAPE', NULL, 20, 0)"
        )
    file.close()
    return path


def test_every_view_answers(platform_file):
    with connect(str(platform_file)) as session:
        sizes = {name: len(session.view(name)) for name in view_names()}
    assert sizes.pop("stg_loads") == 0
    assert all(sizes.values()), sizes


def test_numbers_times_and_flags_are_exact(platform_file):
    with connect(str(platform_file)) as session:
        costs = session.sql("SELECT cost_usd FROM executions WHERE cost_usd IS NOT NULL")
        task = session.sql("SELECT completed_at, is_human_reviewed FROM stg_tasks").iloc[0]
        defect = session.sql("SELECT is_flagged_by_agent, is_false_positive FROM defects").iloc[0]
    assert costs["cost_usd"].tolist() == [0.1 + 0.2]
    assert str(task["completed_at"]) == "2025-11-12 10:00:00.250000" and task["is_human_reviewed"]
    assert defect["is_flagged_by_agent"] and not defect["is_false_positive"]


def test_metrics_of_one_context_are_one_execution_until_a_metric_comes_again(platform_file):
    with connect(str(platform_file)) as session:
        found = session.sql("SELECT latency_ms, cost_usd IS NULL AS no_cost FROM executions ORDER BY latency_ms DESC")
    assert found.to_dict("records") == [
        {"latency_ms": 1200.0, "no_cost": False},
        {"latency_ms": 800.0, "no_cost": True},
    ]


def test_a_text_in_a_column_of_numbers_spoils_only_its_own_row(platform_file):
    with sqlite3.connect(platform_file) as file:
        file.execute(METRIC, ("2025-11-13 09:00:00", "API_Cost", "n/a", "USD"))
    file.close()
    with connect(str(platform_file)) as session:
        assert session.sql("SELECT sum(cost_usd) AS usd FROM executions")["usd"][0] == 0.1 + 0.2
        assert session.sql("SELECT count(*) AS n FROM stg_costs WHERE metric_value IS NULL")["n"][0] == 1


def test_it_is_never_written(platform_file):
    with pytest.raises(StoreError, match="of the ASP platform"):
        open_store(parse_url(str(platform_file), platform_file.parent))
