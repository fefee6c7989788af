"""What became of changes of code, and what one merged, surviving or accepted result cost."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Figure, Note, Section, Table
from asp_analysis.quality import count_outcomes

_PRICED = {"merged": "Merged change", "surviving": "Surviving change", "accepted": "Accepted result"}
_ONLY_SPENT = {"open": "Spent on open changes", "unlinked": "Spent, and linked with no change"}


def build_outcome_section(facts: Facts) -> Section:
    """Return the section on outcomes."""
    question = "What became of the work, and what did one outcome cost?"
    if facts.changes.empty:
        missing = "No changes of code are recorded. Load a repository with: asp-analysis load --git REPOSITORY"
        return Section(anchor="outcomes", title="Outcomes", question=question, missing=missing)
    parts = [_draw_shares(facts.changes), _list_costs(facts.outcomes)]
    return Section(anchor="outcomes", title="Outcomes", question=question, parts=parts)


def _draw_shares(changes: pd.DataFrame) -> Figure | Note:
    rows = [_build_bar(row) for row in count_outcomes(changes).to_dict("records")]
    if not rows:
        return Note(f"All {words.count_noun(len(changes), 'change')} are open.")
    desc = "; ".join(f"{row.label} {row.text}" for row in rows)
    reading = (
        "Share with its 95 % interval (Wilson); n = changes. Merged: of those that ended. Reverted, wholly or in part: "
        "of those merged. Touched again within 30 days, and survived them with at least half of its lines: of those "
        "that are 30 days older than the newest commit."
    )
    return Figure(title="What became of the changes", drawn=svg.draw_bars("Outcomes", desc, rows), words=reading)


def _build_bar(row: dict[Hashable, Any]) -> svg.Bar:
    interval = (float(row["lower"]), float(row["upper"]))
    text = f"{words.percent(row['share'])} ({words.between(*interval)}), n = {row['whole']}"
    color = "bad" if row["is_bad"] else "good"
    return svg.Bar(label=row["outcome"], share=row["share"], text=text, class_=color, interval=interval)


def _list_costs(outcomes: pd.DataFrame) -> Table:
    whole = outcomes[outcomes.repository.isna()].set_index("outcome")
    rows = []
    for name, title in (_PRICED | _ONLY_SPENT).items():
        if name not in whole.index:
            continue
        row = whole.loc[name]
        interval = words.between(row["lower_usd"], row["upper_usd"], words.usd) or words.NOT_DEFINED
        one = words.usd(row["usd_per_outcome"]) if words.is_known(row["usd_per_outcome"]) else words.NOT_DEFINED
        counted = f"{words.count(row['priced_attempts'])} of {words.count(row['attempts'])}" if name in _PRICED else ""
        spent = words.usd(row["cost_usd"]) if words.is_known(row["cost_usd"]) else words.UNKNOWN
        rows.append([title, spent, *((one, interval, counted) if name in _PRICED else ("", "", ""))])
    headers = ["Outcome", "Known cost (USD)", "One cost (USD)", "95 % interval", "Attempts with a whole cost (n)"]
    reading = "Failed attempts are included in what one cost. What is linked with no change is never shared out."
    return Table(title="What one outcome cost", headers=headers, rows=rows, words=reading)
