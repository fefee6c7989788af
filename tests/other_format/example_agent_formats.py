"""Two formats that a package outside the workbench adds: the transcripts of an agent, and a table of its costs."""

from collections.abc import Iterator
from typing import Any

from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.json_lines import LineError, parse_object
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, read_lines, reject, word


def recognises(objects: list[dict[str, Any]]) -> bool:
    return objects[0].get("agent") == "example"


def read_transcript(file: SourceFile, reading: Reading) -> Transcript:
    transcript = Transcript(source="example-agent")
    for line in read_lines(file, transcript):
        try:
            record = parse_object(line)
            origin = Origin(is_copy=False, session_id=str(record["run"]))
            call = Call(
                call_id=str(record["id"]), at=instant(record, "time"), origin=origin, model=word(record, "model")
            )
            call.tokens_in, call.tokens_out = count(record, "in"), count(record, "out")
            transcript.touch(reading.task_of(origin), call.at, origin)
            transcript.add_call(call, line.number)
        except (LineError, KeyError) as error:
            transcript.rejects.append(reject(line, str(error), reading.keep_text))
    return transcript


AGENT = TranscriptFormat(
    name="example-agent", title="Example agent", recognises=recognises, read_transcript=read_transcript
)


def is_report(head: Head) -> bool:
    return head.text.startswith("EXAMPLE REPORT")


def read_report(file: SourceFile, options: TableOptions) -> Iterator[RawBatch]:
    """One record a line behind the title: `task role dollars`."""
    with file.open_text(options.encoding) as stream:
        lines = [line.split() for line in stream][1:]
    names = ("task_id", "agent_role", "cost_usd")
    columns = {name: [line[place] for line in lines] for place, name in enumerate(names)}
    columns["executed_at"] = ["2026-01-02T03:04:05Z"] * len(lines)
    yield RawBatch(columns=columns, line_numbers=range(2, 2 + len(lines)), raw_text=lambda row: " ".join(lines[row]))


REPORT = TableFormat(
    name="example-report", title="Example report", suffixes=(".report",), recognises=is_report, read_table=read_report
)
