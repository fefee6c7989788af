"""`asp-analysis build`: what all writers have published to a lake becomes tables and answers that everybody reads."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import format_options
from asp_analysis.cli.printing import counted, note, print_rows
from asp_analysis.cli.progress import show_progress

if TYPE_CHECKING:
    from asp_analysis.building import Built

_PART_COLUMNS = ("name", "kind", "rows", "files", "size_bytes", "periods_made")
_MOST_NAMED = 5
_LONGEST_DAYS = 36_500


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "--purge-days",
    type=click.IntRange(0, _LONGEST_DAYS),
    default=7,
    show_default=True,
    help="Remove files that no build names when they are so old; 0 for what was forgotten.",
)
@click.option(
    "--keep-raw",
    metavar="DAYS",
    callback=lambda _context, _parameter, value: _read_days(value),
    help="Keep executions for so long, as in 400d, and daily sums for ever. [default: all]",
)
@format_options
def command(url: str, purge_days: int, keep_raw: int | None, output: str | None) -> None:
    """Build a lake's answers.

    URL: a folder, s3://BUCKET/PREFIX, gs:// or abfss://. What all writers have published becomes tables, each row once,
    and answers; only what changed is made again. One build runs at a time, and readers see it when it has ended.

    Example: asp-analysis build /mnt/team/asp
    """
    from asp_analysis.building import Order, build
    from asp_analysis.config import lake_url

    address = lake_url(url, Path.cwd())
    with show_progress("building"):
        built = build(address, Order(purge_days=purge_days, keep_days=keep_raw))
    if output == "json":
        click.echo(json.dumps({**_describe(built), "parts": _list_parts(built)}, ensure_ascii=False))
    else:
        print_rows(_list_parts(built), _PART_COLUMNS, output)
        _remark(built)


def _read_days(text: str | None) -> int | None:
    if text is None:
        return None
    days = text.removesuffix("d")
    if not (days.isascii() and days.isdigit() and 0 < int(days[:9]) <= _LONGEST_DAYS and len(days) < 9):
        raise click.BadParameter(f"{text!r} is not a number of days up to {_LONGEST_DAYS}. Write it as 400d.")
    return int(days)


def _describe(built: "Built") -> dict[str, Any]:
    return {
        "build": built.build.build,
        "is_new": built.is_new,
        "built_at": built.build.built_at,
        "engine": built.build.engine,
        "writers": len(built.build.writers),
        "cpu_s": round(built.cpu_s, 3),
        "files_removed": built.purged.files,
        "foreign_files": list(built.purged.foreign),
    }


def _list_parts(built: "Built") -> list[dict[str, Any]]:
    kinds = (("table", built.build.tables), ("mart", built.build.marts))
    return [
        {
            "name": name,
            "kind": kind,
            "rows": table.rows,
            "files": len(table.files),
            "size_bytes": sum(file.size_bytes for file in table.files),
            "periods_made": built.changed.get(name, 0) if kind == "table" else None,
        }
        for kind, parts in kinds
        for name, table in parts.items()
    ]


def _remark(built: "Built") -> None:
    told = _describe(built)
    writers = counted(told["writers"], "writer")
    if built.is_new:
        note(f"Build {told['build']} of {writers} took {built.cpu_s:.1f} s of CPU. Everybody reads it now.")
    else:
        note(f"Nothing has changed since build {told['build']} of {writers}.")
    if foreign := built.purged.foreign:
        named = ", ".join(foreign[:_MOST_NAMED]) + (", ..." if len(foreign) > _MOST_NAMED else "")
        note(f"{counted(len(foreign), 'file')} in the lake that nobody of the workbench wrote: {named}. They stay.")
