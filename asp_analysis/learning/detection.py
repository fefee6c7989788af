"""Evidence of the capabilities that say where defects will be and of which type: judged by what came afterwards."""

import numpy as np
import pandas as pd

from asp_analysis.learning.areas import Densities, density_table, reduction_lower_pct, task_areas
from asp_analysis.learning.evidence import Evidence, Looks, Published, last, or_none, share_by_task, size_strata
from asp_analysis.learning.sound import Cases, Floats, SoundRule
from asp_analysis.learning.telemetry import Telemetry

FLAG_AFTER = 30
LOOKS = (20, 40, 80, 160)
NEEDED_REDUCTION_PCT = 30.0


def error_prone(known: Telemetry, rule: SoundRule) -> Evidence:
    """ErrorProneDetection. The components of high risk are named after 30 tasks; later tasks there are the test.

    Published: raw density of the named ones before and after. Sound: named by shrunken densities; the reduction is
    judged against the shrunken density before, at 20, 40, 80 and 160 later tasks, each look at alpha / 4.
    """
    tasks = known.ended()
    real = known.defects[~known.defects["is_false_positive"]]
    counts = tasks["task_id"].map(real["task_id"].value_counts()).fillna(0)
    parts = task_areas(tasks.assign(defects=counts), known.runs, "component")
    parts = parts.merge(tasks[["task_id"]].assign(place=range(len(tasks)), defects=counts), on="task_id")
    count = np.arange(1, len(tasks) + 1)
    early = parts[parts["place"] < FLAG_AFTER]
    table = _flagged(early) if len(early) and early["size"].sum() > 0 else None
    reduction = np.full(len(tasks), np.nan)
    if table is not None and len(tasks) > FLAG_AFTER:
        reduction = _raw_reduction(parts, table.loc[table["is_high_risk_published"], "area"], len(tasks))
    published = Published(
        "density_reduction_pct", NEEDED_REDUCTION_PCT, (30, 30), "tasks", tasks["completed_at"].to_numpy(), count,
        reduction, {"30 tasks with defect data": count >= FLAG_AFTER},
        {"30 % lower density in the flagged components": reduction >= NEEDED_REDUCTION_PCT},
    )  # fmt: skip
    looks = _sound_looks(parts, table if len(tasks) >= FLAG_AFTER else None, len(tasks), rule)
    secondary = {
        "high_risk_components_published": _named(table, "is_high_risk_published"),
        "high_risk_components": _named(table, "is_high_risk"),
        "median_density": None if table is None else or_none(table["density"].median()),
        "lower_bound_pct": or_none(looks.lower),
    }
    criteria = ("lower density in the flagged components",)
    return Evidence("ErrorProneDetection", published, criteria, _no_cases(1), published.at[:0], secondary, looks)


def _flagged(early: pd.DataFrame) -> pd.DataFrame:
    grouped = early.groupby("area").agg(tasks=("task_id", "nunique"), size=("size", "sum"), defects=("defects", "sum"))
    return density_table(grouped.reset_index())


def _raw_reduction(parts: pd.DataFrame, areas: pd.Series, length: int) -> Floats:
    own = parts[parts["area"].isin(areas)]
    before, after = own[own["place"] < FLAG_AFTER], own[own["place"] >= FLAG_AFTER]
    size, found = np.zeros(length), np.zeros(length)
    np.add.at(size, after["place"], after["size"])
    np.add.at(found, after["place"], after["defects"])
    with np.errstate(invalid="ignore", divide="ignore"):
        was = np.float64(before["defects"].sum()) / before["size"].sum()
        return 100 * (1 - np.cumsum(found) / np.cumsum(size) / was)


def _sound_looks(parts: pd.DataFrame, table: pd.DataFrame | None, length: int, rule: SoundRule) -> Looks:
    nan = float("nan")
    if table is None:
        return Looks(0, nan, nan, NEEDED_REDUCTION_PCT, 0, f"{FLAG_AFTER - length} more tasks before areas are named")
    areas = table[table["is_high_risk"]].reset_index(drop=True)
    if not len(areas):
        return Looks(0, nan, nan, NEEDED_REDUCTION_PCT, 0, "no component stands out once small counts are shrunken")
    later = parts[(parts["place"] >= FLAG_AFTER) & parts["area"].isin(areas["area"])]
    value = float(_raw_reduction(parts, areas["area"], length)[-1])
    passed = [look for look in LOOKS if len(later) >= look]
    if not passed:
        words = f"{LOOKS[0] - len(later)} more tasks in {', '.join(areas['area'])}"
        return Looks(1, value, nan, NEEDED_REDUCTION_PCT, len(later), words)
    bounds = [_bound_at(later.iloc[:look], table, rule.alpha / len(LOOKS)) for look in passed]
    best = float(np.nanmax(bounds)) if not np.isnan(bounds).all() else nan
    is_reached = best >= NEEDED_REDUCTION_PCT
    words = "" if is_reached else f"a reduction of {NEEDED_REDUCTION_PCT:.0f} % that is sure; so far {best:.0f} % is"
    return Looks(2 if is_reached else 1, value, best, NEEDED_REDUCTION_PCT, len(later), words)


