"""Makes lakes of any size: the sample repeated with ids of its own and spread over days, as one writer publishes it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asp_analysis.config import lake_url, parse_url
from asp_analysis.lake.heads import DAY_COLUMNS, LAKE_TABLES, UNDATED, HeadFile, WriterHead, head_path, read_head
from asp_analysis.lake.objects import open_storage
from asp_analysis.session import connect
from asp_analysis.session.attaching import bare
from asp_analysis.store.database import create_store

SAMPLE_EXECUTIONS = 385
WRITER = "bench"
_NAMES = {"task_id": "task", "execution_id": "execution", "defect_id": "defect"}


@dataclass(frozen=True, kw_only=True)
class Copies:
    """How the sample is repeated: copies with the numbers from `first` on, over `days` days that begin at `start`."""

    first: int = 0
    count: int
    days: int
    start: str = "2026-01-01"


def publish_copies(folder: Path, copies: Copies) -> int:
    """Add copies of the sample to what the writer has published; return how many executions they are."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f"{folder.name}-sample.db")
    url = parse_url(str(scratch), Path.cwd())
    if not scratch.exists():
        create_store(url, with_sample=True)
    storage, now = open_storage(lake_url(str(folder), Path.cwd())), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    known = read_head(storage, WRITER)
    tables = [table for table in LAKE_TABLES if table in DAY_COLUMNS or not copies.first]
    with bare() as connection:
        with connect(url) as session:
            for table in tables:
                connection.register(
                    table, session.sql(f"SELECT * FROM {table}").convert_dtypes(dtype_backend="pyarrow")
                )
        files = [file for table in tables for file in _publish_table(connection, folder, (table, now), copies)]
    head = WriterHead(writer=WRITER, published_at=now, product="bench", files=(*(known.files if known else ()), *files))
    storage.replace(head_path(WRITER), head.write())
    return copies.count * SAMPLE_EXECUTIONS


def _publish_table(connection: Any, folder: Path, told: tuple[str, str], copies: Copies) -> Iterator[HeadFile]:
    table, now = told
    columns = [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    time = DAY_COLUMNS.get(table)
    shown = ", ".join(_repeat(name, time, copies) for name in columns)
    of = f"range({copies.first}, {copies.first + copies.count if time else copies.first + 1}) AS copies (copy)"
    day = f"strftime({time}, '%Y-%m-%d')" if time else f"'{UNDATED}'"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE asp_copies AS SELECT *, {day} AS asp_day "
        f"FROM (SELECT {shown} FROM {table}, {of})"
    )
    for day, rows in connection.execute("SELECT asp_day, count(*) FROM asp_copies GROUP BY 1 ORDER BY 1").fetchall():
        name = hashlib.sha256(f"{table} {day} {copies}".encode()).hexdigest()[:32]
        path = f"inbox/{WRITER}/{table}/day={day}/{name}.parquet"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"COPY (SELECT * EXCLUDE asp_day FROM asp_copies WHERE asp_day = '{day}') "
            f"TO '{folder / path}' (FORMAT parquet, COMPRESSION zstd)"
        )
        size = (folder / path).stat().st_size
        yield HeadFile(path=path, table=table, day=day, rows=rows, size_bytes=size, digest=name, published_at=now)


def _repeat(name: str, time: str | None, copies: Copies) -> str:
    """Return a column of a copy: names and instants of its own, costs and times that vary."""
    if time is None or name == "load_id":
        return "CAST(NULL AS BIGINT) AS load_id" if name == "load_id" else f'"{name}"'
    if name in _NAMES:
        return f'"{name}" || \'-\' || copy AS "{name}"'
    if name.endswith("_at"):
        moved = f"TIMESTAMP '{copies.start}' + ((copy * 7919) % {copies.days}) * INTERVAL 1 DAY"
        return f'CAST({moved} + ("{name}" - CAST("{name}" AS DATE)) AS TIMESTAMP) AS "{name}"'
    if name in ("cost_usd", "latency_ms"):
        return f'"{name}" * (1 + (copy % 97) / 100.0) AS "{name}"'
    return f'"{name}"'
