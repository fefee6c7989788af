"""What the page writes in its own way; how a number looks is decided in `asp_analysis.wording`.

What is not known or not defined is words, never 0 or `nan`.
"""

from typing import Any

import pandas as pd

from asp_analysis.wording import UNKNOWN, is_known, write_day, write_dollars, write_duration, write_share

NOT_DEFINED = "not defined"

day = write_day
duration = write_duration


def usd(value: Any, missing: str = UNKNOWN) -> str:
    """Write money: $0.042, $2.19, $198 or $1,250."""
    return write_dollars(value) if is_known(value) else missing


def usd_tick(value: float) -> str:
    """Write round money at an axis: $10, $0.3."""
    return f"${value:,.10g}"


def percent(share: Any, missing: str = NOT_DEFINED) -> str:
    """Write a share (0 to 1): 37 %; below 1 % with one decimal."""
    return write_share(share) if is_known(share) else missing


def number(value: Any, digits: int = 2, missing: str = NOT_DEFINED) -> str:
    """Write a number with a fixed count of decimals."""
    return f"{value:,.{digits}f}" if is_known(value) else missing


def count(value: Any) -> str:
    """Write a whole number: 12,345."""
    return f"{int(value):,}" if is_known(value) else "0"


def short_count(value: Any) -> str:
    """Write a large number short: 241 million."""
    if not is_known(value):
        return UNKNOWN
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if abs(value) >= 10 * size or (abs(value) >= size and size > 1e3):
            return f"{value / size:,.{0 if abs(value) >= 100 * size else 1}f} {name}"
    return count(value)


def count_noun(amount: Any, noun: str) -> str:
    """Write a count with its noun: 1 task, 2 tasks."""
    return f"{count(amount)} {noun}{'' if count(amount) == '1' else 's'}"


def change(now: Any, before: Any) -> str:
    """Write by how much a number grew: +12 %."""
    if not (is_known(now) and is_known(before)):
        return NOT_DEFINED
    if before == 0:
        return "unchanged" if now == 0 else "new"
    return f"{100 * (now - before) / before:+.0f} %".replace("-0 %", "0 %").replace("+0 %", "0 %")


def between(lower: Any, upper: Any, write: Any = percent) -> str:
    """Write an interval: 57 % to 70 %; nothing where it is not known."""
    return f"{write(lower)} to {write(upper)}" if is_known(lower) and is_known(upper) else ""


def metric(name: str, value: Any) -> str:
    """Write a capability's metric in the unit of its name: `_pct` is percent, every other is a share."""
    if not is_known(value):
        return "no data yet"
    return f"{value:.0f} %" if name.endswith("_pct") else percent(value)


def metric_words(name: str) -> str:
    """Write a metric's name for people: mape_pct -> MAPE."""
    text = name.removesuffix("_pct").replace("_", " ")
    return "MAPE of cost" if text == "mape" else text


def shorten(text: Any, most: int = 80) -> str:
    """Cut a long text from data for a place with little room."""
    words = " ".join(str(text).split()) if not (text is None or text is pd.NA or text != text) else ""
    return words if len(words) <= most else words[: most - 1] + "…"
