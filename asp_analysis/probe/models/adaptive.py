"""The level that is asked of an interval follows the misses, so that in the long run it is right as often as it says.

Runs come in blocks of alike tasks and agents drift; then the errors of the past are not those of the next task and a
plain quantile misses too often for a while. Adaptive conformal inference lowers the miss share it asks for after each
miss and raises it after each hit (Gibbs and Candes 2021); several learning rates run side by side, weighted by their
past loss, so that none has to be chosen (DtACI: Gibbs and Candes 2024, algorithm 1). No library had it in a form that
takes p-values.
"""

from __future__ import annotations

import numpy as np

LEARNING_RATES = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08)
"""Steps of the adaptive level, a doubling grid: the smallest forgets over about 500 tasks, the largest over 12."""

ADAPTATION_SPAN = 100
"""Tasks over which the choice among the learning rates should be near the best one (I of DtACI)."""

SMALLEST_MISS_SHARE = 0.01
"""The adaptive level stops at 99 %: past it a finite history knows nothing and the interval would only grow."""


def follow_misses(p_values: np.ndarray, nominal: np.ndarray) -> np.ndarray:
    """The miss share (1 - level) to ask for before each outcome, so that misses come out at `nominal` in the long run.

    p_values: shape (n, streams), the largest miss share at which the outcome would still have been inside; NaN where
    there was no forecast. nominal: shape (streams,). Returns shape (n + 1, streams); row t uses outcomes before t
    only. Each learning rate g moves its own share by g (nominal - missed); the shares are averaged with weights that
    fall with the pinball loss of the share against the p-value (DtACI).
    """
    level = AdaptiveLevel(nominal)
    return np.vstack([level.follow(p_values), level.ask()])


class AdaptiveLevel:
    """What `follow_misses` knows after some outcomes; a long history is followed part by part."""

    def __init__(self, nominal: np.ndarray) -> None:
        self._nominal, self._target = nominal, nominal[:, None]
        rates = len(LEARNING_RATES)
        level = 1 - nominal
        spread = level**2 * nominal**3 + level**3 * nominal**2
        self._eta = np.sqrt(3 / ADAPTATION_SPAN * (np.log(rates * ADAPTATION_SPAN) + 2) / spread)[:, None]
        self._shares = np.repeat(self._target, rates, axis=1)
        self._weights = np.full((len(nominal), rates), 1 / rates)

    def ask(self) -> np.ndarray:
        """The miss shares to ask for before the next outcome."""
        return self._clip(np.add.reduce(self._weights * self._shares, axis=1))

    def follow(self, p_values: np.ndarray) -> np.ndarray:
        """The miss shares that are asked for before each of the next outcomes, while they become known one by one."""
        rates, mixing, target = np.array(LEARNING_RATES), 1 / (2 * ADAPTATION_SPAN), self._target
        weights, shares = self._weights, self._shares
        asked, is_known = np.empty(p_values.shape), ~np.isnan(p_values)
        for t in range(len(p_values)):
            np.add.reduce(weights * shares, axis=1, out=asked[t])
            p, knows = p_values[t][:, None], is_known[t][:, None]
            is_miss = p < shares
            loss = np.where(is_miss, (1 - target) * (shares - p), target * (p - shares))
            weights = weights * np.exp(-self._eta * np.where(knows, loss, 0.0))
            total = np.add.reduce(weights, axis=1, keepdims=True)
            weights = (1 - mixing) * weights / total + mixing / len(rates)
            step = np.where(knows, rates * (target - is_miss), 0.0)
            shares = np.minimum(np.maximum(shares + step, -0.2), 1.2)
        self._weights, self._shares = weights, shares
        return self._clip(asked)

    def _clip(self, asked: np.ndarray) -> np.ndarray:
        return np.clip(asked, np.minimum(SMALLEST_MISS_SHARE, self._nominal), 0.999)
