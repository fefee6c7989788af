"""Evidence of the capabilities that are judged by rates: estimates, plans and reviews."""

from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.learning.evidence import (
    WINDOW,
    Evidence,
    Published,
    below,
    changes,
    last,
    or_none,
    recent_mean,
    recent_share,
    share_by_task,
    size_strata,
)
from asp_analysis.learning.sound import Cases, Flags, Floats
from asp_analysis.learning.telemetry import Telemetry
from asp_analysis.membership import is_among

HIT_PCT = 20.0


def estimates(known: Telemetry, memory: int) -> Evidence:
    """PROBE_AI. A case: a completed task whose cost estimate was stored before the outcome; hit: within +-20 %.

    The first estimate that the workbench stored counts, else the planner's own.
    """
    tasks = _forecast_tasks(known)
    error_pct = (tasks["estimate"] / tasks["actual"] - 1).abs().to_numpy() * 100
    mape, count = recent_mean(error_pct, 10), np.arange(1, len(tasks) + 1)
    r2, strata = _running_r2(tasks["size"], tasks["actual"]), size_strata(tasks["size"])
    has_all_sizes = np.logical_and.reduce([np.cumsum(strata == s) > 0 for s in range(strata.max(initial=-1) + 1 or 1)])
    published = Published(
        "mape_pct", 20.0, (10, 20), "tasks", tasks["completed_at"].to_numpy(), count, mape,
        {"10 tasks and R² above 0.7, or 20 tasks": (count >= 20) | ((count >= 10) & (r2 > 0.7))},
        {"20 tasks": count >= 20, "MAPE of the last 10 below 20 %": mape < 20, "tasks of all sizes": has_all_sizes},
        fall=10.0, is_lower_better=True,
    )  # fmt: skip
    hits = (error_pct <= HIT_PCT).astype(float)[:, None]
    changed = changes(tasks, known.runs, ["Planning", "Code"], memory)
    cases = Cases(hits, (0.70,), 10, strata, changed, np.zeros(len(tasks), bool))
    secondary = _estimate_metrics(tasks, r2)
    return Evidence("PROBE_AI", published, ("estimates within ±20 %",), cases, published.at, secondary)


def _forecast_tasks(known: Telemetry) -> pd.DataFrame:
    forecasts = known.forecasts
    usable = (
        forecasts["is_before_outcome"].eq(True) & (forecasts["component"] == "cost_usd") & (forecasts["actual"] > 0)
    )
    usable &= forecasts["estimate"] > 0
    first = forecasts[usable].sort_values(["source", "made_at"], ascending=[False, True]).drop_duplicates("task_id")
    wanted = first[["task_id", "source", "estimate", "lower_70", "upper_70", "actual"]]
    return known.completed().merge(wanted, on="task_id", how="inner")


def _running_r2(size: pd.Series, cost: pd.Series) -> Floats:
    r = cost.expanding(min_periods=3).corr(size).to_numpy(dtype=float)
    return r**2


def _estimate_metrics(tasks: pd.DataFrame, r2: Floats) -> dict[str, Any]:
    log_ratio = np.log(tasks["actual"] / tasks["estimate"])
    inside = tasks["actual"].between(tasks["lower_70"], tasks["upper_70"])[tasks["upper_70"].notna()]
    width = ((tasks["upper_70"] - tasks["lower_70"]) / 2 / tasks["estimate"]).dropna()
    return {
        "r2": last(r2),
        "mdape_pct": or_none((tasks["estimate"] / tasks["actual"] - 1).abs().median() * 100),
        "within_20_pct_share": or_none(((tasks["estimate"] / tasks["actual"] - 1).abs() <= HIT_PCT / 100).mean()),
        "mean_log_ratio": or_none(log_ratio.mean()),
        "mean_log_ratio_standard_error": or_none(log_ratio.sem()),
        "interval_70_coverage_share": or_none(inside.mean()),
        "intervals": len(inside),
        "wider_than_half_share": or_none((width > 0.5).mean()),
        "from_workbench": int((tasks["source"] == "workbench").sum()),
    }


def decomposition(known: Telemetry, memory: int) -> Evidence:
    """TaskDecomposition. A case: a completed task. Criteria: plan not corrected, no planning defect that passed every
    review, share of the units that were in the plan. Plans that nobody looked at say nothing about corrections.
    """
    tasks = known.completed()
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
    escapes = recent_share(tasks, real, "has_escaped")
    rate, completeness = recent_mean(corrected, WINDOW), recent_mean(complete, WINDOW)
    published = Published(
        "correction_rate", 0.10, (15, 30), "tasks", tasks["completed_at"].to_numpy(), count, rate,
        {"15 tasks": count >= 15, "fewer than 20 % of the last 5 plans corrected": recent_mean(corrected, 5) < 0.20},
        {
            "30 tasks": count >= 30,
            "fewer than 10 % of plans corrected": rate < 0.10,
            "fewer than 5 % of planning defects escaped": below(escapes, 0.05),
            "plans more than 90 % complete": completeness > 0.90,
        },
        is_lower_better=True,
    )  # fmt: skip
    leaky = is_among(tasks["task_id"], real.loc[real["has_escaped"], "task_id"]).to_numpy()
    critical = is_among(tasks["task_id"], real.loc[real["has_escaped"] & real["is_critical"], "task_id"]).to_numpy()
    values = np.column_stack([np.where(is_read, 1 - corrected, np.nan), 1.0 - leaky, complete])
    cases = Cases(
        values,
        (0.90, 0.95, 0.90),
        15,
        size_strata(tasks["size"]),
        changes(tasks, known.runs, ["Planning"], memory),
        critical,
    )
    secondary = {
        "escape_rate": last(escapes),
        "completeness_share": last(completeness),
        "reviewed_share": or_none(is_read.mean() if len(is_read) else None),
        "correction_rate_last_5": last(recent_mean(corrected, 5)),
    }
    criteria = ("plans not corrected", "plans without an escaped defect", "units that were in the plan")
    return Evidence("TaskDecomposition", published, criteria, cases, published.at, secondary)


