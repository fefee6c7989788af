"""In which order cases become evidence: each third of size counts alike, easy tasks cannot outvote hard ones."""

from collections.abc import Sequence

import numpy as np

from asp_analysis.learning.betting import Flags, Places


def order_evenly(strata: Places, shares: Sequence[float], surplus: int) -> tuple[Places, Places]:
    """Return in which order cases count, and how many count after each case has arrived, both (n,).

    Strata (0, 1, ...) count in proportion to their `shares` of all tasks: none is more than `surplus` cases ahead of
    the one that lags most; the others wait, and of what waits the newest counts first: it is most like what comes.
    Cases of unknown stratum (-1) count at once.
    """
    n, count = len(strata), len(shares)
    if count < 2:
        return np.arange(n), np.arange(1, n + 1)
    order: list[int] = []
    counted = np.zeros(n, dtype=np.int64)
    waiting: list[list[int]] = [[] for _ in range(count)]
    arrived, used = [0] * count, [0] * count
    for i, stratum in enumerate(strata.tolist()):
        if stratum < 0:
            order.append(i)
        else:
            arrived[stratum] += 1
            waiting[stratum].append(i)
            least = min((seen / share for seen, share in zip(arrived, shares, strict=True) if share), default=0.0)
            for one in range(count):
                while waiting[one] and used[one] < least * shares[one] + surplus:
                    order.append(waiting[one].pop())
                    used[one] += 1
        counted[i] = len(order)
    return np.array(order, dtype=np.int64), counted


def is_every_stratum_filled(strata: Places, needed: int, count: int = 3) -> Flags:
    """Return after each case whether each of the strata 0, 1, ..., count - 1 holds enough cases."""
    filled = np.ones(len(strata), dtype=bool)
    for stratum in range(count):
        filled &= np.cumsum(strata == stratum) >= needed
    return filled
