"""The lowest layer of views: `raw` has the store's tables with the store's columns, whatever is attached.

A store of the present schema is read as it is. A file that the ASP platform wrote, and a store of an earlier schema
version, has one row per metric and the contract's names: the schema `platform` shows its tables, and the SQL in
`database/views/platform/` turns them into ours. Such a file may lack columns and may hold a text in a column of
numbers, which makes every typed scan of it fail: it is read as text, inside SQLite.
"""

from dataclasses import dataclass

import duckdb

from asp_analysis import platform_form, sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError

STORE = "asp_store"
"""The name under which the store is attached."""

RAW_TABLES = (
    *sql.CONTRACT_TABLES,
    *sql.VOCABULARIES,
    sql.PEOPLE,
    sql.CODE_CHANGES,
    sql.CHANGE_SESSIONS,
    sql.ALIASES,
    sql.BUDGETS,
    sql.AGENT_CHANGES,
    sql.CHANGE_ASSIGNMENTS,
    "load_log",
    "load_reject",
)
"""The tables that `raw` shows."""

_DUCKDB_TYPES = {"INTEGER": "BIGINT", "REAL": "DOUBLE", "TEXT": "VARCHAR"}
"""SQLite's types -> DuckDB's."""

_MERGED = """
CREATE MACRO asp_merged(x) AS CASE
    WHEN count(DISTINCT x) > 1
        THEN list_reduce(
            list_sort(list(DISTINCT x) FILTER (WHERE x IS NOT NULL)),
            lambda a, b: CAST(json_merge_patch(a, b) AS VARCHAR)
        )
    ELSE min(x)
END
"""


@dataclass(frozen=True)
class AttachedTable:
    """A table of the attached store: its columns, and how it can be read ("typed", "text" or "server")."""

    columns: tuple[str, ...]
    kind: str


Tables = dict[str, AttachedTable]


