"""Is anything drifting? Shewhart's charts for single values and counts, and CUSUM for small lasting shifts.

Own code: the limits are one formula each, and no well-kept library of the project has individuals charts, Laney's
correction or the run rules. Costs are charted as logarithms: they are skewed, and on the raw scale half of the lower
limits are negative. Limits take values to be independent; where tasks are like the one before, what a forecast from
that task missed is charted (Alwan and Roberts 1988).
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import Floats
from asp_analysis.quality.phases import Work, find_worked_size

D2 = 1.128379167  # mean range of two normal values, in SD
X_FACTOR, RANGE_FACTOR = 2.66, 3.267  # limits in mean ranges, rounded as published: of values 3 / d2, of ranges
LANEY_FEWEST = 20  # points before limits may be widened: with fewer, one bad period widens them until it hides itself
CORRELATED_FEWEST, LEVEL_FEWEST = (
    20,
    8,
)  # values before a correlation is looked for; on each side of a step of the level
CORRELATED_T = 2.0  # standard errors, 1 / sqrt(n), from which on a correlation of neighbours is one


@dataclass(frozen=True, kw_only=True)
class IndividualsChart:
    """An XmR chart: centre, lower and upper natural process limit, mean moving range and its limit.

    signals: one row per value: value, range (moving, NaN for the first), is_outside (beyond a limit), is_run (8 in a
    row on one side), is_near_limit (3 of 4 nearer to a limit than to the centre), is_range_outside.
    """

    centre: float
    lower: float
    upper: float
    mean_range: float
    range_limit: float
    signals: pd.DataFrame


def xmr_chart(values: ArrayLike, *, baseline: int | None = None) -> IndividualsChart:
    """Chart single values in time order: limits xbar +- 2.66 mRbar, ranges up to 3.267 mRbar.

    baseline: the limits come from the first so many values; None: from all.

    Raises:
        EstimationRefusal: fewer than two values, or one that is not finite.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 2 or not np.isfinite(x).all():
        raise EstimationRefusal(f"Too few finite values for a chart: {len(x)} of at least 2. Wait for more.")
    base = x[: max(baseline or len(x), 2)]
    centre, mean_range = float(np.mean(base)), float(np.mean(np.abs(np.diff(base))))
    upper, range_limit = centre + X_FACTOR * mean_range, RANGE_FACTOR * mean_range
    return IndividualsChart(
        centre=centre,
        lower=centre - X_FACTOR * mean_range,
        upper=upper,
        mean_range=mean_range,
        range_limit=range_limit,
        signals=_find_signals(x, centre, upper - centre, range_limit),
    )


def _find_signals(x: Floats, centre: float, width: float, range_limit: float) -> pd.DataFrame:
    moving = np.concatenate([[np.nan], np.abs(np.diff(x))])
    side = np.sign(x - centre)
    frame = pd.DataFrame({"value": x, "range": moving})
    frame["is_outside"] = np.abs(x - centre) > width
    frame["is_run"] = _find_runs(side == 1, 8) | _find_runs(side == -1, 8)
    frame["is_near_limit"] = _find_three_of_four(x - centre > width / 2) | _find_three_of_four(centre - x > width / 2)
    frame["is_range_outside"] = moving > range_limit
    return frame


