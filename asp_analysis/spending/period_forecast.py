"""A budget and where it will end: total of the period with intervals, chance and day of crossing, and the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from asp_analysis.periods import Period, find_period
from asp_analysis.spending.daily import LEAST_DAYS, DailySpend, refuse_short
from asp_analysis.spending.outlook import Outlook, look_ahead
from asp_analysis.spending.rolling_past import RollingPast
from asp_analysis.spending.simple_rules import apply_rules

BUDGET_LEVELS = (0.7, 0.9)
MOST_PERIODS_CHECKED = 12
"""Earlier periods that are forecast again to say how often intervals held."""


@dataclass(frozen=True, kw_only=True)
class PeriodForecast:
    """What a period will cost, as known at the end of a day, in the unit of the spend.

    spent: until then. estimate: the median of the total. lower, upper: by level. chance_over: that the total exceeds
    the limit. crossing: the day by whose end the limit is as likely crossed as not; None where it is not likely to be
    crossed in the period. is_crossed: it was already, on that day. rate: usual spend per day now. rules: the total by
    simple rules. checked, held_70: earlier periods forecast on the same day of theirs, and how many of them ended
    inside their 70 % interval.
    """

    span: Period
    days_left: int
    limit: float
    spent: float
    estimate: float
    lower: dict[float, float]
    upper: dict[float, float]
    chance_over: float
    crossing: date | None
    is_crossed: bool
    rate: float
    rules: dict[str, float]
    checked: int
    held_70: int


@dataclass(frozen=True)
class Limit:
    """A period of the calendar (month, ...) and what may be spent in it."""

    period: str
    amount: float


def forecast_period(spend: DailySpend, limit: Limit) -> PeriodForecast:
    """Forecast the period of the last day of the series, as of the end of that day.

    Raises:
        EstimationRefusal: the history is too short, or has nearly no spend.
    """
    past, span, spent = _open_period(spend, limit)
    day, (first, end) = len(spend.amounts), _place(spend, span)
    ahead = end - day
    total = look_ahead(past, day, ahead) if ahead else Outlook(np.zeros(1), np.ones(1))
    bounds = {level: total.find_quantiles([(1 - level) / 2, (1 + level) / 2]) + spent for level in BUDGET_LEVELS}
    crossing, is_crossed = _find_crossing(past, span, limit.amount)
    checked, held = _check_past(past, limit)
    return PeriodForecast(
        span=span,
        days_left=ahead,
        limit=limit.amount,
        spent=spent,
        estimate=spent + float(total.find_quantiles([0.5])[0]),
        lower={level: float(found[0]) for level, found in bounds.items()},
        upper={level: float(found[1]) for level, found in bounds.items()},
        chance_over=1.0 if spent > limit.amount else total.find_chance_over(limit.amount - spent) if ahead else 0.0,
        crossing=crossing,
        is_crossed=is_crossed,
        rate=float(past.expect(day, 7)[1] / 7),
        rules=apply_rules(spend.amounts, first, end, day),
        checked=checked,
        held_70=held,
    )


def list_fan(spend: DailySpend, limit: Limit) -> list[tuple[date, float, float, float]]:
    """Return the total by the end of each day to come: day, lower and upper end of the 70 % interval, median.

    Raises:
        EstimationRefusal: the history is too short, or has nearly no spend.
    """
    past, span, spent = _open_period(spend, limit)
    day, (_, end) = len(spend.amounts), _place(spend, span)
    found = [look_ahead(past, day, ahead).find_quantiles([0.15, 0.85, 0.5]) for ahead in range(1, end - day + 1)]
    if not found:
        return []
    # Each horizon is a forecast of its own; a sum never falls, and never exceeds what it is at the end.
    sums = np.minimum(np.maximum.accumulate(np.array(found)), found[-1]) + spent
    days = (spend.first_day + timedelta(days=day + ahead) for ahead in range(len(sums)))
    return [
        (when, float(low), float(high), float(middle)) for when, (low, high, middle) in zip(days, sums, strict=True)
    ]


def _open_period(spend: DailySpend, limit: Limit) -> tuple[RollingPast, Period, float]:
    """Return the past, the period of the last day of the series, and what was spent of it."""
    refuse_short(spend)
    span = find_period(limit.period, spend.first_day + timedelta(days=len(spend.amounts) - 1))
    first, _ = _place(spend, span)
    return RollingPast.of(spend), span, float(spend.amounts[max(first, 0) :].sum())


def _place(spend: DailySpend, span: Period) -> tuple[int, int]:
    """Return the numbers of the first day of a span, and of the first one after it, in the series."""
    return (span.first - spend.first_day).days, (span.last - spend.first_day).days + 1


def _find_crossing(past: RollingPast, span: Period, amount: float) -> tuple[date | None, bool]:
    spend, day = past.spend, len(past.spend.amounts)
    first, end = _place(spend, span)
    so_far = np.cumsum(spend.amounts[max(first, 0) :])
    if len(so_far) and so_far[-1] > amount:
        return span.first + timedelta(days=int(np.argmax(so_far > amount)) - min(first, 0)), True
    left = amount - (float(so_far[-1]) if len(so_far) else 0.0)
    if end == day or look_ahead(past, day, end - day).find_chance_over(left) < 0.5:
        return None, False
    for ahead in range(1, end - day + 1):
        if look_ahead(past, day, ahead).find_chance_over(left) >= 0.5:
            return spend.first_day + timedelta(days=day - 1 + ahead), False
    return None, False


def _check_past(past: RollingPast, limit: Limit) -> tuple[int, int]:
    """Return how many earlier periods were forecast on the same day of theirs, and how many 70 % intervals held."""
    spend, day = past.spend, len(past.spend.amounts)
    today = spend.first_day + timedelta(days=day - 1)
    span = find_period(limit.period, today)
    elapsed = (today - span.first).days + 1
    held: list[bool] = []
    while (span := span.before).first >= spend.first_day and len(held) < MOST_PERIODS_CHECKED:
        first, end = _place(spend, span)
        then = first + elapsed
        if LEAST_DAYS <= then < end:
            low, high = look_ahead(past, then, end - then).find_quantiles([0.15, 0.85])
            held.append(low - 1e-9 <= spend.amounts[then:end].sum() <= high + 1e-9)
    return len(held), sum(held)
