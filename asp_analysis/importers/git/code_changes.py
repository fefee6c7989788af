"""Changes: what was delivered at once to the main branch, whether merged, squashed, rebased or committed there."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asp_analysis.importers.git.git_log import Commit, FilePatch
from asp_analysis.importers.git.messages import (
    agents_of,
    fixed_issues,
    is_fix,
    is_title,
    merged_branch,
    pull_request,
    reviewers_of,
    task_type,
)
from asp_analysis.importers.git.paths import Paths, language_of

_REBASED_WITHIN_S = 5
"""Commits that one rebase wrote have committer times so close, and author times of their own."""

LONGEST_TITLE = 500
"""Characters of a title that are kept."""

_FORGE = "noreply@github.com"


@dataclass(kw_only=True)
class Change:
    """One change of the main branch, or of a branch that was not merged.

    number: its place among the changes, the oldest is 0; flow: merge, squash, rebase, commit or branch; delivering: the
    commits on the main branch that brought it; commits: all commits of it, the oldest first. Sizes are in lines and
    leave out what was generated, vendored or locked, which `foreign_lines` counts.
    """

    number: int
    flow: str
    delivering: list[Commit]
    commits: list[Commit]
    pull_request: int | None = None
    branch: str | None = None
    added: int = 0
    deleted: int = 0
    foreign_lines: int = 0
    hunks: int = 0
    files: dict[str, int] = field(default_factory=dict)
    languages: Counter[str] = field(default_factory=Counter)

    def measure(self, patch: FilePatch, paths: Paths) -> bool:
        """Add the lines of a file; return whether people wrote them."""
        added, deleted = (sum(len(getattr(hunk, kind)) for hunk in patch.hunks) for kind in ("added", "removed"))
        if paths.is_foreign(patch.path):
            self.foreign_lines += added + deleted
            return False
        self.added += added
        self.deleted += deleted
        self.hunks += len(patch.hunks)
        self.files[patch.path] = self.files.get(patch.path, 0) + added + deleted
        if language := language_of(patch.path):
            self.languages[language] += added + deleted
        return True

    @property
    def size(self) -> int:
        """Lines added and deleted."""
        return self.added + self.deleted

    @property
    def tip(self) -> Commit:
        """The commit that finished it."""
        return self.delivering[-1]

    @property
    def started_at(self) -> int:
        """When its first commit was written, as far as the history still says; seconds."""
        return min(self.completed_at, *(commit.authored_at or self.completed_at for commit in self.commits))

    @property
    def completed_at(self) -> int:
        """When it came to the main branch, seconds."""
        return self.tip.committed_at

    @property
    def subject(self) -> str:
        """What it is called: a merge says so in its body, a rebase by its first commit."""
        return self._title()[:LONGEST_TITLE]

    def _title(self) -> str:
        if self.flow == "rebase":
            return self.commits[0].subject
        lines = [line.strip() for line in self.tip.message.strip().splitlines()]
        if self.flow == "merge" and (title := next(filter(is_title, lines[1:]), None)):
            return title
        return lines[0] if lines else ""

    @property
    def messages(self) -> list[str]:
        """The messages of all its commits."""
        return list(dict.fromkeys(commit.message for commit in (*self.commits, *self.delivering)))

    @property
    def hashes(self) -> set[str]:
        """The hashes of all its commits."""
        return {commit.hash for commit in (*self.commits, *self.delivering)}

    @property
    def author(self) -> str | None:
        """The e-mail address that wrote most of its commits; None where there is none."""
        counts = Counter(commit.author for commit in self.commits or self.delivering if commit.author)
        return max(sorted(counts), key=lambda name: counts[name]) if counts else None

    @property
    def agents(self) -> list[str]:
        """The coding agents that its commits name; none where nothing is said."""
        return sorted(set().union(*(agents_of(commit) for commit in (*self.commits, *self.delivering))))

    @property
    def is_reviewed(self) -> bool | None:
        """Whether a trailer names a reviewer; None where none does, since most teams write none."""
        return True if any(reviewers_of(commit) for commit in (*self.commits, *self.delivering)) else None

    @property
    def task_type(self) -> str | None:
        """The type of the work; None where nothing says it."""
        found = task_type(self.subject, self.branch)
        if found is None and self.commits:
            said = {task_type(commit.subject, None) for commit in self.commits}
            found = said.pop() if len(said) == 1 else None
        return found

    @property
    def is_fix(self) -> bool:
        """Whether it corrects a defect."""
        return (self.task_type == "fix" and is_fix(self.subject, "fix/", "")) or is_fix(
            self.subject, self.branch, "\n".join(self.messages)
        )

    @property
    def issues(self) -> list[int]:
        """Numbers of the issues that it says it fixes."""
        return fixed_issues(self.messages)


class ChangesByHash:
    """Finds the change of a commit by its hash, or by the beginning of it."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._hashes = sorted((name, change.number) for change in changes for name in change.hashes)

    def find(self, name: str) -> int | None:
        """Return the number of the change; None where no commit begins so."""
        place = bisect_left(self._hashes, (name.lower(), -1))
        if place < len(self._hashes) and self._hashes[place][0].startswith(name.lower()):
            return self._hashes[place][1]
        return None


def group_changes(first_parents: list[Commit], by_hash: dict[str, Commit]) -> list[Change]:
    """Group the commits of the main branch, the oldest first, into changes; by_hash: all commits that it holds."""
    seen = {commit.hash for commit in first_parents}
    changes: list[Change] = []
    for together in _runs(first_parents):
        tip = together[-1]
        if len(tip.parents) > 1:
            flow, commits = "merge", _brought(tip, seen, by_hash)
        else:
            flow, commits = ("rebase" if len(together) > 1 else "commit"), together
        number = pull_request(tip)
        if flow == "commit" and number is not None:
            flow = "squash"
        branch = merged_branch(tip) if flow == "merge" else None
        changes.append(
            Change(
                number=len(changes), flow=flow, delivering=together, commits=commits, pull_request=number, branch=branch
            )
        )
    return changes


def _runs(commits: list[Commit]) -> Iterator[list[Commit]]:
    """Yield commits that came at once: those that one rebase wrote together, and every other one alone."""
    run: list[Commit] = []
    for commit in commits:
        if run and not _is_rebased_with(run[-1], commit):
            yield run
            run = []
        run.append(commit)
    if run:
        yield run


def _is_rebased_with(first: Commit, second: Commit) -> bool:
    return (
        _was_rebased(first)
        and _was_rebased(second)
        and abs(second.committed_at - first.committed_at) <= _REBASED_WITHIN_S
        and first.author == second.author
        and first.authored_at <= second.authored_at
    )


def _was_rebased(commit: Commit) -> bool:
    if len(commit.parents) != 1 or pull_request(commit) is not None:
        return False
    return commit.committed_at - commit.authored_at > 2 * _REBASED_WITHIN_S or commit.committer == _FORGE


def _brought(merge: Commit, seen: set[str], by_hash: dict[str, Commit]) -> list[Commit]:
    """Return the commits that came to the main branch with a merge, the oldest first; they are seen from now on."""
    found, waiting = [], [*merge.parents[1:]]
    while waiting:
        commit = by_hash.get(waiting.pop())
        if commit is not None and commit.hash not in seen:
            seen.add(commit.hash)
            found.append(commit)
            waiting += commit.parents
    own = [commit for commit in found if len(commit.parents) < 2] or found
    return sorted(own, key=lambda commit: (commit.authored_at, commit.committed_at))
