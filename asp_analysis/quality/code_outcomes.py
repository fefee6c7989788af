"""What became of changes of code: merged, reverted, touched again, survived."""

import pandas as pd

from asp_analysis.intervals import wilson

SURVIVES = 0.5
"""Share of its lines that a change keeps for 30 days to have survived, as in the view `cost_per_outcome`."""


def count_outcomes(changes: pd.DataFrame) -> pd.DataFrame:
    """Return how many changes reached each outcome: outcome, part, whole, share, lower, upper (Wilson), is_bad.

    changes: the view `changes`. Merged: of those not open. Reverted: of those merged, wholly or in part. Touched again
    and survived: of those merged at least 30 days before the newest commit.
    """
    ended = changes[changes.outcome != "open"]
    merged = changes[changes.merged_at.notna()]
    aged = merged[merged.is_reworked_30.notna()]
    undone = merged.outcome.isin(["reverted", "partly_reverted"])
    kept = (aged.outcome != "reverted") & ~(aged.surviving_30.astype(float) < SURVIVES)
    rows = [
        ("merged", len(merged), len(ended), False),
        ("reverted", int(undone.sum()), len(merged), True),
        ("touched again", int(aged.is_reworked_30.astype(bool).sum()), len(aged), True),
        ("survived", int(kept.sum()), len(aged), False),
    ]
    frame = pd.DataFrame(rows, columns=["outcome", "part", "whole", "is_bad"])
    frame = frame[frame["whole"] > 0].reset_index(drop=True)
    lower, upper = wilson(frame["part"].astype(float), frame["whole"].astype(float))
    return frame.assign(share=frame["part"] / frame["whole"], lower=lower, upper=upper)
