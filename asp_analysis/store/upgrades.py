"""Upgrades a store of an earlier schema version to the present one: backed up first, all or nothing, compared.

All steps run in one transaction: a process that is killed leaves the store as it was, and the next that writes begins
again. The content is summed up before and after; where the two differ, nothing is changed.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, inspect

from asp_analysis import sql
from asp_analysis.errors import StoreError
from asp_analysis.executions import COLUMN_OF, EXECUTIONS, MEASURES, METRICS
from asp_analysis.platform_form import our_name, unfold
from asp_analysis.records import RECORDS, json_text
from asp_analysis.store.former import NEW_TABLES, Dialect, aside, dialect_of
from asp_analysis.store.statements import execute, run_statements
from asp_analysis.store.views import create_views

_ROWS_AT_ONCE = 5_000
_ADDED_TO_LOAD_LOG = {"modified_ns": "INTEGER", "found_json": "TEXT"}
"""Columns of `load_log` that the first stores may lack."""

_ADDED_TABLES = ("people", "name_alias", "code_change", "change_session", "budget", "agent_change", "change_assignment")
"""Tables that came after version 3, those that others refer to first."""

_OLD_KEYS = {"task_metadata": "task_id", "defect_log": "defect_id", "bootstrap_metrics": "id"}
_OLD_TOOLS = (
    "claude-code",
    "codex",
    "gemini-cli",
    "langfuse",
    "mini-swe-agent",
    "opentelemetry",
    "pi",
    "swe-agent",
)
"""What version 2 wrote into a call's metadata as its `source`: from version 3 on the column `tool`."""

Facts = dict[str, tuple[int, float]]
"""What is compared before and after: name -> how many are known, and their sum."""


def has_upgrade(version: int) -> bool:
    """Return whether a store of this version can be upgraded to the present one."""
    return version in _STEPS


def upgrade(connection: Connection, version: int) -> None:
    """Upgrade a store of `version` to the present one, within a transaction.

    Raises:
        StoreError: the upgraded content differs from the former one; the caller rolls back.
    """
    while version in _STEPS:
        _STEPS[version](connection)
        version += 1


def _to_2(connection: Connection) -> None:
    """Complete the load log; only SQLite had a version 1. The counters of changes come with version 3."""
    there = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(load_log)")}
    for column, type_ in _ADDED_TO_LOAD_LOG.items():
        if column not in there:
            connection.exec_driver_sql(f"ALTER TABLE load_log ADD COLUMN {column} {type_}")
    _note_version(connection, 2)


def _to_3(connection: Connection) -> None:
    """Make one row of each execution, and rename the other tables' columns as in the views."""
    dialect = dialect_of(connection)
    dialect.put_aside(connection)
    before = _facts_before(connection, dialect)
    _create_tables(connection, NEW_TABLES)
    _create_missing(connection, _ADDED_TABLES)  # the views read them
    _fill_vocabularies(connection)
    execute(connection, "UPDATE load_log SET loaded_as = 'metrics' WHERE loaded_as = 'agent_cost_vector'")
    _carry(connection, "task_metadata", dialect)
    _gather_executions(connection, dialect)
    _carry(connection, "defect_log", dialect)
    _carry(connection, "bootstrap_metrics", dialect)
    _compare(before, _facts_after(connection))
    create_views(connection)
    dialect.finish(connection)
    dialect.drop_aside(connection)
    _note_version(connection, 3)


def _to_4(connection: Connection) -> None:
    """Add what takes a load back; loads of before have no `rows_brought`."""
    dialect_of(connection).own(connection)
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql(f"ALTER TABLE load_log ADD COLUMN rows_brought {'INTEGER' if is_sqlite else 'BIGINT'}")
    _create_tables(connection, ("load_version",))
    _note_version(connection, 4)


def _to_5(connection: Connection) -> None:
    """Add people, aliases, and the code that an execution worked on; the views of the store show all three."""
    dialect = dialect_of(connection)
    dialect.own(connection)
    dialect.add_columns(connection, EXECUTIONS, {"repository": "TEXT", "branch": "TEXT"})
    _add_tables(connection, 5)


def _to_6(connection: Connection) -> None:
    """Add what came of the work: changes of code, and the sessions that worked on them."""
    _add_tables(connection, 6)


