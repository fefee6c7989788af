"""Gemini CLI sessions: `~/.gemini/tmp/<project>/chats/session-*.json`, one document, or its lines in newer versions.

`input` holds the cached tokens; what the model thought (`thoughts`) is billed as output and is next to it.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, read_documents
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown, reject

SOURCE = "gemini-cli"
_OF_QWEN = "qwen-code"
"""Qwen Code wrote this form too before it had one of its own; its folder or its models' names show it."""

_TOKEN_KEYS = frozenset({"input", "output", "cached", "thoughts", "tool", "total"})


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a session by its header: it names the session and a hash of the project."""
    return any("sessionId" in record and "projectHash" in record for record in objects)


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one session."""
    transcript = Transcript(source=SOURCE)
    origin = Origin(is_copy=False, session_id="unknown")
    for record, line in read_documents(file, transcript, reading.keep_text):
        if "projectHash" in record:
            project = record["projectHash"] if isinstance(record["projectHash"], str) else None
            origin = Origin(
                is_copy=False, session_id=str(record.get("sessionId")), project_id=project[:12] if project else None
            )
        for message in _messages(record):
            try:
                _take(message, origin, reading, transcript, line)
            except LineError as error:
                transcript.rejects.append(reject(line, str(error), reading.keep_text))
    if ".qwen" in file.path.parts or any((call.model or "").startswith("qwen") for call in transcript.calls.values()):
        transcript.source = _OF_QWEN
        for activity in transcript.activities.values():
            activity.source = _OF_QWEN
    return transcript


def _messages(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a record: of a whole session, of a checkpoint that sets them again, or the one it is."""
    for holder in (record, record.get("$set")):
        if isinstance(holder, dict) and "messages" in holder:
            return objects_in(holder["messages"])
    return [record]


def _take(message: dict[str, Any], origin: Origin, reading: Reading, transcript: Transcript, line: Line) -> None:
    kind = message.get("type")
    if not isinstance(kind, str):
        return
    at = instant(message)
    activity = transcript.touch(reading.task_of(origin), at, origin)
    name = str(message.get("id") or short_id(f"{origin.session_id} {at}"))
    content = message.get("content")
    if reading.keep_text and kind == "user" and isinstance(content, str) and content:
        activity.texts[f"{at} {name}"] = content
    if kind == "error":
        note_event(activity, "api_errors", short_id(name))
    if kind != "gemini":
        return
    tool_calls = objects_in(message.get("toolCalls"))
    for tool in tool_calls:
        if tool.get("status") in ("error", "cancelled"):
            failed = "tool_errors" if tool["status"] == "error" else "interruptions"
            note_event(activity, failed, short_id(str(tool.get("id"))))
    if isinstance(message.get("tokens"), dict):
        note_unknown(transcript, message["tokens"], _TOKEN_KEYS, "tokens.")
    call = _call(message, name, at, origin)
    if call is None:
        transcript.without_usage.add(name)
        return
    call.tools = {f"{tool.get('name')}:{short_id(str(tool.get('id')))}" for tool in tool_calls}
    if reading.keep_text and isinstance(content, str) and content:
        call.texts = {f"{at} {name}": content}
    transcript.add_call(call, line.number)


def _call(message: dict[str, Any], name: str, at: str, origin: Origin) -> Call | None:
    tokens = message.get("tokens")
    if not isinstance(tokens, dict):
        return None
    call = Call(call_id=f"gemini:{name}", at=at, origin=origin, provider="google")
    call.model = message["model"] if isinstance(message.get("model"), str) else None
    call.tokens_in = (count(tokens, "input") or 0) + (count(tokens, "tool") or 0)
    call.tokens_out = (count(tokens, "output") or 0) + (count(tokens, "thoughts") or 0)
    call.cache_read = min(count(tokens, "cached") or 0, call.tokens_in)
    return call if call.has_usage else None


FORMAT = TranscriptFormat(name=SOURCE, title="Gemini CLI session", recognises=recognises, read_transcript=read)