def _find_runs(flags: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    return pd.Series(flags).rolling(length).sum().eq(length).to_numpy()


def _find_three_of_four(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return flags & (pd.Series(flags).rolling(4, min_periods=3).sum() >= 3).to_numpy()


def measure_correlation(values: ArrayLike) -> float:
    """Correlation of neighbours in time, 0 where it is below 2 / sqrt(n), or where fewer than 20 values are known.

    It is that of the deviations from the two levels that fit best: a step of the level alone makes neighbours alike,
    and is what a chart is to find.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < CORRELATED_FEWEST or np.ptp(x) == 0:
        return 0.0
    cuts = np.arange(LEVEL_FEWEST, n - LEVEL_FEWEST + 1)
    before = np.cumsum(x)[cuts - 1]
    gain = before**2 / cuts + (x.sum() - before) ** 2 / (n - cuts)
    cut = int(cuts[gain.argmax()])
    rest = x - np.where(np.arange(n) < cut, x[:cut].mean(), x[cut:].mean())
    squares = float(rest @ rest)
    found = float(rest[1:] @ rest[:-1]) / squares if squares > 0 else 0.0
    return found if found > CORRELATED_T / math.sqrt(n) else 0.0


def forecast_neighbours(values: ArrayLike) -> tuple[Floats, float]:
    """(by how much each value should differ from the mean because the one before it does, their correlation).

    The forecast of an autoregression of the first order; 0 for the first value, and for all where neighbours are not
    alike (`measure_correlation`). A chart of the values minus these is one of the errors of the forecasts.
    """
    x = np.asarray(values, dtype=float)
    correlation = measure_correlation(x)
    return correlation * np.append(0.0, (x - x.mean())[:-1]), correlation


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
        raise EstimationRefusal(
            f"Too few counts with sizes above 0 for a chart: {len(c)} of at least 2. Wait for more."
        )
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
    frame = pd.DataFrame({"high": _sum_above_zero(deviations - slack), "low": _sum_above_zero(-deviations - slack)})
    return frame.assign(is_high=frame["high"] > limit, is_low=frame["low"] > limit)


def _sum_above_zero(steps: np.ndarray) -> np.ndarray:
    """Sum steps, from 0 again wherever the sum would fall below it: the plain sum over its lowest so far."""
    sums = np.cumsum(steps)
    return sums - np.minimum(np.minimum.accumulate(sums), 0.0)


# --- charts of the work -----------------------------------------------------------------------------------------------


def cost_charts(work: Work, component: str = "cost_usd", *, is_per_unit: bool = True, fewest: int = 8) -> pd.DataFrame:
    """Chart one cost component per role and model over time: an XmR chart of its logarithm.

    component: cost_usd, latency_ms or tokens; per complexity unit unless `is_per_unit` is False, so that a large task
    is no alarm. Columns: agent_role, llm_model, task_id, first_at (begin of the role's work), value; centre, lower,
    upper (on the scale of the value); is_outside, is_run, is_near_limit, is_signal (any of them); high, low (CUSUM of
    what is charted in SD of the chart); correlation (of neighbours, 0 where there is none). Where there is one, the
    centre is the forecast from the task before, the limits are around it, and the rules look at what it missed.
    Roles and models with fewer than `fewest` values are left out.
    """
    runs = work.runs.assign(worked_size=find_worked_size(work.runs) if is_per_unit else 1.0)
    runs = runs[(runs[component] > 0) & (runs["worked_size"] > 0)]
    runs = runs.assign(value=runs[component].astype(float) / runs["worked_size"])
    keys = ["agent_role", "llm_model", "task_id"]
    points = runs.groupby(keys, dropna=False).agg(first_at=("first_at", "min"), value=("value", "sum")).reset_index()
    charts = [
        _chart_costs(group.sort_values(["first_at", "task_id"]))
        for _, group in points.groupby(["agent_role", "llm_model"], dropna=False)
        if len(group) >= fewest
    ]
    columns = [*keys, "first_at", "value", "centre", "lower", "upper", "is_outside", "is_run", "is_near_limit"]
    empty = pd.DataFrame(columns=[*columns, "is_signal", "high", "low", "correlation"])
    return pd.concat(charts, ignore_index=True) if charts else empty


def _chart_costs(points: pd.DataFrame) -> pd.DataFrame:
    logs = np.log(points["value"].to_numpy(dtype=float))
    ahead, correlation = forecast_neighbours(logs)
    missed = logs - ahead
    chart = xmr_chart(missed)
    sd = chart.mean_range / D2
    sums = cusum((missed - chart.centre) / sd if sd > 0 else missed * 0.0)
    limits = {name: np.exp(getattr(chart, name) + ahead) for name in ("centre", "lower", "upper")}
    flags = chart.signals[["is_outside", "is_run", "is_near_limit"]]
    framed = points.reset_index(drop=True).assign(**limits).join(flags)
    return framed.assign(is_signal=flags.any(axis=1), high=sums["high"], low=sums["low"], correlation=correlation)


def density_charts(work: Work, days: int = 7, fewest: int = 3) -> pd.DataFrame:
    """Chart the defects that a role injected per complexity unit, per role and model, in periods of `days`.

    A task counts in the period in which it ended; the model is the one that the role used most on it. Columns:
    agent_role, llm_model, period_at (begin), tasks, defects, size, density, centre, lower, upper, is_outside, is_laney.
    Roles and models with fewer than `fewest` periods are left out.
    """
    tasks = work.tasks.assign(worked_size=find_worked_size(work.tasks))
    ended = tasks[tasks["status"].isin(["completed", "failed"]) & (tasks["worked_size"] > 0)]
    most = work.runs.sort_values("executions", ascending=False).drop_duplicates(["task_id", "agent_role"])
    made = work.real_defects.groupby(["task_id", "phase_injected"]).size().rename("defects").reset_index()
    worked = most[most["agent_role"].isin(made["phase_injected"])][["task_id", "agent_role", "llm_model"]]
    cases = worked.merge(ended[["task_id", "completed_at", "worked_size"]], on="task_id")
    cases = cases.merge(made.rename(columns={"phase_injected": "agent_role"}), how="left", on=["task_id", "agent_role"])
    cases["period_at"] = _find_periods(cases["completed_at"], pd.Timedelta(days=days))
    keys = ["agent_role", "llm_model", "period_at"]
    grouped = cases.fillna({"defects": 0}).groupby(keys, dropna=False)
    points = grouped.agg(tasks=("task_id", "size"), defects=("defects", "sum"), size=("worked_size", "sum"))
    charts = [
        group.reset_index(drop=True).join(u_chart(group["defects"], group["size"]))
        for _, group in points.reset_index().groupby(keys[:2], dropna=False)
        if len(group) >= max(fewest, 2)
    ]
    columns = [*keys, "tasks", "defects", "size", "density", "centre", "lower", "upper", "is_outside", "is_laney"]
    return pd.concat(charts, ignore_index=True) if charts else pd.DataFrame(columns=columns)


def _find_periods(instants: pd.Series, step: pd.Timedelta) -> pd.Series:
    """Return the begin of the period of each instant; the first one begins on the first day."""
    if instants.empty:
        return instants
    begin = instants.min().normalize()
    ages: pd.Series[pd.Timedelta] = instants - begin
    return begin + ages // step * step
