"""Numbers as others write them: in other units, with a decimal comma."""

import re
from collections.abc import Container
from decimal import Decimal, DecimalException
from typing import Any, get_args

from asp_analysis.records import Record

_SCALED = re.compile(r"(?P<column>.+)\*(?P<factor>[0-9.]+(?:e-?[0-9]+)?)", re.DOTALL)

_WITH_COMMA = re.compile(r"(?P<whole>[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+))(?:,(?P<fraction>[0-9]+))?")
_ONE_POINT = re.compile(r"[+-]?[0-9]{1,3}\.[0-9]{3}")


def source_of(theirs: str, columns: Container[str]) -> tuple[str, Decimal | None]:
    """Give the column that `--map OURS=THEIRS` reads, and the number behind `*` that multiplies it.

    A column that is really called `seconds*1000` is that column.
    """
    found = None if theirs in columns else _SCALED.fullmatch(theirs)
    try:
        return (theirs, None) if found is None else (found["column"], Decimal(found["factor"]))
    except DecimalException:
        return theirs, None


def is_number(model: type[Record], name: str) -> bool:
    """Tell whether a column of `model` holds numbers."""
    annotation = model.model_fields[name].annotation
    kinds = {get_args(kind)[0] if get_args(kind) else kind for kind in get_args(annotation) or (annotation,)}
    return not kinds.isdisjoint({int, float})


def scaled(value: Any, factor: Decimal) -> Any:
    """Multiply a number or a text that is one, exactly; anything else is left for the record's own check to judge."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        return float(Decimal(str(value)) * factor)
    except (DecimalException, ValueError):  # ValueError: an integer of more digits than Python writes
        return value


def with_decimal_point(value: Any) -> Any:
    """Write a text with a decimal comma as Python reads it: 1.234,5 and 1.234.567 become 1234.5 and 1234567.

    What has a point and is no such number gets the reason, so that the record's own check refuses it: 1.234 would be
    read without a word, and nobody knows as which number.
    """
    if not isinstance(value, str) or not ("," in value or "." in value):
        return value
    text = value.strip()
    if _ONE_POINT.fullmatch(text):
        return f"{text} (is it {text.replace('.', '')} or {text.replace('.', ',')}?)"
    found = _WITH_COMMA.fullmatch(text)
    return f"{found['whole'].replace('.', '')}.{found['fraction'] or 0}" if found else f"{text} (no decimal comma)"
