"""Pi sessions: `~/.pi/agent/sessions/**/*.jsonl`, with usage and cost in USD on every answer.

A branched session begins with the history of its parent, which is older than its own header. Answers have no name that
holds over sessions, so their time in milliseconds and their usage name them. `input` leaves the cached tokens out.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import Line, LineError, parse_object
from asp_analysis.importers.transcripts.calls import (
    Activity,
    Call,
    Origin,
    Reading,
    Transcript,
    folder_name,
    note_event,
    short_id,
)
from asp_analysis.importers.transcripts.documents import objects_in, positive
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown, read_lines, reject, text_of, word

SOURCE = "pi"
_KNOWN_OF_PI = frozenset({"input", "output", "cacheRead", "cacheWrite", "totalTokens", "cost"})


def is_session(objects: list[dict[str, Any]]) -> bool:
    """Recognise a session by its header line."""
    return objects[0].get("type") == "session" and "id" in objects[0] and "cwd" in objects[0]


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one session."""
    return read_as(SOURCE, file, reading)


def read_as(source: str, file: SourceFile, reading: Reading) -> Transcript:
    """Read one session of a tool that writes Pi's form."""
    transcript = Transcript(source=source)
    header: dict[str, Any] = {}
    for line in read_lines(file, transcript):
        try:
            record = parse_object(line)
            if record.get("type") == "session":
                header = record
            else:
                _take(record, header, reading, transcript, line)
        except LineError as error:
            transcript.rejects.append(reject(line, str(error), reading.keep_text))
    return transcript


def _take(record: dict[str, Any], header: dict[str, Any], reading: Reading, transcript: Transcript, line: Line) -> None:
    at = instant(record)
    is_copy = "timestamp" in header and at < instant(header)
    origin = Origin(
        is_copy=is_copy, session_id=str(header.get("id") or "unknown"), project_id=folder_name(header.get("cwd"))
    )
    activity = (
        Activity(started_at=at, ended_at=at, source=transcript.source)
        if is_copy
        else transcript.touch(reading.task_of(origin), at, origin)
    )
    message = record.get("message")
    if record.get("type") == "compaction":
        note_event(activity, "compactions", short_id(at))
    if not isinstance(message, dict):
        return
    role = message.get("role")
    if role == "toolResult" and message.get("isError"):
        note_event(activity, "tool_errors", short_id(str(message.get("toolCallId"))))
    if role == "bashExecution" and message.get("cancelled"):
        note_event(activity, "interruptions", short_id(at))
    if role == "user" and reading.keep_text and (text := text_of(objects_in(message.get("content")))):
        activity.texts[at] = text
    if role == "assistant":
        _note_stop(message, at, activity)
        if isinstance(message.get("usage"), dict):
            note_unknown(transcript, message["usage"], _KNOWN_OF_PI, "usage.")
        call = _call(message, at, origin)
        if reading.keep_text and (text := text_of(objects_in(message.get("content")))):
            call.texts = {at: text}
        if call.has_usage:
            transcript.add_call(call, line.number)
        else:
            transcript.without_usage.add(call.call_id)


def _note_stop(message: dict[str, Any], at: str, activity: Activity) -> None:
    kinds = {"aborted": "interruptions", "error": "api_errors"}
    if (kind := kinds.get(word(message, "stopReason") or "")) is not None:
        note_event(activity, kind, short_id(at))


def _call(message: dict[str, Any], at: str, origin: Origin) -> Call:
    given = message.get("usage")
    usage: dict[str, Any] = given if isinstance(given, dict) else {}
    model = word(message, "model")
    sizes = [count(usage, name) or 0 for name in ("input", "output", "cacheRead", "cacheWrite")]
    fresh, output, cache_read, cache_write = sizes
    name = short_id(f"{message.get('timestamp')} {model} {sizes}")
    call = Call(call_id=f"pi:{at}:{name}", at=at, origin=origin, model=model)
    call.provider = word(message, "provider")
    call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output
    call.cache_read, call.cache_write = cache_read, cache_write
    cost = usage.get("cost")
    call.reported_usd = positive(cost.get("total")) if isinstance(cost, dict) else None
    tools = [block for block in objects_in(message.get("content")) if block.get("type") == "toolCall"]
    call.tools = {f"{tool.get('name')}:{short_id(str(tool.get('id')))}" for tool in tools}
    return call


FORMAT = TranscriptFormat(name=SOURCE, title="Pi session", recognises=is_session, read_transcript=read)
