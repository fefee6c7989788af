"""Instants as people write them: forms of `strptime`, zones, and which form a cell needs."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from asp_analysis.importers.tables.months import with_number
from asp_analysis.validation import shown

_TIME = r"(?P<space>,? +|T|, )?(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>[.,]\d{1,6})?)?"
_TAIL = re.compile(rf"(?:{_TIME}(?P<half> ?[AaPp][Mm])?(?P<offset> ?[+-]\d\d:?\d\d)?)?")
_DATES = (
    (re.compile(r"(\d{4})([-/.])(\d{1,2})([-/.])(\d{1,2})"), (("%Y", "%m", "%d"),)),
    (re.compile(r"(\d{1,2})(\.)(\d{1,2})(\.)(\d{4})"), (("%d", "%m", "%Y"),)),
    (re.compile(r"(\d{1,2})(\.)(\d{1,2})(\.)(\d\d)"), (("%d", "%m", "%y"),)),
    (re.compile(r"(\d{1,2})([-/])(\d{1,2})([-/])(\d{4})"), (("%m", "%d", "%Y"), ("%d", "%m", "%Y"))),
    (re.compile(r"(\d{1,2})([-/])(\d{1,2})([-/])(\d\d)"), (("%m", "%d", "%y"), ("%d", "%m", "%y"))),
    (
        re.compile(r"(\d{1,2})([-/. ]+)([A-Za-z]{3,9})([-/., ]+)(\d{4}|\d\d)"),
        tuple(product(("%d",), ("%b", "%B"), ("%Y", "%y"))),
    ),
    (
        re.compile(r"([A-Za-z]{3,9})([-/. ]+)(\d{1,2})([-/., ]+)(\d{4}|\d\d)"),
        tuple(product(("%b", "%B"), ("%d",), ("%Y", "%y"))),
    ),
)
_NAMED_ZONE = re.compile(r"(?P<time>.*\d(?: ?[AaPp][Mm])?) ?(?P<zone>[A-Z]{3,5})")


def propose_time_formats(text: str) -> list[str]:
    """Return the forms of `strptime` that read a text, the most common one first; empty where none is known."""
    formats = []
    for pattern, orders in _DATES:
        found = pattern.match(text)
        tail = _tail_format(text[found.end() :]) if found else None
        if found is None or tail is None:
            continue
        for first, second, third in orders:
            proposed = f"{first}{found[2]}{second}{found[4]}{third}{tail}"
            if _is_read_by(text, proposed) and proposed not in formats:
                formats.append(proposed)
        break
    return formats


def _tail_format(tail: str) -> str | None:
    found = _TAIL.fullmatch(tail)
    if found is None or not tail:
        return "" if not tail else None
    hour = "%I" if found["half"] else "%H"
    second = ":%S" if found["second"] else ""
    fraction = f"{found['fraction'][0]}%f" if found["fraction"] else ""
    half = found["half"][:-2] + "%p" if found["half"] else ""
    offset = " " * (found["offset"][0] == " ") + "%z" if found["offset"] else ""
    return f"{found['space'] or ''}{hour}:%M{second}{fraction}{half}{offset}"


def _is_read_by(text: str, time_format: str) -> bool:
    try:
        return bool(datetime.strptime(text, time_format))
    except ValueError:
        return False


def _is_iso(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text.strip()))
    except ValueError:
        return False


class TimeReader:
    """Reads the instants of one table by what the user said of them."""

    def __init__(self, time_formats: tuple[str, ...], time_zone: str | None) -> None:
        self._formats = time_formats
        self._zone_name = time_zone
        self._zone = ZoneInfo(time_zone) if time_zone else None
        self._read_text = lru_cache(maxsize=4_096)(self._read_said)

    @property
    def is_told(self) -> bool:
        """Whether the user said anything."""
        return bool(self._formats or self._zone)

    def read(self, value: Any) -> Any:
        """Return the instant of a value with its zone; what no form fits stays as it is for the record's own check.

        Raises:
            ValueError: two forms fit, or the time never came or came twice in the zone.
        """
        if isinstance(value, str):
            return self._read_text(value.strip())
        if isinstance(value, datetime):
            return self._localize(value, str(value))
        if isinstance(value, date):
            return self._localize(datetime(value.year, value.month, value.day), str(value))
        return value

    def repair(self, text: str) -> Any:
        """Read a text that is no instant by itself.

        Raises:
            ValueError: it is none; the text says which option reads it.
        """
        if _is_iso(text):
            return text
        named = _NAMED_ZONE.fullmatch(text.strip())
        if named and named["zone"].upper() not in ("AM", "PM"):
            return self._read_named(text, named["time"].strip(), named["zone"])
        if proposed := propose_time_formats(text.strip()):
            forms = " or ".join(f"--time-format '{form}'" for form in proposed[:2])
            also = " as well" if self._formats else ""
            raise ValueError(f"{shown(text)} is not ISO 8601; say its form{also}: {forms}")
        numbered = with_number(text.strip())
        return text if numbered is None else self._with_zone(text, numbered)

    def _with_zone(self, text: str, numbered: str) -> Any:
        """Return the instant of a text whose month was a word."""
        try:
            return self._localize(datetime.fromisoformat(numbered), text)
        except ValueError as error:
            if _is_iso(numbered):  # it never came, or came twice
                raise
            raise ValueError(f"{shown(text)} is no date with a time as in 13:45 ({error}); write ISO 8601") from None

    def _read_said(self, text: str) -> Any:
        moments = {}
        for form in self._formats:
            if _is_read_by(text, form):
                moment = datetime.strptime(text, form)
                is_utc = moment.tzinfo is None and form.endswith("Z")
                moments[moment.replace(tzinfo=UTC) if is_utc else moment] = form
        if len(moments) > 1:
            first, second, *_ = moments.values()
            raise ValueError(f"{shown(text)} fits --time-format '{first}' and '{second}'; load such columns apart")
        if moments:
            return self._localize(next(iter(moments)), text)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return self._localize(moment, text)

    def _localize(self, moment: datetime, text: str) -> datetime:
        if moment.tzinfo is not None or self._zone is None:
            return moment
        try:
            early, late = (moment.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        except OverflowError:
            raise ValueError(f"{shown(text)} in {self._zone_name} is not within the years 1 to 9999 in UTC") from None
        if early == late:
            return early
        if early.astimezone(self._zone).replace(tzinfo=None) != moment:
            raise ValueError(f"{shown(text)} never came in {self._zone_name}: clocks went forward over it")
        raise ValueError(
            f"{shown(text)} came twice in {self._zone_name}, when clocks went back; write its offset, such as "
            f"{moment.replace(tzinfo=self._zone, fold=1).isoformat()}"
        )

    def _read_named(self, text: str, local: str, zone: str) -> Any:
        if zone in ("UTC", "GMT"):
            return self._plain(local, text).replace(tzinfo=UTC)
        if self._zone is None:
            raise ValueError(
                f"{shown(text)} has a zone without an offset; name the place where {zone} is the time, such as "
                "--time-zone Europe/Berlin"
            )
        moment = self._plain(local, text)
        for fold in (0, 1):
            there = moment.replace(tzinfo=self._zone, fold=fold)
            if there.tzname() == zone:
                return there.astimezone(UTC)
        raise ValueError(f"{shown(text)}: {zone} is not the time of {self._zone_name} on that day")

    def _plain(self, local: str, text: str) -> datetime:
        for form in self._formats:
            if _is_read_by(local, form):
                return datetime.strptime(local, form)
        try:
            return datetime.fromisoformat(local)
        except ValueError:
            proposed = propose_time_formats(local)
            advice = f"; say its form: --time-format '{proposed[0]}'" if proposed else ""
            raise ValueError(f"{shown(text)} is not an instant that is understood{advice}") from None
