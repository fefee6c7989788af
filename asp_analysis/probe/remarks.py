"""What a past cannot say of a task to come: reasons to refuse an estimate, and remarks that go with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.backtest import Replay
from asp_analysis.probe.cut_off import find_uncut_quantiles
from asp_analysis.probe.history import LATE, Series
from asp_analysis.probe.models.candidates import LEAST_FOR_A_LINE
from asp_analysis.probe.models.changes import find_changes
from asp_analysis.probe.models.conformal import FARTHEST_SD, Limits, measure_distance
from asp_analysis.probe.models.nested import KNOWLEDGE
from asp_analysis.probe.price_changes import LEAST_CHANGE

FAR_FACTOR = 3.0
"""A past task whose size is further away than this factor is no task of like size."""

CURVED_T = 4.0
"""Student's t of the squared term from which on the line of cost and size on logs is a curve."""

RECENT_CHANGE = 60
"""A change of costs that is longer ago is not remarked: every model has learnt it."""


def refuse_far_size(found: Replay, row: int) -> None:
    """Refuse a size outside of those seen where no line can be trusted.

    Raises:
        EstimationRefusal: the size is more than 3 standard deviations (of log size) from the mean and outside the range
            of the past, or outside of it while cost is significantly curved in size.
    """
    log_size = found.timeline.log_size
    known = log_size[: len(found.series.tasks)]
    known = known[~np.isnan(known)]
    if len(known) < LEAST_FOR_A_LINE or np.isnan(log_size[row]) or known.min() <= log_size[row] <= known.max():
        return
    size, low, high = np.exp(log_size[row]), np.exp(known.min()), np.exp(known.max())
    distance = measure_distance(found.timeline)[row]
    advice = f"Ask for a size from {low:g} to {high:g}, split the task into units, or leave the size out."
    if distance > FARTHEST_SD:
        raise EstimationRefusal(
            f"The size {size:g} is too far from the {len(known)} past sizes ({low:g} to {high:g}): {distance:.1f} "
            f"standard deviations on logs from their mean, at most {FARTHEST_SD:g} outside of what was seen. {advice}"
        )
    t = measure_curvature(found.series)
    if abs(t) >= CURVED_T:
        raise EstimationRefusal(
            f"The size {size:g} is outside of the {len(known)} past sizes ({low:g} to {high:g}), and cost does not "
            f"follow size along a line on logs (t of the curvature {t:.1f}), so it cannot be drawn on. {advice}"
        )


def measure_curvature(series: Series) -> float:
    """Student's t of the squared term in ln cost = a + b x + c x^2, x centred ln size; 0 where it cannot be fitted."""
    is_sized = ~np.isnan(series.size)
    x, y = np.log(series.size[is_sized]), np.log(series.cost[is_sized])
    if len(x) < 10 or len(np.unique(x)) < 4:
        return 0.0
    x = (x - x.mean()) / x.std()
    design = np.column_stack([np.ones(len(x)), x, x**2])
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    residual = y - design @ coefficients
    variance = residual @ residual / (len(x) - 3) * np.linalg.inv(design.T @ design)[2, 2]
    return float(coefficients[2] / np.sqrt(variance)) if variance > 0 else 0.0


def write_remarks(found: Replay, row: int) -> Iterator[str]:
    """What a reader must know of the past that an estimate rests on."""
    yield from _remark_on_size(found, row)
    yield from _remark_on_hindsight(found, row)
    yield from _remark_on_knowledge(found, row)
    yield from _remark_on_prices(found.series)
    yield from _remark_on_costs(found.series)
    yield from _remark_on_cut_off(found.series, found.levels[0])
    yield from _remark_on_rows(found.series)


def _remark_on_size(found: Replay, row: int) -> Iterator[str]:
    known = found.series.size[~np.isnan(found.series.size)]
    size = np.exp(found.timeline.log_size[row])
    if not len(known) or np.isnan(size):
        return
    if not known.min() <= size <= known.max():
        side = "above the largest" if size > known.max() else "below the smallest"
        text = f"Extrapolation: size {size:g} is {side} of {len(known)} past sizes ({known.min():g} to {known.max():g})"
        is_wider = Limits.of(found.timeline).stretch[row] > 1
        yield f"{text}; the interval is widened for a line that may bend." if is_wider else f"{text}."
    elif np.abs(np.log(known / size)).min() > np.log(FAR_FACTOR):
        yield f"No past task is within a factor of {FAR_FACTOR:g} of size {size:g}: the interval rests on other sizes."


