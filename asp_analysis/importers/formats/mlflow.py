"""MLflow traces as JSON: `info` and the spans of one trace, in the form of version 2 or of version 3."""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.formats.otlp import SpanEnd, SpanIds, note_identity, span_of
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import Reading, Transcript
from asp_analysis.importers.transcripts.documents import objects_in, read_documents
from asp_analysis.importers.transcripts.mlflow_attributes import with_standard_names
from asp_analysis.importers.transcripts.spans import Span, take_spans
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import check_size, count, object_in, word

SOURCE = "mlflow"
_BEGIN_NAMES, _END_NAMES = ("start_time_unix_nano", "start_time"), ("end_time_unix_nano", "end_time")
_LATEST_NS = 2**62


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a trace by its two parts."""
    return "info" in objects[0] and isinstance(object_in(objects[0], "data").get("spans"), list)


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read the traces of a file."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    spans: list[Span] = []
    for trace, line in read_documents(file, transcript, reading.keep_text):
        for number, span in enumerate(objects_in(object_in(trace, "data").get("spans")), 1):
            check_size(file.name, transcript, len(spans))
            with taking.record(line, f"span {number}"):
                spans.append(_span(span, object_in(trace, "info"), line))
    take_spans(spans, reading, transcript)
    return transcript


def _span(span: dict[str, Any], info: dict[str, Any], line: Line) -> Span:
    context, status = object_in(span, "context"), object_in(span, "status")
    trace_id = word(span, "trace_id") or word(context, "trace_id") or word(info, "request_id")
    span_id = word(span, "span_id") or word(context, "span_id")
    if trace_id is None or span_id is None:
        raise LineError("trace_id and span_id: a name is missing")
    began = _nanoseconds(span, _BEGIN_NAMES)
    if began is None:
        raise LineError("start_time_unix_nano: None is not an instant")
    code = word(status, "code") or word(span, "status_code") or ""
    attributes = with_standard_names(object_in(span, "attributes"))
    session = object_in(info, "trace_metadata").get("mlflow.trace.session")
    if isinstance(session, str) and session:
        attributes = {"session.id": session, **attributes}
    made = span_of(
        SpanIds(trace_id, span_id, word(span, "parent_span_id") or word(span, "parent_id")),
        str(span.get("name")),
        (began, _nanoseconds(span, _END_NAMES) or began),
        attributes,
        SpanEnd(code.endswith("ERROR"), line),
    )
    note_identity(made, attributes, {})
    return made


def _nanoseconds(span: dict[str, Any], names: tuple[str, ...]) -> int | None:
    found = next((count(span, name) for name in names if span.get(name) is not None), None)
    if found is not None and found > _LATEST_NS:
        raise LineError(f"{names[0]}: {found} is no time before the year 2116")
    return found


FORMAT = TranscriptFormat(name=SOURCE, title="MLflow trace", recognises=recognises, read_transcript=read)
