"""The questions of the aggregate views, asked without the workbench: of SQLite in SQL, and of pandas.

Each gives the view's central columns from the raw tables, as somebody would write it who has only the file.
"""

import sqlite3
from collections.abc import Callable

import pandas as pd

_EXECUTIONS = """
WITH executions AS (
    SELECT execution_id, min(timestamp) AS at, task_id, project_id, agent_role, llm_model, agent_version,
        agent_iteration,
        max(metric_value) FILTER (WHERE metric_type = 'Latency') AS latency_ms,
        max(metric_value) FILTER (WHERE metric_type = 'Tokens_In') AS tokens_in,
        max(metric_value) FILTER (WHERE metric_type = 'Tokens_Out') AS tokens_out,
        max(metric_value) FILTER (WHERE metric_type = 'API_Cost') AS cost_usd
    FROM agent_cost_vector GROUP BY execution_id
)
"""
_SUMS = "count(*) AS executions, sum(latency_ms), sum(tokens_in), sum(tokens_out), sum(cost_usd)"

SQLITE = {
    "role_costs": f"{_EXECUTIONS} SELECT agent_role, count(DISTINCT task_id), {_SUMS} FROM executions GROUP BY 1",
    "daily_costs": f"{_EXECUTIONS} SELECT date(at), project_id, agent_role, llm_model, count(DISTINCT task_id), "
    f"{_SUMS} FROM executions GROUP BY 1, 2, 3, 4",
    "task_costs": f"{_EXECUTIONS} SELECT e.task_id, llm_model, max(t.task_type), max(t.status), min(at), max(at), "
    f"{_SUMS} FROM executions AS e LEFT JOIN task_metadata AS t USING (task_id) GROUP BY 1, 2",
    "phase_costs": f"{_EXECUTIONS} SELECT e.task_id, agent_role, llm_model, agent_version, max(t.task_type), "
    f"max(t.status), min(at), max(at), count(*) FILTER (WHERE agent_iteration > 1), {_SUMS} "
    "FROM executions AS e LEFT JOIN task_metadata AS t USING (task_id) GROUP BY 1, 2, 3, 4",
    "outcomes": f"{_EXECUTIONS} SELECT t.task_id, max(t.task_type), max(t.status), max(t.actual_complexity), {_SUMS} "
    "FROM task_metadata AS t LEFT JOIN executions AS e USING (task_id) GROUP BY 1",
    "defect_flow": "SELECT phase_injected, phase_removed, count(*), "
    "sum(json_extract(effort_to_fix_json, '$.latency_ms')), sum(json_extract(effort_to_fix_json, '$.api_cost_usd')) "
    "FROM defect_log WHERE NOT coalesce(false_positive, 0) GROUP BY 1, 2",
}
"""View -> its question in SQLite's SQL over the raw tables."""

_KEYS = ["execution_id", "task_id", "project_id", "agent_role", "llm_model", "agent_version", "agent_iteration"]
_COSTS = {"executions": ("execution_id", "size")} | {
    name: (metric, "sum")
    for name, metric in {"latency_ms": "Latency", "tokens": "Tokens_In", "cost_usd": "API_Cost"}.items()
}


def _executions(connection: sqlite3.Connection) -> pd.DataFrame:
    columns = ", ".join(["timestamp", "metric_type", "metric_value", *_KEYS])
    rows = pd.read_sql(f"SELECT {columns} FROM agent_cost_vector", connection)
    values = rows.pivot_table(index="execution_id", columns="metric_type", values="metric_value", aggfunc="max")
    firsts = rows.groupby("execution_id")[["timestamp", *_KEYS[1:]]].min()
    return firsts.join(values).reset_index()


def _role_costs(connection: sqlite3.Connection) -> pd.DataFrame:
    return _executions(connection).groupby("agent_role").agg(tasks=("task_id", "nunique"), **_COSTS)


def _daily_costs(connection: sqlite3.Connection) -> pd.DataFrame:
    runs = _executions(connection)
    keys = [runs["timestamp"].str[:10], "project_id", "agent_role", "llm_model"]
    return runs.groupby(keys, dropna=False).agg(tasks=("task_id", "nunique"), **_COSTS)


def _task_costs(connection: sqlite3.Connection) -> pd.DataFrame:
    costs = _executions(connection).groupby(["task_id", "llm_model"], dropna=False).agg(**_COSTS).reset_index()
    return costs.merge(_tasks(connection), how="left", on="task_id")


def _phase_costs(connection: sqlite3.Connection) -> pd.DataFrame:
    keys = ["task_id", "agent_role", "llm_model", "agent_version"]
    costs = _executions(connection).groupby(keys, dropna=False).agg(**_COSTS).reset_index()
    return costs.merge(_tasks(connection), how="left", on="task_id")


def _outcomes(connection: sqlite3.Connection) -> pd.DataFrame:
    costs = _executions(connection).groupby("task_id").agg(**_COSTS).reset_index()
    return _tasks(connection).merge(costs, how="left", on="task_id")


def _defect_flow(connection: sqlite3.Connection) -> pd.DataFrame:
    defects = pd.read_sql("SELECT phase_injected, phase_removed, false_positive FROM defect_log", connection)
    return defects[defects["false_positive"] != 1].groupby(["phase_injected", "phase_removed"]).size().reset_index()


def _tasks(connection: sqlite3.Connection) -> pd.DataFrame:
    return pd.read_sql("SELECT task_id, task_type, status, actual_complexity FROM task_metadata", connection)


PANDAS: dict[str, Callable[[sqlite3.Connection], pd.DataFrame]] = {
    "role_costs": _role_costs,
    "daily_costs": _daily_costs,
    "task_costs": _task_costs,
    "phase_costs": _phase_costs,
    "outcomes": _outcomes,
    "defect_flow": _defect_flow,
}
"""View -> its question in pandas: read_sql of the raw tables, then groupby."""
