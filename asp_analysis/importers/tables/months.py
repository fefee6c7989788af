"""Names of months in languages other than English: Danish, Dutch, French, German, Italian, Norwegian, Portuguese,
Spanish, Swedish. A name that means another month in some other language is left out."""

import re

_MONTHS = (
    "januar jan januari janvier janv gennaio gen janeiro enero ene",
    "februar feb februari février fevrier févr fevr fév fev febbraio fevereiro febrero",
    "märz maerz mär mrz maart mrt mars marzo março marco marts mar",
    "april apr avril avr aprile abril abr",
    "mai mei maggio mag maio mayo maj",
    "juni jun juin giugno giu junho junio",
    "juli jul juillet juil luglio lug julho julio",
    "august aug augustus août aout agosto ago augusti",
    "september sep sept septembre settembre set setembro septiembre",
    "oktober okt octobre oct ottobre ott outubro out octubre",
    "november nov novembre novembro noviembre",
    "dezember dez december dec décembre decembre déc dicembre dic dezembro diciembre desember des",
)
NUMBER_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
"""Name of a month, in small letters -> its number."""

_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})[-/. ]+(?:de )?([^\W\d_]{3,12})\.?[-/., ]+(?:de )?(\d{4})(?=\D|$)")


def with_number(text: str) -> str | None:
    """Return a time whose date is a day, the name of a month and a year, with the date as ISO 8601 has it.

    None where it has no such date.

    Raises:
        ValueError: the name is of no month that is known.
    """
    found = _DAY_MONTH_YEAR.match(text)
    if found is None:
        return None
    day, name, year = found.groups()
    number = NUMBER_OF.get(name.casefold())
    if number is None:
        raise ValueError(
            f"{name!r} is no month that is known; write the month as a number, as in 2026-03-31 or 31.03.2026"
        )
    return f"{year}-{number:02}-{int(day):02}{text[found.end() :].replace(', ', ' ')}"
