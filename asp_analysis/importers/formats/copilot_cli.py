"""GitHub Copilot CLI: `session-store.db` with a row for each request, and `session-state/<session>/events.jsonl`.

Older stores (schema 4) have no rows of usage. Then the sums count that the events give when a session ends: they go on
over resumed sessions and begin again after a compaction, so that each end counts what came since the one before. Cached
tokens are inside the input, reasoning is inside the output, and 100 billion nano-AIU are one US dollar.
"""

from dataclasses import dataclass, field
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, open_file
from asp_analysis.importers.json_lines import parse_object
from asp_analysis.importers.sqlite_file import Row
from asp_analysis.importers.sqlite_file import reading as reading_sqlite
from asp_analysis.importers.transcripts.calls import (
    MAIN_AGENT,
    UNNAMED_AGENT,
    Call,
    Origin,
    Reading,
    Transcript,
    folder_name,
    note_event,
    short_id,
)
from asp_analysis.importers.transcripts.databases import note_missing_log, note_unknown_columns, row_line
from asp_analysis.importers.transcripts.documents import positive
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import DatabaseFormat, TranscriptFormat
from asp_analysis.importers.transcripts.values import (
    count,
    instant,
    list_in,
    note_unknown,
    note_unknown_type,
    object_in,
    read_lines,
    word,
)

