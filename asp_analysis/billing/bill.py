"""A bill as lines: a day, a model, what it cost, and the tokens where the form has them."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from asp_analysis.records import LARGEST_AMOUNT
from asp_analysis.validation import shown

_DATED = re.compile(r"([-@](20\d{6}|20\d\d-\d\d-\d\d))$|-latest$")

TOKEN_USE, WEB_SEARCH, OTHER = "tokens", "web_search", "other"
"""What a line is about: the use of a model, a fee per web search, or any other fee."""


@dataclass(frozen=True, kw_only=True)
class BillLine:
    """One line of a bill.

    day: ISO, as the bill counts days; cost_usd: what is charged, list_usd: before any discount, both None where the
    form has no money; tokens_in holds cached tokens too; tier: batch, priority, flex, where it is not the standard one;
    identity: all that the line says, by which a repeated one is known.
    """

    day: str
    model: str | None = None
    kind: str = TOKEN_USE
    cost_usd: float | None = None
    list_usd: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    person: str | None = None
    tier: str | None = None
    identity: str = ""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The lines of one file.

    scope: which executions it is about, as the name of a column and its value (`llm_provider`, `tool`), None where any;
    has_equal_lines: whether equal lines are different requests.
    """

    name: str
    form: str
    scope: tuple[str, str] | None
    lines: list[BillLine]
    notes: list[str] = field(default_factory=list)
    has_equal_lines: bool = False


def read_amount(value: Any) -> float:
    """Return an amount of money as a form writes it; corrections are negative.

    Raises:
        ValueError: it is no number, or one that no bill has.
    """
    try:
        amount = float(value)
    except (TypeError, ValueError):
        amount = math.nan
    if not abs(amount) <= LARGEST_AMOUNT:
        raise ValueError(f"{shown(value)} is not an amount of money between -1e15 and 1e15")
    return amount


def model_key(name: str | None) -> str:
    """Return a model's name without its provider, its date and the differences of spelling between bills and calls."""
    text = (name or "").strip().lower().rpartition("/")[2].replace(" ", "-")
    text = _DATED.sub("", text.removesuffix(":free"))
    return text.replace(".", "-")


def drop_repeated_days(bills: list[Bill]) -> tuple[list[BillLine], list[tuple[str, str, float]]]:
    """Return all lines, each day once, and which days come again: the form, the day, and what the repetition cost.

    A day comes again where each of its lines comes the same number of times: pages or files that overlap.
    """
    kept: list[BillLine] = []
    repeated = []
    by_form: dict[str, list[BillLine]] = {}
    for bill in bills:
        numbered = [replace(line, identity=f"{bill.name} {place}") for place, line in enumerate(bill.lines)]
        by_form.setdefault(bill.form, []).extend(numbered if bill.has_equal_lines else bill.lines)
    for form, lines in by_form.items():
        for day in sorted({line.day for line in lines}):
            own = [line for line in lines if line.day == day]
            times = Counter(line.identity for line in own)
            if set(times.values()) - {1} and len(set(times.values())) == 1:
                once = list({line.identity: line for line in own}.values())
                extra = sum(line.cost_usd or 0.0 for line in own) - sum(line.cost_usd or 0.0 for line in once)
                repeated.append((form, day, extra))
                own = once
            kept += own
    return kept, repeated
