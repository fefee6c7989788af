"""Every candidate answers one question: given the tasks before this one, which costs are likely?

A model turns a `Timeline` (one series in order, plus the task to come) into `Forecasts`, one row per task, each from
the tasks before it. Most are a rolling centre on the log scale plus a `Calibration`; costs of agents are positive and
skewed, and errors are ratios. The published PROBE line and three baselines stand beside them for comparison and are
never chosen.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from asp_analysis.probe.conformal import Calibrated, Calibration, calibrate
from asp_analysis.probe.reference_class import centres as reference_centres
from asp_analysis.probe.running import prefix_intercepts, prefix_medians

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


@dataclass(frozen=True)
class Timeline:
    """One series in order. log_cost: (n,). log_size, deviation: (n + 1,), the last for the task to come; NaN."""

    log_cost: np.ndarray
    log_size: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Forecasts:
    """Rows 0..n, each from the tasks before it, in the component's unit; NaN where the past did not carry a forecast.

    estimate (a median), mean, n_effective: (n + 1,). lower, upper: (n + 1, levels). calibrated: their distribution.
    """

    estimate: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    n_effective: np.ndarray
    calibrated: Calibrated | None = None


@dataclass(frozen=True)
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

    def _forecasts(self, centre, found) -> Forecasts:
        with np.errstate(over="ignore"):
            estimate, mean = (found.median, found.mean) if self.is_recentred else (centre, centre)
            bounds = np.exp(found.lower), np.exp(found.upper)
            return Forecasts(np.exp(estimate), np.exp(mean), *bounds, found.n_effective, found)


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
            projection = sums.at(new)
            sigma = np.sqrt(np.maximum(sums.syy - sums.slope * sums.sxy, 0) / (sums.count - 2))
            spread = sigma * np.sqrt(1 + 1 / sums.count + (new - sums.mean_x) ** 2 / sums.sxx)
        spread = np.where((sums.count >= 3) & (sums.sxx > 0), spread, np.nan)
        projection = np.where(np.isnan(spread), np.nan, projection)
        reach = np.column_stack(
            [special.stdtrit(np.maximum(sums.count - 2, 1), 0.5 + level / 2) * spread for level in levels]
        )
        lower, upper = np.maximum(projection[:, None] - reach, 0), projection[:, None] + reach
        rows = [_after_nothing(values) for values in (projection, projection, lower, upper, sums.count.astype(float))]
        return Forecasts(*rows)


def forecast_all(models, timeline: Timeline, levels: tuple[float, ...]) -> dict[str, Forecasts]:
    """Forecasts of every model for every task and the one to come, by name; log models are calibrated at once."""
    logs = [model for model in models if isinstance(model, LogModel)]
    rolling = {centres: centres(timeline) for centres in {model.centres: None for model in logs}}
    centres = [_where_known(model, rolling[model.centres], timeline) for model in logs]
    found = calibrate(centres, timeline.log_cost, timeline.log_size, levels, [model.calibration for model in logs])
    made = {model.name: model._forecasts(*one) for model, *one in zip(logs, centres, found, strict=True)}
    return {model.name: made.get(model.name) or model.forecast(timeline, levels) for model in models}


def _where_known(model: LogModel, centre: np.ndarray, timeline: Timeline) -> np.ndarray:
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
        return _after_nothing(np.log(np.cumsum(np.exp(timeline.log_cost)) / np.arange(1, n + 1)))


def last_value(timeline: Timeline) -> np.ndarray:
    """The log cost of the task before."""
    return _after_nothing(timeline.log_cost)


def log_line(timeline: Timeline) -> np.ndarray:
    """Least squares line of ln cost on ln size over the past tasks of known size, from 5 on; running centred sums."""
    n = len(timeline.log_cost)
    sums = _Sums(timeline.log_size[:n], timeline.log_cost)
    forecast = sums.at(timeline.log_size[1:])
    return _after_nothing(np.where(sums.count >= LEAST_FOR_A_LINE, forecast, np.nan))


def theil_sen_line(timeline: Timeline) -> np.ndarray:
    """Median of pairwise slopes, intercept the median of y - b x; each task is paired with at most 128 earlier ones.

    scipy.stats.theilslopes fits once; a fit per task would cost n^3 pairs, hence the medians of all prefixes at once.
    """
    known = ~np.isnan(timeline.log_size[:-1])
    x, y = timeline.log_size[:-1][known], timeline.log_cost[known]
    fresh = [np.empty(0), *(_slopes_to_earlier(x, y, k) for k in range(1, len(x)))][: len(x)]
    counts = np.cumsum([len(one) for one in fresh], dtype=np.int64)
    slopes = prefix_medians(np.concatenate([np.empty(0), *fresh]), counts)
    lines = np.vstack([[np.nan, np.nan], np.column_stack([prefix_intercepts(x, y, slopes), slopes])])
    lines[:LEAST_FOR_A_LINE] = np.nan
    before = np.concatenate([[0], np.cumsum(known)])
    return lines[before, 0] + lines[before, 1] * timeline.log_size


def reference(timeline: Timeline) -> np.ndarray:
    """Own usual cost, moved by what tasks alike cost others (`reference_class`)."""
    return reference_centres(timeline.log_cost, timeline.deviation)


_ANY, _LATE = Calibration(), Calibration(half_life_tasks=RECENT)
_SIZED = Calibration(bandwidth_sd=ALIKE)
_SIZED_LATE = Calibration(half_life_tasks=RECENT, bandwidth_sd=ALIKE)
_PLAIN = Calibration(is_adaptive=False)

CANDIDATES = (
    LogModel("history", "what its past tasks cost, whatever their size", past_median, _ANY),
    LogModel("history_recent", "what its latest tasks cost, whatever their size", past_median, _LATE),
    LogModel("alike", "what its past tasks of like size cost", past_median, _SIZED, "size"),
    LogModel("alike_recent", "what its latest tasks of like size cost", past_median, _SIZED_LATE, "size"),
    LogModel("loglog", "a line through log cost and log size", log_line, _SIZED, "size"),
    LogModel("loglog_recent", "a line on logs, corrected by its latest errors", log_line, _SIZED_LATE, "size"),
    LogModel("theil_sen", "a robust line on logs (median of slopes)", theil_sen_line, _SIZED, "size"),
    LogModel("reference_class", "what the same task or tasks alike cost others", reference, _ANY, "deviation"),
)
"""What `auto` chooses from, simplest first: equal scores go to the earlier one."""

BASELINES = (
    LogModel("past_median", "the median of the past", past_median, _PLAIN, is_recentred=False),
    LogModel("past_mean", "the mean of the past", past_mean, _PLAIN, is_recentred=False),
    LogModel("last_value", "the cost of the task before", last_value, _PLAIN, is_recentred=False),
)

COMPARISONS = (PublishedLine(),)

MODELS = {model.name: model for model in (*CANDIDATES, *BASELINES, *COMPARISONS)}


class _Sums:
    """Running means and centred sums over the known pairs up to each row; shifted by the first pair to keep digits."""

    def __init__(self, x, y):
        has = ~np.isnan(x)
        first = int(np.argmax(has)) if has.any() else 0
        self._x0, self._y0 = (x[first], y[first]) if has.any() else (0.0, 0.0)
        u, v = np.where(has, x - self._x0, 0.0), np.where(has, y - self._y0, 0.0)
        self.count = np.cumsum(has)
        safe = np.maximum(self.count, 1)
        mean_u, mean_v = np.cumsum(u) / safe, np.cumsum(v) / safe
        self.sxx = np.cumsum(u * u) - self.count * mean_u**2
        self.sxy = np.cumsum(u * v) - self.count * mean_u * mean_v
        self.syy = np.cumsum(v * v) - self.count * mean_v**2
        is_spread = self.sxx > 1e-12 * np.maximum(np.cumsum(u * u), 1e-12)
        self.sxx = np.where(is_spread, self.sxx, 0.0)
        self.slope = np.where(is_spread, self.sxy / np.where(is_spread, self.sxx, 1.0), 0.0)
        self.mean_x, self.mean_y = mean_u + self._x0, mean_v + self._y0

    def at(self, x):
        return self.mean_y + self.slope * (x - self.mean_x)


def _partners(k: int) -> np.ndarray:
    """At most 128 of the k earlier tasks, one per stretch; its place in the stretch turns by the golden ratio."""
    if k <= PARTNERS:
        return np.arange(k)
    return ((np.arange(PARTNERS) + k * 0.6180339887 % 1) * k / PARTNERS).astype(int)


def _slopes_to_earlier(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """Slopes from task k to its partners of another size."""
    partners = _partners(k)
    run = x[k] - x[partners]
    partners, run = partners[run != 0], run[run != 0]
    return (y[k] - y[partners]) / run


def _after_nothing(rows: np.ndarray) -> np.ndarray:
    """Rows known after tasks 1..n become forecasts for tasks 0..n: nothing is known before the first."""
    return np.concatenate([np.full((1, *rows.shape[1:]), np.nan), rows])
