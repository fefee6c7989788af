"""`asp-analysis backup`: a verified copy of the store, made while others write."""

import click

from asp_analysis.cli.options import db_option
from asp_analysis.cli.printing import note
from asp_analysis.cli.progress import show_progress


@click.command()
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Keep the N newest backups, remove older ones.")
@db_option
def command(keep: int | None, db: str | None) -> None:
    """Copy the store while others write, and verify the copy.

    The copy goes to backups/ next to the store, and its name is printed. Only backups that this command made are ever
    removed.

    Example: asp-analysis backup --keep 14
    """
    from asp_analysis.config import store_url
    from asp_analysis.store.backups import back_up

    with show_progress("copying"):
        made = back_up(store_url(db), keep)
    click.echo(str(made.backup.path))
    removed = f" Removed {len(made.removed)} older." if made.removed else ""
    note(f"Verified: sound, {sum(made.rows.values()):,} rows, {made.backup.size_bytes / 1e6:.1f} MB.{removed}")
