"""SWE-agent trajectories (`.traj`): a run knows its calls only as sums, so that one run is one execution.

The file holds no time; the file's own time of change is in for it, and is said. A cost of 0 was not recorded; it is not
free. A run without usage that did not submit is a failed task.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile, file_name
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.file_times import written_at
from asp_analysis.importers.transcripts.patches import changed_lines
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, note_unknown, reject
from asp_analysis.records import json_text

SOURCE = "swe-agent"
_STATS_KEYS = frozenset({"tokens_sent", "tokens_received", "instance_cost", "total_cost", "api_calls"})


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a trajectory by its steps or by its history of agent messages."""
    first = objects[0]
    steps, history = first.get("trajectory"), objects_in(first.get("history"))
    return (isinstance(steps, list) and "info" in first) or ("agent" in history[0] if history else False)


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one trajectory."""
    transcript = Transcript(source=SOURCE)
    at = written_at(file, transcript)
    for document, line in read_documents(file, transcript, reading.keep_text):
        name = file_name(file.path.name).split(".traj")[0]
        origin = Origin(is_copy=False, session_id=name, project_id=name.rpartition("-")[0] or name)
        try:
            _take(
                document, Call(call_id=_run_id(document), at=at, origin=origin, covers="run"), reading, transcript, line
            )
        except LineError as error:
            transcript.rejects.append(reject(line, str(error), reading.keep_text))
    return transcript


def _run_id(document: dict[str, Any]) -> str:
    content = {name: document.get(name) for name in ("trajectory", "history", "info")}
    try:
        return f"swe-agent:{short_id(json_text(content))}"
    except ValueError as error:
        raise LineError(f"the trajectory cannot be identified: {error}") from None


def _take(document: dict[str, Any], call: Call, reading: Reading, transcript: Transcript, line: Line) -> None:
    info = document["info"] if isinstance(document.get("info"), dict) else {}
    given = info.get("model_stats")
    stats: dict[str, Any] = given if isinstance(given, dict) else {}
    note_unknown(transcript, stats, _STATS_KEYS, "model_stats.")
    call.tokens_in, call.tokens_out = count(stats, "tokens_sent"), count(stats, "tokens_received")
    call.reported_usd = positive(stats.get("instance_cost"))
    steps = objects_in(document.get("trajectory"))
    call.tools = {f"step:{number}" for number, _ in enumerate(steps)}
    activity = transcript.touch(reading.task_of(call.origin), call.at, call.origin)
    if not str(info.get("exit_status", "")).startswith("submitted"):
        activity.status = "failed"
    patch = info.get("submission")
    if isinstance(patch, str) and patch:
        added, removed, files = changed_lines(patch)
        note_event(activity, "edits", f"{short_id(call.call_id)}:{added}:{removed}")
        activity.files |= files
    if call.has_usage:
        transcript.add_call(call, line.number)
    else:
        transcript.without_usage.add(call.call_id)


FORMAT = TranscriptFormat(name=SOURCE, title="SWE-agent trajectory", recognises=recognises, read_transcript=read)
