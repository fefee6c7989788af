"""A bill next to what was seen, cell by cell: one day of one model.

A cell matches where the costs differ by no more than rounding to cents, or by a part in two thousand; where a bill has
no money, its tokens decide. Days of a bill may begin at another hour than midnight UTC: the hour at which most cells
match is taken, where it is clearly better.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from asp_analysis.billing.bill import TOKEN_USE, WEB_SEARCH, Bill, BillLine, drop_repeated_days, model_key
from asp_analysis.billing.seen import SeenHour

_CENT, _SHARE = 0.005, 0.0005
_SHIFTS = sorted(range(-14, 15), key=abs)
_CLEARLY_BETTER = 3
WHOLE_DAYS = "(all models)"

Place = tuple[str, str]


@dataclass(kw_only=True)
class BillCell:
    """One day of one model: what was billed and what was seen; None is unknown."""

    day: str
    model: str
    lines: list[BillLine] = field(default_factory=list)
    hours: list[SeenHour] = field(default_factory=list)
    has_search_lines: bool = False

    @property
    def billed_usd(self) -> float | None:
        """What was billed."""
        return _sum(line.cost_usd for line in self.lines)

    @property
    def listed_usd(self) -> float | None:
        """What the bill lists before discounts."""
        return _sum(line.list_usd for line in self.lines)

    @property
    def seen_usd(self) -> float | None:
        """What was seen; without web searches where the bill has lines of their own for these."""
        known = _sum(hour.cost_usd for hour in self.hours)
        return known - self.search_usd if known is not None and self.has_search_lines else known

    @property
    def search_usd(self) -> float:
        """What the web searches that were seen cost by the list."""
        return sum(hour.search_usd for hour in self.hours)

    @property
    def billed_tokens(self) -> int | None:
        """The tokens that were billed, in and out."""
        known = [(line.tokens_in or 0) + (line.tokens_out or 0) for line in self.lines if line.tokens_in is not None]
        return sum(known) if known else None

    @property
    def seen_tokens(self) -> int | None:
        """The tokens that were seen, in and out."""
        known = [(hour.tokens_in or 0) + (hour.tokens_out or 0) for hour in self.hours if hour.tokens_in is not None]
        return sum(known) if known else None

    @property
    def unpriced(self) -> int:
        """Executions whose cost is unknown."""
        return sum(hour.unpriced for hour in self.hours)

    @property
    def difference_usd(self) -> float:
        """Billed less seen."""
        return (self.billed_usd or 0.0) - (self.seen_usd or 0.0)

    @property
    def has_equal_tokens(self) -> bool:
        """Whether both sides know the tokens, and they agree."""
        billed, seen = self.billed_tokens, self.seen_tokens
        return billed is not None and seen is not None and abs(billed - seen) <= _SHARE * max(billed, seen)

    @property
    def is_matched(self) -> bool:
        """Whether both sides say the same."""
        if self.billed_usd is None:
            return bool(self.lines) == bool(self.hours) and self.has_equal_tokens
        if not self.lines or not self.hours or self.seen_usd is None:
            return abs(self.difference_usd) < 1e-9
        most = max(_CENT * sum(line.cost_usd is not None for line in self.lines), _SHARE * abs(self.billed_usd))
        return abs(self.difference_usd) <= most + 1e-9

    @property
    def status(self) -> str:
        """How the two sides compare: matched, only theirs, only ours, price differs, usage differs."""
        if self.is_matched:
            return "matched"
        if not self.hours:
            return "only theirs"
        if not self.lines:
            return "only ours"
        return "price differs" if self.has_equal_tokens else "usage differs"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A bill next to the store. shift_h: at which hour UTC its days begin; repeated: days that come again in it."""

    cells: list[BillCell]
    fees: list[BillLine]
    shift_h: int
    repeated: list[tuple[str, str, float]]


def compare_bills(bills: list[Bill], hours: list[SeenHour]) -> Compared:
    """Return the cells of all days that the bills have, by day and model."""
    lines, repeated = drop_repeated_days(bills)
    of_bill = _within(bills, lines, hours)
    usage = [line for line in lines if line.kind == TOKEN_USE]
    fees = [line for line in lines if line.kind != TOKEN_USE]
    name = model_key if any(line.model for line in usage) else _one_name
    has_search_lines = any(line.kind == WEB_SEARCH for line in fees)
    days = {line.day for line in lines}

    def cells_at(shift_h: int) -> list[BillCell]:
        return _cells(usage, [hour for hour in of_bill if hour.day(shift_h) in days], name, shift_h)

    shift_h = _find_shift(cells_at)
    cells = cells_at(shift_h)
    for cell in cells:
        cell.has_search_lines = has_search_lines
    return Compared(cells=cells, fees=fees, shift_h=shift_h, repeated=repeated)


def _one_name(_model: str | None) -> str:
    return WHOLE_DAYS


def _within(bills: list[Bill], lines: list[BillLine], hours: list[SeenHour]) -> list[SeenHour]:
    """Return the hours that the bills are about: of their providers or tools, else of the models that they name."""
    scopes = {bill.scope for bill in bills}
    models = {model_key(line.model) for line in lines if line.model}

    def is_of(hour: SeenHour) -> bool:
        if hour.billing in ("plan", "own key") and not any(scope and scope[0] == "tool" for scope in scopes):
            return False
        for scope in scopes:
            said = None if scope is None else getattr(hour, scope[0])
            if scope is None and model_key(hour.llm_model) in models:
                return True
            if scope is not None and said and said.lower().startswith(scope[1]):
                return True
            if scope is not None and not said and model_key(hour.llm_model) in models:
                return True
        return False

    return [hour for hour in hours if is_of(hour)]


def _cells(
    lines: list[BillLine], hours: list[SeenHour], name: Callable[[str | None], str], shift_h: int
) -> list[BillCell]:
    found: dict[Place, BillCell] = {}

    def cell(day: str, model: str) -> BillCell:
        return found.setdefault((day, model), BillCell(day=day, model=model))

    for line in lines:
        cell(line.day, name(line.model)).lines.append(line)
    for hour in hours:
        cell(hour.day(shift_h), name(hour.llm_model)).hours.append(hour)
    return [found[place] for place in sorted(found)]


def _find_shift(cells_at: Callable[[int], list[BillCell]]) -> int:
    """Return the hour at which the days of a bill begin: 0 unless another one lets clearly more cells match."""
    matched = {shift_h: sum(cell.is_matched for cell in cells_at(shift_h)) for shift_h in _SHIFTS}
    best = max(_SHIFTS, key=lambda shift_h: matched[shift_h])
    return best if matched[best] >= _CLEARLY_BETTER * max(1, matched[0]) else 0


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
