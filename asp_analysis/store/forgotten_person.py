"""Takes a person's name out of a store, and removes or empties what belongs to a task or to the time before a day.

Of a person the numbers stay: the rows only lose whose they are. Before the person's rows of `people` go, executions get
the team and the cost center of their day as labels, so that costs by team stay what they were.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from asp_analysis import sql
from asp_analysis.errors import InputError
from asp_analysis.executions import EXECUTIONS
from asp_analysis.records import json_text
from asp_analysis.store.forgotten import Forgotten, core_of, longest_word
from asp_analysis.store.statements import execute
from asp_analysis.store.upsert import KEYED_TABLES

_ACCOUNT = "account"
"""The label that is a person's own as the name is."""

_NOUN_OF_OWNED = {EXECUTIONS: "execution", "defect_log": "defect", "code_change": "change"}
"""Tables whose rows say in `user_id` whose they are."""

_NAMES_OF_ROWS = {
    EXECUTIONS: ("execution_id", "subtask_id", "user_id"),
    "task_metadata": ("task_id",),
    "defect_log": ("defect_id", "user_id"),
    "code_change": ("change_id", "user_id"),
    sql.PEOPLE: ("person",),
}
"""Columns that a name stays in: other rows find the row by it, or it is the longer name of somebody else."""

_LOG_COLUMNS = ("file", "options_json", "found_json")


@dataclass(kw_only=True)
class Forgot:
    """What was forgotten: rows of each kind; the loaded files that had it; names of rows that still have it."""

    counts: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def count(self, what: str, number: int) -> None:
        """Add to one of the counts."""
        if number > 0:
            self.counts[what] = self.counts.get(what, 0) + number


def forget_person(connection: Connection, person: str) -> Forgot:
    """Take a person's name out of all tables within a transaction; every number stays.

    Raises:
        InputError: the name has no letter or digit, or nothing in the store has it; the caller rolls back.
    """
    if not core_of(person):
        raise InputError(f"{person!r} is not a name: it has no letter and no digit. Name a person as executions do.")
    forgot = _Person(connection, person).run()
    if not forgot.counts:
        raise InputError(f"Nothing in the store names {person!r}. List persons with: asp-analysis costs --by person")
    return forgot


