"""How long it takes until a good agent is found out to be one: by its rate, and by how alike neighbouring cases are."""

import math

import numpy as np
import pandas as pd

from asp_analysis.learning.betting import log_e_of_blocks
from asp_analysis.learning.lives import draw_blocks

TEN_YEARS_IN_WEEKS = 520
"""Who waits longer waits for ever."""

_LIVES, _MOST_CASES, _FIRST_CASES = 200, 3_000, 600
_ABOVE = (0.05, 0.10, 0.15)
_POWER_SEED = 20_260_101


def make_power_table(
    target: float, *, block_size: int = 1, likeness: float = 0.0, per_week: float = math.nan, e_value: float = 20.0
) -> pd.DataFrame:
    """Return after how many cases half, and four of five, agents of a rate have passed an e-value; simulated lives.

    true_rate (5, 10 and 15 points above the target), cases_half, cases_most (NaN: more than 3,000), weeks_half,
    weeks_most at `per_week` cases. Cases come in blocks of a size, alike by an intraclass correlation.
    """
    rates = [rate for above in _ABOVE if (rate := target + above) < 0.995] or [(1 + target) / 2]
    rows = []
    for rate in rates:
        half, most = find_cases_needed(target, rate, block_size, likeness, e_value)
        weeks = {"weeks_half": half / per_week, "weeks_most": most / per_week}
        rows.append({"true_rate": rate, "cases_half": half, "cases_most": most, **weeks})
    return pd.DataFrame(rows)


def find_cases_needed(
    target: float, rate: float, block_size: int, likeness: float, e_value: float
) -> tuple[float, float]:
    """Return after how many cases half, and four of five, of the agents of a rate have passed; NaN beyond 3,000."""
    rng, size = np.random.default_rng(_POWER_SEED), min(block_size, 100)
    tasks = _MOST_CASES // size * size
    hits = draw_blocks(rng, rate, (_LIVES, tasks), size, likeness).reshape(_LIVES, -1, size).sum(axis=2)
    for looked_at in (max(_FIRST_CASES // size, 1), hits.shape[1]):  # most are found out early
        passed = log_e_of_blocks(hits[:, :looked_at].astype(float), size, target) >= math.log(e_value)
        first = np.where(passed.any(axis=1), (passed.argmax(axis=1) + 1.0) * size, np.inf)
        half, most = np.quantile(first, [0.5, 0.8], method="higher")
        if math.isfinite(most):
            break
    return (half if math.isfinite(half) else math.nan), (most if math.isfinite(most) else math.nan)


def write_power(power: pd.DataFrame) -> list[str]:
    """Write how long it takes until a good agent is found out to be one, a sentence per rate."""
    lines = []
    for row in power.to_dict("records"):
        rate = f"{row['true_rate']:.0%}".replace("%", " %")
        if row["cases_most"] != row["cases_most"]:
            lines.append(
                f"Of agents that are right in {rate} of cases, more than a fifth have not shown it after 3,000 cases."
            )
            continue
        weeks = f", {row['weeks_most']:,.0f} weeks at this pace" if row["weeks_most"] == row["weeks_most"] else ""
        lines.append(
            f"Of agents that are right in {rate} of cases, half have shown it after {row['cases_half']:,.0f} cases and "
            f"four of five after {row['cases_most']:,.0f}{weeks}."
        )
    return lines
