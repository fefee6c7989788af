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


def marts_over(lake: Path) -> dict[str, tuple[list[str], list[tuple]]]:
    """The columns and sorted rows of every mart over what the one writer of a lake has published."""
    (head,) = heads_of(lake)
    connection = bare()
    connection.execute("SET threads = 1")
    for table in staging_views():
        paths = [str(lake / file.path) for file in head.files if file.table == table]
        columns = ", ".join(f"CAST(NULL AS {TYPES.get(name, 'VARCHAR')}) AS {name}" for name in columns_of(table))
        source = f"read_parquet({paths}, hive_partitioning = FALSE)" if paths else f"(SELECT {columns} LIMIT 0)"
        connection.execute(f"CREATE TABLE {table} AS FROM {source}")
    found = {}
    for mart in marts():
        connection.execute(f"CREATE VIEW {mart} AS {sql.view_text('marts', mart)}")
        rows = connection.execute(f"SELECT * FROM {mart}")
        found[mart] = ([column[0] for column in rows.description], sorted(rows.fetchall(), key=repr))
    return found


TYPES = (
    dict.fromkeys(("created_at", "started_at", "merged_at", "released_at", "reverted_at"), "TIMESTAMP")
    | dict.fromkeys(("lines_added", "lines_deleted", "lines_lost_14", "lines_lost_30", "lines_lost_90"), "BIGINT")
    | {"share": "DOUBLE", "reverted_share": "DOUBLE", "amount": "DOUBLE", "changed_at": "TIMESTAMP"}
)


def columns_of(table: str) -> list[str]:
    return [column.name for column in describe_view(table)[1]]
