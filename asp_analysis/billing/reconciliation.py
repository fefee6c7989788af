"""The answer: each day and model, the causes of what differs, and how much of the bill no cause explains."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from asp_analysis.billing.bill import Bill
from asp_analysis.billing.comparison import BillCell, compare_bills
from asp_analysis.billing.difference_causes import Cause, find_causes
from asp_analysis.billing.reading import read_bills
from asp_analysis.billing.seen import SeenHour, read_seen
from asp_analysis.session import Session


@dataclass(frozen=True, kw_only=True)
class BillReconciliation:
    """A bill next to what was seen.

    cells: one row per day and model: day, model, billed_usd, seen_usd, difference_usd [USD], billed_tokens, seen_tokens
    [tokens], status, cause. causes: cause, day, model, usd, sentence. billed_usd: the whole bill, None where it has no
    money; unexplained_usd: of the differences that have no cause, regardless of their sign.
    """

    cells: pd.DataFrame
    causes: pd.DataFrame
    billed_usd: float | None
    seen_usd: float | None
    unexplained_usd: float
    answer: str
    notes: tuple[str, ...]


def reconcile(session: Session, paths: list[Path]) -> BillReconciliation:
    """Put bills next to what the store has seen.

    Raises:
        InputError: a file cannot be read, or is no bill.
        StoreError: the store cannot be read.
    """
    bills = read_bills(paths)
    days = [line.day for bill in bills for line in bill.lines]
    return compare(bills, read_seen(session, min(days), max(days)))


def compare(bills: list[Bill], hours: list[SeenHour]) -> BillReconciliation:
    """Put bills next to the hours of what was seen."""
    compared = compare_bills(bills, hours)
    causes, explained = find_causes(compared)
    rows = [_row(cell, explained.get((cell.day, cell.model))) for cell in compared.cells]
    usage = [cell.billed_usd for cell in compared.cells if cell.billed_usd is not None]
    fees = [line.cost_usd for line in compared.fees if line.cost_usd is not None]
    billed = sum(usage) + sum(fees) if usage or fees else None
    known = [cell.seen_usd + (cell.search_usd if cell.has_search_lines else 0.0) for cell in compared.cells
             if cell.seen_usd is not None]  # fmt: skip
    seen = sum(known) if known else None
    unexplained = sum(
        abs(cell.difference_usd) for cell in compared.cells
        if not cell.is_matched and (cell.day, cell.model) not in explained
    )  # fmt: skip
    return BillReconciliation(
        cells=pd.DataFrame(rows, columns=list(_CELL_COLUMNS)),
        causes=pd.DataFrame([vars(cause) for cause in causes], columns=list(Cause.__dataclass_fields__)),
        billed_usd=billed,
        seen_usd=seen,
        unexplained_usd=unexplained,
        answer=_answer(compared.cells, causes, billed, seen, unexplained),
        notes=tuple(note for bill in bills for note in bill.notes),
    )


_CELL_COLUMNS = (
    "day", "model", "billed_usd", "seen_usd", "difference_usd", "billed_tokens", "seen_tokens", "status", "cause",
)  # fmt: skip


def _row(cell: BillCell, cause: str | None) -> tuple[object, ...]:
    difference = None if cell.billed_usd is None else cell.difference_usd
    money = cell.billed_usd, cell.seen_usd, difference
    return (cell.day, cell.model, *money, cell.billed_tokens, cell.seen_tokens, cell.status, cause)


def _answer(cells: list[BillCell], causes: list[Cause], billed: float | None, seen: float | None, rest: float) -> str:
    matched = sum(cell.is_matched for cell in cells)
    said = f"{matched:,} of {len(cells):,} days and models match."
    if billed is None:
        return f"The bill has tokens and no money. {said}"
    found = "nothing was" if seen is None else f"USD {seen:,.2f} were"
    share = f" ({rest / billed:.2%} of the bill)" if billed else ""
    names = ", ".join(dict.fromkeys(cause.cause for cause in causes))
    why = f" Causes: {names}." if names else ""
    return f"USD {billed:,.2f} were billed, {found} seen. {said}{why} USD {rest:,.2f} has no cause{share}."
