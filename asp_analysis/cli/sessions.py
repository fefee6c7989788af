"""What running sessions will have cost: read from the store, printed one row per session."""

from typing import TYPE_CHECKING

from asp_analysis.cli.printing import print_frame, say
from asp_analysis.cli.wanted import WantedTasks
from asp_analysis.errors import EstimationRefusal, InputError

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.probe.question import Question
    from asp_analysis.probe.unfinished import PastSessions
    from asp_analysis.session import Session

QUIET_HOURS = 1
"""Without a call for so long a session is over, unless its task is open."""

CALLS_SQL = "SELECT task_id, executed_at, {component} FROM executions ORDER BY task_id, executed_at, execution_id"
STATES_SQL = """
SELECT
    task_id,
    COALESCE(outcome = 'open', FALSE) OR last_at > now() - INTERVAL {hours} HOUR AS is_running
FROM tasks
WHERE executions > 0
ORDER BY task_id
"""


def print_running(session: "Session", question: "Question", wanted: WantedTasks, output: str | None) -> None:
    """Print what a session, or every running one, will have cost.

    Raises:
        InputError: there is no such session in the store.
        EstimationRefusal: none runs, or the past is too short.
    """
    from asp_analysis.probe.unfinished import PastSessions

    component = question.component
    calls = session.sql(CALLS_SQL.format(component=component))
    states = session.sql(STATES_SQL.format(hours=QUIET_HOURS)).set_index("task_id")["is_running"]
    running = [str(name) for name in states.index[states]]
    if wanted.session is not None and wanted.session not in states.index:
        raise InputError(f"There is no session {wanted.session!r} with calls in the store. Load it first.")
    names = [wanted.session] if wanted.session is not None else running
    if not names:
        raise EstimationRefusal(
            f"No session runs: no open task has a call, and none had one in the last {QUIET_HOURS} h. Name one with "
            "--session ID."
        )
    past = PastSessions.of(calls[~calls["task_id"].isin({*names, *running})], component)
    rows = [_describe(past, calls[calls["task_id"] == name], question, wanted.budget) for name in names]
    _print_rows(rows, output)


def _describe(
    past: "PastSessions", calls: "pd.DataFrame", question: "Question", budget: float | None
) -> dict[str, object]:
    """One row of what is known of a session; refusal says why it is not forecast."""
    cost = calls[question.component].fillna(0.0).cumsum().to_numpy(float)
    row: dict[str, object] = {
        "task_id": str(calls["task_id"].iloc[0]),
        "calls": len(calls),
        "calls_without_cost": int(calls[question.component].isna().sum()),
        "spent": float(cost[-1]),
    }
    try:
        found = past.forecast(cost)
    except EstimationRefusal as refusal:
        return {**row, "refusal": str(refusal)}
    for place, call in (("", None), ("_10_calls_ago", max(found.calls - 10, 1))):
        row[f"estimate{place}"] = float(found.find_quantiles([0.5], call)[0])
    for level in question.levels:
        lower, upper = found.find_quantiles([(1 - level) / 2, (1 + level) / 2])
        row |= {f"lower_{100 * level:g}": float(lower), f"upper_{100 * level:g}": float(upper)}
    if budget is not None:
        row |= {"chance_over": found.find_chance_over(budget), "advice": found.advise(budget)}
    return {**row, "n": len(past.spent), "refusal": ""}


def _print_rows(rows: list[dict[str, object]], output: str | None) -> None:
    import pandas as pd

    from asp_analysis.wording import round_numbers

    frame = pd.DataFrame(rows)
    if output:
        print_frame(frame, output)
        return
    shown = frame.drop(columns=["advice", "refusal", "n"], errors="ignore")
    for name in shown.select_dtypes("number"):
        shown[name] = round_numbers(shown[name], 4)
    print_frame(shown, output)
    for row in rows:
        if row["calls_without_cost"]:
            say(f"{row['task_id']}: {row['calls_without_cost']} calls have no known cost, so it has spent more.")
        if row.get("advice") or row["refusal"]:
            say(f"{row['task_id']}: {row.get('advice') or row['refusal']}")
    if "n" in frame.columns:
        say(f"From {int(frame['n'].max())} finished sessions, by how much they grew after as many calls.")
