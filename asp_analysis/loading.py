"""From a path to the store: finds the format and the kind of records, reads, and writes in one transaction."""

from pathlib import Path

from asp_analysis.importers.mapping import Mapping, check_mapping, detect_target
from asp_analysis.importers.rows import detect_format, first_columns
from asp_analysis.importers.source import Source, open_source
from asp_analysis.importers.tables import read_batches
from asp_analysis.store import LoadedFile, LoadResult, Store, write_load


def load_file(
    store: Store, path: Path, loaded_as: str | None = None, mapping: Mapping | None = None, *, is_strict: bool = False
) -> LoadResult:
    """Load one file; `loaded_as` is a key of `records.RECORDS`, detected from the columns where None.

    Raises:
        InputError: the file cannot be read as a whole, its kind is not clear, or the mapping names what is not there.
        StoreError: the store cannot be written; nothing of the file was.
    """
    mapping = mapping or Mapping()
    source = open_source(path)
    format_name = detect_format(path)
    columns = [] if format_name == "empty" else first_columns(path, format_name)
    if not columns:
        return write_load(store, _loaded_file(source, format_name, loaded_as or "unknown", mapping), [])
    loaded_as = loaded_as or detect_target(source.name, columns, mapping)
    check_mapping(source.name, columns, mapping, loaded_as)
    batches = read_batches(path, format_name, loaded_as, mapping)
    return write_load(store, _loaded_file(source, format_name, loaded_as, mapping), batches, is_strict=is_strict)


def _loaded_file(source: Source, format_name: str, loaded_as: str, mapping: Mapping) -> LoadedFile:
    options = {"map": mapping.columns, "set": mapping.constants, "time_format": mapping.time_format}
    known = {name: value for name, value in options.items() if value}
    return LoadedFile(source.name, source.sha256, source.size_bytes, format_name, loaded_as, known)
