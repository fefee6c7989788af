"""OpenCode: `opencode.db` in its data folder, and the JSON files that it wrote before 2026 and left where they were.

An answer is a message with tokens of five kinds, none inside another. A sub-agent works in a session of its own, which
names its parent: its calls belong to the task of the first session. Both forms give a message the same name.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.sqlite_file import Database, Row
from asp_analysis.importers.sqlite_file import reading as reading_sqlite
from asp_analysis.importers.transcripts.calls import (
    MAIN_AGENT,
    Activity,
    Call,
    Origin,
    Reading,
    Transcript,
    folder_name,
    note_event,
    short_id,
)
from asp_analysis.importers.transcripts.databases import note_missing_log, note_unknown_columns, parsed_object, row_line
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import DatabaseFormat, TranscriptFormat
from asp_analysis.importers.transcripts.values import check_size, count, instant, note_unknown, object_in, word

SOURCE = "opencode"
_KNOWN_OF_OPENCODE = frozenset({"input", "output", "reasoning", "cache", "total"})
_SESSION_COLUMNS = (
    "id", "parent_id", "directory", "version", "model", "cost", "time_created", "time_updated",
    "tokens_input", "tokens_output", "tokens_reasoning", "tokens_cache_read", "tokens_cache_write",
    "summary_additions", "summary_deletions",
)  # fmt: skip
_MAIN_AGENTS = ("build", "plan")
"""The agents that a person talks to; the others are started by one of them."""


# --- the database -----------------------------------------------------------------------------------------------------


def read_database(file: SourceFile, reading: Reading) -> Transcript:
    """Read the sessions, messages and tool calls of a store."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    with reading_sqlite(file.name):
        database = file.database
        note_missing_log(file, transcript)
        note_unknown_columns(file, transcript, "session", _SESSION_COLUMNS)
        sessions = {str(row["id"]): row for row in database.rows("session", *_SESSION_COLUMNS)}
        origins = {name: _origin(name, sessions) for name in sessions}
        tools = _tools_by_message(database)
        known: set[str] = set()
        for number, row in enumerate(database.rows("message", "id", "session_id", "data"), 1):
            session = str(row["session_id"])
            transcript.lines += 1
            check_size(file.name, transcript)
            origin = origins.get(session) or Origin(is_copy=False, session_id=session)
            with taking.record(row_line(number, row["data"]), f"message {row['id']}"):
                version = sessions.get(session, {}).get("version")
                message = {**parsed_object(row["data"], "data"), "id": row["id"], "version": version}
                if _take(message, tools[str(row["id"])], origin, taking):
                    known.add(session)
        for name, session_row in sessions.items():
            with taking.record(row_line(1, name), f"session {name}"):
                _take_session(session_row, origins[name], taking, has_messages=name in known)
    return transcript


def _origin(name: str, sessions: dict[str, Row]) -> Origin:
    """Say where a session belongs: to the first of the chain of its parents."""
    first, seen = name, {name}
    while (parent := word(sessions[first], "parent_id")) in sessions and parent not in seen:
        seen.add(parent)
        first = parent
    directory, is_first = sessions[name]["directory"], first == name
    return Origin(
        is_copy=False,
        session_id=first,
        project_id=folder_name(directory),
        agent_id=None if is_first else name,
    )


def _tools_by_message(database: Database) -> dict[str, list[dict[str, Any]]]:
    tools: dict[str, list[dict[str, Any]]] = defaultdict(list)
    columns = database.tables.get("part", frozenset())
    if {"data", "message_id"} <= columns:
        paths = {"tool": "$.tool", "callID": "$.callID", "status": "$.state.status"}
        for part in database.objects("part", "data", "tool", **paths):
            tools[str(part["message_id"])].append(part)
    return tools


def _take_session(row: Row, origin: Origin, taking: Taking, *, has_messages: bool) -> None:
    """Note what a session changed; its own sums count where none of its messages has usage."""
    at = instant(row, "time_created")
    activity = taking.touch(at, origin)
    added, removed = count(row, "summary_additions") or 0, count(row, "summary_deletions") or 0
    if added or removed:
        note_event(activity, "edits", f"{short_id(str(row['id']))}:{added}:{removed}")
    if has_messages:
        return
    model = parsed_object(row["model"], "model")
    call = Call(call_id=f"opencode:session:{row['id']}", at=at, origin=origin, covers="session")
    call.model, call.provider = word(model, "id"), word(model, "providerID")
    call.tool_version = word(row, "version")
    kinds = ("input", "output", "reasoning", "cache_read", "cache_write")
    _fill(call, [count(row, f"tokens_{kind}") for kind in kinds])
    call.reported_usd = positive(row["cost"])
    if call.has_usage:
        taking.take(call)


