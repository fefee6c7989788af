"""What quality costs: appraisal and failure as shares, corrections by phase, accepted results with failed attempts."""

from typing import Any

import pandas as pd

from asp_analysis.alternatives import find_alternatives
from asp_analysis.membership import is_among
from asp_analysis.quality.phases import PHASE_KINDS, Work

COST_COMPONENTS = ("latency_ms", "tokens", "cost_usd")


def cost_of_quality(work: Work) -> pd.DataFrame:
    """Return one row per cost component: component, total, one share per kind of phase, and PSP's ratios.

    overhead_share, construction_share, appraisal_share, failure_share, unlisted_share (roles without a kind): of the
    total, 0 where nothing ran, NaN where nothing is known of what ran; coq_share = appraisal + failure; afr =
    appraisal / failure, NaN without a known failure cost; rework_share: second and later iterations of construction,
    which PSP counts as construction and agents repeat because a review or test sent the work back; note.
    """
    kind = work.phases.set_index("agent_role")["kind"]
    runs = work.runs.assign(kind=work.runs["agent_role"].map(kind).fillna("unlisted"))
    return pd.DataFrame([_split_cost(runs, component) for component in COST_COMPONENTS])


def _split_cost(runs: pd.DataFrame, component: str) -> dict[str, Any]:
    whole = _sum_known(runs[component])
    parts = {kind: _sum_known(runs.loc[runs["kind"] == kind, component]) for kind in (*PHASE_KINDS, "unlisted")}
    built = runs[runs["kind"] == "construction"]
    rework = built.loc[built["reworked_executions"] > 0, f"rework_{component}"]
    base = whole if whole > 0 else float("nan")
    row: dict[str, Any] = {"component": component, "total": whole if len(runs) else float("nan")}
    row |= {f"{kind}_share": cost / base for kind, cost in parts.items()}
    row["coq_share"] = (parts["appraisal"] + parts["failure"]) / base
    row["afr"] = parts["appraisal"] / parts["failure"] if parts["failure"] > 0 else float("nan")
    row["rework_share"] = _sum_known(rework) / base
    row["note"] = _write_cost_note(runs, component, whole, parts)
    return row


def _sum_known(costs: pd.Series) -> float:
    """Return the sum of what is known: 0 of nothing that ran, NaN where nothing is known of what ran."""
    return float(costs.astype(float).sum(min_count=1)) if len(costs) else 0.0


def _write_cost_note(runs: pd.DataFrame, component: str, whole: float, parts: dict[str, float]) -> str:
    if not whole > 0:
        return "not defined: nothing is known of this component"
    dark = [kind for kind, cost in parts.items() if cost != cost]
    notes = [f"nothing is known of {', '.join(dark)}"] if dark else []
    if not parts["failure"] > 0:
        notes.append(f"A/FR not defined: no failure cost{' is known' if 'failure' in dark else ''}")
    unknown = int(runs["executions_without_cost"].sum()) if component == "cost_usd" else 0
    return "; ".join(notes + ([f"{unknown} executions without a cost are left out"] if unknown else []))


def fix_costs(work: Work) -> pd.DataFrame:
    """Return one row per phase that found defects, in order: what one correction took there.

    agent_role, phase_order, kind, defects; with_cost: those whose effort is known; median_fix_latency_ms,
    median_fix_tokens, median_fix_cost_usd, total_fix_latency_ms, total_fix_cost_usd; relative: median money (time
    where no money is known) as a multiple of the first phase's; note. Efforts of 0 or less are unknown, not free.
    """
    defects = work.real_defects.sort_values(["removed_place", "phase_removed"])
    for name in ("fix_latency_ms", "fix_tokens", "fix_cost_usd"):
        defects[name] = defects[name].where(defects[name] > 0)
    grouped = defects.groupby("phase_removed", sort=False)
    frame = grouped.agg(
        phase_order=("removed_order", "first"),
        kind=("removed_kind", "first"),
        defects=("defect_id", "size"),
        median_fix_latency_ms=("fix_latency_ms", "median"),
        median_fix_tokens=("fix_tokens", "median"),
        median_fix_cost_usd=("fix_cost_usd", "median"),
    ).reset_index(names="agent_role")
    known = defects[["fix_latency_ms", "fix_cost_usd"]].notna().any(axis=1)
    frame.insert(4, "with_cost", grouped["defect_id"].agg(lambda ids: int(known[ids.index].sum())).to_numpy())
    frame["total_fix_latency_ms"] = grouped["fix_latency_ms"].sum(min_count=1).to_numpy()
    frame["total_fix_cost_usd"] = grouped["fix_cost_usd"].sum(min_count=1).to_numpy()
    basis = "median_fix_cost_usd" if frame["median_fix_cost_usd"].notna().any() else "median_fix_latency_ms"
    base = frame[basis].dropna()
    frame["relative"] = frame[basis] / (base.iloc[0] if len(base) else float("nan"))
    frame["note"] = ["" if count else "not defined: no effort is known" for count in frame["with_cost"]]
    return frame


