"""Langfuse exports: a trace with its observations, as the API returns them, or observations alone.

`usageDetails` is a free dictionary. Keys that begin with `input_` or `output_` are next to `input` and `output`; keys
with a dot (`completion_details.reasoning`) are parts of them. A key that is not known and not 0 rejects its record:
priced 0 it would be a hidden loss.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.spans import Span, take_spans
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, reject, word
from asp_analysis.validation import shown

SOURCE = "langfuse"

_KIND_OF = {"GENERATION": "call", "EMBEDDING": "call", "TOOL": "tool"}
_CACHE_READ = ("input_cache_read", "input_cached_tokens", "input_cache_read_tokens", "cache_read_input_tokens")
_CACHE_WRITE = ("input_cache_creation", "cache_creation_input_tokens", "input_cache_creation_5m", "input_cache_write")
_WRITE_1H = ("input_cache_creation_1h",)
_BESIDE_OUTPUT = ("output_reasoning", "output_reasoning_tokens")
_PARTS_READ = ("prompt_details.cache_read", "input_details.cache_read", "prompt_tokens_details.cached_tokens")
_PARTS = ("completion_details.", "prompt_details.", "input_details.", "output_details.", "prompt_tokens_details.")
_TOTALS = {"input", "output", "total", "promptTokens", "completionTokens", "totalTokens", "unit"}
_KNOWN = {*_TOTALS, *_CACHE_READ, *_CACHE_WRITE, *_WRITE_1H, *_BESIDE_OUTPUT}


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise an export by its observations."""
    first = objects[0]
    return bool(_observations(first)) or ("observations" in first and "trace" in first)


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one export."""
    transcript = Transcript(source=SOURCE)
    spans = list(_spans(file, reading, transcript))
    take_spans(spans, reading, transcript)
    return transcript


def _spans(file: SourceFile, reading: Reading, transcript: Transcript) -> Iterator[Span]:
    for document, line in read_documents(file, transcript, reading.keep_text):
        given = document.get("trace")
        trace: dict[str, Any] = given if isinstance(given, dict) else document
        for observation in _observations(document):
            try:
                yield _span(observation, trace, line, reading)
            except LineError as error:
                name = f"observation {observation.get('id')}: {error}"
                transcript.rejects.append(reject(line, name, reading.keep_text))


def _observations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the observations of a trace, of a page of the API, or of a list (each element is a document)."""
    listed = [document] if "traceId" in document else [*objects_in(document.get("observations"))]
    listed += objects_in(document.get("data"))
    return [record for record in listed if "traceId" in record and "type" in record]


def _span(observation: dict[str, Any], trace: dict[str, Any], line: Line, reading: Reading) -> Span:
    kind = str(observation.get("type"))
    trace_id, span_id = str(observation["traceId"]), str(observation.get("id"))
    at, ended_at = instant(observation, "startTime"), None
    if observation.get("endTime"):
        ended_at = instant(observation, "endTime")
    call = Call(call_id=f"{trace_id}:{span_id}", at=at, origin=Origin(is_copy=False, session_id=trace_id))
    call.model = word(observation, "model")
    _fill(call, observation)
    if kind in _KIND_OF:
        call.latency_ms = _latency_ms(observation, at, ended_at)
    name = str(observation.get("name") or kind)
    session_id = trace.get("sessionId") or observation.get("sessionId")
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=word(observation, "parentObservationId"),
        name=name,
        kind=_KIND_OF.get(kind, "agent"),
        at=at,
        call=call,
        ended_at=ended_at,
        session_id=str(session_id) if session_id else None,
        project_id=word(observation, "projectId"),
        agent=name if kind == "AGENT" else None,
        is_error=observation.get("level") == "ERROR",
        line_number=line.number,
    )


def _latency_ms(observation: dict[str, Any], at: str, ended_at: str | None) -> float | None:
    """Return the time from start to end; `latency` is in milliseconds on older servers and in seconds on newer ones."""
    if ended_at is None:
        seconds = positive(observation.get("latency"))
        return None if seconds is None else round(seconds * 1000, 3)
    lasted = datetime.fromisoformat(ended_at) - datetime.fromisoformat(at)
    return max(0.0, lasted / timedelta(milliseconds=1))


def _fill(call: Call, observation: dict[str, Any]) -> None:
    given = observation.get("usageDetails") or observation.get("usage")
    usage: dict[str, Any] = given if isinstance(given, dict) else {}
    _check_keys(usage)
    first_in, first_out = _first(usage, "input", "promptTokens"), _first(usage, "output", "completionTokens")
    read, write_1h = _sum(usage, _CACHE_READ), _sum(usage, _WRITE_1H)
    write = _sum(usage, _CACHE_WRITE) + write_1h
    reasoning = _sum(usage, _BESIDE_OUTPUT)
    total = count(usage, "total") or count(usage, "totalTokens")
    if first_in is not None or first_out is not None:
        inside = total is not None and total == (first_in or 0) + (first_out or 0)
        call.tokens_in = (first_in or 0) + (0 if inside else read + write)
        call.tokens_out = (first_out or 0) + (0 if inside else reasoning)
        if any(name in usage for name in (*_CACHE_READ, *_PARTS_READ)):
            call.cache_read = min(max(read, _sum(usage, _PARTS_READ)), call.tokens_in)
        if any(name in usage for name in (*_CACHE_WRITE, *_WRITE_1H)):
            call.cache_write, call.cache_write_1h = min(write, call.tokens_in), min(write_1h, call.tokens_in)
    call.reported_usd = positive(observation.get("totalCost") or observation.get("calculatedTotalCost"))


def _check_keys(usage: dict[str, Any]) -> None:
    for key, value in usage.items():
        if value and key not in _KNOWN and not key.startswith(_PARTS):
            raise LineError(f"usage key {key!r} with {shown(value)} is not known, it could not be priced")


def _first(usage: dict[str, Any], *names: str) -> int | None:
    return next((count(usage, name) for name in names if usage.get(name) is not None), None)


def _sum(usage: dict[str, Any], names: tuple[str, ...]) -> int:
    return sum(count(usage, name) or 0 for name in names)


FORMAT = TranscriptFormat(name=SOURCE, title="Langfuse export", recognises=recognises, read_transcript=read)
