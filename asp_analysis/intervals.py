"""Intervals of a share and of a rate: Wilson's and the exact Poisson one, from SciPy's special functions alone.

Own code for two closed formulas, because every dashboard and every quality report needs them: statsmodels has both,
and takes longer to import than such a report takes to compute. The tests compare the two.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
"""An array of numbers, wherever this package computes with one."""


def wilson(part: ArrayLike, whole: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the lower and upper end of Wilson's interval of a share, for one `part` of a `whole` above 0 or for many.

    (q + z^2 / 2n -+ z sqrt(q (1 - q) / n + z^2 / 4n^2)) / (1 + z^2 / n), q = part / n, z the normal quantile.
    `part` may be a sum of shares. None has a lower end of 0 and all an upper end of 1 exactly, not to 16 digits.
    """
    k, n = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    q, z = k / n, -special.ndtri((1 - level) / 2)
    scale = 1 + z**2 / n
    centre = (q + z**2 / (2 * n)) / scale
    half = z * np.sqrt(q * (1.0 - q) / n + z**2 / (4.0 * n**2)) / scale
    return np.minimum(np.clip(centre - half, 0, 1), k > 0), np.maximum(np.clip(centre + half, 0, 1), k >= n)


def exact_poisson(count: int, exposure: float, level: float = 0.95) -> tuple[float, float]:
    """Return both ends of the exact (Garwood's) interval of a rate: `count` events over `exposure` > 0."""
    tail = (1 - level) / 2
    lower = special.gammaincinv(count, tail) if count else 0.0
    return float(lower) / exposure, float(special.gammainccinv(count + 1, tail)) / exposure
