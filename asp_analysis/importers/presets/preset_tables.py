"""Tables under a preset: its rules make our columns of the raw ones, and the reader of records does all else."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.format import Part, ReadOptions
from asp_analysis.importers.presets.forge_lists import DERIVED, ForgeList
from asp_analysis.importers.presets.preset import PresetRecords, PresetUse
from asp_analysis.importers.presets.preset_rows import ColumnNames, PresetRow
from asp_analysis.importers.presets.recognised import recognise_columns
from asp_analysis.importers.presets.rules import RuleReader, is_taken
from asp_analysis.importers.tables.mapping import check_mapping
from asp_analysis.importers.tables.numbers import source_of
from asp_analysis.importers.tables.raw import RawBatch
from asp_analysis.importers.tables.record_batches import RecordReader
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.platform_form import our_name

ReadTable = Callable[[], Iterable[RawBatch]]
_ZONED = re.compile(r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$")
_NAMED_COLUMNS = 30


@dataclass(frozen=True, kw_only=True)
class PresetSource:
    """What is read under a preset: its name in messages, its raw batches as often as wanted, and its header line.

    notes, found: what its reader has to say and counted, when it was read once.
    """

    name: str
    read: ReadTable
    header: str | None = None
    notes: list[str] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)


def read_with_preset(source: PresetSource, options: ReadOptions) -> list[Part]:
    """Return one part for each kind of record that `options.preset` makes, or for those that `options.kinds` names.

    Raises:
        InputError: the table is not what the preset reads, or an option names what is not there.
    """
    use = options.preset
    if use is None:
        raise InputError(f"{source.name} is to be read without a preset. Name one with --from.")
    source = _prepared(source, use)
    kinds = _wanted_kinds(use, options.kinds)
    table = _with_formats(options.table, use)
    first = next(iter(source.read()), None)
    columns = list(first.columns) if first else []
    notes = source.notes
    use.preset.check_said(source.name, {*table.constants, *table.columns})
    if columns:
        notes += _check_columns(source.name, columns, use)
        check_mapping(source.name, columns, table, kinds)
    if first and use.preset.is_local and table.time_zone is None and _has_plain_times(first.columns, use):
        notes.append(f"Times of {source.name} name no zone: UTC is taken. --time-zone ZONE says where it was exported.")
    notes_of = {kinds[0]: notes}
    return [
        _PresetPart(source, use, table, is_first=kind == kinds[0]).part(kind, options, notes_of.get(kind, []))
        for kind in kinds
    ]


def _has_plain_times(columns: dict[str, list[Any]], use: PresetUse) -> bool:
    """Return whether the first time that the preset needs is a text without a zone."""
    times = [value for name in use.preset.needs[-1:] for value in columns.get(name, [])[:1]]
    return any(isinstance(value, str) and not _ZONED.search(value.strip()) for value in times)


def _prepared(source: PresetSource, use: PresetUse) -> PresetSource:
    """Return a source with the columns that the reader of a preset derives."""
    if use.preset.reader not in ("github", "gitlab"):
        return source
    notes: list[str] = []
    batches = list(ForgeList(source.name, use, notes).read(source.read()))
    return replace(source, read=lambda: batches, notes=notes)


def _wanted_kinds(use: PresetUse, named: Sequence[str]) -> tuple[str, ...]:
    kinds = use.preset.kinds
    if odd := [kind for kind in named if kind not in kinds]:
        raise InputError(
            f"The preset {use.said_as} makes {' and '.join(kinds)}, not {odd[0]}. Leave out --as {odd[0]}."
        )
    return tuple(kind for kind in kinds if kind in named) or kinds


def _with_formats(table: TableOptions, use: PresetUse) -> TableOptions:
    return table if table.time_formats else replace(table, time_formats=tuple(use.preset.time_formats))


def _check_columns(name: str, columns: list[str], use: PresetUse) -> list[str]:
    """Refuse a table without what the preset needs; return what to say of columns that would say more."""
    names = ColumnNames(columns)
    if missing := [column for column in use.preset.needs if column not in names]:
        own = [column for column in columns if not column.startswith(DERIVED)]
        other = recognise_columns(own)
        meant = f" It looks like --from {other}." if other not in (None, use.preset.name) else ""
        more = f" and {len(own) - _NAMED_COLUMNS:,} more" if len(own) > _NAMED_COLUMNS else ""
        raise InputError(
            f"{name} has no column {missing[0]!r}, which the preset {use.said_as} needs. It has: "
            f"{', '.join(own[:_NAMED_COLUMNS])}{more}.{meant} Export it so: {use.preset.export.rstrip('.')}."
        )
    lacking = [column for column in use.preset.wants if column not in names]
    return [f"{name} does not have {', '.join(lacking)}. Export it with: {use.preset.export}"] if lacking else []


class _PresetPart:
    """Makes the records of one kind."""

    def __init__(self, source: PresetSource, use: PresetUse, table: TableOptions, *, is_first: bool) -> None:
        self._source, self._use, self._table, self._is_first = source, use, table, is_first
        self._row_count = 0

    def part(self, kind: str, options: ReadOptions, notes: list[str]) -> Part:
        """Return the part; its notes are complete when its batches were read."""
        table = self._table.of_kind(kind)
        said = {our_name(kind, ours): words for ours, words in table.values.items()}
        rules = RuleReader(said, keep_text=self._use.keep_text)
        reader = RecordReader(self._source.name, kind, table, price=options.transcripts.price, notes=notes)

        def batches() -> Iterator[Any]:
            yield from reader.read(self._raws(kind, table, rules))
            notes.extend(rules.heard.notes)
            if self._is_first and self._use.preset.reader == "table":
                notes.extend(self._use.preset.tell_cut(self._source.name, self._row_count))

        said_options = options.table.said
        said_options = {**said_options, **self._use.said, "set": {**said_options.get("set", {}), **self._use.inputs}}
        return Part(
            loaded_as=kind,
            batches=batches(),
            options={name: value for name, value in said_options.items() if value},
            found=dict(self._source.found),
            header=self._source.header,
            notes=notes,
        )

    def _raws(self, kind: str, table: TableOptions, rules: RuleReader) -> Iterator[RawBatch]:
        for raw in self._source.read():
            self._row_count += raw.record_count
            names = ColumnNames([*raw.columns, *self._use.inputs])
            unreadable, filled = (raw.unreadable, raw.filled) if self._is_first else ([], 0)
            for records in self._use.preset.records:
                if records.kind == kind:
                    made = _Made(records, rules, table, self._use)
                    yield replace(made.batch(raw, names), unreadable=unreadable, filled=filled)
                    unreadable, filled = [], 0


class _Made:
    """The raw batch that the rules for one kind of record make of a raw batch of the export."""

    def __init__(self, records: PresetRecords, rules: RuleReader, table: TableOptions, use: PresetUse) -> None:
        self._records, self._rules, self._use = records, rules, use
        self._said = {our_name(records.kind, ours) for ours in (*table.columns, *table.constants)}
        self._table = table

    def batch(self, raw: RawBatch, names: ColumnNames) -> RawBatch:
        """Return the batch: columns under our names, and the ones of the export that the user maps himself."""
        kept = self._mapped_columns(raw)
        made: list[dict[str, Any]] = []
        sources: list[int] = []
        for number in range(raw.record_count):
            cells = {**{name: values[number] for name, values in raw.columns.items()}, **self._use.inputs}
            for item_cells in self._items(cells):
                row = PresetRow(self._with_items(names, item_cells), item_cells)
                if is_taken(self._records.when, self._records.unless, row):
                    made.append({**self._values(row), **{name: cells.get(name) for name in kept}})
                    sources.append(number)
        columns = dict.fromkeys([*kept, *(name for record in made for name in record)])
        return RawBatch(
            columns={name: [record.get(name) for record in made] for name in columns},
            line_numbers=[raw.line_numbers[number] for number in sources],
            raw_text=lambda record: raw.raw_text(sources[record]),
        )

    def _mapped_columns(self, raw: RawBatch) -> list[str]:
        sources = [source_of(theirs, raw.columns)[0] for theirs in self._table.columns.values()]
        return list(dict.fromkeys([*sources, *self._table.labels.values()]))

    def _items(self, cells: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if self._records.each is None:
            yield cells
            return
        items = cells.get(self._records.each)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                yield {**cells, **{f"item.{name}": value for name, value in item.items()}}

    def _with_items(self, names: ColumnNames, cells: dict[str, Any]) -> ColumnNames:
        return names if self._records.each is None else ColumnNames(cells)

    def _values(self, row: PresetRow) -> dict[str, Any]:
        """Return our columns and the metadata of a row; what the user maps or sets himself is left to him."""
        kind = self._records.kind
        values = {}
        for ours, rules in self._records.columns.items():
            name = our_name(kind, ours)
            if name not in self._said:
                values[name] = self._rules.read(name, rules, row)
        kept = {key: self._rules.read(f"metadata.{key}", rules, row) for key, rules in self._records.metadata.items()}
        kept = {key: value for key, value in kept.items() if value not in (None, [], {})}
        if any(rule.assumed for rules in self._records.columns.values() for rule in rules):
            kept["assumed"] = self._rules.take_assumed()
        if kept and "metadata_json" not in self._said:
            values["metadata_json"] = kept
        return values
