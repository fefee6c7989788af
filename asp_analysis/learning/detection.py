"""Evidence of the capabilities that say where defects will be and of which type: judged by what came afterwards."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.intervals import Floats
from asp_analysis.learning.areas import Densities, assign_areas, rank_densities, reduction_lower_pct
from asp_analysis.learning.evidence import (
    Evidence,
    Looks,
    Published,
    average_by_task,
    cut_strata,
    get_last,
    name_blocks,
    round_or_none,
)
from asp_analysis.learning.rule import Cases, SoundRule
from asp_analysis.learning.telemetry import Telemetry

FLAG_AFTER = 30
LOOKS_AT = (20, 40, 80, 160)
"""Later tasks at which the sound rule looks."""
NEEDED_REDUCTION_PCT = 30.0


def gather_error_prone(known: Telemetry, rule: SoundRule) -> Evidence:
    """ErrorProneDetection. The components of high risk are named after 30 tasks; later tasks there are the test.

    Published: raw density of the named ones before and after. Sound: named by shrunken densities; the reduction is
    judged against the shrunken density before, at 20, 40, 80 and 160 later tasks, each look at alpha / 4.
    """
    tasks = known.list_ended()
    real = known.defects[~known.defects["is_false_positive"]]
    counts = tasks["task_id"].map(real["task_id"].value_counts()).fillna(0)
    parts = assign_areas(tasks.assign(defects=counts), known.runs, "component")
    parts = parts.merge(tasks[["task_id"]].assign(place=range(len(tasks)), defects=counts), on="task_id")
    count = np.arange(1, len(tasks) + 1)
    early = parts[parts["place"] < FLAG_AFTER]
    table = _flag_areas(early) if len(early) and early["size"].sum() > 0 else None
    reduction = np.full(len(tasks), np.nan)
    if table is not None and len(tasks) > FLAG_AFTER:
        reduction = _measure_raw_reduction(parts, table.loc[table["is_high_risk_published"], "area"], len(tasks))
    published = Published(
        metric="density_reduction_pct",
        target=NEEDED_REDUCTION_PCT,
        needed_for_shadow=30,
        needed_for_autonomous=30,
        counted="tasks",
        known_at=tasks["completed_at"].to_numpy(),
        count=count,
        value=reduction,
        shadow_if={"30 tasks with defect data": count >= FLAG_AFTER},
        autonomous_if={"30 % lower density in the flagged components": reduction >= NEEDED_REDUCTION_PCT},
    )
    looks = _take_looks(parts, table if len(tasks) >= FLAG_AFTER else None, len(tasks), rule)
    secondary = {
        "high_risk_components_published": _list_areas(table, "is_high_risk_published"),
        "high_risk_components": _list_areas(table, "is_high_risk"),
        "median_density": None if table is None else round_or_none(table["density"].median()),
        "lower_bound_pct": round_or_none(looks.lower),
    }
    return Evidence(
        capability="ErrorProneDetection",
        published=published,
        criteria=("lower density in the flagged components",),
        cases=_make_no_cases(),
        case_at=published.known_at[:0],
        secondary=secondary,
        looks=looks,
    )


def _flag_areas(early: pd.DataFrame) -> pd.DataFrame:
    grouped = early.groupby("area").agg(tasks=("task_id", "nunique"), size=("size", "sum"), defects=("defects", "sum"))
    return rank_densities(grouped.reset_index())


def _measure_raw_reduction(parts: pd.DataFrame, areas: pd.Series, length: int) -> Floats:
    own = parts[parts["area"].isin(areas)]
    before, after = own[own["place"] < FLAG_AFTER], own[own["place"] >= FLAG_AFTER]
    size, found = np.zeros(length), np.zeros(length)
    np.add.at(size, after["place"], after["size"])
    np.add.at(found, after["place"], after["defects"])
    with np.errstate(invalid="ignore", divide="ignore"):
        was = np.float64(before["defects"].sum()) / before["size"].sum()
        return 100 * (1 - np.cumsum(found) / np.cumsum(size) / was)


def _take_looks(parts: pd.DataFrame, table: pd.DataFrame | None, length: int, rule: SoundRule) -> Looks:
    none = Looks(mode=0, value=math.nan, lower=math.nan, target=NEEDED_REDUCTION_PCT, count=0, words="")
    if table is None:
        return replace(none, words=f"{FLAG_AFTER - length} more tasks before areas are named")
    areas = table[table["is_high_risk"]].reset_index(drop=True)
    if not len(areas):
        return replace(none, words="no component stands out once small counts are shrunken")
    later = parts[(parts["place"] >= FLAG_AFTER) & parts["area"].isin(areas["area"])]
    value = float(_measure_raw_reduction(parts, areas["area"], length)[-1])
    reached = [look for look in LOOKS_AT if len(later) >= look]
    if not reached:
        words = f"{LOOKS_AT[0] - len(later)} more tasks in {', '.join(areas['area'])}"
        return replace(none, mode=1, value=value, count=len(later), words=words)
    bounds = [_bound_reduction(later.iloc[:look], table, rule.alpha / len(LOOKS_AT)) for look in reached]
    best = float(np.nanmax(bounds)) if not np.isnan(bounds).all() else math.nan
    is_enough = best >= NEEDED_REDUCTION_PCT
    words = "" if is_enough else f"a reduction of {NEEDED_REDUCTION_PCT:.0f} % that is sure; so far {best:.0f} % is"
    return replace(none, mode=2 if is_enough else 1, value=value, lower=best, count=len(later), words=words)


def _bound_reduction(later: pd.DataFrame, table: pd.DataFrame, alpha: float) -> float:
    sizes = later.groupby("area")["size"].sum()
    before = Densities(table["defects"].to_numpy(), table["size"].to_numpy())
    exposure = table["area"].map(sizes).fillna(0.0).to_numpy(dtype=float)
    return reduction_lower_pct(int(later["defects"].sum()), before, exposure, alpha)


def _list_areas(table: pd.DataFrame | None, flag: str) -> list[str]:
    return [] if table is None else table.loc[table[flag], "area"].tolist()[:10]


def _make_no_cases() -> Cases:
    """Return the cases of a capability that is not judged by cases."""
    none = np.zeros(0, dtype=bool)
    return Cases(
        values=np.zeros((0, 1)),
        targets=(0.5,),
        needed=FLAG_AFTER,
        strata=np.zeros(0, dtype=np.int64),
        is_changed=none,
        is_critical=none,
    )


def gather_type_prediction(known: Telemetry) -> Evidence:
    """DefectTypePrediction. A case: an ended task with real defects, predicted from the tasks before it.

    The outcome is the share of its defect types that were among the three predicted. The published rule takes the
    last 10 tasks from the 50th on; the detection must be 15 % better than the base rate.
    """
    tasks = known.list_ended()
    count = np.arange(1, len(tasks) + 1)
    forecasts = _forecast_types(tasks, known)
    nothing = np.full(len(tasks), np.nan)
    hits = average_by_task(tasks, forecasts, "is_hit") if forecasts is not None else nothing
    base = average_by_task(tasks, forecasts, "is_base_hit") if forecasts is not None else nothing
    accuracy = pd.Series(hits).rolling(10, min_periods=1).mean().to_numpy(dtype=np.float64)
    usual = pd.Series(base).rolling(10, min_periods=1).mean().to_numpy(dtype=np.float64)
    lift = accuracy / np.where(usual > 0, usual, np.nan) - 1
    published = Published(
        metric="top_3_accuracy",
        target=0.60,
        needed_for_shadow=50,
        needed_for_autonomous=50,
        counted="tasks",
        known_at=tasks["completed_at"].to_numpy(),
        count=count,
        value=accuracy,
        shadow_if={"50 tasks": count >= 50},
        autonomous_if={"accuracy above 60 %": accuracy > 0.60, "15 % better than the base rate": lift >= 0.15},
    )
    scored = ~np.isnan(hits)
    none = np.zeros(int(scored.sum()), dtype=bool)
    cases = Cases(
        values=np.column_stack([hits, _share_wins(tasks, forecasts)])[scored],
        targets=(0.60, 0.50),
        needed=20,
        strata=cut_strata(tasks["size"])[scored],
        is_changed=none,
        is_critical=none,
        blocks=name_blocks(tasks)[scored],
    )
    secondary: dict[str, Any] = {
        "lift_over_base_rate_share": get_last(lift),
        "verdict": "too few defects for a verdict",
    }
    if forecasts is not None and len(forecasts):
        secondary |= {"verdict": forecasts.attrs["verdict"], "defects_predicted": len(forecasts)}
    return Evidence(
        capability="DefectTypePrediction",
        published=published,
        criteria=("defect types among the three predicted", "wins over the base rate where they differ"),
        cases=cases,
        case_at=published.known_at[scored],
        secondary=secondary,
    )


def _share_wins(tasks: pd.DataFrame, forecasts: pd.DataFrame | None) -> Floats:
    """Return for each task the share of hits among the defects on which the base rate says otherwise."""
    if forecasts is None:
        return np.full(len(tasks), np.nan)
    return average_by_task(tasks, forecasts[forecasts["is_hit"] != forecasts["is_base_hit"]], "is_hit")


def _forecast_types(tasks: pd.DataFrame, known: Telemetry, first: int = 20) -> pd.DataFrame | None:
    """Predict in time order; the classifier is imported only where there is enough to learn from."""
    if len(tasks) <= first or known.defects["task_id"].nunique() < 2:
        return None
    from asp_analysis.learning.prediction import rolling_type_forecasts

    forecasts = rolling_type_forecasts(tasks, known.defects, known.runs, first)
    cases = forecasts.cases
    cases.attrs["verdict"] = forecasts.verdict
    return cases
