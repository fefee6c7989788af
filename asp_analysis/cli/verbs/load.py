"""`asp-analysis load`: telemetry files, transcripts and folders of them into the store."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import db_option, pairs
from asp_analysis.cli.printing import counted, note, say
from asp_analysis.sql import CONTRACT_TABLES, VOCABULARIES

if TYPE_CHECKING:
    from asp_analysis.config import StoreUrl
    from asp_analysis.importers.folders import FoundFile, NotLoaded
    from asp_analysis.importers.transcripts.calls import Reading
    from asp_analysis.pricing import OwnPrices
    from asp_analysis.store.database import Store
    from asp_analysis.store.log import LoadResult

_KINDS = ("executions", "metrics", *CONTRACT_TABLES, *VOCABULARIES)
_COUNTS = ("read", "written", "updated", "present", "rejected")
_SHOWN_FILES = 20


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]...")
@click.option("--claude-code", is_flag=True, help="Load one's own Claude Code transcripts (CLAUDE_CONFIG_DIR).")
@click.option("--codex", is_flag=True, help="Load one's own Codex rollouts (CODEX_HOME).")
@click.option(
    "--task-from",
    default="session",
    show_default=True,
    metavar="session|branch|project|REGEX",
    help="What a transcript's task is; REGEX is searched in the branch, as in '[A-Z]+-[0-9]+'.",
)
@click.option("--role", "roles", multiple=True, metavar="AGENT=ROLE", help="The role that an agent plays; repeatable.")
@click.option(
    "--prices", type=click.Path(path_type=Path), help="One's own prices, CSV or JSON, USD per million tokens."
)
@click.option("--keep-text", is_flag=True, help="Keep prompts and answers of transcripts; they are left out otherwise.")
@click.option("--as", "loaded_as", type=click.Choice(_KINDS), help="What the records are. [default: told by columns]")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Their column for one of ours, as in latency_ms=seconds*1000 where the unit differs; repeatable.",
)
@click.option("--set", "constants", multiple=True, metavar="OURS=VALUE", help="One value for all records; repeatable.")
@click.option(
    "--time-format", metavar="FORMAT", help="Form of their times, such as '%m/%d/%Y %H:%M'. [default: ISO 8601]"
)
@click.option(
    "--decimal",
    type=click.Choice([".", ","]),
    default=".",
    help="Their decimal sign; with ',' 1234,5 and 1.234,5 are taken, and 1.234 is rejected: it is 1234 or 1,234.",
)
@click.option(
    "--encoding",
    type=click.Choice(["utf-8", "cp1250", "cp1251", "cp1252", "latin-1"]),
    default="utf-8",
    show_default=True,
    help="How CSV files are encoded that are not UTF-8.",
)
@click.option("--strict", is_flag=True, help="Write nothing of a file in which a record is rejected.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@db_option
def command(files: tuple[Path, ...], as_json: bool, db: str | None, **said: Any) -> None:
    """Load tables, transcripts and traces, each record once.

    Loading again writes only what is new and removes nothing.

    Tables are CSV, JSON Lines or Parquet, or a SQLite file of the ASP platform. Transcripts of Claude Code, Codex,
    Gemini CLI and Pi, OpenTelemetry traces, Langfuse exports and SWE-agent trajectories are told by their content;
    every model call is counted once.

    Example: asp-analysis load runs.csv --as executions --map task_id=ticket --set agent_role=Code
    """
    from asp_analysis.importers.folders import NotLoaded, found_files, transcript_files

    if not files and not said["claude_code"] and not said["codex"]:
        raise click.UsageError("Name a file or a folder, or give --claude-code or --codex.")
    found = [*found_files(files), *transcript_files(_own_folders(said))]
    results: list[LoadResult] = []
    not_loaded: list[NotLoaded] = []
    said_once: set[str] = set()
    how = _how_to_read(said)
    for outcome in _unchanged(found, said, how, db) or _loaded(found, said, how, db):
        if isinstance(outcome, NotLoaded):
            not_loaded.append(outcome)
            continue
        results.append(outcome)
        if not as_json and (len(found) <= _SHOWN_FILES or outcome.rejected):
            _print(outcome, is_alone=len(found) == 1)
        _print_notes(outcome, said_once)
    if not found:
        note(f"No files were found in {', '.join(map(str, files))}. Name a file, or another folder.")
    if as_json:
        click.echo(json.dumps(_summed(results, not_loaded), ensure_ascii=False))
    else:
        _print_sums(results)
        _print_unpriced(results, how[1])
    _print_not_loaded(not_loaded)
    if sum(result.rejected for result in results):
        note("Rejected records are kept with their reasons: asp-analysis rejects")


def _own_folders(said: dict[str, Any]) -> Iterator[Path]:
    from asp_analysis.errors import InputError
    from asp_analysis.importers.formats import claude_code, codex

    finders = [form.own_folders for form in (claude_code, codex) if said[form.__name__.rpartition(".")[2]]]
    missing: list[InputError] = []
    for find in finders:
        try:
            yield from find(os.environ)
        except InputError as error:  # who uses one of the two may name both
            missing.append(error)
    if missing and len(missing) == len(finders):
        raise InputError(" ".join(map(str, missing)))
    for one in missing:
        note(f"Passed over: {one}")


def _unchanged(
    found: list["FoundFile"], said: dict[str, Any], how: "tuple[Reading, OwnPrices | None]", db: str | None
) -> "list[LoadResult] | None":
    """Give the outcomes where every file is as it was: then nothing is opened, and nothing slow is imported."""
    from asp_analysis.config import store_url
    from asp_analysis.unchanged import all_unchanged, transcript_options

    if said["loaded_as"] or said["maps"] or said["constants"]:
        return None
    return all_unchanged(store_url(db), found, transcript_options(how[0], how[1]))


def _loaded(
    found: list["FoundFile"], said: dict[str, Any], how: "tuple[Reading, OwnPrices | None]", db: str | None
) -> "Iterator[LoadResult | NotLoaded]":
    from asp_analysis.config import store_url
    from asp_analysis.importers.tables.mapping import Mapping
    from asp_analysis.loading import LoadOptions, load_files
    from asp_analysis.store.database import open_store

    columns, constants = pairs(said["maps"], "--map"), pairs(said["constants"], "--set")
    mapping = Mapping(
        columns=columns,
        constants=constants,
        time_format=said["time_format"],
        decimal=said["decimal"],
        encoding=said["encoding"],
    )
    options = LoadOptions(
        loaded_as=said["loaded_as"], mapping=mapping, is_strict=said["strict"], reading=how[0], prices=how[1]
    )
    url = store_url(db)
    _load_waiting(url, found)
    with open_store(url) as store:
        written = 0
        for outcome in _with_progress(load_files(store, found, options), len(found)):
            written += getattr(outcome, "written", 0)
            yield outcome
        if written:
            _tell_of_sample(store)


def _tell_of_sample(store: "Store") -> None:
    """Say that invented tasks stand beside one's own: nobody means to add them up."""
    from asp_analysis.store.database import sample_task_count

    if count := sample_task_count(store):
        note(
            f"The store also holds the {count} tasks of the sample, and sums and estimates mix them with yours. Begin "
            "your own with: asp-analysis init --reset, or name another store with --db."
        )


