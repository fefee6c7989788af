"""Budgets that people set: they are kept with the store, and every answer reads them from there."""

from dataclasses import dataclass
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.store.database import Store, now
from asp_analysis.store.statements import execute


@dataclass(frozen=True, kw_only=True)
class NewBudget:
    """What may be spent in each period. dimension, member: on which part, both None for the whole store."""

    dimension: str | None
    member: str | None
    period: str
    unit: str
    amount: float

    @property
    def name(self) -> str:
        """What names the budget: one part has one budget for each period and unit."""
        part = "all" if self.dimension is None else f"{self.dimension}={self.member}"
        return f"{part}/{self.period}/{self.unit}"


def set_budget(store: Store, budget: NewBudget) -> bool:
    """Keep a budget; return whether it took the place of another amount.

    Raises:
        InputError: the amount is not above 0, or the part has no name.
        StoreError: the store cannot be written.
    """
    if not 0 < budget.amount < float("inf"):
        raise InputError(f"A budget is an amount above 0, found {budget.amount:g}. To end one, use budget remove NAME.")
    if budget.dimension is not None and not (budget.member or "").strip():
        raise InputError(f"The {budget.dimension} of a budget needs a name, found {budget.member!r}.")
    values = (budget.dimension, budget.member, budget.period, budget.unit, budget.amount, now())
    with store.transaction() as connection:
        is_there = execute(connection, "SELECT 1 FROM budget WHERE budget_id = ?", (budget.name,)).first() is not None
        execute(
            connection,
            "INSERT INTO budget (budget_id, dimension, member, period, unit, amount, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (budget_id) DO UPDATE SET amount = excluded.amount, "
            "created_at = excluded.created_at",
            (budget.name, *values),
        )
    return is_there


def remove_budget(store: Store, name: str) -> None:
    """End a budget.

    Raises:
        InputError: there is no such budget; the message lists those that are there.
        StoreError: the store cannot be written.
    """
    with store.transaction() as connection:
        known = [row[0] for row in execute(connection, "SELECT budget_id FROM budget ORDER BY budget_id").all()]
        if name not in known:
            there = f"There are: {', '.join(known)}" if known else "None is set"
            raise InputError(f"{name!r} is no budget. {there}.")
        execute(connection, "DELETE FROM budget WHERE budget_id = ?", (name,))


def list_budgets(store: Store) -> list[dict[str, Any]]:
    """List the budgets by their names: budget_id, dimension, member, period, unit, amount, created_at."""
    return store.read(
        "SELECT budget_id, dimension, member, period, unit, amount, created_at FROM budget ORDER BY budget_id"
    )
