"""One value of a SQLite store as PostgreSQL takes it and as it shows it again, or the reason why it cannot be taken.

Nothing is rounded, shortened or guessed. Each reader gives a `Cell`: the text for COPY, the text that the server gives
back for the stored value (what both sides' checksums are made of), and its number where sums and limits are compared.
"""

import json
import math
import re
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from asp_analysis.records import read_instant

NULL = "\\N"
"""Unknown, in the text form of COPY."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ARRAY_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_NUMERIC_DIGITS, _NUMERIC_SCALE = 131_072, 16_383  # the limits of PostgreSQL's NUMERIC, which JSONB holds numbers in
_MAX_BIGINT = 2**63

_quoted = json.JSONEncoder(ensure_ascii=False).encode


class Cell(NamedTuple):
    """A value on its way: as COPY takes it, as the server shows it, as a number."""

    copied: str
    shown: str
    number: int | float | None = None


@dataclass
class Converted:
    """What the distinct values of a column become; unknown ones are only copied."""

    copied: dict[Any, str]
    shown: dict[Any, str]
    numbers: dict[Any, Any]

    def only(self, values: set[Any]) -> "Converted":
        """Give those of some values."""
        return Converted(
            {value: text for value, text in self.copied.items() if value in values},
            {value: text for value, text in self.shown.items() if value in values},
            {value: number for value, number in self.numbers.items() if value in values},
        )


def read_text(value: Any) -> Cell:
    """Read TEXT; a whole number in a column of no type is its digits."""
    if value.__class__ is int:
        return Cell(str(value), str(value))
    if value.__class__ is not str:
        raise ValueError("a text is needed")
    return Cell(_copied(_storable(value)), value)


def read_whole(value: Any) -> Cell:
    """Read BIGINT."""
    if value.__class__ is float and value.is_integer() and abs(value) < _MAX_BIGINT:
        value = int(value)
    if value.__class__ is not int:
        raise ValueError("a whole number is needed")
    return Cell(str(value), str(value), value)


def read_real(value: Any) -> Cell:
    """Read DOUBLE PRECISION: all of its bits are carried and compared."""
    if value.__class__ is int and int(float(value)) == value:
        value = float(value)
    if value.__class__ is not float:
        raise ValueError("a number is needed")
    if not math.isfinite(value):
        raise ValueError("a finite number is needed")
    return Cell(repr(value), struct.pack(">d", value).hex(), value)


def read_boolean(value: Any) -> Cell:
    """Read BOOLEAN; SQLite holds 0 or 1."""
    if value not in (0, 1):
        raise ValueError("0 or 1 is needed")
    return Cell("t", "true") if value else Cell("f", "false")


def read_moment(value: Any) -> Cell:
    """Read TIMESTAMPTZ; its number is microseconds since 1970."""
    text = value if _is_store_form(value) else read_instant(value)
    since = datetime.fromisoformat(text[:26]) - _EPOCH
    clock = text[11:19] if text.endswith(".000000Z") else text[11:26].rstrip("0")
    return Cell(text, f"{text[:10]} {clock}+00", since // _MICROSECOND)


def _is_store_form(value: Any) -> bool:
    """Tell whether an instant stands in the store's own form, as nearly all do."""
    if value.__class__ is not str or len(value) != 27 or not value.isascii() or value[5] == "W":
        return False
    try:
        datetime.fromisoformat(value[:26])
    except ValueError:
        return False
    return value[4] + value[7] + value[10] + value[13] + value[16] + value[19] + value[26] == "--T::.Z"


def read_date(value: Any) -> Cell:
    """Read DATE."""
    if value.__class__ is not str:
        raise ValueError("a date such as 2026-01-31 is needed")
    return Cell(value, date.fromisoformat(value).isoformat())


def read_json(value: Any) -> Cell:
    """Read JSONB: any JSON text whose numbers, depth and characters the server can keep as they are."""
    if value.__class__ is not str:
        raise ValueError("a JSON text is needed")
    return Cell(_copied(value), _shown_plainly(value) or _shown_json(_parsed(value)))


def read_list(value: Any) -> Cell:
    """Read TEXT[] from a JSON array of texts."""
    items = _parsed(value)
    if not isinstance(items, list) or any(item.__class__ is not str for item in items):
        raise ValueError("a JSON array of texts is needed")
    array = ",".join(f'"{_storable(item).translate(_ARRAY_ESCAPES)}"' for item in items)
    return Cell(_copied(f"{{{array}}}"), f"[{','.join(map(_quoted, items))}]")


