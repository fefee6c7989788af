"""What every transcript says, whatever its format: model calls, and the activity of the tasks they belong to.

Two descriptions of one call or one task merge into one, and the order does not matter: numbers take the largest, times
the earliest (or latest), sets their union, and what can only belong to one owner goes to the smallest rank. Merging is
commutative, associative and changes nothing when repeated, so copies, forks and second loads cannot be counted twice.
"""

import hashlib
import operator
import re
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError

MAIN_AGENT = "main"
"""The agent that a person talks to; every other name is the type of a sub-agent."""

UNNAMED_AGENT = "subagent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a call comes from: session, project (folder name), branch, agent and its run, and who wrote it down.

    `is_copy` marks what a forked session repeats from its parent. Origins are ordered: originals before copies, then
    by name; the smallest of several is the owner.
    """

    is_copy: bool
    session_id: str
    project_id: str | None = None
    branch: str | None = None
    agent: str = MAIN_AGENT
    agent_id: str | None = None

    @property
    def rank(self) -> tuple[Any, ...]:
        """The order among origins; unknown comes last."""
        names = (self.session_id, self.project_id, self.branch, self.agent_id, self.agent)
        return (self.is_copy, *((name is None, name or "") for name in names))


@dataclass(slots=True, kw_only=True)
class Call:
    """One model call. `tokens_in` holds cached tokens too; `cache_write` holds the 1-hour ones too; None is unknown.

    `web_searches` are billed apart; `variant` is a kind of service with prices of its own, such as `speed=fast`;
    `tool_version` is that of the program that wrote the call down, `agent_version` that of its prompt or instructions;
    `folder` is where the agent worked, on its own machine; it is not stored. `labels` are other names to group by, such
    as team and cost_center. `covers` says that it is the sum of a "session"
    or a "run", where the source knows no single calls; `billing` is "plan" where a plan that is paid otherwise
    includes the call, so that its cost is a list price.
    """

    call_id: str
    at: str
    origin: Origin
    model: str | None = None
    provider: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    latency_ms: float | None = None
    retries: int | None = None
    web_searches: int | None = None
    variant: str | None = None
    tool_version: str | None = None
    covers: str | None = None
    billing: str | None = None
    agent_version: str | None = None
    user_id: str | None = None
    machine: str | None = None
    repository: str | None = None
    folder: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    reported_usd: float | None = None
    tools: set[str] | None = None
    texts: dict[str, str] = field(default_factory=dict)

    def merge(self, other: "Call") -> None:
        """Take in another description of the same call."""
        if other.at < self.at:
            self.at = other.at
        if other.origin != self.origin and other.origin.rank < self.origin.rank:
            self.origin = other.origin
        if (known := _smallest_of(self)) != (more := _smallest_of(other)):
            for name, mine, theirs in zip(_SMALLEST, known, more, strict=True):
                if theirs is not None and (mine is None or theirs < mine):
                    setattr(self, name, theirs)
        if (sizes := _largest_of(self)) != (grown := _largest_of(other)):
            for name, mine, theirs in zip(LARGEST, sizes, grown, strict=True):
                if theirs is not None and (mine is None or theirs > mine):
                    setattr(self, name, theirs)
        if other.labels:
            self.labels = {**self.labels, **other.labels, **_smallest_of_each(self.labels, other.labels)}
        if other.tools is not None:
            self.tools = (self.tools or set()) | other.tools
        if other.texts:
            self.texts = {**self.texts, **other.texts}

    @property
    def has_usage(self) -> bool:
        """True where at least one token or a cost is known: zeros alone are what broken recorders write."""
        return bool(self.tokens_in or self.tokens_out or self.reported_usd)


LARGEST = (
    "tokens_in",
    "tokens_out",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "latency_ms",
    "retries",
    "web_searches",
    "reported_usd",
)
"""What grows while a call is written down: the largest value is the last one."""

_SMALLEST = (
    "model", "provider", "variant", "tool_version", "covers", "billing", "agent_version", "user_id", "machine",
    "repository",
)  # fmt: skip
_largest_of, _smallest_of = operator.attrgetter(*LARGEST), operator.attrgetter(*_SMALLEST)


def _smallest_of_each(mine: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    return {name: min(mine[name], theirs[name]) for name in mine.keys() & theirs.keys()}


@dataclass(slots=True, kw_only=True)
class Activity:
    """What happened on one task: when, in which sessions, and its events by kind, each named so that it counts once."""

    started_at: str
    ended_at: str
    source: str
    sessions: set[str] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)
    branches: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    events: dict[str, set[str]] = field(default_factory=dict)
    status: str = "completed"
    texts: dict[str, str] = field(default_factory=dict)


EVENT_KINDS = ("tool_errors", "api_errors", "interruptions", "compactions", "edits", "turns")
"""Events are named `id`; edits `id:added:removed` (lines); turns `id:ms` (time from a prompt to its last answer)."""


@dataclass(kw_only=True)
class Transcript:
    """All that one file said: calls and activities by their names, rejects, and what the reconciliation counts.

    not_understood: names of keys and record types that speak of usage and that no reader knows, with their counts.
    notes: what the user should know of the file.
    """

    source: str
    calls: dict[str, Call] = field(default_factory=dict)
    activities: dict[str, Activity] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    line_numbers: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    duplicates: int = 0
    without_usage: set[str] = field(default_factory=set)
    not_understood: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add_call(self, call: Call, line_number: int) -> None:
        """Keep a call, or merge it with what the file said about it before."""
        known = self.calls.get(call.call_id)
        if known is None:
            self.calls[call.call_id] = call
            self.line_numbers[call.call_id] = line_number
        else:
            known.merge(call)
            self.duplicates += 1

    def touch(self, task_id: str, at: str, origin: Origin) -> Activity:
        """Return the activity of a task, extended to the instant `at`."""
        activity = self.activities.get(task_id)
        if activity is None:
            activity = self.activities[task_id] = Activity(started_at=at, ended_at=at, source=self.source)
        if at < activity.started_at:
            activity.started_at = at
        if at > activity.ended_at:
            activity.ended_at = at
        activity.sessions.add(origin.session_id)
        if origin.project_id:
            activity.projects.add(origin.project_id)
        if origin.branch:
            activity.branches.add(origin.branch)
        return activity


def note_event(activity: Activity, kind: str, name: str) -> None:
    """Keep an event once; `kind` is one of EVENT_KINDS."""
    activity.events.setdefault(kind, set()).add(name)


def short_id(text: str) -> str:
    """Shorten an id to ten characters that still distinguish the events of a task."""
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=5).hexdigest()


def folder_name(path: Any) -> str | None:
    """Return the last part of a folder's path, of Windows or of others: what people call their project."""
    if not isinstance(path, str) or not path.strip():
        return None
    path = path.replace("\x00", "\\x00")
    kind = PureWindowsPath if "\\" in path and "/" not in path else PurePosixPath
    return kind(path).name or path


