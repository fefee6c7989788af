"""What `load` answers: what became of each file, the sums, and what its reader should know."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from asp_analysis.cli.printing import counted, note, print_rows, say

if TYPE_CHECKING:
    from asp_analysis.importers.folders import NotLoaded
    from asp_analysis.pricing import Assumption, OwnPrices
    from asp_analysis.store.log import LoadResult

_COUNTS = ("read", "written", "updated", "present", "rejected")
SHOWN_FILES = 20
"""Files that are named one by one; of more, only the sums are printed."""


def print_load(result: "LoadResult", *, is_alone: bool, is_of_preset: bool) -> None:
    """Print what became of the records of a file; one that is as it was is named only where it is alone."""
    if result.is_unchanged and not is_alone:
        return
    counts = ", ".join(f"{getattr(result, name)} {name}" for name in _COUNTS[1:])
    stubs = f"; {counted(result.tasks_stubbed, 'new task')}, no details yet"
    unchanged = " (unchanged)" if result.is_unchanged else ""
    kind = f" as {result.loaded_as}" if is_of_preset else ""
    say(f"{result.file}{kind}: read {result.read} = {counts}{stubs if result.tasks_stubbed else ''}{unchanged}")
    for example in result.reject_examples:
        note(f"{result.file}, {example}")
    for table, rows in (result.first_rows or {}).items():
        say(f"{table}:")
        print_rows(rows, list(rows[0]), "table")
    if result.read == 0 and not (is_of_preset and result.loaded_as == "defect_log"):
        note(f"{result.file} holds no records.")


def print_notes(result: "LoadResult", said_once: set[str]) -> None:
    """Print what the reader should know; what holds for many files alike comes once."""
    for line in dict.fromkeys(result.notes):
        if line not in said_once:
            note(line)
    said_once.update(result.notes)


def print_sums(results: list["LoadResult"]) -> None:
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


def print_not_understood(results: list["LoadResult"]) -> None:
    """Say what speaks of usage and no reader knows: what was paid for there is missing in every sum."""
    unknown = _not_understood(results)
    for name, times in list(unknown.items())[:SHOWN_FILES]:
        note(f"{name} ({times:,} times) is not understood: usage may be missing.")
    if len(unknown) > SHOWN_FILES:
        note(f"{len(unknown) - SHOWN_FILES:,} more names are not understood; --json lists them.")


def _not_understood(results: list["LoadResult"]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.found.get("not_understood", {}))
    return dict(counts.most_common())


def print_unpriced(results: list["LoadResult"], prices: "OwnPrices | None") -> None:
    """Say which calls have no price, and what the user's own prices lack."""
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


def print_assumed(assumed: "dict[str, Assumption]") -> None:
    """Say which models were priced by one provider of several, as no call names one."""
    for model, price in sorted(assumed.items())[:SHOWN_FILES]:
        note(
            f"{model} is priced as {price.provider} does, for no call names its provider; the {price.providers} of the "
            f"price list ask {price.lowest:.2f} to {price.highest:.2f} times as much. --prices FILE sets what you pay."
        )
    if len(assumed) > SHOWN_FILES:
        note(f"{len(assumed) - SHOWN_FILES:,} more models are priced so; --json lists them.")


def print_not_loaded(not_loaded: list["NotLoaded"]) -> None:
    """Name the files that could not be loaded, with the reasons."""
    for outcome in not_loaded[:SHOWN_FILES]:
        note(f"Not loaded: {outcome.file}: {outcome.reason}")
    if len(not_loaded) > SHOWN_FILES:
        note(f"Not loaded: {len(not_loaded) - SHOWN_FILES:,} more files; --json names them all.")


def _reconciled(transcripts: list["LoadResult"]) -> dict[str, int]:
    names = ("lines", "calls", "duplicates", "calls_without_usage", "calls_without_price", "errors", "interruptions")
    total: Counter[str] = Counter(dict.fromkeys(names, 0))
    for result in transcripts:
        total.update({name: result.found.get(name, 0) for name in names})
    unchanged = sum(result.is_unchanged for result in transcripts)
    return {"files": len(transcripts), "files_unchanged": unchanged, **total}


def sum_up(
    results: list["LoadResult"], not_loaded: list["NotLoaded"], assumed: "dict[str, Assumption]"
) -> dict[str, Any]:
    """Return the counts of all files as `--json` prints them."""
    names = (*_COUNTS, "tasks_stubbed")
    total: dict[str, Any] = {name: sum(getattr(result, name) for result in results) for name in names}
    transcripts = [result for result in results if result.loaded_as == "transcript"]
    if transcripts:
        total["transcripts"] = _reconciled(transcripts)
    if unknown := _not_understood(results):
        total["not_understood"] = unknown
    if assumed:
        total["assumed_prices"] = {model: asdict(price) for model, price in sorted(assumed.items())}
    if not_loaded:
        total["not_loaded"] = [{"file": outcome.file, "reason": outcome.reason} for outcome in not_loaded]
    return {**total, "files": [result.as_dict() for result in results]}
