"""`asp-analysis init`: create the store, or replace it by a new one."""

import click

from asp_analysis.cli.options import db_option
from asp_analysis.cli.printing import note


@click.command()
@click.option("--sample", "with_sample", is_flag=True, help="Fill a store that holds no tasks with the sample data.")
@click.option("--reset", is_flag=True, help="Back the store up, then replace it by a new one. Asks first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
def command(with_sample: bool, reset: bool, yes: bool, db: str | None) -> None:
    """Create the store, empty or with sample data.

    A store that exists already keeps what it holds.

    Example: asp-analysis init --sample
    """
    from asp_analysis.config import require_writable, store_url
    from asp_analysis.store.database import create_store, reset_store

    url = store_url(db)
    require_writable(url)
    if reset and not url.is_missing():
        if not yes and url.path is not None:
            click.confirm(f"Replace {url.path} by a new store? It is backed up first", abort=True, err=True)
        created = reset_store(url, with_sample=with_sample)
        note(f"Backed up to {created.backup}.")
    else:
        created = create_store(url, with_sample=with_sample)
    what = "Created" if created.is_new else "Exists already, not changed:"
    note(f"{what} {created.store} ({created.task_count} tasks).")
