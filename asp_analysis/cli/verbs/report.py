"""`asp-analysis report`: a notebook, run with parameters, as one HTML file."""

from pathlib import Path

import click

from asp_analysis.cli.options import (
    pairs,
    pseudonyms_option,
    reading_options,
    team_view_options,
    time_zone_option,
    wanted_persons,
    wanted_zone,
)


@click.command()
@click.argument("notebook", metavar="NOTEBOOK")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter, such as PROJECT=garden; repeatable."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="[default: exports/ next to the store]",
)
@time_zone_option
@pseudonyms_option
@team_view_options
@reading_options
def command(notebook: str, params: tuple[str, ...], out: Path | None, db: str | None) -> None:
    """Write a notebook, run with parameters, as one page.

    The page is HTML without code, readable without a network. NOTEBOOK is a name, its beginning, or a file.

    Example: asp-analysis report 01-overview --param SINCE=2025-11-01
    """
    from asp_analysis.config import store_url
    from asp_analysis.notebook_report import ReportView, find_notebook, make_report

    url = store_url(db)
    values = pairs(params, "--param")
    name = find_notebook(notebook).stem
    path = (out or url.data_dir / "exports" / f"{name}.html").absolute()
    persons = wanted_persons()
    if "teams" in (persons or "") and values:
        raise click.UsageError("--team-view is of the whole store: parts that are compared show persons. Leave it out.")
    make_report(notebook, ReportView(url=url.text, persons=persons, zone=wanted_zone()), values, path)
    click.echo(str(path))
