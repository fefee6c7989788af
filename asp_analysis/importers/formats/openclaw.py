"""OpenClaw: Pi's session files in `~/.openclaw/agents/*/sessions/`, under OpenClaw's name.

Resets, deletions and backups keep files of other names, some of them the only copy of a session; each answer counts
once over all of them. Trajectories next to the sessions repeat their calls and add none.
"""

from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.formats.pi import is_session, read_as
from asp_analysis.importers.json_lines import parse_object
from asp_analysis.importers.transcripts.calls import Origin, Reading, Transcript, folder_name
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import instant, object_in, read_lines, word

SOURCE = "openclaw"


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a session of Pi's form by what only OpenClaw writes into it."""
    return is_session(objects) and any(map(_is_openclaws, objects))


def _is_openclaws(record: dict[str, Any]) -> bool:
    kind = word(record, "customType") or ""
    provider = word(object_in(record, "message"), "provider")
    return kind.startswith("openclaw") or kind == "model-snapshot" or provider == SOURCE


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one session."""
    return read_as(SOURCE, file, reading)


def recognises_trajectory(objects: list[dict[str, Any]]) -> bool:
    """Recognise a trajectory by its own name for its form."""
    return objects[0].get("traceSchema") == "openclaw-trajectory"


def read_trajectory(file: SourceFile, reading: Reading) -> Transcript:
    """Read when the session of a trajectory went on; the session next to it has each call."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for line in read_lines(file, transcript):
        with taking.record(line):
            record = parse_object(line)
            session = word(record, "sessionId") or "unknown"
            project = folder_name(record.get("workspaceDir"))
            taking.touch(instant(record, "ts"), Origin(is_copy=False, session_id=session, project_id=project))
            transcript.duplicates += record.get("type") == "model.completed"
    transcript.notes.append(
        "Trajectories of OpenClaw repeat the calls of the sessions next to them, which count: load these too."
    )
    return transcript


FORMAT = TranscriptFormat(name=SOURCE, title="OpenClaw session", recognises=recognises, read_transcript=read)
TRAJECTORY_FORMAT = TranscriptFormat(
    name="openclaw-trajectory",
    title="OpenClaw trajectory",
    recognises=recognises_trajectory,
    read_transcript=read_trajectory,
)
