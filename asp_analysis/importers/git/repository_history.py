"""Reads a repository whole: its changes, what became of each, and which change a fix corrects."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from asp_analysis.importers.git.branches import (
    Branch,
    is_abandoned,
    name_merged,
    picks,
    read_branches,
    releases,
    unmerged_changes,
)
from asp_analysis.importers.git.code_changes import Change, group_changes
from asp_analysis.importers.git.git_log import COMMIT_FORMAT, Commit, parse_commits
from asp_analysis.importers.git.patch_log import PatchLog
from asp_analysis.importers.git.paths import Paths
from asp_analysis.importers.git.replay import ChangeTrace, HistoryReplay
from asp_analysis.importers.git.repository import Repository
from asp_analysis.importers.git.reverts import WHOLE, Revert, find_reverts

_IGNORED = ".git-blame-ignore-revs"


class Release(NamedTuple):
    """The tag that first held a change, and when it was made, seconds."""

    name: str
    at: int


@dataclass(frozen=True, kw_only=True)
class Fix:
    """A change that corrects a defect, and the changes that may have brought it in.

    blamed: change -> its share of the lines of code that the fix took away, the largest first; none where it only added
    lines, or touched no code. place: file and line that the first of them wrote. reported_at: when the first of its
    issues was reported, seconds, where that is known: changes that came later did not bring the defect in.
    """

    change: int
    blamed: dict[int, float]
    place: tuple[str, int] | None
    is_revert: bool = False
    reported_at: int | None = None


@dataclass(kw_only=True)
class History:
    """What a repository says of its changes.

    changes: of the main branch, the oldest first, then those of branches; by number: traces (of the main branch),
    reverts (the last one of each), releases, picks, outcomes. last_at: when its newest commit was made, seconds.
    unread: commits and paths whose content this clone does not have.
    """

    repository: Repository
    changes: list[Change]
    traces: list[ChangeTrace]
    last_at: int
    reverts: dict[int, Revert] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    picks: dict[int, list[str]] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)
    fixes: list[Fix] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)

    @property
    def merged(self) -> list[Change]:
        """The changes of the main branch."""
        return self.changes[: len(self.traces)]

    @property
    def commit_count(self) -> int:
        """How many commits were read."""
        return sum(len(change.hashes) for change in self.changes)


def read_history(repository: Repository, reported: Mapping[int, int] | None = None) -> History:
    """Read the main branch line by line, the other branches, and the tags.

    reported: number of an issue -> when it was reported, seconds.

    Raises:
        InputError: git cannot read the repository.
    """
    by_hash, main = _main_line(repository)
    changes = group_changes(main, by_hash)
    paths = Paths(repository)
    replay = HistoryReplay(changes, paths, _transparent(repository))
    log = PatchLog(repository)
    replay.run(log.read([commit.hash for commit in main]))
    branches = read_branches(repository, log)
    picked = picks(branches, changes)
    own = [branch for branch in branches if not _is_only_picked(branch.commits)]
    left = name_merged(own, changes, replay.traces)
    open_changes = unmerged_changes(left, len(changes), paths)
    last_at = _last_at(main, branches)
    outcomes = {
        change.number: "abandoned" if is_abandoned(change.completed_at, last_at) else "open" for change in open_changes
    }
    history = History(
        repository=repository,
        changes=changes + open_changes,
        traces=replay.traces,
        unread=log.unread,
        last_at=last_at,
        releases={number: Release(*tag) for number, tag in releases(repository, changes).items()},
        picks=picked,
        outcomes=dict.fromkeys((change.number for change in changes), "merged") | outcomes,
    )
    found = find_reverts(changes, replay.traces)
    history.reverts = {revert.of: revert for revert in found}
    history.fixes = list(_find_fixes(history, {revert.by for revert in found}, reported or {}))
    return history


def _last_at(main: list[Commit], branches: list[Branch]) -> int:
    """Return when the newest commit was made; one that claims to be made later than now is passed over."""
    now = int(time.time())
    made = [commit.committed_at for commit in main] + [branch.last_at for branch in branches]
    return max((at for at in made if at <= now), default=now)


def _main_line(repository: Repository) -> tuple[dict[str, Commit], list[Commit]]:
    """Return all commits that the main branch holds, and those of its first parents, the oldest first."""
    with repository.lines("log", COMMIT_FORMAT, repository.main, "--") as lines:
        by_hash = {commit.hash: commit for commit in parse_commits(lines)}
    at: str | None = repository.text("rev-parse", f"{repository.main}^{{commit}}").strip()
    main = []
    while at in by_hash:
        main.append(by_hash[at])
        at = by_hash[at].parents[0] if by_hash[at].parents else None
    return by_hash, main[::-1]


def _transparent(repository: Repository) -> set[str]:
    """Return the commits that .git-blame-ignore-revs lists: they only reformat."""
    text = repository.text("show", f"{repository.main}:{_IGNORED}", may_fail=True)
    words = (line.partition("#")[0].strip() for line in text.splitlines())
    return {word for word in words if len(word) == 40}


def _is_only_picked(commits: Iterable[Commit]) -> bool:
    """Whether a branch holds nothing of its own: all its commits say that they were picked from elsewhere."""
    return all("(cherry picked from commit " in commit.message for commit in commits)


def _find_fixes(history: History, reverting: set[int], reported: Mapping[int, int]) -> Iterable[Fix]:
    """Find the changes that correct others, by the lines that they took away (SZZ).

    Source: Sliwerski, Zimmermann and Zeller, "When do changes induce fixes?", MSR 2005.
    """
    undone = {revert.by: revert for revert in history.reverts.values()}
    for change in history.merged:
        if change.number in reverting:
            revert = undone.get(change.number)
            if revert is not None and (revert.share is None or revert.share >= WHOLE):
                yield Fix(change=change.number, blamed={revert.of: 1.0}, place=None, is_revert=True)
        elif change.is_fix:
            trace = history.traces[change.number]
            at = min((reported[issue] for issue in change.issues if issue in reported), default=None)
            old = {number: n for number, n in trace.blamed.items() if at is None or _came(history, number) <= at}
            total = sum(old.values())
            ordered = sorted(old.items(), key=lambda item: (-item[1], -item[0]))
            blamed = {number: lines / total for number, lines in ordered}
            place = trace.places[ordered[0][0]] if ordered else None
            yield Fix(change=change.number, blamed=blamed, place=place, reported_at=at)


def _came(history: History, number: int) -> int:
    return history.changes[number].completed_at
