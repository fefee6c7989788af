"""Removes what belongs to a task, or to the time before a day; or empties it of its texts, and the numbers stay."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from asp_analysis import sql
from asp_analysis.errors import InputError
from asp_analysis.executions import EXECUTIONS
from asp_analysis.records import json_text
from asp_analysis.store.forgotten import FORGOTTEN_NAME, Forgotten, longest_word
from asp_analysis.store.forgotten_person import Forgot
from asp_analysis.store.statements import execute
from asp_analysis.store.stubs import date_stubs
from asp_analysis.store.upsert import KEYED_TABLES
from asp_analysis.store.versions import key_text

_NOUN_OF_TABLE = {
    EXECUTIONS: "execution",
    "defect_log": "defect",
    "bootstrap_metrics": "measurement",
    "change_session": "linked session",
    "code_change": "change",
    "task_metadata": "task",
}
_NAME_TASKS = (EXECUTIONS, "defect_log", "code_change")
_WRITTEN_TEXTS: dict[str, tuple[str, ...]] = {
    EXECUTIONS: (),
    "task_metadata": ("task_description", "requirements_text", "human_corrections_json", "components_json"),
    "defect_log": ("description", "root_cause", "resolution_notes", "component_path", "function_name"),
    "bootstrap_metrics": ("notes",),
    "code_change": ("title", "branch", "release_name"),
    "change_session": (),
}
"""Columns of texts that people or agents wrote, and of what they name."""

_DESCRIBED = {"task_metadata": ("semantic_units_json", "metadata_json"), EXECUTIONS: ("metadata_json",)}
_OTHERS = {
    "defect_log": ("metadata_json",),
    "bootstrap_metrics": ("metadata_json", "secondary_metrics_json"),
    "code_change": ("metadata_json",),
}
_KEPT_KEYS = {
    "session_id", "agent", "tools", "variant", "covers", "billing", "price", "forecasts", "activity", "failure_mode",
}  # fmt: skip
_CONTENT_KEYS = {"texts", "files", "description", "projects", "branches"}


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What goes: where of each table, with the values; and whether its numbers stay."""

    where: dict[str, str]
    value: str
    keeps_numbers: bool = False


def of_task(task_id: str, *, keeps_numbers: bool = False) -> Removal:
    """Return what a task's rows are."""
    where = {
        "change_session": "change_id IN (SELECT change_id FROM code_change WHERE task_id = ?)",
        **dict.fromkeys((*_NAME_TASKS, "task_metadata"), "task_id = ?"),
    }
    return Removal(where=where, value=task_id, keeps_numbers=keeps_numbers)


def before(instant: str, *, keeps_numbers: bool = False) -> Removal:
    """Return what happened before an instant; a task whose later rows stay goes only when nothing names it any more."""
    named = " OR ".join(f"task_id IN (SELECT task_id FROM {table})" for table in _NAME_TASKS)
    where = {
        "change_session": "change_id IN (SELECT change_id FROM code_change WHERE started_at < ?)",
        "code_change": "started_at < ?",
        EXECUTIONS: "executed_at < ?",
        "defect_log": "found_at < ?",
        "bootstrap_metrics": "measured_at < ?",
        "task_metadata": "created_at < ?" if keeps_numbers else f"created_at < ? AND NOT ({named})",
    }
    return Removal(where=where, value=instant, keeps_numbers=keeps_numbers)


def forget_rows(connection: Connection, removal: Removal) -> Forgot:
    """Remove or empty rows within a transaction.

    Raises:
        InputError: there are none; the caller rolls back.
    """
    forgot = Forgot()
    loads: set[Any] = set()
    work = _empty if removal.keeps_numbers else _remove
    for table in removal.where:
        loads |= work(connection, removal, table, forgot)
    is_of_task = "bootstrap_metrics" not in removal.where
    if is_of_task:
        _remove_rejects_of_task(connection, removal, forgot)
    else:
        _remove_rejects_before(connection, removal.value, forgot)
    if not removal.keeps_numbers:
        where = "task_id = ?" if is_of_task else "assigned_at < ?"
        gone = execute(connection, f"DELETE FROM {sql.CHANGE_ASSIGNMENTS} WHERE {where}", (removal.value,)).rowcount
        forgot.count("assignment", gone)
    if not forgot.counts:
        found = f"There is no task {removal.value!r}" if is_of_task else f"Nothing happened before {removal.value[:10]}"
        raise InputError(f"{found} in the store. List its tasks with: asp-analysis costs --by task")
    query = "SELECT load_id, file FROM load_log"
    forgot.files = sorted({file for load_id, file in execute(connection, query).all() if load_id in loads})
    return forgot


def _remove(connection: Connection, removal: Removal, table: str, forgot: Forgot) -> set[Any]:
    """Remove rows of a table and what loads said of them; return the loads that brought them."""
    where, value = removal.where[table], (removal.value,)
    keyed = KEYED_TABLES[table]
    task = ", task_id" if keyed.time else ""
    query = f"SELECT load_id, {', '.join(keyed.key)}{task} FROM {table} WHERE {where}"
    rows = execute(connection, query, value).all()
    execute(connection, f"DELETE FROM {table} WHERE {where}", value)
    keys = [(table, key_text(tuple(row[1 : 1 + len(keyed.key)]))) for row in rows]
    if keys:
        execute(connection, "DELETE FROM load_version WHERE table_name = ? AND row_key = ?", keys)
    if task:
        date_stubs(connection, {row[-1] for row in rows})
    forgot.count(_NOUN_OF_TABLE[table], len(rows))
    return {row[0] for row in rows}


