"""`asp-analysis restore`: a backup in the place of the store."""

from pathlib import Path

import click

from asp_analysis.cli.options import db_option
from asp_analysis.cli.printing import note


@click.command()
@click.argument("backup", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
def command(backup: Path, yes: bool, db: str | None) -> None:
    """Put a backup in the store's place, and keep the present store.

    BACKUP is verified first. The present store is kept in backups/. The command asks first.

    Example: asp-analysis restore data/backups/asp_telemetry-20260131T093000000000Z.db
    """
    from asp_analysis.config import store_url
    from asp_analysis.store.restoring import check_backup, restore

    url = store_url(db)
    rows = check_backup(url, backup)
    if not yes and url.path is not None and not url.is_missing():
        said = f"Replace {url.path} by {backup} ({rows['task_metadata']} tasks)? The present store is backed up first"
        click.confirm(said, abort=True, err=True)
    restored = restore(url, backup)
    if restored.kept is not None:
        note(f"Backed up to {restored.kept}.")
    note(f"Restored {restored.path} ({restored.rows['task_metadata']} tasks, {sum(restored.rows.values()):,} rows).")
