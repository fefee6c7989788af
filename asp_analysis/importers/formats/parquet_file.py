"""Parquet: typed columns, read batch by batch; the line number of a record is its row number, counted from 1."""

from collections.abc import Iterator

from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.tables.raw import BATCH_RECORDS, RawBatch, check_width, write_row
from asp_analysis.importers.tables.table_format import TableFormat
from asp_analysis.importers.tables.table_options import TableOptions


def read_table(file: SourceFile, _options: TableOptions) -> Iterator[RawBatch]:
    """Read a file batch by batch.

    Raises:
        InputError: it is no Parquet file that can be read.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with file.open_bytes() as stream:
            table, seen = parquet.ParquetFile(stream), 0
            check_width(file.name, len(table.schema_arrow.names))
            for batch in table.iter_batches(batch_size=BATCH_RECORDS):
                columns = batch.to_pydict()
                numbers = range(seen + 1, seen + 1 + batch.num_rows)
                yield RawBatch(columns=columns, line_numbers=numbers, raw_text=write_row(columns))
                seen += batch.num_rows
    except (pyarrow.ArrowException, ValueError, OverflowError) as error:  # texts that are no UTF-8, times beyond 9999
        raise InputError(
            f"The Parquet file {file.name} cannot be read: {_first_line(error)}. Write it again."
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]


FORMAT = TableFormat(
    name="parquet",
    title="Parquet",
    suffixes=(".parquet",),
    recognises=lambda head: head.magic.startswith(b"PAR1"),
    read_table=read_table,
)
