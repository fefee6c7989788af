"""What the past says about cost: one row per attempt, and on purpose which rows count for which question.

The input of every estimate is one frame, the history:

| column | type | meaning |
|---|---|---|
| task_id | str | the same task has the same id for every model and agent |
| known_at | instant, UTC | when the outcome became known: the order key; equal instants keep the frame's order |
| started_at | instant, UTC, optional | when work began: a forecast knows only what was known then (`Series.known`) |
| llm_model, agent_role | str | together they name a series |
| size | float, optional | the proxy known before the task starts; NaN when unknown |
| size_source | str, optional | where it is "actual", the size was counted after the work, and is not used |
| roles | str, optional | the work that the rows of a series represent, where it is more than agent_role says |
| models | int, optional (1) | over how many models the costs of the whole series are sums |
| project_id, task_type | str, optional | classes of alike tasks, for the reference class |
| is_finished | bool, optional (true) | the task ended by itself with a result, right or wrong |
| is_failed | bool, optional (not is_finished) | the task ended without a result; false for one that is not over |
| is_censored | bool, optional (false) | cut off by a timeout or limit: a lower bound of what finishing costs |
| cost_usd, latency_ms, tokens_in, tokens_out, tool_calls | float, each optional | the cost vector; NaN when unknown |
| whole_<component> | float, optional | the same where all of it is known: taken in its place (`take_whole_costs`) |
| planned_<component> | float, optional | the planner's own figure |

The same task may occur several times for one series: those are attempts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from asp_analysis.errors import InputError
from asp_analysis.executions import COST_VECTOR
from asp_analysis.probe.price_changes import measure_price_levels

SERIES = ("llm_model", "agent_role")
NOT_OVER = "not finished (pending, in progress or unknown)"
_REQUIRED = ("task_id", "known_at", *SERIES)
_DEFAULTS = {
    "size": np.nan,
    "size_source": None,
    "project_id": None,
    "task_type": None,
    "is_finished": True,
    "is_censored": False,
    "models": 1,
}
_KEPT = [
    *("task_id", "known_at", "started_at", "order", "project_id", "task_type"),
    *("size", "size_source", "cost", "tokens", "models", "attempts", "is_censored"),
]

LATE = "actual"
"""What `size_source` says of a size that was counted after the work."""

UNNAMED = "unnamed"
"""What a model or role is called that the source did not name: an empty name could not be asked for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """The costs of one model in one role, in the order in which they became known.

    tasks: columns task_id, known_at, started_at (NaT: unknown), order (position in the whole history: what is known
    before what), project_id, task_type, size, cost, tokens (NaN: unknown), models and attempts (how many are summed in
    cost), is_censored (cut off: the cost is a lower bound). left_out: reason -> number of rows that do not count, for
    every reason. cut_costs: what the tasks that were cut off and never finished had cost by then, where it is known;
    none of these is in tasks. price: (n + 1,), what a token cost at the start of each task and costs now, as multiples
    of the first price; empty where it did not change.
    """

    llm_model: str
    agent_role: str
    component: str
    per: str
    tasks: pd.DataFrame
    left_out: dict[str, int]
    cut_costs: np.ndarray = field(default_factory=lambda: np.empty(0))
    price: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def name(self) -> str:
        """`model / role`, as it is written in texts."""
        return f"{self.llm_model} / {self.agent_role}"

    @property
    def cost(self) -> np.ndarray:
        """Costs in order, in the unit of the component; all positive. Shape (n,).

        Where the cost of a token changed, at the price of today: what past tasks are forecast from.
        """
        return self.recorded_cost * self.repricing

    @property
    def recorded_cost(self) -> np.ndarray:
        """What the tasks did cost. Shape (n,)."""
        return self.tasks["cost"].to_numpy(float)

    @property
    def repricing(self) -> np.ndarray:
        """Factor from the price at the start of each task to that of today. Shape (n,)."""
        return self.price[-1] / self.price[:-1] if len(self.price) else np.ones(len(self.tasks))

    @property
    def size(self) -> np.ndarray:
        """Sizes in order, shape (n,); NaN where unknown or not positive (a size of 0 says nothing on a log scale)."""
        size = self.tasks["size"].to_numpy(float)
        return np.where(size > 0, size, np.nan)

    @property
    def known(self) -> np.ndarray:
        """Outcomes of this series that were known when each task started, shape (n,): always the first ones.

        A task whose start is unknown is taken to start when the one before it was over.
        """
        before = np.arange(len(self.tasks))
        starts = np.array(self.find_starts(), dtype=np.int64)
        known = np.searchsorted(self.find_completions(), starts, side="right")
        return np.where(starts >= 0, np.minimum(known, before), before)

    def find_completions(self) -> list[int]:
        """When each outcome became known, in nanoseconds since 1970; never falls."""
        return _count_nanoseconds(self.tasks["known_at"])

    def find_starts(self) -> list[int]:
        """When each task started, in nanoseconds since 1970; -1 where no start before the completion is known."""
        started = self.tasks["started_at"]
        return _count_nanoseconds(started.where(started < self.tasks["known_at"]))

    def take_latest(self, count: int) -> Series:
        """Return the series with its last `count` tasks; the older ones are counted as left out."""
        older = len(self.tasks) - count
        if older <= 0:
            return self
        left_out = {**self.left_out, f"older than the last {count:,}": older}
        latest = self.tasks.tail(count).reset_index(drop=True)
        price = self.price[older:] if len(self.price) else self.price
        return replace(self, tasks=latest, left_out=left_out, price=price)

    def follow_prices(self) -> Series:
        """The series with what a token cost at each start, as far as its tokens and dollars say (`price_changes`).

        Of one model only: what a token costs in a sum over models changes with those that are used.
        """
        is_of_one_model = self.llm_model != UNNAMED and (self.tasks["models"] <= 1).all()
        if self.component != "cost_usd" or not is_of_one_model or self.tasks["tokens"].isna().all():
            return self
        with np.errstate(divide="ignore", invalid="ignore"):
            log_price = np.log(self.recorded_cost / self.tasks["tokens"].to_numpy(float))
        level = measure_price_levels(np.where(np.isfinite(log_price), log_price, np.nan))
        return replace(self, price=np.exp(level[np.append(self.known, len(self.tasks))])) if level.any() else self

    def describe_left_out(self) -> str:
        """`3 cost_usd missing, 1 cut off and never finished`, or `none`."""
        return ", ".join(f"{count} {reason}" for reason, count in self.left_out.items() if count) or "none"


