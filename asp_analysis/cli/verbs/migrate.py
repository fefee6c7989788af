"""`asp-analysis migrate`: a SQLite store to PostgreSQL, compared before it is kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import format_options, password_option
from asp_analysis.cli.printing import note, print_rows
from asp_analysis.cli.progress import show_progress

if TYPE_CHECKING:
    from asp_analysis.config import StoreUrl
    from asp_analysis.postgres import Migration

_CHECK = ("table", "column", "check", "source", "target", "is_equal")


@click.command()
@click.argument("target", metavar="POSTGRES_URL")
@click.option("--from", "source", metavar="URL", help="The SQLite store. [default: DATABASE_URL, else the project's]")
@click.option("--dry-run", "is_dry", is_flag=True, help="Read and check the store and the server; write nothing.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write rows that PostgreSQL cannot take to FILE (JSON Lines) and leave them out.",
)
@click.option(
    "--export", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Also write the copy to Parquet files."
)
@password_option
@format_options
def command(
    target: str, source: str | None, is_dry: bool, rejects: Path | None, folder: Path | None, output: str | None
) -> None:
    """Copy the store to PostgreSQL, and compare every column.

    The database must be empty. It gets the whole store or nothing: if the copy is stopped, start it again. The store
    is only read; one of an earlier schema version is upgraded in a temporary copy. The comparison covers row counts,
    checksums of every column, sums and limits of numbers and times, and references between tables. --json and --csv
    list every check. On a database that already holds the copy, the command compares again.

    A file of the ASP platform must be loaded into a store first: asp-analysis load platform.db

    Example: asp-analysis migrate postgresql://asp@db.example.org/asp --dry-run
    """
    from asp_analysis.config import parse_url, store_url
    from asp_analysis.errors import StoreError
    from asp_analysis.postgres import migrate

    target_url = parse_url(target, Path.cwd())
    if folder is not None and (is_dry or folder.exists()):
        raise click.UsageError("--export needs a DIR that does not exist yet, and no --dry-run.")
    with show_progress("comparing" if is_dry else "copying"):
        done = migrate(store_url(source), target_url, rejects=rejects, is_dry=is_dry)
    _print(done, output)
    _note(done, rejects)
    if done.differences:
        raise StoreError(
            f"The copy differs from the store in {len(done.differences)} of {len(done.checks)} checks. "
            "Nothing was written; please report this with the listing."
        )

    if folder is not None:
        _export(target_url, folder)


def _export(url: "StoreUrl", folder: Path) -> None:
    from asp_analysis.exporting import Wanted, export

    with show_progress("exporting"):
        files = export(url, folder.absolute(), Wanted(format_name="parquet"))
    note(f"Written to {folder}: {', '.join(f'{file.file.name} ({file.rows:,} rows)' for file in files)}.")


def _print(done: "Migration", output: str | None) -> None:
    """Print what was compared; for people one line a table, then every difference."""
    checks = [check.as_dict() for check in done.checks]
    if output and not done.is_dry:
        print_rows(checks, _CHECK, output)
        return
    rows = [_summary(done, table, count, checks) for table, count in done.rows.items()]
    print_rows(rows, tuple(rows[0]), output)
    if done.differences:
        print_rows([check.as_dict() for check in done.differences], _CHECK, output)


def _summary(done: "Migration", table: str, count: int, checks: list[dict[str, Any]]) -> dict[str, Any]:
    own = [check for check in checks if check["table"] == table]
    compared = {"checks": len(own), "different": sum(not check["is_equal"] for check in own)} if checks else {}
    return {"table": table, "rows": count, "set_aside": done.set_aside.get(table, 0), **compared}


def _note(done: "Migration", rejects: Path | None) -> None:
    for table, columns in done.left_behind.items():
        note(f"Not copied, a store on a server has no such column: {table}: {', '.join(columns)}.")
    if done.set_aside:
        where = f"they are in {rejects}" if rejects else "set them aside with --rejects FILE"
        note(f"{sum(done.set_aside.values()):,} rows cannot be copied, {where}: {'; '.join(done.first_set_aside)}")
    if done.is_dry:
        what = "would be copied to" if done.is_new else "is already in"
        note(f"{done.source} {what} {done.target}. Nothing was written there.")
    elif not done.differences:
        what = "Copied" if done.is_new else "Already migrated, compared again:"
        note(
            f"{what} {done.source} to {done.target}: {sum(done.rows.values()):,} rows, {len(done.checks)} checks equal."
        )
        note(f"To use it from now on: export DATABASE_URL={done.target}")
