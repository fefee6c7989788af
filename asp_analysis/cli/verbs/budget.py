"""`asp-analysis budget`: what may be spent, what was, and where the period will end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import format_options, open_session, pseudonyms_option, reading_options
from asp_analysis.cli.printing import note, print_frame, say
from asp_analysis.errors import InputError

if TYPE_CHECKING:
    from asp_analysis.budgeting import BudgetAnswer
    from asp_analysis.store.budgets import NewBudget

_ACTIONS = ("set", "list", "remove")
_PERIOD_OF_OPTION = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter"}
_PART_OPTIONS = ("team", "person", "project", "model")


class _Probability(click.ParamType):
    """A probability, as a share (0.8) or in percent (80)."""

    name = "probability"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it as a share."""
        try:
            number = float(str(value).removesuffix("%"))
        except ValueError:
            self.fail(f"{value!r} is no probability; write 80 or 0.8.", param, ctx)
        share = number / 100 if number > 1 else number
        if not 0 < share <= 1:
            self.fail(f"{value!r} is no probability above 0; write 80 or 0.8.", param, ctx)
        return share


@dataclass(frozen=True)
class _WantedBudget:
    """What a command line says of a budget: parts as (dimension, name), amounts as (period, amount)."""

    parts: list[tuple[str, str]]
    amounts: list[tuple[str, float]]

    @property
    def is_empty(self) -> bool:
        return not self.parts and not self.amounts


