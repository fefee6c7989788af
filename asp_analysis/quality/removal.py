"""Where defects come in and where they go out: PSP's yields and removal leverage along the order of phases.

Sums over sums, never means of ratios. What has no denominator is "not defined" (NaN and a note), never 0 or 1.
"""

from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.errors import AnalysisError
from asp_analysis.intervals import exact_poisson, wilson
from asp_analysis.membership import is_among
from asp_analysis.quality.phases import Work, find_worked_size, rank_phases

MS_PER_HOUR = 3_600_000.0


def injection_matrix(work: Work) -> pd.DataFrame:
    """Count real defects: one row per phase in which they were made, one column per phase in which they were found.

    Phases in order; those without a place in the order come last.
    """
    defects = work.real_defects
    names = _order_names(work, [*defects["phase_injected"], *defects["phase_removed"]])
    counts = pd.crosstab(defects["phase_injected"], defects["phase_removed"])
    rows = [name for name in names if name in counts.index]
    return counts.reindex(index=rows, columns=[name for name in names if name in counts.columns])


def phase_yields(work: Work) -> pd.DataFrame:
    """Return one row per phase that made or found defects, in order.

    agent_role, phase_order, kind; entering: real defects present on entry, of the tasks that went through the phase
    (not every task gets every review); injected, removed: in the phase; escaped: left on exit; yield_share = removed /
    (entering + injected); hours: working time of the phase (NaN where none is known); removed_per_hour; drl =
    removed_per_hour / that of the last failure phase, NaN for that phase itself; injected_per_unit, removed_per_unit:
    per complexity unit of the ended tasks; note: what is not defined, or why the row is provisional.

    Defects of a phase without a place in the order, and those that were found in a phase before the one that made
    them, are left out of the flow; `flow_note` counts them. Source: W. S. Humphrey, PSP: A Self-Improvement Process.
    """
    defects = work.real_defects
    flow = _select_flow(defects)
    names = [*defects["phase_injected"], *defects["phase_removed"]]
    frame = rank_phases(work.phases).loc[lambda phases: phases["agent_role"].isin(set(names))].reset_index(drop=True)
    frame["injected"] = _count(frame, flow["phase_injected"])
    frame["removed"] = _count(frame, flow["phase_removed"])
    frame["entering"] = _count_entering(frame, flow, work.runs)
    present = frame["entering"] + frame["injected"]
    frame["escaped"] = present - frame["removed"]
    frame["yield_share"] = frame["removed"] / present.where(present > 0)
    hours = work.runs.groupby("agent_role")["latency_ms"].sum(min_count=1) / MS_PER_HOUR
    frame["hours"] = frame["agent_role"].map(hours).astype(float)
    frame["removed_per_hour"] = frame["removed"] / frame["hours"].where(frame["hours"] > 0)
    frame["drl"] = _compute_leverage(frame)
    size = _sum_ended_size(work)
    frame["injected_per_unit"], frame["removed_per_unit"] = frame["injected"] / size, frame["removed"] / size
    frame["note"] = _write_notes(frame, work.unfinished_note())
    columns = "agent_role phase_order kind entering injected removed escaped yield_share hours removed_per_hour drl"
    return frame[[*columns.split(), "injected_per_unit", "removed_per_unit", "note"]]


def flow_note(work: Work) -> str:
    """Say how many real defects are left out of the yields, and why; empty where none is."""
    defects = work.real_defects
    unplaced = defects["injected_place"].isna() | defects["removed_place"].isna()
    backward = defects["injected_place"] > defects["removed_place"]
    parts = [f"{unplaced.sum()} in a phase without a place in the order"] if unplaced.any() else []
    parts += [f"{backward.sum()} found in a phase before the one that made them"] if backward.any() else []
    return f"left out of the yields: {', '.join(parts)}" if parts else ""


def removal_measures(work: Work, before: str | None = None) -> pd.DataFrame:
    """Return the process's measures: measure, value, lower, upper (95 %), part, whole, unit, note.

    process yield = removed before the first failure phase / injected before it (of the same defects); `before` names
    another phase in its place. Caught in review = removed in appraisal phases / all removed; density = real defects
    per complexity unit of the ended tasks (exact Poisson interval). Shares have Wilson intervals.

    Raises:
        AnalysisError: `before` is not among the phases.
    """
    defects, note = work.real_defects, work.unfinished_note()
    first = _find_place(work, before)
    early = _select_flow(defects)
    early = early[early["injected_place"] < first]
    removed_early = int((early["removed_place"] < first).sum())
    known = defects[defects["removed_kind"].notna()]
    in_review, in_failure = (int((known["removed_kind"] == kind).sum()) for kind in ("appraisal", "failure"))
    rows = [
        _measure_share(
            "process yield", removed_early, len(early), "no defects made before the first failure phase", note
        ),
        _measure_share("defects caught in review", in_review, len(known), "no defects", note),
        _measure_share("defects found in failure phases", in_failure, len(known), "no defects", note),
        _measure_density(work, defects, note),
    ]
    return pd.DataFrame(rows)


