"""Which sessions of agents worked on which changes, by classes of evidence; what has none stays unlinked.

The classes, the strongest first: `trailer` (a message names the session), `checkpoint` (a message names a checkpoint
that the repository keeps with its session), `branch` (the same branch of the same repository in the same days), `paths`
(most files that the session edited are those of the change, and its time fits).
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from asp_analysis.importers.git.code_changes import Change
from asp_analysis.importers.git.messages import trailers
from asp_analysis.importers.git.replay import DAY_S
from asp_analysis.importers.git.repository import MAIN_NAMES, Repository

EVIDENCE = ("trailer", "checkpoint", "branch", "paths")

_SESSION_NAMES = re.compile(r"\b(?=[\w-]*\d)[0-9A-Za-z][\w-]{7,}")
"""What may name a session in a message: long, and with a digit, because words of a language name none."""

_CHECKPOINT = "entire-checkpoint"
_CHECKPOINTS = "entire/checkpoints/v1"
_LEAST_COMMON = 0.5
"""Share of the files that a session edited that a change must hold."""

_SOON_TO_COME_DAYS = 7
"""A change of the same files comes to the main branch so soon after the session."""


@dataclass(frozen=True, kw_only=True)
class AgentSession:
    """One session of an agent as the store knows it: its tasks, branch and files, from when until when (seconds).

    cost_usd: None where a call has none. is_here: whether the store says that it worked in this repository; the others
    can only be named.
    """

    session_id: str
    tasks: frozenset[str]
    branches: frozenset[str]
    files: frozenset[str]
    first_at: float
    last_at: float
    cost_usd: float | None
    is_here: bool


@dataclass(frozen=True, kw_only=True)
class Link:
    """That a session worked on a change: by which evidence, and which share of the session belongs there."""

    change: int
    session_id: str
    evidence: str
    share: float


def find_links(repository: Repository, changes: list[Change], sessions: list[AgentSession]) -> list[Link]:
    """Link each session with the changes of the strongest class of evidence that it has any of.

    A session of several changes is shared among them by their lines; the shares of a session add up to 1.
    """
    known = {session.session_id: session for session in sessions}
    found: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    by_checkpoint, candidates = _checkpoint_sessions(repository, changes), _Candidates(changes)
    for change in changes:
        for session_id in _named(change, known):
            found[session_id]["trailer"].add(change.number)
        for checkpoint in _checkpoints(change):
            for session_id in by_checkpoint.get(checkpoint, ()):
                if session_id in known:
                    found[session_id]["checkpoint"].add(change.number)
    for session in sessions:
        if session.is_here and not found.get(session.session_id):
            found[session.session_id]["branch"] = candidates.of_branch(session)
            if not found[session.session_id]["branch"]:
                found[session.session_id]["paths"] = candidates.of_files(session)
    return [link for session_id, classes in found.items() for link in _shared(session_id, classes, changes)]


def _shared(session_id: str, classes: dict[str, set[int]], changes: list[Change]) -> Iterable[Link]:
    evidence = next((name for name in EVIDENCE if classes.get(name)), None)
    if evidence is None:
        return
    weights = {number: max(1, changes[number].size) for number in sorted(classes[evidence])}
    total = sum(weights.values())
    for number, weight in weights.items():
        yield Link(change=number, session_id=session_id, evidence=evidence, share=weight / total)


def _named(change: Change, known: dict[str, AgentSession]) -> set[str]:
    return {name for message in change.messages for name in _SESSION_NAMES.findall(message) if name in known}


def _checkpoints(change: Change) -> set[str]:
    return {value for message in change.messages for name, value in trailers(message) if name == _CHECKPOINT}


def _checkpoint_sessions(repository: Repository, changes: list[Change]) -> dict[str, set[str]]:
    """Return the sessions of the checkpoints that messages name, as a branch of the repository keeps them."""
    wanted = {name for change in changes for name in _checkpoints(change)}
    refs = [name for _, name in repository.refs(f"refs/heads/{_CHECKPOINTS}", f"refs/remotes/origin/{_CHECKPOINTS}")]
    if not (wanted and refs):
        return {}
    listed = repository.text("ls-tree", "-r", "--format=%(objectname) %(path)", refs[0]).splitlines()
    blobs = {}
    for line in listed:
        blob, _, path = line.partition(" ")
        parts = path.split("/")
        if parts[-1] == "metadata.json" and len(parts) >= 3 and (name := parts[0] + parts[1]) in wanted:
            blobs[blob] = name
    found: dict[str, set[str]] = defaultdict(set)
    for blob, content in _blobs(repository, list(blobs)):
        found[blobs[blob]] |= _session_ids(content)
    return found


def _blobs(repository: Repository, names: list[str]) -> Iterable[tuple[str, bytes]]:
    """Read objects at once."""
    if not names:
        return
    answer = repository.content("cat-file", "--batch", given="\n".join(names).encode() + b"\n")
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        header = answer[at:end].split()
        if len(header) < 3:
            at = end + 1
            continue
        size = int(header[2])
        yield header[0].decode(), answer[end + 1 : end + 1 + size]
        at = end + size + 2


def _session_ids(content: bytes) -> set[str]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return set()
    if not isinstance(said, dict):
        return set()
    several = said.get("session_ids")
    names = [said.get("session_id"), *(several if isinstance(several, list) else ())]
    return {name for name in names if isinstance(name, str) and name}


class _Candidates:
    """Finds the changes on which a session may have worked, without looking at each of them."""

    def __init__(self, changes: list[Change]) -> None:
        self._by_branch: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if change.branch and change.branch not in (*MAIN_NAMES, "HEAD"):
                self._by_branch[change.branch].append(change)
        self._by_end = sorted(changes, key=lambda change: change.completed_at)
        self._ends = [change.completed_at for change in self._by_end]

    def of_branch(self, session: AgentSession) -> set[int]:
        """Return the changes of the branches of a session that were made in the same days."""
        return {
            change.number
            for branch in session.branches
            for change in self._by_branch.get(branch, ())
            if _meets(session, change)
        }

    def of_files(self, session: AgentSession) -> set[int]:
        """Return the change that holds most of what a session edited, if one does and was finished soon after."""
        first = bisect_left(self._ends, session.first_at)
        last = bisect_right(self._ends, session.last_at + _SOON_TO_COME_DAYS * DAY_S)
        best: tuple[float, float, int] | None = None
        for change in self._by_end[first:last] if session.files else ():
            if not _meets(session, change):
                continue
            common = sum(_is_in(path, change.files) for path in session.files) / len(session.files)
            rank = (-common, abs(change.completed_at - session.last_at), change.number)
            if common >= _LEAST_COMMON and (best is None or rank < best):
                best = rank
        return set() if best is None else {best[2]}


def _meets(session: AgentSession, change: Change) -> bool:
    return session.first_at <= change.completed_at + DAY_S and session.last_at >= change.started_at - DAY_S


def _is_in(path: str, files: dict[str, int]) -> bool:
    """Whether a change holds a file; transcripts name some files by their whole path."""
    return path in files or (path.startswith(("/", "\\")) and any(path.endswith("/" + name) for name in files))
