"""What the tools of this machine recorded: found for `load --mine`, and counted by tool after it."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asp_analysis.cli.printing import counted, note, say

if TYPE_CHECKING:
    from asp_analysis.importers.folders import FoundFile, NotLoaded
    from asp_analysis.importers.own_places import Unreadable
    from asp_analysis.store.log import LoadResult


@dataclass(frozen=True)
class Mine:
    """The files of each tool, and the tools whose files cannot be read."""

    files: dict[str, list["FoundFile"]]
    unreadable: list["Unreadable"]

    @property
    def found(self) -> list["FoundFile"]:
        """All files, in the order of their tools."""
        return [file for files in self.files.values() for file in files]

    def counts(self, results: list["LoadResult"], not_loaded: list["NotLoaded"]) -> dict[str, dict[str, int]]:
        """Count by tool: files found, calls that this load saw first, and files that were not loaded."""
        from asp_analysis.importers.file import file_name

        tool_of = {file_name(file.path): tool for tool, files in self.files.items() for file in files}
        calls: Counter[str] = Counter()
        failed: Counter[str] = Counter(tool_of.get(outcome.file, "") for outcome in not_loaded)
        for result in results:
            calls[tool_of.get(result.file, "")] += result.found.get("calls", 0)
        return {
            tool: {"files": len(files), "calls": calls[tool], "not_loaded": failed[tool]}
            for tool, files in self.files.items()
        }


def find_mine() -> Mine:
    """Look for the files of every tool that is known, in this user's home and where variables say."""
    from asp_analysis.importers.own_places import own_files, unreadable_tools

    return Mine(dict(own_files()), unreadable_tools())


def print_mine(mine: Mine, counts: dict[str, dict[str, int]]) -> None:
    """Print a line for each tool: what was found, or why it cannot be read."""
    for tool, of_tool in counts.items():
        failed = f", {of_tool['not_loaded']:,} not loaded" if of_tool["not_loaded"] else ""
        say(f"{tool}: {counted(of_tool['files'], 'file')}, {counted(of_tool['calls'], 'call')}{failed}")
    for other in mine.unreadable:
        note(f"{other.tool} is on this machine and is not read: {other.why}.")
    if not counts:
        from asp_analysis.importers.own_places import PLACES

        note(f"No files were found of {', '.join(place.tool for place in PLACES)}. Name a file or a folder.")


def summed_mine(mine: Mine, counts: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Return the same for --json."""
    return {"mine": counts, "unreadable": {tool.tool: tool.why for tool in mine.unreadable}}
