"""What a token cost at each moment, read from the past itself: a price that changed makes older costs those of another
price.

Cost per token scatters much less than cost, so that a change shows after a few tasks, and work that changed is none. A
change is looked for after each outcome in those known by then, so the level before a task knows nothing of later ones,
and forecasts of past tasks stay honest: those made before a change could be seen were wrong, and count.
"""

from __future__ import annotations

import numpy as np

AFTER = (4, 8, 16, 32)
"""Latest tasks that are compared with those before them: a sharp change shows in 4, one within scatter in 32."""

MOST_BEFORE, LEAST_BEFORE = 40, 8
"""Tasks before them that are compared, at most and at least."""

SURE_T = 6.0
"""Student's t of a change: of many looks the largest by chance is 4 to 5."""

LEAST_CHANGE = float(np.log(1.25))
"""Smaller changes are no other price: tasks differ by as much in what they read from a cache."""


def measure_price_levels(log_price: np.ndarray) -> np.ndarray:
    """How far ln(cost per token) is from where it began, as known after k tasks, k = 0 .. n. Shape (n + 1,).

    log_price: (n,), in the order in which outcomes became known; NaN where the tokens of a task are unknown. 0 until a
    change is found: the level of the latest AFTER tasks differs from that of those before them, since the last change,
    by a two-sample t of 6 and a factor of 1.25. From then on it is the mean since the change, against that before it.
    """
    is_known = ~np.isnan(log_price)
    values = log_price[is_known]
    found = np.zeros(len(values) + 1)
    start, reached, before = 0, 0.0, 0.0
    for k in range(LEAST_BEFORE + AFTER[0], len(values) + 1):
        change = _find_change(values[start:k])
        if change is not None:
            reached = found[k - 1]
            before = float(values[max(start, start + change - MOST_BEFORE) : start + change].mean())
            start += change
        if start:
            found[k] = reached + float(values[max(start, k - MOST_BEFORE) : k].mean()) - before
    return found[np.append(0, np.cumsum(is_known))]


def _find_change(values: np.ndarray) -> int | None:
    """The place of a change near the end; None where there is none."""
    for count in AFTER:
        cut = len(values) - count
        if cut < LEAST_BEFORE:
            break
        old, new = values[max(0, cut - MOST_BEFORE) : cut], values[cut:]
        step = float(new.mean() - old.mean())
        spread = len(old) * old.var() + count * new.var()
        error = np.sqrt(max(spread, 1e-12) / (len(old) + count - 2) * (1 / len(old) + 1 / count))
        if abs(step) >= LEAST_CHANGE and abs(step) / error >= SURE_T:
            return _place_change(values[-(count + MOST_BEFORE) :]) + max(0, len(values) - count - MOST_BEFORE)
    return None


def _place_change(values: np.ndarray) -> int:
    """The place that divides values into the two levels that fit best (least squares), at least 8 before it."""
    cut = np.arange(LEAST_BEFORE, len(values))
    before = np.cumsum(values - values.mean())[cut - 1]
    return int(cut[(before**2 / cut + before**2 / (len(values) - cut)).argmax()])
