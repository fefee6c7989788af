"""Amp: one JSON document for each thread, `~/.local/share/amp/threads/T-*.json`.

An answer has its usage with kinds of tokens next to each other; for models of OpenAI what is called cache creation is
plain input. A ledger of requests, where there is one, has the requests that no answer has. Credits are no dollars.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
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
from asp_analysis.importers.transcripts.providers import provider_of
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown_attributes, object_in, word

SOURCE = "amp"
_KNOWN_OF_AMP = frozenset(
    {"inputTokens", "outputTokens", "cacheCreationInputTokens", "cacheReadInputTokens", "totalInputTokens"}
    | {"totalTokens", "maxInputTokens", "credits", "thinkingBudget"}
)


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a thread by its name and its messages."""
    return str(objects[0].get("id")).startswith("T-") and "messages" in objects[0]


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one thread."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for thread, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            origin = _origin(thread)
            messages = objects_in(thread.get("messages"))
            begun = instant(thread, "created") if thread.get("created") else None
            ledger, others = _ledger(thread)
            for number, message in enumerate(messages):
                with taking.record(line, f"message {number}"):
                    event = ledger.pop(str(message.get("messageId")), {})
                    at = _time(message, event, begun) or written_at(file, transcript)
                    _take(message, event, at, origin, taking)
            for event in (*ledger.values(), *others):
                with taking.record(line, f"ledger event {event.get('id')}"):
                    _take_event(event, origin, taking)
    return transcript


def _ledger(thread: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Return the first request of the ledger for each message, and all others: each of them was paid."""
    of_messages: dict[str, dict[str, Any]] = {}
    others = []
    for event in objects_in(object_in(thread, "usageLedger").get("events")):
        message = event.get("toMessageId")
        if message is None or str(message) in of_messages:
            others.append(event)
        else:
            of_messages[str(message)] = event
    return of_messages, others


def _origin(thread: dict[str, Any]) -> Origin:
    trees = objects_in(object_in(object_in(thread, "env"), "initial").get("trees"))
    project = next((tree.get("displayName") or tree.get("uri") for tree in trees), None)
    return Origin(is_copy=False, session_id=str(thread.get("id")), project_id=folder_name(project))


def _time(message: dict[str, Any], event: dict[str, Any], begun: str | None) -> str | None:
    for holder, name in ((object_in(message, "usage"), "timestamp"), (event, "timestamp"), (message, "timestamp")):
        if holder.get(name):
            return instant(holder, name)
    sent = object_in(message, "meta")
    return instant(sent, "sentAt") if sent.get("sentAt") else begun


def _take(message: dict[str, Any], event: dict[str, Any], at: str, origin: Origin, taking: Taking) -> None:
    activity = taking.touch(at, origin)
    usage, blocks = object_in(message, "usage"), objects_in(message.get("content"))
    for block in blocks:
        run = object_in(block, "run")
        if block.get("type") == "tool_result" and run.get("status") in ("error", "cancelled"):
            kind = "tool_errors" if run["status"] == "error" else "interruptions"
            note_event(activity, kind, short_id(str(block.get("toolUseID"))))
    if message.get("role") != "assistant":
        return
    note_unknown_attributes(taking.transcript, usage, _KNOWN_OF_AMP, "usage.")
    call = Call(call_id=f"amp:{origin.session_id}:{message.get('messageId')}", at=at, origin=origin)
    call.model = word(usage, "model") or word(event, "model")
    kinds = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    sizes = [count(usage, kind) for kind in kinds]
    if any(size is not None for size in sizes):
        fresh, output, cache_read, cache_write = (size or 0 for size in sizes)
        call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output
        call.cache_read = cache_read
        call.cache_write = 0 if provider_of(call.model) == "openai" else cache_write
    elif event:
        _fill_of_event(call, event)
    tools = (block for block in blocks if block.get("type") == "tool_use")
    call.tools = {f"{tool.get('name')}:{short_id(str(tool.get('id')))}" for tool in tools}
    taking.take(call)


def _take_event(event: dict[str, Any], origin: Origin, taking: Taking) -> None:
    """Take a request of the ledger that no message has, such as one of a sub-agent or a title."""
    at = instant(event)
    taking.touch(at, origin)
    call = Call(call_id=f"amp:{origin.session_id}:ledger:{event.get('id')}", at=at, origin=origin)
    call.model = word(event, "model")
    _fill_of_event(call, event)
    taking.take(call)


def _fill_of_event(call: Call, event: dict[str, Any]) -> None:
    tokens = object_in(event, "tokens")
    call.tokens_in, call.tokens_out = count(tokens, "input"), count(tokens, "output")


FORMAT = TranscriptFormat(name=SOURCE, title="Amp thread", recognises=recognises, read_transcript=read)
