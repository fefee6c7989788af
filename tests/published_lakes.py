"""What a lake holds of its writers, read as others read it: the heads, and with DuckDB exactly the files they name."""

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb

from asp_analysis import sql
from asp_analysis.config import StoreUrl, lake_url
from asp_analysis.lake.heads import WriterHead, read_heads
from asp_analysis.lake.objects import open_storage
from asp_analysis.session import connect, describe_view
from asp_analysis.session.attaching import bare
from asp_analysis.session.catalog import marts, staging_views


def heads_of(lake: str | Path) -> list[WriterHead]:
    return read_heads(open_storage(lake_url(str(lake), Path())))


def files_in(lake: Path) -> set[str]:
    """All files of a lake in a folder, those that no head names included; without the heads."""
    return {
        path.relative_to(lake).as_posix() for path in lake.rglob("*") if path.is_file() and path.name != "head.json"
    }


def published(lake: Path, table: str, columns: str = "*") -> list[tuple]:
    """The rows of one table of all writers, as they would be united; sorted."""
    paths = [str(lake / file.path) for head in heads_of(lake) for file in head.files if file.table == table]
    if not paths:
        return []
    return sorted(
        duckdb.sql(f"SELECT DISTINCT {columns} FROM read_parquet({paths}, hive_partitioning = FALSE)").fetchall(),
        key=repr,
    )


def shown(store: StoreUrl, table: str, columns: str = "*") -> list[tuple]:
    """The rows of one table as the views of a store show them, without the number of their load; sorted."""
    with connect(store) as session:
        has_load = "load_id" in session.views(table)["name"].tolist() and columns == "*"
        replaced = "* REPLACE (CAST(NULL AS BIGINT) AS load_id)" if has_load else columns
        found = session._reader.connection.execute(f"SELECT {replaced} FROM {table}").fetchall()
    return sorted(found, key=repr)


def execute(store: StoreUrl, statement: str, *values: object) -> int:
    """Change a store behind the workbench's back; return how many rows."""
    with closing(sqlite3.connect(store.path)) as connection:
        count = connection.execute(statement, values).rowcount
        connection.commit()
    return count


def marts_over(lake: Path, store: StoreUrl) -> dict[str, tuple[list[str], list[tuple]]]:
    """The columns and sorted rows of every mart over what one writer has published; the store has the types."""
    (head,), connection, found = heads_of(lake), bare(), {}
    connection.execute("SET threads = 1")
    with connect(store) as session:
        types = {table: session.sql(f"DESCRIBE SELECT * FROM {table}")["column_type"] for table in staging_views()}
    for table in staging_views():
        columns = zip([column.name for column in describe_view(table)[1]], types[table], strict=True)
        connection.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns)})")
        if paths := [str(lake / file.path) for file in head.files if file.table == table]:
            connection.execute(f"INSERT INTO {table} FROM read_parquet({paths}, hive_partitioning = FALSE)")
    for mart in marts():
        connection.execute(f"CREATE VIEW {mart} AS {sql.view_text('marts', mart)}")
        rows = connection.execute(f"SELECT * FROM {mart}")
        found[mart] = ([column[0] for column in rows.description], sorted(rows.fetchall(), key=repr))
    return found
