"""`asp-analysis dashboard`: everything on one page that opens in any browser and needs nothing else."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import (
    newest_part,
    open_session,
    pseudonyms_option,
    reading_options,
    team_view_options,
    time_zone_option,
    wanted_persons,
)
from asp_analysis.cli.printing import note

if TYPE_CHECKING:
    from asp_analysis.config import StoreUrl
    from asp_analysis.session import Scope


@click.command()
@click.argument("out", required=False, metavar="[OUT.html]", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--open", "is_opened", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--watch",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Write the page again every SECONDS until Ctrl-C; the open page follows.",
)
@click.option("--project", metavar="NAME", help="Only this project.")
@click.option("--model", metavar="MODEL", help="Only this model.")
@click.option("--role", metavar="ROLE", help="Only this agent role.")
@click.option("--since", metavar="DATE", help="Only from DATE on.")
@click.option("--until", metavar="DATE", help="Only up to the end of DATE.")
@time_zone_option
@pseudonyms_option
@team_view_options
@reading_options
def command(
    out: Path | None,
    is_opened: bool,
    watch: float | None,
    project: str | None,
    model: str | None,
    role: str | None,
    since: str | None,
    until: str | None,
    db: str | None,
) -> None:
    """Write costs, estimates, learning and defects as one page.

    The page is HTML and goes to exports/ next to the store unless OUT.html names another place. It begins with what was
    spent and with the alerts; in the browser it can be filtered and sorted. Of a large lake it shows the newest 50,000
    executions or more; --since says otherwise.

    Example: asp-analysis dashboard --open
    """
    from asp_analysis.config import store_url
    from asp_analysis.session import Scope

    scope = Scope.read(project=project, model=model, role=role, since=since, until=until)
    if "teams" in (wanted_persons() or "") and not scope.is_whole:
        raise click.UsageError("--team-view is of the whole store: parts that are compared show persons. Leave it out.")
    url = store_url(db)
    path = (out or url.data_dir / "exports" / "dashboard.html").absolute()
    _write(url, path, watch, scope)
    click.echo(str(path))
    if is_opened and click.launch(path.as_uri()) != 0:
        note(f"No browser could be opened. Open it yourself: {path.as_uri()}")
    if watch is not None:
        _keep(url, path, watch, scope)


def _write(url: "StoreUrl", path: Path, watch: float | None, scope: "Scope") -> None:
    from asp_analysis.dashboard import build_page, narrow_page, write_page
    from asp_analysis.privacy import as_private_as

    with open_session(url) as session:
        if scope.since is None and scope.before is None and (since := newest_part(session)):
            scope = replace(scope, since=since)
        narrow_page(session, scope)
        page = build_page(session, refresh_s=watch)
    with as_private_as(url):
        write_page(path, page)


def _keep(url: "StoreUrl", path: Path, seconds: float, scope: "Scope") -> None:
    """Make the page again and again; each time the store is opened again, so that a writer is not kept out for long."""
    note(f"The page is written again every {seconds:g} s. Stop with Ctrl-C.")
    try:
        while True:
            time.sleep(seconds)
            _write(url, path, seconds, scope)
    except KeyboardInterrupt:
        note("Stopped. The page stays as it is.")
