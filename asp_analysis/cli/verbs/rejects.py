"""`asp-analysis rejects`: the rejected records, exported for repair."""

import json
import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import db_option, format_options
from asp_analysis.cli.printing import counted, note, print_rows
from asp_analysis.errors import InputError

if TYPE_CHECKING:
    from asp_analysis.store.rejects import KeptReject

_REJECT_COLUMNS = ("file", "line_number", "reasons", "raw_text", "loaded_at", "loaded_again_at")
_TABLE_FORMATS = ("csv", "json", "jsonl", "parquet", "xlsx", "asp-platform")
_OPTIONS = {
    "from": "--from",
    "task_from": "--task-from",
    "commit_from": "--commit-from",
    "map": "--map",
    "set": "--set",
    "value": "--value",
    "null": "--null",
    "time_format": "--time-format",
    "time_zone": "--time-zone",
    "decimal": "--decimal",
    "thousands": "--thousands",
}
"""What the load log keeps of the options of `load`, and how they are written."""


@click.command()
@click.option(
    "--export", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write their raw text to FILE."
)
@click.option("--clear", is_flag=True, help="Forget them once they are exported.")
@format_options
@db_option
def command(target: Path | None, clear: bool, output: str | None, db: str | None) -> None:
    """List the rejected records with their reasons, or export them.

    --export writes their raw text, below the header line if it was CSV. Correct the file and load it as the printed
    line says. Records that need different options go to FILE-1, FILE-2 and so on. The reasons go to FILE.reasons.jsonl.

    Example: asp-analysis rejects --export rejects.csv
    """
    from asp_analysis.config import store_url
    from asp_analysis.privacy import as_private_as
    from asp_analysis.store.database import open_store
    from asp_analysis.store.rejects import clear_rejects, list_rejects

    if clear and target is None:
        raise click.UsageError("--clear needs --export FILE: only exported records are forgotten.")
    url = store_url(db)
    with as_private_as(url), open_store(url) as store:
        rejects = list_rejects(store)
        if target is None:
            _print(rejects, output)
            return
        for path, alike in _parts(target, rejects):
            _write(path, alike)
            if clear:
                clear_rejects(store, [reject.reject_id for reject in alike])
            note(_written(path, alike))
    if not rejects:
        note("There are no rejected records. Nothing was written.")


def _print(rejects: list["KeptReject"], output: str | None) -> None:
    rows = [vars(reject) for reject in rejects]
    if output != "json":
        rows = [{**row, "reasons": "; ".join(row["reasons"])} for row in rows]
    print_rows(rows, _REJECT_COLUMNS, output)
    again = sum(reject.loaded_again_at is not None for reject in rejects)
    if again:
        note(
            f"{again} of {len(rejects)} were not rejected again when their file was loaded later (loaded_again_at): "
            "they were corrected, changed or moved to another line. --export FILE --clear exports and forgets them all."
        )


def _parts(target: Path, rejects: list["KeptReject"]) -> Iterator[tuple[Path, list["KeptReject"]]]:
    """Yield the rejects that one call of `load` can take, each with its file; the target itself where all are alike."""
    parts: dict[str, list[KeptReject]] = defaultdict(list)
    for reject in rejects:
        parts[json.dumps([_header(reject), reject.loaded_as, reject.options])].append(reject)
    for number, alike in enumerate(parts.values(), start=1):
        yield target if len(parts) == 1 else target.with_stem(f"{target.stem}-{number}"), alike


def _header(reject: "KeptReject") -> str | None:
    """Return what comes above a record: its header line; nothing above JSON; None where it is not known."""
    return reject.header if reject.format == "csv" else ""


def _write(target: Path, rejects: list["KeptReject"]) -> None:
    texts = [_header(rejects[0]) or "", *(reject.raw_text for reject in rejects)]
    try:
        with target.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(_ended(text) for text in texts if text)
        with Path(f"{target}.reasons.jsonl").open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(vars(reject), ensure_ascii=False) + "\n" for reject in rejects)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}. Choose another file.") from None


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _written(path: Path, rejects: list["KeptReject"]) -> str:
    header = " Their header line was not kept: write it above them." if _header(rejects[0]) is None else ""
    return (
        f"{counted(len(rejects), 'record')} written to {path}, the reasons to {path}.reasons.jsonl.{header} "
        f"Correct them, then run: {_load_again(path, rejects[0])}"
    )


def _load_again(path: Path, reject: "KeptReject") -> str:
    """Return the command that reads a corrected record as it was read before."""
    words = ["asp-analysis", "load", str(path)]
    if reject.format in _TABLE_FORMATS:
        words += ["--as", reject.loaded_as]
        for name, flag in _OPTIONS.items():
            words += [word for value in _said(reject.options.get(name, {})) for word in (flag, value)]
    return shlex.join(words)


def _said(option: Any) -> list[str]:
    """Return the values of a repeatable option, as the load log keeps them."""
    if isinstance(option, dict):
        nested = [(ours, words) for ours, words in option.items() if isinstance(words, dict)]
        plain = ["=".join(pair) for pair in option.items() if isinstance(pair[1], str)]
        return plain + [f"{ours}:{theirs}={word}" for ours, words in nested for theirs, word in words.items()]
    return option if isinstance(option, list) else str(option).split(" | ")