def _remark_on_hindsight(found: Replay, row: int) -> Iterator[str]:
    """Sizes that were counted after the work are no evidence for a size that is known before it."""
    late = int((found.series.tasks["size_source"] == LATE).sum())
    if late and not np.isnan(found.timeline.log_size[row]):
        yield (
            f"{late} of {len(found.series.tasks)} past sizes were counted after the work and are not used: nobody knew "
            "them before it. Load sizes from before as estimated_size."
        )


def _remark_on_knowledge(found: Replay, row: int) -> Iterator[str]:
    code = int(found.timeline.knowledge[row])
    if code and found.chosen[row] == "nested":
        yield f"Known of this very task: {KNOWLEDGE[code]}."


def _remark_on_prices(series: Series) -> Iterator[str]:
    """By how much the price of a token changed, and how many past tasks therefore count at another one."""
    other = np.abs(np.log(series.repricing)) >= LEAST_CHANGE
    if not other.any():
        return
    factor = float(series.repricing[np.flatnonzero(other)[-1]])
    yield (
        f"The cost of a token changed: it is {factor:.2g} times what it was. {other.sum()} of {len(other)} past tasks "
        "count at the price of today."
    )


def _remark_on_costs(series: Series) -> Iterator[str]:
    log_cost = np.log(series.cost)
    n = len(log_cost)
    if n > 1 and np.ptp(log_cost) == 0:
        yield (
            f"All {n} tasks cost the same, {series.cost[0]:g}: the past shows no spread, and the interval is what a "
            "prior from other agents says."
        )
    changes = [change for change in find_changes(log_cost) if n - change <= RECENT_CHANGE]
    if changes:
        first = changes[-1]
        before = log_cost[max(0, first - RECENT_CHANGE) : first]
        ratio = np.exp(np.median(log_cost[first:]) - np.median(before))
        yield (
            f"The costs changed: the last {n - first} tasks cost {ratio:.2g} times what the {len(before)} before them "
            "did (medians). The interval still knows both."
        )


def _remark_on_cut_off(series: Series, level: float) -> Iterator[str]:
    """Runs that a limit cut off make an estimate and its interval too low; by how much, Kaplan and Meier's says."""
    is_cut = series.tasks["is_censored"].to_numpy(bool)
    if is_cut.any():
        yield (
            f"A lower bound: {is_cut.sum()} of {len(is_cut)} attempts were cut off and count as what they had cost by "
            f"then. {_describe_uncut(series.cost, is_cut, level)}"
        )
    left = series.left_out.get("cut off and never finished", 0)
    if left:
        cost = np.append(series.cost, series.cut_costs)
        is_cut = np.arange(len(cost)) >= len(series.cost)
        yield (
            f"Too low, perhaps: {left} tasks were cut off and never finished, and these are often the long ones. "
            f"{_describe_uncut(cost, is_cut, level)}"
        )


def _describe_uncut(cost: np.ndarray, is_cut: np.ndarray, level: float) -> str:
    """What runs would cost that nothing cuts off."""
    shares = (0.5, (1 + level) / 2)
    median, upper = find_uncut_quantiles(cost, is_cut, shares)
    if median != median:
        return "So many were cut off that nobody knows what half of them would cost at the end."
    said = f"Had none been, half would cost {median:.4g} or less"
    most = f"{100 * shares[1]:.3g} % {upper:.4g} or less" if upper == upper else "the most expensive are unknown"
    return f"{said} and {most} (Kaplan-Meier, whatever the size)."


def _remark_on_rows(series: Series) -> Iterator[str]:
    distinct = series.tasks["task_id"].nunique()
    if distinct < len(series.tasks):
        yield f"{distinct} distinct tasks, {len(series.tasks)} runs: runs of one task are alike."
    if series.describe_left_out() != "none":
        yield f"Left out: {series.describe_left_out()}."
