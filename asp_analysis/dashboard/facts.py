"""Everything that the page is made from, read once from the views."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from asp_analysis.comparisons.change_effect import ChangeEffect, find_latest_effect
from asp_analysis.comparisons.spend_change import SpendChange
from asp_analysis.dashboard.causes import explain_usage
from asp_analysis.dashboard.usage import Usage
from asp_analysis.learning import Telemetry, learning_report
from asp_analysis.learning.usual_kinds import UsualKinds, judge_usual_kinds
from asp_analysis.quality import Work, review_effectiveness
from asp_analysis.session import Session

_TOTALS_SQL = Path(__file__).with_name("totals.sql").read_text(encoding="utf-8")
_MODELS_SQL = Path(__file__).with_name("models.sql").read_text(encoding="utf-8")

_CHANGES_TRIED = 3
"""Of the latest changes, how many are tried until one has enough tasks: the page is to be made in a second."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """All executions: how many, how many with a cost, and the sums and instants as far as known (else NaN or NaT)."""

    executions: int
    with_cost: int
    cost_usd: float
    latency_ms: float
    tokens: float
    first_at: pd.Timestamp
    last_at: pd.Timestamp

    @classmethod
    def read(cls, session: Session) -> "Totals":
        """Add up the executions."""
        row = session.sql(_TOTALS_SQL).to_dict("records")[0]
        return cls(
            executions=row["executions"],
            with_cost=row["with_cost"],
            cost_usd=row["cost_usd"],
            latency_ms=row["latency_ms"],
            tokens=row["tokens"],
            first_at=row["first_at"],
            last_at=row["last_at"],
        )


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The frames of the page as of one instant.

    clock: whose days and instants all of these have; usage: per period, None where nothing was executed; spend_change:
    why the latest periods cost more or less, None where nothing is compared; effect: of the latest change of the agents
    on cost, or why there is none; rejected: records that no load took; models, roles: one row per model or role; tasks:
    as `add_final_costs` returns them; history: `task_history`; status, curve: of `learning`; kinds: of work, or why
    there are none; work: for `quality`, reviews: its `review_effectiveness`; changes, outcomes: the views `changes` and
    `cost_per_outcome`.
    """

    as_of: pd.Timestamp
    clock: str
    totals: Totals
    usage: Usage | None
    spend_change: SpendChange | None
    effect: ChangeEffect | str
    rejected: int
    models: pd.DataFrame
    roles: pd.DataFrame
    tasks: pd.DataFrame
    history: pd.DataFrame
    forecasts: pd.DataFrame
    work: Work
    reviews: pd.DataFrame
    status: pd.DataFrame
    curve: pd.DataFrame
    kinds: UsualKinds | str
    changes: pd.DataFrame
    outcomes: pd.DataFrame

    @classmethod
    def read(cls, session: Session, as_of: pd.Timestamp) -> "Facts":
        """Read the views and compute learning as of an instant (of the session's clock, without zone)."""
        view = cache(session.view)
        telemetry, work = Telemetry.read(view), Work.read(view)
        learning = learning_report(telemetry, as_of)
        totals = Totals.read(session)
        usage = Usage.read(session, totals.first_at, totals.last_at)
        return cls(
            as_of=as_of,
            clock=session.clock,
            totals=totals,
            usage=usage,
            spend_change=explain_usage(session, usage),
            effect=find_latest_effect(session, most=_CHANGES_TRIED),
            rejected=int(view("stg_loads")["rejected"].fillna(0).sum()),
            models=session.sql(_MODELS_SQL),
            roles=view("role_costs").sort_values(["phase_order", "agent_role"], ignore_index=True),
            tasks=add_final_costs(work.tasks),
            history=view("task_history"),
            forecasts=view("stored_forecasts"),
            work=work,
            reviews=review_effectiveness(work),
            status=learning.status,
            curve=learning.history,
            kinds=judge_usual_kinds(view("tasks"), view("task_history"), as_of),
            changes=view("changes"),
            outcomes=view("cost_per_outcome"),
        )

    @property
    def unpriced(self) -> pd.DataFrame:
        """The models with executions of unknown cost, the most such executions first: llm_model, executions."""
        models = self.models[self.models["executions_without_cost"] > 0]
        found = models[["llm_model"]].assign(executions=models["executions_without_cost"])
        return found.sort_values(["executions", "llm_model"], ascending=[False, True], ignore_index=True)

    @property
    def ended(self) -> pd.DataFrame:
        """The tasks that completed or failed, in that order."""
        return self.tasks[self.tasks["status"].isin(["completed", "failed"]) & self.tasks["completed_at"].notna()]


def add_final_costs(tasks: pd.DataFrame) -> pd.DataFrame:
    """Put the view `tasks` in the order in which tasks ended, and say in USD what each of them cost.

    final_usd: the whole cost of its executions, else what its own record says; empty where part of it is unknown.
    spent_usd: the known costs of its executions, a lower bound; where none is known what its own record says.
    """
    reported = tasks["reported_cost_usd"]
    costs = {"final_usd": tasks["whole_cost_usd"].fillna(reported), "spent_usd": tasks["cost_usd"].fillna(reported)}
    return tasks.assign(**costs).sort_values(["completed_at", "task_id"], ignore_index=True)
