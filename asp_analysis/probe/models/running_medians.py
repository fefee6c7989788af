"""Exact medians of everything so far, for every prefix of a long history at once.

A list that is kept sorted costs n^2 moves, which at ten thousand tasks is half a minute; what is known in advance here
is the whole history, so all prefixes are answered together.
"""

from __future__ import annotations

import numpy as np

PREFIXES = 256
"""Prefixes whose medians are sought together among the few values that can be one of them."""


def find_prefix_medians(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Median of the first counts[k] values, for every k; 0 for none. n log n.

    All prefixes go down the bits of the ranks together: at each bit a prefix goes to the half of its values that holds
    the rank it seeks (a wavelet matrix, Claude and Navarro 2012, which is not kept).
    """
    found, some = np.zeros(len(counts)), counts[counts > 0]
    ordered = np.argsort(values, kind="stable")
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[ordered] = np.arange(len(values))
    sought = np.concatenate([(some - 1) // 2, some // 2])
    low, high = np.split(values[ordered[_seek_ranks(ranks, np.tile(some, 2), sought)]], 2)
    found[counts > 0] = np.where(some % 2 == 1, low, (low + high) / 2)
    return found


def _seek_ranks(ranks: np.ndarray, counts: np.ndarray, sought: np.ndarray) -> np.ndarray:
    """The sought[k]-th smallest (from 0) of the first counts[k] ranks, a permutation of 0..n - 1."""
    begin, end = np.zeros(len(counts), dtype=np.int64), counts
    found = np.zeros(len(counts), dtype=np.int64)
    for bit in reversed(range(max(int(len(ranks) - 1).bit_length(), 1))):
        is_low = (ranks >> bit) & 1 == 0
        lows = np.concatenate([[0], np.cumsum(is_low)])
        first, last = lows[begin], lows[end]
        goes_high = sought >= last - first
        sought = np.where(goes_high, sought - (last - first), sought)
        begin = np.where(goes_high, lows[-1] + begin - first, first)
        end = np.where(goes_high, lows[-1] + end - last, last)
        found |= goes_high.astype(np.int64) << bit
        ranks = np.concatenate([ranks[is_low], ranks[~is_low]])
    return found


def find_prefix_intercepts(x: np.ndarray, y: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Median of y - slopes[k] x over the first k + 1 pairs, for every k.

    Within a block of k the slopes hardly move, so most residuals stay below or above every median of the block: they
    are counted once, and only the others are looked at again.
    """
    found = np.empty(len(x))
    for start in range(0, len(x), PREFIXES):
        stop = min(start + PREFIXES, len(x))
        found[start:stop] = _find_intercepts(x[:stop], y[:stop], slopes[start:stop])
    return found


def _find_intercepts(x: np.ndarray, y: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    start = len(x) - len(slopes)
    ends = [y[:start] - slope * x[:start] for slope in (slopes.min(), slopes.max())]
    least, most = np.minimum(*ends), np.maximum(*ends)  # rounding is monotone, so these are bounds to the last digit
    # Up to PREFIXES pairs come to the first `start` ones, and move a median by as many ranks at most.
    low, high = (start + 1) // 2 - len(slopes) - 1, (start + len(slopes)) // 2 + 1
    bottom = np.partition(least, low)[low] if low >= 0 else -np.inf
    top = np.partition(most, high)[high] if high < start else np.inf
    below, is_near = int((most < bottom).sum()), (most >= bottom) & (least <= top)
    near_x, near_y = (np.concatenate([one[:start][is_near], one[start:]]) for one in (x, y))
    known = len(near_x) - len(slopes)
    return np.array(
        [
            _find_middle(near_y[: known + k + 1] - slope * near_x[: known + k + 1], start + k + 1, below)
            for k, slope in enumerate(slopes)
        ]
    )


def _find_middle(near: np.ndarray, count: int, below: int) -> float:
    """The median of `count` values of which `below` are below those that are near."""
    low, high = (count - 1) // 2 - below, count // 2 - below
    parted = np.partition(near, (low, high))
    return float(parted[low] if low == high else (parted[low] + parted[high]) / 2)
