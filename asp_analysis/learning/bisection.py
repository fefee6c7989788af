"""Where falling functions cross zero, found for many of them at once by halving."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from asp_analysis.intervals import Floats

HALVINGS = 60
"""More than the digits of a float: the place is exact but for rounding."""


def find_last_above(
    is_above: Callable[[Floats], NDArray[np.bool_]], low: Floats | float, high: Floats | float
) -> Floats:
    """Return the last places between `low` and `high` where `is_above` still holds, one per element.

    `is_above` takes all places and returns for each whether its function is still above zero; the functions fall.
    """
    low, high = np.broadcast_arrays(np.asarray(low, dtype=float), np.asarray(high, dtype=float))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        holds = is_above(middle)
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return low
