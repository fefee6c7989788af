"""Why the latest periods cost more or less, and whether a change helped: parts of the section on money."""

from asp_analysis.comparisons.change_effect import ChangeEffect
from asp_analysis.comparisons.spend_change import SpendChange, explain_spend
from asp_analysis.comparisons.spend_reading import SpendQuestion
from asp_analysis.dashboard import words
from asp_analysis.dashboard.parts import Note, Row, SortedCell, Table
from asp_analysis.dashboard.usage import Usage
from asp_analysis.periods import Period
from asp_analysis.session import Session

SMALLEST_CAUSE = 0.001
"""Share of the larger spend below which a cause has no row."""


def explain_usage(session: Session, usage: Usage | None) -> SpendChange | None:
    """Explain the comparison that the page shows; None where it has none."""
    if usage is None or not usage.compared:
        return None
    first = usage.start(usage.compared - 1).date()
    latest = Period(first=first, last=usage.newest.date(), kind="days")
    return explain_spend(session, SpendQuestion(before=str(latest.before), after=str(latest)))


def list_causes(change: SpendChange | None) -> Table | Note:
    """Return the causes as a table, or a sentence where there is nothing to divide."""
    if change is None or not (change.before_usd or change.after_usd):
        return Note("Why it cost more or less: neither period of the comparison has a known cost.")
    least = SMALLEST_CAUSE * max(change.before_usd, change.after_usd)
    terms = change.terms[change.terms["change_usd"].abs() > least]
    if terms.empty:
        return Note(f"Why it cost more or less: both periods cost the same. {change.scatter.why}")
    rows = [
        Row(
            cells=[
                row["term"],
                _write_change(row["change_usd"]),
                _write(row["before"]),
                _write(row["after"]),
                row["unit"],
            ]
        )
        for row in terms.to_dict("records")
    ]
    return Table(
        title="Why it cost more or less",
        headers=["Cause", "Change (USD)", "Before", "Latest", "Unit"],
        rows=rows,
        words=" ".join([change.scatter.why, "Causes add up to the change.", *change.remarks]),
        anchor="causes",
    )


def say_effect(effect: ChangeEffect | str) -> Note:
    """Return what the latest change of the agents did, or why that is not known."""
    if isinstance(effect, str):
        missing = "no change of the agents is known. Record one with: asp-analysis change add NAME"
        return Note(f"Did the latest change help: {effect or missing}")
    return Note(f"Did the latest change help: {effect.answer}")


def _write_change(value: float) -> SortedCell:
    return SortedCell(f"{'+' if value > 0 else '−'}{words.usd(abs(value))}", value)


def _write(value: float) -> SortedCell:
    return SortedCell(
        "" if not words.is_known(value) else f"{value:,.4g}" if value < 1000 else words.count(value), value
    )
