"""What learning is computed from, as it was known at one instant: what came later is cut away."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

KNOWN_TASK_COLUMNS = (
    *("task_id", "project_id", "task_type", "task_description", "status", "created_at", "completed_at"),
    *("size", "actual_size", "components_json"),
    *("is_human_reviewed", "is_human_corrected", "planned_units", "missing_units"),
)
"""What is kept of a task: what its executions and defects add up to is unknown for an earlier instant."""


SETTLED_DAYS = 60
"""Days after which a defect that a review on a forge missed has shown itself in the history of the code, if ever."""


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """Five frames with the columns of the views tasks, defects, work, stored_forecasts and stg_roles, in this order.

    on_forges: defects of tasks that programs reviewed on a forge, though their type or phase is assumed: what reviewers
    found and what escaped them does not depend on these. reviewed_on_forges: the ids of these tasks; traced: those of
    which the history of the code is known, so that an escape would be.
    instant: as of when they are known (`as_of`).
    """

    tasks: pd.DataFrame
    defects: pd.DataFrame
    runs: pd.DataFrame
    forecasts: pd.DataFrame
    roles: pd.DataFrame
    on_forges: pd.DataFrame = field(default_factory=pd.DataFrame)
    reviewed_on_forges: frozenset[str] = frozenset()
    traced: frozenset[str] = frozenset()
    instant: pd.Timestamp | None = None

    @classmethod
    def read(cls, view: Callable[[str], pd.DataFrame]) -> "Telemetry":
        """Take the frames from a function that returns a view by its name, such as a session's `view`.

        Defects whose type or phase is assumed are left out: a history of code knows the defects of recent tasks only
        later, and what is assumed is no evidence that anybody may act alone.
        """
        defects, efforts = view("defects"), view("human_effort")
        is_assumed = defects["is_assumed"].astype(bool)
        reviewed = frozenset(efforts.loc[efforts["reviews_by_bots"].fillna(0) > 0, "task_id"])
        return cls(
            tasks=view("tasks"),
            defects=defects[~is_assumed],
            on_forges=defects[is_assumed & defects["task_id"].isin(reviewed)],
            reviewed_on_forges=reviewed,
            traced=frozenset(view("stg_changes")["task_id"]),
            runs=view("work"),
            forecasts=view("stored_forecasts"),
            roles=view("stg_roles"),
        )

    def as_of(self, instant: pd.Timestamp) -> "Telemetry":
        """Return what was known at an instant (UTC, without zone).

        Tasks that ended later are open, and of all tasks only `KNOWN_TASK_COLUMNS` are kept; defects found later are
        unknown; findings on defects that were fixed later are undecided (`is_decided`). The columns `is_done` (ended)
        and `is_decided` are added.
        """
        tasks = self.tasks.loc[self.tasks["created_at"] <= instant, [*KNOWN_TASK_COLUMNS]]
        is_done = (tasks["completed_at"] <= instant) & tasks["status"].isin(["completed", "failed"])
        return replace(
            self,
            tasks=tasks.assign(is_done=is_done).sort_values(["completed_at", "task_id"], ignore_index=True),
            defects=_cut_defects(self.defects, instant),
            on_forges=_cut_young(self.on_forges, tasks, instant),
            runs=self.runs[self.runs["first_at"] <= instant].sort_values(["first_at", "task_id"], ignore_index=True),
            forecasts=_cut_forecasts(self.forecasts, instant),
            instant=instant,
        )

    def list_ended(self) -> pd.DataFrame:
        """Return the tasks that are completed or failed, in the order in which they ended (after `as_of`)."""
        return self.tasks[self.tasks["is_done"]].reset_index(drop=True)

    def list_completed(self) -> pd.DataFrame:
        """Return the tasks that are completed, in the order in which they were (after `as_of`)."""
        done = self.tasks["is_done"] & (self.tasks["status"] == "completed")
        return self.tasks[done].reset_index(drop=True)


def _cut_defects(defects: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    known = defects[defects["found_at"] <= instant].copy()
    spoken = known["is_validated_by_human"] | known["is_false_positive"]
    known["is_decided"] = spoken & ~(known["fixed_at"] > instant)
    return known.sort_values(["found_at", "defect_id"], ignore_index=True)


def _cut_young(defects: pd.DataFrame, tasks: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    """Return the defects of forges as known at an instant, of tasks that ended `SETTLED_DAYS` before: what escaped the
    review of a younger one is not known yet."""
    if defects.empty:
        return defects
    settled = tasks.loc[tasks["completed_at"] <= instant - pd.Timedelta(days=SETTLED_DAYS), "task_id"]
    return _cut_defects(defects[defects["task_id"].isin(settled)], instant)


def _cut_forecasts(forecasts: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    known = forecasts[forecasts["made_at"] <= instant].copy()
    known.loc[~(known["completed_at"] <= instant), "actual"] = np.nan
    return known.sort_values(["made_at", "task_id"], ignore_index=True)
