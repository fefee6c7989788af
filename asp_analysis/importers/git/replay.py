"""Replays the main branch: the size of each change, whose lines it took away, and how long its own lived."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asp_analysis.importers.git.code_changes import Change
from asp_analysis.importers.git.git_log import Commit, FilePatch
from asp_analysis.importers.git.lines import LineOwners, Removed
from asp_analysis.importers.git.paths import Paths, is_code, is_trivial

DAY_S = 86_400
AGES = (14, 30, 90)
"""Days after which is asked what became of the lines of a change."""

LINES_KEPT = 5_000_000
"""Hashes of lines that are kept to compare changes with each other; what is beyond is not recognised as undone."""


@dataclass(kw_only=True)
class ChangeTrace:
    """What the replay saw of a change.

    lost: days -> how many of its lines were gone after them; took: another change -> lines that this one took from it;
    blamed: the same for lines of code alone; places: file and line of the first of those; came, went: hashes of the
    lines that it added and took away.
    """

    lost: Counter[int] = field(default_factory=Counter)
    took: Counter[int] = field(default_factory=Counter)
    blamed: Counter[int] = field(default_factory=Counter)
    places: dict[int, tuple[str, int]] = field(default_factory=dict)
    came: array = field(default_factory=lambda: array("q"))
    went: array = field(default_factory=lambda: array("q"))


class HistoryReplay:
    """Takes the commits of the main branch with their patches in order, and fills changes and their traces."""

    def __init__(self, changes: list[Change], paths: Paths, transparent: set[str]) -> None:
        """`transparent` are the commits that only reformat, as .git-blame-ignore-revs lists them."""
        self.changes, self.traces = changes, [ChangeTrace() for _ in changes]
        self._paths, self._transparent = paths, transparent
        self.owners = LineOwners()
        self._change_of = {commit.hash: change for change in changes for commit in change.delivering}
        self._kept = 0

    def run(self, log: Iterable[tuple[Commit, list[FilePatch]]]) -> None:
        """HistoryReplay a log of the main branch, the oldest commit first."""
        for commit, patches in log:
            change = self._change_of.get(commit.hash)
            if change is None:
                continue
            for patch in patches:
                self._take(patch, change, is_transparent=commit.hash in self._transparent)

    def _take(self, patch: FilePatch, change: Change, *, is_transparent: bool) -> None:
        if not change.measure(patch, self._paths):
            return
        trace = self.traces[change.number]
        self._keep(trace, patch)
        lost = self.owners.apply(patch, change.number, is_transparent=is_transparent)
        self._blame(trace, change, lost)

    def _keep(self, trace: ChangeTrace, patch: FilePatch) -> None:
        """Keep what came and went, to be compared with what other changes did."""
        for hunk in patch.hunks:
            if self._kept > LINES_KEPT:
                return
            self._kept += len(hunk.added) + len(hunk.removed)
            trace.came.extend(hashes_of(hunk.added))
            trace.went.extend(hashes_of(hunk.removed))

    def _blame(self, trace: ChangeTrace, change: Change, lost: list[Removed]) -> None:
        for one in lost:
            if one.owner == change.number:
                continue
            trace.took[one.owner] += 1
            age = (change.completed_at - self.changes[one.owner].completed_at) / DAY_S
            for days in AGES:
                if age <= days:
                    self.traces[one.owner].lost[days] += 1
            if is_code(one.path) and not is_trivial(one.text):
                trace.blamed[one.owner] += 1
                trace.places.setdefault(one.owner, (one.path, one.number))


def hashes_of(lines: Iterable[bytes]) -> Iterator[int]:
    """Return hashes of the lines that say anything, blanks around them left out; equal in one process only."""
    return (hash(text) for line in lines if (text := line.strip()))