def accepted_costs(work: Work, by: str | None = None) -> pd.DataFrame:
    """Return what an accepted result costs, failed attempts included; one row, or one per value of `by`.

    group; accepted, failed, open: tasks; accepted_usd, failed_usd, open_usd: what is known to have been spent on them,
    NaN where nothing is; usd_per_completed = accepted_usd / accepted; usd_per_accepted = (accepted_usd + failed_usd) /
    accepted, NaN without an accepted one, and where models did the same work as alternatives, as `estimate` refuses
    their sum; note. `by` is a column of `tasks` such as task_type or project_id.
    """
    group = "all" if by is None else work.tasks[by].fillna("unknown")
    tasks = work.tasks.assign(group=group, spent_usd=_find_spent(work.tasks))
    groups = [*tasks.groupby("group", sort=True)] or [("all", tasks)]
    return pd.DataFrame([_refuse_alternatives(_sum_group(name, group), group, work.runs) for name, group in groups])


def _refuse_alternatives(row: dict[str, Any], tasks: pd.DataFrame, runs: pd.DataFrame) -> dict[str, Any]:
    ended = tasks.set_index("task_id")["completed_at"]
    own = runs[is_among(runs["task_id"], tasks["task_id"])]
    if own.empty:
        return row
    models = find_alternatives(own.assign(known_at=own["task_id"].map(ended).fillna(own["last_at"])))
    if not models:
        return row
    note = f"not defined: {len(models)} models did the same work as alternatives, their sum is not the cost of a task"
    notes = "; ".join(filter(None, [note, row["note"]]))
    return row | {"usd_per_completed": float("nan"), "usd_per_accepted": float("nan"), "note": notes}


def _find_spent(tasks: pd.DataFrame) -> pd.Series:
    """Return the USD spent on each task: the known costs of its executions, else what its record says."""
    return tasks["cost_usd"].fillna(tasks["reported_cost_usd"])


def _sum_group(name: str, tasks: pd.DataFrame) -> dict[str, Any]:
    accepted, failed = tasks[tasks["status"] == "completed"], tasks[tasks["status"] == "failed"]
    rest = tasks[~tasks["status"].isin(["completed", "failed"]) & (tasks["spent_usd"] > 0)]
    spent = {"accepted_usd": accepted, "failed_usd": failed, "open_usd": rest}
    row: dict[str, Any] = {"group": name, "accepted": len(accepted), "failed": len(failed), "open": len(rest)}
    row |= {title: _sum_known(frame["spent_usd"]) for title, frame in spent.items()}
    count = len(accepted) or float("nan")
    row["usd_per_completed"] = row["accepted_usd"] / count
    row["usd_per_accepted"] = (row["accepted_usd"] + row["failed_usd"]) / count
    notes = [] if len(accepted) else ["not defined: nothing was accepted"]
    notes += [f"nothing is known of {title}" for title in spent if row[title] != row[title]]
    unknown = int(tasks["executions_without_cost"].fillna(0).sum())
    notes += [f"{unknown} executions without a cost are left out"] if unknown else []
    row["note"] = "; ".join(notes)
    return row


def defect_pareto(work: Work) -> pd.DataFrame:
    """Rank defect types by count.

    defect_type, defects, share, cumulative_share, fix_cost_usd, fix_cost_share, fix_latency_ms: sums of what is known,
    NaN where nothing is.
    """
    defects = work.real_defects
    groups = defects.groupby("defect_type")
    frame = groups[["fix_cost_usd", "fix_latency_ms"]].sum(min_count=1).assign(defects=groups.size())
    frame = frame.reset_index().sort_values(["defects", "defect_type"], ascending=[False, True], ignore_index=True)
    frame["share"] = frame["defects"] / max(frame["defects"].sum(), 1)
    frame["cumulative_share"] = frame["share"].cumsum()
    total = frame["fix_cost_usd"].sum()
    frame["fix_cost_share"] = frame["fix_cost_usd"] / (total if total > 0 else float("nan"))
    return frame[
        ["defect_type", "defects", "share", "cumulative_share", "fix_cost_usd", "fix_cost_share", "fix_latency_ms"]
    ]
