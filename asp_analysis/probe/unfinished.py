"""What a session will have cost at its end, while it still runs: from what it has spent after so many calls.

Finished sessions that got as far are asked by which factor they grew from there to their end; those that had spent as
much by then count most. That a session has got this far, and has spent so much, already rules out most of what was
likely before it began. The rate of spending adds nothing to that. Shares of past sessions become intervals, so the
promise is one of exchangeable sessions: it holds for sessions like those of the past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from asp_analysis.errors import EstimationRefusal

LEAST_SESSIONS = 30
"""Finished sessions before a running one is forecast."""

LEAST_AS_FAR = 10
"""Finished sessions that got at least as far; where fewer did, those that got furthest are asked."""

NEARNESS = 0.7
"""Width of the Gaussian weight on ln(spent / spent by the past session at the same call)."""

FLOOR_SESSIONS = 1.0
"""Sessions that had spent quite another amount count together as this many of equal ones."""

WORTH = ((0.25, "It is likely to stay within the budget"), (0.6, "It may go over the budget"))
"""Words for the probability to go over a budget, by upper limits."""


@dataclass(frozen=True)
class PastSessions:
    """Cumulative cost by call of finished sessions, on logs, each (calls,); all costs are above 0."""

    spent: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, calls: pd.DataFrame, component: str = "cost_usd") -> PastSessions:
        """The sessions of a frame of calls: columns task_id and the component, in time order within each session.

        A session with a call of unknown cost is left out: its cost is unknown.
        """
        kept = []
        for _, group in calls.groupby("task_id", sort=False):
            cost = group[component].to_numpy(float)
            total = np.cumsum(cost)
            if not np.isnan(cost).any() and total[-1] > 0:
                kept.append(np.log(total[total > 0]))
        return cls(tuple(kept))

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.array([one[-1] for one in self.spent])

    @cached_property
    def _farthest(self) -> int:
        """The last call that enough sessions reached."""
        return sorted(len(one) for one in self.spent)[-min(LEAST_AS_FAR, len(self.spent))]

    @cached_property
    def _by_call(self) -> np.ndarray:
        """ln(spent) by call and session, (calls, sessions); NaN after the end."""
        table = np.full((self._farthest, len(self.spent)), np.nan)
        for column, one in enumerate(self.spent):
            table[: min(len(one), self._farthest), column] = one[: self._farthest]
        return table

    def forecast(self, spent: ArrayLike) -> RunningForecast:
        """What a session will have cost at its end, as it looked after each call.

        spent: cost of the session after each of its calls, never falling.

        Raises:
            EstimationRefusal: fewer than 30 finished sessions are known, or the session has spent nothing yet.
        """
        so_far = np.asarray(spent, float)
        so_far = so_far[so_far > 0]
        if len(self.spent) < LEAST_SESSIONS:
            raise EstimationRefusal(
                f"{len(self.spent)} finished sessions of known cost are too few to forecast a running one: at least "
                f"{LEAST_SESSIONS} are needed. Finish more sessions."
            )
        if not len(so_far):
            raise EstimationRefusal("The session has spent nothing yet. Ask again after its first call, or use --size.")
        return RunningForecast(past=self, spent=so_far)

    def weigh_ends(self, call: int, spent: float) -> tuple[np.ndarray, np.ndarray]:
        """ln(cost at the end) that each past session points to after `call` calls, rising, and its share."""
        far = min(call, self._farthest)
        at_call = self._by_call[far - 1]
        reached = ~np.isnan(at_call)
        at_call, growth = at_call[reached], (self._ends - at_call)[reached]
        weight = np.exp(-0.5 * ((at_call - np.log(spent)) / NEARNESS) ** 2) + FLOOR_SESSIONS / len(at_call)
        order = np.argsort(growth, kind="stable")
        return np.log(spent) + growth[order], weight[order] / weight.sum()


@dataclass(frozen=True, kw_only=True)
class RunningForecast:
    """What a running session will have cost at its end. spent: cost after each call, (calls,)."""

    past: PastSessions
    spent: np.ndarray

    @property
    def calls(self) -> int:
        """Calls so far."""
        return len(self.spent)

    def find_quantiles(self, shares: Sequence[float], call: int | None = None) -> np.ndarray:
        """Costs at the end with these shares of the distribution below, as it looked after a call (None: now)."""
        call = self.calls if call is None else call
        ends, weight = self.past.weigh_ends(call, float(self.spent[call - 1]))
        position = np.cumsum(weight) - weight / 2
        return np.exp(np.interp(shares, position, ends))

    def find_chance_over(self, budget: float, call: int | None = None) -> float:
        """The probability that the session ends above the budget."""
        call = self.calls if call is None else call
        if self.spent[call - 1] > budget:
            return 1.0
        ends, weight = self.past.weigh_ends(call, float(self.spent[call - 1]))
        return float(weight[ends > np.log(budget)].sum())

    def list_calls(self, level: float = 0.7) -> pd.DataFrame:
        """How the forecast changed: one row per call. Columns: call, spent, estimate, lower, upper (of the level)."""
        shares = [(1 - level) / 2, 0.5, (1 + level) / 2]
        rows = [self.find_quantiles(shares, call) for call in range(1, self.calls + 1)]
        lower, estimate, upper = np.array(rows).T
        return pd.DataFrame(
            {
                "call": np.arange(1, self.calls + 1),
                "spent": self.spent,
                "estimate": estimate,
                "lower": lower,
                "upper": upper,
            }
        )

    def advise(self, budget: float) -> str:
        """Whether it is worth to stop, in words."""
        chance = self.find_chance_over(budget)
        if self.spent[-1] > budget:
            return f"It is over the budget already. Stop it, unless its result is worth more than {budget:g}."
        words = next((words for limit, words in WORTH if chance < limit), "It is likely to go over the budget")
        advice = "let it run" if chance < WORTH[0][0] else "look at it now"
        return f"{words} ({chance:.0%}): {advice if chance < WORTH[1][0] else 'stop it, or raise the budget'}."


def backtest_running(past: PastSessions, at_calls: Sequence[int] = (10, 20, 40, 80)) -> pd.DataFrame:
    """How good forecasts of running sessions are, each session left out once. One row per number of calls.

    Columns: call, n (sessions that went on), coverage_70 (share), factor_70 (median ratio of the bounds), score_70 and
    score_70_before (interval score on logs after so many calls, and of the quantiles of all past ends).
    """
    rows = []
    for call in at_calls:
        found = []
        for own, session in enumerate(past.spent):
            if len(session) <= call:
                continue
            others = PastSessions(past.spent[:own] + past.spent[own + 1 :])
            now = np.log(RunningForecast(past=others, spent=np.exp(session[:call])).find_quantiles([0.15, 0.85]))
            before = np.quantile([one[-1] for one in others.spent], [0.15, 0.85])
            found.append([now[0] <= session[-1] <= now[1], now[1] - now[0], *_score(session[-1], now, before)])
        if found:
            coverage, width, score, score_before = np.array(found, float).T
            rows.append(
                (call, len(found), coverage.mean(), np.exp(np.median(width)), score.mean(), score_before.mean())
            )
    columns = ["call", "n", "coverage_70", "factor_70", "score_70", "score_70_before"]
    return pd.DataFrame(rows, columns=columns)


def _score(actual: float, *intervals: np.ndarray) -> list[float]:
    """Interval scores at 70 %."""
    return [float(high - low + 2 / 0.3 * (max(low - actual, 0) + max(actual - high, 0))) for low, high in intervals]
