"""One JSON document as a table: an array of objects, an object that holds one such array, or a single record."""

import itertools
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, whole_document
from asp_analysis.importers.json_lines import Repeated, count_keys, find_repeated, tell_repeated
from asp_analysis.importers.tables.raw import BATCH_RECORDS, MOST_COLUMNS, RawBatch, write_raw
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.validation import shown


def read_table(file: SourceFile, _options: TableOptions) -> Iterator[RawBatch]:
    """Read the records of the document; the line number of a record is its place, counted from 1.

    Raises:
        InputError: it is damaged, too large, or holds several arrays of objects.
    """
    records = _records_of(file, _document_of(file))
    for start in range(0, len(records), BATCH_RECORDS):
        yield _batch(records[start : start + BATCH_RECORDS], start + 1)


def _document_of(file: SourceFile) -> Any:
    with file.open_lines() as lines:
        content = whole_document(file.name, lines)
    try:
        document = from_json(content, allow_inf_nan=False)
        return document if count_keys(content) == _key_count(document) else find_repeated(content) or document
    except ValueError as error:
        raise InputError(
            f"{file.name} is a JSON document that is damaged or cut short: {error}. Copy it again."
        ) from None


def _key_count(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_key_count, value.values()))
    return sum(map(_key_count, value)) if isinstance(value, list) else 0


def _records_of(file: SourceFile, document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return [document]  # rejected as no object, with its text
    arrays = {name: value for name, value in document.items() if _is_array_of_objects(value)}
    if arrays and isinstance(document, Repeated) and document.is_own:
        raise InputError(f"{file.name} cannot be read: {tell_repeated(document.key)}. Then load it again.")
    if len(arrays) > 1:
        raise InputError(
            f"{file.name} holds several arrays of records ({', '.join(list(arrays)[:5])}). Write the one to load into "
            f"another file, such as jq '.{next(iter(arrays))}' FILE > records.json."
        )
    return next(iter(arrays.values())) if arrays else [document]


def _is_array_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _batch(items: list[Any], first: int) -> RawBatch:
    objects, numbers, unreadable = [], [], []
    for number, item in enumerate(items, first):
        if isinstance(item, Repeated):
            unreadable.append(Reject(number, (tell_repeated(item.key),), write_raw(item)))
        elif isinstance(item, dict) and len(item) <= MOST_COLUMNS:
            objects.append(item)
            numbers.append(number)
        else:
            found = shown(item) if not isinstance(item, dict) else f"an object of {len(item):,} keys"
            unreadable.append(Reject(number, (f"each record must be a JSON object, found {found}",), write_raw(item)))
    names = list(dict.fromkeys(itertools.chain.from_iterable(objects)))
    columns = {name: [record.get(name) for record in objects] for name in names}
    return RawBatch(
        columns=columns,
        line_numbers=numbers,
        raw_text=lambda row: write_raw(objects[row]),
        unreadable=unreadable,
    )


FORMAT = TableFormat(
    name="json",
    title="JSON document",
    suffixes=(".json",),
    recognises=lambda head: head.is_document,
    read_table=read_table,
)
