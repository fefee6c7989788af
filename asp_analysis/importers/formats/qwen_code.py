"""Qwen Code: `~/.qwen/projects/<project>/chats/*.jsonl`; older versions wrote Gemini CLI's form.

Cached tokens are inside the prompt, thoughts are next to the candidates. A turn is several lines, each with its own
usage and its own name.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import parse_object
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, folder_name, short_id
from asp_analysis.importers.transcripts.documents import objects_in
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown, object_in, read_lines, text_of, word

SOURCE = "qwen-code"
_KNOWN_OF_QWEN = frozenset(
    {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "totalTokenCount"}
)


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise lines that are named and have a message of parts; Claude Code's have content."""
    return any("uuid" in line and "sessionId" in line and "parts" in object_in(line, "message") for line in objects)


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one session."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for line in read_lines(file, transcript):
        with taking.record(line):
            _take(parse_object(line), taking)
    return transcript


def _take(record: dict[str, Any], taking: Taking) -> None:
    at = instant(record)
    origin = Origin(
        is_copy=False,
        session_id=word(record, "sessionId") or "unknown",
        project_id=folder_name(record.get("cwd")),
        branch=word(record, "gitBranch"),
    )
    activity = taking.touch(at, origin)
    parts = objects_in(object_in(record, "message").get("parts"))
    name = str(record.get("uuid"))
    text = text_of([{**part, "type": "text"} for part in parts if not part.get("thought")])
    if record.get("type") == "user":
        taking.keep_text(activity.texts, f"{at} {name}", text)
    if record.get("type") != "assistant":
        return
    usage = object_in(record, "usageMetadata")
    note_unknown(taking.transcript, usage, _KNOWN_OF_QWEN, "usageMetadata.")
    call = Call(call_id=f"qwen:{name}", at=at, origin=origin)
    call.model, call.tool_version = word(record, "model"), word(record, "version")
    if usage:
        thoughts = count(usage, "thoughtsTokenCount") or 0
        call.tokens_in = count(usage, "promptTokenCount") or 0
        call.tokens_out = (count(usage, "candidatesTokenCount") or 0) + thoughts
        call.cache_read = min(count(usage, "cachedContentTokenCount") or 0, call.tokens_in)
    asked = [object_in(part, "functionCall") for part in parts if "functionCall" in part]
    call.tools = {f"{one.get('name')}:{short_id(f'{name} {number}')}" for number, one in enumerate(asked)}
    taking.keep_text(call.texts, f"{at} {name}", text)
    taking.take(call)


FORMAT = TranscriptFormat(name=SOURCE, title="Qwen Code session", recognises=recognises, read_transcript=read)
