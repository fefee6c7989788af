"""What a session will have cost at its end, while it still runs: from what it has spent after so many calls.

Finished sessions that got as far are asked by which factor they grew from there to their end; those that had spent as
much by then count most. That a session has got this far, and has spent so much, already rules out most of what was
likely before it began. The rate of spending adds nothing to that. Shares of past sessions become intervals, so the
promise is one of exchangeable sessions: it holds for sessions like those of the past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from asp_analysis.errors import EstimationRefusal, InputError

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
    """Cumulative cost by call of finished sessions, on logs, each (calls,); all costs are above 0.

    instants: first and last call of each in nanoseconds since 1970, (sessions, 2), where they are known.
    """

    spent: tuple[np.ndarray, ...]
    instants: np.ndarray | None = None

    @classmethod
    def of(cls, calls: pd.DataFrame, component: str = "cost_usd") -> PastSessions:
        """The sessions of a frame of calls: columns task_id and the component, in time order within each session.

        The instants are those of the column executed_at where there is one. A session with a call of unknown cost is
        left out: its cost is unknown.
        """
        kept, instants = [], []
        for _, group in calls.groupby("task_id", sort=False):
            cost = group[component].to_numpy(float)
            total = np.cumsum(cost)
            if not np.isnan(cost).any() and total[-1] > 0:
                kept.append(np.log(total[total > 0]))
                if "executed_at" in group.columns:
                    at = pd.to_datetime(group["executed_at"], utc=True).dt.tz_convert(None).astype("datetime64[ns]")
                    instants.append([at.min().value, at.max().value])
        return cls(tuple(kept), np.array(instants) if instants else None)

    def take(self, places: Iterable[int]) -> PastSessions:
        """Some of the sessions."""
        return PastSessions(tuple(self.spent[place] for place in places))

    def find_known(self, own: int, *, is_in_order: bool) -> list[int]:
        """The others that a session may be forecast from: all, or those that were over when it began.

        Raises:
            InputError: the order is asked for, and the sessions have no instants.
        """
        if not is_in_order:
            return [place for place in range(len(self.spent)) if place != own]
        if self.instants is None:
            raise InputError("The calls have no column executed_at, so their sessions have no order. Add it.")
        return np.flatnonzero(self.instants[:, 1] < self.instants[own, 0]).tolist()

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
        """ln(cost at the end) that each past session points to after `call` calls, rising, and its share.

        The shares sum to less than 1: the session itself has one too, as one more of its kind (conformal prediction).
        """
        far = min(call, self._farthest)
        at_call = self._by_call[far - 1]
        reached = ~np.isnan(at_call)
        at_call, growth = at_call[reached], (self._ends - at_call)[reached]
        weight = np.exp(-0.5 * ((at_call - np.log(spent)) / NEARNESS) ** 2) + FLOOR_SESSIONS / len(at_call)
        order = np.argsort(growth, kind="stable")
        return np.log(spent) + growth[order], weight[order] / (weight.sum() + weight.max())


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
        position = np.cumsum(weight) - weight / 2 + (1 - weight.sum()) / 2
        return np.exp(np.interp(shares, position, ends))

    def find_chance_over(self, budget: float, call: int | None = None) -> float:
        """The probability that the session ends above the budget."""
        call = self.calls if call is None else call
        if self.spent[call - 1] > budget:
            return 1.0
        ends, weight = self.past.weigh_ends(call, float(self.spent[call - 1]))
        return float(weight[ends > np.log(budget)].sum() / weight.sum())

    def list_milestones(self) -> list[int]:
        """Calls 1, 2, 5, 10, 20, 50, ... and the last one."""
        steps = [step * 10**power for power in range(len(str(self.calls))) for step in (1, 2, 5)]
        return sorted({*(step for step in steps if step < self.calls), self.calls})

    def list_calls(self, level: float = 0.7, calls: Sequence[int] | None = None) -> pd.DataFrame:
        """How the forecast changed: one row per call, or for those that are named. Columns: call, spent, estimate,
        lower, upper (of the level)."""
        at = np.arange(1, self.calls + 1) if calls is None else np.asarray(calls)
        shares = [(1 - level) / 2, 0.5, (1 + level) / 2]
        lower, estimate, upper = np.array([self.find_quantiles(shares, int(call)) for call in at]).T
        return pd.DataFrame(
            {
                "call": at,
                "spent": self.spent[at - 1],
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


def backtest_running(
    past: PastSessions, at_calls: Sequence[int] = (10, 20, 40, 80), *, is_in_order: bool = False
) -> pd.DataFrame:
    """How good forecasts of running sessions are. One row per number of calls.

    Each session is forecast from all others, or, in order, from those that were over when it began, where these are 30
    or more.

    Columns: call, n (sessions that went on), coverage_70 (share), factor_70 (median ratio of the bounds), score_70 and
    score_70_before (interval score on logs after so many calls, and of the quantiles of all past ends).
    """
    rows = []
    for call in at_calls:
        found = []
        for own, session in enumerate(past.spent):
            if len(session) <= call:
                continue
            others = past.take(past.find_known(own, is_in_order=is_in_order))
            if is_in_order and len(others.spent) < LEAST_SESSIONS:
                continue
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
