"""Why a bill and the store differ: each difference gets the likeliest cause, the most certain ones first.

What is certain is looked for first: days that come twice, days that begin at another hour, calls without a price, fees.
Then what the numbers suggest: a constant factor is a price or a discount; missing usage on days on which a machine or a
person that worked on the others says nothing is theirs.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from asp_analysis.billing.bill import WEB_SEARCH, BillLine
from asp_analysis.billing.comparison import BillCell, Compared
from asp_analysis.billing.seen import SeenHour

_SAME_FACTOR, _SAME = 0.005, 0.002
_MOST_DAYS = 0.5
_LEAST_CELLS = 2


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why some of a bill differs: a name, the day and model where it is of one, the amount, and a sentence."""

    cause: str
    day: str | None = None
    model: str | None = None
    usd: float = 0.0
    sentence: str = ""


def find_causes(compared: Compared) -> tuple[list[Cause], dict[tuple[str, str], str]]:
    """Return the causes, and the name of the cause of each cell that differs and is explained."""
    causes = [*_repeated(compared), *_shifted(compared), *_fees(compared), *_rounded(compared)]
    explained: dict[tuple[str, str], str] = {}
    absence = _Absence(compared.cells)
    factors = _factors(compared.cells)
    for cell in compared.cells:
        if cell.is_matched:
            continue
        cause = _cause_of(cell, factors, absence)
        if cause is not None:
            causes.append(cause)
            explained[cell.day, cell.model] = cause.cause
    return causes, explained


# --- of the bill as a whole -------------------------------------------------------------------------------------------


def _repeated(compared: Compared) -> Iterable[Cause]:
    for form, day, usd in compared.repeated:
        sentence = f"{day} comes more than once in the {form} bill; it is counted once here."
        yield Cause(cause="duplicate day", day=day, usd=usd, sentence=sentence)


def _shifted(compared: Compared) -> Iterable[Cause]:
    if compared.shift_h:
        began = f"{compared.shift_h % 24:02d}:00 UTC"
        sentence = f"The days of the bill begin at {began}, not at midnight UTC; they are compared so."
        yield Cause(cause="time zone", sentence=sentence)


def _fees(compared: Compared) -> Iterable[Cause]:
    """Return what fees the bill has besides tokens, next to the web searches that were seen."""
    by_day: dict[str, list[BillLine]] = defaultdict(list)
    for line in compared.fees:
        by_day[line.day].append(line)
    for day, lines in sorted(by_day.items()):
        searches = sum(line.cost_usd or 0.0 for line in lines if line.kind == WEB_SEARCH)
        others = sum(line.cost_usd or 0.0 for line in lines if line.kind != WEB_SEARCH)
        seen = sum(cell.search_usd for cell in compared.cells if cell.day == day)
        if searches and abs(searches - seen) > max(0.005, _SAME * searches):
            sentence = f"USD {searches:.2f} were billed for web searches, USD {seen:.2f} of them were seen."
            yield Cause(cause="web search fee", day=day, usd=searches - seen, sentence=sentence)
        if others:
            yield Cause(cause="other fee", day=day, usd=others, sentence=f"USD {others:.2f} are no use of a model.")


def _rounded(compared: Compared) -> Iterable[Cause]:
    cells = [cell for cell in compared.cells if cell.is_matched and abs(cell.difference_usd) > 1e-6 and cell.lines]
    if cells and all(_is_whole_cents(line.cost_usd) for cell in cells for line in cell.lines):
        usd = sum(cell.difference_usd for cell in cells)
        yield Cause(cause="rounding", usd=usd, sentence=f"The bill is in whole cents: USD {usd:+.4f} in all.")


def _is_whole_cents(usd: float | None) -> bool:
    return usd is None or abs(100 * usd - round(100 * usd)) < 1e-6


# --- of one cell ------------------------------------------------------------------------------------------------------


def _cause_of(cell: BillCell, factors: dict[str, float], absence: "_Absence") -> Cause | None:
    finders = (_unpriced, _tier, _discount, _search, absence.find_unseen, _twice, _price(factors), absence.find_silent)
    for find in (*finders, _ours_alone):
        found = find(cell)
        if found is not None:
            return Cause(cause=found[0], day=cell.day, model=cell.model, usd=cell.difference_usd, sentence=found[1])
    return None


Found = tuple[str, str] | None


def _unpriced(cell: BillCell) -> Found:
    if not cell.unpriced or (cell.billed_tokens is not None and not cell.has_equal_tokens):
        return None
    return (
        "unpriced model",
        f"{cell.unpriced:,} executions here have no cost: asp-analysis models --unpriced names them.",
    )


def _tier(cell: BillCell) -> Found:
    tiers = {line.tier for line in cell.lines if line.tier}
    if not tiers or not cell.has_equal_tokens:
        return None
    return "tier", f"It was billed as {', '.join(sorted(tiers))}, and priced here as standard."


def _discount(cell: BillCell) -> Found:
    listed, seen = cell.listed_usd, cell.seen_usd
    if not listed or seen is None or cell.billed_usd is None or abs(listed - seen) > max(0.005, _SAME * listed):
        return None
    return "discount", f"The bill lists USD {listed:.2f}, as here, and charges {cell.billed_usd / listed - 1:+.1%}."