def _load_waiting(url: "StoreUrl", found: list["FoundFile"]) -> None:
    """Take what `capture` left beside the store as well: whoever loads wants all that there is."""
    from asp_analysis.capture.waiting import load_waiting

    count = 0 if url.is_missing() else load_waiting(url, [file.path for file in found])
    if count:
        note(f"Loaded too: {counted(count, 'captured record')} that waited beside the store.")


def _with_progress(outcomes: "Iterator[LoadResult | NotLoaded]", count: int) -> "Iterator[LoadResult | NotLoaded]":
    """Pass the outcomes on; show how far they are where many files are loaded at a terminal."""
    if count <= _SHOWN_FILES or not sys.stderr.isatty():
        yield from outcomes
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(outcomes, "Loading files", total=count, console=Console(stderr=True), transient=True)


def _how_to_read(said: dict[str, Any]) -> "tuple[Reading, OwnPrices | None]":
    from asp_analysis.importers.transcripts.calls import Reading
    from asp_analysis.pricing import read_prices

    reading = Reading(said["task_from"], tuple(pairs(said["roles"], "--role").items()), said["keep_text"])
    return reading, read_prices(said["prices"]) if said["prices"] else None


def _print(result: "LoadResult", *, is_alone: bool) -> None:
    if result.is_unchanged and not is_alone:
        return
    counts = ", ".join(f"{getattr(result, name)} {name}" for name in _COUNTS[1:])
    verb, them = ("is", "it") if result.tasks_stubbed == 1 else ("are", "them")
    stubs = f"; {counted(result.tasks_stubbed, 'task')} {verb} new, nothing else is known of {them}"
    unchanged = " (unchanged)" if result.is_unchanged else ""
    say(f"{result.file}: read {result.read} = {counts}{stubs if result.tasks_stubbed else ''}{unchanged}")
    if result.first_reject:
        note(f"{result.file}, {result.first_reject}{' (the first of them)' if result.rejected > 1 else ''}")
    if result.read == 0:
        note(f"{result.file} holds no records.")


