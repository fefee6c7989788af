"""Kimi CLI and Kimi Code: `sessions/<project>/<session>/wire.jsonl`, and the same file for each sub-agent.

Older versions write a `StatusUpdate` after each answer, newer ones a `usage.record`. The kinds of tokens are next to
each other. `context.jsonl` only says how long the context is and is not read. Older files do not name the model.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import parse_object
from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import (
    count,
    instant,
    note_unknown,
    note_unknown_type,
    object_in,
    read_lines,
    word,
)

SOURCE = "kimi"
_OLDER = ("input_other", "output", "input_cache_read", "input_cache_creation")
_NEWER = ("inputOther", "output", "inputCacheRead", "inputCacheCreation")
_MESSAGE_TYPES = frozenset({"TurnBegin", "StepBegin", "StatusUpdate", "ToolCall", "ToolResult", "TurnEnd"})
_RECORD_TYPES = frozenset({"usage.record", "llm.request", "turn.prompt", "context.append_loop_event"})
_FOLDERS_OF_AGENTS = ("subagents", "agents")


@dataclass(kw_only=True)
class _Wire:
    """A file while it is read: where it belongs, the model of the last request, and tools since the last usage."""

    origin: Origin
    models: dict[str, str] = field(default_factory=dict)
    model: str | None = None
    tools: set[str] = field(default_factory=set)


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a wire by the types of its records."""
    return any(
        word(object_in(record, "message"), "type") in _MESSAGE_TYPES or word(record, "type") in _RECORD_TYPES
        for record in objects
    )


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one wire."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    wire = _Wire(origin=_origin(file.path.absolute()))
    for line in read_lines(file, transcript):
        with taking.record(line):
            record = parse_object(line)
            if isinstance(record.get("message"), dict):
                _take_older(record, wire, taking)
            else:
                _take_newer(record, wire, taking)
    return transcript


def _origin(path: Path) -> Origin:
    """Say where a wire belongs, by its folders: nothing in it does."""
    folder = path.parent
    is_agent = folder.parent.name in _FOLDERS_OF_AGENTS
    session = folder.parent.parent if is_agent else folder
    is_main = not is_agent or folder.name == MAIN_AGENT
    return Origin(
        is_copy=False,
        session_id=session.name or "unknown",
        project_id=session.parent.name or None,
        agent=MAIN_AGENT if is_main else folder.name,
        agent_id=None if is_main else f"{session.name}/{folder.name}",
    )


def _take_older(record: dict[str, Any], wire: _Wire, taking: Taking) -> None:
    message = object_in(record, "message")
    payload, kind, at = object_in(message, "payload"), word(message, "type"), instant(record)
    activity = taking.touch(at, wire.origin)
    if kind in ("ToolCall", "ToolCallRequest"):
        name = word(object_in(payload, "function"), "name") or word(payload, "name")
        wire.tools.add(f"{name}:{short_id(str(payload.get('id')))}")
    elif kind == "ToolResult" and object_in(payload, "return_value").get("is_error"):
        note_event(activity, "tool_errors", short_id(str(payload.get("tool_call_id"))))
    elif kind in ("StepInterrupted", "CompactionBegin"):
        note_event(activity, "interruptions" if kind == "StepInterrupted" else "compactions", short_id(at))
    elif kind == "StatusUpdate":
        usage = object_in(payload, "token_usage")
        if usage:
            name = word(payload, "message_id") or short_id(f"{at} {usage}")
            _take_usage(usage, f"{wire.origin.session_id}:{name}", at, wire, taking)
    elif kind not in _MESSAGE_TYPES:
        note_unknown_type(taking.transcript, kind)


def _take_newer(record: dict[str, Any], wire: _Wire, taking: Taking) -> None:
    kind = word(record, "type")
    if kind == "metadata" or "time" not in record:
        return
    at = instant(record, "time")
    taking.touch(at, wire.origin)
    event = object_in(record, "event")
    if kind == "llm.request":
        wire.model = word(record, "model")
        if (alias := word(record, "modelAlias")) and wire.model:
            wire.models[alias] = wire.model
    elif kind == "context.append_loop_event" and event.get("type") == "tool.call":
        wire.tools.add(f"{event.get('name')}:{short_id(str(event.get('toolCallId') or at))}")
    elif kind == "usage.record":
        usage = object_in(record, "usage")
        name = short_id(f"{wire.origin.agent_id} {at} {[usage.get(one) for one in _NEWER]}")
        wire.model = wire.models.get(word(record, "model") or "", wire.model)
        _take_usage(usage, f"{wire.origin.session_id}:{name}", at, wire, taking)
    elif kind not in _RECORD_TYPES:
        note_unknown_type(taking.transcript, kind)


def _take_usage(usage: dict[str, Any], name: str, at: str, wire: _Wire, taking: Taking) -> None:
    kinds = _NEWER if _NEWER[0] in usage else _OLDER
    note_unknown(taking.transcript, usage, frozenset(kinds), "usage.")
    fresh, output, cache_read, cache_write = (count(usage, kind) or 0 for kind in kinds)
    call = Call(call_id=f"kimi:{name}", at=at, origin=wire.origin, model=wire.model)
    call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output
    call.cache_read, call.cache_write = cache_read, cache_write
    call.tools, wire.tools = wire.tools, set()
    taking.take(call)


FORMAT = TranscriptFormat(name=SOURCE, title="Kimi session", recognises=recognises, read_transcript=read)
