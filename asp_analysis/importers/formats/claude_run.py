"""What `claude -p --output-format json` prints, alone or after its messages, as `claude-code-action` keeps it in CI.

Its sums by model hold calls of side models that `usage` leaves out, and `usage.iterations` is only the last request. So
each model of a run is one execution. Its messages have no times and are in the transcript of the same session, if that
is kept; load the one or the other.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.file_times import written_at
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, note_unknown_attributes, object_in, word

SOURCE = "claude-code"
_RUN_KINDS = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
_KNOWN_OF_RUN = frozenset({*_RUN_KINDS, "webSearchRequests", "costUSD", "maxOutputTokens"})


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a result, or the beginning of the messages before one."""
    first = objects[0]
    is_result = first.get("type") == "result" and "session_id" in first and "num_turns" in first
    is_stream = first.get("type") == "system" and "session_id" in first and first.get("subtype") == "init"
    return is_result or is_stream


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one run, or several."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    begun: dict[str, Any] = {}
    tools: set[str] = set()
    is_over = False
    for record, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            if record.get("type") == "system" and record.get("subtype") == "init":
                begun, is_over = record, False
            elif record.get("type") == "assistant":
                asked = objects_in(object_in(record, "message").get("content"))
                used = [block for block in asked if block.get("type") == "tool_use"]
                tools |= {f"{tool.get('name')}:{short_id(str(tool.get('id')))}" for tool in used}
            elif record.get("type") == "result":
                _take(record, begun, tools, file, taking)
                tools, is_over = set(), True
    if begun and not is_over:
        transcript.without_usage.add(f"claude-run:{begun.get('session_id')}")
        transcript.notes.append(f"{file.name} ends before the result of its run: usage is missing.")
        _touch(begun, begun, file, taking).status = "failed"
    return transcript


def _touch(record: dict[str, Any], begun: dict[str, Any], file: SourceFile, taking: Taking) -> Any:
    return taking.touch(written_at(file, taking.transcript), _origin(record, begun))


def _origin(record: dict[str, Any], begun: dict[str, Any]) -> Origin:
    folder = word(begun, "cwd") or ""
    name = word(record, "session_id") or "unknown"
    return Origin(is_copy=False, session_id=name, project_id=folder.rstrip("/").rpartition("/")[2] or None)


def _take(record: dict[str, Any], begun: dict[str, Any], tools: set[str], file: SourceFile, taking: Taking) -> None:
    activity = _touch(record, begun, file, taking)
    origin, at = _origin(record, begun), activity.ended_at
    run = str(record.get("uuid") or short_id(f"{origin.session_id} {record.get('total_cost_usd')}"))
    if record.get("is_error") or str(record.get("subtype")).startswith("error"):
        activity.status = "failed"
        note_event(activity, "api_errors", short_id(run))
    models = object_in(record, "modelUsage")
    for model in models:
        usage = object_in(models, model)
        note_unknown_attributes(taking.transcript, usage, _KNOWN_OF_RUN, "modelUsage.")
        call = Call(call_id=f"claude-run:{run}:{model}", at=at, origin=origin, covers="run", provider="anthropic")
        call.model, call.tool_version = model, word(begun, "claude_code_version")
        fresh, output, cache_read, cache_write = (count(usage, kind) or 0 for kind in _RUN_KINDS)
        call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output
        call.cache_read, call.cache_write = cache_read, cache_write
        call.web_searches = count(usage, "webSearchRequests")
        call.reported_usd = positive(usage.get("costUSD"))
        if len(models) == 1:
            call.tools, call.latency_ms = tools, positive(record.get("duration_ms"))
            written = object_in(object_in(record, "usage"), "cache_creation")
            call.cache_write_1h = count(written, "ephemeral_1h_input_tokens")
        taking.take(call)
    if not models:
        taking.transcript.without_usage.add(f"claude-run:{run}")


FORMAT = TranscriptFormat(name="claude-run", title="Claude Code run in CI", recognises=recognises, read_transcript=read)
