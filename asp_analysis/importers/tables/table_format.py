"""Formats of tables: files of records in columns, which the user may name, map and complete."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asp_analysis.errors import InputError
from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.format import Format, Part, ReadOptions
from asp_analysis.importers.tables.mapping import Mapping, check_mapping, detect_target, kind_of, unmapped_note
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.importers.tables.record_batches import read_batches


@dataclass(frozen=True, kw_only=True)
class TableFormat(Format):
    """A format of tables.

    suffixes: how a file of a folder must be called to be tried as such a table (before `.gz`).
    read_table: yields the raw columns of a file, in the order of its records.
    read_header: returns the line that names the columns; None where the format has no such line.
    """

    suffixes: tuple[str, ...]
    recognises: Callable[[Head], bool]
    read_table: Callable[[SourceFile, Mapping], Iterator[RawBatch]]
    read_header: Callable[[SourceFile, Mapping], str] | None = None

    @property
    def is_table(self) -> bool:
        """True."""
        return True

    def is_looked_for(self, path: Path) -> bool:
        """Return whether a file of a folder is called like such a table."""
        return path.name.lower().removesuffix(".gz").endswith(self.suffixes)

    def is_format_of(self, head: Head) -> bool:
        """Return whether the beginning of a file is of this format."""
        return self.recognises(head)

    def read_parts(self, file: SourceFile, options: ReadOptions) -> list[Part]:
        """Read the records batch by batch, checked and mapped."""
        mapping = options.mapping
        raws = self.read_table(file, mapping)
        first = next(raws, None)
        columns = list(first.columns) if first else []
        if first and not columns and options.loaded_as is None:
            raise InputError(
                f"JSON records are needed, {file.name} holds none that can be read. Check that it is whole."
            )
        kind = kind_of(options.loaded_as, columns, mapping) if options.loaded_as else None
        header = self.read_header(file, mapping) if self.read_header else None
        if first is None:
            return [Part(loaded_as=kind or "unknown", batches=[], options=said_options(mapping), header=header)]
        kind = kind or detect_target(file.name, columns, mapping)
        check_mapping(file.name, columns, mapping, kind)
        batches = read_batches(itertools.chain([first], raws), file.name, kind, mapping)
        note = unmapped_note(columns, mapping, kind)
        notes = (note,) if note else ()
        return [Part(loaded_as=kind, batches=batches, options=said_options(mapping), header=header, notes=notes)]


def said_options(mapping: Mapping) -> dict[str, object]:
    """Return what the user said about a table, for the load log."""
    said = {"map": mapping.columns, "set": mapping.constants, "time_format": mapping.time_format}
    said |= {"decimal": mapping.decimal, "encoding": mapping.encoding}
    return {name: value for name, value in said.items() if value and value != getattr(Mapping, name, None)}
