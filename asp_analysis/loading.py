"""From paths to the store: finds the format of each file, reads, and writes each file whole or not at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asp_analysis import pricing
from asp_analysis.batch import Batch
from asp_analysis.errors import InputError
from asp_analysis.importers.call_rows import Cost, Pricer
from asp_analysis.importers.calls import Call, Reading
from asp_analysis.importers.csv_rows import csv_header_line
from asp_analysis.importers.folders import FoundFile, NotLoaded, found_files, is_table_name
from asp_analysis.importers.mapping import Mapping, check_mapping, detect_target, kind_of, unmapped_note
from asp_analysis.importers.platform_file import FORMAT, KINDS, read_table_of, tables_of
from asp_analysis.importers.registry import Format, detect
from asp_analysis.importers.rows import detect_format, first_columns, read_table
from asp_analysis.importers.source import Source, file_name, file_sha256, modified_at_ns, open_source
from asp_analysis.importers.tables import read_batches
from asp_analysis.importers.transcripts import Reconciliation, TranscriptBatches
from asp_analysis.records import read_instant
from asp_analysis.store import (
    HEADER,
    LoadedFile,
    LoadResult,
    Store,
    last_loads,
    storable,
    unchanged_result,
    write_load,
    write_loads,
)
from asp_analysis.unchanged import TRANSCRIPT, is_same, transcript_options

_GROUP_FILES, _GROUP_RECORDS = 64, 20_000


@dataclass(frozen=True)
class LoadOptions:
    """What a user may say about a load: what tables hold, how transcripts are read, and whose prices hold.

    loaded_as: a key of `records.RECORDS`, or agent_cost_vector, whose rows are executions or their metrics.
    """

    loaded_as: str | None = None
    mapping: Mapping = field(default_factory=Mapping)
    is_strict: bool = False
    reading: Reading = field(default_factory=Reading)
    prices: pricing.OwnPrices | None = None


def load_paths(store: Store, paths: Iterable[Path], options: LoadOptions) -> Iterator[LoadResult | NotLoaded]:
    """Load files and folders; give the outcome of each file as it is known.

    A file that was named and cannot be loaded is an error; one that was found in a folder is given as `NotLoaded`, and
    the others go on. Transcripts that were loaded before as they are now are not read again.

    Raises:
        InputError: a named file cannot be read as a whole, or its kind is not clear.
        StoreError: the store cannot be written; what was given before is written.
    """
    return load_files(store, found_files(paths), options)


def load_files(store: Store, files: Iterable[FoundFile], options: LoadOptions) -> Iterator[LoadResult | NotLoaded]:
    """Load files that were found already; see `load_paths`."""
    group = _Group(store, options)
    for file in files:
        try:
            yield from group.take(file.path, is_named=file.is_named)
        except InputError as error:
            if file.is_named:
                yield from group.write()
                raise
            yield NotLoaded(file_name(file.path), str(error))
    yield from group.write()


def load_file(
    store: Store, path: Path, loaded_as: str | None = None, mapping: Mapping | None = None, *, is_strict: bool = False
) -> LoadResult:
    """Load one file; `loaded_as` is a key of `records.RECORDS`, detected from the columns where None.

    Raises:
        InputError: the file cannot be read as a whole, its kind is not clear, or the mapping names what is not there.
        StoreError: the store cannot be written; nothing of the file was.
    """
    options = LoadOptions(loaded_as, mapping or Mapping(), is_strict)
    (result,) = load_paths(store, [path], options)
    if isinstance(result, NotLoaded):
        raise InputError(result.reason)
    return result


class _Group:
    """Files that are read and wait to be written in one transaction: thousands of small files need not wait for it."""

    def __init__(self, store: Store, options: LoadOptions) -> None:
        self._store, self._options = store, options
        self._logged = last_loads(store)
        self._batches = TranscriptBatches(options.reading, _pricer(options))
        self._reconciliation = Reconciliation()
        self._waiting: list[tuple[LoadedFile, list[Batch]]] = []
        self._records = 0
        self._known_options = transcript_options(options.reading, options.prices)

    def take(self, path: Path, *, is_named: bool) -> Iterator[LoadResult | NotLoaded]:
        """Read one file; give what is written so far where a transaction ends."""
        logged = self._logged.get(file_name(path))
        modified_ns = modified_at_ns(path)
        if logged is not None and self._is_unchanged(path, modified_ns, logged):
            yield unchanged_result(logged)
            return
        source = open_source(path)
        found = None if self._has_table_options() else detect(path)
        if found is not None:
            loaded, batches = self._read(found, source, modified_ns)
            yield from self._add(loaded, batches)
        elif is_named or (source.size_bytes and is_table_name(path)):
            yield from self.write()
            yield from _load_table(self._store, source, self._options)
        else:
            what = "its content is of no format that is known" if source.size_bytes else "it is empty"
            yield NotLoaded(source.name, what)

    def _read(self, found: Format, source: Source, modified_ns: int) -> tuple[LoadedFile, list[Batch]]:
        transcript = found.read(source.path, self._options.reading)
        batches = self._batches.batches(transcript)
        counts = self._reconciliation.count(transcript, self._batches.unpriced)
        options = self._known_options
        loaded = LoadedFile(
            file=source.name,
            sha256=source.sha256,
            size_bytes=source.size_bytes,
            format=found.name,
            loaded_as=TRANSCRIPT,
            options=options,
            modified_ns=modified_ns,
            found=counts,
        )
        return loaded, batches

    def _add(self, loaded: LoadedFile, batches: list[Batch]) -> Iterator[LoadResult]:
        if self._options.is_strict:
            yield from self.write()
            yield write_load(self._store, loaded, batches, is_strict=True)
            return
        self._waiting.append((loaded, batches))
        self._records += sum(batch.record_count for batch in batches)
        if len(self._waiting) >= _GROUP_FILES or self._records >= _GROUP_RECORDS:
            yield from self.write()

    def write(self) -> Iterator[LoadResult]:
        """Write what waits."""
        waiting, self._waiting, self._records = self._waiting, [], 0
        if waiting:
            yield from write_loads(self._store, waiting)

    def _has_table_options(self) -> bool:
        """Tell whether the user said what only tables have: then every file is read as one."""
        mapping = self._options.mapping
        return bool(self._options.loaded_as or mapping.columns or mapping.constants)

    def _is_unchanged(self, path: Path, modified_ns: int, logged: dict[str, Any]) -> bool:
        """Tell by size and time of change, and by the content where only the time differs."""
        if self._has_table_options() or not is_same(logged, path.stat().st_size, self._known_options):
            return False
        return logged["modified_ns"] == modified_ns or logged["sha256"] == file_sha256(path)


def _load_table(store: Store, source: Source, options: LoadOptions) -> Iterator[LoadResult]:
    format_name = detect_format(source.path)
    if format_name == "sqlite":
        yield from _load_platform_file(store, source, options)
    else:
        yield _load_one_table(store, source, options, format_name)


def _load_one_table(store: Store, source: Source, options: LoadOptions, format_name: str) -> LoadResult:
    path, mapping, loaded_as = source.path, options.mapping, options.loaded_as
    columns = [] if format_name == "empty" else first_columns(path, format_name, mapping.encoding)
    if not columns and format_name == "jsonl" and loaded_as is None:
        raise InputError(f"JSON records are needed, {path} holds none that can be read. Check that it is whole.")
    kind = kind_of(loaded_as, columns, mapping) if loaded_as else None
    if not columns and format_name != "jsonl":
        return write_load(store, _loaded_table(source, format_name, kind or "unknown", mapping), [])
    kind = kind or detect_target(source.name, columns, mapping)
    check_mapping(source.name, columns, mapping, kind)
    batches = read_batches(read_table(path, format_name, mapping.encoding), source.name, kind, mapping)
    notes = tuple(filter(None, [unmapped_note(columns, mapping, kind)]))
    loaded = replace(_loaded_table(source, format_name, kind, mapping), notes=notes)
    return write_load(store, loaded, batches, is_strict=options.is_strict)


def _load_platform_file(store: Store, source: Source, options: LoadOptions) -> list[LoadResult]:
    """Load the tables of a file that the ASP platform wrote, all of them or none."""
    mapping = options.mapping
    if options.loaded_as or mapping.columns or mapping.constants:
        raise InputError(
            f"{source.name} is a SQLite file of the ASP platform: its tables say what they are. "
            "Leave out --as, --map and --set."
        )
    loads = []
    for table in tables_of(source.path):
        loaded = _loaded_table(source, FORMAT, KINDS[table], mapping)
        batches = read_batches(read_table_of(source.path, table), f"{source.name} ({table})", KINDS[table], mapping)
        loads.append((loaded, batches))
    return write_loads(store, loads, is_strict=options.is_strict)


def _loaded_table(source: Source, format_name: str, loaded_as: str, mapping: Mapping) -> LoadedFile:
    said = {"map": mapping.columns, "set": mapping.constants, "time_format": mapping.time_format}
    said |= {"decimal": mapping.decimal, "encoding": mapping.encoding}
    known = {name: value for name, value in said.items() if value and value != getattr(Mapping, name, None)}
    found = {HEADER: storable(csv_header_line(source.path, mapping.encoding))} if format_name == "csv" else {}
    return LoadedFile(
        file=source.name,
        sha256=source.sha256,
        size_bytes=source.size_bytes,
        format=format_name,
        loaded_as=loaded_as,
        options=known,
        found=found,
    )


def _pricer(options: LoadOptions) -> Pricer:
    price_tokens = options.prices.price_tokens if options.prices else pricing.price_tokens

    def price(call: Call) -> Cost | None:
        """Price a call; the importers know no prices and the prices know no calls."""
        if call.tokens_in is None and call.tokens_out is None:
            return None
        tokens = pricing.Tokens(
            call.tokens_in or 0,
            call.tokens_out or 0,
            call.cache_read or 0,
            call.cache_write or 0,
            call.cache_write_1h or 0,
            call.web_searches or 0,
            call.variant,
        )
        priced = price_tokens(call.model, call.provider, read_instant(call.at), tokens)
        return None if priced is None else Cost(priced.cost_usd, priced.price)

    return price
