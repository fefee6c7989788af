"""`asp-analysis loads`: what was loaded, when, and what became of it."""

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import note, print_found

_LOAD_COLUMNS = [
    "load_id", "finished_at", "file", "format", "loaded_as", "read_count", "written", "updated", "present", "rejected",
    "tasks_stubbed",
]  # fmt: skip


@click.command()
@format_options
@reading_options
def command(output: str | None, db: str | None) -> None:
    """List the loads, newest first.

    A row says what was read, how, and what became of the records.

    Example: asp-analysis loads
    """
    with open_session(db) as session:
        if session.url.is_lake:
            note("A lake has no log of loads: each store that publishes to it keeps its own.")
        print_found(session.rows(f"SELECT {', '.join(_LOAD_COLUMNS)} FROM stg_loads ORDER BY load_id DESC"), output)
