"""The sessions of a store call by call: which still run, and the finished ones that say how such a session ends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.probe.unfinished import PastSessions
from asp_analysis.session import Session

QUIET_HOURS = 1
"""Without a call for so long a session is over, unless somebody said that its task is open."""

CALLS_SQL = "SELECT task_id, executed_at, {component} FROM executions ORDER BY task_id, executed_at, execution_id"
STATES_SQL = """
SELECT
    task_id,
    COALESCE(outcome = 'open' AND NOT is_stub, FALSE) OR last_at > now() - INTERVAL {hours} HOUR AS is_running
FROM tasks
WHERE executions > 0
ORDER BY task_id
"""


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The calls of a store (task_id, executed_at and the component, in time order within a session), and which sessions
    there are: `names`, and `running` of them."""

    component: str
    calls: pd.DataFrame
    names: tuple[str, ...]
    running: tuple[str, ...]

    @classmethod
    def read(cls, session: Session, component: str = "cost_usd") -> Sessions:
        """Read every session that has a call."""
        states = session.sql(STATES_SQL.format(hours=QUIET_HOURS))
        return cls(
            component=component,
            calls=session.sql(CALLS_SQL.format(component=component)),
            names=tuple(states["task_id"].astype(str)),
            running=tuple(states.loc[states["is_running"].astype(bool), "task_id"].astype(str)),
        )

    def find_calls(self, name: str) -> pd.DataFrame:
        """The calls of one session."""
        return self.calls[self.calls["task_id"] == name]

    def add_up(self, name: str) -> np.ndarray:
        """What a session had cost after each of its calls, shape (calls,); a call of unknown cost adds nothing."""
        return self.find_calls(name)[self.component].astype(float).fillna(0.0).cumsum().to_numpy()

    def take_past(self, asked: Collection[str] = ()) -> PastSessions:
        """The finished sessions, without those that are asked about."""
        left_out = {*asked, *self.running}
        return PastSessions.of(self.calls[~self.calls["task_id"].isin(left_out)], self.component)

    def take_past_before(self, name: str) -> PastSessions:
        """The sessions that were over when one began: what could be known of it then."""
        begun = self.find_calls(name)["executed_at"].min()
        last = self.calls.groupby("task_id")["executed_at"].max()
        earlier = last.index[last < begun]
        return PastSessions.of(self.calls[self.calls["task_id"].isin(earlier)], self.component)