def _budget_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `budget set`, which arrive as `said`."""

    @wraps(function)
    def command(**words: Any) -> Any:
        parts = [(name, words.pop(name)) for name in _PART_OPTIONS]
        label = words.pop("label")
        parts += [(f"label {label.partition('=')[0]}", label.partition("=")[2])] if label is not None else []
        amounts = [(_PERIOD_OF_OPTION[name], words.pop(name)) for name in _PERIOD_OF_OPTION]
        said = _WantedBudget(
            [one for one in parts if one[1] is not None], [one for one in amounts if one[1] is not None]
        )
        return function(said=said, **words)

    for name in reversed(_PERIOD_OF_OPTION):
        amount = click.option(
            f"--{name}", type=float, metavar="AMOUNT", help=f"May be spent per {_PERIOD_OF_OPTION[name]}."
        )
        command = amount(command)
    command = click.option("--label", metavar="NAME=VALUE", help="Of this label.")(command)
    for name in reversed(_PART_OPTIONS):
        command = click.option(f"--{name}", metavar="NAME", help=f"Of this {name}. [default: the whole store]")(command)
    return command


@click.command()
@click.argument("action", type=click.Choice(_ACTIONS), required=False)
@click.argument("name", required=False)
@_budget_options
@click.option("--tokens", "is_tokens", is_flag=True, help="The amount is in tokens. [default: USD]")
@click.option("--check", type=_Probability(), help="Exit with 3 where a budget is crossed with this probability.")
@click.option("--as-of", metavar="DAY", help="Answer as of the end of this day. [default: day of the newest execution]")
@click.option("--time-zone", "zone", metavar="ZONE", help="Whose days, as in Europe/Berlin. [default: UTC]")
@pseudonyms_option
@format_options
@reading_options
def command(
    action: str | None,
    name: str | None,
    said: _WantedBudget,
    is_tokens: bool,
    check: float | None,
    as_of: str | None,
    zone: str | None,
    output: str | None,
    db: str | None,
) -> None:
    """Say what was spent of each budget and where its period will end.

    `budget set` keeps a budget in the store, `budget list` lists them, `budget remove NAME` ends one. The forecast has
    intervals, the probability of crossing and the day on which that is expected; below two weeks of history it is
    refused.

    Example: asp-analysis budget set --team core --monthly 5000
    """
    if action != "remove" and name is not None:
        raise click.UsageError(f"Only budget remove takes a NAME, found {name!r}.")
    if action != "set" and (not said.is_empty or is_tokens):
        raise click.UsageError("A part, an amount and --tokens belong to budget set, as in: budget set --monthly 5000")
    if action is not None and (check is not None or as_of or zone):
        raise click.UsageError(f"--check, --as-of and --time-zone belong to budget alone, not to budget {action}.")
    from asp_analysis.budgeting import answer_budgets, read_budgets

    if action == "set":
        _set(_read_budget(said, is_tokens), db)
    elif action == "remove":
        _remove(name, db)
    elif action == "list":
        _list(output, db)
    else:
        with open_session(db) as session:
            budgets = read_budgets(session)
            answers = answer_budgets(session, budgets, _read_day(as_of), zone)
            is_lake = session.url.is_lake
        if budgets or output:
            _show(answers, output)
        else:
            _say_none_set(is_lake)
        if check is not None:
            _check(answers, check)


def _read_budget(said: _WantedBudget, is_tokens: bool) -> "NewBudget":
    from asp_analysis.store.budgets import NewBudget

    if len(said.amounts) != 1:
        raise click.UsageError("A budget has one amount. Write one of --daily, --weekly, --monthly, --quarterly.")
    if len(said.parts) > 1:
        raise click.UsageError("A budget is of one part. Write one of --team, --person, --project, --model, --label.")
    dimension, member = said.parts[0] if said.parts else (None, None)
    if dimension == "label " or (dimension and not member):
        raise click.UsageError("A part has a name, as in --team core or --label env=prod.")
    period, amount = said.amounts[0]
    unit = "tokens" if is_tokens else "USD"
    return NewBudget(dimension=dimension, member=member, period=period, unit=unit, amount=amount)


def _set(budget: "NewBudget", db: str | None) -> None:
    from asp_analysis.config import store_url
    from asp_analysis.store.budgets import set_budget
    from asp_analysis.store.database import open_store

    with open_store(store_url(db)) as store:
        was_there = set_budget(store, budget)
    note(f"{'Changed' if was_there else 'Set'} {budget.name} to {budget.amount:,.12g} {budget.unit}.")


def _remove(name: str | None, db: str | None) -> None:
    from asp_analysis.config import store_url
    from asp_analysis.store.budgets import remove_budget
    from asp_analysis.store.database import open_store

    if name is None:
        raise click.UsageError("Name a budget, as budget list shows it: asp-analysis budget remove all/month/USD")
    with open_store(store_url(db)) as store:
        remove_budget(store, name)
    note(f"Removed {name}.")


def _list(output: str | None, db: str | None) -> None:
    with open_session(db) as session:
        rows, is_lake = session.view("stg_budgets"), session.url.is_lake
    if output or len(rows):
        print_frame(rows, output)
    else:
        _say_none_set(is_lake)


def _say_none_set(is_lake: bool) -> None:
    from asp_analysis.budget_sentences import say_none_set

    say(say_none_set(is_lake=is_lake))


def _read_day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text!r} is no day. Write it as 2026-01-31.") from None


def _show(answers: "list[BudgetAnswer]", output: str | None) -> None:
    from asp_analysis.budgeting import list_answers

    if output:
        print_frame(list_answers(answers), output)
    elif answers:
        _print(answers)
    else:
        say("The store has no execution, so nothing was spent.")


def _check(answers: "list[BudgetAnswer]", check: float) -> None:
    if found := [one.budget.budget_id for one in answers if _is_over(one, check)]:
        note(f"{len(found)} of {len(answers)} budgets are crossed at {check:.0%} or more: {', '.join(found)}")
        raise click.exceptions.Exit(3)


def _is_over(one: "BudgetAnswer", check: float) -> bool:
    if one.forecast is None:
        return one.spent > one.budget.amount
    return one.forecast.is_crossed or one.forecast.chance_over >= check


def _print(answers: "list[BudgetAnswer]") -> None:
    from asp_analysis.budget_sentences import describe_answer, name_budget

    for place, one in enumerate(answers):
        if place:
            say("")
        say(name_budget(one.budget))
        for text in describe_answer(one):
            say(f"  {text}")
