"""Numbers and durations as people write them -> exact numbers; what may mean two things is refused, never guessed."""

import re
from collections.abc import Container
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any, get_args

from asp_analysis.records import Record
from asp_analysis.validation import shown

_SCALED = re.compile(r"(?P<column>.+)\*(?P<factor>[0-9.]+(?:e-?[0-9]+)?)", re.DOTALL)
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ") | {ord("\u2019"): "'", ord("\u2212"): "-"}
_CELL = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<before>[^\d\s.,'+()-]*)\s*(?P<inner>[+-]?)"
    r"(?P<number>[.,]?\d[\d.,' ]*?(?:[eE][+-]?\d{1,3})?)\s*(?P<after>[^\d\s.,'+()-]*)"
)
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+|\d+(?:\.\d*)?[eE][+-]?\d{1,3}")
_DOLLARS = {"$", "US$", "USD", "USD$", "$US"}
_CURRENCY = re.compile(r"[$€£¥₹₩₽₺₪]|[A-Z]{1,3}\$|[A-Z]{3}")
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNITS = {
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}
_CLOCK = re.compile(r"(?P<h>\d+):(?P<m>[0-5]\d):(?P<s>[0-5]\d(?:[.,]\d+)?)")
_ISO = re.compile(r"P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?")
_STEP = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*")


@dataclass(frozen=True)
class Signs:
    """The signs of a table's numbers; None where the user said nothing."""

    decimal: str | None = None
    thousands: str | None = None

    @property
    def are_said(self) -> bool:
        """Whether the user said anything."""
        return self.decimal is not None or self.thousands is not None


def source_of(theirs: str, columns: Container[str]) -> tuple[str, Decimal | None]:
    """Return the column that `--map OURS=THEIRS` reads, and the number behind `*` that multiplies it.

    A column that is really called `seconds*1000` is that column.
    """
    found = None if theirs in columns else _SCALED.fullmatch(theirs)
    try:
        return (theirs, None) if found is None else (found["column"], Decimal(found["factor"]))
    except DecimalException:
        return theirs, None


def is_number(model: type[Record], name: str) -> bool:
    """Return whether a column of `model` holds numbers."""
    return not _types_of(model, name).isdisjoint({int, float})


def is_count(model: type[Record], name: str) -> bool:
    """Return whether a column of `model` holds numbers without a fraction."""
    return int in _types_of(model, name)


def _types_of(model: type[Record], name: str) -> set[Any]:
    annotation = model.model_fields[name].annotation
    return {get_args(kind)[0] if get_args(kind) else kind for kind in get_args(annotation) or (annotation,)}


