"""Periods that people name: a day, a week, a month, a quarter, a year, or a first and a last day."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from asp_analysis.errors import InputError
from asp_analysis.time_zones import to_utc

_HOW = "Write a day 2026-03-05, a week 2026-W10, a month 2026-03, a quarter 2026-Q1, or days 2026-03-01..2026-03-14."
_RELATIVE = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month")
_FIRST_YEAR, _LAST_YEAR = 1970, 9990


@dataclass(frozen=True, kw_only=True)
class Period:
    """Whole days from `first` to `last`, both included; kind: day, week, month, quarter, year or days.

    The kind says what the period before is: that of a month is a month, that of ten days ten days.
    """

    first: date
    last: date
    kind: str

    @classmethod
    def read(cls, text: str, newest: date) -> "Period":
        """Read a period; newest: the day that words such as last-week count from.

        Raises:
            InputError: it is none; the message says how to write one.
        """
        word = text.strip()
        if word in _RELATIVE:
            return _name_relative(word, newest)
        try:
            found = _read_calendar(word) or _read_days(word)
        except (ValueError, OverflowError):
            found = None
        if found is None or not _FIRST_YEAR <= found.first.year <= found.last.year <= _LAST_YEAR:
            raise InputError(f"{text!r} is not a period. {_HOW} Words: {', '.join(_RELATIVE)}.")
        return found

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """The period of the same kind that ends where this one begins."""
        return _find_around(self, self.first - timedelta(days=1))

    @property
    def after(self) -> "Period":
        """The period of the same kind that begins where this one ends."""
        following = self.last + timedelta(days=1)
        if self.kind == "days":
            return Period(first=following, last=following + timedelta(days=self.days - 1), kind="days")
        return _find_around(self, following)

    def bounds(self, zone: str | None = None) -> tuple[datetime, datetime]:
        """Return the first instant, and the first one after it, in UTC; its days are those of the zone."""
        first = datetime(self.first.year, self.first.month, self.first.day)
        end = datetime(self.last.year, self.last.month, self.last.day) + timedelta(days=1)
        return (first, end) if zone is None else (to_utc(first, zone), to_utc(end, zone))

    def overlaps(self, other: "Period") -> bool:
        """Return whether both have a day in common."""
        return self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        if self.kind == "week":
            year, week, _ = self.first.isocalendar()
            return f"{year}-W{week:02}"
        if self.kind == "quarter":
            return f"{self.first.year}-Q{(self.first.month + 2) // 3}"
        if self.kind in ("month", "year"):
            return f"{self.first:%Y-%m}" if self.kind == "month" else f"{self.first:%Y}"
        return str(self.first) if self.kind == "day" else f"{self.first}..{self.last}"


def find_last_week(newest: date) -> Period:
    """Return the last whole week, from Monday to Sunday, that is over at the end of a day."""
    monday = newest - timedelta(days=newest.weekday())
    is_over = newest.weekday() == 6
    return _week_of(newest if is_over else monday - timedelta(days=1))


def _find_around(like: Period, day: date) -> Period:
    """Return the period of the same kind around a day; of plain days the one that ends with it."""
    if like.kind == "days":
        return Period(first=day - timedelta(days=like.days - 1), last=day, kind="days")
    return find_period(like.kind, day)


def find_period(kind: str, day: date) -> Period:
    """Return the day, week (from Monday), month, quarter or year in which a day is."""
    return {
        "day": lambda: Period(first=day, last=day, kind="day"),
        "week": lambda: _week_of(day),
        "month": lambda: _months(day.year, day.month, 1),
        "quarter": lambda: _months(day.year, day.month - (day.month - 1) % 3, 3),
        "year": lambda: _months(day.year, 1, 12),
    }[kind]()


def _week_of(day: date) -> Period:
    monday = day - timedelta(days=day.weekday())
    return Period(first=monday, last=monday + timedelta(days=6), kind="week")


def _months(year: int, month: int, count: int) -> Period:
    places = year * 12 + month - 1 + count
    kind = {1: "month", 3: "quarter", 12: "year"}[count]
    return Period(
        first=date(year, month, 1), last=date(places // 12, places % 12 + 1, 1) - timedelta(days=1), kind=kind
    )


def _name_relative(word: str, newest: date) -> Period:
    if word in ("today", "yesterday"):
        day = newest if word == "today" else newest - timedelta(days=1)
        return Period(first=day, last=day, kind="day")
    present = _week_of(newest) if word.endswith("week") else _months(newest.year, newest.month, 1)
    return present if word.startswith("this") else present.before


def _read_calendar(word: str) -> Period | None:
    """Read a week, a month, a quarter, a year or a day; ValueError where it does not exist."""
    if found := re.fullmatch(r"(\d{4})-?W(\d{1,2})", word):
        return _week_of(date.fromisocalendar(int(found[1]), int(found[2]), 1))
    if found := re.fullmatch(r"(\d{4})-?Q([1-4])", word):
        return _months(int(found[1]), 3 * int(found[2]) - 2, 3)
    if found := re.fullmatch(r"(\d{4})-(\d{1,2})", word):
        return _months(int(found[1]), int(found[2]), 1)
    if found := re.fullmatch(r"\d{4}", word):
        return _months(int(word), 1, 12)
    return None


def _read_days(word: str) -> Period | None:
    first, separator, last = word.partition("..")
    if not separator:
        day = date.fromisoformat(word)
        return Period(first=day, last=day, kind="day")
    from_day, until = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    return Period(first=from_day, last=until, kind="days") if from_day <= until else None
