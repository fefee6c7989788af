"""The tasks that wait for their spend: how many, and how many usual tasks they are by what was estimated of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

ENOUGH_ESTIMATED = 0.8
"""Share of the tasks with an estimate from which on open tasks count by it."""


@dataclass(frozen=True)
class OpenWork:
    """The open tasks at some midnights, the last of which is now.

    work, count: (n,); work is counted in usual tasks. by: "estimate", "size", or "number" where too few tasks have
    either. estimate: the sum of the estimates of those open now, in their unit; None where one of them has none.
    """

    work: np.ndarray
    count: np.ndarray
    by: str
    estimate: float | None


def measure_open_work(tasks: pd.DataFrame, midnights: np.ndarray, estimate: str) -> OpenWork:
    """Count open tasks, each by what was estimated of it before its work.

    tasks: created_at, closed_at (NaT: open), size and the column that `estimate` names. Where four of five tasks have
    an estimate, a task counts as often as its estimate holds the median one; else by its size in the same way; else
    as one. A task without counts as one.
    """
    by, weight = _weigh_tasks(tasks, estimate)
    closed, now = tasks["closed_at"].to_numpy("datetime64[us]"), midnights[-1]
    is_open = (np.isnat(closed) | (closed >= now)) & (tasks["created_at"].to_numpy("datetime64[us]") < now)
    known = tasks[estimate][is_open]
    return OpenWork(
        work=_sum_open(tasks, weight, midnights),
        count=_sum_open(tasks, np.ones(len(tasks)), midnights),
        by=by,
        estimate=float(known.sum()) if len(known) and known.notna().all() else None,
    )


def _weigh_tasks(tasks: pd.DataFrame, estimate: str) -> tuple[str, np.ndarray]:
    """Return by what tasks count, and how many usual tasks each of them is."""
    for by, column in (("estimate", estimate), ("size", "size")):
        known = tasks[column].astype(float)
        known = known.where(known > 0)
        if known.notna().mean() >= ENOUGH_ESTIMATED:
            return by, (known / known.median()).fillna(1.0).to_numpy(float)
    return "number", np.ones(len(tasks))


def _sum_open(tasks: pd.DataFrame, weight: np.ndarray, midnights: np.ndarray) -> np.ndarray:
    """Return the weights of the tasks that were open at each midnight: created before it, and not closed before it."""
    sums = np.zeros(len(midnights))
    for column, sign in (("created_at", 1.0), ("closed_at", -1.0)):
        is_known = tasks[column].notna().to_numpy()
        at = tasks[column].to_numpy("datetime64[us]")[is_known]
        order = np.argsort(at, kind="stable")
        total = np.append(0.0, np.cumsum(weight[is_known][order]))
        sums += sign * total[np.searchsorted(at[order], midnights)]
    return np.maximum(sums, 0.0)