def _to_7(connection: Connection) -> None:
    """Add what people decide by: budgets, changes of the agents and what was assigned to them."""
    _add_tables(connection, 7)


def _add_tables(connection: Connection, version: int) -> None:
    """Add the tables that are not there; the views of the store may read them."""
    dialect = dialect_of(connection)
    dialect.own(connection)
    _create_missing(connection, _ADDED_TABLES)
    dialect.count_changes(connection, _ADDED_TABLES)
    create_views(connection)
    dialect.grant(connection)
    _note_version(connection, version)


_STEPS: dict[int, Callable[[Connection], None]] = {1: _to_2, 2: _to_3, 3: _to_4, 4: _to_5, 5: _to_6, 6: _to_7}


def _note_version(connection: Connection, version: int) -> None:
    now = "now()" if connection.dialect.name == "postgresql" else "strftime('%Y-%m-%dT%H:%M:%S', 'now') || '.000000Z'"
    execute(connection, f"INSERT INTO asp_schema (version, created_at) VALUES ({version}, {now})")


def _create_tables(connection: Connection, tables: Iterable[str]) -> None:
    folder = "sqlite/create_tables.sql" if connection.dialect.name == "sqlite" else "migrations/001_create_tables.sql"
    run_statements(connection, [s for s in sql.table_statements(folder, tables) if s.startswith("CREATE TABLE")])


def _create_missing(connection: Connection, tables: Iterable[str]) -> None:
    there = set(inspect(connection).get_table_names())
    _create_tables(connection, [table for table in tables if table not in there])


def _fill_vocabularies(connection: Connection) -> None:
    for table in ("capabilities", "defect_types"):
        columns = ", ".join(sql.table_columns()[table])
        execute(connection, f"INSERT INTO {table} ({columns}) VALUES {sql.vocabulary_rows(table)}")


# --- tasks, defects, learning -----------------------------------------------------------------------------------------


def _carry(connection: Connection, table: str, dialect: Dialect) -> None:
    """Copy a table row by row under our names."""
    columns = [name for name in sql.table_columns()[table] if name != "load_id"]
    places = ", ".join("?" * len(columns))
    insert, key = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", _OLD_KEYS[table]
    for rows in _old_rows(connection, table, key, dialect):
        records = [_ours(table, key, row) for row in rows]
        execute(connection, insert, [tuple(record.get(name) for name in columns) for record in records])


def _old_rows(connection: Connection, table: str, key: str, dialect: Dialect) -> Iterator[list[dict[str, Any]]]:
    """Read what was put aside, a few thousand rows at a time, by its key."""
    listed = dialect.old_columns(connection, table)
    last: tuple[Any, ...] = ()
    while True:
        beyond = f"WHERE {key} > ?" if last else ""
        query = f"SELECT {listed} FROM {aside(table)} {beyond} ORDER BY {key} LIMIT {_ROWS_AT_ONCE}"
        rows = [dict(row) for row in execute(connection, query, last).mappings()]
        if not rows:
            return
        yield rows
        last = (rows[-1][key],)


