"""Every candidate answers one question: after the tasks before this one, which costs are likely?

A model turns a `Timeline` (one series in order, plus the task to come) into `Forecasts`, one row per task, each from
the tasks before it. Most are a rolling centre on the log scale plus a `Calibration`; costs of agents are positive and
skewed, and errors are ratios. The published PROBE line and three baselines are next to them for comparison and are
never chosen.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from asp_analysis.probe.models.conformal import Calibrated, Calibration, Past, calibrate

ALIKE = 0.7
"""Bandwidth of size likeness in standard deviations of ln size: about half of a normal history counts, so tails stay
known where size says nothing, and spread that grows or shrinks with size is still followed."""

RECENT = 20.0
"""Half-life in tasks of the recent models: they remember about 58 tasks (sum(w)^2 / sum(w^2)), 28 of them alike in
size, more than the 19 that both tails of a 90 % interval need."""

LEAST_FOR_A_LINE = 5
"""Tasks of known size before a line is drawn: through 3 or 4 scattered ones a line extrapolates to factors of
thousands."""

LEAST_TASKS = 3
"""Known tasks before anything is forecast."""


@dataclass(frozen=True, kw_only=True)
class Timeline(Past):
    """One series in order, with what the nested model says of each task: `nested`, ln cost, NaN where nothing."""

    nested: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """Forecasts of the past tasks and of those to come, each from what was known, in the component's unit; NaN where
    the past did not support one.

    estimate (a median), mean, n_effective: (rows,). lower, upper: (rows, levels). position, crps: (n,), where the
    outcome fell in the predictive distribution and its score on logs, empty where there is none. calibrated: the
    distribution itself. shares: (rows, levels), the miss shares that were asked of it.
    """

    estimate: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    n_effective: np.ndarray
    position: np.ndarray = field(default_factory=lambda: np.empty(0))
    crps: np.ndarray = field(default_factory=lambda: np.empty(0))
    shares: np.ndarray = field(default_factory=lambda: np.empty(0))
    calibrated: Calibrated | None = None


@dataclass(frozen=True, kw_only=True)
class LogModel:
    """A rolling centre on the log scale and how its errors become intervals.

    needs: "" or "size", what must be known of a task. is_recentred: the estimate is the weighted median of centre +
    past errors instead of the centre itself.
    """

    name: str
    sentence: str
    centres: Callable[[Timeline], np.ndarray]
    calibration: Calibration
    needs: str = ""
    is_recentred: bool = True

    def forecast(self, centre: np.ndarray, found: Calibrated, is_early: np.ndarray) -> Forecasts:
        """Forecasts from the rolling centre, shape (rows,), and the distribution of its errors; none where it is too
        early."""
        point, mean = (found.median, found.mean) if self.is_recentred else (centre, centre)
        early = is_early[:, None]
        n = len(found.position)
        with np.errstate(over="ignore"):
            return Forecasts(
                estimate=np.where(is_early, np.nan, np.exp(point)),
                mean=np.where(is_early, np.nan, np.exp(mean)),
                lower=np.where(early, np.nan, np.exp(found.lower)),
                upper=np.where(early, np.nan, np.exp(found.upper)),
                n_effective=found.n_effective,
                position=np.where(is_early[:n], np.nan, found.position),
                crps=np.where(is_early[:n], np.nan, found.crps),
                shares=found.shares,
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
        sums = _Sums(np.exp(timeline.log_size[:n]), np.exp(timeline.log_cost)).take(timeline.known)
        new = np.exp(timeline.log_size)
        with np.errstate(divide="ignore", invalid="ignore"):
            projection = sums.project(new)
            sigma = np.sqrt(np.maximum(sums.syy - sums.slope * sums.sxy, 0) / (sums.count - 2))
            spread = sigma * np.sqrt(1 + 1 / sums.count + (new - sums.mean_x) ** 2 / sums.sxx)
        spread = np.where((sums.count >= LEAST_TASKS) & (sums.sxx > 0), spread, np.nan)
        projection = np.where(np.isnan(spread), np.nan, projection)
        reach = np.column_stack(
            [special.stdtrit(np.maximum(sums.count - 2, 1), 0.5 + level / 2) * spread for level in levels]
        )
        return Forecasts(
            estimate=projection,
            mean=projection,
            lower=np.maximum(projection[:, None] - reach, 0),
            upper=projection[:, None] + reach,
            n_effective=sums.count.astype(float),
            position=np.full(n, np.nan),
            crps=np.full(n, np.nan),
        )


Model = LogModel | PublishedLine


def forecast_all(models: Iterable[Model], timeline: Timeline, levels: tuple[float, ...]) -> dict[str, Forecasts]:
    """Forecasts of every model for every task and those to come, by name; log models are calibrated at once."""
    models = list(models)
    logs = [model for model in models if isinstance(model, LogModel)]
    rolling = {centres: centres(timeline) for centres in {model.centres: None for model in logs}}
    centres = [_keep_known(model, rolling[model.centres], timeline) for model in logs]
    found = calibrate(centres, timeline, levels, [model.calibration for model in logs])
    is_early = timeline.known < LEAST_TASKS
    made: dict[str, Forecasts] = {}
    for log, centre, one in zip(logs, centres, found, strict=True):
        made[log.name] = log.forecast(centre, one, is_early)
    made |= {model.name: model.forecast(timeline, levels) for model in models if isinstance(model, PublishedLine)}
    return {model.name: made[model.name] for model in models}


def _keep_known(model: LogModel, centre: np.ndarray, timeline: Timeline) -> np.ndarray:
    return np.where(np.isnan(timeline.log_size), np.nan, centre) if model.needs == "size" else centre


def level(timeline: Timeline) -> np.ndarray:
    """0 everywhere: the errors around it are the log costs themselves, their quantiles those of what was seen."""
    return np.zeros(timeline.rows)


def past_median(timeline: Timeline) -> np.ndarray:
    """Median of the log costs that were known."""
    known: list[float] = []
    result = [np.nan]
    for value in timeline.log_cost:
        insort(known, value)
        half = len(known) // 2
        result.append(known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2)
    return np.array(result)[timeline.known]


def past_mean(timeline: Timeline) -> np.ndarray:
    """Log of the mean cost that was known."""
    total = np.append(0.0, np.cumsum(np.exp(timeline.log_cost)))[timeline.known]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(total / timeline.known)


def last_value(timeline: Timeline) -> np.ndarray:
    """The log cost of the task that was completed last."""
    return np.append(np.nan, timeline.log_cost)[timeline.known]


def log_line(timeline: Timeline) -> np.ndarray:
    """Least squares line of ln cost on ln size over the known tasks of known size, from 5 on; running centred sums."""
    n = len(timeline.log_cost)
    sums = _Sums(timeline.log_size[:n], timeline.log_cost).take(timeline.known)
    return np.where(sums.count >= LEAST_FOR_A_LINE, sums.project(timeline.log_size), np.nan)


def nested(timeline: Timeline) -> np.ndarray:
    """All that is known of the task, moved from the own level (`models.nested`)."""
    return timeline.nested


_ANY, _LATE = Calibration(), Calibration(half_life_tasks=RECENT)
_SIZED = Calibration(bandwidth_sd=ALIKE)
_BY_KNOWLEDGE = Calibration(is_by_knowledge=True)
_UNADAPTIVE = Calibration(is_adaptive=False)

CANDIDATES = (
    LogModel(
        name="history",
        sentence="what its past tasks cost, whatever their size",
        centres=level,
        calibration=_ANY,
    ),
    LogModel(
        name="history_recent",
        sentence="what its latest tasks cost, whatever their size",
        centres=level,
        calibration=_LATE,
    ),
    LogModel(
        name="loglog",
        sentence="a line through log cost and log size",
        centres=log_line,
        calibration=_SIZED,
        needs="size",
    ),
    LogModel(
        name="nested",
        sentence="its usual cost, moved by size, class, others' and its own runs of the task",
        centres=nested,
        calibration=_BY_KNOWLEDGE,
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


@dataclass(frozen=True, kw_only=True)
class _RunningLine:
    """Means and centred sums of the known pairs, and the least squares line through them. Shape (rows,) each."""

    count: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray
    sxx: np.ndarray
    sxy: np.ndarray
    syy: np.ndarray
    slope: np.ndarray

    def project(self, x: np.ndarray) -> np.ndarray:
        return self.mean_y + self.slope * (x - self.mean_x)


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

    def take(self, known: np.ndarray) -> _RunningLine:
        """The line after the first `known` pairs, per row; no pair: a count of 0."""
        names = ("count", "mean_x", "mean_y", "sxx", "sxy", "syy", "slope")
        parts = {name: np.append(0, getattr(self, name))[known] for name in names}
        return _RunningLine(**parts)
