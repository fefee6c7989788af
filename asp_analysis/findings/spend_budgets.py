"""Notebook 11: where the period of each budget will end."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis import charts
from asp_analysis.budget_sentences import name_budget, say_forecast, say_movers, say_spent, write_in_unit
from asp_analysis.budgeting import Budget, BudgetAnswer, answer_budgets, read_budgets
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.session import Session
from asp_analysis.spending.period_forecast import Limit, list_fan
from asp_analysis.wording import write_noun, write_share

SET = "Set one with `asp-analysis budget set --monthly AMOUNT`."
_LOAD_COSTS = "Load costs with `asp-analysis load FILE`."


def read_answers(session: Session, monthly: float | None = None) -> list[BudgetAnswer]:
    """Answer the budgets of what the session shows; the one most likely crossed comes first.

    Where none is set, `monthly` (USD) is the budget, else what the month before cost: the answer shows where the month
    ends.
    """
    day = _find_day(session)
    answers = answer_budgets(session, _choose(session), day) if monthly is None else []
    if not answers:
        answers = answer_budgets(session, [_suppose(monthly or 1.0)], day)
        if monthly is None and answers:
            answers = answer_budgets(session, [_suppose(_sum_month_before(answers[0]) or 1.0)], day)
    return sorted(answers, key=lambda one: -_rank(one))


def answer(session: Session, monthly: float | None = None) -> Finding:
    """Say where the budget that is most likely crossed will end, and draw it."""
    answers = read_answers(session, monthly)
    if not answers:
        return lack("The store has no execution, so that nothing was spent.", _LOAD_COSTS)
    one = answers[0]
    text = f"**{_name(one)}**: {say_spent(one)} {say_forecast(one)}"
    return Finding(text=text, draw=_draw(one))


def tell_supposed(answers: list[BudgetAnswer]) -> Finding:
    """Say which budgets are answered, or that none is set."""
    if not answers:
        return lack("There is no budget to answer.", _LOAD_COSTS)
    if answers[0].budget.budget_id:
        return Finding(text=f"{write_noun(len(answers), 'budget')} of the store.")
    return Finding(text=f"No budget is set for what is read here, so one is supposed. {SET}")


def list_budgets(answers: list[BudgetAnswer]) -> Finding:
    """List the budgets with what was spent, the forecast and the probability of crossing."""
    if not answers:
        return lack("There is no budget to list.", _LOAD_COSTS)
    rows = [
        {
            "budget": name_budget(one.budget),
            "spent": write_in_unit(one.spent, one.budget.unit),
            "forecast": "" if one.forecast is None else write_in_unit(one.forecast.estimate, one.budget.unit),
            "70 % interval": _write_interval(one),
            "probability of crossing": "" if one.forecast is None else write_share(one.forecast.chance_over),
            "expected on": "" if one.forecast is None or one.forecast.crossing is None else str(one.forecast.crossing),
        }
        for one in answers
    ]
    return Finding(text=f"As of the end of {answers[0].as_of}.", table=pd.DataFrame(rows))


def tell_movers(answers: list[BudgetAnswer]) -> Finding:
    """Say what moves each forecast."""
    said = [f"- {_name(one)}: {words}" for one in answers if (words := say_movers(one))]
    return Finding(text="\n".join(said)) if said else lack("Nothing is known that moves a forecast.", _LOAD_COSTS)


def compare_rules(answers: list[BudgetAnswer]) -> Finding:
    """Show what simple rules say of the end, and how earlier forecasts held."""
    known = [one for one in answers if one.forecast is not None]
    if not known:
        return lack("No budget has a forecast to compare.", answers[0].refusal if answers else _LOAD_COSTS)
    rows = []
    for one in known:
        found, unit = one.forecast, one.budget.unit
        rules = {} if found is None else found.rules
        row = {"budget": name_budget(one.budget), "forecast": write_in_unit(found.estimate if found else np.nan, unit)}
        row |= {name.replace("_", " "): write_in_unit(total, unit) for name, total in rules.items()}
        rows.append(row | {"earlier periods": found.checked if found else 0, "held": found.held_70 if found else 0})
    found_all = [one.forecast for one in known if one.forecast is not None]
    held, checked = sum(one.held_70 for one in found_all), sum(one.checked for one in found_all)
    text = (
        f"On the same day of {write_noun(checked, 'earlier period')}, the 70 % interval held **{held}** times."
        if checked
        else "No earlier period is long enough ago to be forecast, so that nobody knows how the intervals hold here."
    )
    return Finding(text=text, table=pd.DataFrame(rows))


def describe_days(answers: list[BudgetAnswer]) -> Finding:
    """Say what the daily spend behind the first answer is like."""
    spend = answers[0].spend if answers else None
    if spend is None:
        return lack("There is no spend to draw.", _LOAD_COSTS)
    days = pd.date_range(spend.first_day, periods=len(spend.amounts))
    frame = pd.DataFrame({"day": days, "amount": spend.amounts})
    weekdays = frame.groupby(frame["day"].dt.day_name(), sort=False)["amount"].mean()
    quiet = float((spend.amounts == 0).mean())
    unit = answers[0].budget.unit
    most, least = str(weekdays.idxmax()), str(weekdays.idxmin())
    text = (
        f"{write_noun(len(days), 'day')} of history; {write_share(quiet)} of them had no spend. {most} is the day with "
        f"the most ({write_in_unit(float(weekdays.max()), unit)} on average), {least} that with the least "
        f"({write_in_unit(float(weekdays.min()), unit)})."
    )
    return Finding(text=text)


# --- helpers ---


def _find_day(session: Session) -> date | None:
    """Return the last day that the session shows where it is narrowed to one."""
    before = session.scope.before
    return None if before is None else (before - timedelta(microseconds=1)).date()


def _choose(session: Session) -> list[Budget]:
    """Return the budgets of the part that is read: all of them, or those of the project or the model."""
    scope, budgets = session.scope, read_budgets(session)
    parts = [(name, value) for name in ("project", "model", "role") if (value := getattr(scope, name)) is not None]
    if not parts:
        return budgets
    return [one for one in budgets if len(parts) == 1 and (one.dimension, one.member) == parts[0]]


def _suppose(amount: float) -> Budget:
    return Budget(budget_id="", dimension=None, member=None, period="month", unit="USD", amount=amount)


def _sum_month_before(one: BudgetAnswer) -> float:
    if one.spend is None:
        return 0.0
    first, last = ((day - one.spend.first_day).days for day in (one.span.before.first, one.span.before.last))
    return float(one.spend.amounts[max(first, 0) : max(last + 1, 0)].sum())


def _name(one: BudgetAnswer) -> str:
    if one.budget.budget_id:
        return name_budget(one.budget)
    return f"All that is read, against a supposed {write_in_unit(one.budget.amount, 'USD')} per month"


def _rank(one: BudgetAnswer) -> float:
    if one.forecast is None:
        return 2.0 if one.spent > one.budget.amount else -1.0
    return one.forecast.chance_over


def _write_interval(one: BudgetAnswer) -> str:
    if one.forecast is None:
        return one.refusal
    low, high = one.forecast.lower[0.7], one.forecast.upper[0.7]
    return f"{write_in_unit(low, one.budget.unit)} to {write_in_unit(high, one.budget.unit)}"


def _draw(one: BudgetAnswer) -> Callable[[], Any] | None:
    if one.forecast is None or one.spend is None:
        return None
    days = [one.span.first + timedelta(days=k) for k in range((one.as_of - one.span.first).days + 1)]
    amounts = {one.spend.first_day + timedelta(days=k): value for k, value in enumerate(one.spend.amounts)}
    so_far = np.cumsum([amounts.get(day, 0.0) for day in days])
    past = pd.DataFrame({"day": days, "spent": so_far, "estimate": np.nan, "lower": np.nan, "upper": np.nan})
    past.loc[past.index[-1:], ["estimate", "lower", "upper"]] = so_far[-1]
    fan = list_fan(one.spend, Limit(one.budget.period, one.budget.amount))
    ahead = pd.DataFrame(fan, columns=["day", "lower", "upper", "estimate"]).assign(spent=np.nan)
    frame = pd.concat([past, ahead], ignore_index=True) if len(ahead) else past
    title = f"{one.span}: {write_in_unit(one.spent, one.budget.unit)} spent by {one.as_of}"
    return partial(charts.plot_budget_fan, frame, one.budget.amount, title=title, unit=one.budget.unit)
