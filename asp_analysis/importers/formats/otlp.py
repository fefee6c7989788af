"""OpenTelemetry as JSON: spans of GenAI and OpenInference, and the log events of Claude Code.

Collectors write one `resourceSpans` or `resourceLogs` object a line, Tempo says `batches`, Jaeger has a form of its
own. 64-bit integers are texts. The names of the usage attributes changed over time; older ones are still met.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, NamedTuple

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.identity import branch_of, identify
from asp_analysis.importers.transcripts.mlflow_attributes import with_standard_names
from asp_analysis.importers.transcripts.providers import provider_of
from asp_analysis.importers.transcripts.spans import Span, take_spans
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import (
    check_size,
    count,
    is_counted,
    note_unknown_attributes,
    reject,
    word,
)
from asp_analysis.records import read_instant
from asp_analysis.validation import shown

SOURCE = "opentelemetry"

Attributes = dict[str, Any]

_IN = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
)
_OUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.cache_read.input_token_count",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cached_tokens",
    "gen_ai.usage.input_cached_tokens",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.input_tokens.cached",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
)
_WRITE = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.cacheCreationInputTokens",
)
_REASONING = (
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.thoughts_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
)
_TOTAL = ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens", "ai.usage.totalTokens")
_COST = ("llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.cost.total", "gen_ai.usage.total_cost")
_MODEL = (
    "gen_ai.response.model",
    "gen_ai.request.model",
    "llm.model_name",
    "embedding.model_name",
    "ai.response.model",
    "ai.model.id",
)
_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "ai.model.provider")
_SESSION = ("gen_ai.conversation.id", "session.id")
_AGENT = ("gen_ai.agent.name", "agent.name")
_PRICED_APART = ("audio", "image", "video")

_USAGE_PREFIXES = ("gen_ai.usage.", "llm.token_count.", "llm.usage.", "llm.cost.", "ai.usage.")
_KNOWN_USAGE = frozenset((*_IN, *_OUT, *_READ, *_WRITE, *_REASONING, *_TOTAL, *_COST)) | {
    "llm.cost.prompt",
    "llm.cost.completion",
    "gen_ai.usage.input_cost",
    "gen_ai.usage.output_cost",
    "llm.token_count.prompt_details.input",
}
_CALLS = {"chat", "text_completion", "generate_content", "embeddings", "LLM", "EMBEDDING"}
_TOOLS = {"execute_tool", "TOOL"}
_AGENTS = {"invoke_agent", "create_agent", "invoke_workflow", "AGENT", "CHAIN"}


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a trace or a log by the names that hold its parts."""
    if any(isinstance(record.get(name), list) for record in objects for name in ("resourceSpans", "resourceLogs")):
        return True
    first = objects[0]
    tempo = any("resource" in batch or "scopeSpans" in batch for batch in objects_in(first.get("batches")))
    return tempo or any("spans" in trace for trace in objects_in(first.get("data")))


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one file of traces or log events."""
    transcript = Transcript(source=SOURCE)
    spans: list[Span] = []
    events = _Events(reading, transcript)
    for document, line in read_documents(file, transcript, reading.keep_text):
        for make in (_otlp_spans, _jaeger_spans, events.take):
            try:
                spans.extend(make(document, line))
                check_size(file.name, transcript, len(spans))
            except LineError as error:
                transcript.rejects.append(reject(line, str(error), reading.keep_text))
    take_spans(spans, reading, transcript)
    return transcript


# --- spans ------------------------------------------------------------------------------------------------------------


def _otlp_spans(document: Attributes, line: Line) -> list[Span]:
    found = []
    for batch in (*objects_in(document.get("resourceSpans")), *objects_in(document.get("batches"))):
        resource = _attributes_of(batch.get("resource"))
        service = word(resource, "service.name")
        for scope in (*objects_in(batch.get("scopeSpans")), *objects_in(batch.get("instrumentationLibrarySpans"))):
            for span in objects_in(scope.get("spans")):
                status = span.get("status")
                code = status.get("code") if isinstance(status, dict) else None
                found.append(
                    span_of(
                        SpanIds(
                            _hex(span.get("traceId")), _hex(span.get("spanId")), _hex(span.get("parentSpanId")) or None
                        ),
                        str(span.get("name")),
                        (_nanoseconds(span, "startTimeUnixNano"), _nanoseconds(span, "endTimeUnixNano")),
                        {**with_standard_names(_attributes(span.get("attributes"))), "service.name": service},
                        SpanEnd(code in (2, "STATUS_CODE_ERROR"), line),
                    )
                )
                note_identity(found[-1], _attributes(span.get("attributes")), resource)
    return found


def _jaeger_spans(document: Attributes, line: Line) -> list[Span]:
    found = []
    for trace in objects_in(document.get("data")):
        processes = trace.get("processes")
        for span in objects_in(trace.get("spans")):
            process = processes.get(str(span.get("processID"))) if isinstance(processes, dict) else None
            service = word(process, "serviceName") if isinstance(process, dict) else None
            tags = {str(tag.get("key")): tag.get("value") for tag in objects_in(span.get("tags"))}
            parents = [ref for ref in objects_in(span.get("references")) if ref.get("refType") == "CHILD_OF"]
            began, lasted = count(span, "startTime"), count(span, "duration")
            if began is None:
                raise LineError("startTime: is needed and is missing")
            found.append(
                span_of(
                    SpanIds(
                        str(span.get("traceID")),
                        str(span.get("spanID")),
                        word(parents[0], "spanID") if parents else None,
                    ),
                    str(span.get("operationName")),
                    (began * 1000, (began + (lasted or 0)) * 1000),
                    {**tags, "service.name": service},
                    SpanEnd(tags.get("error") is True or tags.get("otel.status_code") == "ERROR", line),
                )
            )
            about = process.get("tags") if isinstance(process, dict) else None
            note_identity(found[-1], tags, {str(tag.get("key")): tag.get("value") for tag in objects_in(about)})
    return found


class SpanIds(NamedTuple):
    """The names of a span, in hex: its trace, itself, the span around it."""

    trace_id: str
    span_id: str
    parent_id: str | None


class SpanEnd(NamedTuple):
    """How a span ended, and the line that says so."""

    is_failed: bool
    line: Line


def span_of(
    ids: SpanIds,
    name: str,
    times_ns: tuple[int, int],
    attributes: Attributes,
    end: SpanEnd,
) -> Span:
    """Make a span of what the dialects have in common: ids in hex, begin and end, attributes, whether it failed.

    Raises:
        LineError: an attribute cannot be what its name says, or counts something that could not be priced.
    """
    trace_id, span_id, parent_id = ids
    at, ended_at = (_instant(time_ns) for time_ns in times_ns)
    call = Call(call_id=f"{trace_id}:{span_id}", at=at, origin=Origin(is_copy=False, session_id=trace_id))
    call.model, call.provider = _text(attributes, _MODEL), _text(attributes, _PROVIDER)
    _fill(call, attributes)
    kind = _kind(attributes, has_usage=call.has_usage)
    if kind == "call":
        call.latency_ms = (times_ns[1] - times_ns[0]) / 1e6
    session_id, agent = _text(attributes, _SESSION), _text(attributes, _AGENT)
    is_error = end.is_failed or "error.type" in attributes
    project_id, number = attributes.get("service.name"), end.line.number
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        name=name,
        kind=kind,
        at=at,
        call=call,
        ended_at=ended_at,
        session_id=session_id,
        project_id=project_id,
        agent=agent,
        is_error=is_error,
        line_number=number,
        not_understood=_unknown_usage(attributes) if kind == "call" else (),
    )


def note_identity(span: Span, attributes: Attributes, resource: Attributes) -> None:
    """Let the call of a span know its person, machine, repository, branch, versions and labels."""
    identify(span.call, attributes, resource)
    span.branch = branch_of(attributes, resource)


def _unknown_usage(attributes: Attributes) -> tuple[str, ...]:
    """Return the usage attributes that nobody here knows and that are not zero."""
    unknown = (key for key in attributes if key.startswith(_USAGE_PREFIXES) and key not in _KNOWN_USAGE)
    return tuple(key for key in unknown if is_counted(attributes[key]))


def _kind(attributes: Attributes, *, has_usage: bool) -> str:
    """Tell a call, an agent or a tool by the operation; a span that says nothing but has usage is a call."""
    for name in (word(attributes, "gen_ai.operation.name"), word(attributes, "openinference.span.kind")):
        for kind, names in (("call", _CALLS), ("tool", _TOOLS), ("agent", _AGENTS)):
            if name in names:
                return kind
    return "call" if has_usage else "other"


def _fill(call: Call, attributes: Attributes) -> None:
    _check_keys(attributes)
    call.tokens_in, call.tokens_out = _count(attributes, _IN), _count(attributes, _OUT)
    call.cache_read, call.cache_write = _count(attributes, _READ), _count(attributes, _WRITE)
    cached = (call.cache_read or 0) + (call.cache_write or 0)
    if call.tokens_in is not None and _is_cached_apart(call, attributes, cached):
        call.tokens_in += cached
    reasoning = _count(attributes, _REASONING)
    total = _count(attributes, _TOTAL)
    if reasoning and call.tokens_out is not None and total == (call.tokens_in or 0) + call.tokens_out + reasoning:
        call.tokens_out += reasoning
    call.reported_usd = next((positive(attributes[name]) for name in _COST if attributes.get(name)), None)


def _is_cached_apart(call: Call, attributes: Attributes, cached: int) -> bool:
    """Return whether the input leaves the cached tokens out: a total decides, else whether they are more."""
    known_in, known_out, total = call.tokens_in or 0, call.tokens_out or 0, _count(attributes, _TOTAL)
    reasoning = _count(attributes, _REASONING) or 0
    if cached and total in (known_in + known_out + cached, known_in + known_out + cached + reasoning):
        return True
    if total in (known_in + known_out, known_in + known_out + reasoning):
        return False
    return cached > known_in


def _check_keys(attributes: Attributes) -> None:
    for key, value in attributes.items():
        is_usage = key.startswith(("gen_ai.usage.", "llm.token_count."))
        if is_usage and value and value != "0" and any(kind in key for kind in _PRICED_APART):
            raise LineError(f"usage key {key!r} with {shown(value)} is not known, it could not be priced")


def _count(attributes: Attributes, names: tuple[str, ...]) -> int | None:
    return next((count(attributes, name) for name in names if attributes.get(name) is not None), None)


def _text(attributes: Attributes, names: tuple[str, ...]) -> str | None:
    return next((str(attributes[name]) for name in names if attributes.get(name)), None)


# --- values -----------------------------------------------------------------------------------------------------------


def _attributes(listed: Any) -> Attributes:
    return {str(pair.get("key")): _value(pair.get("value")) for pair in objects_in(listed)}


def _value(wrapped: Any) -> Any:
    """Unwrap `{"intValue": "10"}`: integers of 64 bits are texts in JSON."""
    if not isinstance(wrapped, dict):
        return wrapped
    for name in ("stringValue", "boolValue", "doubleValue"):
        if name in wrapped:
            return wrapped[name]
    if "intValue" in wrapped:
        return count(wrapped, "intValue") if not str(wrapped["intValue"]).startswith("-") else None
    return None


def _attributes_of(resource: Any) -> Attributes:
    return _attributes(resource.get("attributes")) if isinstance(resource, dict) else {}


def _hex(given: Any) -> str:
    """Return an id in hex, as OTLP/JSON writes it; Tempo writes base64."""
    text = str(given or "")
    if len(text) in (12, 24) and not all(letter in "0123456789abcdefABCDEF" for letter in text):
        try:
            return base64.b64decode(text, validate=True).hex()
        except binascii.Error:
            return text
    return text.lower()


def _nanoseconds(record: Attributes, name: str) -> int:
    value = count(record, name)
    if value is None:
        raise LineError(f"{name}: is needed and is missing")
    return value


def _instant(time_ns: int) -> str:
    try:
        return str(read_instant(time_ns // 1000))
    except ValueError as error:
        raise LineError(str(error)) from None


# --- Claude Code's own events -----------------------------------------------------------------------------------------


_EVENTS = {"api_request", "response_completed", "api_error", "tool_result", "user_prompt"}
_CODEX_EVENTS: dict[tuple[str, Any], str] = {
    ("codex.sse_event", "response.completed"): "response_completed",
    ("codex.user_prompt", None): "user_prompt",
    ("codex.tool_result", None): "tool_result",
}
_REQUEST_KEYS = frozenset(
    {"input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cost_usd", "cost_usd_micros"}
)
_RESPONSE_KEYS = frozenset(
    {f"{kind}_token_count" for kind in ("input", "output", "cached", "reasoning", "tool", "total")}
)


class _Events:
    """Reads the log events of Claude Code and Codex: a request is a call, a tool's result belongs to the last one."""

    def __init__(self, reading: Reading, transcript: Transcript) -> None:
        self._reading, self._transcript = reading, transcript
        self._last: dict[str, Call] = {}

    def take(self, document: Attributes, line: Line) -> Iterator[Span]:
        """Take the events of one document; they are no spans."""
        for batch in objects_in(document.get("resourceLogs")):
            about = _attributes_of(batch.get("resource"))
            for scope in objects_in(batch.get("scopeLogs")):
                for record in objects_in(scope.get("logRecords")):
                    self._event(record, about, line)
        yield from ()

    def _event(self, record: Attributes, resource: Attributes, line: Line) -> None:
        attributes = _attributes(record.get("attributes"))
        body = _value(record.get("body"))
        name = str(attributes.get("event.name") or body or "").removeprefix("claude_code.")
        name = _CODEX_EVENTS.get((name, attributes.get("event.kind")), _CODEX_EVENTS.get((name, None), name))
        session_id = attributes.get("session.id") or attributes.get("conversation.id")
        if name not in _EVENTS or not isinstance(session_id, str):
            return
        at = _instant(_nanoseconds(record, "timeUnixNano" if "timeUnixNano" in record else "observedTimeUnixNano"))
        origin = Origin(
            is_copy=False,
            session_id=session_id,
            project_id=word(resource, "service.name"),
            branch=branch_of(attributes, resource),
            agent=_agent(attributes.get("query_source")),
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
        elif name == "api_error":
            note_event(activity, "api_errors", own_id)
        elif name == "tool_result":
            if str(attributes.get("success")).lower() == "false":
                note_event(activity, "tool_errors", own_id)
            if session_id in self._last and self._last[session_id].tools is not None:
                self._last[session_id].tools.add(f"{attributes.get('tool_name')}:{own_id}")  # type: ignore[union-attr]

    def _request(self, attributes: Attributes, call: Call, line: Line) -> None:
        fresh, call.tokens_out = count(attributes, "input_tokens") or 0, count(attributes, "output_tokens")
        call.cache_read, call.cache_write = (
            count(attributes, name) or 0 for name in ("cache_read_tokens", "cache_creation_tokens")
        )
        call.tokens_in = fresh + call.cache_read + call.cache_write
        call.model = _text(attributes, ("model",))
        call.provider = provider_of(call.model)
        call.variant = "speed=fast" if attributes.get("speed") == "fast" else None
        call.reported_usd, call.latency_ms = (
            positive(attributes.get("cost_usd")),
            positive(attributes.get("duration_ms")),
        )
        call.retries = max(0, (count(attributes, "attempt") or 1) - 1)
        note_unknown_attributes(self._transcript, attributes, _REQUEST_KEYS, "api_request ")
        self._add(call, line)

    def _response(self, attributes: Attributes, call: Call, line: Line) -> None:
        """Take a completed response of Codex: cached tokens are inside its input, reasoning inside its output."""
        call.tokens_in, call.tokens_out = (count(attributes, f"{name}_token_count") for name in ("input", "output"))
        call.cache_read = min(count(attributes, "cached_token_count") or 0, call.tokens_in or 0)
        call.model = _text(attributes, ("model",))
        call.provider = provider_of(call.model)
        note_unknown_attributes(self._transcript, attributes, _RESPONSE_KEYS, "response.completed ")
        self._add(call, line)

    def _add(self, call: Call, line: Line) -> None:
        call.tools = set()
        if call.has_usage:
            self._last[call.origin.session_id] = call
            self._transcript.add_call(call, line.number)
        else:
            self._transcript.without_usage.add(call.call_id)


def _agent(query_source: Any) -> str:
    """Return the agent: the main conversation goes by several names."""
    text = str(query_source or "")
    return MAIN_AGENT if not text or text.startswith(("repl", "main", "sdk", "user")) else text


FORMAT = TranscriptFormat(
    name=SOURCE, title="OpenTelemetry traces and events", recognises=recognises, read_transcript=read
)
