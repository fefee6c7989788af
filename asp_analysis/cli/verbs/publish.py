"""`asp-analysis publish`: the store's rows to a lake that many machines share."""

import click

from asp_analysis.cli.options import db_option, format_options, pseudonyms_option, wanted_persons
from asp_analysis.cli.printing import counted, note, print_rows
from asp_analysis.cli.progress import show_progress

_LISTED_COLUMNS = (
    "table",
    "rows",
    "files",
    "size_bytes",
    "uploaded_files",
    "uploaded_rows",
    "uploaded_bytes",
    "unchanged_files",
    "removed_files",
)


@click.command()
@click.argument("url")
@click.option("--writer", metavar="NAME", help="The store's name in the lake. [default: of the machine and the store]")
@click.option("--with-text", is_flag=True, help="Also publish descriptions, notes and all that sources said.")
@click.option("--remove", is_flag=True, help="Take the writer out of the lake.")
@pseudonyms_option
@format_options
@db_option
def command(url: str, writer: str | None, with_text: bool, remove: bool, output: str | None, db: str | None) -> None:
    """Publish the store to a lake.

    A lake is what many stores are published to. URL is a folder (a path, or lake:///FOLDER) or a bucket:
    s3://BUCKET/PREFIX, gs://..., abfss://... Free text stays at home. Only days that changed are written, and what the
    store has no more is removed. The command lists the tables.

    Example: asp-analysis publish /mnt/team/asp
    """
    from pathlib import Path

    from asp_analysis.config import lake_url, store_url
    from asp_analysis.publishing import PublishOrder, publish, withdraw
    from asp_analysis.session.persons import PersonView

    if remove and (with_text or wanted_persons()):
        raise click.UsageError("--remove publishes nothing. Leave --with-text and --pseudonyms out.")
    lake, store = lake_url(url, Path.cwd()), store_url(db)
    with show_progress("publishing"):
        if remove:
            result = withdraw(store, lake, writer)
        else:
            order = PublishOrder(writer=writer, has_text=with_text, persons=PersonView.read(wanted_persons()))
            result = publish(store, lake, order)
    print_rows(
        [{name: getattr(table, name) for name in _LISTED_COLUMNS} for table in result.tables], _LISTED_COLUMNS, output
    )
    for path in result.foreign:
        note(f"{path} is no file of this writer; it was left alone.")
    done = sum(table.uploaded_files for table in result.tables)
    note(f"{result.writer}: {'removed' if remove else counted(done, 'file') + ' uploaded'}, {lake.shown}")
