"""One question to the past: what a task will cost, for which model and role, of which size, with which intervals.

A `Question` goes unchanged from the command line to the interval. It decides what one past task is: the view
`task_history` has one row per task, model and role, and `pose` makes of it the rows that the question is about. A
question that names no role is about the sum over roles, one that names no model about the sum over models, unless the
models did the same work side by side: then a sum would be the cost of all of them together, which nobody asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np
import pandas as pd

from asp_analysis.alternatives import find_alternatives
from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.executions import COST_VECTOR
from asp_analysis.probe.history import SERIES, UNNAMED, hide_late_sizes, name_all, take_whole_costs
from asp_analysis.probe.models.candidates import MODELS
from asp_analysis.probe.models.nested import KnownTask
from asp_analysis.probe.models.spread_prior import SpreadPrior, read_shipped_prior

EACH = "*"
"""Every model, or every role, by itself instead of their sum."""

ALL_MODELS = "all models"
ALL_ROLES = "all roles"

LEVELS = (0.7, 0.9)
"""Levels of the intervals where nobody asks for others."""

AUTO = "auto"
"""The method that asks the model with the best record."""

PER = ("finished", "attempt")
"""What one past cost is: that of a finished task with all its attempts, or that of one attempt."""

USUAL_SHARE = 0.5
"""Share of a model's tasks in which it plays a role, from which on the role is part of the work it does."""

