"""One amount per day: what a forecast of spend begins from, and when there is too little of it."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from asp_analysis.errors import EstimationRefusal

LEAST_DAYS = 14
"""Days of history before spend is forecast: each day of the week was seen twice."""

LEAST_ACTIVE_DAYS = 3
"""Days with spend among them."""

WEEK = 7


@dataclass(frozen=True)
class DailySpend:
    """What was spent on each day from the first on, days without spend included.

    amounts: (n,), at least 0, in USD or tokens. open_tasks: (n + 1,), how many usual tasks were open before each day
    and after the last one: a large one counts as several; None where nobody knows.
    """

    first_day: date
    amounts: np.ndarray
    open_tasks: np.ndarray | None = None

    @property
    def weekdays(self) -> np.ndarray:
        """Day of the week of each day, 0 is Monday. Shape (n,)."""
        return (self.first_day.weekday() + np.arange(len(self.amounts))) % WEEK

    def take_first(self, days: int) -> "DailySpend":
        """Return what was known after so many days."""
        known = None if self.open_tasks is None else self.open_tasks[: days + 1]
        return replace(self, amounts=self.amounts[:days], open_tasks=known)


def refuse_short(spend: DailySpend) -> None:
    """Refuse a history that supports no forecast.

    Raises:
        EstimationRefusal: it is shorter than two weeks, or nearly nothing was spent in it.
    """
    days, active = len(spend.amounts), int(np.count_nonzero(spend.amounts))
    if days < LEAST_DAYS:
        raise EstimationRefusal(
            f"{days} {'day' if days == 1 else 'days'} of history cannot show how spend goes on: at least {LEAST_DAYS} "
            f"are needed. Ask again in {LEAST_DAYS - days} {'day' if LEAST_DAYS - days == 1 else 'days'}, or load "
            "older telemetry."
        )
    if active < LEAST_ACTIVE_DAYS:
        raise EstimationRefusal(
            f"Only {active} of {days} days had any spend: at least {LEAST_ACTIVE_DAYS} are needed. Load more telemetry."
        )
