"""How numbers are written for people: money, shares, durations, counts, days, and whole tables of them.

Unknown is a word in a sentence and an empty cell in a table, never 0, `nan` or `None`.
"""

import math
from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

UNKNOWN = "unknown"

_SECOND_MS, _MINUTE_MS, _HOUR_MS, _DAY_MS = 1_000.0, 60_000.0, 3_600_000.0, 86_400_000.0


def is_known(value: Any) -> bool:
    """Return whether a number is there: neither missing, nor NaN, nor infinite."""
    return value is not None and value is not pd.NA and value is not pd.NaT and math.isfinite(value)


def write_usd(value: Any) -> str:
    """Return money: USD 0.042, USD 2.19, USD 1,250."""
    return f"USD {write_amount(value)}" if is_known(value) else UNKNOWN


def write_usd_change(value: Any) -> str:
    """Return a change of money with its sign: +USD 2.19, −USD 0.042."""
    return f"{'+' if value >= 0 else '−'}{write_usd(abs(value))}" if is_known(value) else UNKNOWN


def write_dollars(value: Any) -> str:
    """Return money short, for a label or a tile: $0.00033, $0.042, $2.19, $198 or $1,250."""
    if not is_known(value):
        return UNKNOWN
    size = abs(value)
    digits = 0 if size >= 100 or size == 0 else 2 if size >= 0.1 else max(3, _count_decimals(size, 2))
    return f"{'-' if value < 0 else ''}${size:,.{digits}f}"


def write_sum_usd(value: Any) -> str:
    """Return a sum of money to the cent, 1,250.00 USD; below a cent with its first digits, 0.00033 USD."""
    if not is_known(value):
        return UNKNOWN
    return f"{write_amount(value) if 0 < abs(value) < 0.01 else f'{value:,.2f}'} USD"


def write_amount(value: Any) -> str:
    """Return an amount without its unit, with as many decimals as its size needs."""
    if not is_known(value):
        return UNKNOWN
    size = abs(value)
    digits = 0 if size >= 1_000 or size == 0 else 2 if size >= 0.1 else _count_decimals(size, 3)
    return f"{value:,.{digits}f}"


def round_numbers(values: pd.Series, decimals: int) -> pd.Series:
    """Round a column to so many decimals; what is so small that little would be left of it keeps three digits."""
    rounded = values.round(decimals)
    if values.dtype.kind != "f":
        return rounded
    small = values.notna() & (values != 0) & (values.abs() < 10.0 ** (1 - decimals))
    rounded[small] = [float(f"{value:.3g}") for value in values[small]]
    return rounded


def _count_decimals(size: float, digits: int) -> int:
    """Return after how many decimals a number below 1 has shown so many of its digits; a price has at most twelve."""
    return min(12, digits - 1 - math.floor(math.log10(size)))


def write_size(value: Any) -> str:
    """Return a size in complexity units, without its unit: 18, 2.5, 1,200."""
    if not is_known(value):
        return UNKNOWN
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def write_share(share: Any) -> str:
    """Return a share (0 to 1) as percent: 37 %; below 1 % with one decimal."""
    if not is_known(share):
        return UNKNOWN
    return f"{100 * share:.1f} %" if 0.0005 <= abs(share) < 0.01 else f"{100 * share + 0.0:.0f} %"


def write_count(value: Any) -> str:
    """Return a whole number with its thousands separated: 12,345."""
    return f"{value:,.0f}" if is_known(value) else UNKNOWN


def write_noun(count: Any, noun: str) -> str:
    """Return a count with its noun: 1 task, 2 tasks."""
    return f"{write_count(count)} {noun if is_known(count) and round(count) == 1 else noun + 's'}"


def write_factor(value: Any) -> str:
    """Return how many times as much: "2.4 times", "19 times"."""
    return f"{value:,.{0 if abs(value) >= 9.95 else 1}f} times" if is_known(value) else UNKNOWN


