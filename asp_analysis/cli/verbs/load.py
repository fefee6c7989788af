"""`asp-analysis load`: telemetry files, transcripts and folders of them into the store."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from asp_analysis.cli.load_answers import (
    SHOWN_FILES,
    print_assumed,
    print_load,
    print_not_loaded,
    print_not_understood,
    print_notes,
    print_sums,
    print_unpriced,
    sum_up,
)
from asp_analysis.cli.mine import find_mine, print_mine, summed_mine
from asp_analysis.cli.options import db_option, pairs
from asp_analysis.cli.printing import counted, note
from asp_analysis.cli.progress import show_progress
from asp_analysis.sql import CONTRACT_TABLES, PEOPLE, VOCABULARIES

if TYPE_CHECKING:
    from asp_analysis.config import StoreUrl
    from asp_analysis.importers.folders import FoundFile, NotLoaded
    from asp_analysis.importers.presets.preset import PresetUse
    from asp_analysis.importers.transcripts.calls import Reading
    from asp_analysis.load_options import LoadOptions
    from asp_analysis.pricing import OwnPrices
    from asp_analysis.store.database import Store
    from asp_analysis.store.log import LoadResult

_KINDS = ("executions", "metrics", *CONTRACT_TABLES, *VOCABULARIES, PEOPLE)
_ENCODINGS = ["utf-8", "cp1250", "cp1251", "cp1252", "latin-1"]


@dataclass(frozen=True, kw_only=True)
class _Request:
    """What the user asked for; the names are those of the options below."""

    files: tuple[Path, ...]
    claude_code: bool
    codex: bool
    is_mine: bool
    repositories: tuple[Path, ...]
    task_from: str
    roles: tuple[str, ...]
    labels: tuple[str, ...]
    prices: Path | None
    keep_text: bool
    kinds: tuple[str, ...]
    preset: str | None
    is_explained: bool
    commit_from: str | None
    maps: tuple[str, ...]
    constants: tuple[str, ...]
    values: tuple[str, ...]
    nulls: tuple[str, ...]
    time_formats: tuple[str, ...]
    time_zone: str | None
    decimal: str | None
    thousands: str | None
    encoding: str
    sheet: str | None
    max_rejects: int | None
    is_strict: bool
    is_rehearsal: bool
    is_replacing: bool
    may_count_again: bool


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]...")
@click.option("--claude-code", is_flag=True, help="Load your Claude Code transcripts (CLAUDE_CONFIG_DIR).")
@click.option("--codex", is_flag=True, help="Load your Codex rollouts (CODEX_HOME).")
@click.option("--mine", "is_mine", is_flag=True, help="Load what every tool on this machine recorded, tool by tool.")
@click.option(
    "--git",
    "repositories",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="REPOSITORY",
    help="Load the changes of a git repository: tasks with sizes, what became of them, defects; repeatable.",
)
@click.option(
    "--task-from",
    default="session",
    show_default=True,
    metavar="session|branch|project|REGEX",
    help="What a transcript's task is; REGEX is searched in the branch, as in '[A-Z]+-[0-9]+'.",
)
@click.option("--role", "roles", multiple=True, metavar="AGENT=ROLE", help="The role that an agent plays; repeatable.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE|COLUMN",
    help="What transcripts do not say, as in person=ada, machine=m1, team=core; of a table, the column; repeatable.",
)
@click.option("--prices", type=click.Path(path_type=Path), help="Your prices, CSV or JSON, USD per million tokens.")
@click.option("--keep-text", is_flag=True, help="Keep prompts, answers and descriptions; they are left out otherwise.")
@click.option(
    "--from",
    "preset",
    metavar="PRESET|FILE",
    help="What wrote the files: jira, linear, gh-pr, gh-issue, gitlab-mr, junit, sarif, eslint, coverage, or a preset "
    "of your own in a file.",
)
@click.option("--explain", "is_explained", is_flag=True, help="Print the preset of --from, to read, copy and change.")
@click.option(
    "--commit-from",
    metavar="REGEX",
    help="Where the path of each report of a series has its commit, as in 'runs/([0-9a-f]+)/'.",
)
@click.option(
    "--as",
    "kinds",
    multiple=True,
    type=click.Choice(_KINDS),
    help="What the records are; repeat it to fill several tables from one file. [default: detected from the columns]",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Their column for one of ours, as in latency_ms=seconds*1000 where the unit differs; repeatable.",
)
@click.option("--set", "constants", multiple=True, metavar="OURS=VALUE", help="One value for all records; repeatable.")
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="OURS:THEIR=OUR",
    help="Our word for theirs, as in 'status:Done=completed'; repeatable, or a CSV FILE of column, theirs, ours.",
)
@click.option("--null", "nulls", multiple=True, metavar="WORD", help="A word that means unknown; repeatable.")
@click.option(
    "--time-format",
    "time_formats",
    multiple=True,
    metavar="FORMAT",
    help="Form of their times, such as '%m/%d/%Y %H:%M'; repeatable where columns differ. [default: ISO 8601]",
)
@click.option(
    "--time-zone", metavar="ZONE", help="Zone of times without an offset, such as Europe/Berlin. [default: UTC]"
)
@click.option("--decimal", type=click.Choice([".", ","]), help="Their decimal sign. [default: .]")
@click.option(
    "--thousands",
    type=click.Choice([",", ".", "'", " "]),
    help="Their sign between thousands. Without it 12,345 is rejected: it is 12345 or 12.345.",
)
@click.option(
    "--encoding",
    type=click.Choice(_ENCODINGS),
    default="utf-8",
    show_default=True,
    help="How CSV files are encoded that are not UTF-8.",
)
@click.option("--sheet", metavar="NAME", help="The sheet of a workbook that has several.")
@click.option("--strict", "is_strict", is_flag=True, help="Write nothing of a file in which a record is rejected.")
@click.option("--max-rejects", type=click.IntRange(0), metavar="N", help="Write nothing of a file with more rejects.")
@click.option("--replace", "is_replacing", is_flag=True, help="Let a corrected file replace its former loads.")
@click.option("--again", "may_count_again", is_flag=True, help="Load a file even if rows of it count a second time.")
@click.option(
    "--dry-run",
    "is_rehearsal",
    is_flag=True,
    help="Show what would be stored or rejected; write nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@db_option
def command(as_json: bool, db: str | None, **said: Any) -> None:
    """Load tables, transcripts and traces, each record once.

    Loading again writes only what is new and removes nothing.

    Tables are CSV, JSON, JSON Lines, Parquet or workbooks, or a SQLite file of the ASP platform. Transcripts of coding
    agents, usage of gateways and dashboards, traces, Langfuse exports and logs of evaluations are detected by their
    content (docs/sources.md lists all); every model call is counted once. --git reads a repository: docs/changes.md.

    Example: asp-analysis load runs.csv --as executions --map task_id=ticket --set agent_role=Code
    """
    from asp_analysis.importers.folders import NotLoaded, found_files, transcript_files

    asked = _Request(**said)
    if asked.is_explained:
        _explain(asked.preset)
        return
    if not (asked.files or asked.claude_code or asked.codex or asked.is_mine or asked.repositories):
        raise click.UsageError("Name a file or a folder, or give --mine, --claude-code, --codex or --git.")
    mine = find_mine() if asked.is_mine else None
    others = mine.found if mine else []
    found = list(dict.fromkeys([*found_files(asked.files), *transcript_files(_own_folders(asked)), *others]))
    results: list[LoadResult] = []
    not_loaded: list[NotLoaded] = []
    said_once: set[str] = set()
    reading, prices = _how_to_read(asked)
    options = _load_options(asked, reading, prices)
    loaded = _rehearsed if asked.is_rehearsal else _loaded
    wanted = _Wanted(found, asked.repositories)
    is_series = options.preset is not None and options.preset.preset.is_series
    with show_progress("loading") as shown:
        for outcome in _unchanged(wanted, options, db) or loaded(wanted, options, db):
            if isinstance(outcome, NotLoaded):
                not_loaded.append(outcome)
                continue
            results.append(outcome)
            with shown.paused():
                if not as_json and (len(found) <= SHOWN_FILES or outcome.rejected or is_series):
                    is_alone = len(found) + len(asked.repositories) == 1
                    print_load(outcome, is_alone=is_alone, is_of_preset=asked.preset is not None)
                print_notes(outcome, said_once)
    if not found and mine is None and not asked.repositories:
        note(f"No files were found in {', '.join(map(str, asked.files))}. Name a file, or another folder.")
    counts = mine.counts(results, not_loaded) if mine else {}
    if as_json:
        said_of_tools = summed_mine(mine, counts) if mine else {}
        click.echo(json.dumps(sum_up(results, not_loaded, options.assumed) | said_of_tools, ensure_ascii=False))
    else:
        if mine:
            print_mine(mine, counts)
        print_sums(results)
        print_unpriced(results, prices)
    print_assumed(options.assumed)
    print_not_understood(results)
    print_not_loaded(not_loaded)
    if asked.is_rehearsal:
        note("Nothing was written. The same command without --dry-run does it.")
    elif sum(result.rejected for result in results):
        note("Rejected records are kept with their reasons: asp-analysis rejects")
    if any(result.rejected and result.rejected == result.read for result in results):
        sys.exit(1)


class _Wanted(NamedTuple):
    """What is to be loaded: files first, then repositories, whose changes are linked with the sessions of the files."""

    files: "list[FoundFile]"
    repositories: tuple[Path, ...]


def _explain(preset: str | None) -> None:
    from asp_analysis.importers.presets.preset import preset_text

    if preset is None:
        raise click.UsageError("--explain prints the preset that --from names.")
    click.echo(preset_text(preset).rstrip("\n"))


def _own_folders(asked: _Request) -> Iterator[Path]:
    from asp_analysis.errors import InputError
    from asp_analysis.importers.own_places import claude_code_folders, codex_folders

    asked_for = ((asked.claude_code, claude_code_folders), (asked.codex, codex_folders))
    finders = [find for is_asked, find in asked_for if is_asked]
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


def _unchanged(wanted: _Wanted, options: "LoadOptions", db: str | None) -> "list[LoadResult] | None":
    """Return the outcomes where every file is as it was: then nothing is opened, and nothing slow is imported."""
    from asp_analysis.config import store_url
    from asp_analysis.unchanged import all_unchanged, transcript_options

    if options.is_of_tables or wanted.repositories:
        return None
    return all_unchanged(store_url(db), wanted.files, transcript_options(options.reading, options.prices))


def _loaded(wanted: _Wanted, options: "LoadOptions", db: str | None) -> "Iterator[LoadResult | NotLoaded]":
    from asp_analysis.config import require_writable, store_url
    from asp_analysis.store.database import open_store

    url = store_url(db)
    require_writable(url)
    _load_waiting(url, wanted.files)
    if options.is_replacing:
        _back_up_replaced(url, wanted.files)
    with open_store(url) as store:
        written = 0
        for outcome in _load_all(store, wanted, options):
            written += getattr(outcome, "written", 0)
            yield outcome
        if written:
            _tell_of_sample(store)


def _back_up_replaced(url: "StoreUrl", found: list["FoundFile"]) -> None:
    """Back a file up before loads of it are replaced: the rows that they brought go."""
    from asp_analysis.importers.file import file_name
    from asp_analysis.loading import series_name
    from asp_analysis.store.backups import back_up_file
    from asp_analysis.store.log import read_last_loads

    if url.path is None or url.is_missing():
        return
    loaded = read_last_loads(url.path)
    names = {file_name(file.path) for file in found} | (
        {series_name([file.path for file in found])} if found else set()
    )
    if not names.isdisjoint(loaded):
        note(f"Backed up to {back_up_file(url, before='replace')}.")


def _load_all(store: "Store", wanted: _Wanted, options: "LoadOptions") -> "Iterator[LoadResult | NotLoaded]":
    from asp_analysis.loading import load_files

    yield from load_files(store, wanted.files, options)
    if wanted.repositories:
        from asp_analysis.git_loading import load_repositories

        yield from load_repositories(store, wanted.repositories, options)


def _rehearsed(wanted: _Wanted, options: "LoadOptions", db: str | None) -> "Iterator[LoadResult | NotLoaded]":
    """Load, and take all of it back: the store is as it was, and records that wait next to it go on waiting."""
    from asp_analysis.config import store_url
    from asp_analysis.store.database import open_store

    with open_store(store_url(db), may_upgrade=False) as store, store.rehearsal():
        yield from _load_all(store, wanted, options)


def _tell_of_sample(store: "Store") -> None:
    """Say that invented tasks are next to your own: nobody means to add them up."""
    from asp_analysis.store.database import sample_task_count

    if count := sample_task_count(store):
        note(
            f"The store also holds the {count} tasks of the sample, and sums and estimates mix them with yours. To "
            "start your own, run asp-analysis init --reset, or use another store with --db."
        )


def _load_waiting(url: "StoreUrl", found: list["FoundFile"]) -> None:
    """Load what `capture` and `receive` left next to the store as well: whoever loads wants all that there is."""
    from asp_analysis.capture.waiting import load_waiting
    from asp_analysis.receiving.leftovers import load_received

    if url.is_missing():
        return
    if count := load_waiting(url, [file.path for file in found]):
        note(f"Loaded too: {counted(count, 'captured record')} that waited next to the store.")
    if count := load_received(url):
        note(f"Loaded too: {counted(count, 'received record')} that waited next to the store.")


def _how_to_read(asked: _Request) -> "tuple[Reading, OwnPrices | None]":
    from asp_analysis.config import machine_name
    from asp_analysis.importers.transcripts.calls import Reading
    from asp_analysis.pricing import read_prices

    stamps = pairs(asked.labels, "--label")
    is_own = (asked.claude_code or asked.codex or asked.is_mine) and not asked.files
    if is_own:
        stamps.setdefault("machine", machine_name())
    reading = Reading(
        task_from=asked.task_from,
        roles=tuple(pairs(asked.roles, "--role").items()),
        keep_text=asked.keep_text,
        stamps=tuple(sorted(stamps.items())),
        is_of_this_machine=is_own,
    )
    return reading, read_prices(asked.prices) if asked.prices else None


def _load_options(asked: _Request, reading: "Reading", prices: "OwnPrices | None") -> "LoadOptions":
    from asp_analysis.importers.tables.table_options import TableOptions, read_values
    from asp_analysis.load_options import LoadOptions

    constants = pairs(asked.constants, "--set")
    preset = _preset_use(asked, constants)
    table = TableOptions(
        columns=pairs(asked.maps, "--map"),
        constants=constants,
        labels=pairs(asked.labels, "--label"),
        values=read_values(asked.values),
        nulls=asked.nulls,
        time_formats=asked.time_formats,
        time_zone=asked.time_zone,
        decimal=asked.decimal,
        thousands=asked.thousands,
        encoding=asked.encoding,
        sheet=asked.sheet,
    )
    return LoadOptions(
        kinds=tuple(dict.fromkeys(asked.kinds)),
        table=table,
        preset=preset,
        max_rejects=0 if asked.is_strict else asked.max_rejects,
        may_count_again=asked.may_count_again,
        is_replacing=asked.is_replacing,
        reading=reading,
        prices=prices,
    )


def _preset_use(asked: _Request, constants: dict[str, str]) -> "PresetUse | None":
    """Return how the preset is used; what --set says of its inputs is taken out of the constants."""
    if asked.preset is None:
        if asked.commit_from is not None:
            raise click.UsageError("--commit-from says where a series of reports has its commits: add --from junit.")
        return None
    from asp_analysis.importers.presets.preset import PresetUse, read_preset

    preset = read_preset(asked.preset)
    return PresetUse(
        preset=preset,
        said_as=asked.preset,
        inputs={name: constants.pop(name) for name in preset.inputs if name in constants},
        commit_from=asked.commit_from,
        task_from=None if asked.task_from == "session" else asked.task_from,
        keep_text=asked.keep_text,
    )