def relative_path(path: str, folder: Any) -> str:
    """Return a file's path within `folder` where it is there, else as it is."""
    if isinstance(folder, str) and folder and path.startswith(folder):
        path = path[len(folder) :].lstrip("/\\") or path
    return path.replace("\x00", "\\x00")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a user wants transcripts to be read: what a task is, which role an agent plays, whether texts are kept.

    stamps: names and values that calls get where their source does not say them: person, machine, repository, and any
    label. is_of_this_machine: whether the folders that transcripts name are those of this machine.
    """

    task_from: str = "session"
    roles: tuple[tuple[str, str], ...] = ()
    keep_text: bool = False
    stamps: tuple[tuple[str, str], ...] = ()
    is_of_this_machine: bool = False

    def __post_init__(self) -> None:
        try:
            re.compile(self.task_from)
        except re.error as error:
            raise InputError(
                f"--task-from needs session, branch, project or a regular expression, found {self.task_from!r} "
                f"({error}). Correct the expression."
            ) from None

        nameless = [agent for agent, role in self.roles if not role.strip()]
        if nameless:
            raise InputError(f"--role needs AGENT=ROLE, the role of {nameless[0]!r} is empty. Name it.")

    def task_of(self, origin: Origin) -> str:
        """Name the task: the session, the project, the branch within it, or what the expression finds in the branch."""
        project = origin.project_id or ""
        if self.task_from == "session":
            return origin.session_id
        if self.task_from == "project":
            return project or origin.session_id
        branch = origin.branch if origin.branch and origin.branch != "HEAD" else None
        if branch is None:
            return origin.session_id
        if self.task_from == "branch":
            return f"{project}:{branch}" if project else branch
        found = re.search(self.task_from, branch)
        if not found:
            return origin.session_id
        return next((group for group in found.groups() if group), found.group()) or origin.session_id

    def role_of(self, agent: str) -> str:
        """Name the role of an agent: the first rule that fits, else Code for the main agent, else its own type."""
        for pattern, role in self.roles:
            if fnmatchcase(agent.lower(), pattern.lower()):
                return role
        return "Code" if agent == MAIN_AGENT else agent
