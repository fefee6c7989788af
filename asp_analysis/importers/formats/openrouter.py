"""OpenRouter's activity export: one generation a line, with its cost.

The cost holds web searches and what the cache saved. What was paid to another provider with your own key comes on
top. Tokens are normalised counts; cached ones are inside the prompt, reasoning is inside the completion.
"""

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.csv_logs import CsvLogFormat, Record, read_records
from asp_analysis.importers.transcripts.documents import positive
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.values import count, instant, word

SOURCE = "openrouter"
_TOKEN_COLUMNS = frozenset({"tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_cached"})
_COST_COLUMNS = frozenset(
    {"cost_total", "byok_usage_inference", "cost_web_search", "cost_cache", "cost_file_processing"}
)
_KNOWN_OF_OPENROUTER = _TOKEN_COLUMNS | _COST_COLUMNS | {"time_to_first_token_ms"}
"""`cost_total` holds the costs of web searches, of the cache and of files."""


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one export."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for record, line in read_records(file, transcript, _KNOWN_OF_OPENROUTER):
        with taking.record(line):
            _take(record, taking)
    return transcript


def _take(record: Record, taking: Taking) -> None:
    at, user = instant(record, "created_at"), word(record, "user")
    who = user or word(record, "api_key_name")
    origin = Origin(
        is_copy=False,
        session_id=" ".join(filter(None, ("openrouter", who, at[:10]))),
        project_id=word(record, "app_name"),
    )
    activity = taking.touch(at, origin)
    call = Call(call_id=f"openrouter:{record.get('generation_id')}", at=at, origin=origin, user_id=user)
    call.model, call.provider = word(record, "model_permaslug"), "openrouter"
    call.tokens_in, call.tokens_out = count(record, "tokens_prompt"), count(record, "tokens_completion")
    call.cache_read = count(record, "tokens_cached")
    call.latency_ms = positive(record.get("generation_time_ms"))
    usd = (positive(record.get("cost_total")) or 0) + (positive(record.get("byok_usage_inference")) or 0)
    call.reported_usd = usd or (0.0 if record.get("variant") == "free" else None)
    if str(record.get("cancelled")).lower() == "true":
        note_event(activity, "interruptions", short_id(call.call_id))
    taking.take(call)


FORMAT = CsvLogFormat(
    name=SOURCE,
    title="OpenRouter activity",
    columns=frozenset({"generation_id", "created_at", "cost_total", "tokens_prompt", "tokens_completion"}),
    read_transcript=read,
)
