"""Droid, by Factory: `~/.factory/sessions/**/<session>.settings.json`, with sums of tokens, and `<session>.jsonl`.

The sums are of the whole session, so that it is one execution. The file next to them says when it began, where, and
what its tools did. Thinking is next to the output; cached tokens are next to the input.
"""

import re
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, open_file
from asp_analysis.importers.json_lines import parse_object
from asp_analysis.importers.transcripts.calls import (
    Call,
    Origin,
    Reading,
    Transcript,
    folder_name,
    note_event,
    short_id,
)
from asp_analysis.importers.transcripts.documents import objects_in, read_documents
from asp_analysis.importers.transcripts.file_times import written_at
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown, object_in, read_lines, word

SOURCE = "droid"
_DROID_KINDS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens", "thinkingTokens")
_SUFFIX = ".settings.json"
_WRAPPED_MODEL = re.compile(r"^custom:(?P<name>.*?)(-?\[[^\]]*\])?(-\d+)?$")


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise the settings of a session by their sums."""
    usage = object_in(objects[0], "tokenUsage")
    return "thinkingTokens" in usage and "cacheCreationTokens" in usage


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read the sums of one session."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    start = _start_of(file)
    name = word(start, "id") or file.path.name.partition(_SUFFIX)[0]
    for settings, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            at = instant(start) if start.get("timestamp") else written_at(file, transcript)
            origin = Origin(is_copy=False, session_id=name, project_id=folder_name(start.get("cwd")))
            taking.touch(at, origin)
            call = Call(call_id=f"droid:session:{name}", at=at, origin=origin, covers="session")
            call.model = _model(word(settings, "model"))
            _fill(call, object_in(settings, "tokenUsage"), transcript)
            taking.take(call)
    return transcript


def _fill(call: Call, usage: dict[str, Any], transcript: Transcript) -> None:
    note_unknown(transcript, usage, frozenset(_DROID_KINDS), "tokenUsage.")
    fresh, output, cache_read, cache_write, thinking = (count(usage, kind) or 0 for kind in _DROID_KINDS)
    call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output + thinking
    call.cache_read, call.cache_write = cache_read, cache_write


def _model(name: str | None) -> str | None:
    """Return the model of a name such as `custom:GLM-5.1-[Proxy]-0`, which a user's own settings make."""
    found = _WRAPPED_MODEL.match(name or "")
    return (found["name"] or None) if found else name


def _start_of(file: SourceFile) -> dict[str, Any]:
    """Return how the session began, from the file next to its settings; nothing where there is none."""
    path = file.path.with_name(file.path.name.partition(_SUFFIX)[0] + ".jsonl")
    if not path.is_file():
        return {}
    try:
        with open_file(path) as session:
            begun = [one for one in session.head.objects if one.get("type") == "session_start"]
            timed = [one for one in session.head.objects if one.get("timestamp")]
    except InputError:
        return {}
    start = begun[0] if begun else {}
    return {**start, "timestamp": start.get("timestamp") or (timed[0]["timestamp"] if timed else None)}


# --- the session ------------------------------------------------------------------------------------------------------


def recognises_session(objects: list[dict[str, Any]]) -> bool:
    """Recognise a session by its first line."""
    return any(line.get("type") == "session_start" and "id" in line for line in objects)


def read_session(file: SourceFile, reading: Reading) -> Transcript:
    """Read what happened in a session; its usage is in the settings next to it."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    origin = Origin(is_copy=False, session_id=file.path.name.partition(".")[0] or "unknown")
    for line in read_lines(file, transcript):
        with taking.record(line):
            record = parse_object(line)
            if record.get("type") == "session_start":
                name = word(record, "id") or origin.session_id
                origin = Origin(is_copy=False, session_id=name, project_id=folder_name(record.get("cwd")))
            if not record.get("timestamp"):
                continue
            activity = taking.touch(instant(record), origin)
            for block in objects_in(object_in(record, "message").get("content")):
                if block.get("type") == "tool_result" and block.get("is_error"):
                    note_event(activity, "tool_errors", short_id(str(block.get("tool_use_id"))))
    return transcript


FORMAT = TranscriptFormat(name=SOURCE, title="Droid session sums", recognises=recognises, read_transcript=read)
SESSION_FORMAT = TranscriptFormat(
    name="droid-session", title="Droid session", recognises=recognises_session, read_transcript=read_session
)
