"""What the past says about cost: one row per attempt, and on purpose which rows count for which question.

The input of every estimate is one frame, the history:

| column | type | meaning |
|---|---|---|
| task_id | str | the same task has the same id for every model and agent |
| at | instant, UTC | when the outcome became known: the order key; equal instants keep the frame's order |
| llm_model, agent_role | str | together they name a series |
| size | float, optional | the proxy known before the task starts; NaN when unknown |
| roles | str, optional | the work that the rows of a series stand for, where it is more than agent_role says |
| project_id, task_type | str, optional | classes of alike tasks, for the reference class |
| is_finished | bool, optional (true) | the task ended by itself with a result, right or wrong |
| is_failed | bool, optional (not is_finished) | the task ended without a result; false for one that is not over |
| is_censored | bool, optional (false) | cut off by a timeout or limit: a lower bound of what finishing costs |
| cost_usd, latency_ms, tokens_in, tokens_out, tool_calls | float, each optional | the cost vector; NaN when unknown |
| planned_<component> | float, optional | the planner's own figure |

The same task may stand there several times for one series: those are attempts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError

COMPONENTS = ("cost_usd", "latency_ms", "tokens_in", "tokens_out", "tool_calls")
SERIES = ("llm_model", "agent_role")
QUESTIONS = ("finished", "attempt")
NOT_OVER = "not finished (pending, in progress or unknown)"
_REQUIRED = ("task_id", "at", *SERIES)
_DEFAULTS = {"size": np.nan, "project_id": None, "task_type": None, "is_finished": True, "is_censored": False}


@dataclass(frozen=True, eq=False)
class Series:
    """The costs of one model in one role, in the order in which they became known.

    tasks: columns task_id, at, order (position in the whole history: what is known before what), project_id, task_type,
    size, cost, attempts (rows summed in cost). left_out: reason -> number of rows that do not count, for every reason.
    """

    llm_model: str
    agent_role: str
    component: str
    per: str
    tasks: pd.DataFrame
    left_out: dict[str, int]

    @property
    def name(self) -> str:
        """`model / role`, as it is written in texts."""
        return f"{self.llm_model} / {self.agent_role}"

    @property
    def cost(self) -> np.ndarray:
        """Costs in order, in the unit of the component; all positive."""
        return self.tasks["cost"].to_numpy(float)

    @property
    def size(self) -> np.ndarray:
        """Sizes in order; NaN where unknown or not positive (a size of 0 says nothing on a log scale)."""
        size = self.tasks["size"].to_numpy(float)
        return np.where(size > 0, size, np.nan)

    def latest(self, count: int) -> Series:
        """Give the series with its last `count` tasks; the older ones are counted as left out."""
        older = len(self.tasks) - count
        if older <= 0:
            return self
        left_out = {**self.left_out, f"older than the last {count:,}": older}
        return replace(self, tasks=self.tasks.tail(count).reset_index(drop=True), left_out=left_out)

    def left_out_text(self) -> str:
        """`3 cost_usd missing, 1 cut off and never finished`, or `none`."""
        return ", ".join(f"{count} {reason}" for reason, count in self.left_out.items() if count) or "none"


def check_history(history: pd.DataFrame) -> pd.DataFrame:
    """The history in time order with every optional column; the index is the order in which outcomes became known.

    Raises InputError for missing columns, no component at all, instants that cannot be read, or negative costs.
    """
    missing = [name for name in _REQUIRED if name not in history.columns]
    if missing:
        raise InputError(
            f"A history needs the columns {', '.join(_REQUIRED)}, {', '.join(missing)} missing. Rename or add them."
        )
    present = [name for name in COMPONENTS if name in history.columns]
    if not present:
        raise InputError(f"A history needs at least one of {', '.join(COMPONENTS)}, none found. Add a cost column.")
    frame = history.copy()
    for name, value in _DEFAULTS.items():
        frame[name] = frame[name].where(frame[name].notna(), value) if name in frame.columns else value
    failed = frame.get("is_failed", pd.Series(pd.NA, frame.index, dtype="boolean"))
    frame["is_failed"] = failed.where(failed.notna(), ~frame["is_finished"].astype(bool))
    frame["at"] = _instants(frame["at"])
    frame[["size", *present]] = frame[["size", *present]].astype(float)
    flags = ["is_finished", "is_failed", "is_censored"]
    frame[flags] = frame[flags].astype(bool)
    negative = [name for name in present if (frame[name] < 0).any()]
    if negative:
        raise InputError(
            f"Costs of 0 or more are needed, {negative[0]} holds {frame[negative[0]].min():g}. "
            "Correct or drop those rows."
        )
    return frame.sort_values("at", kind="stable").reset_index(drop=True)


def series_of(history: pd.DataFrame, component: str, per: str = "finished") -> list[Series]:
    """Every series (llm_model, agent_role) of one component, in order of first appearance.


    per="attempt": each row with a known positive cost is one point, a cut-off or failed attempt too, with what it did
    cost. per="finished": each finished task is one point; the attempts of the same task and series that failed or
    were cut off before it belong to its cost (an attempt of unknown cost makes the sum unknown). Tasks that never
    finished are left out and counted, those that are not over apart from the failed: what they will cost, or would
    have, is unknown. A row that is finished and censored counts as cut off. A repeat after the finish begins anew. Left
    out of both: missing costs (unknown), costs of 0 (not recorded or not run: nothing that ran was free). Raises
    InputError for an unknown component or question.
    """
    if component not in COMPONENTS:
        raise InputError(f"A component of {', '.join(COMPONENTS)} is needed, {component!r} found. Choose one of them.")
    if per not in QUESTIONS:
        raise InputError(f"per must be one of {', '.join(QUESTIONS)}, {per!r} found. Choose one of them.")
    frame = check_history(history)
    if component not in frame.columns:
        raise InputError(f"A column {component} is needed, the history has none. Add it or choose another component.")
    frame = frame.assign(cost=frame[component], order=frame.index, attempts=1)
    count = _finished if per == "finished" else _attempts
    return [
        Series(str(model), str(role), component, per, *count(group, component))
        for (model, role), group in frame.groupby(list(SERIES), sort=False, dropna=False)
    ]


def ways_on(short: list[Series]) -> str:
    """Say what to do where series hold too few tasks: the sentence with which a refusal ends."""
    if any(series.per == "attempt" for series in short):
        return "Record more attempts, or take the planner's own figure."
    if any(series.left_out[NOT_OVER] for series in short):
        return (
            "Say which tasks are finished: asp-analysis load FILE --as task_metadata --set status=completed; or count "
            "attempts with --per attempt."
        )
    return "Finish more tasks, count attempts with --per attempt, or take the planner's own figure."


def position_of(every: list[Series], key: tuple[str, str]) -> int:
    """Where the series (llm_model, agent_role) stands. Raises EstimationRefusal naming the series that exist."""
    for position, series in enumerate(every):
        if (series.llm_model, series.agent_role) == key:
            return position
    known = "; ".join(f"{series.name} ({len(series.tasks)})" for series in every) or "none"
    raise EstimationRefusal(
        f"Past tasks of {key[0]} / {key[1]} are needed, 0 found; known: {known}. "
        "Ask for one of them or record some tasks."
    )


def _instants(values: pd.Series) -> pd.Series:
    try:
        is_text = not (pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_numeric_dtype(values))
        return pd.to_datetime(values, utc=True, format="ISO8601" if is_text else None)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"The column at needs instants, one could not be read: {error}. Write them as ISO 8601."
        ) from error


_COLUMNS = ["task_id", "at", "order", "project_id", "task_type", "size", "cost", "attempts"]


def _attempts(group: pd.DataFrame, component: str) -> tuple[pd.DataFrame, dict[str, int]]:
    is_missing, is_zero = group["cost"].isna(), group["cost"] == 0
    left_out = {f"{component} missing": int(is_missing.sum()), f"{component} 0": int(is_zero.sum())}
    return group.loc[~is_missing & ~is_zero, _COLUMNS].reset_index(drop=True), left_out


def _finished(group: pd.DataFrame, component: str) -> tuple[pd.DataFrame, dict[str, int]]:
    is_done = group["is_finished"] & ~group["is_censored"]
    # A finish closes its own row: attempts are numbered by how many finishes of the task came before them.
    round_of = is_done.groupby(group["task_id"]).cumsum() - is_done
    keys = [group["task_id"], round_of]
    is_unknown = group["cost"].isna().groupby(keys).transform("any")
    spent = group["cost"].groupby(keys).transform("sum").mask(is_unknown)
    attempts = group["cost"].groupby(keys).transform("size")
    done = group.assign(cost=spent, attempts=attempts)[is_done]
    is_open = ~is_done.groupby(keys).transform("any")
    is_uncut = is_open & ~group["is_censored"]
    rows, left_out = _attempts(done, component)
    return rows, {
        **left_out,
        "cut off and never finished": int((is_open & group["is_censored"]).sum()),
        "failed and never finished": int((is_uncut & group["is_failed"]).sum()),
        NOT_OVER: int((is_uncut & ~group["is_failed"]).sum()),
    }
