"""What running sessions will have cost: read from the store, printed one row per session."""

from typing import TYPE_CHECKING

from asp_analysis.cli.printing import print_frame, say
from asp_analysis.cli.wanted import WantedTasks
from asp_analysis.errors import EstimationRefusal, InputError

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.probe.question import Question
    from asp_analysis.probe.unfinished import PastSessions
    from asp_analysis.running_sessions import Sessions
    from asp_analysis.session import Session


def print_running(session: "Session", question: "Question", wanted: WantedTasks, output: str | None) -> None:
    """Print what a session, or every running one, will have cost; of one session also how that changed.

    Raises:
        InputError: there is no such session in the store.
        EstimationRefusal: none runs, or the past is too short.
    """
    from asp_analysis.running_sessions import QUIET_HOURS, Sessions

    sessions = Sessions.read(session, question.component)
    if wanted.session is not None and wanted.session not in sessions.names:
        raise InputError(f"There is no session {wanted.session!r} with calls in the store. Load it first.")
    names = [wanted.session] if wanted.session is not None else list(sessions.running)
    if not names:
        raise EstimationRefusal(
            f"No session runs: no open task has a call, and none had one in the last {QUIET_HOURS} h. Name one with "
            "--session ID."
        )
    past = sessions.take_past(names)
    rows = [_describe(past, sessions, name, question, wanted.budget) for name in names]
    changed = _list_changes(past, sessions, names[0], question, wanted) if wanted.session else None
    if changed is not None and output == "json":
        rows[0]["by_call"] = changed.to_dict("records")
    _print_rows(rows, output)
    if changed is not None and not output:
        say("How the forecast changed, call by call:")
        print_frame(_round(changed), output)


def _describe(
    past: "PastSessions", sessions: "Sessions", name: str, question: "Question", budget: float | None
) -> dict[str, object]:
    """One row of what is known of a session; refusal says why it is not forecast."""
    cost, calls = sessions.add_up(name), sessions.find_calls(name)
    row: dict[str, object] = {
        "task_id": name,
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


def _list_changes(
    past: "PastSessions", sessions: "Sessions", name: str, question: "Question", wanted: WantedTasks
) -> "pd.DataFrame | None":
    """How the forecast of a session looked after 1, 2, 5, 10, 20, 50, ... calls and looks now; None without one."""
    try:
        found = past.forecast(sessions.add_up(name))
    except EstimationRefusal:
        return None
    level = question.levels[0]
    table = found.list_calls(level, found.list_milestones())
    table = table.rename(columns={side: f"{side}_{100 * level:g}" for side in ("lower", "upper")})
    if wanted.budget is not None:
        table["chance_over"] = [found.find_chance_over(wanted.budget, call) for call in table["call"]]
    return table


def _print_rows(rows: list[dict[str, object]], output: str | None) -> None:
    import pandas as pd

    frame = pd.DataFrame(rows)
    if output:
        print_frame(frame, output)
        return
    print_frame(_round(frame.drop(columns=["advice", "refusal", "n"], errors="ignore")), output)
    for row in rows:
        if row["calls_without_cost"]:
            say(f"{row['task_id']}: {row['calls_without_cost']} calls have no known cost, so it has spent more.")
        if row.get("advice") or row["refusal"]:
            say(f"{row['task_id']}: {row.get('advice') or row['refusal']}")
    if "n" in frame.columns:
        say(f"From {int(frame['n'].max())} finished sessions, by how much they grew after as many calls.")


def _round(frame: "pd.DataFrame") -> "pd.DataFrame":
    from asp_analysis.wording import round_numbers

    return frame.assign(**{str(name): round_numbers(frame[name], 4) for name in frame.select_dtypes("number")})