# --- parts ------------------------------------------------------------------------------------------------------------


def _select_flow(defects: pd.DataFrame) -> pd.DataFrame:
    return defects[defects["injected_place"] <= defects["removed_place"]]


def _count_entering(frame: pd.DataFrame, flow: pd.DataFrame, runs: pd.DataFrame) -> list[int]:
    """Count the defects present on entry to each phase; only of tasks that went through it, as far as runs show."""
    is_known = is_among(flow["task_id"], runs["task_id"])
    counts = []
    for role, place in zip(frame["agent_role"], frame["place"], strict=True):
        present = (flow["injected_place"] < place) & (flow["removed_place"] >= place)
        seen = is_among(flow["task_id"], runs.loc[runs["agent_role"] == role, "task_id"])
        counts.append(int((present & (~is_known | seen | (flow["phase_removed"] == role))).sum()))
    return counts


def _count(frame: pd.DataFrame, names: pd.Series) -> pd.Series:
    return frame["agent_role"].map(names.value_counts()).fillna(0).astype(int)


def _compute_leverage(frame: pd.DataFrame) -> pd.Series:
    failure = frame[frame["kind"] == "failure"]
    if not len(failure):
        return pd.Series(np.nan, index=frame.index)
    base = failure["removed_per_hour"].iloc[-1]
    return (frame["removed_per_hour"] / (base if base > 0 else np.nan)).where(frame.index != failure.index[-1])


def _write_notes(frame: pd.DataFrame, provisional: str) -> list[str]:
    failure = frame[frame["kind"] == "failure"]
    has_base = len(failure) and failure["removed_per_hour"].iloc[-1] > 0
    last_failure = failure["agent_role"].iloc[-1] if len(failure) else ""
    notes = []
    for row in frame.to_dict("records"):
        parts = ["yield not defined: no defects present"] if np.isnan(row["yield_share"]) else []
        if row["agent_role"] != last_failure and not np.isnan(row["removed_per_hour"]) and not has_base:
            parts.append("leverage not defined: nothing removed per hour in the last failure phase")
        notes.append("; ".join([*parts, *([provisional] if provisional else [])]))
    return notes


def _sum_ended_size(work: Work) -> float:
    size = find_worked_size(work.tasks)[work.tasks["status"].isin(["completed", "failed"])].sum()
    return float(size) if size > 0 else float("nan")


def _find_place(work: Work, before: str | None) -> float:
    phases = rank_phases(work.phases)
    found = phases[phases["kind"] == "failure"] if before is None else phases[phases["agent_role"] == before]
    if before is not None and not len(found):
        raise AnalysisError(f"There is no phase {before!r}. Phases: {', '.join(phases['agent_role'])}.")
    return float(found["place"].min())


def _measure_share(measure: str, part: int, whole: int, why: str, note: str) -> dict[str, Any]:
    nan = float("nan")
    lower, upper = wilson(part, whole) if whole else (nan, nan)
    value = part / whole if whole else nan
    return {
        "measure": measure,
        "value": value,
        "lower": lower,
        "upper": upper,
        "part": part,
        "whole": whole,
        "unit": "share of 1",
        "note": note if whole else f"not defined: {why}",
    }


def _measure_density(work: Work, defects: pd.DataFrame, note: str) -> dict[str, Any]:
    sizes = find_worked_size(work.tasks)
    is_sized = work.tasks["status"].isin(["completed", "failed"]) & sizes.notna()
    count = int(is_among(defects["task_id"], work.tasks.loc[is_sized, "task_id"]).sum())
    size = float(sizes[is_sized].sum(min_count=1))
    nan = float("nan")
    lower, upper = exact_poisson(count, size) if size > 0 else (nan, nan)
    return {
        "measure": "defect density",
        "value": count / size if size > 0 else nan,
        "lower": lower,
        "upper": upper,
        "part": count,
        "whole": size,
        "unit": "defects per complexity unit",
        "note": note if size > 0 else "not defined: no ended task has a size",
    }


def _order_names(work: Work, names: list[str]) -> list[str]:
    known = rank_phases(work.phases)
    place = dict(zip(known["agent_role"], known["place"], strict=True))
    return sorted(dict.fromkeys(names), key=lambda name: (place.get(name, np.inf), name))
