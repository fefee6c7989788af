"""Formats of tables: files of records in columns, which the user may name, map and complete."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from asp_analysis.errors import InputError
from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.folders import plain_name
from asp_analysis.importers.format import Format, Part, ReadOptions
from asp_analysis.importers.tables.mapping import check_mapping, detect_target, kind_of, source_columns
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.importers.tables.record_batches import RecordReader
from asp_analysis.importers.tables.table_options import TableOptions


@dataclass(frozen=True, kw_only=True)
class TableFormat(Format):
    """A format of tables.

    suffixes: how a file of a folder must be called to be tried as such a table (before `.gz`).
    read_table: yields the raw columns of a file, in the order of its records.
    read_header: returns the line that names the columns; None where the format has no such line.
    """

    suffixes: tuple[str, ...]
    recognises: Callable[[Head], bool]
    read_table: Callable[[SourceFile, TableOptions], Iterator[RawBatch]]
    read_header: Callable[[SourceFile, TableOptions], str] | None = None

    @property
    def is_table(self) -> bool:
        """True."""
        return True

    def is_looked_for(self, path: Path) -> bool:
        """Return whether a file of a folder is called like such a table."""
        return plain_name(path).lower().endswith(self.suffixes)

    def is_format_of(self, head: Head) -> bool:
        """Return whether the beginning of a file is of this format."""
        return self.recognises(head)

    def read_parts(self, file: SourceFile, options: ReadOptions) -> list[Part]:
        """Read the records batch by batch, checked and mapped; once for each kind where the user names several."""
        if options.preset is not None:
            return self._read_with_preset(file, options)
        try:
            return self._read_parts(file, options)
        except InputError as error:
            preset = None if options.is_of_tables else self._find_preset(file, options)
            if preset is None:
                raise
            raise InputError(preset) from error

    def _read_with_preset(self, file: SourceFile, options: ReadOptions) -> list[Part]:
        from asp_analysis.importers.presets.preset_tables import PresetSource, read_with_preset

        header = self.read_header(file, options.table) if self.read_header else None
        source = PresetSource(name=file.name, read=lambda: self.read_table(file, options.table), header=header)
        return read_with_preset(source, options)

    def _find_preset(self, file: SourceFile, options: ReadOptions) -> str | None:
        """Return the line that names the preset for a table that nothing else says; None where there is none."""
        from asp_analysis.importers.presets.recognised import recognise_columns, recognise_document, tell_preset

        found = recognise_document(file.head)
        if found is None:
            with contextlib.suppress(InputError):
                first = next(self.read_table(file, options.table), None)
                found = recognise_columns(first.columns) if first else None
        return tell_preset(file.name, found) if found else None

    def _read_parts(self, file: SourceFile, options: ReadOptions) -> list[Part]:
        table = options.table
        first = next(self.read_table(file, table), None)
        columns = list(first.columns) if first else []
        header = self.read_header(file, table) if self.read_header else None
        if first and not columns and not options.kinds:
            raise InputError(f"{file.name} holds no JSON record that can be read. Check that it is whole.")
        kinds = tuple(kind_of(kind, columns, table) for kind in options.kinds)
        if first is None:
            return [
                Part(loaded_as=kind, batches=[], options=table.said, header=header) for kind in kinds or ("unknown",)
            ]
        kinds = kinds or (detect_target(file.name, columns, table),)
        check_mapping(file.name, columns, table, kinds)
        sources = {kind: source_columns(kind, columns, table.of_kind(kind)) for kind in kinds}
        taken = [(kind, frozenset[str]().union(*(sources[one] for one in kinds if one != kind))) for kind in kinds]
        return [self._read_part(file, options, kind, header=header, others=others) for kind, others in taken]

    def _read_part(
        self, file: SourceFile, options: ReadOptions, kind: str, *, header: str | None, others: frozenset[str]
    ) -> Part:
        table = replace(options.table.of_kind(kind), passed_over=others)
        notes: list[str] = []
        reader = RecordReader(file.name, kind, table, price=options.transcripts.price, notes=notes)
        batches = reader.read(self.read_table(file, table))
        return Part(loaded_as=kind, batches=batches, options=options.table.said, header=header, notes=notes)
