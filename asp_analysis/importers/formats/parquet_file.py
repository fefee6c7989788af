"""Parquet: typed columns, read batch by batch; the line number of a record is its row number, counted from 1.

A text that many rows share is in the file once, so that a small file may hold any number of large ones: what a
batch holds is counted before its values are made. One value that Python has no form for is a matter of its own record.
"""

from collections.abc import Iterator
from typing import Any

from asp_analysis.batch import Reject
from asp_analysis.errors import InputError
from asp_analysis.importers.file import LONGEST_LINE, Head, SourceFile
from asp_analysis.importers.tables import raw
from asp_analysis.importers.tables.raw import RawBatch, check_width, name_columns, write_raw, write_row
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions

_FIRST_BYTES = (b"PAR1", b"PARE")
"""Of a plain file, and of one that is encrypted as a whole."""

_ARROW_BYTES = 64 * 2**20
"""Bytes that Arrow may make at once."""

_SHOWN_LENGTH = 200


def read_table(file: SourceFile, _options: TableOptions) -> Iterator[RawBatch]:
    """Read a file batch by batch.

    Raises:
        InputError: it is no Parquet file that can be read, or an encrypted one.
    """
    import pyarrow

    try:
        with file.open_bytes() as stream:
            try:
                yield from _read(file.name, stream)
            except OSError as error:
                if error.errno is not None:
                    raise
                raise _Unreadable(str(error)) from None
    except (_Unreadable, pyarrow.ArrowException, ValueError, OverflowError) as error:
        raise _refusal(file.name, str(error).split("\n", maxsplit=1)[0]) from None


class _Unreadable(Exception):
    """What Arrow says of content that it does not understand; it says so by an OSError without a number."""


def _refusal(name: str, said: str) -> InputError:
    if "decrypt" in said.lower():
        return InputError(f"The Parquet file {name} is encrypted, and only plain ones are read. Write it unencrypted.")
    return InputError(f"The Parquet file {name} cannot be read: {said.rstrip(' .')}. Write it again.")


def _read(name: str, stream: Any) -> Iterator[RawBatch]:
    from pyarrow import parquet

    file = parquet.ParquetFile(stream)
    schema = file.schema_arrow
    check_width(name, len(schema.names))
    names, first = name_columns(schema.names), 1
    texts = [field.name for field in schema if _is_text(field.type)]
    file = parquet.ParquetFile(stream, metadata=file.metadata, read_dictionary=texts)
    for batch in file.iter_batches(batch_size=_records_at_once(file.metadata)):
        sizes = _row_sizes(batch)
        for start, stop in _pieces(sizes):
            yield _raw_batch(names, batch.slice(start, stop - start), first + start, sizes[start])
        first += batch.num_rows


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind)


def _records_at_once(metadata: Any) -> int:
    """Return how many records are read at once: few of long ones.

    The columns of a group must not be asked: Arrow ends the process where one of them is encrypted.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    longest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    return min(raw.BATCH_RECORDS, max(1, int(_ARROW_BYTES / max(longest, 1))))


def _row_sizes(batch: Any) -> list[int]:
    """Return about how many bytes each row of a batch has."""
    import numpy as np

    total = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        total += _sizes(column)
    return total.tolist()


def _sizes(column: Any) -> Any:
    from pyarrow import compute, types

    if types.is_dictionary(column.type) and _is_text(column.type.value_type):
        lengths = compute.take(compute.binary_length(column.dictionary), column.indices)
    elif _is_text(column.type):
        lengths = compute.binary_length(column)
    else:
        return column.nbytes // max(len(column), 1)
    return compute.fill_null(lengths, 0).to_numpy(zero_copy_only=False)


def _pieces(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Yield where the pieces of a batch begin and end; a record that is too long is a piece of its own."""
    start = held = 0
    for row, size in enumerate(sizes):
        if row > start and (held + size > raw.BATCH_BYTES or max(held, size) > LONGEST_LINE):
            yield start, row
            start, held = row, 0
        held += size
    if sizes:
        yield start, len(sizes)


def _raw_batch(names: list[str], piece: Any, first: int, first_size: int) -> RawBatch:
    if first_size > LONGEST_LINE:
        reason = f"a record of {first_size:,} bytes, at most {LONGEST_LINE:,} are read"
        begun = {name: _beginning(column[0]) for name, column in zip(names, piece.columns, strict=True)}
        reject = Reject(first, (reason,), write_raw(begun))
        return RawBatch(columns={name: [] for name in names}, line_numbers=[], raw_text=str, unreadable=[reject])
    columns = {name: _values(column) for name, column in zip(names, piece.columns, strict=True)}
    return RawBatch(columns=columns, line_numbers=range(first, first + piece.num_rows), raw_text=write_row(columns))


def _beginning(scalar: Any) -> Any:
    """Return a value, or the beginning of a long text; None for other values without a bound."""
    from pyarrow import compute, types

    if types.is_dictionary(scalar.type):
        scalar = scalar.value
    if types.is_string(scalar.type) or types.is_large_string(scalar.type):
        return compute.utf8_slice_codeunits(scalar, 0, _SHOWN_LENGTH).as_py()
    return scalar.as_py() if types.is_primitive(scalar.type) else None


def _values(column: Any) -> list[Any]:
    """Return the values of a column as Python has them."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        return column.to_pylist()
    except (pyarrow.ArrowException, ValueError, OverflowError):
        return [_value(scalar) for scalar in column]


def _value(scalar: Any) -> Any:
    """Return one value; a time that Python has no form for and a text that is no UTF-8 as a text that says so.

    Raises:
        ValueError: it is neither.
    """
    import pyarrow
    from pyarrow import types

    try:
        return scalar.as_py()
    except (pyarrow.ArrowException, ValueError, OverflowError):
        if types.is_timestamp(scalar.type) and scalar.type.tz not in (None, "UTC"):
            return _value(scalar.cast(pyarrow.timestamp(scalar.type.unit, "UTC")))
        if types.is_timestamp(scalar.type) or types.is_date(scalar.type):
            return scalar.cast(pyarrow.string()).as_py()
        if types.is_string(scalar.type) or types.is_large_string(scalar.type):
            return scalar.as_buffer().to_pybytes().decode("utf-8", errors="surrogateescape")
        raise


def _is_parquet(head: Head) -> bool:
    return head.magic.startswith(_FIRST_BYTES)


FORMAT = TableFormat(
    name="parquet",
    title="Parquet",
    suffixes=(".parquet",),
    recognises=_is_parquet,
    read_table=read_table,
)
