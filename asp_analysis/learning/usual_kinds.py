"""Which kinds of work a store itself can judge: how its tasks ended, by the names that its tasks have."""

from dataclasses import dataclass
from statistics import median

import pandas as pd

from asp_analysis.learning.discoveries import CellReport, judge_cells
from asp_analysis.learning.kinds import CellQuestion
from asp_analysis.wording import write_noun

ENOUGH_EACH = 10
"""Ended cases of the usual kind from which on the finer names are used."""


_FILL = (
    "Load how tasks ended with asp-analysis load FILE --as task_metadata, or judge outcomes of your own with "
    "asp-analysis learning --by COLUMN --success COLUMN --from FILE.csv"
)


@dataclass(frozen=True, kw_only=True)
class UsualKinds:
    """The answer for the kinds of work that a store names. by, success, source: as the options of `learning` say."""

    by: tuple[str, ...]
    success: str
    source: str
    report: CellReport

    @property
    def command(self) -> str:
        """The command that gives the same answer, and keeps it as a policy."""
        return f"asp-analysis learning --by {','.join(self.by)} --success {self.success} --from {self.source}"


def judge_usual_kinds(
    tasks: pd.DataFrame, history: pd.DataFrame, as_of: pd.Timestamp | None = None
) -> UsualKinds | str:
    """Judge the kinds of work of a store by how its tasks ended; a sentence says what is missing where it cannot.

    A store in which no task ever failed says nothing: transcripts know that a session ended, not how.

    tasks, history: the views `tasks` and `task_history`. Kinds are named by role and type of task, by type, by project,
    or by role: the first of these whose usual kind has ten cases, else the one with most.
    """
    ended = tasks["outcome"].isin(["accepted", "failed"])
    if not ended.any():
        return f"No task is on record as completed or failed. {_FILL}"
    if not tasks["outcome"].eq("failed").any():
        said = write_noun(int(ended.sum()), "task")
        return f"{said} ended and none failed: a record that never says no is no evidence. {_FILL}"
    names = (
        (history, "task_history", "is_finished", ("agent_role", "task_type")),
        (tasks, "tasks", "outcome", ("task_type",)),
        (tasks, "tasks", "outcome", ("project_id",)),
        (history, "task_history", "is_finished", ("agent_role",)),
    )
    counted = [(_count_usual(frame, by), frame, source, success, by) for frame, source, success, by in names]
    enough = [one for one in counted if one[0] >= ENOUGH_EACH] or [max(counted, key=lambda one: one[0])]
    count, frame, source, success, by = enough[0]
    if not count:
        return f"No task that ended has a role, a type or a project. {_FILL}"
    report = judge_cells(frame, CellQuestion(by=by, success=success), as_of)
    return UsualKinds(by=by, success=success, source=source, report=report)


def _count_usual(frame: pd.DataFrame, by: tuple[str, ...]) -> float:
    """Return the ended cases of the usual kind; 0 where nothing names one, or none has ended."""
    if "outcome" in frame.columns:
        ended = frame[frame["outcome"].isin(["accepted", "failed"])]
    else:
        ended = frame[frame["is_finished"].astype(bool) | frame["is_failed"].astype(bool)]
    named = ended.dropna(subset=[*by])
    counts = named.groupby([*by], sort=False).size()
    return float(median(counts)) if len(counts) else 0.0
