"""Reads one file as `load` would, without a store."""

from pathlib import Path

from asp_analysis.call_prices import make_pricer
from asp_analysis.importers.file import open_file
from asp_analysis.importers.format import Format, ReadOptions
from asp_analysis.importers.registry import find_format, list_formats
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.transcripts.call_batches import TranscriptRun
from asp_analysis.importers.transcripts.calls import Reading, Transcript
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.load_options import LoadOptions


def read_options(reading: Reading | None = None) -> ReadOptions:
    run = TranscriptRun(reading or Reading(), make_pricer(LoadOptions()))
    return ReadOptions(kinds=(), table=TableOptions(), transcripts=run)


def transcript_formats() -> list[TranscriptFormat]:
    return [form for form in list_formats() if isinstance(form, TranscriptFormat)]


def format_named(name: str) -> Format:
    return next(form for form in list_formats() if form.name == name)


def detected(path: Path) -> Format | None:
    """The format of a file that nobody says anything about, of a folder's: tables only where their name says so."""
    with open_file(path) as file:
        return find_format(file, read_options(), is_named=False)


def read_transcript(path: Path, reading: Reading | None = None) -> Transcript:
    with open_file(path) as file:
        form = find_format(file, read_options(), is_named=False)
        assert isinstance(form, TranscriptFormat)
        return form.read_transcript(file, reading or Reading())
