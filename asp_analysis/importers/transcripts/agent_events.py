"""The log events of coding agents as calls: Claude Code, Codex and Gemini CLI each name their own."""

from typing import Any

from asp_analysis.importers.json_lines import Line
from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive
from asp_analysis.importers.transcripts.identity import branch_of, identify
from asp_analysis.importers.transcripts.otlp_values import (
    Attributes,
    attribute_value,
    attributes_in,
    instant_of,
    nanoseconds,
    resource_attributes,
    text_in,
)
from asp_analysis.importers.transcripts.providers import provider_of
from asp_analysis.importers.transcripts.values import count, note_unknown_attributes, word

_EVENTS = {"api_request", "response_completed", "gemini_response", "api_error", "tool_result", "user_prompt"}
_EVENT_OF: dict[tuple[str, Any], str] = {
    ("codex.sse_event", "response.completed"): "response_completed",
    ("codex.user_prompt", None): "user_prompt",
    ("codex.tool_result", None): "tool_result",
    ("gemini_cli.api_response", None): "gemini_response",
    ("gemini_cli.api_error", None): "api_error",
    ("gemini_cli.user_prompt", None): "user_prompt",
    ("gemini_cli.tool_call", None): "tool_result",
}
_REQUEST_KEYS = frozenset(
    {"input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cost_usd", "cost_usd_micros"}
)
_RESPONSE_KEYS = frozenset(
    {f"{kind}_token_count" for kind in ("input", "output", "cached", "reasoning", "tool", "total")}
)
_GEMINI_KEYS = frozenset(
    {f"{kind}_token_count" for kind in ("input", "output", "cached_content", "thoughts", "tool", "total")}
)


class AgentEvents:
    """Reads log events: a request or its response is a call, a tool's result belongs to the last call before it.

    request_ids: those of the requests that were read, added to those that are known.
    """

    def __init__(self, reading: Reading, transcript: Transcript, request_ids: set[str] | None = None) -> None:
        self._reading, self._transcript = reading, transcript
        self._last: dict[str, Call] = {}
        self.request_ids = set() if request_ids is None else request_ids

    def take(self, document: Attributes, line: Line) -> tuple[()]:
        """Take the events of one document; they are no spans.

        Raises:
            LineError: one of them cannot be read; those before it are taken.
        """
        for batch in objects_in(document.get("resourceLogs")):
            about = resource_attributes(batch.get("resource"))
            for scope in objects_in(batch.get("scopeLogs")):
                for record in objects_in(scope.get("logRecords")):
                    self._event(record, about, line)
        return ()

    def _event(self, record: Attributes, resource: Attributes, line: Line) -> None:
        attributes = attributes_in(record.get("attributes"))
        body = attribute_value(record.get("body"))
        name = str(attributes.get("event.name") or body or "").removeprefix("claude_code.")
        name = _EVENT_OF.get((name, str(attributes.get("event.kind"))), _EVENT_OF.get((name, None), name))
        session_id = attributes.get("session.id") or attributes.get("conversation.id")
        if name not in _EVENTS or not isinstance(session_id, str):
            return
        at = instant_of(count(record, "timeUnixNano") or nanoseconds(record, "observedTimeUnixNano"))
        origin = Origin(
            is_copy=False,
            session_id=session_id,
            project_id=word(resource, "service.name"),
            branch=branch_of(attributes, resource),
            agent=agent_of(attributes.get("query_source")),
        )
        activity = self._transcript.touch(self._reading.task_of(origin), at, origin)
        own_id = short_id(f"{session_id} {at} {attributes.get('event.sequence')} {name}")
        if name == "api_request":
            call = Call(call_id=f"claude-code-event:{own_id}", at=at, origin=origin)
            identify(call, attributes, resource)
            self._request(attributes, call, line)
        elif name == "response_completed":
            call = Call(call_id=f"codex-event:{own_id}", at=at, origin=origin)
            identify(call, attributes, resource)
            self._response(attributes, call, line)
        elif name == "gemini_response":
            call = Call(call_id=f"gemini-event:{own_id}", at=at, origin=origin)
            identify(call, attributes, resource)
            self._gemini_response(attributes, call, line)
        elif name == "api_error":
            note_event(activity, "api_errors", own_id)
        elif name == "tool_result":
            if str(attributes.get("success")).lower() == "false":
                note_event(activity, "tool_errors", own_id)
            last = self._last.get(session_id)
            if last is not None and last.tools is not None:
                last.tools.add(f"{attributes.get('tool_name', attributes.get('function_name'))}:{own_id}")

    def _request(self, attributes: Attributes, call: Call, line: Line) -> None:
        fresh, call.tokens_out = count(attributes, "input_tokens") or 0, count(attributes, "output_tokens")
        call.cache_read, call.cache_write = (
            count(attributes, name) or 0 for name in ("cache_read_tokens", "cache_creation_tokens")
        )
        call.tokens_in = fresh + call.cache_read + call.cache_write
        call.model = text_in(attributes, ("model",))
        call.provider = provider_of(call.model)
        call.variant = "speed=fast" if attributes.get("speed") == "fast" else None
        call.reported_usd, call.latency_ms = (
            positive(attributes.get("cost_usd")),
            positive(attributes.get("duration_ms")),
        )
        call.retries = max(0, (count(attributes, "attempt") or 1) - 1)
        note_unknown_attributes(self._transcript, attributes, _REQUEST_KEYS, "api_request ")
        if request_id := word(attributes, "request_id"):
            self.request_ids.add(request_id)
        self._add(call, line)

    def _response(self, attributes: Attributes, call: Call, line: Line) -> None:
        """Take a completed response of Codex: cached tokens are inside its input, reasoning inside its output."""
        call.tokens_in, call.tokens_out = (count(attributes, f"{name}_token_count") for name in ("input", "output"))
        call.cache_read = min(count(attributes, "cached_token_count") or 0, call.tokens_in or 0)
        call.model = text_in(attributes, ("model",))
        call.provider = provider_of(call.model)
        note_unknown_attributes(self._transcript, attributes, _RESPONSE_KEYS, "response.completed ")
        self._add(call, line)

    def _gemini_response(self, attributes: Attributes, call: Call, line: Line) -> None:
        """Take a response of Gemini CLI: cached tokens are inside its input, thoughts and tool prompts come on top."""
        seen, tool = count(attributes, "input_token_count"), count(attributes, "tool_token_count") or 0
        said, thoughts = count(attributes, "output_token_count"), count(attributes, "thoughts_token_count") or 0
        call.tokens_in = None if seen is None else seen + tool
        call.tokens_out = None if said is None else said + thoughts
        call.cache_read = min(count(attributes, "cached_content_token_count") or 0, call.tokens_in or 0)
        call.model = text_in(attributes, ("model",))
        call.provider = provider_of(call.model)
        call.latency_ms = positive(attributes.get("duration_ms"))
        note_unknown_attributes(self._transcript, attributes, _GEMINI_KEYS, "api_response ")
        self._add(call, line)

    def _add(self, call: Call, line: Line) -> None:
        call.tools = set()
        if call.has_usage:
            self._last[call.origin.session_id] = call
            self._transcript.add_call(call, line.number)
        else:
            self._transcript.without_usage.add(call.call_id)


def agent_of(query_source: Any) -> str:
    """Return the agent: the main conversation goes by several names."""
    text = str(query_source or "")
    return MAIN_AGENT if not text or text.startswith(("repl", "main", "sdk", "user")) else text
