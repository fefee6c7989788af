"""Options that several verbs share."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.passwords import take_password

if TYPE_CHECKING:
    from datetime import datetime

    from asp_analysis.config import StoreUrl
    from asp_analysis.session import Session

password_option = click.option(
    "--password-file",
    metavar="FILE",
    expose_value=False,
    callback=take_password,
    help="The server's password is in FILE; - asks for it.",
)


def db_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db`, and `--password-file` for a store on a server."""
    db = click.option(
        "--db",
        metavar="URL",
        help="The store: sqlite:///FILE or a path. [default: DATABASE_URL, else data/asp_telemetry.db]",
    )
    return db(password_option(function))


_LIVE = "asp_analysis.is_live"

NEWEST_EXECUTIONS = 50_000
"""What verbs that read every task read of a large lake, unless --since says more. A dashboard of so many took 1.2 times
that of a store of 130,000, one of 100,000 took 1.6 times."""


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db`, and `--live`, which `open_session` heeds."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        context.meta[_LIVE] = value

    live = click.option(
        "--live",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Read the store itself. [default: a copy as new as it, kept in memory or in data/cache/]",
    )
    return db_option(live(function))


_PERSONS, _LEAST = "asp_analysis.persons", "asp_analysis.least"


def pseudonyms_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--pseudonyms`, which `open_session` heeds."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.meta[_PERSONS] = "pseudonyms"

    return click.option(
        "--pseudonyms",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Name persons by a keyed hash; the key stays next to the store.",
    )(function)


def team_view_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--team-view` and `--least`, which `open_session` heeds."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.meta[_PERSONS] = f"teams:{context.meta[_LEAST]}"

    least = click.option(
        "--least",
        type=click.IntRange(2),
        default=5,
        show_default=True,
        is_eager=True,
        expose_value=False,
        callback=lambda context, _parameter, value: context.meta.update({_LEAST: value}),
        help="People of a group that is named.",
    )
    view = click.option(
        "--team-view",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Name no person, and no group of few people.",
    )
    return least(view(function))


_ZONE = "asp_analysis.zone"


def time_zone_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--time-zone`, which `open_session` heeds."""

    def remember(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            from asp_analysis.time_zones import check_time_zone

            check_time_zone(value)
            context.meta[_ZONE] = value

    return click.option(
        "--time-zone",
        metavar="ZONE",
        expose_value=False,
        callback=remember,
        help="Whose days, as in Europe/Berlin. [default: UTC]",
    )(function)


def wanted_zone() -> "str | None":
    """Return the time zone that the command line asks for; None for UTC."""
    return click.get_current_context().meta.get(_ZONE)


def wanted_persons() -> "str | None":
    """Return how the command line wants persons to be shown, as `PersonView.read` reads it."""
    return click.get_current_context().meta.get(_PERSONS)


def open_session(db: "str | StoreUrl | None", zone: str | None = None) -> "Session":
    """Open the store that `--db` names for reading, as `--live` says; what is printed is the same in every run.

    zone: whose clock the views have; what `--time-zone` of `time_zone_option` says for None.
    """
    from asp_analysis.config import StoreUrl, store_url
    from asp_analysis.session import connect
    from asp_analysis.session.persons import PersonView

    url = db if isinstance(db, StoreUrl) else store_url(db)
    is_live = bool(click.get_current_context().meta.get(_LIVE))
    persons = PersonView.read(wanted_persons())
    return connect(url, is_live=is_live, is_repeatable=True, persons=persons, zone=zone or wanted_zone())


def newest_part(session: "Session") -> "datetime | None":
    """Return since when a verb reads a large lake where nobody says so, and note it; None where it reads everything."""
    from asp_analysis.cli.printing import note

    since = session.begin_newest(NEWEST_EXECUTIONS)
    if since is not None:
        note(
            f"A large lake is read from {since:%Y-%m-%d} on: the newest {NEWEST_EXECUTIONS:,} executions and the rest "
            "of their day or month. Read more with --since DATE."
        )
    return since


def format_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json` and `--csv`, which arrive as `output` ("json", "csv" or "table")."""
    for name in ("csv", "json"):
        function = click.option(f"--{name}", "output", flag_value=name, help=f"Print {name.upper()}.")(function)
    return function


def pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """Read `NAME=VALUE` words of a repeatable option.

    Raises:
        click.UsageError: one has no `=`, or a name comes twice.
    """
    found: dict[str, str] = {}
    for value in values:
        name, separator, rest = value.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{option} needs NAME=VALUE, found {value!r}.")
        if name in found:
            raise click.UsageError(f"{option} names {name} twice. Leave one out.")
        found[name] = rest
    return found
