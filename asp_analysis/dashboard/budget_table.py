"""The budgets of the store on the page: what was spent, where each period will end, and when it is crossed."""

import pandas as pd

from asp_analysis.budget_sentences import name_budget, say_forecast, say_none_set, say_spent, write_in_unit
from asp_analysis.budgeting import BudgetAnswer, answer_budgets, find_newest_day, read_budgets
from asp_analysis.dashboard.parts import Alert, Note, Row, SortedCell, Table
from asp_analysis.dashboard.words import shorten
from asp_analysis.session import Session
from asp_analysis.wording import write_share

CHANCE = 0.8
"""Probability of crossing from which on the page warns: docs/budget.md says how often such alerts were false."""

_NARROWED = "Budgets are of the whole store or of its teams, people and projects: the page of everything shows them."


def find_budget_answers(session: Session, as_of: pd.Timestamp) -> list[BudgetAnswer] | Note:
    """Answer the budgets as of the newest day with an execution, or of the day of `as_of` where that is earlier."""
    budgets = read_budgets(session)
    if not budgets:
        return Note(say_none_set(is_lake=session.url.is_lake))
    if not session.scope.is_whole:
        return Note(_NARROWED)
    newest = find_newest_day(session)
    return answer_budgets(session, budgets, None if newest is None else min(newest, as_of.date()))


def build_budget_part(answers: list[BudgetAnswer] | Note, clock: str) -> Table | Note:
    """Return the budgets as a table, or the note that says why there are none. clock: whose days they are."""
    if isinstance(answers, Note):
        return answers
    return Table(
        title="Budgets",
        headers=["Budget", "Period", "Spent", "Forecast", "70 % interval", "Crossing", "Expected on"],
        rows=[Row(cells=_list_cells(one), anchor=f"budget-{place}") for place, one in enumerate(answers)],
        words=f"As of the end of {answers[0].as_of} ({clock})." if answers else "",
        names=2,
        anchor="budgets",
    )


def warn_of_budgets(answers: list[BudgetAnswer] | Note) -> list[Alert]:
    """Return an alert for each budget that is crossed, or will be with a probability of 80 % or more."""
    if isinstance(answers, Note):
        return []
    found = [(place, one) for place, one in enumerate(answers) if _is_crossed(one) or _find_chance(one) >= CHANCE]
    return [_describe(one, f"#budget-{place}") for place, one in found]


def _is_crossed(one: BudgetAnswer) -> bool:
    return one.spent > one.budget.amount


def _find_chance(one: BudgetAnswer) -> float:
    return one.forecast.chance_over if one.forecast is not None else 0.0


def _describe(one: BudgetAnswer, href: str) -> Alert:
    what = "is crossed" if _is_crossed(one) else f"will be crossed ({write_share(_find_chance(one))})"
    said = f"{say_spent(one)} {say_forecast(one)}"
    return Alert("act", f"Budget of {shorten(one.budget.part, 60)}: {what}", said, href)


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
