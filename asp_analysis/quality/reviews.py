"""How good reviews are: what they flag, what people make of it, and what passes them by."""

from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.intervals import wilson
from asp_analysis.membership import is_among
from asp_analysis.quality.phases import Work, place_defects, rank_phases


def review_effectiveness(work: Work, by_type: bool = False) -> pd.DataFrame:
    """Return one row per reviewing role, or per role and defect type.

    agent_role, phase_order (defect_type); flagged = confirmed + refuted + undecided; escaped: real defects of tasks
    that the role reviewed, made before its place, found after it and flagged by no agent. Three shares, each with
    `_lower` and `_upper` (Wilson 95 %): true_positive_share = confirmed / flagged, false_positive_share = refuted /
    flagged, escape_share = escaped / (confirmed + escaped); NaN where the denominator is 0, and the note says so.
    """
    defects = place_defects(work.defects, work.phases)
    reviewers = rank_phases(work.phases).query("kind == 'appraisal'")
    note = work.unfinished_note()
    rows = []
    for role, order, place in reviewers[["agent_role", "phase_order", "place"]].itertuples(index=False):
        flagged = defects[defects["is_flagged_by_agent"] & (defects["phase_removed"] == role)]
        escaped = _select_escaped(defects, place, work.runs.loc[work.runs["agent_role"] == role, "task_id"])
        if not len(flagged) and not len(escaped):
            continue
        kinds = sorted({*flagged["defect_type"], *escaped["defect_type"]}) if by_type else [None]
        for kind in kinds:
            named = {"agent_role": role, "phase_order": order} | ({"defect_type": kind} if by_type else {})
            rows.append(named | _count_outcomes(_select_type(flagged, kind), _select_type(escaped, kind), note))
    empty = pd.DataFrame([{"agent_role": "", "phase_order": 0, **_count_outcomes(defects[:0], defects[:0], note)}])[:0]
    return pd.DataFrame(rows) if rows else empty


def _select_type(defects: pd.DataFrame, kind: str | None) -> pd.DataFrame:
    return defects if kind is None else defects[defects["defect_type"] == kind]


def _select_escaped(defects: pd.DataFrame, place: int, tasks: pd.Series) -> pd.DataFrame:
    return defects[
        ~defects["is_flagged_by_agent"]
        & ~defects["is_false_positive"]
        & (defects["injected_place"] < place)
        & (defects["removed_place"] > place)
        & is_among(defects["task_id"], tasks)
    ]


def _count_outcomes(flagged: pd.DataFrame, escaped: pd.DataFrame, note: str) -> dict[str, Any]:
    confirmed = int((flagged["is_validated_by_human"] & ~flagged["is_false_positive"]).sum())
    refuted, missed = int(flagged["is_false_positive"].sum()), len(escaped)
    row: dict[str, Any] = {"flagged": len(flagged), "confirmed": confirmed, "refuted": refuted}
    row |= {"undecided": len(flagged) - confirmed - refuted, "escaped": missed}
    row |= _measure_share("true_positive", confirmed, len(flagged)) | _measure_share(
        "false_positive", refuted, len(flagged)
    )
    row |= _measure_share("escape", missed, confirmed + missed)
    parts = [] if len(flagged) else ["positive rates not defined: nothing was flagged"]
    parts += [] if confirmed + missed else ["escape rate not defined: no real defect"]
    return row | {"note": "; ".join(parts + ([note] if note else []))}


def _measure_share(name: str, part: int, whole: int) -> dict[str, float]:
    if not whole:
        return {f"{name}_share": np.nan, f"{name}_lower": np.nan, f"{name}_upper": np.nan}
    lower, upper = wilson(part, whole)
    return {f"{name}_share": part / whole, f"{name}_lower": float(lower), f"{name}_upper": float(upper)}
