"""How long the views take that estimation and the dashboard read, each in full."""

import time

import pandas as pd

from asp_analysis.monitor.limits import DASHBOARD_MS, PROBE_MS
from asp_analysis.session import Session

PROBE_VIEWS = ("task_history", "stg_tasks")
"""What `estimate`, `probe`, `backtest` and `complexity` read; the dashboard reads task_history too."""

DASHBOARD_VIEWS = (
    "executions",
    "tasks",
    "work",
    "role_costs",
    "defects",
    "stored_forecasts",
    "stg_roles",
    "stg_loads",
    "staffing",
    "stg_executions",
    "human_effort",
    "changes",
    "stg_changes",
    "cost_per_outcome",
    "stg_agent_changes",
    "stg_change_assignments",
)
"""What the dashboard reads besides; `test_status.py` compares with what it really asks."""

LIMITS_MS = {"PROBE": PROBE_MS, "dashboard": DASHBOARD_MS}
"""Who asks -> the limit of each query."""

_TIMES = 5
_ENOUGH_S = 1.0


def time_queries(session: Session) -> pd.DataFrame:
    """Read each view and return view, asked_by, limit_ms, took_ms, took (a class that is stable) and is_within.

    took_ms is the fastest of up to five, what the store needs and not what else the machine does; one reading is
    enough where it falls in the fastest class.
    """
    views = {**dict.fromkeys(PROBE_VIEWS, "PROBE"), **dict.fromkeys(DASHBOARD_VIEWS, "dashboard")}
    rows = [
        (view, asked_by, LIMITS_MS[asked_by], _measure_fastest_ms(session, view)) for view, asked_by in views.items()
    ]
    frame = pd.DataFrame(rows, columns=["view", "asked_by", "limit_ms", "took_ms"])
    frame["took"] = [classify_time(took_ms) for took_ms in frame["took_ms"]]
    frame["is_within"] = frame["took_ms"] < frame["limit_ms"]
    return frame


def classify_time(took_ms: float) -> str:
    """Return a time as one of three classes, divided by the limits."""
    if took_ms < PROBE_MS:
        return f"under {PROBE_MS:.0f} ms"
    return f"under {DASHBOARD_MS:.0f} ms" if took_ms < DASHBOARD_MS else f"{DASHBOARD_MS:.0f} ms or more"


def _measure_fastest_ms(session: Session, view: str) -> float:
    took: list[float] = []
    while len(took) < _TIMES and sum(took) < 1_000 * _ENOUGH_S and min(took, default=PROBE_MS) >= PROBE_MS:
        start = time.perf_counter()
        session.view(view)
        took.append(1_000 * (time.perf_counter() - start))
    return min(took)
