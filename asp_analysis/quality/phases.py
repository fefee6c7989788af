"""What quality is computed from, and the order of phases: a yield only means something along an order.

The order is data. A store lists the platform's roles; whoever loads another process (teams with inspections, system
test, ...) passes a frame of its own with the same three columns: agent_role, phase_order, kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from asp_analysis.errors import AnalysisError
from asp_analysis.membership import is_among

PHASE_KINDS = ("overhead", "construction", "appraisal", "failure")


@dataclass(frozen=True)
class Work:
    """Four frames with the columns of the views defects, work, tasks and stg_roles.

    `phases` may be replaced by a user's order.
    """

    defects: pd.DataFrame
    runs: pd.DataFrame
    tasks: pd.DataFrame
    phases: pd.DataFrame

    @classmethod
    def read(cls, view: Callable[[str], pd.DataFrame], phases: pd.DataFrame | None = None) -> "Work":
        """Take the frames from a function that returns a view by its name; `phases` overrides the store's roles.

        Raises:
            AnalysisError: `phases` lacks a column, names a role twice or a kind that does not exist.
        """
        return cls(
            defects=view("defects"),
            runs=view("work"),
            tasks=view("tasks"),
            phases=view("stg_roles") if phases is None else check_phases(phases),
        )

    @cached_property
    def real_defects(self) -> pd.DataFrame:
        """The defects that are none of an agent's false alarms, with their phases placed in `phases`."""
        return place_defects(self.defects[~self.defects["is_false_positive"]], self.phases)

    @property
    def ended_tasks(self) -> pd.DataFrame:
        """The tasks that are completed or failed, in the order in which they ended."""
        ended = self.tasks[self.tasks["status"].isin(["completed", "failed"])]
        return ended.sort_values(["completed_at", "task_id"], ignore_index=True)

    def unfinished_note(self, settled_days: int = 14) -> str:
        """Say why yields are provisional; empty where every task ended long enough before the newest record.

        Defects of an open or recent task may still be found in later phases: yields are right-censored.
        """
        is_open = ~self.tasks["status"].isin(["completed", "failed"]) & is_among(
            self.tasks["task_id"], self.runs["task_id"]
        )
        ended = self.tasks["completed_at"]
        is_recent = ended > ended.max() - pd.Timedelta(days=settled_days)
        parts = [f"{is_open.sum()} tasks are open"] if is_open.any() else []
        parts += ["no task is recorded as ended"] if len(self.defects) and ended.isna().all() else []
        parts += [f"{is_recent.sum()} ended in the last {settled_days} days of the record"] if is_recent.any() else []
        return f"provisional: {', '.join(parts)}; later phases may still find defects" if parts else ""


def find_worked_size(frame: pd.DataFrame) -> pd.Series:
    """Return the size that costs and defects are divided by: the actual one, the estimated one where it is unknown.

    frame: `Work.tasks` or `Work.runs`; in complexity units, NaN where neither is known.
    """
    return frame["actual_size"].fillna(frame["size"])


def check_phases(phases: pd.DataFrame) -> pd.DataFrame:
    """Return agent_role, phase_order (number) and kind, in order.

    Raises:
        AnalysisError: a column is missing, a role is there twice, an order is no number or a kind is unknown.
    """
    missing = ", ".join(sorted({"agent_role", "phase_order", "kind"} - set(phases.columns)))
    if missing:
        raise AnalysisError(f"Phases need the columns agent_role, phase_order, kind; {missing} is missing. Add it.")
    frame = phases[["agent_role", "phase_order", "kind"]].copy()
    frame["phase_order"] = pd.to_numeric(frame["phase_order"], errors="coerce").astype(float)
    doubled = frame.loc[frame["agent_role"].duplicated(), "agent_role"].tolist()
    strange = sorted(set(frame["kind"].dropna()) - set(PHASE_KINDS))
    if doubled or strange or frame["phase_order"].isna().any():
        lost = int(frame["phase_order"].isna().sum())
        raise AnalysisError(
            f"Each phase needs one row with an order and a kind of {', '.join(PHASE_KINDS)}, "
            f"found {lost} without an order, twice: {doubled[:3]}, unknown kinds: {strange[:3]}. Correct these rows."
        )
    return frame.sort_values(["phase_order", "agent_role"], ignore_index=True)


def rank_phases(phases: pd.DataFrame) -> pd.DataFrame:
    """Return the phases in order with their `place`, 0, 1, 2, ...: at the same order making comes before reviewing."""
    kind = phases["kind"].map({name: rank for rank, name in enumerate(PHASE_KINDS)}).fillna(len(PHASE_KINDS))
    ordered = phases.assign(kind_rank=kind).sort_values(["phase_order", "kind_rank", "agent_role"], ignore_index=True)
    return ordered.drop(columns="kind_rank").assign(place=range(len(ordered)))


def place_defects(defects: pd.DataFrame, phases: pd.DataFrame) -> pd.DataFrame:
    """Add injected_place, removed_place, removed_order and removed_kind; empty for a phase that `phases` lacks."""
    known = rank_phases(phases).set_index("agent_role")
    return defects.assign(
        injected_place=defects["phase_injected"].map(known["place"]).astype(float),
        removed_place=defects["phase_removed"].map(known["place"]).astype(float),
        removed_order=defects["phase_removed"].map(known["phase_order"]).astype(float),
        removed_kind=defects["phase_removed"].map(known["kind"]),
    )
