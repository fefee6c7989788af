"""OpenTelemetry as JSON: spans of GenAI and OpenInference, and the log events of Claude Code.

Collectors write one `resourceSpans` or `resourceLogs` object a line, Tempo says `batches`, Jaeger has a form of its
own. 64-bit integers are texts. The names of the usage attributes changed over time; older ones are still met.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.agent_events import AgentEvents
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript
from asp_analysis.importers.transcripts.claude_code_spans import (
    is_claude_code_request,
    note_request,
    with_claude_code_names,
)
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.identity import branch_of, identify
from asp_analysis.importers.transcripts.mlflow_attributes import with_standard_names
from asp_analysis.importers.transcripts.otlp_values import (
    Attributes,
    attributes_in,
    hex_id,
    instant_of,
    nanoseconds,
    resource_attributes,
    text_in,
)
from asp_analysis.importers.transcripts.spans import Span, take_spans
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import check_size, count, is_counted, reject, word
from asp_analysis.validation import shown

SOURCE = "opentelemetry"

_SIGNALS = ("resourceSpans", "resourceLogs", "resourceMetrics")
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
    if any(isinstance(record.get(name), list) for record in objects for name in _SIGNALS):
        return True
    first = objects[0]
    tempo = any("resource" in batch or "scopeSpans" in batch for batch in objects_in(first.get("batches")))
    return tempo or any("spans" in trace for trace in objects_in(first.get("data")))


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one file of traces or log events."""
    transcript = Transcript(source=SOURCE)
    documents = read_documents(file, transcript, reading.keep_text)
    points = take_documents(documents, reading, transcript, partial(check_size, file.name, transcript))
    if points:
        transcript.notes.append(
            f"{file.name}: {points:,} points of metrics are passed over: they sum up calls, and logs and traces have "
            "these one by one."
        )
    return transcript


def take_documents(
    documents: Iterable[tuple[Attributes, Line]],
    reading: Reading,
    transcript: Transcript,
    check: Callable[[int], None],
    request_ids: set[str] | None = None,
) -> int:
    """Add the spans and events of documents to a transcript; return how many points of metrics are passed over.

    check: is called with the number of spans so far, and may raise where that is too many. request_ids: requests that
    events said before; those of these documents are added.
    """
    spans: list[Span] = []
    events, points = AgentEvents(reading, transcript, request_ids), 0
    for document, line in documents:
        points += count_points(document)
        for make in (_otlp_spans, _jaeger_spans, events.take):
            try:
                spans.extend(make(document, line))
                check(len(spans))
            except LineError as error:
                transcript.rejects.append(reject(line, str(error), reading.keep_text))
    _pass_over_repeated(spans, events.request_ids, transcript)
    take_spans(spans, reading, transcript)
    return points


def _pass_over_repeated(spans: list[Span], known: set[str], transcript: Transcript) -> None:
    """Let a request count once that is a span and a log event of Claude Code: the event has its cost."""
    alone = 0
    for span in spans:
        if span.request_id in known:
            span.kind = "other"
        elif is_claude_code_request(span.name) and span.call.has_usage:
            alone += 1
    if alone:
        transcript.notes.append(
            "Requests of Claude Code are read from its spans. Its log events and transcripts hold the same requests: "
            "load one of the three."
        )


def count_points(document: Attributes) -> int:
    """Count the points of metrics in a document."""
    return sum(
        len(objects_in(kind.get("dataPoints")))
        for batch in objects_in(document.get("resourceMetrics"))
        for scope in objects_in(batch.get("scopeMetrics"))
        for metric in objects_in(scope.get("metrics"))
        for kind in metric.values()
        if isinstance(kind, dict)
    )


# --- spans ------------------------------------------------------------------------------------------------------------


def _otlp_spans(document: Attributes, line: Line) -> list[Span]:
    found = []
    for batch in (*objects_in(document.get("resourceSpans")), *objects_in(document.get("batches"))):
        resource = resource_attributes(batch.get("resource"))
        service = word(resource, "service.name")
        for scope in (*objects_in(batch.get("scopeSpans")), *objects_in(batch.get("instrumentationLibrarySpans"))):
            for span in objects_in(scope.get("spans")):
                attributes = attributes_in(span.get("attributes"))
                status = span.get("status")
                code = status.get("code") if isinstance(status, dict) else None
                found.append(
                    span_of(
                        SpanIds(
                            hex_id(span.get("traceId")),
                            hex_id(span.get("spanId")),
                            hex_id(span.get("parentSpanId")) or None,
                        ),
                        str(span.get("name")),
                        (nanoseconds(span, "startTimeUnixNano"), nanoseconds(span, "endTimeUnixNano")),
                        {
                            **with_standard_names(with_claude_code_names(str(span.get("name")), attributes)),
                            "service.name": service,
                        },
                        SpanEnd(code in (2, "STATUS_CODE_ERROR"), line),
                    )
                )
                note_identity(found[-1], attributes, resource)
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
                    {**with_claude_code_names(str(span.get("operationName")), tags), "service.name": service},
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
    at, ended_at = (instant_of(time_ns) for time_ns in times_ns)
    call = Call(call_id=f"{trace_id}:{span_id}", at=at, origin=Origin(is_copy=False, session_id=trace_id))
    call.model, call.provider = text_in(attributes, _MODEL), text_in(attributes, _PROVIDER)
    _fill(call, attributes)
    kind = _kind(attributes, has_usage=call.has_usage)
    request_id = note_request(call, attributes) if is_claude_code_request(name) else None
    if kind == "call":
        call.latency_ms = (times_ns[1] - times_ns[0]) / 1e6
    session_id, agent = text_in(attributes, _SESSION), text_in(attributes, _AGENT)
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
        request_id=request_id,
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


FORMAT = TranscriptFormat(
    name=SOURCE, title="OpenTelemetry traces and events", recognises=recognises, read_transcript=read
)