def tables_of(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> Tables:
    """List the tables of the attached store.

    Raises:
        StoreError: it holds none of the contract's.
    """
    tables = _file_tables(connection) if url.is_sqlite else _server_tables(connection)
    if not any(name in tables for name in sql.CONTRACT_TABLES):
        what = "The file" if url.is_sqlite else url.shown
        how = "init" if url.is_sqlite else "migrate POSTGRES_URL"
        raise StoreError(
            f"{what} is not a store: it has none of {', '.join(sql.CONTRACT_TABLES)}. "
            f"Name another, or create a store with: asp-analysis {how}"
        )
    return tables


def create_raw(connection: duckdb.DuckDBPyConnection, tables: Tables, version: int | None) -> None:
    """Create `raw` over the attached store; version: its schema version, None for a file of the platform."""
    connection.execute("CREATE SCHEMA raw")
    if version is not None and version >= sql.ONE_ROW_VERSION:
        for table in RAW_TABLES:
            connection.execute(raw_view(tables, table))
        return
    connection.execute("CREATE SCHEMA platform")
    connection.execute(_MERGED)
    for table in sql.CONTRACT_TABLES:
        connection.execute(_platform_view(tables, table))
    connection.execute(f"CREATE VIEW platform.metrics AS {sql.view_text('platform', 'metrics')}")
    gathered = sql.script("one_row_per_execution.sql").replace("FROM metrics", "FROM platform.metrics")
    connection.execute(f"CREATE VIEW platform.executions AS {gathered}")
    for table in sql.CONTRACT_TABLES:
        connection.execute(f'CREATE VIEW raw."{table}" AS {sql.view_text("platform", table)}')
    for table in RAW_TABLES[len(sql.CONTRACT_TABLES) :]:
        connection.execute(raw_view(tables, table))


def raw_view(tables: Tables, table: str, after: int | None = None) -> str:
    """Return the statement that creates `raw.<table>`.

    With `after`, it shows only the rows of larger numbers: SQLite's rowid, row_id on a server.
    """
    found, columns = tables.get(table), sql.table_columns()[table]
    if found is None:
        return _absent(table)
    if found.kind == "server":
        listed = ", ".join(
            f'"{name}"' if name in found.columns else f'CAST(NULL AS {_DUCKDB_TYPES[kind]}) AS "{name}"'
            for name, kind in columns.items()
        )
        condition = "" if after is None else f" WHERE row_id > {after}"
        return f'CREATE OR REPLACE VIEW raw."{table}" AS SELECT {listed} FROM {STORE}."{table}"{condition}'
    if after is not None:  # a condition is no filter of a scan, it must run inside SQLite, which has no types
        texts = (_text_of(name) if name in found.columns else f'NULL AS "{name}"' for name in columns)
        inner = f'SELECT {", ".join(texts)} FROM "{table}" WHERE rowid > {after}'.replace("'", "''")
        listed = ", ".join(f'CAST("{name}" AS {_DUCKDB_TYPES[kind]}) AS "{name}"' for name, kind in columns.items())
        return f"CREATE OR REPLACE VIEW raw.\"{table}\" AS SELECT {listed} FROM sqlite_query('{STORE}', '{inner}')"
    listed = ", ".join(
        f'"{name}"' if name in found.columns else f'CAST(NULL AS {_DUCKDB_TYPES[kind]}) AS "{name}"'
        for name, kind in columns.items()
    )
    return f'CREATE OR REPLACE VIEW raw."{table}" AS SELECT {listed} FROM {STORE}."{table}"'


def _file_tables(connection: duckdb.DuckDBPyConnection) -> Tables:
    inner = (
        "SELECT t.name AS tbl, t.strict AS strict, c.name AS col FROM pragma_table_list AS t "
        "JOIN pragma_table_info(t.name) AS c WHERE t.schema = ''main'' AND t.type = ''table''"
    )
    tables: Tables = {}
    for table, strict, column in connection.execute(f"SELECT * FROM sqlite_query('{STORE}', '{inner}')").fetchall():
        before = tables.get(table, AttachedTable((), ""))
        tables[table] = AttachedTable((*before.columns, column), "typed" if str(strict) == "1" else "text")
    return tables


def _server_tables(connection: duckdb.DuckDBPyConnection) -> Tables:
    query = (
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        f"WHERE database_name = '{STORE}' AND schema_name = "
        f"(SELECT s FROM postgres_query('{STORE}', 'SELECT current_schema() AS s')) GROUP BY table_name"
    )
    return {name: AttachedTable(tuple(columns), "server") for name, columns in connection.execute(query).fetchall()}


def _absent(table: str) -> str:
    columns = sql.table_columns()[table]
    if table in sql.VOCABULARIES:
        typed = ", ".join(f"CAST({name} AS {_DUCKDB_TYPES[kind]}) AS {name}" for name, kind in columns.items())
        words = f"(VALUES {sql.vocabulary_rows(table)}) AS words ({', '.join(columns)})"
        return f"CREATE OR REPLACE VIEW raw.{table} AS SELECT {typed} FROM {words}"
    listed = ", ".join(f'CAST(NULL AS {_DUCKDB_TYPES[kind]}) AS "{name}"' for name, kind in columns.items())
    return f'CREATE OR REPLACE VIEW raw."{table}" AS SELECT {listed} WHERE FALSE'


# --- the platform's form ----------------------------------------------------------------------------------------------


def _platform_view(tables: Tables, table: str) -> str:
    """Return the statement that creates `platform.<table>` with the contract's columns."""
    found, columns = tables.get(table), platform_form.CONTRACT_COLUMNS[table]
    head = f'CREATE VIEW platform."{table}" AS SELECT'
    if found is None:
        return f"{head} {', '.join(f'CAST(NULL AS VARCHAR) AS {name}' for name in columns)} WHERE FALSE"
    listed = ", ".join(_or_unknown(name, found) for name in columns)
    if found.kind == "server":
        listed = listed.replace('"components_affected"', 'to_json("components_affected") AS "components_affected"', 1)
    if found.kind != "text":
        return f'{head} {listed} FROM {STORE}."{table}"'
    texts = ", ".join(_text_of(name) for name in columns if name in found.columns)
    inner = f'SELECT {texts} FROM "{table}"'.replace("'", "''")
    return f"{head} {listed} FROM sqlite_query('{STORE}', '{inner}')"


def _text_of(name: str) -> str:
    """Read a column as text, every REAL with all its digits."""
    return (
        f"CASE typeof(\"{name}\") WHEN 'real' THEN printf('%!.17g', \"{name}\") "
        f'ELSE CAST("{name}" AS TEXT) END AS "{name}"'
    )


def _or_unknown(name: str, found: AttachedTable) -> str:
    if name == "execution_id" and name not in found.columns:
        return f"{_execution_name(found.columns)} AS execution_id"
    if name == "execution_id" and found.kind == "text":  # the platform's own rows may lack it; a store's never do
        return f"COALESCE(NULLIF(execution_id, ''), {_execution_name(found.columns)}) AS execution_id"
    return f'"{name}"' if name in found.columns else f'NULL AS "{name}"'


def _execution_name(columns: tuple[str, ...]) -> str:
    """Rows of one context belong to one execution, until one of its metrics comes again."""
    context = ", ".join(f'"{name}"' for name in platform_form.PLATFORM_CONTEXT if name in columns)
    order = "TRY_CAST(id AS BIGINT)" if "id" in columns else "timestamp"
    return (
        f"md5(concat_ws('|', {context})) || '-' || "
        f"row_number() OVER (PARTITION BY {context}, metric_type ORDER BY {order})"
    )
