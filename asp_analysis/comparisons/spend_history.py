"""Is a difference of two periods more than ordinary scatter? A control chart of the periods before says so."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.periods import Period
from asp_analysis.quality import xmr_chart
from asp_analysis.wording import write_noun, write_usd

FEWEST_PERIODS, MOST_PERIODS = 8, 26
"""Earlier periods with spend that a chart needs, and as many as it looks back."""

ORDINARY, UNUSUAL, NOT_KNOWN = "ordinary scatter", "more than scatter", "not known"


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """verdict: ordinary scatter, more than scatter or not known; why: the sentence behind it.

    points: period, first_day, cost_usd, of the chart and the two that are compared, in time order; centre, lower,
    upper [USD]: of the chart, NaN without one.
    """

    verdict: str
    why: str
    points: pd.DataFrame
    centre: float = math.nan
    lower: float = math.nan
    upper: float = math.nan


def judge_scatter(days: pd.DataFrame, before: Period, after: Period) -> Scatter:
    """Compare two periods with an XmR chart of the logarithms of what earlier periods of the same kind cost.

    days: day, cost_usd, of all days with a known cost. Ordinary is a period within the natural limits of the
    others whose step from the earlier period is within the limit of steps, too. Periods without spend have no logarithm
    and are left out; the chart needs 8 with spend.
    """
    costs = pd.Series(days["cost_usd"].to_numpy(dtype=float), pd.DatetimeIndex(days["day"]))
    earlier = _list_earlier(costs, after)
    sums = {str(period): (period, _sum_days(costs, period)) for period in [*earlier, before, after]}
    points = pd.DataFrame(
        [
            {"period": name, "first_day": pd.Timestamp(period.first), "cost_usd": cost}
            for name, (period, cost) in sums.items()
        ]
    ).sort_values("first_day", ignore_index=True)
    base = [cost for cost in (_sum_days(costs, period) for period in earlier) if cost > 0]
    pair = sums[str(before)][1], sums[str(after)][1]
    if min(pair) <= 0:
        return Scatter(verdict=NOT_KNOWN, why="One of the two has no known spend, so that there is nothing to compare.",
                       points=points)  # fmt: skip
    if len(base) < FEWEST_PERIODS:
        why = (
            f"Whether that is ordinary scatter is not known: {len(base)} earlier periods of this length have spend, "
            f"and a control chart needs {FEWEST_PERIODS}."
        )
        return Scatter(verdict=NOT_KNOWN, why=why, points=points)
    return _chart(np.log(base), (math.log(pair[0]), math.log(pair[1])), points)


def _list_earlier(costs: pd.Series, after: Period) -> list[Period]:
    """Return the periods before, the oldest first; of the first one the record may lack a seventh of its days."""
    found: list[Period] = []
    period = after.before
    while (
        len(costs)
        and (costs.index[0] - pd.Timestamp(period.first)).days <= period.days / 7
        and len(found) < MOST_PERIODS
    ):
        found.append(period)
        period = period.before
    return found[::-1]


def _sum_days(costs: pd.Series, period: Period) -> float:
    chosen = costs[(costs.index >= pd.Timestamp(period.first)) & (costs.index <= pd.Timestamp(period.last))]
    return math.fsum(chosen.dropna())


def _chart(logs: np.ndarray, pair: tuple[float, float], points: pd.DataFrame) -> Scatter:
    chart = xmr_chart(logs)
    is_inside = all(chart.lower <= value <= chart.upper for value in pair)
    is_near = abs(pair[1] - pair[0]) <= chart.range_limit
    lower, upper = math.exp(chart.lower), math.exp(chart.upper)
    limits = f"{write_noun(len(logs), 'earlier period')} vary from {write_usd(lower)} to {write_usd(upper)}"
    if is_inside and is_near:
        verdict, why = ORDINARY, f"This is ordinary scatter: by their control chart, {limits}, and both are within."
    else:
        reason = "one of the two is outside" if not is_inside else "the step between the two is larger than any usual"
        verdict, why = UNUSUAL, f"This is more than scatter: by their control chart, {limits}, and {reason}."
    return Scatter(verdict=verdict, why=why, points=points, centre=math.exp(chart.centre), lower=lower, upper=upper)
