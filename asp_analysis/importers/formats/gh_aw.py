"""GitHub Agentic Workflows: `token-usage.jsonl` that the firewall's proxy writes, one request a line.

Cached tokens are next to the input of Anthropic's models and inside that of others. AI credits are not converted.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import parse_object
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import positive
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown_attributes, read_lines, word

SOURCE = "gh-aw"
_GH_AW_KINDS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_KNOWN_OF_GH_AW = frozenset({*_GH_AW_KINDS, "reasoning_tokens", "ai_credits", "aic"})


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise requests by their columns."""
    names = {"request_id", "provider", "path", "status", "input_tokens", "output_tokens"}
    return names <= objects[0].keys()


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read the requests of one run; the folder of the run names it where one is a run's."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    folders = [folder.name for folder in file.path.absolute().parents]
    run = next((name for name in folders if name.startswith("run-") or name.isdigit()), None)
    for line in read_lines(file, transcript):
        with taking.record(line):
            _take(parse_object(line), run, taking)
    return transcript


def _take(record: dict[str, Any], run: str | None, taking: Taking) -> None:
    at, name = instant(record), str(record.get("request_id"))
    origin = Origin(is_copy=False, session_id=run or f"gh-aw {at[:10]}")
    activity = taking.touch(at, origin)
    if record.get("status") not in (200, None):
        note_event(activity, "api_errors", short_id(name))
    note_unknown_attributes(taking.transcript, record, _KNOWN_OF_GH_AW, "")
    call = Call(call_id=f"gh-aw:{name}", at=at, origin=origin)
    call.model, call.provider = word(record, "model"), word(record, "provider")
    given, output, cache_read, cache_write = (count(record, kind) or 0 for kind in _GH_AW_KINDS)
    cached = cache_read + cache_write
    is_inside = call.provider != "anthropic" and cached <= given
    call.tokens_in, call.tokens_out = given if is_inside else given + cached, output
    call.cache_read, call.cache_write = cache_read, cache_write
    call.latency_ms = positive(record.get("duration_ms"))
    taking.take(call)


FORMAT = TranscriptFormat(name=SOURCE, title="gh-aw token usage", recognises=recognises, read_transcript=read)
