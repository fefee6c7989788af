"""What was not merged, and what was merged under another hash: branches besides the main one, and tags."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from asp_analysis.importers.git.code_changes import Change, ChangesByHash
from asp_analysis.importers.git.git_log import Commit, FilePatch
from asp_analysis.importers.git.messages import picked_from
from asp_analysis.importers.git.patch_log import Logged, PatchLog
from asp_analysis.importers.git.paths import Paths
from asp_analysis.importers.git.replay import DAY_S, ChangeTrace, hashes_of
from asp_analysis.importers.git.repository import Repository

ABANDONED_DAYS = 30
"""A branch without a commit for so long, while the repository went on, is called abandoned; a younger one is open."""

_MOST_BRANCHES = 500
"""The branches with the newest commits are read, up to so many."""

_TAG = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end) %(creatordate:unix) %(refname:strip=2)"
_SAME_WORK = 0.95
_NO_WORK = ("refs/heads/entire/", "refs/remotes/origin/entire/", "refs/heads/gh-pages", "refs/remotes/origin/gh-pages")


@dataclass(kw_only=True)
class Branch:
    """A branch that the main branch does not hold: its name, its own commits (the oldest first), what they changed."""

    name: str
    commits: list[Commit]
    patches: list[FilePatch] = field(default_factory=list)

    @property
    def last_at(self) -> int:
        """When its last commit was made, seconds."""
        return max(commit.committed_at for commit in self.commits)


def read_branches(repository: Repository, log: PatchLog) -> list[Branch]:
    """Read the branches whose last commit the main branch does not hold; a remote's copy of a branch is left out."""
    tips: dict[str, str] = {}
    for tip, ref in repository.refs("--sort=-committerdate", "refs/heads", "refs/remotes"):
        if ref != repository.main and not ref.endswith("/HEAD") and not ref.startswith(_NO_WORK):
            tips.setdefault(tip, ref)
    unmerged = {words[1] for words in repository.refs(f"--no-merged={repository.main}", "refs/heads", "refs/remotes")}
    wanted = {tip: ref for tip, ref in tips.items() if ref in unmerged}
    own = _own_commits(repository, log, list(wanted)[:_MOST_BRANCHES])
    return [
        Branch(name=_short(ref), commits=[commit for commit, _ in found], patches=[p for _, ps in found for p in ps])
        for tip, ref in wanted.items()
        if (found := own.get(tip))
    ]


def _short(ref: str) -> str:
    parts = ref.split("/")
    return "/".join(parts[3:] if parts[1] == "remotes" else parts[2:])


def _own_commits(repository: Repository, log: PatchLog, tips: list[str]) -> dict[str, list[Logged]]:
    """Return the commits that each tip has and the main branch has not, with their patches, the oldest first."""
    words = ("rev-list", "--reverse", "--no-merges")
    names = {tip: repository.text(*words, tip, f"^{repository.main}", "--").split() for tip in tips}
    wanted = list(dict.fromkeys(name for of_tip in names.values() for name in of_tip))
    by_hash = {logged[0].hash: logged for logged in log.read(wanted)}
    return {tip: [by_hash[name] for name in of_tip if name in by_hash] for tip, of_tip in names.items()}


def name_merged(branches: list[Branch], changes: list[Change], traces: list[ChangeTrace]) -> list[Branch]:
    """Name the branch that a squash or rebase came from; return the branches that came to nothing."""
    left = []
    for branch in branches:
        came, went = _lines_of(branch.patches)
        found = _same_change(branch, came, went, changes, traces)
        if found is None:
            left.append(branch)
        elif found.branch is None:
            found.branch = branch.name
            found.commits = branch.commits
            if found.flow == "commit":
                found.flow = "squash" if len(branch.commits) > 1 else "rebase"
    return left


def _lines_of(patches: Iterable[FilePatch]) -> tuple[Counter[int], Counter[int]]:
    """Return what came and went in all; what one commit brought and another took away did neither."""
    came: Counter[int] = Counter()
    went: Counter[int] = Counter()
    for patch in patches:
        for hunk in patch.hunks:
            came.update(hashes_of(hunk.added))
            went.update(hashes_of(hunk.removed))
    both = came & went
    return came - both, went - both


def _same_change(
    branch: Branch, came: Counter[int], went: Counter[int], changes: list[Change], traces: list[ChangeTrace]
) -> Change | None:
    """Find the change that did what a branch had done before."""
    total = came.total() + went.total()
    for change in reversed(changes):
        if change.completed_at < branch.last_at or not total:  # what came after the change was picked from it
            return None
        trace = traces[change.number]
        size = len(trace.came) + len(trace.went)
        if not _SAME_WORK * total <= size <= total / _SAME_WORK:
            continue
        same = (came & Counter(trace.came)).total() + (went & Counter(trace.went)).total()
        if same >= _SAME_WORK * max(total, size):
            return change
    return None


def unmerged_changes(branches: list[Branch], first_number: int, paths: Paths) -> list[Change]:
    """Make changes of branches that were not merged; their lines are those of all their commits."""
    found = []
    for number, branch in enumerate(branches, first_number):
        change = Change(
            number=number, flow="branch", delivering=branch.commits[-1:], commits=branch.commits, branch=branch.name
        )
        for patch in branch.patches:
            change.measure(patch, paths)
        found.append(change)
    return found


def is_abandoned(branch_last_at: int, repository_last_at: int) -> bool:
    """Whether nobody goes on with a branch: `ABANDONED_DAYS` without a commit, by the clock of the repository."""
    return repository_last_at - branch_last_at > ABANDONED_DAYS * DAY_S


def picks(branches: list[Branch], changes: list[Change]) -> dict[int, list[str]]:
    """Return the branches to which changes were picked, as the messages there say: number of the change -> branches."""
    by_hash = ChangesByHash(changes)
    found: dict[int, list[str]] = {}
    for branch in branches:
        for commit in branch.commits:
            for name in picked_from(commit.message):
                number = by_hash.find(name)
                if number is not None and branch.name not in found.setdefault(number, []):
                    found[number].append(branch.name)
    return found


def releases(repository: Repository, changes: list[Change]) -> dict[int, tuple[str, int]]:
    """Return the first tag that holds each change, with its time: number of the change -> (tag, seconds)."""
    position = {commit.hash: change.number for change in changes for commit in change.delivering}
    tags = []
    for words in repository.refs("refs/tags", fields=_TAG):
        commit, at, name = words[0], words[1], " ".join(words[2:])
        holds = position.get(commit)
        if holds is None:
            base = repository.text("merge-base", commit, repository.main, may_fail=True).strip()
            holds = position.get(base)
        if holds is not None and at.isdigit():
            tags.append((int(at), name, holds))
    found: dict[int, tuple[str, int]] = {}
    done = -1
    for made_at, name, last in sorted(tags):
        for number in range(done + 1, last + 1):
            found[number] = (name, made_at)
        done = max(done, last)
    return found
