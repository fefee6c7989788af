"""`asp-analysis export`: the tables as files for spreadsheets, BI tools and other programs."""

from datetime import UTC, datetime
from pathlib import Path

import click

from asp_analysis.cli.options import db_option, format_options, pseudonyms_option, wanted_persons
from asp_analysis.cli.printing import note, print_rows
from asp_analysis.cli.progress import show_progress
from asp_analysis.sql import RECORD_TABLES

_FILE_COLUMNS = ("table", "rows", "size_bytes", "file")


@click.command()
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["csv", "parquet", "focus"]),
    default="csv",
    show_default=True,
    help="Of files; focus is one CSV file of all costs, as FOCUS 1.2 has them.",
)
@click.option("--table", "tables", type=click.Choice(RECORD_TABLES), multiple=True, help="Only this table; repeatable.")
@click.option("--views", "has_views", is_flag=True, help="Also write the views that answer questions, whole.")
@click.option("--since", metavar="INSTANT", help="Only rows of this instant (UTC) or later, as in 2026-01-31.")
@click.option("--raw", is_flag=True, help="Write CSV cells as they are: for programs, and to load them again.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["store", "platform"]),
    default="store",
    show_default=True,
    help="The store's own form, or the ASP platform's: its names, one row per metric of an execution.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="A new folder. [default: in exports/ of the store]"
)
@pseudonyms_option
@format_options
@db_option
def command(
    format_name: str,
    tables: tuple[str, ...],
    has_views: bool,
    since: str | None,
    raw: bool,
    form: str,
    out: Path | None,
    output: str | None,
    db: str | None,
) -> None:
    """Write the tables to CSV or Parquet files.

    CSV is safe to open in a spreadsheet. The command lists each file with its rows. --views adds the answers, one file
    for each view. --format focus writes costs for programs of FinOps.

    Example: asp-analysis export --format parquet --since 2026-01-01
    """
    from asp_analysis.config import store_url
    from asp_analysis.exporting import Wanted, export
    from asp_analysis.privacy import as_private_as
    from asp_analysis.session.persons import PersonView

    if format_name == "focus" and (tables or has_views or form == "platform"):
        raise click.UsageError("--format focus is one file of all costs. Leave --table, --views and --as out.")
    if has_views and form == "platform":
        raise click.UsageError("--views are in the store's own form. Leave --as platform out.")
    if has_views and since:
        raise click.UsageError("--views are written whole. Leave --since out, or --views.")
    url = store_url(db)
    name = url.path.stem if url.path else "lake" if url.is_lake else "postgresql"
    folder = (out or url.data_dir / "exports" / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}").absolute()
    wanted = Wanted(
        tables=tables or RECORD_TABLES,
        format_name="csv" if format_name == "focus" else format_name,
        is_focus=format_name == "focus",
        since=_instant(since),
        is_raw=raw,
        is_as_platform=form == "platform",
        has_views=has_views,
        persons=PersonView.read(wanted_persons()),
    )
    with as_private_as(url), show_progress("exporting"):
        files = export(url, folder, wanted)
    print_rows([{name: str(getattr(file, name)) if name == "file" else getattr(file, name) for name in _FILE_COLUMNS}
                for file in files], _FILE_COLUMNS, output)  # fmt: skip
    if wanted.is_focus:
        note("Executions without a known cost are left out: a charge of FOCUS has one.")
    if count := sum(file.neutralised for file in files):
        note(f"{count} cells that a spreadsheet would run begin with an apostrophe; --raw writes them as they are.")


def _instant(since: str | None) -> str | None:
    from asp_analysis.records import read_instant

    try:
        return read_instant(since) if since is not None else None
    except ValueError:
        raise click.UsageError(f"--since {since!r} is not an instant. Write it as 2026-01-31.") from None
