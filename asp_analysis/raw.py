"""The lowest layer of views: the contract's tables with the contract's columns, whatever the attached file has.

A store of the workbench has STRICT tables and is read as it is. A file that the ASP platform wrote may lack columns
of ours and may hold a text in a column of numbers, which makes every typed scan of it fail: it is read as text,
inside SQLite, and the staging views turn the text into types.
"""

import duckdb

from asp_analysis import sql
from asp_analysis.errors import StoreError
from asp_analysis.records import EXECUTION_CONTEXT, CostMetric, Defect, LearningMetric, Task

_LOAD_LOG = (
    "load_id",
    "file",
    "sha256",
    "format",
    "loaded_as",
    "finished_at",
    "read_count",
    "written",
    "updated",
    "present",
    "rejected",
    "tasks_stubbed",
)

CONTRACT: dict[str, tuple[str, ...]] = {
    "agent_cost_vector": ("id", *CostMetric.model_fields),
    "task_metadata": tuple(Task.model_fields),
    "defect_log": tuple(Defect.model_fields),
    "bootstrap_metrics": ("id", *LearningMetric.model_fields),
    "agent_roles": ("agent_role", "phase_order", "kind"),
    "load_log": _LOAD_LOG,
}
"""Table -> the columns that the staging views may read."""

_PLATFORM_TABLES = ("agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics")


def raw_view(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> str:
    """Give the statement that makes `raw.<table>` over the attached `database`.

    Raises:
        StoreError: the file has none of the contract's tables.
    """
    present = _columns(connection, database)
    if not any(name in present for name in _PLATFORM_TABLES):
        raise StoreError(
            f"A store is needed, the file holds none of {', '.join(_PLATFORM_TABLES)}. "
            "Name another file, or create a store with: asp-analysis init"
        )
    if table not in present:
        return _absent(table)
    columns, is_strict = present[table]
    if is_strict:
        listed = ", ".join(f'"{name}"' if name in columns else f'NULL AS "{name}"' for name in CONTRACT[table])
        return f'CREATE VIEW raw."{table}" AS SELECT {listed} FROM {database}."{table}"'
    return _as_text(database, table, columns)


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[list[str], bool]]:
    inner = (
        "SELECT t.name AS tbl, t.strict AS strict, c.name AS col FROM pragma_table_list AS t "
        "JOIN pragma_table_info(t.name) AS c WHERE t.schema = ''main'' AND t.type = ''table''"
    )
    tables: dict[str, tuple[list[str], bool]] = {}
    for table, strict, column in connection.execute(f"SELECT * FROM sqlite_query('{database}', '{inner}')").fetchall():
        tables.setdefault(table, ([], str(strict) == "1"))[0].append(column)
    return tables


def _absent(table: str) -> str:
    if table == "agent_roles":
        values = sql.script("agent_roles.sql").partition("VALUES")[2].rstrip().rstrip(";")
        return f"CREATE VIEW raw.agent_roles AS SELECT * FROM (VALUES {values}) AS r (agent_role, phase_order, kind)"
    listed = ", ".join(f'NULL AS "{name}"' for name in CONTRACT[table])
    return f'CREATE VIEW raw."{table}" AS SELECT {listed} WHERE FALSE'


def _as_text(database: str, table: str, columns: list[str]) -> str:
    """Read a foreign table as text, every REAL with all its digits, and name its executions where it does not."""
    texts = ", ".join(_text_of(name) for name in CONTRACT[table] if name in columns)
    inner = f'SELECT {texts} FROM "{table}"'.replace("'", "''")
    listed = ", ".join(_or_unknown(table, name, columns) for name in CONTRACT[table])
    return f"CREATE VIEW raw.\"{table}\" AS SELECT {listed} FROM sqlite_query('{database}', '{inner}')"


def _text_of(name: str) -> str:
    return (
        f"CASE typeof(\"{name}\") WHEN 'real' THEN printf('%!.17g', \"{name}\") "
        f'ELSE CAST("{name}" AS TEXT) END AS "{name}"'
    )


def _or_unknown(table: str, name: str, columns: list[str]) -> str:
    if name in columns:
        return f'"{name}"'
    return f"{_execution_name(columns)} AS execution_id" if name == "execution_id" else f'NULL AS "{name}"'


def _execution_name(columns: list[str]) -> str:
    """Rows of one context belong to one execution, until one of its metrics comes again."""
    context = ", ".join(f'"{name}"' for name in EXECUTION_CONTEXT if name in columns)
    order = "TRY_CAST(id AS BIGINT)" if "id" in columns else "timestamp"
    return (
        f"md5(concat_ws('|', {context})) || '-' || "
        f"row_number() OVER (PARTITION BY {context}, metric_type ORDER BY {order})"
    )
