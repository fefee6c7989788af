"""Is anything drifting? Shewhart's charts for single values and counts, and CUSUM for small lasting shifts.

Own code: the limits are one formula each, and no well-kept library of the project has individuals charts, Laney's
correction or the run rules. Costs are charted as logarithms: they are skewed, and on the raw scale half of the lower
limits are negative.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from asp_analysis.errors import EstimationRefusal
from asp_analysis.quality.phases import Work

Floats = NDArray[np.float64]
D2 = 1.128379167  # mean range of two normal values, in SD
MEAN_RANGE = (2.66, 3.267)  # X limits 3 / d2, and the limit of the ranges, in mean ranges (rounded as published)
LANEY_FEWEST = 20  # points before limits may be widened: with fewer, one bad period widens them until it hides itself
MEDIAN_RANGE = (3.145, 3.865)  # the same in median ranges: steadier against single outliers


@dataclass(frozen=True)
class IndividualsChart:
    """An XmR chart: centre, lower and upper natural process limit, mean (or median) moving range and its limit.

    signals: one row per value: value, range (moving, NaN for the first), is_outside (beyond a limit), is_run (8 in a
    row on one side), is_near_limit (3 of 4 nearer to a limit than to the centre), is_range_outside.
    """

    centre: float
    lower: float
    upper: float
    mean_range: float
    range_limit: float
    signals: pd.DataFrame

    @property
    def is_stable(self) -> bool:
        """No rule is broken."""
        return not self.signals.filter(like="is_").to_numpy().any()


def xmr_chart(values: ArrayLike, *, is_median: bool = False, baseline: int | None = None) -> IndividualsChart:
    """Chart single values in time order: limits xbar +- 2.66 mRbar, ranges up to 3.267 mRbar.

    baseline: the limits come from the first so many values; None: from all. With `is_median` the median range and
    3.145 / 3.865 are used.

    Raises:
        EstimationRefusal: fewer than two values, or one that is not finite.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 2 or not np.isfinite(x).all():
        raise EstimationRefusal(f"At least two finite values are needed for a chart, found {len(x)}. Wait for more.")
    base = x[: max(baseline or len(x), 2)]
    ranges = np.abs(np.diff(base))
    width, limit = MEDIAN_RANGE if is_median else MEAN_RANGE
    mean_range = float(np.median(ranges) if is_median else np.mean(ranges))
    centre = float(np.mean(base))
    lower, upper, top = centre - width * mean_range, centre + width * mean_range, limit * mean_range
    return IndividualsChart(centre, lower, upper, mean_range, top, _signals(x, centre, upper - centre, top))


def _signals(x: Floats, centre: float, width: float, top: float) -> pd.DataFrame:
    moving = np.concatenate([[np.nan], np.abs(np.diff(x))])
    side = np.sign(x - centre)
    frame = pd.DataFrame({"value": x, "range": moving})
    frame["is_outside"] = np.abs(x - centre) > width
    frame["is_run"] = _run_of(side == 1, 8) | _run_of(side == -1, 8)
    frame["is_near_limit"] = _most_of(x - centre > width / 2) | _most_of(centre - x > width / 2)
    frame["is_range_outside"] = moving > top
    return frame


