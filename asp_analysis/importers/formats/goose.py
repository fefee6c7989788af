"""Goose: `sessions.db` in its data folder, with sums of tokens for each session and no cost.

The sums grow with the session and do not part cached tokens from others, so that a computed cost is an upper bound.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.sqlite_file import Row
from asp_analysis.importers.sqlite_file import reading as reading_sqlite
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, folder_name, short_id
from asp_analysis.importers.transcripts.databases import note_missing_log, note_unknown_columns, parsed_object, row_line
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import DatabaseFormat
from asp_analysis.importers.transcripts.values import count, instant, word

SOURCE = "goose"
_GOOSE_COLUMNS = (
    "id", "working_dir", "created_at", "updated_at", "accumulated_input_tokens", "accumulated_output_tokens",
    "accumulated_total_tokens", "provider_name", "model_config_json",
)  # fmt: skip

_LAST_CONTEXT = ("total_tokens", "input_tokens", "output_tokens")
"""What the last request of a session had in its context: the sums hold it."""


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read the sessions of a store."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    with reading_sqlite(file.name):
        database = file.database
        note_missing_log(file, transcript)
        note_unknown_columns(file, transcript, "sessions", (*_GOOSE_COLUMNS, *_LAST_CONTEXT))
        tools: dict[str, set[str]] = {}
        for row in database.array_items("messages", "content_json", "toolRequest", key="session_id", item="$.id"):
            tools.setdefault(str(row["session_id"]), set()).add(f"tool:{short_id(str(row['item']))}")
        for number, row in enumerate(database.rows("sessions", *_GOOSE_COLUMNS), 1):
            transcript.lines += 1
            with taking.record(row_line(number, row["id"]), f"session {row['id']}"):
                taking.take(_call(row, tools.get(str(row["id"])), taking))
    return transcript


def _call(row: Row, tools: set[str] | None, taking: Taking) -> Call:
    at = instant(row, "created_at")
    origin = Origin(is_copy=False, session_id=str(row["id"]), project_id=folder_name(row["working_dir"]))
    taking.touch(at, origin)
    if row["updated_at"]:
        taking.touch(instant(row, "updated_at"), origin)
    config: dict[str, Any] = parsed_object(row["model_config_json"], "model_config_json")
    call = Call(call_id=f"goose:session:{row['id']}", at=at, origin=origin, covers="session", tools=tools)
    call.model, call.provider = word(config, "model_name"), word(row, "provider_name")
    call.tokens_in, call.tokens_out = count(row, "accumulated_input_tokens"), count(row, "accumulated_output_tokens")
    return call


FORMAT = DatabaseFormat(
    name=SOURCE,
    title="Goose database",
    tables={"sessions": frozenset({"id", "working_dir", "accumulated_input_tokens", "accumulated_output_tokens"})},
    read_transcript=read,
)
