"""One value of a SQLite store as PostgreSQL takes it and as it shows it again, or the reason why it cannot be taken.

SQLite has checked the type of every value: the tables are STRICT. Nothing is rounded, shortened or guessed. Each value
becomes the text for COPY, the text that the server returns for the stored value (what both sides' checksums are made
of), and a number where sums and limits are compared. Most chunks of a column are read at once; `READERS` are for those
in which one value needs a closer look.
"""

import itertools
import json
import math
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from asp_analysis.postgres.hashes import hash_texts
from asp_analysis.records import read_instant

NULL = "\\N"
"""Unknown, in the text form of COPY."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SPECIAL = re.compile(r"[\\\t\n\r]")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_NUMERIC_DIGITS, _NUMERIC_SCALE = 131_072, 16_383  # the limits of PostgreSQL's NUMERIC, which JSONB holds numbers in
_REPEATED = 2
"""From how many rows a value on, on average, each distinct value of a chunk is read once."""

_quoted = json.JSONEncoder(ensure_ascii=False).encode

_NO_NUMBERS = np.empty(0)


class Cell(NamedTuple):
    """A value on its way: as COPY takes it, as the server shows it, as a number."""

    copied: str
    shown: str
    number: int | float | None = None


class KnownCells(NamedTuple):
    """Known values on their way, in one order; `numbers` is empty where sums and limits are not compared."""

    copied: Sequence[str]
    shown: Sequence[str]
    numbers: np.ndarray = _NO_NUMBERS


class Converted:
    """A column of some rows on its way.

    cells: what its known values become; places: which of them each row has, -1 for none (None: each row its own).
    """

    def __init__(self, row_count: int, cells: KnownCells, places: np.ndarray | None) -> None:
        self.row_count, self.cells, self._places = row_count, cells, places

    @property
    def known(self) -> int:
        """How many rows have a value."""
        return self.row_count if self._places is None else int(np.count_nonzero(self._places >= 0))

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of the rows that have a value."""
        numbers = self.cells.numbers
        return numbers if self._places is None else numbers[self._places[self._places >= 0]]

    def copied(self) -> Iterator[str]:
        """Return the text for COPY row by row."""
        texts = self.cells.copied
        if self._places is None:
            return iter(texts)
        if len(texts) <= 1 and self.known in (0, self.row_count):
            return itertools.repeat(texts[0] if texts else NULL, self.row_count)
        return map([*texts, NULL].__getitem__, self._places.tolist())

    def hashes(self, seed: int) -> np.ndarray:
        """Hash what the server shows row by row; 0 for what is unknown."""
        hashed = hash_texts(self.cells.shown, seed)
        return hashed if self._places is None else np.append(hashed, np.uint64(0))[self._places]


def read_text(value: str) -> Cell:
    """Read TEXT."""
    return Cell(_copied(_storable(value)), value)


def read_whole(value: int) -> Cell:
    """Read BIGINT."""
    return Cell(str(value), str(value), value)


def read_real(value: float) -> Cell:
    """Read DOUBLE PRECISION: all of its bits are copied and compared."""
    if not math.isfinite(value):
        raise ValueError("it is not a finite number")
    return Cell(repr(value), struct.pack(">d", value).hex(), value)


def read_boolean(value: int) -> Cell:
    """Read BOOLEAN; SQLite holds 0 or 1."""
    return Cell("t", "true") if value else Cell("f", "false")


