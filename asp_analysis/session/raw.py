"""The lowest layer of views: the contract's tables with the contract's columns, whatever the attached store has.

A store of the workbench has STRICT tables, or types on a server, and is read as it is. A file that the ASP platform
wrote may lack columns of ours and may hold a text in a column of numbers, which makes every typed scan of it fail: it
is read as text, inside SQLite, and the staging views turn the text into types.
"""

from dataclasses import dataclass

import duckdb

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError

STORE = "asp_store"
"""The name under which the store is attached."""

_PLATFORM_TABLES = ("agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics")

CONTRACT: dict[str, tuple[str, ...]] = {
    table: columns
    for table, columns in sql.table_columns().items()
    if table in {*_PLATFORM_TABLES, "agent_roles", "load_log", "load_reject"}
}
"""Table -> the columns that the staging views and exports may read."""

_OF_ONE_METRIC = {"id", "execution_date", "metric_type", "metric_value", "metric_unit", "metadata", "execution_id"}
EXECUTION_CONTEXT = tuple(name for name in CONTRACT["agent_cost_vector"] if name not in _OF_ONE_METRIC)
"""What tells one execution from another where the file gives it no name."""


@dataclass(frozen=True)
class Table:
    """A table of the attached store: its columns, and how it can be read ("typed", "text" or "server")."""

    columns: tuple[str, ...]
    kind: str


Tables = dict[str, Table]


def tables_of(connection: duckdb.DuckDBPyConnection, url: StoreUrl) -> Tables:
    """List the tables of the attached store.

    Raises:
        StoreError: it holds none of the contract's.
    """
    tables = _file_tables(connection) if url.is_sqlite else _server_tables(connection)
    if not any(name in tables for name in _PLATFORM_TABLES):
        what = "the file" if url.is_sqlite else url.shown
        how = "init" if url.is_sqlite else "migrate POSTGRES_URL"
        raise StoreError(
            f"A store is needed, {what} holds none of {', '.join(_PLATFORM_TABLES)}. "
            f"Name another, or create a store with: asp-analysis {how}"
        )
    return tables


def raw_view(tables: Tables, table: str, after: int | None = None) -> str:
    """Give the statement that makes `raw.<table>`; with `after`, only of the rows of larger numbers (rowid, or id)."""
    found = tables.get(table)
    if found is None:
        return _absent(table)
    if found.kind == "server":
        return _from_server(table, found.columns, after)
    if found.kind == "text" or after is not None:  # a condition is no filter of a scan, it must run inside SQLite
        return _as_text(table, found.columns, after)
    listed = ", ".join(f'"{name}"' if name in found.columns else f'NULL AS "{name}"' for name in CONTRACT[table])
    return f'CREATE OR REPLACE VIEW raw."{table}" AS SELECT {listed} FROM {STORE}."{table}"'


def _file_tables(connection: duckdb.DuckDBPyConnection) -> Tables:
    inner = (
        "SELECT t.name AS tbl, t.strict AS strict, c.name AS col FROM pragma_table_list AS t "
        "JOIN pragma_table_info(t.name) AS c WHERE t.schema = ''main'' AND t.type = ''table''"
    )
    tables: Tables = {}
    for table, strict, column in connection.execute(f"SELECT * FROM sqlite_query('{STORE}', '{inner}')").fetchall():
        before = tables.get(table, Table((), ""))
        tables[table] = Table((*before.columns, column), "typed" if str(strict) == "1" else "text")
    return tables


def _server_tables(connection: duckdb.DuckDBPyConnection) -> Tables:
    query = (
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        f"WHERE database_name = '{STORE}' AND schema_name = "
        f"(SELECT s FROM postgres_query('{STORE}', 'SELECT current_schema() AS s')) GROUP BY table_name"
    )
    return {name: Table(tuple(columns), "server") for name, columns in connection.execute(query).fetchall()}


def _absent(table: str) -> str:
    if table == "agent_roles":
        values = sql.script("agent_roles.sql").partition("VALUES")[2].rstrip().rstrip(";")
        roles = f"SELECT * FROM (VALUES {values}) AS r (agent_role, phase_order, kind)"
        return f"CREATE OR REPLACE VIEW raw.agent_roles AS {roles}"
    listed = ", ".join(f'NULL AS "{name}"' for name in CONTRACT[table])
    return f'CREATE OR REPLACE VIEW raw."{table}" AS SELECT {listed} WHERE FALSE'


def _from_server(table: str, columns: tuple[str, ...], after: int | None) -> str:
    listed = []
    for name in CONTRACT[table]:
        if name not in columns:
            listed.append(f'NULL AS "{name}"')
        elif name == "components_affected":  # TEXT[] there, a JSON array here
            listed.append(f'CAST(to_json("{name}") AS VARCHAR) AS "{name}"')
        else:
            listed.append(f'"{name}"')
    condition = "" if after is None else f" WHERE id > {after}"
    return f'CREATE OR REPLACE VIEW raw."{table}" AS SELECT {", ".join(listed)} FROM {STORE}."{table}"{condition}'


def _as_text(table: str, columns: tuple[str, ...], after: int | None) -> str:
    """Read a table as text, every REAL with all its digits, and name its executions where it does not."""
    texts = ", ".join(_text_of(name) for name in CONTRACT[table] if name in columns)
    condition = "" if after is None else f" WHERE rowid > {after}"
    inner = f'SELECT {texts} FROM "{table}"{condition}'.replace("'", "''")
    listed = ", ".join(_or_unknown(table, name, columns) for name in CONTRACT[table])
    return f"CREATE OR REPLACE VIEW raw.\"{table}\" AS SELECT {listed} FROM sqlite_query('{STORE}', '{inner}')"


def _text_of(name: str) -> str:
    return (
        f"CASE typeof(\"{name}\") WHEN 'real' THEN printf('%!.17g', \"{name}\") "
        f'ELSE CAST("{name}" AS TEXT) END AS "{name}"'
    )


def _or_unknown(table: str, name: str, columns: tuple[str, ...]) -> str:
    if name in columns:
        return f'"{name}"'
    return f"{_execution_name(columns)} AS execution_id" if name == "execution_id" else f'NULL AS "{name}"'


def _execution_name(columns: tuple[str, ...]) -> str:
    """Rows of one context belong to one execution, until one of its metrics comes again."""
    context = ", ".join(f'"{name}"' for name in EXECUTION_CONTEXT if name in columns)
    order = "TRY_CAST(id AS BIGINT)" if "id" in columns else "timestamp"
    return (
        f"md5(concat_ws('|', {context})) || '-' || "
        f"row_number() OVER (PARTITION BY {context}, metric_type ORDER BY {order})"
    )
