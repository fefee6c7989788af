"""mini-SWE-agent trajectories (`.traj.json`): one run on one instance, with the usage and cost of every call.

A run is a task of its own: the instance and the first answer name it. A cost of 0 was not recorded; it is not free.
"""

from pathlib import Path
from typing import Any

from asp_analysis.importers.file import SourceFile, file_name
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.file_times import written_at
from asp_analysis.importers.transcripts.litellm_usage import fill_usage, note_unknown_usage
from asp_analysis.importers.transcripts.patches import changed_lines
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import instant, reject

SOURCE = "mini-swe-agent"


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a trajectory by its own name for the format, or by the version in its notes."""
    info = objects[0].get("info")
    is_named = str(objects[0].get("trajectory_format", "")).startswith("mini-swe-agent")
    return is_named or (isinstance(info, dict) and "mini_version" in info and "messages" in objects[0])


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one trajectory."""
    transcript = Transcript(source=SOURCE)
    for document, line in read_documents(file, transcript, reading.keep_text):
        info = document["info"] if isinstance(document.get("info"), dict) else {}
        answers = [message for message in objects_in(document.get("messages")) if _response(message)]
        origin = _origin(file.path, document, answers)
        for message in answers:
            try:
                _take(message, origin, reading, transcript, line)
            except LineError as error:
                transcript.rejects.append(reject(line, str(error), reading.keep_text))
        if not answers:
            transcript.touch(reading.task_of(origin), written_at(file, transcript), origin)
            transcript.without_usage.add(origin.session_id)
        _finish(info, origin, reading, transcript)
    return transcript


def _response(message: dict[str, Any]) -> dict[str, Any]:
    extra = message.get("extra")
    response = extra.get("response") if isinstance(extra, dict) else None
    return response if isinstance(response, dict) else {}


def _origin(path: Path, document: dict[str, Any], answers: list[dict[str, Any]]) -> Origin:
    instance = str(document.get("instance_id") or file_name(path.name).split(".traj")[0])
    first = next((str(_response(message).get("id")) for message in answers), None)
    session_id = f"{instance}#{short_id(first)}" if first else instance
    return Origin(is_copy=False, session_id=session_id, project_id=instance.rpartition("-")[0] or instance)


def _take(message: dict[str, Any], origin: Origin, reading: Reading, transcript: Transcript, line: Line) -> None:
    response, extra = _response(message), message["extra"]
    at = instant(extra) if extra.get("timestamp") else instant(response, "created")
    transcript.touch(reading.task_of(origin), at, origin)
    model = response.get("model")
    call = Call(
        call_id=f"response:{response.get('id')}", at=at, origin=origin, model=model if isinstance(model, str) else None
    )
    usage = response.get("usage")
    if isinstance(usage, dict):
        note_unknown_usage(transcript, usage)
        fill_usage(call, usage)
    call.reported_usd = positive(extra.get("cost"))
    actions = objects_in(extra.get("actions"))
    call.tools = {
        f"bash:{short_id(str(action.get('tool_call_id') or number))}" for number, action in enumerate(actions)
    }
    if call.has_usage:
        transcript.add_call(call, line.number)
    else:
        transcript.without_usage.add(call.call_id)


def _finish(info: dict[str, Any], origin: Origin, reading: Reading, transcript: Transcript) -> None:
    """Note how the run ended and what it changed."""
    activity = transcript.activities.get(reading.task_of(origin))
    if activity is None:  # none of its answers could be read, and each was rejected
        return
    status = info.get("exit_status")
    if status != "Submitted":
        activity.status = "failed"
        note_event(activity, "api_errors", short_id(f"{origin.session_id} {status}"))
    patch = info.get("submission")
    if isinstance(patch, str) and patch:
        added, removed, files = changed_lines(patch)
        note_event(activity, "edits", f"{short_id(origin.session_id)}:{added}:{removed}")
        activity.files |= files


FORMAT = TranscriptFormat(name=SOURCE, title="mini-SWE-agent trajectory", recognises=recognises, read_transcript=read)