def _empty(connection: Connection, removal: Removal, table: str, forgot: Forgot) -> set[Any]:
    """Take the texts out of rows of a table and of what loads said of them; return the loads that brought them."""
    keyed = KEYED_TABLES[table]
    columns = (*_WRITTEN_TEXTS[table], *_DESCRIBED.get(table, ()), *_OTHERS.get(table, ()))
    if not columns:
        return set()
    query = f"SELECT load_id, {', '.join((*keyed.key, *columns))} FROM {table} WHERE {removal.where[table]}"
    changed, keys, loads = [], [], set()
    for load_id, *values in map(tuple, execute(connection, query, (removal.value,)).all()):
        key, was = tuple(values[: len(keyed.key)]), dict(zip(columns, values[len(keyed.key) :], strict=True))
        keys.append(key_text(key))
        emptied = _without_texts(table, was)
        if emptied != was:
            changed.append((*emptied.values(), *key))
            loads.add(load_id)
    if changed:
        assignments = ", ".join(f"{name} = ?" for name in columns)
        condition = " AND ".join(f"{name} = ?" for name in keyed.key)
        execute(connection, f"UPDATE {table} SET {assignments} WHERE {condition}", changed)
    _empty_versions(connection, table, keys)
    forgot.count(f"{_NOUN_OF_TABLE[table]} without its texts", len(keys))
    return loads


def _empty_versions(connection: Connection, table: str, keys: list[str]) -> None:
    update = "UPDATE load_version SET said = ? WHERE table_name = ? AND row_key = ? AND load_id = ?"
    query = "SELECT load_id, said FROM load_version WHERE table_name = ? AND row_key = ? AND said IS NOT NULL"
    for key in keys:
        for load_id, said in execute(connection, query, (table, key)).all():
            emptied = {
                name: value for name, value in _without_texts(table, json.loads(said)).items() if value is not None
            }
            execute(connection, update, (json_text(emptied), table, key, load_id))


def _without_texts(table: str, said: dict[str, Any]) -> dict[str, Any]:
    """Return values of a row without what was written in words."""
    emptied: dict[str, Any] = {}
    for name, value in said.items():
        if value is None or name not in (*_WRITTEN_TEXTS[table], *_DESCRIBED.get(table, ()), *_OTHERS.get(table, ())):
            emptied[name] = value
        elif name in _DESCRIBED.get(table, ()):
            emptied[name] = json_text(_without_content(json.loads(value), is_top=name == "metadata_json"))
        else:
            emptied[name] = FORGOTTEN_NAME if (table, name) == ("defect_log", "description") else None
    return emptied


def _without_content(value: Any, *, is_top: bool) -> Any:
    """Return a JSON value without descriptions; of the metadata that anybody may fill only numbers and known keys."""
    if isinstance(value, list):
        return [_without_content(one, is_top=False) for one in value]
    if not isinstance(value, dict):
        return value
    keeps: Callable[[str, Any], bool] = lambda name, one: name in _KEPT_KEYS or not isinstance(one, str | list | dict)  # noqa: E731
    return {
        name: _without_content(one, is_top=False)
        for name, one in value.items()
        if name not in _CONTENT_KEYS and (not is_top or keeps(name, one))
    }


def _remove_rejects_of_task(connection: Connection, removal: Removal, forgot: Forgot) -> None:
    """Remove rejected records that name a task, and take its name out of what the loads' log found."""
    name, pattern = Forgotten.of_name(removal.value), f"%{longest_word(removal.value)}%"
    like = "ILIKE" if connection.dialect.name == "postgresql" else "LIKE"
    query = f"SELECT reject_id, raw_text FROM load_reject WHERE raw_text {like} ?"
    gone = [(one,) for one, text in execute(connection, query, (pattern,)).all() if name.clean(text) != text]
    if gone:
        execute(connection, "DELETE FROM load_reject WHERE reject_id = ?", gone)
    forgot.count("rejected record", len(gone))
    if removal.keeps_numbers:
        return
    query = f"SELECT load_id, found_json FROM load_log WHERE CAST(found_json AS TEXT) {like} ?"
    rows = [(name.clean(found), load_id) for load_id, found in execute(connection, query, (pattern,)).all()]
    if rows:
        execute(connection, "UPDATE load_log SET found_json = ? WHERE load_id = ?", rows)


def _remove_rejects_before(connection: Connection, instant: str, forgot: Forgot) -> None:
    """Remove the rejected records of loads before an instant, and the first and last records in the loads' log."""
    of_old = "load_id IN (SELECT load_id FROM load_log WHERE finished_at < ?)"
    gone = execute(connection, f"DELETE FROM load_reject WHERE {of_old}", (instant,)).rowcount
    forgot.count("rejected record", gone)
    query = "SELECT load_id, found_json FROM load_log WHERE finished_at < ? AND found_json IS NOT NULL"
    changed = []
    for load_id, text in execute(connection, query, (instant,)).all():
        found = {name: value for name, value in json.loads(text).items() if name not in ("begins", "ends")}
        changed.append((json_text(found), load_id))
    if changed:
        execute(connection, "UPDATE load_log SET found_json = ? WHERE load_id = ?", changed)
