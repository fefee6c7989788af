"""Days of a time zone: which names there are, and when a day begins in UTC."""

import difflib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from asp_analysis.errors import InputError


def check_time_zone(name: str) -> None:
    """Check that a time zone is one of the IANA's.

    Raises:
        InputError: it is not; the message names those that are written alike.
    """
    if name in available_timezones():
        return
    close = difflib.get_close_matches(name, sorted(available_timezones()), 3)
    near = f" Close names: {', '.join(close)}." if close else ""
    raise InputError(f"--time-zone: {name!r} is not an IANA time zone such as Europe/Berlin or UTC.{near}")


def to_utc(local: datetime, zone: str) -> datetime:
    """Return the instant of a local time as UTC without zone; where a clock was turned back, the first of the two."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def from_utc(instant: datetime, zone: str) -> datetime:
    """Return what a clock in a time zone showed at an instant of UTC without zone."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