def write_duration(milliseconds: Any) -> str:
    """Return a duration in the two units that a person would use: 850 ms, 12.4 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    if not is_known(milliseconds):
        return UNKNOWN
    value = float(milliseconds)
    if abs(value) < _SECOND_MS:
        return f"{value:.0f} ms"
    if abs(value) < 99_950:
        return f"{value / _SECOND_MS:.1f} s"
    for unit, name, part, part_name in (
        (_MINUTE_MS, "min", _SECOND_MS, "s"),
        (_HOUR_MS, "h", _MINUTE_MS, "min"),
        (_DAY_MS, "d", _HOUR_MS, "h"),
    ):
        rounded = round(value / part)
        if unit == _DAY_MS or rounded * part < (_HOUR_MS if unit == _MINUTE_MS else _DAY_MS):
            whole, rest = divmod(rounded, round(unit / part))
            return f"{whole:,} {name} {rest} {part_name}" if rest else f"{whole:,} {name}"
    raise AssertionError("the last unit takes every value")


def write_day(instant: Any) -> str:
    """Return the date of an instant: 2026-01-31."""
    return UNKNOWN if pd.isna(instant) else f"{pd.Timestamp(instant):%Y-%m-%d}"


def write_measure(name: str, value: Any) -> str:
    """Return a value of the cost vector in the unit of its name: `cost_usd`, `latency_ms`, tokens and counts."""
    if name.endswith("_usd"):
        return write_usd(value)
    if name.endswith("_ms"):
        return write_duration(value)
    return write_count(value) if is_known(value) and abs(value) >= 10 else write_amount(value)


def write_between(lower: Any, upper: Any, name: str = "cost_usd") -> str:
    """Return an interval of one measure: "USD 1.20 to USD 2.99"."""
    return f"{write_measure(name, lower)} to {write_measure(name, upper)}"


def write_list(names: Iterable[Any], most: int = 5) -> str:
    """Return names as a list in words; of more than `most`, how many others there are."""
    texts = [write_name(name) for name in names]
    rest = len(texts) - most
    if rest > 1:
        return f"{', '.join(texts[:most])} and {rest:,} others"
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def write_name(name: Any) -> str:
    """Return a name from data for a Markdown sentence: what Markdown would take for a mark is escaped."""
    text = "(not named)" if name is None or pd.isna(name) else " ".join(str(name).split())
    short = text if len(text) <= 60 else text[:59] + "…"
    return "".join(f"\\{char}" if char in "\\`*_<>[]$|#~" else char for char in short)


def write_html_list(texts: Iterable[str]) -> str:
    """Return texts as a list in HTML; names from data inside them stay text."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def write_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as texts that people read, with headings that say the unit.

    `_usd` is money, `_ms` becomes a duration, `_share` percent, `_at` and `day` dates; counts have their thousands
    separated, and what is unknown is an empty cell.
    """
    shown = pd.DataFrame(
        {_write_heading(str(name)): [_write_cell(str(name), value) for value in frame[name]] for name in frame.columns},
        index=range(len(frame)),
        dtype=object,
    )
    shown.index = frame.index
    return shown


def _write_heading(name: str) -> str:
    """Return a column's name as words, which a narrow page can break, with the unit of money."""
    text = name
    for suffix, unit in (("_usd", " (USD)"), ("_ms", ""), ("_share", " share"), ("_at", "")):
        if name.endswith(suffix):
            text = name.removesuffix(suffix) + unit
            break
    return text.replace("_", " ")


def _write_cell(name: str, value: Any) -> str:
    if value is None or (not isinstance(value, str | list) and pd.isna(value)):
        return ""
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, str | list):
        return str(value)
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d}"
    if not is_known(value):
        return ""
    if name.endswith("_usd"):
        return write_amount(value)
    if name.endswith("_ms"):
        return write_duration(value)
    if name.endswith("_share"):
        return write_share(value)
    return f"{value:,.0f}" if float(value).is_integer() else write_amount(value)
