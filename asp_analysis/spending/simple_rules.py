"""What people use without a model: run rate, last period, the same weekdays again; forecasts must beat them."""

import numpy as np

from asp_analysis.spending.daily import WEEK

SIMPLE_RULES = ("run_rate", "last_period", "seasonal_naive")


def apply_rules(amounts: np.ndarray, first: int, end: int, day: int) -> dict[str, float]:
    """Return by rule what a period of days `first` to `end` (excluded) will cost, from the days before `day`.

    run_rate: what was spent per day of the period so far (before its second day: of the days of one period before).
    last_period: what as many days before the period cost. seasonal_naive: the last seven days, again and again.
    amounts: (n,), with n >= day >= 7; first may lie before the first day of the series.
    """
    begin, length = max(first, 0), end - first
    spent, ahead = float(amounts[begin:day].sum()), end - day
    since = begin if day > begin else max(0, day - length)
    rate = float(amounts[since:day].sum()) / (day - since)
    before = amounts[max(0, begin - length) : begin]
    last = float(before.mean()) * length if len(before) else float(amounts[:day].mean()) * length
    again = amounts[day - WEEK + np.arange(ahead) % WEEK]
    return {
        "run_rate": spent + rate * ahead,
        "last_period": max(last, spent),
        "seasonal_naive": spent + float(again.sum()),
    }
