"""What a budget's answer says in sentences: the same ones on the command line, in the notebook and on the dashboard."""

from asp_analysis.budgeting import Budget, BudgetAnswer
from asp_analysis.spending.period_forecast import PeriodForecast
from asp_analysis.wording import write_count, write_noun, write_share, write_usd

_EACH = {"day": "day", "week": "week", "month": "month", "quarter": "quarter"}
_RULE_NAMES = {"run_rate": "run rate", "last_period": "last {period}", "seasonal_naive": "the last seven days again"}


def write_in_unit(value: float, unit: str) -> str:
    """Return an amount in the unit of a budget: USD 1,250 or 1,200,000 tokens."""
    return write_usd(value) if unit == "USD" else f"{write_count(value)} tokens"


def say_none_set(*, is_lake: bool) -> str:
    """Return how to set the first budget."""
    where = " in a store that publishes to this lake" if is_lake else ""
    return f"No budget is set. Set one{where} with: asp-analysis budget set --monthly AMOUNT"


def name_budget(budget: Budget) -> str:
    """Return a budget in words: "team core, USD 5,000 per month"."""
    return f"{budget.part}, {write_in_unit(budget.amount, budget.unit)} per {_EACH[budget.period]}"


def say_spent(one: BudgetAnswer) -> str:
    """Return what was spent so far."""
    budget = one.budget
    spent = write_in_unit(one.spent, budget.unit)
    share = write_share(one.spent / budget.amount)
    days = f"{one.span.first} to {one.span.last}" if one.span.days > 1 else f"{one.span.first}"
    unknown = f" {write_noun(one.unknown, 'execution')} without a known cost come on top." if one.unknown else ""
    return f"{spent} ({share}) spent by the end of {one.as_of}, of {days}.{unknown}"


def say_forecast(one: BudgetAnswer) -> str:
    """Return where the period will end, with its intervals, or why nobody can say."""
    found, unit = one.forecast, one.budget.unit
    if found is None:
        crossed = "The budget is crossed. " if one.spent > one.budget.amount else ""
        return f"{crossed}No forecast: {one.refusal}"
    if not found.days_left:
        return f"The {one.budget.period} is over."
    intervals = "; ".join(
        f"{100 * level:g} % interval {write_in_unit(low, unit)} to {write_in_unit(found.upper[level], unit)}"
        for level, low in found.lower.items()
    )
    return f"Forecast for the end: {write_in_unit(found.estimate, unit)} ({intervals}). {_say_crossing(one, found)}"


def _say_crossing(one: BudgetAnswer, found: PeriodForecast) -> str:
    if found.is_crossed:
        return f"The budget was crossed on {found.crossing}."
    chance = f"Probability of crossing the budget: {write_share(found.chance_over)}"
    if found.crossing is None:
        return f"{chance}; it is not expected to be crossed by {one.span.last}."
    return f"{chance}; expected on {found.crossing}."


def say_movers(one: BudgetAnswer) -> str:
    """Return what moves the forecast: the rate, the open tasks, the running sessions."""
    found, movers, unit = one.forecast, one.movers, one.budget.unit
    said = []
    if found is not None:
        left = "" if movers.left_per_day is None else f", {write_in_unit(movers.left_per_day, unit)} are left per day"
        said.append(f"usual spend now {write_in_unit(found.rate, unit)} per day{left}")
    if movers.open_tasks is not None and movers.usual_open_tasks is not None:
        said.append(
            f"{write_noun(movers.open_tasks, 'open task')} (usually {movers.usual_open_tasks:,.1f}){_say_open(one)}"
        )
    if movers.running_sessions:
        said.append(f"{write_noun(movers.running_sessions, 'running session')}")
    return f"What moves it: {'; '.join(said)}." if said else ""


_COUNTED_BY = {
    "estimate": "counted by their estimates",
    "size": "counted by their sizes, as too few tasks have an estimate",
    "number": "counted by number, as too few tasks have an estimate or a size",
}


def _say_open(one: BudgetAnswer) -> str:
    movers = one.movers
    if not movers.open_tasks or movers.open_by is None:
        return ""
    estimate = movers.open_estimate
    planned = "" if estimate is None else f", estimated at {write_in_unit(estimate, one.budget.unit)} in all"
    return f", {_COUNTED_BY[movers.open_by]}{planned}"


def say_rules(one: BudgetAnswer) -> str:
    """Return what simple rules say of the end, and how the forecast did in earlier periods."""
    found, budget = one.forecast, one.budget
    if found is None or not found.days_left:
        return ""
    rules = "; ".join(
        f"{_RULE_NAMES[name].format(period=budget.period)} {write_in_unit(total, budget.unit)}"
        for name, total in found.rules.items()
    )
    if not found.checked:
        return f"Simple rules: {rules}. No earlier {budget.period} could be forecast to check the intervals."
    return (
        f"Simple rules: {rules}. On the same day of {write_noun(found.checked, f'earlier {budget.period}')}, the 70 % "
        f"interval held {found.held_70} times."
    )


def describe_answer(one: BudgetAnswer) -> list[str]:
    """Return all that is said of one budget, a sentence or two each."""
    return [text for text in (say_spent(one), say_forecast(one), say_movers(one), say_rules(one)) if text]
