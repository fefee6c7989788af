"""From telemetry to evidence: for each capability what the published rule reads and the scored cases of the sound one.

One case is one task: findings and defects of one task depend on each other, so a task with five findings is one case
whose outcome is the share of the five. Only what was stored before the outcome is scored.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asp_analysis.intervals import Floats
from asp_analysis.learning.betting import Flags, Places
from asp_analysis.learning.maturity import find_lag_of
from asp_analysis.learning.rule import Cases
from asp_analysis.learning.telemetry import Telemetry

RATE_WINDOW = 15
"""Rates of the published rule look at this many last cases where the rule does not say how many."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the published rule sees after each task: arrays of one length, in time order.

    known_at: when the task ended; count: what is counted towards Shadow and Autonomous;
    value: the primary metric; shadow_if, autonomous_if: condition in words -> whether it holds; fall: how far the
    metric has to worsen against its best since promotion to be demoted, None: never.
    """

    metric: str
    target: float
    needed_for_shadow: int
    needed_for_autonomous: int
    counted: str
    known_at: NDArray[np.datetime64]
    count: NDArray[np.int64]
    value: Floats
    shadow_if: dict[str, Flags]
    autonomous_if: dict[str, Flags]
    fall: float | None = None
    is_lower_better: bool = False


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything about one capability: both rules' input, the criteria's names, further metrics.

    case_at: when each case ended. `looks` replaces the cases' walk where the sound rule is not one of rates.
    """

    capability: str
    published: Published
    criteria: tuple[str, ...]
    cases: Cases
    case_at: NDArray[np.datetime64]
    secondary: dict[str, Any] = field(default_factory=dict)
    looks: "Looks | None" = None


@dataclass(frozen=True, kw_only=True)
class Looks:
    """A sound rule with fixed looks: each at alpha / looks, so that all together err at most with alpha.

    mode: index into MODES; value, lower: of the criterion, in percent, at the last look, with its target; words: what
    is missing.
    """

    mode: int
    value: float
    lower: float
    target: float
    count: int
    words: str


# --- the published rule -----------------------------------------------------------------------------------------------


def walk_published(seen: Published) -> NDArray[np.int64]:
    """Lead a capability through its modes by the published rule: raw values, a look after every task."""
    shadow = np.logical_and.reduce(list(seen.shadow_if.values()))
    autonomous = np.logical_and.reduce(list(seen.autonomous_if.values()))
    worse = 1.0 if seen.is_lower_better else -1.0
    modes, mode, best = np.zeros(len(seen.count), dtype=np.int64), 0, math.nan
    for i, value in enumerate(seen.value):
        best = value if math.isnan(best) or worse * (value - best) < 0 else best
        if mode == 2 and seen.fall is not None and worse * (value - best) >= seen.fall - 1e-9:
            mode = 1
        elif mode == 1 and autonomous[i]:
            mode, best = 2, value
        elif mode == 0 and shadow[i]:
            mode = 1
        modes[i] = mode
    return modes


# --- small tools ------------------------------------------------------------------------------------------------------


def cut_strata(sizes: pd.Series) -> NDArray[np.int64]:
    """Return 0, 1, 2 for the small, medium and large third of the tasks (fewer where sizes repeat), -1 for unknown."""
    if sizes.notna().sum() < 3:
        return np.full(len(sizes), -1)
    if sizes.nunique() == 1:
        return sizes.notna().to_numpy().astype(np.int64) - 1
    codes = pd.qcut(sizes, 3, labels=False, duplicates="drop")
    return codes.fillna(-1).to_numpy(dtype=np.int64)


def name_blocks(tasks: pd.DataFrame) -> Places:
    """Return which tasks may be alike: those of one project that ended on one day are one block."""
    day = tasks["completed_at"].dt.floor("D")
    named = tasks.groupby([tasks["project_id"].astype(object), day], dropna=False, sort=False).ngroup()
    return np.asarray(named, dtype=np.int64)


