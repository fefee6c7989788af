"""From paths to the store: finds the format of each file, reads, and writes each file whole or not at all."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from asp_analysis.batch import Batch
from asp_analysis.call_prices import make_pricer
from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, file_name, open_file
from asp_analysis.importers.folders import FoundFile, NotLoaded, found_files
from asp_analysis.importers.format import Format, Part, ReadOptions
from asp_analysis.importers.registry import explain_unknown, find_format
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.transcripts.call_batches import TranscriptRun
from asp_analysis.load_options import LoadOptions
from asp_analysis.progress import Step, tell
from asp_analysis.store.commit_tasks import commit_tasks, stored_defects
from asp_analysis.store.database import Store
from asp_analysis.store.loads import WriteRules, last_loads, write_loads
from asp_analysis.store.log import LoadedFile, LoadResult, unchanged_result
from asp_analysis.store.rejects import HEADER, storable
from asp_analysis.unchanged import is_same, transcript_options
from asp_analysis.unloading import merge_of_load

_GROUP_FILES, _GROUP_RECORDS = 64, 20_000

Load = tuple[LoadedFile, Iterable[Batch]]


def load_paths(store: Store, paths: Iterable[Path], options: LoadOptions) -> Iterator[LoadResult | NotLoaded]:
    """Load files and folders; return the outcome of each file as it is known.

    A file that was named and cannot be loaded is an error; one that was found in a folder is given as `NotLoaded`, and
    the others go on. Transcripts that were loaded before as they are now are not read again.

    Raises:
        InputError: a named file cannot be read as a whole, or its kind is not clear.
        StoreError: the store cannot be written; what was given before is written.
    """
    return load_files(store, found_files(paths), options)


def load_files(store: Store, files: Iterable[FoundFile], options: LoadOptions) -> Iterator[LoadResult | NotLoaded]:
    """Load files that were found already; see `load_paths`."""
    if options.preset is not None and options.preset.preset.is_series:
        yield from _load_series(store, list(files), options)
        return
    group = _Group(store, options)
    total = len(files) if isinstance(files, Sequence) else None
    for number, file in enumerate(files):
        if total != 1:
            tell(Step(part="loading", done=number, total=total, unit="files"))
        try:
            yield from group.take(file.path, is_named=file.is_named)
        except InputError as error:
            if file.is_named:
                yield from group.write()
                raise
            yield NotLoaded(file_name(file.path), str(error))
    yield from group.write()


def load_file(
    store: Store, path: Path, kind: str | None = None, table: TableOptions | None = None, *, is_strict: bool = False
) -> LoadResult:
    """Load one file; `kind` is a key of `records.RECORDS`, detected from the columns where None.

    Raises:
        InputError: the file cannot be read as a whole, its kind is not clear, or the mapping names what is not there.
        StoreError: the store cannot be written; nothing of the file was.
    """
    options = LoadOptions(
        kinds=(kind,) if kind else (), table=table or TableOptions(), max_rejects=0 if is_strict else None
    )
    (result,) = load_paths(store, [path], options)
    if isinstance(result, NotLoaded):
        raise InputError(result.reason)
    return result


def _load_series(store: Store, files: list[FoundFile], options: LoadOptions) -> Iterator[LoadResult | NotLoaded]:
    """Load files that say something together only: they are one load."""
    from asp_analysis.importers.presets.series import Stored
    from asp_analysis.importers.presets.series_parts import PresetSeries

    use, read = options.preset, read_options(options)
    if use is None:
        return
    series, about = PresetSeries(use, read), _SeriesFiles()
    for found in files:
        try:
            with open_file(found.path) as file:
                series.add(file)
                about.add(file)
        except InputError as error:
            if found.is_named:
                raise
            yield NotLoaded(file_name(found.path), str(error))
    if not about.paths:
        return
    name = series_name(about.paths)
    parts = series.parts(name, Stored(defects=partial(stored_defects, store), tasks=partial(commit_tasks, store)))
    loads = [(about.logged(name, use.preset.name, part), part.batches) for part in parts]
    yield from write_loads(store, loads, _make_rules(options))


def series_name(paths: list[Path]) -> str:
    """Return what a series is called in the load log: its one file, else the folder that holds all its files."""
    return file_name(paths[0] if len(paths) == 1 else os.path.commonpath([path.absolute() for path in paths]))


class _SeriesFiles:
    """The files of a series as one: their paths, their size and the hash of their hashes."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self._size_bytes = 0
        self._digest = hashlib.sha256()

    def add(self, file: SourceFile) -> None:
        """Take in the next file."""
        self.paths.append(file.path)
        self._size_bytes += file.size_bytes
        self._digest.update(file.sha256.encode())

    def logged(self, name: str, form: str, part: Part) -> LoadedFile:
        """Return what the load log keeps of the series."""
        return LoadedFile(
            file=name,
            sha256=self._digest.hexdigest(),
            size_bytes=self._size_bytes,
            format=form,
            loaded_as=part.loaded_as,
            options=part.options,
            found={**part.found, "files": len(self.paths)},
            notes=part.notes,
        )