class _Person:
    def __init__(self, connection: Connection, person: str) -> None:
        self._connection = connection
        self._name, self._word = Forgotten.of_name(person), longest_word(person)
        self._like = "ILIKE" if connection.dialect.name == "postgresql" else "LIKE"
        self._forgot = Forgot()
        self._spells: list[dict[str, Any]] = []
        self._accounts: set[str] = set()

    def run(self) -> Forgot:
        """Take the name out of rows, then of what was said of them, then of the loads' own records."""
        self._spells = self._read_spells()
        loads = {load for table in _NOUN_OF_OWNED for load in self._unname(table)}
        loads |= self._remove_spells()
        for table in (*_NOUN_OF_OWNED, "task_metadata", "bootstrap_metrics", sql.PEOPLE, "agent_roles"):
            loads |= self._clean_texts(table)
        self._clean_aliases()
        self._clean_budgets()
        self._clean_agent_changes()
        self._clean_versions()
        loads |= self._remove_rejects()
        self._forgot.files = self._files_of(loads)
        self._clean_log()
        self._forgot.left = sorted({one for table in _NAMES_OF_ROWS for one in self._names_left(table)})
        return self._forgot

    # --- the person's own rows ----------------------------------------------------------------------------------------

    def _names_in(self, table: str, column: str) -> tuple[str, ...]:
        query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} {self._like} ?"
        return tuple(
            row[0] for row in execute(self._connection, query, (f"%{self._word}%",)) if self._name.holds(row[0])
        )

    def _read_spells(self) -> list[dict[str, Any]]:
        """Return the person's times in teams, the latest first: where two overlap, the one that began later holds."""
        names = self._names_in(sql.PEOPLE, "person")
        if not names:
            return []
        query = (
            "SELECT CAST(from_day AS TEXT) AS from_day, CAST(until_day AS TEXT) AS until_day, team, cost_center, "
            f"load_id FROM {sql.PEOPLE} WHERE person IN ({', '.join('?' * len(names))}) ORDER BY 1 DESC"
        )
        return [dict(row) for row in execute(self._connection, query, names).mappings()]

    def _remove_spells(self) -> set[Any]:
        names = self._names_in(sql.PEOPLE, "person")
        for name in names:
            execute(self._connection, f"DELETE FROM {sql.PEOPLE} WHERE person = ?", (name,))
        self._forgot.count("row of people", len(self._spells))
        return {one["load_id"] for one in self._spells}

    def _unname(self, table: str) -> set[Any]:
        """Let rows be nobody's; an execution keeps the team of its day. Return the loads that brought them."""
        names = self._names_in(table, "user_id")
        if not names:
            return set()
        mine = f"user_id IN ({', '.join('?' * len(names))})"
        loads = {
            row[0] for row in execute(self._connection, f"SELECT DISTINCT load_id FROM {table} WHERE {mine}", names)
        }
        if table == EXECUTIONS:
            query = f"SELECT execution_id, executed_at, labels FROM {table} WHERE {mine}"
            rows = execute(self._connection, query, names).all()
            changed = [(new, key) for key, at, labels in rows if (new := self._labels_of(labels, at)) != labels]
            self._update(f"UPDATE {table} SET labels = ? WHERE execution_id = ?", changed)
        count = execute(self._connection, f"UPDATE {table} SET user_id = NULL WHERE {mine}", names).rowcount
        self._forgot.count(_NOUN_OF_OWNED[table], count)
        return loads

    def _labels_of(self, text: str | None, executed_at: str) -> str | None:
        """Return the labels of one of the person's executions, with the team of its day and without the account."""
        labels: dict[str, Any] = json.loads(text) if text else {}
        labels.pop(_ACCOUNT, None)
        day = executed_at[:10]
        spell = next((one for one in self._spells if one["from_day"] <= day), {})
        if spell and (spell["until_day"] is None or day <= spell["until_day"]):
            labels |= {name: spell[name] for name in ("team", "cost_center") if spell[name] is not None}
        return json_text(labels) if labels else None

    # --- texts --------------------------------------------------------------------------------------------------------

    def _clean_texts(self, table: str) -> set[Any]:
        """Take the name out of the texts of a table; return the loads that brought those rows."""
        key = KEYED_TABLES[table].key
        own = key if table != "agent_roles" else ()
        columns = [name for name, kind in sql.table_columns()[table].items() if kind == "TEXT" and name not in own]
        load = ("load_id",) if KEYED_TABLES[table].is_logged else ()
        loads: set[Any] = set()
        changed = []
        for row in self._rows_like(table, (*key, *load, *columns), columns):
            texts = row[len(key) + len(load) :]
            cleaned = self._name.clean_row(columns, texts)
            if cleaned != texts:
                changed.append((*cleaned, *row[: len(key)]))
                loads |= set(row[len(key) : len(key) + len(load)])
        assignments = ", ".join(f"{name} = ?" for name in columns)
        condition = " AND ".join(f"{name} = ?" for name in key)
        self._update(f"UPDATE {table} SET {assignments} WHERE {condition}", changed)
        self._forgot.count("text", len(changed))
        return loads

    def _rows_like(self, table: str, selected: tuple[str, ...], searched: list[str]) -> list[tuple[Any, ...]]:
        """Return the rows of which one of some columns may have the name."""
        condition = " OR ".join(f"CAST({name} AS TEXT) {self._like} ?" for name in searched)
        query = f"SELECT {', '.join(selected)} FROM {table} WHERE {condition}"
        return list(map(tuple, execute(self._connection, query, (f"%{self._word}%",) * len(searched))))

    def _clean_aliases(self) -> None:
        rows = self._rows_like(sql.ALIASES, ("kind", "alias", "name"), ["alias", "name"])
        cleaned = [(self._name.clean(row[1]), self._name.clean(row[2]), *row[:2]) for row in rows]
        where = "WHERE kind = ? AND alias = ?"
        self._update(f"DELETE FROM {sql.ALIASES} {where}", [row[2:] for row in cleaned if row[0] == row[1]])
        self._update(f"UPDATE {sql.ALIASES} SET alias = ?, name = ? {where}", [r for r in cleaned if r[0] != r[1]])
        changed = [row for row, new in zip(rows, cleaned, strict=True) if row[1:] != new[:2]]
        self._forgot.count("alias", len(changed))

    def _clean_budgets(self) -> None:
        """End the person's own budgets, and take the name out of the others."""
        gone, changed = [], []
        for name, dimension, member in self._rows_like(
            sql.BUDGETS, ("budget_id", "dimension", "member"), ["dimension", "member"]
        ):
            cleaned = tuple(map(self._name.clean, (name, dimension, member)))
            if dimension in ("person", f"label {_ACCOUNT}") and self._name.holds(member):
                gone.append((name,))
            elif cleaned != (name, dimension, member):
                changed.append((*cleaned, name))
        self._update(f"DELETE FROM {sql.BUDGETS} WHERE budget_id = ?", gone)
        self._update(f"UPDATE {sql.BUDGETS} SET budget_id = ?, dimension = ?, member = ? WHERE budget_id = ?", changed)
        self._forgot.count("budget", len(gone) + len(changed))

    def _clean_agent_changes(self) -> None:
        """Take the name out of the changes of agents, and of what was assigned to them."""
        keys = {sql.AGENT_CHANGES: ("change_id",), sql.CHANGE_ASSIGNMENTS: ("change_id", "task_id")}
        others = {sql.AGENT_CHANGES: ("value", "project_id", "agent_role"), sql.CHANGE_ASSIGNMENTS: ()}
        for table, key in keys.items():
            columns = (*key, *others[table])
            rows = self._rows_like(table, columns, list(columns))
            cleaned = [
                (*(None if one is None else self._name.clean(one) for one in row), *row[: len(key)]) for row in rows
            ]
            assigned, where = (
                ", ".join(f"{name} = ?" for name in columns),
                " AND ".join(f"{name} = ?" for name in key),
            )
            self._update(f"UPDATE {table} SET {assigned} WHERE {where}", cleaned)
            self._forgot.count("change", len(rows) if table == sql.AGENT_CHANGES else 0)

    # --- what loads said, and what they kept --------------------------------------------------------------------------

    def _clean_versions(self) -> None:
        selected = ("table_name", "row_key", "load_id", "said")
        changed, gone = [], []
        for table, key, load_id, said in self._rows_like("load_version", selected, ["row_key", "said"]):
            if table == sql.PEOPLE and self._name.holds(json.loads(key)[0]):
                gone.append((table, key, load_id))
            elif said is not None and (cleaned := self._clean_said(json.loads(said))) != said:
                changed.append((cleaned, table, key, load_id))
        condition = "WHERE table_name = ? AND row_key = ? AND load_id = ?"
        self._update(f"DELETE FROM load_version {condition}", gone)
        self._update(f"UPDATE load_version SET said = ? {condition}", changed)

    def _clean_said(self, said: dict[str, Any]) -> str:
        if self._name.holds(said.get("user_id")) and "executed_at" in said:
            said["labels"] = self._labels_of(said.get("labels"), said["executed_at"])
        cleaned = self._name.clean_row(tuple(said), tuple(said.values()))
        return json_text({name: value for name, value in zip(said, cleaned, strict=True) if value is not None})

    def _remove_rejects(self) -> set[Any]:
        selected = ("reject_id", "load_id", "file", "reasons_json", "raw_text")
        gone, changed, loads = [], [], set()
        for reject_id, load_id, file, *texts in self._rows_like("load_reject", selected, list(selected[2:])):
            if any(self._name.clean(text) != text for text in texts):
                gone.append((reject_id,))
                loads.add(load_id)
            else:
                changed.append((self._name.clean(file), reject_id))
        self._update("DELETE FROM load_reject WHERE reject_id = ?", gone)
        self._update("UPDATE load_reject SET file = ? WHERE reject_id = ?", changed)
        self._forgot.count("rejected record", len(gone))
        return loads

    def _files_of(self, loads: set[Any]) -> list[str]:
        query = "SELECT load_id, file FROM load_log"
        return sorted({file for load_id, file in execute(self._connection, query).all() if load_id in loads})

    def _clean_log(self) -> None:
        changed = [
            (*map(self._clean_known, texts), load_id)
            for load_id, *texts in self._rows_like("load_log", ("load_id", *_LOG_COLUMNS), list(_LOG_COLUMNS))
        ]
        assignments = ", ".join(f"{name} = ?" for name in _LOG_COLUMNS)
        self._update(f"UPDATE load_log SET {assignments} WHERE load_id = ?", changed)

    def _clean_known(self, text: str | None) -> str | None:
        return None if text is None else self._name.clean(text)

    def _names_left(self, table: str) -> Iterator[str]:
        """Yield the values of such columns that have the person's name within them."""
        for column in _NAMES_OF_ROWS[table]:
            query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} {self._like} ?"
            for (name,) in execute(self._connection, query, (f"%{self._word}%",)).all():
                if self._name.clean(name) != name:
                    yield f"{column} {name!r}"

    def _update(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            execute(self._connection, statement, rows)