def convert(kind: str, values: Collection[Any]) -> tuple["Converted", dict[Any, str]]:
    """Read distinct values of one column; give what they become, and the reasons of those that cannot be read."""
    known = [value for value in values if value is not None]
    converted = Converted({} if len(known) == len(values) else {None: NULL}, {}, {})
    many = _MANY.get(kind, _unknown)(known)
    if many is not None:
        for place, read_values in zip((converted.copied, converted.shown, converted.numbers), many, strict=True):
            place.update(zip(known, read_values, strict=False))
        return converted, {}
    read, wrong = READERS[kind], {}
    for value in known:
        try:
            converted.copied[value], converted.shown[value], converted.numbers[value] = read(value)
        except ValueError as error:
            wrong[value] = str(error)
    return converted, wrong


def _whole_numbers(values: list[Any]) -> "Many | None":
    if set(map(type, values)) != {int}:
        return None
    texts = list(map(str, values))
    return texts, texts, values


def _reals(values: list[Any]) -> "Many | None":
    if set(map(type, values)) != {float} or not all(map(math.isfinite, values)):
        return None
    bits = struct.pack(f">{len(values)}d", *values).hex()
    return list(map(repr, values)), [bits[at : at + 16] for at in range(0, len(bits), 16)], values


def _texts(values: list[Any]) -> "Many | None":
    if set(map(type, values)) != {str}:
        return None
    joined = "".join(values)
    return (values, values, []) if joined.isascii() and joined.isprintable() and "\\" not in joined else None


def _unknown(values: list[Any]) -> None:
    """There is no quick way for most types."""


Many = tuple[list[str], list[str], list[Any]]
_MANY: dict[str, Callable[[list[Any]], Many | None]] = {
    "BIGINT": _whole_numbers,
    "DOUBLE PRECISION": _reals,
    "TEXT": _texts,
}
"""Type -> what reads many values at once where all are plain; it gives None where one is not."""

READERS: dict[str, Callable[[Any], Cell]] = {
    "TEXT": read_text,
    "BIGINT": read_whole,
    "DOUBLE PRECISION": read_real,
    "BOOLEAN": read_boolean,
    "TIMESTAMPTZ": read_moment,
    "DATE": read_date,
    "JSONB": read_json,
    "TEXT[]": read_list,
}
"""Type on the server -> what reads a value for it. A reader raises ValueError with the reason."""


class _Number(str):
    """A number of a JSON text, as it was written."""


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text without U+0000 is needed")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text in UTF-8 is needed") from None
    return text


def _copied(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def _shown_plainly(text: str) -> str | None:
    """Do what `_shown_json` does at C's speed; None where the text holds anything that needs a closer look."""
    if not text.isascii() or "\\u" in text:
        return None
    try:
        return _plain_dump(_plain_load(text))
    except (ValueError, RecursionError):
        return None


def _plain_float(text: str) -> float:
    number = float(text)
    if repr(number) != text or "e" in text or not number:
        raise ValueError("its own text is needed")
    return number


def _ordered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict([pairs[place] for place in _places(tuple([name for name, _ in pairs]))])


@lru_cache(maxsize=1_024)
def _places(names: tuple[str, ...]) -> list[int]:
    """Give the order of an object's keys; most objects of a store have one of few sets of keys."""
    return sorted(range(len(names)), key=lambda place: (len(names[place]), names[place]))


def _parsed(value: Any) -> Any:
    if value.__class__ is not str:
        raise ValueError("a JSON text is needed")
    try:
        return json.loads(value, parse_float=_Number, parse_int=_Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("JSON that is nested less deeply is needed") from None
    except ValueError as error:
        raise ValueError(f"JSON is needed ({error})") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_plain_load = json.JSONDecoder(object_pairs_hook=_ordered, parse_float=_plain_float, parse_constant=_refuse).decode
_plain_dump = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


def _shown_json(value: Any) -> str:
    """Give a JSON value as PostgreSQL shows JSONB: keys by length, then bytes; numbers written out."""
    if isinstance(value, dict):
        members = ((key, value[key]) for key in sorted(value, key=_key_order))
        return "{" + ", ".join(f"{_quoted(_storable(key))}: {_shown_json(item)}" for key, item in members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown_json, value)) + "]"
    if value.__class__ is _Number:
        return _shown_number(value)
    if value.__class__ is str:
        return _quoted(_storable(value))
    return {None: "null", True: "true", False: "false"}[value]


def _key_order(key: str) -> tuple[int, str]:
    return (len(key) if key.isascii() else len(key.encode("utf-8", "surrogatepass"))), key


def _shown_number(text: str) -> str:
    if len(text) < 1_000 and text[0] != "-" and text.replace(".", "", 1).isdigit():
        return str(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"a number of fewer digits is needed within the JSON, found {text[:40]}") from None
    scale = max(0, -number.as_tuple().exponent)
    if scale > _NUMERIC_SCALE or number.adjusted() >= _NUMERIC_DIGITS:
        raise ValueError(f"a number of fewer digits is needed within the JSON, found {text[:40]}")
    if not number:
        return f"0.{'0' * scale}" if scale else "0"
    return f"{number:f}"
