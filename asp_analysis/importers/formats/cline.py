"""Cline, Roo Code and Kilo Code in VS Code: `tasks/<task>/ui_messages.json`, and sessions of Cline's command line.

A request is an entry whose text is JSON. Its cached tokens are next to `tokensIn`. A rewind deletes entries and keeps
what they cost in one that says so: it was paid. A cost of 0 next to tokens is a promotion or an unknown model.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.transcripts.calls import Activity, Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.databases import parsed_object
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown_attributes, object_in, word

_EXTENSIONS = {
    "saoudrizwan.claude-dev": "cline",
    "rooveterinaryinc.roo-cline": "roo-code",
    "kilocode.kilo-code": "kilo-code",
}
_REQUESTS = ("api_req_started", "deleted_api_reqs", "subagent_usage")
_KNOWN_OF_CLINE = frozenset(
    {"tokensIn", "tokensOut", "cacheWrites", "cacheReads", "cost", "cancelReason", "usageMissing"}
)
_KNOWN_METRICS = frozenset({"inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "cost"})


# --- VS Code ----------------------------------------------------------------------------------------------------------


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise the entries of a task."""
    return all("ts" in entry and entry.get("type") in ("say", "ask") for entry in objects)


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one task; the folder that its file is in names it."""
    extension = next((name for folder, name in _EXTENSIONS.items() if folder in file.path.absolute().parts), "cline")
    transcript = Transcript(source=extension)
    taking = Taking(transcript, reading)
    origin = Origin(is_copy=False, session_id=file.path.absolute().parent.name or "unknown")
    for number, (entry, line) in enumerate(read_documents(file, transcript, reading.keep_text), 1):
        with taking.record(line, f"entry {number}"):
            _take(entry, origin, taking)
    return transcript


def _take(entry: dict[str, Any], origin: Origin, taking: Taking) -> None:
    at, kind = instant(entry, "ts"), word(entry, "say") or ""
    activity = taking.touch(at, origin)
    name = f"{origin.session_id}:{entry['ts']}"
    if kind in ("api_req_failed", "api_req_retried", "error_retry", "diff_error"):
        note_event(activity, "tool_errors" if kind == "diff_error" else "api_errors", short_id(name))
    if kind in _REQUESTS:
        _take_request(entry, f"{taking.transcript.source}:{name}", origin, taking)


def _take_request(entry: dict[str, Any], call_id: str, origin: Origin, taking: Taking) -> None:
    request = parsed_object(entry.get("text"), "text")
    note_unknown_attributes(taking.transcript, request, _KNOWN_OF_CLINE | {"request"}, f"{entry['say']}.")
    model = object_in(entry, "modelInfo")
    call = Call(call_id=call_id, at=instant(entry, "ts"), origin=origin)
    call.model, call.provider = word(model, "modelId"), word(model, "providerId")
    sizes = [count(request, name) for name in ("tokensIn", "tokensOut", "cacheReads", "cacheWrites")]
    _fill(call, sizes, request.get("cost"))
    if entry["say"] != "api_req_started":
        call.covers = "run"  # of several requests, which are not in the file any more
    if reason := word(request, "cancelReason"):
        activity = taking.touch(call.at, origin)
        kind = "interruptions" if reason == "user_cancelled" else "api_errors"
        note_event(activity, kind, short_id(call_id))
    taking.take(call)


def _fill(call: Call, sizes: list[int | None], cost: Any) -> None:
    if any(sizes):
        fresh, output, cache_read, cache_write = (size or 0 for size in sizes)
        call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output
        call.cache_read, call.cache_write = cache_read, cache_write
    call.reported_usd = positive(cost)


# --- Cline's command line ---------------------------------------------------------------------------------------------


def recognises_messages(objects: list[dict[str, Any]]) -> bool:
    """Recognise the messages of a session by the metrics of its answers."""
    messages = objects_in(objects[0].get("messages"))
    return any("metrics" in message and "modelInfo" in message for message in messages)


def read_messages(file: SourceFile, reading: Reading) -> Transcript:
    """Read the messages of one session; its file is called `<session>.messages.json`."""
    transcript = Transcript(source="cline-cli")
    taking = Taking(transcript, reading)
    origin = Origin(is_copy=False, session_id=file.path.absolute().name.partition(".")[0] or "unknown")
    for document, line in read_documents(file, transcript, reading.keep_text):
        for number, message in enumerate(objects_in(document.get("messages")), 1):
            with taking.record(line, f"message {message.get('id') or number}"):
                if "ts" in message or message.get("role") == "assistant":
                    _take_message(message, origin, taking)
    return transcript


def _take_message(message: dict[str, Any], origin: Origin, taking: Taking) -> None:
    at = instant(message, "ts")
    activity = taking.touch(at, origin)
    blocks = objects_in(message.get("content"))
    _note_failed_tools(blocks, activity)
    if message.get("role") != "assistant":
        return
    metrics, model = object_in(message, "metrics"), object_in(message, "modelInfo")
    note_unknown_attributes(taking.transcript, metrics, _KNOWN_METRICS, "metrics.")
    call = Call(call_id=f"cline-cli:{origin.session_id}:{message.get('id') or at}", at=at, origin=origin)
    call.model, call.provider = word(model, "id"), word(model, "provider")
    kinds = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
    _fill(call, [count(metrics, kind) for kind in kinds], metrics.get("cost"))
    tools = (block for block in blocks if block.get("type") == "tool_use")
    call.tools = {f"{tool.get('name')}:{short_id(str(tool.get('id')))}" for tool in tools}
    taking.take(call)


def _note_failed_tools(blocks: list[dict[str, Any]], activity: Activity) -> None:
    for block in blocks:
        if block.get("type") == "tool_result" and block.get("is_error"):
            note_event(activity, "tool_errors", short_id(str(block.get("tool_use_id"))))


FORMAT = TranscriptFormat(name="cline", title="Cline task", recognises=recognises, read_transcript=read)
CLI_FORMAT = TranscriptFormat(
    name="cline-cli", title="Cline CLI session", recognises=recognises_messages, read_transcript=read_messages
)
