"""Parquet files of days: the same rows give the same bytes, and the name of a file is a hash of them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

ROW_GROUP = 65_536
"""Rows that are written together, however the batches come in that they were read in."""

_HASHED_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class DayFile:
    """A file of one day, ready to be uploaded. name: the first 32 digits of the SHA-256 of its bytes."""

    day: str
    rows: int
    file: Path
    name: str
    size_bytes: int


def write_day_files(
    parts: Iterable[tuple[str, pa.RecordBatch]], schema: pa.Schema, folder: Path, change: Callable[[pa.Table], pa.Table]
) -> Iterator[DayFile]:
    """Write one file a day; each is there when it is whole, until the next is asked for.

    parts: rows with their day, day after day. change: what is done to rows before they are written.
    """
    for day, group in groupby(parts, key=lambda part: part[0]):
        path = folder / "day.parquet"
        rows = _write((batch for _, batch in group), schema, path, change)
        yield DayFile(day=day, rows=rows, file=path, name=_hash(path), size_bytes=path.stat().st_size)
        path.unlink()


def _write(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path, change: Callable[[pa.Table], pa.Table]
) -> int:
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in _regroup(batches, schema):
            count += rows.num_rows
            writer.write_table(change(rows).combine_chunks(), row_group_size=ROW_GROUP)
    return count


def _regroup(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables of `ROW_GROUP` rows, the last one of what is left."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        while count >= ROW_GROUP:
            table = pa.Table.from_batches(waiting, schema)
            yield table.slice(0, ROW_GROUP)
            waiting = table.slice(ROW_GROUP).to_batches()
            count -= ROW_GROUP
    if count:
        yield pa.Table.from_batches(waiting, schema)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASHED_BYTES):
            digest.update(chunk)
    return digest.hexdigest()[:32]
