"""Where the costs of a series changed their level: prices fall, agents get new versions.

Only for words and labels: no model sees it. Both sides of a change are looked at, so it is known afterwards only.
"""

from __future__ import annotations

import numpy as np

LEAST_SIDE = 8
"""Tasks on each side of a change."""

STEP_WINDOW = 40
"""Tasks on each side that are compared at most: older ones belong to other changes."""

LEAST_T = 5.0
"""Student's t of a step from which on it is a change: the largest of many places reaches 3 to 4 by chance."""

LEAST_STEP = float(np.log(1.25))
"""Smaller steps are no news, however sure they are."""


def find_changes(log_cost: np.ndarray) -> list[int]:
    """Places at which the level of log costs stepped, in order: the first task after each change.

    The place of the largest two-sample t among those of at least 5, then the next outside of its window.
    """
    n = len(log_cost)
    if n < 2 * LEAST_SIDE:
        return []
    places = np.arange(LEAST_SIDE, n - LEAST_SIDE + 1)
    step, t = _measure_steps(log_cost, places)
    strength = np.where((np.abs(t) >= LEAST_T) & (np.abs(step) >= LEAST_STEP), np.abs(t), 0.0)
    found = []
    while strength.max(initial=0.0) > 0:
        best = int(places[strength.argmax()])
        found.append(best)
        strength = np.where(np.abs(places - best) < STEP_WINDOW, 0.0, strength)
    return sorted(found)


def _measure_steps(values: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difference of means after and before each place, within a window, and its t."""
    shifted = values - values.mean()
    sums, squares = (np.append(0.0, np.cumsum(one)) for one in (shifted, shifted**2))
    low, high = np.maximum(places - STEP_WINDOW, 0), np.minimum(places + STEP_WINDOW, len(values))
    before, after = places - low, high - places
    mean_before, mean_after = (sums[places] - sums[low]) / before, (sums[high] - sums[places]) / after
    within = squares[high] - squares[low] - before * mean_before**2 - after * mean_after**2
    error = np.sqrt(np.maximum(within, 1e-12) / (before + after - 2) * (1 / before + 1 / after))
    return mean_after - mean_before, (mean_after - mean_before) / error
