"""How many agents work at once: the criterion for a server, read from when executions began and how long they took.

An agent is one role on one task. Its executions may overlap (it calls a model several times at once) and still are one
agent; one role on two tasks is two. An execution lasts from its instant for its latency. Those without a latency, or
at exactly midnight (files that only know a day), have no place in time and are counted apart.
"""

from dataclasses import dataclass

import pandas as pd

from asp_analysis.monitor.limits import AGENTS_AT_ONCE
from asp_analysis.session import Session

_AT_ONCE = """
WITH placed AS (
    SELECT task_id, agent_role, "at" AS begun_at, "at" + to_microseconds(CAST(latency_ms * 1000 AS BIGINT)) AS ended_at
    FROM executions
    WHERE latency_ms > 0 AND latency_ms < 1e10 AND CAST("at" AS TIME) <> TIME '00:00:00' AND "at" <= $as_of
),

marked AS (
    SELECT *, begun_at > max(ended_at) OVER earlier AS is_new
    FROM placed
    WINDOW earlier AS (
        PARTITION BY task_id, agent_role ORDER BY begun_at, ended_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

numbered AS (
    SELECT *, count(*) FILTER (WHERE is_new) OVER so_far AS stretch
    FROM marked
    WINDOW so_far AS (PARTITION BY task_id, agent_role ORDER BY begun_at, ended_at)
),

stretches AS (
    SELECT min(begun_at) AS begun_at, max(ended_at) AS ended_at
    FROM numbered GROUP BY task_id, agent_role, stretch
),

steps AS (
    SELECT begun_at AS "at", 1 AS step FROM stretches
    UNION ALL SELECT ended_at, -1 FROM stretches
)

-- Who ends at the instant at which another begins does not work at once with it: the steps down come first.
SELECT "at", CAST(sum(step) OVER (ORDER BY "at", step ROWS UNBOUNDED PRECEDING) AS BIGINT) AS agents
FROM steps
"""
_MOST = f"""
WITH counts AS ({_AT_ONCE})
SELECT
    COALESCE(max(agents), 0) AS ever,
    arg_max("at", agents) AS ever_at,
    COALESCE(max(agents) FILTER (WHERE "at" > $since), 0) AS recent,
    arg_max("at", agents) FILTER (WHERE "at" > $since) AS recent_at,
    count(DISTINCT CAST("at" AS DATE)) FILTER (WHERE "at" > $since AND agents >= $limit) AS days_at_limit
FROM counts
"""
_PLACED = """
SELECT
    count(*) FILTER (WHERE latency_ms > 0 AND latency_ms < 1e10 AND CAST("at" AS TIME) <> TIME '00:00:00') AS placed,
    count(*) AS executions
FROM executions WHERE "at" <= $as_of
"""


@dataclass(frozen=True)
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
    most = session.sql(_MOST, as_of=as_of, since=since, limit=AGENTS_AT_ONCE).to_dict("records")[0]
    placed = session.sql(_PLACED, as_of=as_of).to_dict("records")[0]
    counts = {name: int(value) for name, value in (most | placed).items() if not name.endswith("_at")}
    instants = {name: None if pd.isna(most[name]) else most[name] for name in ("ever_at", "recent_at")}
    return AtOnce(**counts, **instants)
