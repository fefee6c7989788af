"""Notebook 12: whether the changes of the agents helped."""

from functools import partial

import pandas as pd

from asp_analysis import charts
from asp_analysis.comparisons.change_effect import ASPECTS, ChangeEffect, find_latest_effect, measure_effect
from asp_analysis.errors import AnalysisError
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.session import Session
from asp_analysis.wording import write_day, write_name, write_noun

RECORD = "Record one with `asp-analysis change add NAME --at DAY`, or load executions that say their version or model."
_AXIS_LABELS = {"cost": "Cost of a task (USD)", "latency": "Latency of a task (s)", "tokens": "Tokens of a task"}
NO_COMPARISON = "There is no comparison to show yet."


def answer(session: Session, change: str | None = None) -> Finding:
    """Say whether a change helped: the one that is named, else the latest that can be judged."""
    found = choose_effect(session, change)
    if isinstance(found, str):
        return Finding(text=found)
    return Finding(text=_bold(found), draw=tell_looks(found).draw)


def choose_effect(session: Session, change: str | None = None, on: str = "cost") -> ChangeEffect | str:
    """Return the effect of a change, by default of the latest that can be judged, or the sentence why there is none."""
    if change is None:
        found = find_latest_effect(session, on)
        return found if isinstance(found, ChangeEffect) else found or f"No change of the agents is known. {RECORD}"
    try:
        return measure_effect(session, change, on)
    except AnalysisError as refusal:
        return str(refusal)


def tell_changes(changes: pd.DataFrame) -> Finding:
    """Say which changes are known. changes: as `list_changes` returns them."""
    if changes.empty:
        return lack("No change of the agents is known.", RECORD)
    last = changes.iloc[-1]
    recorded = int(changes["source"].eq("recorded").sum())
    text = (
        f"**{write_noun(len(changes), 'change')}** known, **{recorded:,}** of them recorded by people. The latest is "
        f"{write_name(last['change_id'])} of {write_day(last['changed_at'])}."
    )
    return Finding(text=text, table=changes.iloc[::-1].reset_index(drop=True))


def tell_effect(found: ChangeEffect | str) -> Finding:
    """Say what the change did, with the tasks that were compared."""
    if isinstance(found, str):
        return Finding(text=found)
    return Finding(
        text=_bold(found),
        table=found.to_frame().drop(columns=["change_id"]),
        draw=partial(charts.plot_before_after, _scale(found), title=_title(found), label=_label(found))
        if not ASPECTS[found.on].is_rate
        else None,
        reading="Each point is a task that has others like it on the other side. The ratio is adjusted for size, type, "
        "repository and drift; the medians in the chart are not.",
    )


def tell_looks(found: ChangeEffect | str) -> Finding:
    """Show the interval as it became narrower with every task."""
    if isinstance(found, str):
        return Finding(text=NO_COMPARISON)
    looks = found.judgement.looks
    if looks.empty:
        return lack("The interval is not finite at any look yet.", "Wait for more tasks after the change.")
    last = looks.iloc[-1]
    text = (
        f"After **{write_noun(last['after'], 'task')}** the ratio is **{last['ratio']:.2f}**, between "
        f"{last['lower']:.2f} and {last['upper']:.2f}."
    )
    return Finding(
        text=text,
        draw=partial(charts.plot_looks, looks, title=_title(found)),
        reading="The interval holds at all looks at once: you may look every day and stop when it leaves the line.",
    )


def tell_mix(found: ChangeEffect | str) -> Finding:
    """Say what was compared with what, and what was left out."""
    if isinstance(found, str):
        return Finding(text=NO_COMPARISON)
    text = "\n".join(f"- {remark}" for remark in found.remarks)
    return Finding(text=text, table=found.judgement.matched.mix)


def tell_aspects(session: Session, found: ChangeEffect | str) -> Finding:
    """Compare by everything else that the store knows of the tasks."""
    if isinstance(found, str):
        return Finding(text=NO_COMPARISON)
    rows, refused = [], []
    for on in ASPECTS:
        try:
            rows.append(measure_effect(session, found.change.name, on).to_frame())
        except AnalysisError as refusal:
            refused.append(f"- {on}: {refusal}")
    columns = ["on", "verdict", "ratio", "lower_95", "upper_95", "tasks_before", "tasks_after"]
    text = f"**{write_noun(len(rows), 'aspect')}** can be compared." + "".join(f"\n{one}" for one in refused)
    return Finding(text=text, table=pd.concat(rows, ignore_index=True)[columns] if rows else None)


def _bold(found: ChangeEffect) -> str:
    return found.answer.replace(found.change.name, f"**{write_name(found.change.name)}**", 1).replace(
        f"Verdict: {found.verdict}", f"Verdict: **{found.verdict}**"
    )


def _title(found: ChangeEffect) -> str:
    return f"{found.on}: {found.verdict}, {found.after} tasks after and {found.before} before"


def _label(found: ChangeEffect) -> str:
    return _AXIS_LABELS.get(found.on, "")


def _scale(found: ChangeEffect) -> pd.DataFrame:
    tasks = found.tasks
    return tasks.assign(value=tasks["value"] / (1000.0 if found.on == "latency" else 1.0))
