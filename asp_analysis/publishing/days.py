"""What a store has of each table and UTC day: how many rows, and a digest that any change of any of them changes."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from asp_analysis.lake.heads import DAY_COLUMNS, UNDATED
from asp_analysis.session import view_key
from asp_analysis.session.batches import Read

DAY = "day_of_row"
"""The column that a query of rows has last: the day as text."""


@dataclass(frozen=True, kw_only=True)
class StoreDay:
    """The rows of one day of a table. day: an ISO date, or `all`; digest: of the rows and of how they are published."""

    table: str
    day: str
    rows: int
    digest: str


def read_columns(read: Read, table: str) -> dict[str, str]:
    """Return the columns of a staging view in their order, with DuckDB's types."""
    with read(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {table})") as reader:
        found = reader.read_all().to_pydict()
    return dict(zip(found["column_name"], found["column_type"], strict=True))


def read_days(read: Read, table: str, form: str, key: bytes) -> list[StoreDay]:
    """Return the days of a table in their order.

    form: how rows are published; with another form every digest is another. key: of the store alone, so that nobody
    can try out which text or name a digest may be of.
    """
    columns = read_columns(read, table)
    seen = ", ".join(f'"{name}"' for name in columns if name != "load_id")
    query = (
        f"SELECT {_day_text('day')} AS day, count(*) AS rows, CAST(sum(mixed) AS VARCHAR) AS mixed "
        f"FROM (SELECT {_day(table)} AS day, hash(hash({seen})) AS mixed FROM {table}) GROUP BY day ORDER BY day"
    )
    with read(query) as reader:
        found = reader.read_all().to_pylist()
    whole = f"{form}\n{table}\n{columns}"
    return [
        StoreDay(table=table, day=one["day"], rows=one["rows"], digest=_sign(key, whole, *map(str, one.values())))
        for one in found
    ]


def read_rows(read: Read, table: str, days: Collection[str]) -> pa.RecordBatchReader:
    """Read the rows of some days of a table, day after day, each in the order of its instants and its key."""
    columns = read_columns(read, table)
    shown = ", ".join("CAST(NULL AS BIGINT) AS load_id" if name == "load_id" else f'"{name}"' for name in columns)
    order = ", ".join(["day", *([DAY_COLUMNS[table]] if table in DAY_COLUMNS else []), *view_key(table)])
    rows = f"SELECT *, {_day(table)} AS day FROM {table} {_between(table, days)}"
    query = f"SELECT {shown}, {_day_text('day')} AS {DAY} FROM ({rows}) WHERE {_among(days)}"
    return read(f"{query} ORDER BY {order}")


def _between(table: str, days: Collection[str]) -> str:
    """Return a condition that lets a scan pass over what is far from the days: a new day is a small part of a store."""
    if table not in DAY_COLUMNS or UNDATED in days:
        return ""
    end = date.fromisoformat(max(days))
    until = "" if end == date.max else f" AND {DAY_COLUMNS[table]} < TIMESTAMP '{end + timedelta(days=1)}'"
    return f"WHERE {DAY_COLUMNS[table]} >= TIMESTAMP '{min(days)}'{until}"


def _among(days: Collection[str]) -> str:
    dates = ", ".join(f"DATE '{day}'" for day in days if day != UNDATED)
    terms = [f"day IN ({dates})"] * bool(dates) + ["day IS NULL"] * (UNDATED in days)
    return " OR ".join(terms) or "FALSE"


def _day(table: str) -> str:
    if table not in DAY_COLUMNS:
        return "CAST(NULL AS DATE)"
    instant = DAY_COLUMNS[table]  # of others there is no name of a folder
    return f"CASE WHEN year({instant}) BETWEEN 1 AND 9999 THEN CAST({instant} AS DATE) END"


def _day_text(name: str) -> str:
    return f"COALESCE(CAST({name} AS VARCHAR), '{UNDATED}')"


def _sign(key: bytes, *parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), key=key, digest_size=16).hexdigest()


def split_days(reader: pa.RecordBatchReader) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Cut batches of rows that come day after day where the days change; the column of the day is left out."""
    for batch in reader:
        days = batch.column(DAY).to_pylist()
        rows = batch.drop_columns([DAY])
        begin = 0
        while begin < len(days):
            end = begin + days[begin:].count(days[begin])
            yield days[begin], rows.slice(begin, end - begin)
            begin = end
