"""Zed's own agent: `threads.db` in its data folder, one thread a row, its content JSON that is packed with zstd.

A thread has a sum of its usage that covers every request, and a map of requests that does not. The sum counts: one
execution for each thread. No kind of tokens is inside another.
"""

from typing import Any

from asp_analysis.importers.file import LARGEST_DOCUMENT, SourceFile, unpack_zstd
from asp_analysis.importers.json_lines import LineError
from asp_analysis.importers.sqlite_file import Row
from asp_analysis.importers.sqlite_file import reading as reading_sqlite
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript
from asp_analysis.importers.transcripts.databases import note_missing_log, note_unknown_columns, parsed_object, row_line
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import DatabaseFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown, object_in, word

SOURCE = "zed"
_ZED_KINDS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read the threads of a store."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    with reading_sqlite(file.name):
        note_missing_log(file, transcript)
        note_unknown_columns(file, transcript, "threads", ())
        for number, row in enumerate(file.database.rows("threads", "id", "updated_at", "data_type", "data"), 1):
            transcript.lines += 1
            with taking.record(row_line(number, row["id"]), f"thread {row['id']}"):
                taking.take(_call(row, taking))
    return transcript


def _call(row: Row, taking: Taking) -> Call:
    thread = _thread(row)
    at = instant(row, "updated_at")
    origin = Origin(is_copy=False, session_id=str(row["id"]))
    taking.touch(at, origin)
    model = object_in(thread, "model")
    call = Call(call_id=f"zed:thread:{row['id']}", at=at, origin=origin, covers="session")
    call.model, call.provider = word(model, "model"), word(model, "provider")
    requests = object_in(thread, "request_token_usage")
    whole = object_in(thread, "cumulative_token_usage")
    usages = [whole] if whole else [object_in(requests, name) for name in requests]
    for usage in usages:
        note_unknown(taking.transcript, usage, frozenset(_ZED_KINDS), "token_usage.")
    if usages:
        fresh, output, cache_read, cache_write = (
            sum(count(usage, kind) or 0 for usage in usages) for kind in _ZED_KINDS
        )
        call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output
        call.cache_read, call.cache_write = cache_read, cache_write
    return call


def _thread(row: Row) -> dict[str, Any]:
    data = row["data"]
    if isinstance(data, bytes) and row["data_type"] == "zstd":
        try:
            data = unpack_zstd(data, LARGEST_DOCUMENT)
        except ValueError as error:
            raise LineError(f"data: {error}") from None
    return parsed_object(data, "data")


FORMAT = DatabaseFormat(
    name=SOURCE,
    title="Zed threads",
    tables={"threads": frozenset({"id", "updated_at", "data_type", "data"})},
    read_transcript=read,
)
