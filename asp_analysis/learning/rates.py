"""Evidence of the capabilities that are judged by rates: estimates, plans and reviews."""

from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.intervals import Floats
from asp_analysis.learning.betting import Flags
from asp_analysis.learning.evidence import (
    RATE_WINDOW,
    Evidence,
    Published,
    average_by_task,
    average_recent,
    average_window,
    cut_strata,
    get_last,
    is_below,
    is_mature,
    mark_changes,
    name_blocks,
    round_or_none,
)
from asp_analysis.learning.rule import Cases
from asp_analysis.learning.telemetry import Telemetry
from asp_analysis.membership import is_among

HIT_PCT = 20.0


def gather_estimates(known: Telemetry, memory: int) -> Evidence:
    """PROBE_AI. A case: a completed task whose cost estimate was stored before the outcome; hit: within +-20 %.

    The first estimate that the workbench stored counts, else the planner's own.
    """
    tasks = _join_forecasts(known)
    error_pct = (tasks["estimate"] / tasks["actual"] - 1).abs().to_numpy() * 100
    mape, count = average_window(error_pct, 10), np.arange(1, len(tasks) + 1)
    r2, strata = _compute_running_r2(tasks["size"], tasks["actual"]), cut_strata(tasks["size"])
    has_all_sizes = np.logical_and.reduce([np.cumsum(strata == s) > 0 for s in range(strata.max(initial=-1) + 1 or 1)])
    published = Published(
        metric="mape_pct",
        target=20.0,
        needed_for_shadow=10,
        needed_for_autonomous=20,
        counted="tasks",
        known_at=tasks["completed_at"].to_numpy(),
        count=count,
        value=mape,
        shadow_if={"10 tasks and R² above 0.7, or 20 tasks": (count >= 20) | ((count >= 10) & (r2 > 0.7))},
        autonomous_if={
            "20 tasks": count >= 20,
            "MAPE of the last 10 below 20 %": mape < 20,
            "tasks of all sizes": has_all_sizes,
        },
        fall=10.0,
        is_lower_better=True,
    )
    cases = Cases(
        values=(error_pct <= HIT_PCT).astype(float)[:, None],
        targets=(0.70,),
        needed=10,
        strata=strata,
        is_changed=mark_changes(tasks, known.runs, ["Planning", "Code"], memory),
        is_critical=np.zeros(len(tasks), bool),
        blocks=name_blocks(tasks),
    )
    return Evidence(
        capability="PROBE_AI",
        published=published,
        criteria=("estimates within ±20 %",),
        cases=cases,
        case_at=published.known_at,
        secondary=_measure_estimates(tasks, r2),
    )


def _join_forecasts(known: Telemetry) -> pd.DataFrame:
    forecasts = known.forecasts
    usable = (
        forecasts["is_before_outcome"].eq(True) & (forecasts["component"] == "cost_usd") & (forecasts["actual"] > 0)
    )
    usable &= forecasts["estimate"] > 0
    first = forecasts[usable].sort_values(["source", "made_at"], ascending=[False, True]).drop_duplicates("task_id")
    wanted = first[["task_id", "source", "estimate", "lower_70", "upper_70", "actual"]]
    return known.list_completed().merge(wanted, on="task_id", how="inner")


def _compute_running_r2(size: pd.Series, cost: pd.Series) -> Floats:
    r = cost.expanding(min_periods=3).corr(size).to_numpy(dtype=float)
    return r**2


def _measure_estimates(tasks: pd.DataFrame, r2: Floats) -> dict[str, Any]:
    log_ratio = pd.Series(np.log(tasks["actual"] / tasks["estimate"]))
    inside = tasks["actual"].between(tasks["lower_70"], tasks["upper_70"])[tasks["upper_70"].notna()]
    width = ((tasks["upper_70"] - tasks["lower_70"]) / 2 / tasks["estimate"]).dropna()
    return {
        "r2": get_last(r2),
        "mdape_pct": round_or_none((tasks["estimate"] / tasks["actual"] - 1).abs().median() * 100),
        "within_20_pct_share": round_or_none(((tasks["estimate"] / tasks["actual"] - 1).abs() <= HIT_PCT / 100).mean()),
        "mean_log_ratio": round_or_none(log_ratio.mean()),
        "mean_log_ratio_standard_error": round_or_none(log_ratio.sem()),
        "interval_70_coverage_share": round_or_none(inside.mean()),
        "intervals": len(inside),
        "wider_than_half_share": round_or_none((width > 0.5).mean()),
        "from_workbench": int((tasks["source"] == "workbench").sum()),
    }


