"""Which tasks before a change can be compared with tasks after it: alike in type, repository and size."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import Floats

FEWEST_ON_A_SIDE = 8
"""Matched tasks on each side below which nothing is said: a spread of fewer is a guess."""

_KEPT_SHARE = 0.7
"""Of the tasks of the smaller side, the share that a finer matching must keep."""

_KNOWN_SHARE = 0.7
"""Share of the tasks of each side that must have a type, a repository or a size for it to be matched by."""

_BEYOND = 2.0
"""By which factor a task may be larger or smaller than all of the other side."""

_LEVELS: tuple[tuple[str, ...], ...] = (("task_type", "place"), ("place",), ("task_type",))
_WORD_OF_MATCH = {"task_type": "type", "place": "repository"}


@dataclass(frozen=True, kw_only=True)
class Matched:
    """tasks: those that are compared, in time order; covariates: what a comparison is adjusted by, (n, p).

    by: what tasks are matched by, in words; mix: group, before, after [count] of the groups that were compared.
    without_match: tasks that have none like them on the other side.
    """

    tasks: pd.DataFrame
    covariates: Floats
    by: tuple[str, ...]
    mix: pd.DataFrame
    without_match: int


def match_tasks(tasks: pd.DataFrame) -> Matched:
    """Choose the finest matching that keeps most tasks, else the one that keeps most; no measure is looked at.

    tasks: is_after, first_at, task_type, place (repository, else project), size. Groups are types within repositories,
    or repositories, or types, where most tasks have others of their group on the other side. Sizes are an adjustment on
    the logarithm where most tasks have one; tasks far outside the sizes of the other side are left out.

    Raises:
        EstimationRefusal: fewer than 8 tasks on a side, or than 8 that have any like them on the other side.
    """
    _check_count(tasks, "")
    is_sized = _is_mostly_sized(tasks)
    kept, group, level = _choose_groups(_trim_sizes(tasks) if is_sized else tasks)
    kept = kept.sort_values(["first_at", "task_id"])
    group = group.reindex(kept.index)
    sizes = _adjust_by_size(kept) if is_sized else np.empty((len(kept), 0))
    codes = pd.get_dummies(group, drop_first=True, dtype=float).to_numpy()
    counts = pd.crosstab(group, kept["is_after"]).reindex(columns=[False, True], fill_value=0)
    mix = pd.DataFrame({"group": counts.index, "before": counts[False].to_numpy(), "after": counts[True].to_numpy()})
    by = (*(_WORD_OF_MATCH[name] for name in level), *(("size",) if is_sized else ()))
    return Matched(
        tasks=kept.reset_index(drop=True),
        covariates=np.column_stack([codes, sizes]),
        by=by,
        mix=mix,
        without_match=len(tasks) - len(kept),
    )


def _choose_groups(tasks: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series, tuple[str, ...]]:
    """Return the tasks that have others of their group on the other side, their groups, and what makes a group.

    Raises:
        EstimationRefusal: there are too few of them: the two sides did other work.
    """
    known = [name for name in _WORD_OF_MATCH if _is_mostly(tasks, tasks[name].notna())]
    levels: list[tuple[str, ...]] = [level for level in _LEVELS if set(level) <= set(known)] or [()]
    found = []
    for level in levels:
        group = _name_groups(tasks, level)
        both = group.isin(set(group[tasks["is_after"]]) & set(group[~tasks["is_after"]]))
        kept = tasks[both]
        count = group[both].nunique()
        is_fine = count <= max(len(kept) / 6, 1) and _count_sides(kept)[0] >= _KEPT_SHARE * _count_sides(tasks)[0]
        found.append((is_fine, _count_sides(kept)[0], kept, group[both], level))
    _, _, kept, group, level = max(found, key=lambda one: (one[0], 0 if one[0] else one[1]))
    words = " and ".join(_WORD_OF_MATCH[name] for name in level)
    _check_count(kept, f" have others of the same {words} on the other side" if level else "")
    return kept, group, level


def _is_mostly(tasks: pd.DataFrame, flags: pd.Series) -> bool:
    """Return whether it holds for most tasks of both sides."""
    return bool(min(flags[tasks["is_after"]].mean(), flags[~tasks["is_after"]].mean()) >= _KNOWN_SHARE)


def _count_sides(tasks: pd.DataFrame) -> tuple[int, int, int]:
    """Return the smaller side, the tasks before and those after."""
    after = int(tasks["is_after"].sum())
    before = len(tasks) - after
    return min(before, after), before, after


def _check_count(tasks: pd.DataFrame, what: str) -> None:
    least, before, after = _count_sides(tasks)
    if least < FEWEST_ON_A_SIDE:
        raise EstimationRefusal(
            f"Too few tasks to compare: {before} before and {after} after the change{what}. "
            f"{FEWEST_ON_A_SIDE} on each side are the least; wait for more."
        )


def _name_groups(tasks: pd.DataFrame, level: tuple[str, ...]) -> pd.Series:
    if not level:
        return pd.Series("all", tasks.index)
    named = [tasks[name].astype(object).where(tasks[name].notna(), "(not named)").astype(str) for name in level]
    return named[0] if len(named) == 1 else named[0] + " in " + named[1]


def _is_mostly_sized(tasks: pd.DataFrame) -> bool:
    return _is_mostly(tasks, tasks["size"].astype(float) > 0)


def _trim_sizes(tasks: pd.DataFrame) -> pd.DataFrame:
    sizes = tasks["size"].astype(float).where(tasks["size"].astype(float) > 0)
    is_kept = pd.Series(True, tasks.index)
    for side in (True, False):
        other = sizes[tasks["is_after"] != side]
        is_near = sizes.between(other.min() / _BEYOND, other.max() * _BEYOND) | sizes.isna()
        is_kept &= is_near | (tasks["is_after"] != side)
    return tasks[is_kept]


def _adjust_by_size(tasks: pd.DataFrame) -> Floats:
    sizes = tasks["size"].astype(float)
    logs = sizes.where(sizes > 0).map(np.log)
    return np.column_stack([logs.fillna(logs.mean()), logs.isna().astype(float)])