_FLAGS = {"is_finished": True, "is_censored": False}
_FIRST = (
    *("roles", "project_id", "task_type", "size", "size_source", "actual_size"),
    *("planned_cost_usd", "planned_latency_ms"),
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the past; `estimate`, `backtest`, `compare` and `probe` answer it.

    model, role: a value of `llm_model` and `agent_role`; None for the sum over all that worked on a task; `EACH` for
    every one by itself. Attempts of one task are summed with it wherever a sum is asked for: of a history of attempts
    name model and role, or ask for `EACH`.
    size: of the task to come, in complexity units; None where it is unknown. units: in its place, the sizes of the
    semantic units of the task, which are estimated one by one and summed. task: what else is known of it.
    components: what is estimated, of `COST_VECTOR`. levels: of the intervals, shares from 0.5 to 0.99.
    method: the model that answers, a name of `MODELS`; `auto` for the one with the best record.
    per: what one past cost is, of `PER`. prior: how much costs scatter before the series itself shows it. Lists become
    tuples.

    Raises:
        InputError: a field holds what cannot be asked; the message says what can.
    """

    model: str | None = None
    role: str | None = None
    size: float | None = None
    units: tuple[float, ...] | None = None
    task: KnownTask = field(default_factory=KnownTask)
    components: tuple[str, ...] = ("cost_usd",)
    levels: tuple[float, ...] = LEVELS
    method: str = AUTO
    per: str = "finished"
    prior: SpreadPrior = field(default_factory=read_shipped_prior)

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        for name in ("units", "components", "levels"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        _check_sizes(self)
        _check_components(self.components)
        _check_levels(self.levels)
        methods = (AUTO, *MODELS)
        if self.method not in methods:
            raise InputError(f"{self.method!r} is not a method. Choose one of {', '.join(methods)}.")
        if self.per not in PER:
            known = ", ".join(PER)
            raise InputError(f"per={self.per!r} is unknown. Choose one of {known}.")

    @property
    def component(self) -> str:
        """The one component that is asked for.

        Raises:
            InputError: several are.
        """
        if len(self.components) > 1:
            raise InputError(
                f"{len(self.components)} components are too many at once ({', '.join(self.components)}). "
                "Backtests, comparisons and published PROBE are of one. Ask for one after the other."
            )
        return self.components[0]

    @property
    def sizes(self) -> tuple[float | None, ...]:
        """The sizes to estimate: one for each unit, or that of the task, None where it is unknown."""
        return (self.size,) if self.units is None else self.units

    @property
    def llm_model(self) -> str:
        """What the column `llm_model` holds in the rows that answer (`pose`).

        Raises:
            InputError: every model is asked for, which is no one series.
        """
        return _name_series(self.model, ALL_MODELS, "model")

    @property
    def agent_role(self) -> str:
        """What the column `agent_role` holds in the rows that answer (`pose`).

        Raises:
            InputError: every role is asked for, which is no one series.
        """
        return _name_series(self.role, ALL_ROLES, "role")


def pose(history: pd.DataFrame, question: Question) -> pd.DataFrame:
    """The rows of a history that a question is about, one per task (and model, and role, where they are kept apart).

    `history`: the view `task_history`, or what `history` describes. Rows of other models than the one that is asked
    for stay: what they paid for the same task helps to estimate it. Costs are whole ones (`take_whole_costs`). Where
    models or roles are summed, a cost that one of the rows lacks is unknown for the sum (`tool_calls` are summed as
    far as known: many roles call none), the time is the last one, a task is finished when all of it is, failed or
    censored when any of it is. Where roles are summed and models are not, the column `roles` says what work the rows of
    a model represent: the roles that it plays in at least half of its tasks. The model that plans and the one that
    codes share their tasks and not their work; a sub-agent that a session starts now and then is no other work, it is
    part of how the main agent's model does the task.

    Raises:
        EstimationRefusal: there is no such model or role (the message lists what there is), or models that did the
            same work side by side would be summed.
    """
    history = hide_late_sizes(name_all(history))
    named = history if question.model == EACH else _select(history, "llm_model", question.model)
    if question.role not in (None, EACH):
        _select(named, "agent_role", question.role)
        history = history[history["agent_role"] == question.role]
    if question.model is None:
        _refuse_alternatives(history[history["llm_model"] != UNNAMED])
    elif question.role is not None:
        is_all = question.model == question.role == EACH
        is_named = (history["llm_model"] != UNNAMED) | (question.model == UNNAMED)
        return take_whole_costs(history if is_all else history[is_named])
    return _sum_rows(take_whole_costs(history), question)


def look_up_task(question: Question, tasks: pd.DataFrame) -> Question:
    """The question with what `tasks` says of its task: project, type, and the size where the question has none.

    tasks: columns task_id, project_id, task_type and size, as the view `tasks` has them.

    Raises:
        InputError: no row has the task's id.
    """
    found = tasks[tasks["task_id"] == question.task.task_id]
    if found.empty:
        raise InputError(
            f"There is no task {question.task.task_id!r} in the store. Load it first, or leave --task out."
        )
    known = {name: value for name, value in found.iloc[0].items() if not pd.isna(value)}
    task = replace(question.task, project_id=known.get("project_id"), task_type=known.get("task_type"))
    is_sized = question.size is not None or question.units is not None
    return replace(question, task=task, size=question.size if is_sized else known.get("size"))


def _check_sizes(question: Question) -> None:
    if question.size is not None and question.units is not None:
        raise InputError("There are both a size and units. The units add up to the size of the task: leave one out.")
    if question.units is not None and len(question.units) == 0:
        raise InputError("The list of semantic units is empty. Add at least one, or name one total size.")
    for size in question.sizes:
        if size is not None and not (size > 0 and isfinite(size)):
            raise InputError(f"The size {size:g} is not a finite number above 0. Correct it, or leave it out.")


def _check_components(components: tuple[str, ...]) -> None:
    wrong = [name for name in components if name not in COST_VECTOR]
    if wrong or not components:
        found = f"{wrong[0]!r} is not a component" if wrong else "No component was named"
        raise InputError(f"{found}. Choose one of {', '.join(COST_VECTOR)}.")


def _check_levels(levels: tuple[float, ...]) -> None:
    """Refuse levels below 0.5 and above 0.99: such intervals say nothing useful."""
    wrong = [level for level in levels if not 0.5 <= level <= 0.99]
    if wrong or not levels:
        found = f"The levels {wrong} are not" if wrong else "No level is"
        raise InputError(f"{found} from 0.5 to 0.99. Use 0.7 and 0.9, for example.")


def _name_series(asked: str | None, summed: str, kind: str) -> str:
    if asked == EACH:
        raise InputError(f"Every {kind} is asked for, and an answer is about one. Name one, or none for their sum.")
    return summed if asked is None else asked


def _select(history: pd.DataFrame, column: str, wanted: str | None) -> pd.DataFrame:
    """The rows with a value; all where none is wanted. EstimationRefusal names the values that there are."""
    if wanted is None:
        return history
    found = history[history[column] == wanted]
    if found.empty:
        counts = history.groupby(column)["task_id"].nunique().sort_values(ascending=False)
        known = ", ".join(f"{name} ({count})" for name, count in counts.items()) or "none"
        raise EstimationRefusal(f"There are no past tasks with {column} {wanted!r}. Known, with their tasks: {known}.")
    return found


def _refuse_alternatives(history: pd.DataFrame) -> None:
    if models := find_alternatives(history):
        raise EstimationRefusal(
            f"{len(models)} models did the same work as alternatives, and their sum is not the cost of a task. "
            f"Name one with --model, or compare them with --compare: {', '.join(models)}."
        )


def _sum_rows(history: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Sum over models and over roles where the question is about their sum; rows of an unknown model are left out
    where models are kept apart."""
    apart = {"llm_model": question.model is not None, "agent_role": question.role == EACH}
    rows = history.assign(**{name: value for name, value in _FLAGS.items() if name not in history.columns})
    if apart["llm_model"] and question.model != UNNAMED:
        rows = rows[rows["llm_model"] != UNNAMED]
    groups = rows.groupby(["task_id", *(name for name, is_apart in apart.items() if is_apart)], sort=False)
    frame = groups.agg(
        known_at=("known_at", "max"), is_finished=("is_finished", "all"), is_censored=("is_censored", "any")
    )
    if "started_at" in rows.columns:
        frame["started_at"] = groups["started_at"].min()
    if "is_failed" in rows.columns:
        frame["is_failed"] = groups["is_failed"].any()
    for name in _FIRST:
        if name in rows.columns:
            frame[name] = groups[name].first()
    for name in COST_VECTOR:
        if name in rows.columns:
            total = groups[name].sum(min_count=1)
            is_whole = groups[name].count() == groups.size()
            frame[name] = total if name == "tool_calls" else total.where(is_whole, np.nan)
    frame = frame.reset_index()
    if question.model is None:
        frame = frame.assign(llm_model=ALL_MODELS, models=_count_models(rows))
    elif question.role is None and "roles" not in frame.columns:
        frame["roles"] = frame["llm_model"].map(_list_usual_roles(history))
    if question.role != EACH:
        frame["agent_role"] = question.agent_role
    return frame.sort_values(["known_at", *SERIES, "task_id"], ignore_index=True)


def _count_models(rows: pd.DataFrame) -> int:
    """Over how many models the costs of rows are sums; 2 where they are sums already of an unknown number."""
    names = set(rows["llm_model"])
    if "models" in rows.columns:
        return max(len(names), int(rows["models"].max())) if len(rows) else 0
    return len(names) + (ALL_MODELS in names)


def _list_usual_roles(history: pd.DataFrame) -> dict[str, str]:
    """Model -> the roles of at least half of its tasks; every role where none is that usual."""
    found = {}
    for model, rows in history.groupby("llm_model"):
        tasks = rows.groupby("agent_role")["task_id"].nunique()
        usual = tasks[tasks >= USUAL_SHARE * rows["task_id"].nunique()]
        found[str(model)] = ", ".join(sorted(map(str, (usual if len(usual) else tasks).index)))
    return found