def read_moment(value: str) -> Cell:
    """Read TIMESTAMPTZ; its number is microseconds since 1970."""
    text = value if _is_store_form(value) else read_instant(value)
    since = datetime.fromisoformat(text[:26]) - _EPOCH
    return Cell(text, _shown_moment(text), since // _MICROSECOND)


def _is_store_form(value: str) -> bool:
    """Return whether an instant is in the store's own form, as nearly all are."""
    if len(value) != 27 or not value.isascii() or value[5] == "W":
        return False
    try:
        datetime.fromisoformat(value[:26])
    except ValueError:
        return False
    return value[4] + value[7] + value[10] + value[13] + value[16] + value[19] + value[26] == "--T::.Z"


def read_json(value: str) -> Cell:
    """Read JSONB: any JSON text whose numbers, depth and characters the server can keep as they are."""
    plain = _shown_plainly([value]) if _is_plain(value) else None
    return Cell(_copied(value), plain[0] if plain else _shown_json(_parsed(value)))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and "\\" not in text


def convert(kind: str, values: Sequence[Any]) -> tuple[Converted | None, dict[Any, str]]:
    """Read the values of one column; return what they become, or the reasons of the distinct unreadable ones."""
    distinct = set(values)
    has_unknown = None in distinct
    distinct.discard(None)
    if len(distinct) * _REPEATED > len(values):
        known = [value for value in values if value is not None] if has_unknown else values
        places = _numbered(values) if has_unknown else None
    elif len(distinct) + has_unknown == 1:
        known, places = list(distinct), np.full(len(values), -1 if has_unknown else 0, np.int64)
    else:
        known = list(distinct)
        place_of = dict(zip(known, range(len(known)), strict=True))
        place_of[None] = -1
        places = np.fromiter(map(place_of.__getitem__, values), np.int64, len(values))
    cells, wrong = _read(kind, known)
    return (None if cells is None else Converted(len(values), cells, places)), wrong


def _numbered(values: Sequence[Any]) -> np.ndarray:
    """Number the known values in their order; -1 for the others."""
    is_known = np.fromiter((value is not None for value in values), np.bool_, len(values))
    return np.where(is_known, np.cumsum(is_known) - 1, -1)


def _read(kind: str, known: Sequence[Any]) -> tuple[KnownCells | None, dict[Any, str]]:
    cells = _MANY[kind](known) if kind in _MANY and known else None
    if cells is not None:
        return cells, {}
    read, found, wrong = READERS[kind], [], {}
    for value in known:
        try:
            found.append(read(value))
        except ValueError as error:
            wrong[value] = str(error)
    if wrong:
        return None, wrong
    copied, shown, numbers = zip(*found, strict=True) if found else ((), (), ())
    return KnownCells(copied, shown, np.array(numbers) if kind in _NUMBERED else _NO_NUMBERS), {}


_NUMBERED = {"BIGINT", "DOUBLE PRECISION", "TIMESTAMPTZ"}


def _whole_numbers(values: Sequence[int]) -> KnownCells:
    texts = list(map(str, values))
    return KnownCells(texts, texts, np.array(values, np.int64))


def _reals(values: Sequence[float]) -> KnownCells | None:
    numbers = np.array(values, np.float64)
    if not np.isfinite(numbers).all():
        return None
    bits = numbers.astype(">f8").tobytes().hex()
    return KnownCells(list(map(repr, values)), [bits[at : at + 16] for at in range(0, len(bits), 16)], numbers)


def _texts(values: Sequence[str]) -> KnownCells | None:
    return KnownCells(values, values) if _is_plain("".join(values)) else None


_FORM = np.frombuffer(b"0000-00-00T00:00:00.000000Z", np.uint8)
_FIRST_MICROSECOND = (datetime(1, 1, 1) - _EPOCH) // _MICROSECOND


def _moments(values: Sequence[str]) -> KnownCells | None:
    """Read instants that are all in the store's own form."""
    if set(map(len, values)) != {len(_FORM)}:
        return None
    try:
        texts = np.array(values, f"S{len(_FORM)}")
        letters = texts.view(np.uint8).reshape(len(values), len(_FORM))
        is_digit = (letters >= ord("0")) & (letters <= ord("9"))
        is_form = np.where(np.equal(_FORM, ord("0")), is_digit, letters == _FORM)
        numbers = texts.astype(f"S{len(_FORM) - 1}").astype("M8[us]").astype(np.int64) if is_form.all() else None
    except ValueError:
        return None
    if numbers is None or int(numbers.min()) < _FIRST_MICROSECOND:
        return None
    return KnownCells(values, list(map(_shown_moment, values)), numbers)


def _shown_moment(text: str) -> str:
    """Write an instant of the store's form as the server shows it."""
    clock = text[11:19] if text.endswith(".000000Z") else text[11:26].rstrip("0")
    return f"{text[:10]} {clock}+00"


def _jsons(values: Sequence[str]) -> KnownCells | None:
    """Read JSON that is all plain."""
    shown = _shown_plainly(values) if _is_plain("".join(values)) else None
    return None if shown is None else KnownCells(values, shown)


_MANY: dict[str, Callable[[Sequence[Any]], KnownCells | None]] = {
    "BIGINT": _whole_numbers,
    "DOUBLE PRECISION": _reals,
    "TEXT": _texts,
    "TIMESTAMPTZ": _moments,
    "JSONB": _jsons,
}
"""Type -> what reads many values at once; it returns None where one of them needs a closer look."""

READERS: dict[str, Callable[[Any], Cell]] = {
    "TEXT": read_text,
    "BIGINT": read_whole,
    "DOUBLE PRECISION": read_real,
    "BOOLEAN": read_boolean,
    "TIMESTAMPTZ": read_moment,
    "JSONB": read_json,
}
"""Type on the server -> what reads a value for it. A reader raises ValueError with the reason."""


class _Number(str):
    """A number of a JSON text, as it was written."""


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("it has the character U+0000, which cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it is not UTF-8") from None
    return text


def _copied(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


_LONGEST_PLAIN = 10_000
_DIGITS = re.compile(r"[\d.]+")
_PLACE = re.compile(r'"@([sn])(\d+)"(?!:)')

Choose = Callable[[Sequence[str]], tuple[str, ...]]


def _shown_plainly(texts: Sequence[str]) -> list[str] | None:
    """Do what `_shown_json` does for texts of printable ASCII without backslashes; None where that is too simple.

    Most texts of a store have one of few forms: the same keys in the same order. What a form becomes is found once; the
    values go into their places as they are written, which for plain texts, words and numbers is how the server shows
    them. All texts are taken apart at once: each is a line, whose quoted parts and numbers come one after the other.
    """
    if max(map(len, texts)) > _LONGEST_PLAIN:
        return None
    parts = "\n".join(texts).split('"')
    outside, quoted = '"'.join(parts[::2]), parts[1::2]
    numbers, forms = _DIGITS.findall(outside), _DIGITS.sub("0", outside).split("\n")
    shown, quoted_at, number_at = [], 0, 0
    for form in forms:
        found = _taken_apart(form)
        own = quoted[quoted_at : quoted_at + found.quoted]
        layout = _layout(form, found.keys(own))
        if layout is None:
            return None
        values = [*found.values(own), *numbers[number_at : number_at + found.numbers]]
        shown.append(layout[0] % layout[1](values))
        quoted_at, number_at = quoted_at + found.quoted, number_at + found.numbers
    return shown


class _Form(NamedTuple):
    """How many quoted parts and numbers a form has, and what chooses its keys and its values among the quoted parts."""

    quoted: int
    numbers: int
    keys: Choose
    values: Choose


@lru_cache(maxsize=1_024)
def _taken_apart(form: str) -> _Form:
    behind = form.split('"')[1:]
    is_key = [part.lstrip().startswith(":") for part in behind]
    keys, values = ([n for n, is_one in enumerate(is_key) if is_one == wanted] for wanted in (True, False))
    return _Form(len(behind), form.count("0"), _choose(keys), _choose(values))


@lru_cache(maxsize=1_024)
def _layout(form: str, keys: tuple[str, ...]) -> tuple[str, Choose] | None:
    """Return the text of a form in the server's order, and what chooses the values for its places.

    None where a number has a sign or an exponent: the server may write it in another way.
    """
    first, *behind = form.split('"')
    known, texts, numbers = iter(keys), itertools.count(), itertools.count()

    def numbered(part: str) -> str:
        return re.sub("0", lambda _: f'"@n{next(numbers)}"', part)

    written = numbered(first)
    for part in behind:
        is_key = part.lstrip().startswith(":")
        written += (f'"{next(known)}"' if is_key else f'"@s{next(texts)}"') + numbered(part)
    try:
        shown = _PLACE.split(_shown_json(_parsed(written)))
    except (ValueError, RecursionError):
        return None
    count = next(texts)
    places = [int(place) + (count if kind == "n" else 0) for kind, place in zip(shown[1::3], shown[2::3], strict=True)]
    literals = [part.replace("%", "%%") for part in shown[::3]]
    marks = ["%s" if kind == "n" else '"%s"' for kind in shown[1::3]]
    return "".join(itertools.chain(*itertools.zip_longest(literals, marks, fillvalue=""))), _choose(places)


def _choose(places: Sequence[int]) -> Choose:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple(values[place] for place in places)


def _parsed(value: str) -> Any:
    try:
        return json.loads(value, parse_float=_Number, parse_int=_Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is JSON that is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _shown_json(value: Any) -> str:
    """Return a JSON value as PostgreSQL shows JSONB: keys by length, then bytes; numbers written out."""
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
        raise ValueError(f"its JSON has a number of too many digits: {text[:40]}") from None
    scale = max(0, -int(number.as_tuple().exponent))
    if scale > _NUMERIC_SCALE or number.adjusted() >= _NUMERIC_DIGITS:
        raise ValueError(f"its JSON has a number of too many digits: {text[:40]}")
    if not number:
        return f"0.{'0' * scale}" if scale else "0"
    return f"{number:f}"
