"""The questions of the aggregate views, asked without the workbench: of SQLite in SQL, and of pandas.

Each gives the view's central columns from the raw tables, as somebody would write it who has only the file.
"""

import sqlite3
from collections.abc import Callable

import pandas as pd

_SUMS = "count(*) AS executions, sum(latency_ms), sum(tokens_in), sum(tokens_out), sum(cost_usd)"
_WITH_TASKS = "FROM agent_cost_vector AS e LEFT JOIN task_metadata AS t USING (task_id)"

SQLITE = {
    "role_costs": f"SELECT agent_role, count(DISTINCT task_id), {_SUMS} FROM agent_cost_vector GROUP BY 1",
    "daily_costs": "SELECT date(executed_at), project_id, agent_role, llm_model, count(DISTINCT task_id), "
    f"{_SUMS} FROM agent_cost_vector GROUP BY 1, 2, 3, 4",
    "task_costs": "SELECT e.task_id, llm_model, max(t.task_type), max(t.status), min(executed_at), max(executed_at), "
    f"{_SUMS} {_WITH_TASKS} GROUP BY 1, 2",
    "work": "SELECT e.task_id, agent_role, llm_model, agent_version, max(t.task_type), max(t.status), "
    "min(executed_at), max(executed_at), count(*) FILTER (WHERE agent_iteration > 1), "
    f"{_SUMS} {_WITH_TASKS} GROUP BY 1, 2, 3, 4",
    "tasks": f"SELECT t.task_id, max(t.task_type), max(t.status), max(t.actual_size), {_SUMS} "
    "FROM task_metadata AS t LEFT JOIN agent_cost_vector AS e USING (task_id) GROUP BY 1",
    "defect_flow": "SELECT phase_injected, phase_removed, count(*), sum(fix_latency_ms), sum(fix_cost_usd) "
    "FROM defect_log WHERE NOT is_false_positive GROUP BY 1, 2",
}
"""View -> its question in SQLite's SQL over the raw tables."""

_KEYS = ["task_id", "project_id", "agent_role", "llm_model", "agent_version"]
_AMOUNTS = ["latency_ms", "tokens_in", "tokens_out", "cost_usd"]
_COSTS = {"executions": ("executed_at", "size")} | {name: (name, "sum") for name in _AMOUNTS}


def _executions(connection: sqlite3.Connection) -> pd.DataFrame:
    return pd.read_sql(f"SELECT {', '.join(['executed_at', *_KEYS, *_AMOUNTS])} FROM agent_cost_vector", connection)


def _role_costs(connection: sqlite3.Connection) -> pd.DataFrame:
    return _executions(connection).groupby("agent_role").agg(tasks=("task_id", "nunique"), **_COSTS)


def _daily_costs(connection: sqlite3.Connection) -> pd.DataFrame:
    runs = _executions(connection)
    keys = [runs["executed_at"].str[:10], "project_id", "agent_role", "llm_model"]
    return runs.groupby(keys, dropna=False).agg(tasks=("task_id", "nunique"), **_COSTS)


def _task_costs(connection: sqlite3.Connection) -> pd.DataFrame:
    costs = _executions(connection).groupby(["task_id", "llm_model"], dropna=False).agg(**_COSTS).reset_index()
    return costs.merge(_plans(connection), how="left", on="task_id")


def _work(connection: sqlite3.Connection) -> pd.DataFrame:
    keys = ["task_id", "agent_role", "llm_model", "agent_version"]
    costs = _executions(connection).groupby(keys, dropna=False).agg(**_COSTS).reset_index()
    return costs.merge(_plans(connection), how="left", on="task_id")


def _tasks(connection: sqlite3.Connection) -> pd.DataFrame:
    costs = _executions(connection).groupby("task_id").agg(**_COSTS).reset_index()
    return _plans(connection).merge(costs, how="left", on="task_id")


def _defect_flow(connection: sqlite3.Connection) -> pd.DataFrame:
    defects = pd.read_sql("SELECT phase_injected, phase_removed, is_false_positive FROM defect_log", connection)
    return defects[defects["is_false_positive"] != 1].groupby(["phase_injected", "phase_removed"]).size().reset_index()


def _plans(connection: sqlite3.Connection) -> pd.DataFrame:
    return pd.read_sql("SELECT task_id, task_type, status, actual_size FROM task_metadata", connection)


PANDAS: dict[str, Callable[[sqlite3.Connection], pd.DataFrame]] = {
    "role_costs": _role_costs,
    "daily_costs": _daily_costs,
    "task_costs": _task_costs,
    "work": _work,
    "tasks": _tasks,
    "defect_flow": _defect_flow,
}
"""View -> its question in pandas: read_sql of the raw tables, then groupby."""
