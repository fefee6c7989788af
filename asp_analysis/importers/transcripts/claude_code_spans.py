"""Claude Code's own spans (its traces, in beta): requests whose tokens have plain names, under those of OpenTelemetry.

As in its log events, the input leaves cached tokens out. Names of spans say whether one is a request or a tool.
"""

from typing import Any

from asp_analysis.importers.transcripts.agent_events import agent_of
from asp_analysis.importers.transcripts.calls import Call
from asp_analysis.importers.transcripts.values import count, word

_PREFIX = "claude_code."
_OPERATION_OF_SPAN = {"llm_request": "chat", "tool": "execute_tool"}
_USAGE_OF = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_tokens": "gen_ai.usage.cache_creation.input_tokens",
}


def is_claude_code_request(name: str) -> bool:
    """Return whether a span of this name is a request of Claude Code."""
    return name == f"{_PREFIX}llm_request"


def with_claude_code_names(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a span of Claude Code under standard names too; those of other spans as they were.

    Raises:
        LineError: a number of tokens is none.
    """
    operation = _OPERATION_OF_SPAN.get(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
    if operation is None:
        return attributes
    found: dict[str, Any] = {"gen_ai.operation.name": operation}
    if operation == "chat":
        used = {standard: count(attributes, theirs) for theirs, standard in _USAGE_OF.items()}
        found |= {standard: tokens for standard, tokens in used.items() if tokens is not None}
        found["gen_ai.usage.total_tokens"] = sum(tokens or 0 for tokens in used.values())
        found["gen_ai.agent.name"] = agent_of(attributes.get("query_source"))
        found["gen_ai.request.model"] = attributes.get("model")
    return {**found, **attributes}


def note_request(call: Call, attributes: dict[str, Any]) -> str | None:
    """Let a call know how it was served, and how often it was tried; return the id of its request."""
    call.variant = "speed=fast" if attributes.get("speed") == "fast" else None
    call.retries = max(0, (count(attributes, "attempt") or 1) - 1)
    return word(attributes, "request_id")
