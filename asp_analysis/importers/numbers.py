"""Numbers as others write them: in other units."""

import re
from collections.abc import Container
from decimal import Decimal, DecimalException
from typing import Any, get_args

from asp_analysis.records import Record

_SCALED = re.compile(r"(?P<column>.+)\*(?P<factor>[0-9.]+(?:e-?[0-9]+)?)", re.DOTALL)


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