def take_whole_costs(history: pd.DataFrame) -> pd.DataFrame:
    """The history with the costs that estimation learns from: a component is its `whole_` column where there is one.

    The view `task_history` has both. Where an execution has no cost, the sum of what is known is a lower bound and no
    outcome, and `whole_cost_usd` is empty. Components become floats, the `whole_` columns are dropped.
    """
    source = {name: f"whole_{name}" if f"whole_{name}" in history.columns else name for name in COST_VECTOR}
    costs = {name: history[column].astype(float) for name, column in source.items() if column in history.columns}
    return history.assign(**costs).drop(columns=[f"whole_{name}" for name in COST_VECTOR], errors="ignore")


def hide_late_sizes(history: pd.DataFrame) -> pd.DataFrame:
    """The history without sizes that were counted after the work (`size_source` actual): no forecast knew them."""
    if "size" not in history.columns or "size_source" not in history.columns:
        return history
    return history.assign(size=history["size"].where(history["size_source"] != LATE))


def check_history(history: pd.DataFrame) -> pd.DataFrame:
    """The history in time order with every optional column and whole costs, numbered as outcomes became known.

    Raises:
        InputError: columns are missing, there is no component at all, instants cannot be read, or costs are negative
            or infinite, or sizes infinite.
    """
    missing = [name for name in _REQUIRED if name not in history.columns]
    if missing:
        raise InputError(
            f"A history needs the columns {', '.join(_REQUIRED)}, {', '.join(missing)} missing. Rename or add them."
        )
    frame = take_whole_costs(hide_late_sizes(history))
    present = [name for name in COST_VECTOR if name in frame.columns]
    if not present:
        raise InputError(f"A history needs at least one of {', '.join(COST_VECTOR)}, none found. Add a cost column.")
    for name, value in _DEFAULTS.items():
        frame[name] = frame[name].where(frame[name].notna(), value) if name in frame.columns else value
    failed = frame.get("is_failed", pd.Series(pd.NA, frame.index, dtype="boolean"))
    frame["is_failed"] = failed.where(failed.notna(), ~frame["is_finished"].astype(bool))
    frame["known_at"] = _read_instants(frame["known_at"], "known_at")
    started = frame["started_at"] if "started_at" in frame.columns else pd.Series(pd.NaT, frame.index)
    frame["started_at"] = _read_instants(started, "started_at")
    frame["size"] = frame["size"].astype(float)
    frame = name_all(frame)
    flags = ["is_finished", "is_failed", "is_censored"]
    frame[flags] = frame[flags].astype(bool)
    negative = [name for name in present if (frame[name] < 0).any()]
    if negative:
        raise InputError(
            f"{negative[0]} has the negative value {frame[negative[0]].min():g}; costs are 0 or more. "
            "Correct or drop those rows."
        )
    _refuse_infinite(frame, [*present, "size"])
    return frame.sort_values("known_at", kind="stable").reset_index(drop=True)


