"""Spend logs of the LiteLLM proxy: a dump of its table as CSV or JSON, or what `/spend/logs` returns.

LiteLLM adds cached tokens to the prompt. A spend of 0 next to tokens is a model without a price; an answer from the
proxy's own cache is really free.
"""

from datetime import datetime, timedelta
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.csv_logs import CsvLogFormat, read_records
from asp_analysis.importers.transcripts.databases import parsed_object
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.litellm_usage import fill_usage, note_unknown_usage
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, object_in, word

SOURCE = "litellm"
_KNOWN_OF_SPEND_LOG = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
_NAMES = ("request_id", "call_type", "spend", "startTime")


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise requests by their columns, also inside a page of the API."""
    return any(all(name in record for name in _NAMES) for record in _records(objects[0]))


def _records(document: dict[str, Any]) -> list[dict[str, Any]]:
    return objects_in(document["data"]) if isinstance(document.get("data"), list) else [document]


def read_json(file: SourceFile, reading: Reading) -> Transcript:
    """Read requests from JSON."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for document, line in read_documents(file, transcript, reading.keep_text):
        for record in _records(document):
            with taking.record(line, f"request {record.get('request_id')}"):
                _take(record, taking)
    return transcript


def read_csv(file: SourceFile, reading: Reading) -> Transcript:
    """Read a dump of the table as CSV."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for record, line in read_records(file, transcript, _KNOWN_OF_SPEND_LOG):
        with taking.record(line):
            _take(record, taking)
    return transcript


def _take(record: dict[str, Any], taking: Taking) -> None:
    at = instant(record, "startTime")
    name, user = str(record.get("request_id")), word(record, "end_user") or word(record, "user")
    origin = Origin(
        is_copy=False,
        session_id=word(record, "session_id") or " ".join(filter(None, ("litellm", user, at[:10]))),
        project_id=word(record, "team_id"),
        agent=word(record, "agent_id") or "main",
    )
    activity = taking.touch(at, origin)
    if str(record.get("status")).lower() == "failure":
        note_event(activity, "api_errors", short_id(name))
        taking.transcript.without_usage.add(f"litellm:{name}")
        return
    call = Call(call_id=f"litellm:{name}", at=at, origin=origin, user_id=user)
    call.model, call.provider = word(record, "model"), word(record, "custom_llm_provider")
    metadata = record.get("metadata")
    held = metadata if isinstance(metadata, dict) else parsed_object(metadata, "metadata")
    usage = object_in(held, "usage_object")
    note_unknown_usage(taking.transcript, usage)
    fill_usage(call, usage)
    for ours, theirs in (("tokens_in", "prompt_tokens"), ("tokens_out", "completion_tokens")):
        if (known := count(record, theirs)) is not None:
            setattr(call, ours, known)
    call.latency_ms = _latency_ms(record, at)
    is_cached = str(record.get("cache_hit")).lower() == "true"
    call.reported_usd = 0.0 if is_cached else positive(record.get("spend"))
    taking.take(call)


def _latency_ms(record: dict[str, Any], at: str) -> float | None:
    if (lasted := positive(record.get("request_duration_ms"))) is not None or not record.get("endTime"):
        return lasted
    whole = datetime.fromisoformat(instant(record, "endTime")) - datetime.fromisoformat(at)
    return max(0.0, whole / timedelta(milliseconds=1))


FORMAT = TranscriptFormat(name=SOURCE, title="LiteLLM spend logs", recognises=recognises, read_transcript=read_json)
CSV_FORMAT = CsvLogFormat(
    name="litellm-csv", title="LiteLLM spend logs as CSV", columns=frozenset(_NAMES), read_transcript=read_csv
)