# --- a message, in either form ----------------------------------------------------------------------------------------


def _take(
    message: dict[str, Any],
    tools: list[dict[str, Any]] | None,
    origin: Origin,
    taking: Taking,
) -> bool:
    """Take a message; return whether it is an answer with usage."""
    time = object_in(message, "time")
    at = instant(time, "created")
    agent = word(message, "agent") or word(message, "mode") or MAIN_AGENT
    origin = Origin(
        is_copy=origin.is_copy,
        session_id=origin.session_id,
        project_id=origin.project_id or folder_name(object_in(message, "path").get("cwd")),
        agent=MAIN_AGENT if agent in _MAIN_AGENTS and origin.agent_id is None else agent,
        agent_id=origin.agent_id,
    )
    activity = taking.touch(at, origin)
    if message.get("role") != "assistant":
        return False
    _note(message, tools or [], activity)
    call = Call(call_id=f"opencode:{message['id']}", at=at, origin=origin)
    call.model, call.provider = word(message, "modelID"), word(message, "providerID")
    call.tool_version = word(message, "version")
    tokens = object_in(message, "tokens")
    cache = object_in(tokens, "cache")
    note_unknown(taking.transcript, tokens, _KNOWN_OF_OPENCODE, "tokens.")
    note_unknown(taking.transcript, cache, frozenset({"read", "write"}), "tokens.cache.")
    sizes = [count(tokens, kind) for kind in ("input", "output", "reasoning")]
    _fill(call, [*sizes, count(cache, "read"), count(cache, "write")])
    call.reported_usd = positive(message.get("cost"))
    if time.get("completed"):
        taking.touch(instant(time, "completed"), origin)
        call.latency_ms = _between(time)
    if tools is not None:
        call.tools = {f"{tool.get('tool')}:{short_id(str(tool.get('callID')))}" for tool in tools}
    return taking.take(call)


def _fill(call: Call, sizes: list[int | None]) -> None:
    if any(size is not None for size in sizes):
        fresh, output, reasoning, cache_read, cache_write = (size or 0 for size in sizes)
        call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output + reasoning
        call.cache_read, call.cache_write = cache_read, cache_write


def _between(time: dict[str, Any]) -> float | None:
    created, completed = count(time, "created"), count(time, "completed")
    return float(completed - created) if created and completed and completed >= created else None


def _note(message: dict[str, Any], tools: list[dict[str, Any]], activity: Activity) -> None:
    name = short_id(str(message["id"]))
    if error := object_in(message, "error"):
        is_stopped = error.get("name") == "MessageAbortedError"
        note_event(activity, "interruptions" if is_stopped else "api_errors", name)
    if message.get("summary") is True:
        note_event(activity, "compactions", name)
    for tool in tools:
        if tool.get("status") == "error":
            note_event(activity, "tool_errors", short_id(str(tool.get("callID"))))


# --- JSON files -------------------------------------------------------------------------------------------------------


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a message, a part of one or a session as OpenCode stored them, or a session that it exported."""
    first = objects[0]
    return _is_stored(first) or (_is_stored(object_in(first, "info")) and "messages" in first)


def _is_stored(record: dict[str, Any]) -> bool:
    name = str(record.get("id"))
    beginnings = {"msg_": "sessionID", "prt_": "messageID", "ses_": "time"}
    return any(name.startswith(beginning) and key in record for beginning, key in beginnings.items())


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one file of the older storage, or one exported session."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for document, line in read_documents(file, transcript, reading.keep_text):
        for message, parts in _messages(document):
            origin = Origin(is_copy=True, session_id=str(message.get("sessionID") or "unknown"))
            tools = None if parts is None else [_tool(part) for part in parts if part.get("type") == "tool"]
            with taking.record(line, f"message {message['id']}"):
                _take(message, tools, origin, taking)
    return transcript


def _tool(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "status": object_in(part, "state").get("status")}


def _messages(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]] | None]]:
    """Yield messages with their parts; a message of the storage has its parts in files of their own."""
    if str(document.get("id")).startswith("msg_"):
        yield document, None
    for entry in objects_in(document.get("messages")):
        message = object_in(entry, "info")
        if "id" in message:
            yield message, objects_in(entry.get("parts"))


FORMAT = DatabaseFormat(
    name=SOURCE,
    title="OpenCode database",
    tables={
        "session": frozenset({"id", "parent_id", "directory"}),
        "message": frozenset({"id", "session_id", "data"}),
    },
    read_transcript=read_database,
)
JSON_FORMAT = TranscriptFormat(
    name="opencode-json", title="OpenCode session file", recognises=recognises, read_transcript=read
)
