"""`asp-analysis rejects`: the records that could not be taken, given back for repair."""

import json
from pathlib import Path

import click

from asp_analysis.cli.options import db_option, format_options, note, print_rows
from asp_analysis.errors import InputError

_COLUMNS = ("file", "line_number", "reasons", "raw_text", "loaded_at")


@click.command()
@click.option(
    "--export", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write their raw text to FILE."
)
@click.option("--clear", is_flag=True, help="Forget them once they are exported.")
@format_options
@db_option
def command(target: Path | None, clear: bool, output: str | None, db: str | None) -> None:
    """List rejected records with file, line and every reason, or write them to a file.

    The file gets their raw text line by line, to be mended and loaded; CSV records need their header line again. The
    reasons go to FILE.reasons.jsonl.

    Example: asp-analysis rejects --export rejects.csv
    """
    from asp_analysis.config import store_url
    from asp_analysis.store import clear_rejects, list_rejects, open_store

    if clear and target is None:
        raise click.UsageError("--clear needs --export FILE: nothing is forgotten that was not given back.")
    with open_store(store_url(db)) as store:
        rejects = list_rejects(store)
        if target is None:
            shown = [{**reject, "reasons": "; ".join(reject["reasons"])} for reject in rejects]
            print_rows(rejects if output == "json" else shown, _COLUMNS, output)
            return
        _export(target, rejects)
        if clear:
            clear_rejects(store, [reject["reject_id"] for reject in rejects])
    note(f"{len(rejects)} records written to {target}, their reasons to {target}.reasons.jsonl.")


def _export(target: Path, rejects: list[dict[str, object]]) -> None:
    try:
        with target.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(_ended(str(reject["raw_text"])) for reject in rejects)
        with Path(f"{target}.reasons.jsonl").open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(reject, ensure_ascii=False) + "\n" for reject in rejects)
    except OSError as error:
        raise InputError(f"A file to write is needed, {target} gave: {error.strerror}. Choose another.") from None


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
