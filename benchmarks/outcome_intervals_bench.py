"""How often the interval of the cost of one outcome holds the true one: `python -m benchmarks outcome_intervals`.

Costs are drawn from distributions of which the mean is known, attempts succeed with a known probability, and the
interval is that of the view `cost_per_outcome`, next to Student's usual one.
"""

import numpy as np
from scipy import stats

_DRAWS, _SUCCESS = 4_000, 0.8
_COUNTS = (5, 8, 20, 75, 300)


def main() -> None:
    """Print the share of intervals that hold the truth, by distribution and number of attempts."""
    chance = np.random.default_rng(1)
    print(f"{'costs':>14} {'n':>5} {'ours':>7} {'Student':>8} {'factor':>8}")
    for name, draw, mean in _costs(chance):
        for count in _COUNTS:
            ours, usual, factor = _cover(draw((_DRAWS, count)), mean, chance)
            print(f"{name:>14} {count:>5} {ours:>7.1%} {usual:>8.1%} {factor:>8.2f}")


def _costs(chance: np.random.Generator):
    for spread in (0.8, 1.2, 1.6):
        yield f"lognormal {spread}", lambda shape, s=spread: chance.lognormal(0, s, shape), np.exp(spread**2 / 2)
    yield "exponential", lambda shape: chance.gamma(1, 1, shape), 1.0
    yield "gamma 0.5", lambda shape: chance.gamma(0.5, 1, shape), 0.5


def _cover(costs: np.ndarray, mean: float, chance: np.random.Generator) -> tuple[float, float, float]:
    n = costs.shape[1]
    reached = chance.binomial(n, _SUCCESS, len(costs))
    costs, reached = costs[reached > 0], reached[reached > 0]
    truth = mean / _SUCCESS
    t, variance = stats.t.ppf(0.975, n - 1), np.log(costs).var(axis=1, ddof=1)
    ratio = costs.sum(axis=1) / reached
    half = t * np.sqrt(variance / n + variance**2 / (2 * (n - 1)) + (1 - reached / n) / reached)
    is_told = half <= np.log(1000) / 2
    usual = t * costs.std(axis=1, ddof=1) / np.sqrt(n) * n / reached
    holds = np.abs(np.log(ratio / truth)) <= half
    return holds[is_told].mean(), (np.abs(ratio - truth) <= usual).mean(), float(np.median(np.exp(half[is_told])))
