"""CSV files with a header that only one tool writes: each record is a call, without a word from the user."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.formats.csv_file import read_table
from asp_analysis.importers.json_lines import Line
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.transcripts.calls import Transcript
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat, recognises_no_lines
from asp_analysis.importers.transcripts.values import check_size, note_unknown_attributes

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CsvLogFormat(TranscriptFormat):
    """A format of CSV files, recognised by columns that all of its versions have."""

    columns: frozenset[str]
    recognises: Callable[[list[dict[str, Any]]], bool] = recognises_no_lines

    def is_format_of(self, head: Head) -> bool:
        """Return whether the first line names the columns."""
        first = head.text.partition("\n")[0]
        if not all(name in first for name in self.columns):
            return False
        try:
            return self.columns <= {cell.strip() for cell in next(csv.reader([first]), [])}
        except csv.Error:
            return False


def read_records(file: SourceFile, transcript: Transcript, known: frozenset[str]) -> Iterator[tuple[Record, Line]]:
    """Yield the records of a CSV file by column, an empty cell as None; lines that are no CSV are rejected.

    known: the columns about usage that the reader understands, or that repeat others; any other one is named.
    """
    for batch in read_table(file, TableOptions()):
        transcript.rejects += batch.unreadable
        transcript.lines += batch.record_count + len(batch.unreadable)
        check_size(file.name, transcript)
        names = list(batch.columns)
        for row, (number, *values) in enumerate(zip(batch.line_numbers, *batch.columns.values(), strict=True)):
            record = {name: value if value != "" else None for name, value in zip(names, values, strict=True)}
            note_unknown_attributes(transcript, record, known, "")
            yield record, Line(number, batch.raw_text(row).encode(errors="surrogateescape"))