def _search(cell: BillCell) -> Found:
    if not cell.search_usd or abs(abs(cell.difference_usd) - cell.search_usd) > max(0.005, _SAME * cell.search_usd):
        return None
    return "web search fee", f"USD {cell.search_usd:.2f} of web searches are on one side only."


def _twice(cell: BillCell) -> Found:
    billed, seen = cell.billed_usd or cell.billed_tokens, cell.seen_usd or cell.seen_tokens
    if not billed or not seen or cell.has_equal_tokens:
        return None
    if abs(seen / billed - 2) < _SAME:
        return "counted twice here", "Twice as much was seen as was billed: two sources of the same calls were loaded."
    if abs(billed / seen - 2) < _SAME and len(cell.lines) % 2 == 0 and len({line.identity for line in cell.lines}) > 1:
        return "duplicate day", "Twice as much was billed as was seen, in lines that are not alike."
    return None


def _factors(cells: list[BillCell]) -> dict[str, float]:
    """Return by which factor bills are above what was seen, for models where it is the same on all days."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        if (
            cell.billed_usd
            and cell.seen_usd
            and not cell.unpriced
            and (cell.billed_tokens is None or cell.has_equal_tokens)
        ):
            ratios[cell.model].append(cell.billed_usd / cell.seen_usd)
    found = {}
    for model, values in ratios.items():
        middle = median(values)
        is_same = all(abs(value / middle - 1) < _SAME_FACTOR for value in values)
        if is_same and len(values) >= _LEAST_CELLS and abs(middle - 1) > _SAME:
            found[model] = middle
    return found


def _price(factors: dict[str, float]) -> Callable[[BillCell], Found]:
    is_of_all = len(factors) >= _LEAST_CELLS and max(factors.values()) / min(factors.values()) - 1 < _SAME_FACTOR

    def find(cell: BillCell) -> Found:
        factor = factors.get(cell.model)
        if factor is None and cell.has_equal_tokens and cell.billed_usd and cell.seen_usd:
            factor = cell.billed_usd / cell.seen_usd
        if factor is None or not cell.billed_usd or not cell.seen_usd:
            return None
        if abs(cell.billed_usd / cell.seen_usd / factor - 1) > _SAME_FACTOR:
            return None
        if is_of_all and factor < 1:
            return "discount", f"All models are billed at {factor:.1%} of their price here."
        doubt = "" if cell.has_equal_tokens else " Or use was not loaded: add the usage report, which has tokens."
        return "wrong price", f"The same use is billed at {factor:.2f} times the price here.{doubt}"

    return find


def _ours_alone(cell: BillCell) -> Found:
    if cell.lines:
        return None
    return (
        "not in this bill",
        "It was seen here and is not billed: another account, a plan, or a day that is not closed.",
    )


class _Absence:
    """Who was silent on a day, and worked on most of the others: machines first, then people."""

    def __init__(self, cells: list[BillCell]) -> None:
        self._days = {cell.day for cell in cells}
        self._seen = {kind: self._by_day(cells, of) for kind, of in _WORKERS.items()}
        self._known = {
            (kind, who) for kind, of in _WORKERS.items() for cell in cells for hour in cell.hours if (who := of(hour))
        }

    @staticmethod
    def _by_day(cells: list[BillCell], of: Callable[[SeenHour], str | None]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for cell in cells:
            found[cell.day] |= {who for hour in cell.hours if (who := of(hour))}
        return found

    def find_unseen(self, cell: BillCell) -> Found:
        """Return whom the bill names and nothing was loaded of, where the two sides know each other's people."""
        billed = {line.person for line in cell.lines if line.person}
        unseen = sorted(who for who in billed if ("person", who) not in self._known)
        if not self._has_more(cell) or cell.has_equal_tokens or not unseen or len(unseen) == len(billed):
            return None
        return "person missing", f"The bill names {', '.join(unseen)}, of whom nothing was loaded."

    def find_silent(self, cell: BillCell) -> Found:
        """Return who is missing where more was billed than was seen."""
        if not self._has_more(cell):
            return None
        for kind in _WORKERS:
            if silent := self._silent(kind, cell.day):
                return f"{kind} missing", f"{', '.join(silent)} said nothing on {cell.day}, and did on most other days."
        return "machine or person missing", "More was billed than was seen: something that works was not loaded."

    @staticmethod
    def _has_more(cell: BillCell) -> bool:
        has_more_tokens = (cell.billed_tokens or 0) > (cell.seen_tokens or 0)
        return cell.difference_usd > 0 or (cell.billed_usd is None and has_more_tokens)

    def _silent(self, kind: str, day: str) -> list[str]:
        others = [other for other in self._days if other != day]
        worked = Counter(who for other in others for who in self._seen[kind][other])
        usual = {who for who, days in worked.items() if days > _MOST_DAYS * len(others)}
        return sorted(usual - self._seen[kind][day])


_WORKERS: dict[str, Callable[[SeenHour], str | None]] = {
    "machine": lambda hour: hour.machine,
    "person": lambda hour: hour.user_id,
}