def scale(value: Any, factor: Decimal) -> Any:
    """Multiply a number or a text that is one, exactly; anything else is left for the record's own check to judge."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        product = Decimal(str(value)) * factor
        return int(product) if product == product.to_integral_value() and abs(product) < 2**53 else float(product)
    except (DecimalException, ValueError, OverflowError):  # ValueError: more digits than Python writes
        return value


@dataclass(frozen=True, kw_only=True)
class NumberCell:
    """A text that holds a number: the number as Python writes it, and what is around it (a currency, %)."""

    number: str
    unit: str


def parse_cell(text: str, signs: Signs, *, is_whole: bool) -> NumberCell:
    """Part the text of a cell in its number and its unit.

    is_whole: the column holds counts, so that 12.000 may be twelve thousand.

    Raises:
        ValueError: it is no number, or may be one of two; the text says how to say which.
    """
    found = _CELL.fullmatch(text.translate(_SPACES).strip())
    if found is None or (found["sign"] and found["inner"]) or (found["before"] and found["after"]):
        raise ValueError(f"{shown(text)} is not a number; if it means unknown, add --null {_quoted(text)}")
    number = _without_groups(found["number"], text)
    return NumberCell(
        number=(found["sign"] or found["inner"]) + _with_point(number, text, signs, is_whole=is_whole),
        unit=found["before"] or found["after"],
    )


def _quoted(text: str) -> str:
    return "'" + text.strip()[:40].replace("'", "'\\''") + "'"


def _without_groups(number: str, text: str) -> str:
    """Take out spaces and apostrophes between groups of three digits: no country writes a fraction so."""
    for sign in (" ", "'"):
        if sign in number:
            if not re.fullmatch(rf"\d{{1,3}}(?:{sign}\d{{3}})+(?:[.,]\d*)?", number):
                raise ValueError(f"{shown(text)} is not a number: its groups do not have three digits")
            number = number.replace(sign, "")
    return number


def _with_point(number: str, text: str, signs: Signs, *, is_whole: bool) -> str:
    if signs.thousands is not None:
        return _with_said_signs(
            number, text, signs.decimal or ("." if signs.thousands != "." else ","), signs.thousands
        )
    if signs.decimal == ",":
        return _with_said_comma(number, text)
    if "," not in number:
        if not _PLAIN.fullmatch(number):
            raise ValueError(f"{shown(text)} is not a number; {_ADVICE_POINTS}")
        if is_whole and signs.decimal is None and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", number):
            raise ValueError(
                f"{shown(text)} is {number.replace('.', '')} (load with {_POINTS_PART}) or {number} (--decimal .)"
            )
        return number
    return _with_comma_nobody_explained(number, text)


_POINTS_PART, _COMMAS_PART = "--decimal , --thousands .", "--thousands ,"
_ADVICE_POINTS = f"if points part its thousands, load with {_POINTS_PART}"


def _with_said_signs(number: str, text: str, decimal: str, thousands: str) -> str:
    part, point = re.escape(thousands), re.escape(decimal)
    if thousands in " '":
        part = "(?!)"  # taken out already
    if re.fullmatch(rf"(?:\d+|\d{{1,3}}(?:{part}\d{{3}})+)?(?:{point}\d+)?(?:[eE][+-]?\d{{1,3}})?", number):
        return number.replace(thousands, "").replace(decimal, ".")
    raise ValueError(
        f"{shown(text)} is not a number with {thousands!r} between thousands and {decimal!r} before a fraction"
    )


def _with_said_comma(number: str, text: str) -> str:
    """Read a number of a table with a decimal comma about whose thousands nobody said anything."""
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", number):
        digits = re.sub("[.,]", "", number)
        way = f"{digits} (load with {_POINTS_PART})" if "." in number else f"{digits} (load with {_COMMAS_PART} alone)"
        other = f"{number} (leave out --decimal ,)" if "." in number else f"{number.replace(',', '.')} ({_POINTS_PART})"
        raise ValueError(f"{shown(text)} is {way} or {other}")
    return _with_said_signs(number, text, ",", ".")


def _with_comma_nobody_explained(number: str, text: str) -> str:
    if re.fullmatch(r"\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?|\d{1,3}(?:,\d{3})+\.\d+", number):
        return number.replace(",", "")
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", number):
        whole, fraction = number.replace(",", ""), number.replace(",", ".")
        raise ValueError(
            f"{shown(text)} is {whole} (load with {_COMMAS_PART}) or {fraction} (load with {_POINTS_PART})"
        )
    raise ValueError(f"{shown(text)} has a decimal comma; load with --decimal ,")


def is_dollar(unit: str) -> bool:
    """Return whether a unit is the US dollar."""
    return unit.upper() in _DOLLARS


def is_currency(unit: str) -> bool:
    """Return whether a unit is written like a currency."""
    return bool(_CURRENCY.fullmatch(unit))


def is_unit_of_time(unit: str) -> bool:
    """Return whether a unit is one of time."""
    return _unit_of(unit) is not None


def _unit_of(unit: str) -> str | None:
    """Return the unit of time that a text means; a capital letter alone is none, 5M may be five million."""
    return _UNITS.get(unit if len(unit) == 1 else unit.lower())


def read_duration_ms(text: str) -> Decimal | None:
    """Return the milliseconds of a duration such as 00:05:10, 5m10s, 310 s or PT5M10S; None where the text is none.

    Raises:
        ValueError: it may be hours and minutes, or minutes and seconds.
    """
    text = text.strip()
    if re.fullmatch(r"\d{1,3}:\d\d", text):
        raise ValueError(f"{shown(text)} is minutes and seconds or hours and minutes; write 00:{text} or {text}:00")
    found = _CLOCK.fullmatch(text) or (_ISO.fullmatch(text) if len(text) > 2 else None)
    if found:
        parts = {unit: value.replace(",", ".") for unit, value in found.groupdict().items() if value}
        return sum((Decimal(value) * _MS[unit] for unit, value in parts.items()), Decimal(0)) if parts else None
    steps, end = [], 0
    for step in _STEP.finditer(text):
        unit = _unit_of(step[2])
        if step.start() != end or unit is None:
            return None
        steps.append((unit, Decimal(step[1])))
        end = step.end()
    sizes = [_MS[unit] for unit, _ in steps]
    if not steps or end != len(text) or sizes != sorted(set(sizes), reverse=True):
        return None
    return sum((value * _MS[unit] for unit, value in steps), Decimal(0))
