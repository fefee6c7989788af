"""Everything that the page is made from, read once from the views."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from asp_analysis.learning import Telemetry, learning_report
from asp_analysis.quality import Work, review_effectiveness
from asp_analysis.session import Session

_TOTALS = """
SELECT
    count(*) AS executions, count(cost_usd) AS with_cost, sum(cost_usd) AS cost_usd, sum(latency_ms) AS latency_ms,
    CAST(sum(tokens_in + tokens_out) AS DOUBLE) AS tokens, min("at") AS first_at, max("at") AS last_at
FROM executions
"""
_UNPRICED = """
SELECT COALESCE(llm_model, 'no model named') AS llm_model, count(*) AS executions, count(DISTINCT task_id) AS tasks
FROM executions WHERE cost_usd IS NULL GROUP BY 1 ORDER BY 2 DESC, 1
"""
_PLANS = """
SELECT outcomes.*, tasks.estimated_cost_usd AS planned_usd
FROM outcomes LEFT JOIN stg_tasks AS tasks ON outcomes.task_id = tasks.task_id
ORDER BY outcomes.completed_at, outcomes.task_id
"""
_REJECTED = "SELECT CAST(COALESCE(sum(rejected), 0) AS BIGINT) AS rejected FROM stg_loads"
_MODELS = """
SELECT COALESCE(llm_model, 'no model named') AS llm_model, count(DISTINCT task_id) AS tasks, count(*) AS executions,
    count(*) - count(cost_usd) AS executions_without_cost, sum(cost_usd) AS cost_usd
FROM executions GROUP BY 1 ORDER BY cost_usd DESC NULLS LAST, 1
"""


@dataclass(frozen=True)
class Facts:
    """The frames of the page as of one instant.

    totals: one row; unpriced, models, roles: one row per model or role; plans: `outcomes` with planned_usd, in the
    order in which the tasks ended; history: `task_history`; status, curve: of `learning`; work: for `quality`,
    reviews: its `review_effectiveness`.
    """

    as_of: pd.Timestamp
    totals: dict
    unpriced: pd.DataFrame
    rejected: int
    models: pd.DataFrame
    roles: pd.DataFrame
    plans: pd.DataFrame
    history: pd.DataFrame
    forecasts: pd.DataFrame
    work: Work
    reviews: pd.DataFrame
    status: pd.DataFrame
    curve: pd.DataFrame

    @classmethod
    def read(cls, session: Session, as_of: pd.Timestamp) -> "Facts":
        """Read the views and compute learning as of an instant (UTC, without zone)."""
        view = cache(session.view)
        telemetry, work = Telemetry.read(view), Work.read(view)
        learning = learning_report(telemetry, as_of)
        return cls(
            as_of=as_of,
            totals=session.sql(_TOTALS).to_dict("records")[0],
            unpriced=session.sql(_UNPRICED),
            rejected=int(session.sql(_REJECTED)["rejected"].iloc[0]),
            models=session.sql(_MODELS),
            roles=view("role_costs").sort_values(["phase_order", "agent_role"], ignore_index=True),
            plans=session.sql(_PLANS),
            history=view("task_history"),
            forecasts=view("stored_forecasts"),
            work=work,
            reviews=review_effectiveness(work),
            status=learning.status,
            curve=learning.history,
        )

    @property
    def ended(self) -> pd.DataFrame:
        """The tasks of `plans` that completed or failed."""
        return self.plans[self.plans["status"].isin(["completed", "failed"]) & self.plans["completed_at"].notna()]