class _Group:
    """Files that are read and wait to be written in one transaction: thousands of small files need not wait for it."""

    def __init__(self, store: Store, options: LoadOptions) -> None:
        self._store, self._rules = store, _make_rules(options)
        self._logged = last_loads(store)
        self._options = read_options(options)
        self._waiting: list[Load] = []
        self._records = 0

    def take(self, path: Path, *, is_named: bool) -> Iterator[LoadResult | NotLoaded]:
        """Read one file; yield what is written so far where a transaction ends."""
        with open_file(path) as file:
            logged = self._logged.get(file.name)
            if logged is not None and self._is_unchanged(file, logged):
                yield unchanged_result(logged)
                return
            form = find_format(file, self._options, is_named=is_named)
            if form is None:
                raise InputError(explain_unknown(file, is_named=is_named))
            file.sha256  # noqa: B018 - before the records: of what is written meanwhile it would say that it was read
            loads = [
                (_logged_file(file, form, part), _tell_records(file, part.batches))
                for part in form.read_parts(file, self._options)
            ]
            if (
                form.is_table or self._rules.max_rejects is not None
            ):  # a table is read while it is written, by a transaction of its own
                yield from self.write()
                yield from write_loads(self._store, loads, self._rules)
            else:
                yield from self._add(loads)

    def _add(self, loads: list[Load]) -> Iterator[LoadResult]:
        self._waiting += loads
        self._records += sum(batch.record_count for _, batches in loads for batch in batches)
        if len(self._waiting) >= _GROUP_FILES or self._records >= _GROUP_RECORDS:
            yield from self.write()

    def write(self) -> Iterator[LoadResult]:
        """Write what waits."""
        waiting, self._waiting, self._records = self._waiting, [], 0
        if waiting:
            yield from write_loads(self._store, waiting, self._rules)

    def _is_unchanged(self, file: SourceFile, logged: dict[str, Any]) -> bool:
        """Return whether a file is as it was: by size and time of change, by content where only the time differs."""
        if self._options.is_of_tables or not is_same(logged, file.size_bytes, self._options.transcripts.options):
            return False
        return bool(logged["modified_ns"] == file.modified_ns or logged["sha256"] == file.sha256)


def read_options(options: LoadOptions) -> ReadOptions:
    """Return how the files of one load are to be read."""
    run = TranscriptRun(options.reading, make_pricer(options), transcript_options(options.reading, options.prices))
    return ReadOptions(kinds=options.kinds, table=options.table, transcripts=run, preset=options.preset)


def _tell_records(file: SourceFile, batches: Iterable[Batch]) -> Iterable[Batch]:
    """Pass batches on where they are read one by one, and say after each how many records of the file that makes."""
    return batches if isinstance(batches, Sequence) else _told(file, batches)


def _told(file: SourceFile, batches: Iterable[Batch]) -> Iterator[Batch]:
    done = 0
    for batch in batches:
        done += batch.record_count
        yield batch
        total = round(done / file.read_share) if file.read_share else None
        tell(Step(part=file.name, done=done, total=total, unit="records"))


def _make_rules(options: LoadOptions) -> WriteRules:
    return WriteRules(
        max_rejects=options.max_rejects,
        may_count_again=options.may_count_again,
        merges=merge_of_load if options.is_replacing else None,
    )


def _logged_file(file: SourceFile, form: Format, part: Part) -> LoadedFile:
    header = {} if part.header is None else {HEADER: storable(part.header)}
    return LoadedFile(
        file=file.name,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        format=form.name,
        loaded_as=part.loaded_as,
        options=part.options,
        modified_ns=None if form.is_table else file.modified_ns,
        found={**part.found, **header},
        notes=part.notes,
    )
