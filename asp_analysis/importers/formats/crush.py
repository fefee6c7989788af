"""Crush, and OpenCode before it was rewritten in 2025: `.crush/crush.db` or `.opencode/opencode.db` in a project.

The token columns of a session hold its last context and no total, so that its tokens are unknown; its cost adds up. A
sub-session is a task for an agent, and its cost is inside that of its parent. So there is one execution for each
session that a person began. Times are in seconds, whatever the comments in the schema say.
"""

from collections import defaultdict
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_text import read_json
from asp_analysis.importers.sqlite_file import Row
from asp_analysis.importers.sqlite_file import reading as reading_sqlite
from asp_analysis.importers.transcripts.calls import Activity, Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.databases import note_missing_log, note_unknown_columns, row_line
from asp_analysis.importers.transcripts.documents import objects_in, positive
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import DatabaseFormat
from asp_analysis.importers.transcripts.values import instant, object_in, word

_CRUSH_COLUMNS = ("id", "parent_session_id", "cost", "created_at", "updated_at", "prompt_tokens", "completion_tokens")
_MESSAGE = ("id", "session_id", "role", "parts", "model", "provider")


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read the sessions of a project."""
    with reading_sqlite(file.name):
        database = file.database
        is_crush = "provider" in database.tables.get("messages", ())
        transcript = Transcript(source="crush" if is_crush else "opencode")
        taking = Taking(transcript, reading)
        note_missing_log(file, transcript)
        note_unknown_columns(file, transcript, "sessions", _CRUSH_COLUMNS)
        sessions = {str(row["id"]): row for row in database.rows("sessions", *_CRUSH_COLUMNS)}
        messages: dict[str, list[Row]] = defaultdict(list)
        for row in database.rows("messages", *_MESSAGE):
            transcript.lines += 1
            messages[_first(str(row["session_id"]), sessions)].append(row)
        project = _project(file)
        for number, (name, row) in enumerate(sessions.items(), 1):
            if _first(name, sessions) == name:
                with taking.record(row_line(number, name), f"session {name}"):
                    _take(row, messages[name], project, taking)
    return transcript


def _first(name: str, sessions: dict[str, Row]) -> str:
    seen = {name}
    while (parent := word(sessions.get(name, {}), "parent_session_id")) in sessions and parent not in seen:
        seen.add(parent)
        name = parent
    return name


def _project(file: SourceFile) -> str | None:
    folder = file.path.absolute().parent
    return folder.parent.name if folder.name in (".crush", ".opencode") else None


def _take(row: Row, messages: list[Row], project: str | None, taking: Taking) -> None:
    at = instant(row, "created_at")
    origin = Origin(is_copy=False, session_id=str(row["id"]), project_id=project)
    activity = taking.touch(at, origin)
    taking.touch(instant(row, "updated_at"), origin)
    call = Call(call_id=f"crush:session:{row['id']}", at=at, origin=origin, covers="session")
    answers = [message for message in messages if message["role"] == "assistant"]
    models, providers = {word(one, "model") for one in answers}, {word(one, "provider") for one in answers}
    call.model = models.pop() if len(models) == 1 else None
    call.provider = providers.pop() if len(providers) == 1 else None
    call.reported_usd = positive(row["cost"])
    call.tools = set()
    for message in messages:
        _take_parts(message, call.tools, activity)
    taking.take(call)


def _take_parts(message: Row, tools: set[str], activity: Activity) -> None:
    for part in objects_in(_parsed(message["parts"])):
        data = object_in(part, "data")
        if part.get("type") == "tool_call":
            tools.add(f"{data.get('name')}:{short_id(str(data.get('id')))}")
        if part.get("type") == "tool_result" and data.get("is_error"):
            note_event(activity, "tool_errors", short_id(str(data.get("tool_call_id"))))
        if part.get("type") == "finish" and data.get("reason") in ("error", "canceled"):
            kind = "api_errors" if data["reason"] == "error" else "interruptions"
            note_event(activity, kind, short_id(str(message["id"])))


def _parsed(text: Any) -> Any:
    """Return the parts of a message; they say only what else happened, so that damaged ones say nothing."""
    try:
        return read_json(text) if isinstance(text, str) else None
    except ValueError:
        return None


FORMAT = DatabaseFormat(
    name="crush",
    title="Crush database",
    tables={
        "sessions": frozenset({"id", "parent_session_id", "prompt_tokens", "completion_tokens", "cost"}),
        "messages": frozenset({"id", "session_id", "role", "parts", "model"}),
    },
    read_transcript=read,
)
