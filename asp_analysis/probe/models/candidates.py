"""Every candidate answers one question: after the tasks before this one, which costs are likely?

A model turns a `Timeline` (one series in order, plus the task to come) into `Forecasts`, one row per task, each from
the tasks before it. Most are a rolling centre on the log scale plus a `Calibration`; costs of agents are positive and
skewed, and errors are ratios. The published PROBE line and three baselines are next to them for comparison and are
never chosen.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special

from asp_analysis.probe.models.conformal import Calibrated, Calibration, calibrate
from asp_analysis.probe.models.reference_class import forecast_centres
from asp_analysis.probe.models.running_medians import find_prefix_intercepts, find_prefix_medians

ALIKE = 0.7
"""Bandwidth of size likeness in standard deviations of ln size: about half of a normal history counts, so tails stay
known where size says nothing, and spread that grows or shrinks with size is still followed."""

RECENT = 20.0
"""Half-life in tasks of the recent models: they remember about 58 tasks (sum(w)^2 / sum(w^2)), 28 of them alike in
size, more than the 19 that both tails of a 90 % interval need."""

LEAST_FOR_A_LINE = 5
"""Tasks of known size before a line is drawn: through 3 or 4 scattered ones a line extrapolates to factors of
thousands."""

PARTNERS = 128
"""Earlier tasks that each task is paired with in Theil-Sen, evenly spread; exact up to 129 tasks, linear in n after,
where pairs of later tasks are sampled more thinly."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """One series in order. log_cost: (n,). log_size, deviation: (n + 1,), the last for the task to come; NaN: unknown.

    deviation: ln(cost of tasks alike / what is usual for whoever did them), see `reference_class`.
    """

    log_cost: np.ndarray
    log_size: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """Rows 0..n, each from the tasks before it, in the component's unit; NaN where the past did not support a forecast.

    estimate (a median), mean, n_effective: (n + 1,). lower, upper: (n + 1, levels). calibrated: their distribution,
    None where they have none of their own.
    """

    estimate: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    n_effective: np.ndarray
    calibrated: Calibrated | None = None


@dataclass(frozen=True, kw_only=True)
class LogModel:
    """A rolling centre on the log scale and how its errors become intervals.

    needs: "", "size" or "deviation", what must be known of a task. is_recentred: the estimate is the weighted median of
    centre + past errors instead of the centre itself.
    """

    name: str
    sentence: str
    centres: Callable[[Timeline], np.ndarray]
    calibration: Calibration
    needs: str = ""
    is_recentred: bool = True

    def forecast(self, centre: np.ndarray, found: Calibrated) -> Forecasts:
        """Forecasts from the rolling centre, shape (n + 1,), and the distribution of its errors."""
        with np.errstate(over="ignore"):
            estimate, mean = (found.median, found.mean) if self.is_recentred else (centre, centre)
            return Forecasts(
                estimate=np.exp(estimate),
                mean=np.exp(mean),
                lower=np.exp(found.lower),
                upper=np.exp(found.upper),
                n_effective=found.n_effective,
                calibrated=found,
            )


@dataclass(frozen=True)
class PublishedLine:
    """PROBE's least squares line on raw numbers with its t prediction interval, floored at 0; for comparison only."""

    name: str = "probe_line"
    sentence: str = "the published PROBE line on raw numbers"
    needs: str = "size"

    def forecast(self, timeline: Timeline, levels: tuple[float, ...]) -> Forecasts:
        """P = b0 + b1 x, range t(0.5 + L/2, n - 2) sigma sqrt(1 + 1/n + (x - xbar)^2 / Sxx); from 3 tasks on."""
        n = len(timeline.log_cost)
        sums = _Sums(np.exp(timeline.log_size[:n]), np.exp(timeline.log_cost))
        new = np.exp(timeline.log_size[1:])
        with np.errstate(divide="ignore", invalid="ignore"):
            projection = sums.project(new)
            sigma = np.sqrt(np.maximum(sums.syy - sums.slope * sums.sxy, 0) / (sums.count - 2))
            spread = sigma * np.sqrt(1 + 1 / sums.count + (new - sums.mean_x) ** 2 / sums.sxx)
        spread = np.where((sums.count >= 3) & (sums.sxx > 0), spread, np.nan)
        projection = np.where(np.isnan(spread), np.nan, projection)
        reach = np.column_stack(
            [special.stdtrit(np.maximum(sums.count - 2, 1), 0.5 + level / 2) * spread for level in levels]
        )
        projection = _put_after_nothing(projection)
        return Forecasts(
            estimate=projection,
            mean=projection,
            lower=np.maximum(projection[:, None] - _put_after_nothing(reach), 0),
            upper=projection[:, None] + _put_after_nothing(reach),
            n_effective=_put_after_nothing(sums.count.astype(float)),
        )


