"""The calendar of budgets: which days, weeks (from Monday), months and quarters there are."""

from dataclasses import dataclass
from datetime import date, timedelta

BUDGET_PERIODS = ("day", "week", "month", "quarter")


@dataclass(frozen=True)
class BudgetSpan:
    """Some days in a row: the first one, and the first one after them."""

    first: date
    end: date

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.end - self.first).days

    @property
    def last(self) -> date:
        """The last of the days."""
        return self.end - timedelta(days=1)


def find_span(period: str, day: date) -> BudgetSpan:
    """Return the day, week, month or quarter in which a day is."""
    if period == "day":
        return BudgetSpan(day, day + timedelta(days=1))
    if period == "week":
        first = day - timedelta(days=day.weekday())
        return BudgetSpan(first, first + timedelta(days=7))
    months = 1 if period == "month" else 3
    number = (day.month - 1) // months * months  # months before the period, in its year
    after = number + months
    return BudgetSpan(date(day.year, number + 1, 1), date(day.year + after // 12, after % 12 + 1, 1))


def list_spans_before(period: str, day: date, first: date) -> list[BudgetSpan]:
    """Return the whole periods that end before that of a day and begin at or after `first`, the latest one first."""
    spans, span = [], find_span(period, day)
    while (span := find_span(period, span.first - timedelta(days=1))).first >= first:
        spans.append(span)
    return spans