def _print_notes(result: "LoadResult", said_once: set[str]) -> None:
    """Print what the reader should know; what holds for many files alike comes once."""
    for line in dict.fromkeys(result.notes):
        if line not in said_once:
            note(line)
    said_once.update(result.notes)


def _print_sums(results: list["LoadResult"]) -> None:
    """Print the reconciliation of all transcripts: what was read, and where the difference to the calls went."""
    transcripts = [result for result in results if result.loaded_as == "transcript"]
    if not transcripts:
        return
    found = _reconciled(transcripts)
    unchanged = f" ({found['files_unchanged']:,} unchanged)" if found["files_unchanged"] else ""
    say(
        f"{found['files']:,} files{unchanged}, {found['lines']:,} lines: {found['calls']:,} calls, "
        f"{found['duplicates']:,} duplicates skipped, {found['calls_without_usage']:,} calls without usage, "
        f"{found['calls_without_price']:,} calls without a price, {found['errors']:,} errors, "
        f"{found['interruptions']:,} interruptions"
    )


def _print_unpriced(results: list["LoadResult"], prices: "OwnPrices | None") -> None:
    if not any(result.found.get("calls_without_price") for result in results):
        return
    note(
        "Calls without a price, by model: asp-analysis models --unpriced. --prices FILE prices them; "
        "a cost that is stored already stays."
    )
    if prices is None:
        return
    for model, columns in sorted(prices.lacking.items()):
        if columns:
            note(f"{prices.name} has no {', '.join(sorted(columns))} for {model}. Fill it, and load again.")


def _print_not_loaded(not_loaded: list["NotLoaded"]) -> None:
    for outcome in not_loaded[:_SHOWN_FILES]:
        note(f"Not loaded: {outcome.file}: {outcome.reason}")
    if len(not_loaded) > _SHOWN_FILES:
        note(f"Not loaded: {len(not_loaded) - _SHOWN_FILES:,} more files; --json names them all.")


def _reconciled(transcripts: list["LoadResult"]) -> dict[str, int]:
    names = ("lines", "calls", "duplicates", "calls_without_usage", "calls_without_price", "errors", "interruptions")
    total: Counter[str] = Counter(dict.fromkeys(names, 0))
    for result in transcripts:
        total.update(result.found)
    unchanged = sum(result.is_unchanged for result in transcripts)
    return {"files": len(transcripts), "files_unchanged": unchanged, **total}


def _summed(results: list["LoadResult"], not_loaded: list["NotLoaded"]) -> dict[str, Any]:
    names = (*_COUNTS, "tasks_stubbed")
    total: dict[str, Any] = {name: sum(getattr(result, name) for result in results) for name in names}
    transcripts = [result for result in results if result.loaded_as == "transcript"]
    if transcripts:
        total["transcripts"] = _reconciled(transcripts)
    if not_loaded:
        total["not_loaded"] = [{"file": outcome.file, "reason": outcome.reason} for outcome in not_loaded]
    return {**total, "files": [result.as_dict() for result in results]}