def is_mature(tasks: pd.DataFrame, known: Telemetry) -> Flags:
    """Return which ended tasks are old enough that a defect would have been found (`maturity`)."""
    if tasks.empty:
        return np.zeros(0, dtype=bool)
    found = pd.concat([known.defects, known.on_forges]) if len(known.on_forges) else known.defects
    real = found[~found["is_false_positive"].astype(bool)]
    ends = dict(zip(known.tasks["task_id"], known.tasks["completed_at"], strict=True))
    ended = pd.to_datetime(real["task_id"].astype(object).map(ends))
    instant = known.instant if known.instant is not None else tasks["completed_at"].max()
    lag = find_lag_of(tasks["completed_at"], (pd.to_datetime(real["found_at"]) - ended).dt.total_seconds(), instant)
    return (tasks["completed_at"] + lag <= instant).to_numpy(dtype=bool)


def place_cases(tasks: pd.DataFrame, cases: pd.DataFrame) -> pd.Series:
    """Return for each row of `cases` the place of its task among `tasks`; NaN where it is none of them."""
    known = pd.Series(np.arange(len(tasks), dtype=float), index=tasks["task_id"].to_numpy(dtype=object))
    return cases["task_id"].astype(object).map(known).astype(float)


def mark_changes(tasks: pd.DataFrame, runs: pd.DataFrame, roles: list[str], memory: int) -> Flags:
    """Return at which task a model or prompt version begins that was not at work in the last `memory` tasks.

    A mix of models is one configuration; only one that is new, or returns after so many tasks, is a change.
    """
    own = runs[runs["agent_role"].isin(roles)]
    place = place_cases(tasks, own)
    flags = np.zeros(len(tasks), dtype=bool)
    for column in ("llm_model", "agent_version"):
        flags[list_new_places(place, own[column], memory)] = True
    return flags


def list_new_places(place: pd.Series, name: pd.Series, memory: int) -> Places:
    """Return the places at which a name comes that was not among the last `memory` places; the first of all is none."""
    used = pd.DataFrame({"place": place, "name": name}).dropna().drop_duplicates().sort_values("place")
    gap = used.groupby("name")["place"].diff()
    is_new = gap.isna() & (used["place"] > used["place"].min()) | (gap > memory)
    return used.loc[is_new, "place"].to_numpy(dtype=np.int64)


def average_by_task(tasks: pd.DataFrame, cases: pd.DataFrame, flag: str) -> Floats:
    """Return for each task the share of its cases for which the flag holds; NaN for a task without cases."""
    place = place_cases(tasks, cases)
    shares = cases[flag].astype(float).groupby(place).mean().reindex(range(len(tasks)))
    return np.asarray(shares, dtype=np.float64)


def average_recent(tasks: pd.DataFrame, cases: pd.DataFrame, flag: str, window: int = RATE_WINDOW) -> Floats:
    """Return after each task the share among the last `window` cases of the tasks so far; NaN before the first."""
    place = place_cases(tasks, cases)
    ordered = cases.assign(place=place).dropna(subset=["place"]).sort_values("place", kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(ordered[flag].to_numpy(dtype=float))])
    end = np.searchsorted(ordered["place"].to_numpy(), np.arange(len(tasks)), side="right")
    begin = np.maximum(end - window, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums[end] - sums[begin]) / np.where(end > begin, end - begin, np.nan)


def average_window(values: Floats, window: int) -> Floats:
    """Return the mean of the last `window` values after each task, unknown ones left out."""
    return np.asarray(pd.Series(values).rolling(window, min_periods=1).mean(), dtype=np.float64)


def is_below(value: Floats, limit: float) -> Flags:
    """Compare where there is a value; a rate over no cases at all breaks no limit."""
    return np.isnan(value) | (value < limit)


def get_last(values: Floats) -> float | None:
    """Return the last value in the form of `round_or_none`; None for an empty array."""
    return round_or_none(values[-1]) if len(values) else None


def round_or_none(value: Any) -> float | None:
    """Return a number that JSON can hold; None for what is not defined."""
    return None if value is None or pd.isna(value) else round(float(value), 6)