Model = LogModel | PublishedLine


def forecast_all(models: Iterable[Model], timeline: Timeline, levels: tuple[float, ...]) -> dict[str, Forecasts]:
    """Forecasts of every model for every task and the one to come, by name; log models are calibrated at once."""
    models = list(models)
    logs = [model for model in models if isinstance(model, LogModel)]
    rolling = {centres: centres(timeline) for centres in {model.centres: None for model in logs}}
    centres = [_keep_known(model, rolling[model.centres], timeline) for model in logs]
    found = calibrate(centres, timeline.log_cost, timeline.log_size, levels, [model.calibration for model in logs])
    made = {log.name: log.forecast(centre, one) for log, centre, one in zip(logs, centres, found, strict=True)}
    made |= {model.name: model.forecast(timeline, levels) for model in models if isinstance(model, PublishedLine)}
    return {model.name: made[model.name] for model in models}


def _keep_known(model: LogModel, centre: np.ndarray, timeline: Timeline) -> np.ndarray:
    return np.where(np.isnan(timeline.log_size), np.nan, centre) if model.needs == "size" else centre


def past_median(timeline: Timeline) -> np.ndarray:
    """Median of the log costs so far."""
    known: list[float] = []
    result = [np.nan]
    for value in timeline.log_cost:
        insort(known, value)
        half = len(known) // 2
        result.append(known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2)
    return np.array(result)


def past_mean(timeline: Timeline) -> np.ndarray:
    """Log of the mean cost so far."""
    n = len(timeline.log_cost)
    with np.errstate(divide="ignore"):
        return _put_after_nothing(np.log(np.cumsum(np.exp(timeline.log_cost)) / np.arange(1, n + 1)))


def last_value(timeline: Timeline) -> np.ndarray:
    """The log cost of the task before."""
    return _put_after_nothing(timeline.log_cost)


def log_line(timeline: Timeline) -> np.ndarray:
    """Least squares line of ln cost on ln size over the past tasks of known size, from 5 on; running centred sums."""
    n = len(timeline.log_cost)
    sums = _Sums(timeline.log_size[:n], timeline.log_cost)
    forecast = sums.project(timeline.log_size[1:])
    return _put_after_nothing(np.where(sums.count >= LEAST_FOR_A_LINE, forecast, np.nan))


def theil_sen_line(timeline: Timeline) -> np.ndarray:
    """Median of pairwise slopes, intercept the median of y - b x; each task is paired with at most 128 earlier ones.

    scipy.stats.theilslopes fits once; a fit per task would cost n^3 pairs, hence the medians of all prefixes at once.
    """
    known = ~np.isnan(timeline.log_size[:-1])
    x, y = timeline.log_size[:-1][known], timeline.log_cost[known]
    fresh = [np.empty(0), *(_compute_slopes(x, y, k) for k in range(1, len(x)))][: len(x)]
    counts = np.cumsum([len(one) for one in fresh], dtype=np.int64)
    slopes = find_prefix_medians(np.concatenate([np.empty(0), *fresh]), counts)
    lines = np.vstack([[np.nan, np.nan], np.column_stack([find_prefix_intercepts(x, y, slopes), slopes])])
    lines[:LEAST_FOR_A_LINE] = np.nan
    before = np.concatenate([[0], np.cumsum(known)])
    return lines[before, 0] + lines[before, 1] * timeline.log_size


def reference(timeline: Timeline) -> np.ndarray:
    """Own usual cost, moved by what tasks alike cost others (`reference_class`)."""
    return forecast_centres(timeline.log_cost, timeline.deviation)


_ANY, _LATE = Calibration(), Calibration(half_life_tasks=RECENT)
_SIZED = Calibration(bandwidth_sd=ALIKE)
_SIZED_LATE = Calibration(half_life_tasks=RECENT, bandwidth_sd=ALIKE)
_UNADAPTIVE = Calibration(is_adaptive=False)

