"""Whom and what a call belongs to, by the attributes of OpenTelemetry and of the tools that send it.

Names: the semantic conventions of OpenTelemetry for users, hosts and version control, and the resource attributes that
Claude Code documents for teams (`OTEL_RESOURCE_ATTRIBUTES`). A resource attribute of no convention is a label.
"""

from collections.abc import Mapping
from typing import Any

from asp_analysis.importers.transcripts.calls import Call
from asp_analysis.importers.transcripts.git_folders import repository_name

_PERSON = ("user.email", "enduser.id", "user.account_uuid", "user.name", "user.id", "langfuse.user.id")
_MACHINE = ("host.name", "host.id")
_REPOSITORY = ("vcs.repository.url.full", "vcs.repository.name", "git.repository")
_BRANCH = ("vcs.ref.head.name", "vcs.repository.ref.name", "git.branch")
_PROMPT = ("gen_ai.prompt.version", "prompt.version", "langfuse.observation.prompt.version", "gen_ai.agent.version")
_TOOL_VERSION = ("app.version", "service.version")
_LABELS = {
    "team": ("team.id", "team.name", "team"),
    "cost_center": ("cost_center", "cost_centre", "cost.center"),
    "organization": ("organization.id",),
    "account": ("user.account_uuid",),
}
_OF_CONVENTIONS = (
    "service.", "host.", "os.", "process.", "telemetry.", "container.", "k8s.", "cloud.", "vcs.", "git.", "user.",
    "enduser.", "device.", "faas.", "webengine.", "browser.", "android.", "aws.", "gcp.", "azure.", "deployment.",
    "langfuse.", "openinference.", "otel.", "terminal.", "session.", "app.",
)  # fmt: skip
_MOST_LABELS, _LONGEST = 20, 200


def identify(call: Call, attributes: Mapping[str, Any], resource: Mapping[str, Any]) -> None:
    """Fill in what a call does not know yet of its person, machine, repository, versions and labels."""
    said = {**resource, **attributes}
    call.user_id = call.user_id or _first(said, _PERSON)
    call.machine = call.machine or _first(said, _MACHINE)
    repository = _first(said, _REPOSITORY)
    call.repository = call.repository or (repository and repository_name(repository))
    call.agent_version = call.agent_version or _first(said, _PROMPT)
    call.tool_version = call.tool_version or _first(said, _TOOL_VERSION)
    for name, value in _labels(said, resource).items():
        call.labels.setdefault(name, value)


def branch_of(attributes: Mapping[str, Any], resource: Mapping[str, Any]) -> str | None:
    """Return the branch that a span or an event names."""
    return _first({**resource, **attributes}, _BRANCH)


def take_over(call: Call, above: Call) -> None:
    """Fill in what only the span around a call says."""
    for name in ("user_id", "machine", "repository", "agent_version", "tool_version"):
        if getattr(call, name) is None:
            setattr(call, name, getattr(above, name))
    call.labels = {**above.labels, **call.labels}


def _labels(said: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, str]:
    found = {name: _first(said, names) for name, names in _LABELS.items()}
    taken = {name for names in _LABELS.values() for name in names}
    for name in resource:
        if name not in taken and not name.startswith(_OF_CONVENTIONS):
            found[name] = _first(resource, (name,))
    return dict(sorted((name, value) for name, value in found.items() if value is not None)[:_MOST_LABELS])


def _first(said: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = said.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip().replace("\x00", "")[:_LONGEST] or None
    return None