def _ours(table: str, key: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row under our names.

    Raises:
        StoreError: one of its JSON texts holds a number that is too large to be written again.
    """
    try:
        return _renamed(table, row)
    except ValueError as error:
        raise StoreError(
            f"The store cannot be upgraded: JSON of {table} {row[key]!r} cannot be rewritten ({error}). "
            "Nothing was changed. Correct the row, then try again."
        ) from None


def _renamed(table: str, row: dict[str, Any]) -> dict[str, Any]:
    record = unfold(table, {our_name(table, name): value for name, value in row.items()})
    if table == "task_metadata":
        metadata = json.loads(record.get("metadata_json") or "{}")
        record["is_stub"] = bool(metadata.get("is_stub"))
        if "is_stub" in metadata:  # else the text stays as it is, with every digit of its numbers
            del metadata["is_stub"]
            record["metadata_json"] = json_text(metadata) if metadata else None
    return {name: value for name, value in record.items() if name in RECORDS[table].model_fields}


# --- executions -------------------------------------------------------------------------------------------------------


def _gather_executions(connection: Connection, dialect: Dialect) -> None:
    """Make one row of the metrics of each execution; a count that was no whole number is kept in the metadata, too."""
    columns = [
        "execution_id", "executed_at", "task_id", "subtask_id", "project_id", "user_id", "agent_role", "agent_version",
        "agent_iteration", "llm_model", "llm_provider", "latency_ms", "tokens_in", "tokens_out", "tokens_cache_read",
        "tokens_cache_write", "cost_usd", "tool_calls", "retries", "memory_mb",
    ]  # fmt: skip
    gathered = dialect.gathering(sql.script("one_row_per_execution.sql"))
    tools = ", ".join(f"'{tool}'" for tool in _OLD_TOOLS)
    is_tool = f"{dialect.source_of_metadata} IN ({tools})"
    named = ", ".join(columns)
    run_statements(
        connection,
        [
            f"INSERT INTO {EXECUTIONS} ({named}, tool, metadata_json) "
            f"SELECT {named}, CASE WHEN {is_tool} THEN {dialect.source_of_metadata} END, "
            f"CASE WHEN {is_tool} THEN {dialect.metadata_without_source} ELSE metadata_json END "
            f"FROM ({gathered}) AS gathered ORDER BY first_row"
        ],
    )
    _keep_fractions(connection)


def _keep_fractions(connection: Connection) -> None:
    counts = ", ".join(f"'{name}'" for name, measure in METRICS.items() if measure.is_count)
    query = (
        "SELECT execution_id, metric_type, metric_value FROM metrics "
        f"WHERE metric_type IN ({counts}) AND metric_value <> round(metric_value) ORDER BY execution_id"
    )
    exact: dict[str, dict[str, float]] = {}
    for execution_id, metric, value in execute(connection, query).all():
        exact.setdefault(execution_id, {})[COLUMN_OF[metric]] = value
    for execution_id, values in exact.items():
        known = execute(
            connection, f"SELECT metadata_json FROM {EXECUTIONS} WHERE execution_id = ?", (execution_id,)
        ).scalar_one()
        metadata = json_text({**json.loads(known or "{}"), "exact": values})
        execute(
            connection, f"UPDATE {EXECUTIONS} SET metadata_json = ? WHERE execution_id = ?", (metadata, execution_id)
        )


# --- the comparison ---------------------------------------------------------------------------------------------------


def _facts_before(connection: Connection, dialect: Dialect) -> Facts:
    """Sum up what was put aside; counts as they are rounded to whole numbers."""
    facts: Facts = {}
    query = (
        f"SELECT metric_type, count(*), sum(metric_value), sum({dialect.rounded}(metric_value)) "
        "FROM metrics GROUP BY metric_type"
    )
    for metric, count, total, rounded in execute(connection, query).all():
        facts[COLUMN_OF[metric]] = (count, rounded if METRICS[metric].is_count else total)
    (executions,) = execute(connection, "SELECT count(DISTINCT execution_id) FROM metrics").all()[0]
    return facts | {"executions": (executions, 0.0)} | _row_counts(connection, aside)


def _facts_after(connection: Connection) -> Facts:
    known = ", ".join(f"count({name}), sum({name})" for name in MEASURES)
    row = execute(connection, f"SELECT count(*), {known} FROM {EXECUTIONS}").all()[0]
    executions, found = row[0], row[1:]
    pairs = zip(MEASURES, found[::2], found[1::2], strict=True)
    facts = {name: (count, float(total)) for name, count, total in pairs if count}
    return facts | {"executions": (executions, 0.0)} | _row_counts(connection, str)


def _row_counts(connection: Connection, named: Callable[[str], str]) -> Facts:
    """Count the rows of the other tables; named: table -> the name under which it is found."""
    tables = [table for table in sql.CONTRACT_TABLES if table != EXECUTIONS]
    return {name: (execute(connection, f"SELECT count(*) FROM {named(name)}").scalar_one(), 0.0) for name in tables}


def _compare(before: Facts, after: Facts) -> None:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, (0, 0.0)), after.get(name, (0, 0.0))
        if was[0] != now[0] or abs(was[1] - now[1]) > 1e-9 * max(1.0, abs(was[1])):
            raise StoreError(
                f"The upgrade of the store would change {name} from {was[0]} values of sum {was[1]} to {now[0]} of sum "
                f"{now[1]}. Nothing was changed. Keep using the release that wrote it, and report this."
            )