CANDIDATES = (
    LogModel(
        name="history",
        sentence="what its past tasks cost, whatever their size",
        centres=past_median,
        calibration=_ANY,
    ),
    LogModel(
        name="history_recent",
        sentence="what its latest tasks cost, whatever their size",
        centres=past_median,
        calibration=_LATE,
    ),
    LogModel(
        name="alike",
        sentence="what its past tasks of like size cost",
        centres=past_median,
        calibration=_SIZED,
        needs="size",
    ),
    LogModel(
        name="alike_recent",
        sentence="what its latest tasks of like size cost",
        centres=past_median,
        calibration=_SIZED_LATE,
        needs="size",
    ),
    LogModel(
        name="loglog",
        sentence="a line through log cost and log size",
        centres=log_line,
        calibration=_SIZED,
        needs="size",
    ),
    LogModel(
        name="loglog_recent",
        sentence="a line on logs, corrected by its latest errors",
        centres=log_line,
        calibration=_SIZED_LATE,
        needs="size",
    ),
    LogModel(
        name="theil_sen",
        sentence="a robust line on logs (median of slopes)",
        centres=theil_sen_line,
        calibration=_SIZED,
        needs="size",
    ),
    LogModel(
        name="reference_class",
        sentence="what the same task or tasks alike cost others",
        centres=reference,
        calibration=_ANY,
        needs="deviation",
    ),
)
"""What `auto` chooses from, simplest first: equal scores go to the earlier one."""

BASELINES = (
    LogModel(
        name="past_median",
        sentence="the median of the past",
        centres=past_median,
        calibration=_UNADAPTIVE,
        is_recentred=False,
    ),
    LogModel(
        name="past_mean",
        sentence="the mean of the past",
        centres=past_mean,
        calibration=_UNADAPTIVE,
        is_recentred=False,
    ),
    LogModel(
        name="last_value",
        sentence="the cost of the task before",
        centres=last_value,
        calibration=_UNADAPTIVE,
        is_recentred=False,
    ),
)

COMPARISONS = (PublishedLine(),)

MODELS: dict[str, Model] = {model.name: model for model in (*CANDIDATES, *BASELINES, *COMPARISONS)}
"""Name -> model, in the order in which tables list them."""


class _Sums:
    """Running means and centred sums over the known pairs up to each row; shifted by the first pair to keep digits."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        has = ~np.isnan(x)
        x0, y0 = (x[np.argmax(has)], y[np.argmax(has)]) if has.any() else (0.0, 0.0)
        u, v = np.where(has, x - x0, 0.0), np.where(has, y - y0, 0.0)
        self.count = np.cumsum(has)
        safe = np.maximum(self.count, 1)
        mean_u, mean_v = np.cumsum(u) / safe, np.cumsum(v) / safe
        self.sxx = np.cumsum(u * u) - self.count * mean_u**2
        self.sxy = np.cumsum(u * v) - self.count * mean_u * mean_v
        self.syy = np.cumsum(v * v) - self.count * mean_v**2
        is_spread = self.sxx > 1e-12 * np.maximum(np.cumsum(u * u), 1e-12)
        self.sxx = np.where(is_spread, self.sxx, 0.0)
        self.slope = np.where(is_spread, self.sxy / np.where(is_spread, self.sxx, 1.0), 0.0)
        self.mean_x, self.mean_y = mean_u + x0, mean_v + y0

    def project(self, x: np.ndarray) -> np.ndarray:
        return self.mean_y + self.slope * (x - self.mean_x)


def _choose_partners(k: int) -> np.ndarray:
    """At most 128 of the k earlier tasks, one per stretch; its place in the stretch turns by the golden ratio."""
    if k <= PARTNERS:
        return np.arange(k)
    return ((np.arange(PARTNERS) + k * 0.6180339887 % 1) * k / PARTNERS).astype(int)


def _compute_slopes(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """Slopes from task k to its partners of another size."""
    partners = _choose_partners(k)
    run = x[k] - x[partners]
    partners, run = partners[run != 0], run[run != 0]
    return (y[k] - y[partners]) / run


def _put_after_nothing(rows: np.ndarray) -> np.ndarray:
    """Rows known after tasks 1..n become forecasts for tasks 0..n: nothing is known before the first."""
    return np.concatenate([np.full((1, *rows.shape[1:]), np.nan), rows])
