"""How many agents work at once: the criterion for a server, read from when executions began and how long they took.

An agent is one role on one task. Its executions may overlap (it calls a model several times at once) and still are one
agent; one role on two tasks is two. An execution lasts from its instant for its latency. Those without a latency, or
at exactly midnight (files that only know a day), have no place in time and are counted apart.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from asp_analysis.monitor.limits import AGENTS_AT_ONCE
from asp_analysis.session import Session

_AGENTS_AT_ONCE_SQL = Path(__file__).with_name("agents_at_once.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class AtOnce:
    """The most agents at once, ever and in the last weeks, with the first instant of it; on how many days of the last
    weeks the limit was met; how many executions have a place in time, of how many."""

    ever: int
    ever_at: pd.Timestamp | None
    recent: int
    recent_at: pd.Timestamp | None
    days_at_limit: int
    placed: int
    executions: int


def read_agents(session: Session, as_of: pd.Timestamp, weeks: int) -> AtOnce:
    """Count the agents at once up to an instant (UTC, without zone); the last `weeks` are those that count now."""
    since = as_of - pd.Timedelta(weeks=weeks)
    row = session.sql(_AGENTS_AT_ONCE_SQL, as_of=as_of, since=since, limit=AGENTS_AT_ONCE).to_dict("records")[0]
    return AtOnce(
        ever=int(row["ever"]),
        ever_at=None if pd.isna(row["ever_at"]) else row["ever_at"],
        recent=int(row["recent"]),
        recent_at=None if pd.isna(row["recent_at"]) else row["recent_at"],
        days_at_limit=int(row["days_at_limit"]),
        placed=int(row["placed"]),
        executions=int(row["executions"]),
    )