def _run_of(flags: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    return pd.Series(flags).rolling(length).sum().eq(length).to_numpy()


def _most_of(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return flags & (pd.Series(flags).rolling(4, min_periods=3).sum() >= 3).to_numpy()


def u_chart(counts: ArrayLike, sizes: ArrayLike) -> pd.DataFrame:
    """Chart counts per size: u_i = c_i / a_i, ubar = Sum c / Sum a, limits ubar +- 3 sqrt(ubar / a_i), floor 0.

    Where the counts vary more than Poisson counts can (chi-squared test at 5 %), the limits are widened by Laney's
    sigma_z = mean |z_i - z_(i-1)| / 1.128 (u' chart), from 20 points on. Columns: density, centre, lower, upper,
    is_outside, is_laney.

    Raises:
        EstimationRefusal: fewer than two points, or a size that is not positive.
    """
    c, a = np.asarray(counts, dtype=float), np.asarray(sizes, dtype=float)
    if len(c) < 2 or len(c) != len(a) or not (a > 0).all():
        raise EstimationRefusal(f"Two or more counts with sizes above 0 are needed, found {len(c)}. Wait for more.")
    centre = c.sum() / a.sum()
    sd = np.sqrt(centre / a)
    z = (c / a - centre) / np.where(sd > 0, sd, np.nan)
    is_laney = bool(len(c) >= LANEY_FEWEST and centre > 0 and chdtrc(len(c) - 1, float(np.sum(z**2))) < 0.05)
    wide = max(float(np.mean(np.abs(np.diff(z)))) / D2, 1.0) if is_laney else 1.0
    frame = pd.DataFrame({"density": c / a, "centre": centre, "lower": np.maximum(centre - 3 * sd * wide, 0.0)})
    frame["upper"] = centre + 3 * sd * wide
    frame["is_outside"] = (frame["density"] > frame["upper"]) | (frame["density"] < frame["lower"])
    return frame.assign(is_laney=is_laney)


def cusum(z: ArrayLike, slack: float = 0.5, limit: float = 5.0) -> pd.DataFrame:
    """Sum standardised deviations: C+ = max(0, C+ + z - k), C- = max(0, C- - z - k); signal above h.

    k = `slack` (half the shift to be found, in SD), h = `limit`; with 0.5 and 5 a false alarm comes every 465 values.
    Columns: high, low, is_high, is_low.
    """
    deviations = np.asarray(z, dtype=float)
    frame = pd.DataFrame({"high": _above_zero(deviations - slack), "low": _above_zero(-deviations - slack)})
    return frame.assign(is_high=frame["high"] > limit, is_low=frame["low"] > limit)


def _above_zero(steps: np.ndarray) -> np.ndarray:
    """Sum steps, from 0 again wherever the sum would fall below it: the plain sum over its lowest so far."""
    sums = np.cumsum(steps)
    return sums - np.minimum(np.minimum.accumulate(sums), 0.0)


# --- charts of the work -----------------------------------------------------------------------------------------------


def cost_charts(work: Work, component: str = "cost_usd", *, is_per_unit: bool = True, fewest: int = 8) -> pd.DataFrame:
    """Chart one cost component per role and model over time: an XmR chart of its logarithm.

    component: cost_usd, latency_ms or tokens; per complexity unit unless `is_per_unit` is False, so that a large task
    is no alarm. Columns: agent_role, llm_model, task_id, at, value; centre, lower, upper (on the scale of the value);
    is_outside, is_run, is_near_limit, is_signal (any of them); high, low (CUSUM of the log values in SD of the chart).
    Roles and models with fewer than `fewest` values are left out.
    """
    runs = work.runs[(work.runs[component] > 0) & ((work.runs["actual_size"] > 0) | (not is_per_unit))].copy()
    runs["value"] = runs[component] / (runs["actual_size"] if is_per_unit else 1.0)
    keys = ["agent_role", "llm_model", "task_id"]
    points = runs.groupby(keys, dropna=False).agg(at=("first_at", "min"), value=("value", "sum")).reset_index()
    charts = [
        _cost_chart(group.sort_values(["at", "task_id"]))
        for _, group in points.groupby(["agent_role", "llm_model"], dropna=False)
        if len(group) >= fewest
    ]
    columns = [*keys, "at", "value", "centre", "lower", "upper", "is_outside", "is_run", "is_near_limit", "is_signal"]
    return pd.concat(charts, ignore_index=True) if charts else pd.DataFrame(columns=[*columns, "high", "low"])


def _cost_chart(points: pd.DataFrame) -> pd.DataFrame:
    logs = np.log(points["value"].to_numpy(dtype=float))
    chart = xmr_chart(logs)
    sd = chart.mean_range / D2
    sums = cusum((logs - chart.centre) / sd if sd > 0 else logs * 0.0)
    limits = {name: math.exp(getattr(chart, name)) for name in ("centre", "lower", "upper")}
    flags = chart.signals[["is_outside", "is_run", "is_near_limit"]]
    framed = points.reset_index(drop=True).assign(**limits).join(flags)
    return framed.assign(is_signal=flags.any(axis=1), high=sums["high"], low=sums["low"])


def density_charts(work: Work, days: int = 7, fewest: int = 3) -> pd.DataFrame:
    """Chart the defects that a role injected per complexity unit, per role and model, in periods of `days`.

    A task counts in the period in which it ended; the model is the one that the role used most on it. Columns:
    agent_role, llm_model, period_at (begin), tasks, defects, size, density, centre, lower, upper, is_outside, is_laney.
    Roles and models with fewer than `fewest` periods are left out.
    """
    ended = work.tasks[work.tasks["status"].isin(["completed", "failed"]) & (work.tasks["actual_size"] > 0)]
    most = work.runs.sort_values("executions", ascending=False).drop_duplicates(["task_id", "agent_role"])
    made = work.real_defects.groupby(["task_id", "phase_injected"]).size().rename("defects").reset_index()
    worked = most[most["agent_role"].isin(made["phase_injected"])][["task_id", "agent_role", "llm_model"]]
    cases = worked.merge(ended[["task_id", "completed_at", "actual_size"]], on="task_id")
    cases = cases.merge(made.rename(columns={"phase_injected": "agent_role"}), how="left", on=["task_id", "agent_role"])
    step = pd.Timedelta(days=days)
    begin = cases["completed_at"].min().normalize() if len(cases) else pd.NaT
    cases["period_at"] = begin + (cases["completed_at"] - begin) // step * step
    keys = ["agent_role", "llm_model", "period_at"]
    points = cases.fillna({"defects": 0}).groupby(keys, dropna=False)
    points = points.agg(tasks=("task_id", "size"), defects=("defects", "sum"), size=("actual_size", "sum"))
    charts = [
        group.reset_index(drop=True).join(u_chart(group["defects"], group["size"]))
        for _, group in points.reset_index().groupby(keys[:2], dropna=False)
        if len(group) >= max(fewest, 2)
    ]
    columns = [*keys, "tasks", "defects", "size", "density", "centre", "lower", "upper", "is_outside", "is_laney"]
    return pd.concat(charts, ignore_index=True) if charts else pd.DataFrame(columns=columns)