def _bound_at(later: pd.DataFrame, table: pd.DataFrame, alpha: float) -> float:
    sizes = later.groupby("area")["size"].sum()
    before = Densities(table["defects"].to_numpy(), table["size"].to_numpy())
    exposure = table["area"].map(sizes).fillna(0.0).to_numpy(dtype=float)
    return reduction_lower_pct(int(later["defects"].sum()), before, exposure, alpha)


def _named(table: pd.DataFrame | None, flag: str) -> list[str]:
    return [] if table is None else table.loc[table[flag], "area"].tolist()[:10]


def _no_cases(criteria: int) -> Cases:
    none = np.zeros(0, dtype=bool)
    return Cases(np.zeros((0, criteria)), (0.5,) * criteria, FLAG_AFTER, np.zeros(0, dtype=np.int64), none, none)


def type_prediction(known: Telemetry) -> Evidence:
    """DefectTypePrediction. A case: an ended task with real defects, predicted from the tasks before it.

    The outcome is the share of its defect types that were among the three predicted. The published rule takes the
    last 10 tasks from the 50th on; the detection must be 15 % better than the base rate.
    """
    tasks = known.ended()
    count = np.arange(1, len(tasks) + 1)
    forecasts = _forecasts(tasks, known)
    hits = share_by_task(tasks, forecasts, "is_hit") if forecasts is not None else np.full(len(tasks), np.nan)
    base = share_by_task(tasks, forecasts, "is_base_hit") if forecasts is not None else np.full(len(tasks), np.nan)
    accuracy = pd.Series(hits).rolling(10, min_periods=1).mean().to_numpy()
    usual = pd.Series(base).rolling(10, min_periods=1).mean().to_numpy()
    lift = accuracy / np.where(usual > 0, usual, np.nan) - 1
    published = Published(
        "top_3_accuracy", 0.60, (50, 50), "tasks", tasks["completed_at"].to_numpy(), count, accuracy,
        {"50 tasks": count >= 50},
        {"accuracy above 60 %": accuracy > 0.60, "15 % better than the base rate": lift >= 0.15},
    )  # fmt: skip
    scored = ~np.isnan(hits)
    none = np.zeros(int(scored.sum()), dtype=bool)
    values = np.column_stack([hits, _wins(tasks, forecasts)])[scored]
    cases = Cases(values, (0.60, 0.50), 20, size_strata(tasks["size"])[scored], none, none)
    secondary = {"lift_over_base_rate_share": last(lift), "verdict": "not enough defects to tell"}
    if forecasts is not None and len(forecasts):
        secondary |= {"verdict": forecasts.attrs["verdict"], "defects_predicted": len(forecasts)}
    criteria = ("defect types among the three predicted", "wins over the base rate where they differ")
    return Evidence("DefectTypePrediction", published, criteria, cases, published.at[scored], secondary)


def _wins(tasks: pd.DataFrame, forecasts: pd.DataFrame | None) -> Floats:
    """Give for each task the share of hits among the defects on which the base rate says otherwise."""
    if forecasts is None:
        return np.full(len(tasks), np.nan)
    return share_by_task(tasks, forecasts[forecasts["is_hit"] != forecasts["is_base_hit"]], "is_hit")


def _forecasts(tasks: pd.DataFrame, known: Telemetry, first: int = 20) -> pd.DataFrame | None:
    """Predict in time order; the classifier is imported only where there is enough to learn from."""
    if len(tasks) <= first or known.defects["task_id"].nunique() < 2:
        return None
    from asp_analysis.learning.prediction import rolling_type_forecasts

    forecasts = rolling_type_forecasts(tasks, known.defects, known.runs, first)
    cases = forecasts.cases
    cases.attrs["verdict"] = forecasts.verdict
    return cases
