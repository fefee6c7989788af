"""The budgets of the store on the page: what was spent, where each period will end, and when it is crossed."""

import pandas as pd

from asp_analysis.budget_sentences import name_budget, write_in_unit
from asp_analysis.budgeting import BudgetAnswer, answer_budgets, find_newest_day, read_budgets
from asp_analysis.dashboard.parts import Note, Row, SortedCell, Table
from asp_analysis.session import Session
from asp_analysis.wording import write_share

_NONE = "No budget is set. Set one with: asp-analysis budget set --monthly AMOUNT"
_NARROWED = "Budgets are of the whole store or of its teams, people and projects: the page of everything shows them."


def build_budget_part(session: Session, as_of: pd.Timestamp) -> Table | Note:
    """Return the budgets as of the newest day with an execution, or of the day of `as_of` where that is earlier."""
    budgets = read_budgets(session)
    if not budgets:
        return Note(_NONE)
    if not session.scope.is_whole:
        return Note(_NARROWED)
    newest = find_newest_day(session)
    answers = answer_budgets(session, budgets, None if newest is None else min(newest, as_of.date()))
    return Table(
        title="Budgets",
        headers=["Budget", "Period", "Spent", "Forecast", "70 % interval", "Crossing", "Expected on"],
        rows=[Row(cells=_list_cells(one)) for one in answers],
        words=f"As of the end of {answers[0].as_of} ({session.clock})." if answers else "",
        names=2,
        anchor="budgets",
    )


def _list_cells(one: BudgetAnswer) -> list[str | SortedCell]:
    unit, found = one.budget.unit, one.forecast
    spent = SortedCell(f"{write_in_unit(one.spent, unit)} ({write_share(one.spent / one.budget.amount)})", one.spent)
    head: list[str | SortedCell] = [name_budget(one.budget), str(one.span), spent]
    if found is None:
        return [*head, SortedCell("too little history"), SortedCell(""), SortedCell(""), SortedCell("")]
    interval = f"{write_in_unit(found.lower[0.7], unit)} to {write_in_unit(found.upper[0.7], unit)}"
    chance = SortedCell(write_share(found.chance_over), found.chance_over)
    estimate = SortedCell(write_in_unit(found.estimate, unit), found.estimate)
    return [
        *head,
        estimate,
        SortedCell(interval),
        chance,
        SortedCell("" if not found.crossing else str(found.crossing)),
    ]
