"""The time at which a file was written last, where its records name none: said, because a copy changes it."""

from datetime import UTC, datetime

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.transcripts.calls import Transcript
from asp_analysis.records import format_instant


def written_at(file: SourceFile, transcript: Transcript) -> str:
    """Return when the file was changed last, in the store's form, and say that this time is used."""
    said = (
        f"Some {transcript.source} files name no time: the time at which the file was written is used, which a copy "
        "changes."
    )
    if said not in transcript.notes:
        transcript.notes.append(said)
    return format_instant(datetime.fromtimestamp(file.modified_ns // 10**9, UTC))