def gather_decomposition(known: Telemetry, memory: int) -> Evidence:
    """TaskDecomposition. A case: a completed task. Criteria: plan not corrected, no planning defect that passed every
    review, share of the units that were in the plan. Plans that nobody looked at say nothing about corrections.
    """
    tasks = known.list_completed()
    count = np.arange(1, len(tasks) + 1)
    # A column that is empty in every row comes with a type of its own, whose NA is neither true nor false.
    is_reviewed = tasks["is_human_reviewed"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    is_read = is_reviewed | tasks["is_human_corrected"].to_numpy(dtype=bool)
    corrected = tasks["is_human_corrected"].to_numpy(dtype=float)
    planned = tasks["planned_units"].to_numpy(dtype=float, na_value=np.nan)
    missing = tasks["missing_units"].to_numpy(dtype=float, na_value=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        complete = np.where(is_read, planned / (planned + missing), np.nan)
    real = known.defects[~known.defects["is_false_positive"] & (known.defects["phase_injected"] == "Planning")]
    real = real.assign(has_escaped=~real["is_flagged_by_agent"], is_critical=real["severity"] == "Critical")
    escapes = average_recent(tasks, real, "has_escaped")
    rate, completeness = average_window(corrected, RATE_WINDOW), average_window(complete, RATE_WINDOW)
    published = Published(
        metric="correction_rate",
        target=0.10,
        needed_for_shadow=15,
        needed_for_autonomous=30,
        counted="tasks",
        known_at=tasks["completed_at"].to_numpy(),
        count=count,
        value=rate,
        shadow_if={
            "15 tasks": count >= 15,
            "fewer than 20 % of the last 5 plans corrected": average_window(corrected, 5) < 0.20,
        },
        autonomous_if={
            "30 tasks": count >= 30,
            "fewer than 10 % of plans corrected": rate < 0.10,
            "fewer than 5 % of planning defects escaped": is_below(escapes, 0.05),
            "plans more than 90 % complete": completeness > 0.90,
        },
        is_lower_better=True,
    )  # fmt: skip
    ripe = is_mature(tasks, known)
    leaky = is_among(tasks["task_id"], real.loc[real["has_escaped"], "task_id"]).to_numpy()
    critical = is_among(tasks["task_id"], real.loc[real["has_escaped"] & real["is_critical"], "task_id"]).to_numpy()
    cases = Cases(
        values=np.column_stack([np.where(is_read, 1 - corrected, np.nan), 1.0 - leaky, complete])[ripe],
        targets=(0.90, 0.95, 0.90),
        needed=15,
        strata=cut_strata(tasks["size"])[ripe],
        is_changed=mark_changes(tasks, known.runs, ["Planning"], memory)[ripe],
        is_critical=critical[ripe],
        blocks=name_blocks(tasks)[ripe],
    )
    secondary = {
        "escape_rate": get_last(escapes),
        "completeness_share": get_last(completeness),
        "reviewed_share": round_or_none(is_read.mean() if len(is_read) else None),
        "correction_rate_last_5": get_last(average_window(corrected, 5)),
    }
    return Evidence(
        capability="TaskDecomposition",
        published=published,
        criteria=("plans not corrected", "plans without an escaped defect", "units that were in the plan"),
        cases=cases,
        case_at=published.known_at[ripe],
        secondary=secondary,
    )


def gather_review(stage: str, known: Telemetry, memory: int) -> Evidence:
    """ReviewAgent_Design and ReviewAgent_Code. A case: an ended task with findings or defects of that stage.

    Criteria: share of the decided findings that a person confirmed; share of the real defects that were flagged. A
    review answers for what was made in its own stage: before Code, or in Code and after. Reviews of open tasks do not
    count yet: what escaped them is not known. Reviews by programs on a forge are reviews of code.
    """
    tasks, stages = known.list_ended(), group_reviewers(known.roles)
    roles, defects = stages[stage], known.defects
    if len(known.on_forges):
        defects = pd.concat([defects, known.on_forges], ignore_index=True)
    own = defects[name_stages(defects, known.roles) == stage]
    flagged = own[own["is_flagged_by_agent"] & own["phase_removed"].isin(roles)]
    flagged = flagged.assign(is_confirmed=flagged["is_validated_by_human"] & ~flagged["is_false_positive"])
    flagged = flagged.assign(is_refuted=flagged["is_false_positive"])
    seen = known.runs.loc[known.runs["agent_role"].isin(roles), "task_id"]
    on_forges = known.reviewed_on_forges if stage == "Code" else frozenset()
    if on_forges & known.traced:
        seen = pd.concat([seen, pd.Series(sorted(on_forges & known.traced))], ignore_index=True)
    real = own[~own["is_false_positive"] & is_among(own["task_id"], seen)]
    real = real.assign(is_caught=real["is_flagged_by_agent"], has_escaped=~real["is_flagged_by_agent"])
    confirmed = average_recent(tasks, flagged, "is_confirmed")
    refuted, escaped = average_recent(tasks, flagged, "is_refuted"), average_recent(tasks, real, "has_escaped")
    reviews = known.runs[known.runs["agent_role"].isin(roles)].groupby("task_id")["executions"].sum()
    counts = tasks["task_id"].map(reviews).fillna(0).to_numpy(dtype=np.int64)
    count = np.cumsum(counts + tasks["task_id"].isin(on_forges).to_numpy(dtype=np.int64))
    published = Published(
        metric="true_positive_rate",
        target=0.80,
        needed_for_shadow=20,
        needed_for_autonomous=40,
        counted="reviews",
        known_at=tasks["completed_at"].to_numpy(),
        count=count,
        value=confirmed,
        shadow_if={"20 reviews": count >= 20},
        autonomous_if={
            "40 reviews": count >= 40,
            "more than 80 % of findings confirmed": confirmed > 0.80,
            "fewer than 20 % refuted": is_below(refuted, 0.20),
            "fewer than 5 % of defects escaped": is_below(escaped, 0.05),
        },
        fall=0.10,
    )
    decided = flagged[flagged["is_decided"]]
    values = np.column_stack(
        [average_by_task(tasks, decided, "is_confirmed"), average_by_task(tasks, real, "is_caught")]
    )
    scored = ~np.asarray(np.isnan(values).all(axis=1)) & is_mature(tasks, known)
    critical = real.loc[real["has_escaped"] & (real["severity"] == "Critical"), "task_id"]
    cases = Cases(
        values=values[scored],
        targets=(0.80, 0.95),
        needed=20,
        strata=cut_strata(tasks["size"])[scored],
        is_changed=_carry(mark_changes(tasks, known.runs, roles, memory), scored),
        is_critical=is_among(tasks["task_id"], critical).to_numpy()[scored],
        blocks=name_blocks(tasks)[scored],
    )
    secondary = {
        "false_positive_rate": get_last(refuted),
        "escape_rate": get_last(escaped),
        "findings": len(flagged),
        "undecided_findings": int((~flagged["is_decided"]).sum()),
        "real_defects": len(real),
    }
    return Evidence(
        capability=f"ReviewAgent_{stage}",
        published=published,
        criteria=("findings that were confirmed", "defects that were caught"),
        cases=cases,
        case_at=published.known_at[scored],
        secondary=secondary,
    )


def group_reviewers(roles: pd.DataFrame) -> dict[str, list[str]]:
    """Return the reviewing roles before Code ("Design") and after it ("Code"), by their kind and order."""
    order = dict(zip(roles["agent_role"], roles["phase_order"], strict=True))
    reviewers = roles[roles["kind"] == "appraisal"]
    is_design = reviewers["phase_order"] < order.get("Code", 40)
    return {"Design": [*reviewers.loc[is_design, "agent_role"]], "Code": [*reviewers.loc[~is_design, "agent_role"]]}


def name_stages(defects: pd.DataFrame, roles: pd.DataFrame) -> pd.Series:
    """Name for each defect the stage in which it was made; empty for a phase without a place in the order."""
    order = dict(zip(roles["agent_role"], roles["phase_order"], strict=True))
    made = defects["phase_injected"].map(order)
    stage = pd.Series(np.where(made < order.get("Code", 40), "Design", "Code"), index=made.index, dtype=object)
    return stage.where(made.notna(), None)


def _carry(flags: Flags, scored: Flags) -> Flags:
    """Move each flag of an unscored task to the next scored one, so that no change is lost."""
    place = np.searchsorted(np.flatnonzero(scored), np.flatnonzero(flags))
    carried = np.zeros(int(scored.sum()), dtype=bool)
    carried[place[place < len(carried)]] = True
    return carried
