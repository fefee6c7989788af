"""The finished tasks as PROBE reads them: one number per task for each of four quantities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from asp_analysis.errors import EstimationRefusal


def _leave_unknown() -> np.ndarray:
    return np.array(np.nan)


@dataclass(frozen=True, eq=False, kw_only=True)
class ProbeData:
    """The finished tasks, one number each (shape (n,)); NaN is unknown, zero is zero. Nothing may be negative.

    `proxy` is the size estimated before the work, `planned` the planned value, `actual_size` the size after it,
    `actual` what is estimated (cost component or size). `name` and `unit` are words for it, `task_ids` name the
    tasks in reasons. Whatever NumPy makes an array of is taken and kept as a float array.

    Raises:
        EstimationRefusal: columns of different length, negative or infinite values.
    """

    proxy: np.ndarray
    planned: np.ndarray = field(default_factory=_leave_unknown)
    actual_size: np.ndarray = field(default_factory=_leave_unknown)
    actual: np.ndarray = field(default_factory=_leave_unknown)
    name: str = "cost"
    unit: str = ""
    task_ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Turn the columns into float arrays of one length; refuse negative and infinite values."""
        count = len(np.atleast_1d(np.asarray(self.proxy, dtype=float)))
        for column in ("proxy", "planned", "actual_size", "actual"):
            object.__setattr__(self, column, _read_column(getattr(self, column), column, count))
        ids = tuple(f"task {i + 1}" for i in range(count)) if self.task_ids is None else tuple(map(str, self.task_ids))
        if len(ids) != count:
            raise EstimationRefusal(f"There are {len(ids)} task ids for {count} tasks. Pass one id per task.")
        object.__setattr__(self, "task_ids", ids)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, columns: Mapping[str, str], *, name: str = "cost", unit: str = ""
    ) -> ProbeData:
        """Return the data of a frame with one row per task; `columns` maps our four names (and task_ids) to its."""
        absent = [theirs for theirs in columns.values() if theirs not in frame.columns]
        if absent:
            raise EstimationRefusal(f"The frame has no column {', '.join(absent)}. Its columns: {list(frame.columns)}.")
        numbers = {
            ours: frame[theirs].to_numpy(dtype=float, na_value=np.nan)
            for ours, theirs in columns.items()
            if ours != "task_ids"
        }
        ids = tuple(frame[columns["task_ids"]]) if "task_ids" in columns else None
        return cls(**numbers, task_ids=ids, name=name, unit=unit)


def _read_column(values: ArrayLike, name: str, count: int) -> np.ndarray:
    column = np.asarray(values, dtype=float)
    is_unknown = column.ndim == 0 and np.isnan(column)
    column = np.full(count, np.nan) if is_unknown else np.atleast_1d(column)
    if column.shape != (count,):
        raise EstimationRefusal(f"{name} has the shape {column.shape} for {count} tasks. Pass one value per task.")
    bad = int(np.sum(np.isinf(column) | (column < 0)))
    if bad:
        raise EstimationRefusal(f"{bad} of {count} values of {name} are negative or infinite. Correct them.")
    return column
