"""Formats of transcripts: files that hold model calls, recognised by their first JSON objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.format import TRANSCRIPT, Format, Part, ReadOptions
from asp_analysis.importers.transcripts.calls import Reading, Transcript
from asp_analysis.importers.transcripts.git_folders import git_folder


@dataclass(frozen=True, kw_only=True)
class TranscriptFormat(Format):
    """A format of transcripts.

    recognises: gets the first objects of a file of JSON lines, or the one document of a file as a list of one.
    """

    recognises: Callable[[list[dict[str, Any]]], bool]
    read_transcript: Callable[[SourceFile, Reading], Transcript]

    @property
    def is_table(self) -> bool:
        """False."""
        return False

    def is_looked_for(self, path: Path) -> bool:
        """Return True: agents call their files as they like."""
        return True

    def is_format_of(self, head: Head) -> bool:
        """Return whether the first objects are of this format."""
        return bool(head.objects) and self.recognises(head.objects)

    def read_parts(self, file: SourceFile, options: ReadOptions) -> list[Part]:
        """Read a file into memory, at most `values.MOST_CALLS` calls."""
        run = options.transcripts
        transcript = self.read_transcript(file, run.reading)
        if run.reading.is_of_this_machine:
            _note_git(transcript)
        batches = run.make_batches(transcript)
        found, notes = run.count(transcript), list(transcript.notes)
        return [Part(loaded_as=TRANSCRIPT, batches=batches, options=run.options, found=found, notes=notes)]


def recognises_no_lines(_objects: list[dict[str, Any]]) -> bool:
    """Return False: the format holds no JSON."""
    return False


@dataclass(frozen=True, kw_only=True)
class DatabaseFormat(TranscriptFormat):
    """A format of transcripts in SQLite files, recognised by tables and columns that all of its versions have."""

    tables: Mapping[str, frozenset[str]]
    recognises: Callable[[list[dict[str, Any]]], bool] = recognises_no_lines

    def is_format_of(self, head: Head) -> bool:
        """Return whether the file has the tables."""
        return all(columns <= head.tables.get(name, frozenset()) for name, columns in self.tables.items())


def _note_git(transcript: Transcript) -> None:
    """Let calls know whose folder they worked in, and of which repository, where git knows it."""
    for call in transcript.calls.values():
        if call.folder:
            known = git_folder(call.folder)
            call.user_id, call.repository = call.user_id or known.person, call.repository or known.repository
