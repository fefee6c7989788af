"""`asp-analysis load`: telemetry files into the store."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import db_option, note, pairs

if TYPE_CHECKING:
    from asp_analysis.store import LoadResult

_KINDS = ("executions", "agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics")
_COUNTS = ("read", "written", "updated", "present", "rejected")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--as", "loaded_as", type=click.Choice(_KINDS), help="What the records are. [default: told by columns]")
@click.option("--map", "maps", multiple=True, metavar="OURS=THEIRS", help="Their column for one of ours; repeatable.")
@click.option("--set", "constants", multiple=True, metavar="OURS=VALUE", help="One value for all records; repeatable.")
@click.option(
    "--time-format", metavar="FORMAT", help="Form of their times, such as '%m/%d/%Y %H:%M'. [default: ISO 8601]"
)
@click.option("--strict", is_flag=True, help="Write nothing of a file in which a record is rejected.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@db_option
def command(
    files: tuple[Path, ...],
    loaded_as: str | None,
    maps: tuple[str, ...],
    constants: tuple[str, ...],
    time_format: str | None,
    strict: bool,
    as_json: bool,
    db: str | None,
) -> None:
    """Load CSV, JSON Lines or Parquet files; loading again writes only what is new.

    Example: asp-analysis load runs.csv --as executions --map task_id=ticket --set agent_role=Code
    """
    from asp_analysis.config import store_url
    from asp_analysis.importers.mapping import Mapping
    from asp_analysis.loading import load_file
    from asp_analysis.store import open_store

    mapping = Mapping(pairs(maps, "--map"), pairs(constants, "--set"), time_format)
    results = []
    with open_store(store_url(db)) as store:
        for file in files:
            result = load_file(store, file, loaded_as, mapping, is_strict=strict)
            results.append(result)
            if not as_json:
                _print(result)
    if as_json:
        click.echo(json.dumps(_summed(results), ensure_ascii=False))
    if sum(result.rejected for result in results):
        note("Rejected records are kept with their reasons: asp-analysis rejects")


def _print(result: "LoadResult") -> None:
    counts = ", ".join(f"{getattr(result, name)} {name}" for name in _COUNTS[1:])
    stubs = f"; {result.tasks_stubbed} tasks stubbed" if result.tasks_stubbed else ""
    click.echo(f"{result.file}: read {result.read} = {counts}{stubs}")
    if result.read == 0:
        note(f"{result.file} holds no records.")


def _summed(results: list["LoadResult"]) -> dict[str, object]:
    names = (*_COUNTS, "tasks_stubbed")
    total = {name: sum(getattr(result, name) for result in results) for name in names}
    return {**total, "files": [result.as_dict() for result in results]}
