"""What learning is computed from, as it was known at one instant: what came later is cut away."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

VIEWS = {
    "tasks": "outcomes",
    "defects": "defects",
    "runs": "phase_costs",
    "forecasts": "stored_forecasts",
    "roles": "stg_roles",
}
"""Field of `Telemetry` -> the view that holds it."""


@dataclass(frozen=True)
class Telemetry:
    """Five frames, each with the columns of its view in `VIEWS`."""

    tasks: pd.DataFrame
    defects: pd.DataFrame
    runs: pd.DataFrame
    forecasts: pd.DataFrame
    roles: pd.DataFrame

    @classmethod
    def read(cls, view: Callable[[str], pd.DataFrame]) -> "Telemetry":
        """Take the frames from a function that gives a view by its name, such as a session's `view`."""
        return cls(**{name: view(source) for name, source in VIEWS.items()})

    def as_of(self, instant: pd.Timestamp) -> "Telemetry":
        """Give what was known at an instant (UTC, without zone).

        Tasks that ended later are open and without outcome; defects found later are unknown; findings that were
        resolved later are undecided (`is_decided`). The columns `is_done` (ended) and `is_decided` are added.
        """
        tasks = self.tasks[self.tasks["created_at"] <= instant].copy()
        tasks["is_done"] = (tasks["completed_at"] <= instant) & tasks["status"].isin(["completed", "failed"])
        tasks.loc[~tasks["is_done"], ["cost_usd", "latency_ms", "tokens"]] = np.nan
        return replace(
            self,
            tasks=tasks.sort_values(["completed_at", "task_id"], ignore_index=True),
            defects=_known_defects(self.defects, instant),
            runs=self.runs[self.runs["first_at"] <= instant].sort_values(["first_at", "task_id"], ignore_index=True),
            forecasts=_known_forecasts(self.forecasts, instant),
        )

    def ended(self) -> pd.DataFrame:
        """Give the tasks that are completed or failed, in the order in which they ended (after `as_of`)."""
        return self.tasks[self.tasks["is_done"]].reset_index(drop=True)

    def completed(self) -> pd.DataFrame:
        """Give the tasks that are completed, in the order in which they were (after `as_of`)."""
        done = self.tasks["is_done"] & (self.tasks["status"] == "completed")
        return self.tasks[done].reset_index(drop=True)


def _known_defects(defects: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    known = defects[defects["created_at"] <= instant].copy()
    spoken = known["is_validated_by_human"] | known["is_false_positive"]
    known["is_decided"] = spoken & ~(known["resolved_at"] > instant)
    return known.sort_values(["created_at", "defect_id"], ignore_index=True)


def _known_forecasts(forecasts: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    known = forecasts[forecasts["made_at"] <= instant].copy()
    known.loc[~(known["completed_at"] <= instant), "actual"] = np.nan
    return known.sort_values(["made_at", "task_id"], ignore_index=True)