SOURCE = "copilot-cli"
_NANO_AIU_PER_USD = 1e11
_USAGE_TABLE = "assistant_usage_events"
_USAGE_COLUMNS = (
    "id", "session_id", "agent_id", "parent_tool_call_id", "model", "copilot_usage_model", "input_tokens",
    "output_tokens", "cache_read_tokens", "cache_write_tokens", "total_nano_aiu", "duration_ms", "created_at",
    "request_multiplier",
)  # fmt: skip
_SAID_ELSEWHERE = ("reasoning_tokens", "inter_token_latency_ms")
"""Columns of usage that add nothing: reasoning is inside the output, and a latency is no token."""
_KNOWN_OF_METRICS = frozenset({"inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "reasoningTokens"})
_COPILOT_COUNTS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")


# --- the store --------------------------------------------------------------------------------------------------------


def read_store(file: SourceFile, reading: Reading) -> Transcript:
    """Read the requests of a store."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    with reading_sqlite(file.name):
        database = file.database
        note_missing_log(file, transcript)
        note_unknown_columns(file, transcript, _USAGE_TABLE, (*_USAGE_COLUMNS, *_SAID_ELSEWHERE))
        sessions = {str(row["id"]): row for row in database.rows("sessions", "id", "cwd", "repository", "branch")}
        if _USAGE_TABLE not in database.tables:
            transcript.notes.append(
                f"{file.name} is of a version of Copilot CLI that stored no usage: load session-state/ next to it, "
                "whose events hold the sums."
            )
        for number, row in enumerate(database.rows(_USAGE_TABLE, *_USAGE_COLUMNS), 1):
            transcript.lines += 1
            with taking.record(row_line(number, row["id"]), f"request {row['id']}"):
                _take_request(row, sessions.get(str(row["session_id"]), {}), taking)
    return transcript


def _take_request(row: Row, session: Row, taking: Taking) -> None:
    at, name = instant(row, "created_at"), str(row["session_id"])
    agent_id = word(row, "agent_id")
    origin = Origin(
        is_copy=False,
        session_id=name,
        project_id=word(session, "repository") or folder_name(session.get("cwd")),
        branch=word(session, "branch"),
        agent=UNNAMED_AGENT if agent_id else MAIN_AGENT,
        agent_id=agent_id,
    )
    taking.touch(at, origin)
    call = Call(call_id=f"copilot:{name}:{row['id']}", at=at, origin=origin)
    call.model = word(row, "copilot_usage_model") or word(row, "model")
    call.tokens_in, call.tokens_out = count(row, "input_tokens"), count(row, "output_tokens")
    call.cache_read, call.cache_write = count(row, "cache_read_tokens"), count(row, "cache_write_tokens")
    call.latency_ms = positive(row["duration_ms"])
    call.reported_usd = _usd(row["total_nano_aiu"])
    taking.take(call)


def _usd(nano_aiu: Any) -> float | None:
    amount = positive(nano_aiu)
    return None if amount is None else amount / _NANO_AIU_PER_USD


# --- the events -------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _CopilotSession:
    """A session while its events are read: what its last end summed up, by model, and answers since then."""

    origin: Origin
    version: str | None = None
    sums: dict[str, dict[str, float]] = field(default_factory=dict)
    open_answers: list[str] = field(default_factory=list)
    tools: set[str] = field(default_factory=set)


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise events by their first one, or by the form that all of them have."""
    return any(
        record.get("type") == "session.start" and "copilotVersion" in object_in(record, "data") for record in objects
    )


def read_events(file: SourceFile, reading: Reading) -> Transcript:
    """Read the events of one session."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    session = _CopilotSession(origin=Origin(is_copy=False, session_id=file.path.parent.name or "unknown"))
    for line in read_lines(file, transcript):
        with taking.record(line):
            record = parse_object(line)
            data = object_in(record, "data")
            if record.get("type") == "session.start":
                _begin(data, session)
            _take_event(record, data, session, taking)
    if transcript.calls and _has_requests(file, session.origin.session_id):
        transcript.calls.clear()  # the store next to it has each of these requests
        transcript.line_numbers.clear()
    transcript.without_usage.update(session.open_answers)
    return transcript


def _has_requests(file: SourceFile, session_id: str) -> bool:
    """Return whether the store of the same home holds requests of a session: they count, and sums of them do not."""
    path = file.path.absolute().parent.parent.parent / "session-store.db"
    if not path.is_file():
        return False
    try:
        with open_file(path) as store, reading_sqlite(store.name):
            rows = store.database.rows(_USAGE_TABLE, "session_id")
            return any(row["session_id"] == session_id for row in rows)
    except InputError:
        return False


def _begin(data: dict[str, Any], session: _CopilotSession) -> None:
    context = object_in(data, "context")
    session.version = word(data, "copilotVersion") or session.version
    session.origin = Origin(
        is_copy=False,
        session_id=word(data, "sessionId") or session.origin.session_id,
        project_id=word(context, "repository") or folder_name(context.get("cwd")),
        branch=word(context, "branch"),
    )


def _take_event(record: dict[str, Any], data: dict[str, Any], session: _CopilotSession, taking: Taking) -> None:
    kind, at = str(record.get("type")), instant(record)
    activity = taking.touch(at, session.origin)
    name = short_id(str(record.get("id")))
    if kind == "assistant.message":
        session.open_answers.append(f"copilot:{data.get('messageId')}")
        for tool in list_in(data.get("toolRequests")):
            if isinstance(tool, dict):
                session.tools.add(f"{tool.get('name')}:{short_id(str(tool.get('toolCallId')))}")
    elif kind == "tool.execution_complete" and data.get("success") is False:
        note_event(activity, "tool_errors", short_id(str(data.get("toolCallId"))))
    elif kind in ("abort", "session.error"):
        note_event(activity, "interruptions" if kind == "abort" else "api_errors", name)
    elif kind == "session.compaction_complete" and data.get("success") is True:
        note_event(activity, "compactions", name)
        session.sums.clear()
    elif kind == "session.shutdown":
        changes = object_in(data, "codeChanges")
        added, removed = count(changes, "linesAdded") or 0, count(changes, "linesRemoved") or 0
        if added or removed:
            note_event(activity, "edits", f"{name}:{added}:{removed}")
        _take_sums(record, data, session, taking)
    elif "." not in kind:
        note_unknown_type(taking.transcript, kind)


def _take_sums(record: dict[str, Any], data: dict[str, Any], session: _CopilotSession, taking: Taking) -> None:
    """Take what the end of a session sums up by model, less what its last end summed up."""
    metrics = object_in(data, "modelMetrics")
    for model in metrics:
        metric = object_in(metrics, model)
        usage = object_in(metric, "usage")
        note_unknown(taking.transcript, usage, _KNOWN_OF_METRICS, "modelMetrics.usage.")
        now: dict[str, float] = {name: count(usage, name) or 0 for name in _COPILOT_COUNTS}
        now["totalNanoAiu"] = positive(metric.get("totalNanoAiu")) or 0.0
        before = session.sums.get(model, {})
        if any(now[name] < before.get(name, 0) for name in now):  # it began again
            before = {}
        since = {name: now[name] - before.get(name, 0) for name in now}
        session.sums[model] = now
        call = Call(
            call_id=f"copilot:{record.get('id')}:{model}", at=instant(record), origin=session.origin, covers="session"
        )
        call.model, call.tool_version, call.tools = model, session.version, set(session.tools)
        call.tokens_in, call.tokens_out = int(since["inputTokens"]), int(since["outputTokens"])
        call.cache_read, call.cache_write = int(since["cacheReadTokens"]), int(since["cacheWriteTokens"])
        call.reported_usd = _usd(since["totalNanoAiu"])
        session.tools.clear()
        taking.take(call)
    session.open_answers.clear()


FORMAT = DatabaseFormat(
    name="copilot-cli-store",
    title="GitHub Copilot CLI store",
    tables={
        "sessions": frozenset({"id", "cwd", "repository", "branch"}),
        "turns": frozenset({"session_id", "turn_index"}),
    },
    read_transcript=read_store,
)
EVENTS_FORMAT = TranscriptFormat(
    name=SOURCE, title="GitHub Copilot CLI session", recognises=recognises, read_transcript=read_events
)