def review(stage: str, known: Telemetry, memory: int) -> Evidence:
    """ReviewAgent_Design and ReviewAgent_Code. A case: an ended task with findings or defects of that stage.

    Criteria: share of the decided findings that a person confirmed; share of the real defects that were flagged. A
    review answers for what was made in its own stage: before Code, or in Code and after. Reviews of open tasks do not
    count yet: what escaped them is not known.
    """
    tasks, stages = known.ended(), review_stages(known.roles)
    roles, is_own = stages[stage], defect_stage(known)
    own = known.defects[is_own == stage]
    flagged = own[own["is_flagged_by_agent"] & own["phase_removed"].isin(roles)]
    flagged = flagged.assign(is_confirmed=flagged["is_validated_by_human"] & ~flagged["is_false_positive"])
    flagged = flagged.assign(is_refuted=flagged["is_false_positive"])
    seen = known.runs.loc[known.runs["agent_role"].isin(roles), "task_id"]
    real = own[~own["is_false_positive"] & is_among(own["task_id"], seen)]
    real = real.assign(is_caught=real["is_flagged_by_agent"], has_escaped=~real["is_flagged_by_agent"])
    confirmed = recent_share(tasks, flagged, "is_confirmed")
    refuted, escaped = recent_share(tasks, flagged, "is_refuted"), recent_share(tasks, real, "has_escaped")
    reviews = known.runs[known.runs["agent_role"].isin(roles)].groupby("task_id")["executions"].sum()
    count = np.cumsum(tasks["task_id"].map(reviews).fillna(0).to_numpy(dtype=np.int64))
    published = Published(
        "true_positive_rate", 0.80, (20, 40), "reviews", tasks["completed_at"].to_numpy(), count, confirmed,
        {"20 reviews": count >= 20},
        {
            "40 reviews": count >= 40,
            "more than 80 % of findings confirmed": confirmed > 0.80,
            "fewer than 20 % refuted": below(refuted, 0.20),
            "fewer than 5 % of defects escaped": below(escaped, 0.05),
        },
        fall=0.10,
    )  # fmt: skip
    decided = flagged[flagged["is_decided"]]
    values = np.column_stack([share_by_task(tasks, decided, "is_confirmed"), share_by_task(tasks, real, "is_caught")])
    scored = ~np.isnan(values).all(axis=1)
    critical = real.loc[real["has_escaped"] & (real["severity"] == "Critical"), "task_id"]
    cases = Cases(
        values[scored], (0.80, 0.95), 20, size_strata(tasks["size"])[scored],
        _carried(changes(tasks, known.runs, roles, memory), scored),
        is_among(tasks["task_id"], critical).to_numpy()[scored],
    )  # fmt: skip
    secondary = {
        "false_positive_rate": last(refuted),
        "escape_rate": last(escaped),
        "findings": len(flagged),
        "undecided_findings": int((~flagged["is_decided"]).sum()),
        "real_defects": len(real),
    }
    criteria = ("findings that were confirmed", "defects that were caught")
    case_at = published.at[scored]
    return Evidence(f"ReviewAgent_{stage}", published, criteria, cases, case_at, secondary)


def review_stages(roles: pd.DataFrame) -> dict[str, list[str]]:
    """Give the reviewing roles before Code ("Design") and after it ("Code"), by their kind and order."""
    order = dict(zip(roles["agent_role"], roles["phase_order"], strict=True))
    reviewers = roles[roles["kind"] == "appraisal"]
    is_design = reviewers["phase_order"] < order.get("Code", 40)
    return {"Design": [*reviewers.loc[is_design, "agent_role"]], "Code": [*reviewers.loc[~is_design, "agent_role"]]}


def defect_stage(known: Telemetry) -> pd.Series:
    """Name for each defect the stage in which it was made; empty for a phase without a place in the order."""
    order = dict(zip(known.roles["agent_role"], known.roles["phase_order"], strict=True))
    made = known.defects["phase_injected"].map(order)
    stage = pd.Series(np.where(made < order.get("Code", 40), "Design", "Code"), index=made.index, dtype=object)
    return stage.where(made.notna(), None)


def _carried(flags: Flags, scored: Flags) -> Flags:
    """Move each flag of an unscored task to the next scored one, so that no change is lost."""
    place = np.searchsorted(np.flatnonzero(scored), np.flatnonzero(flags))
    carried = np.zeros(int(scored.sum()), dtype=bool)
    carried[place[place < len(carried)]] = True
    return carried
