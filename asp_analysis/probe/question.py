"""What is asked decides what one past task is: the whole task, one role's part of it, one model's, or both.

The view `task_history` has one row per task, model and role. A question that names no role is about the sum over roles,
one that names no model about the sum over models, unless the models did the same work side by side: then a sum would
be the cost of all of them together, which nobody asks for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.history import COMPONENTS

ALL_MODELS = "all models"
ALL_ROLES = "all roles"

ALTERNATIVE_SHARE = 0.5
"""Share of tasks in which one role was done by two or more models, from which on they count as alternatives."""

MANY_MODELS = 3
"""Models for one role of one task, from which on they are taken for alternatives: a session of one agent mixes two."""

USUAL_SHARE = 0.5
"""Share of a model's tasks in which it plays a role, from which on the role is part of the work it does."""

_FIRST = ("project_id", "task_type", "size", "actual_size", "planned_cost_usd", "planned_latency_ms")


def pose(history: pd.DataFrame, llm_model: str | None = None, agent_role: str | None = None) -> pd.DataFrame:
    """Give the history of the question, one row per task (and model, role where named).

    `history`: the view `task_history`. The rows of a group are summed; a cost that one of its rows lacks is unknown for
    the group (`tool_calls` are summed as far as known: many roles call none). The group's time is its last one, it is
    finished when all of it is, failed or censored when any of it is.

    Raises:
        EstimationRefusal: there is no such model or role (the message lists what there is), or no model is named and
            several did the same work side by side.
    """
    asked = _only(_only(history, "llm_model", llm_model), "agent_role", agent_role)
    if llm_model is None:
        _refuse_alternatives(asked)
    return _summed(asked, llm_model or ALL_MODELS, agent_role or ALL_ROLES)


def pose_per_model(history: pd.DataFrame, agent_role: str | None = None) -> pd.DataFrame:
    """Give the history with one row per task and model, for the question which model would be the cheapest.

    The column `roles` says what work the rows of a model stand for: the roles that it plays in at least half of its
    tasks. The model that plans and the one that codes share their tasks and not their work. A sub-agent that a session
    starts now and then does not count as other work: it is part of how the main agent's model does the task.

    Raises:
        EstimationRefusal: there is no such role.
    """
    asked = _only(history, "agent_role", agent_role)
    models = [asked[asked["llm_model"] == model] for model in sorted(asked["llm_model"].dropna().unique())]
    parts = [
        _summed(part, part["llm_model"].iloc[0], agent_role or ALL_ROLES).assign(roles=_usual_roles(part))
        for part in models
    ]
    return pd.concat(parts, ignore_index=True) if parts else asked


def _usual_roles(history: pd.DataFrame) -> str:
    """Name the roles of at least half of the tasks; every role where none is that usual."""
    tasks = history.groupby("agent_role")["task_id"].nunique()
    usual = tasks[tasks >= USUAL_SHARE * history["task_id"].nunique()]
    return ", ".join(sorted(map(str, (usual if len(usual) else tasks).index)))


def _only(history: pd.DataFrame, column: str, wanted: str | None) -> pd.DataFrame:
    if wanted is None:
        return history
    found = history[history[column] == wanted]
    if found.empty:
        counts = history.groupby(column)["task_id"].nunique().sort_values(ascending=False)
        known = ", ".join(f"{name} ({count})" for name, count in counts.items()) or "none"
        raise EstimationRefusal(
            f"Past tasks with {column} {wanted!r} are needed, 0 found. Known, with their tasks: {known}."
        )
    return found


def _refuse_alternatives(history: pd.DataFrame) -> None:
    """Refuse to sum models that did the same work as alternatives; models that worked together on a task are summed.

    Alternatives are many for one piece of work (three or more), or their outcomes lie more than a day apart.
    """
    work = history.groupby(["task_id", "agent_role"]).agg(
        models=("llm_model", "nunique"), first=("at", "min"), last=("at", "max")
    )
    shared = work[work["models"] > 1]
    if len(shared) <= ALTERNATIVE_SHARE * len(work):
        return
    is_apart = (shared["last"] - shared["first"]) > pd.Timedelta(days=1)
    if shared["models"].median() < MANY_MODELS and is_apart.mean() <= ALTERNATIVE_SHARE:
        return
    counts = history.groupby("llm_model")["task_id"].nunique().sort_values(ascending=False)
    raise EstimationRefusal(
        f"One model is needed, {len(counts)} did the same work side by side and their sum is no task's cost. "
        f"Name one with --model, or compare them with --compare: {', '.join(map(str, counts.index))}."
    )


def _summed(history: pd.DataFrame, llm_model: str, agent_role: str) -> pd.DataFrame:
    groups = history.groupby("task_id", sort=False)
    frame = groups.agg(at=("at", "max"), is_finished=("is_finished", "all"), is_censored=("is_censored", "any"))
    if "is_failed" in history.columns:
        frame["is_failed"] = groups["is_failed"].any()
    for name in _FIRST:
        if name in history.columns:
            frame[name] = groups[name].first()
    for name in COMPONENTS:
        total = groups[name].sum(min_count=1)
        is_whole = groups[name].count() == groups.size()
        frame[name] = total if name == "tool_calls" else total.where(is_whole, np.nan)
    frame["llm_model"], frame["agent_role"] = llm_model, agent_role
    return frame.reset_index().sort_values(["at", "task_id"], ignore_index=True)