def split_series(history: pd.DataFrame, component: str, per: str = "finished") -> list[Series]:
    """Every series (llm_model, agent_role) of one component, in order of first appearance.

    per="attempt": each row with a known positive cost is one point, a cut-off or failed attempt too, with what it did
    cost. per="finished": each finished task is one point; the attempts of the same task and series that failed or
    were cut off before it belong to its cost (an attempt of unknown cost makes the sum unknown). Tasks that never
    finished are left out and counted, those that are not over apart from the failed: what they will cost, or would
    have, is unknown. A row that is finished and censored counts as cut off. A repeat after the finish is a new task.
    Left out of both: missing costs (unknown), costs of 0 (not recorded or not run: nothing that ran was free).

    Raises:
        InputError: the history lacks the component's column, or cannot be read (`check_history`).
    """
    frame = check_history(history)
    if component not in frame.columns:
        raise InputError(f"The history has no column {component}. Add it, or choose another component.")
    tokens = frame["tokens_in"] + frame["tokens_out"] if {"tokens_in", "tokens_out"} <= set(frame.columns) else np.nan
    frame = frame.assign(cost=frame[component], tokens=tokens, order=frame.index, attempts=1)
    count = _count_attempts if per == "attempt" else _count_finished
    found = []
    for (model, role), group in frame.groupby(list(SERIES), sort=False):
        tasks, left_out, cut_costs = count(group, component)
        found.append(
            Series(
                llm_model=str(model),
                agent_role=str(role),
                component=component,
                per=per,
                tasks=tasks,
                left_out=left_out,
                cut_costs=cut_costs,
            ).follow_prices()
        )
    return found


def advise(short: list[Series]) -> str:
    """Say what to do where series hold too few tasks: the sentence with which a refusal ends."""
    if any(series.per == "attempt" for series in short):
        return "Record more attempts, or take the planner's own figure."
    if any(series.left_out[NOT_OVER] for series in short):
        return (
            "Say which tasks are finished: asp-analysis load FILE --as task_metadata --set status=completed; or count "
            "attempts with --per attempt."
        )
    return "Finish more tasks, count attempts with --per attempt, or take the planner's own figure."


def name_all(history: pd.DataFrame) -> pd.DataFrame:
    """The history in which models and roles without a name are called `UNNAMED`."""
    return history.assign(**{name: history[name].where(history[name].notna(), UNNAMED) for name in SERIES})


def _refuse_infinite(frame: pd.DataFrame, columns: list[str]) -> None:
    for name in columns:
        wrong = frame.loc[np.isinf(frame[name]), "task_id"]
        if len(wrong):
            raise InputError(
                f"The {name} of the task {wrong.iloc[0]!r} is infinite ({len(wrong)} such rows). Sizes and costs are "
                "finite numbers. Correct or drop those rows."
            )


def _count_nanoseconds(instants: pd.Series) -> list[int]:
    """Nanoseconds since 1970, -1 for an unknown instant."""
    values = instants.dt.tz_convert(None).astype("datetime64[ns]")
    return np.where(values.isna(), -1, values.to_numpy().astype("int64")).tolist()


def _read_instants(values: pd.Series, name: str) -> pd.Series:
    try:
        is_text = not (pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_numeric_dtype(values))
        return pd.to_datetime(values, utc=True, format="ISO8601" if is_text else None)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"The column {name} needs instants, one could not be read: {error}. Write them as ISO 8601."
        ) from error


_Counted = tuple[pd.DataFrame, dict[str, int], np.ndarray]
"""The tasks of a series, what was left out of them, and the costs of those that were cut off and never finished."""


def _count_attempts(group: pd.DataFrame, component: str) -> _Counted:
    is_missing, is_zero = group["cost"].isna(), group["cost"] == 0
    left_out = {f"{component} missing": int(is_missing.sum()), f"{component} 0": int(is_zero.sum())}
    return group.loc[~is_missing & ~is_zero, _KEPT].reset_index(drop=True), left_out, np.empty(0)


def _count_finished(group: pd.DataFrame, component: str) -> _Counted:
    is_done = group["is_finished"] & ~group["is_censored"]
    # A finish closes its own row: attempts are numbered by how many finishes of the task came before them.
    round_of = is_done.groupby(group["task_id"]).cumsum() - is_done.astype(int)
    keys = [group["task_id"], round_of]
    is_unknown = group["cost"].isna().groupby(keys).transform("any")
    spent = group["cost"].groupby(keys).transform("sum").mask(is_unknown)
    attempts = group["cost"].groupby(keys).transform("size")
    tokens = group["tokens"].groupby(keys).transform("sum").mask(group["tokens"].isna().groupby(keys).transform("any"))
    # One attempt of unknown start leaves the start of the sum unknown.
    started = group["started_at"].groupby(keys).transform("min")
    started = started.mask(group["started_at"].isna().groupby(keys).transform("any"))
    done = group.assign(cost=spent, tokens=tokens, attempts=attempts, started_at=started)[is_done]
    is_open = ~is_done.groupby(keys).transform("any")
    is_uncut = is_open & ~group["is_censored"]
    rows, left_out, _ = _count_attempts(done, component)
    is_cut = is_open & group["is_censored"]
    # Attempts of one task that never finished are one lower bound, known where the cost of every attempt is.
    bounds = spent[is_cut].groupby(group["task_id"]).first().to_numpy(float)
    left_out |= {
        "cut off and never finished": int(is_cut.sum()),
        "failed and never finished": int((is_uncut & group["is_failed"]).sum()),
        NOT_OVER: int((is_uncut & ~group["is_failed"]).sum()),
    }
    return rows, left_out, bounds[bounds > 0]
