"""`estimate --compare --margin`: which model costs least per accepted result among those that are not worse."""

from pathlib import Path
from typing import TYPE_CHECKING

from asp_analysis.cli.printing import note, print_frame, say

if TYPE_CHECKING:
    import pandas as pd

_NEEDED = ("llm_model", "task_id", "is_accepted", "cost_usd")


def print_at_equal_quality(outcomes: "pd.DataFrame", margin: float, output: str | None) -> None:
    """Print the comparison of models by what an accepted result costs."""
    from asp_analysis.probe.equal_quality import compare_accepted

    found = compare_accepted(outcomes, margin)
    print_frame(found.frame, output)
    (note if output else say)(found.sentence)


def read_outcomes_file(path: Path) -> "pd.DataFrame":
    """Read a CSV with one row per task and model: llm_model, task_id, is_accepted, cost_usd; size, task_type if known.

    Raises:
        InputError: it cannot be read, or a column is missing or holds something else.
    """
    import pandas as pd

    from asp_analysis.errors import InputError
    from asp_analysis.learning.outcome_columns import read_outcomes

    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read as a CSV: {error}. Its first line names the columns.") from None
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing:
        raise InputError(
            f"{path} has no column {missing[0]!r}. It needs {', '.join(_NEEDED)}, one row per task and model."
        )
    numbers = {name: pd.to_numeric(frame[name], errors="coerce") for name in ("cost_usd", "size") if name in frame}
    return frame.assign(is_accepted=read_outcomes(frame["is_accepted"], "is_accepted"), **numbers)


def list_outcomes(history: "pd.DataFrame") -> "pd.DataFrame":
    """Return the ended tasks of a history on which one model worked alone: how they ended, and what they cost.

    A task's record says how the task ended, not which of several models did it.
    """
    ended = history[history["is_finished"].astype(bool) | history["is_failed"].astype(bool)]
    alone = ended.groupby("task_id")["llm_model"].transform("nunique") == 1
    grouped = ended[alone].groupby(["task_id", "llm_model"], as_index=False)
    return grouped.agg(
        is_accepted=("is_finished", "first"),
        cost_usd=("whole_cost_usd", lambda costs: costs.sum(skipna=False)),
        size=("size", "first"),
        task_type=("task_type", "first"),
    )
