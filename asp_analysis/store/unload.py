"""Takes one load back whole: the store becomes what the other loads would have made of it.

Rows that only this load brought go. Rows that others brought too become what these said, merged in the order of the
loads. Tasks that are still named by somebody's executions or defects stay, as tasks that are only named.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from asp_analysis.batch import Combine
from asp_analysis.errors import InputError
from asp_analysis.executions import EXECUTIONS
from asp_analysis.sql import RECORD_TABLES, VOCABULARIES
from asp_analysis.store.statements import execute
from asp_analysis.store.stubs import date_stubs
from asp_analysis.store.upsert import KEYED_TABLES, is_odd_description
from asp_analysis.store.versions import (
    NO_LOAD,
    WHOLE_LOAD,
    Said,
    Version,
    Versions,
    columns_of,
    covered_by,
    is_same_said,
    key_text,
    read_covers,
    read_versions,
    resolve,
    said_of,
    write_versions,
)

TASKS = "task_metadata"
_OF_TASKS = {EXECUTIONS: "executed_at", "defect_log": "found_at", "code_change": "started_at"}
"""Tables whose rows name a task, and when."""

_KEYS_AT_ONCE = 300

Key = tuple[Any, ...]
Merges = Callable[[dict[str, Any], str, tuple[str, ...], list[Said]], Combine]
"""Gives what merges rows of a table as a load did: its row of the load log, the table, the columns of the rows, and all
that was said of the row."""


@dataclass(kw_only=True)
class Unloaded:
    """What became of the rows of a load: how many of each table went, stayed, and became tasks that are only named."""

    load: dict[str, Any]
    gone: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    only_named: int = 0
    stubs_gone: int = 0

    def count(self, counts: dict[str, int], table: str, count: int) -> None:
        """Add to one of the counts."""
        if count:
            counts[table] = counts.get(table, 0) + count


def unload(connection: Connection, load_id: int, merges: Merges) -> Unloaded:
    """Take a load back within a transaction.

    Raises:
        InputError: there is no such load, it was made before loads could be taken back, or another load depends on it;
            the caller rolls back.
    """
    load = _load(connection, load_id)
    return _Unload(connection, load, merges).run()


def _load(connection: Connection, load_id: int) -> dict[str, Any]:
    row = execute(connection, "SELECT * FROM load_log WHERE load_id = ?", (load_id,)).mappings().first()
    if row is None:
        raise InputError(f"There is no load {load_id} in the store. List the loads with: asp-analysis loads")
    if row["rows_brought"] is None:
        raise InputError(
            f"Load {load_id} ({row['file']}) cannot be taken back: it was made by an earlier release, which did not "
            "keep what each load said. Restore a backup, or load a corrected file under the same names."
        )
    return dict(row)


class _Unload:
    def __init__(self, connection: Connection, load: dict[str, Any], merges: Merges) -> None:
        self._connection, self._load, self._merges = connection, load, merges
        self._load_id: int = load["load_id"]
        self._covers = read_covers(connection)
        self._heirs = sorted(one for one, other in self._covers.items() if other == self._load_id)
        self._covers_after = self._without_load()
        self._logs: dict[int, dict[str, Any]] = {}
        self._tasks: set[str] = set()
        self._done = Unloaded(load=load)

    def _without_load(self) -> dict[int, int]:
        """Return which loads bring all of another one when this one is gone."""
        after = {one: other for one, other in self._covers.items() if self._load_id not in (one, other)}
        beyond = self._covers.get(self._load_id)
        return after if beyond is None else after | dict.fromkeys(self._heirs, beyond)

    def run(self) -> Unloaded:
        """Take back executions, defects and measurements, then tasks, then words, then the load itself."""
        others = [table for table in reversed(RECORD_TABLES) if table not in (TASKS, *VOCABULARIES)]
        for table in (*others, TASKS, *VOCABULARIES):
            for keys in self._keys_of_several(table):
                self._mend(table, keys)
            self._take_own(table)
        self._date_described()
        self._leave_stubs()
        self._forget()
        return self._done

    # --- rows that several loads brought ------------------------------------------------------------------------------

    def _keys_of_several(self, table: str) -> Iterator[list[str]]:
        """Yield the keys of rows of which it is kept what this load, or one whose rows it brings, said."""
        loads = [self._load_id, *covered_by(self._load_id, self._covers)]
        keys: set[str] = set()
        for load_id in loads:
            query = "SELECT row_key FROM load_version WHERE table_name = ? AND (load_id = ? OR same_as = ?)"
            keys.update(row[0] for row in execute(self._connection, query, (table, load_id, load_id)).all())
        keys |= self._own_keys_with_versions(table)
        ordered = sorted(keys)
        for start in range(0, len(ordered), _KEYS_AT_ONCE):
            yield ordered[start : start + _KEYS_AT_ONCE]

    def _own_keys_with_versions(self, table: str) -> set[str]:
        keyed = KEYED_TABLES[table]
        if not keyed.is_logged:
            return set()
        if len(keyed.key) == 1:
            query = (
                f"SELECT v.row_key FROM load_version AS v JOIN {table} AS t ON t.{keyed.key[0]} = v.row_key "
                "WHERE v.table_name = ? AND t.load_id = ?"
            )
            return {row[0] for row in execute(self._connection, query, (table, self._load_id)).all()}
        query = f"SELECT {', '.join(keyed.key)} FROM {table} WHERE load_id = ?"
        own = [key_text(tuple(row)) for row in execute(self._connection, query, (self._load_id,)).all()]
        return set(read_versions(self._connection, table, own))

    def _mend(self, table: str, keys: list[str]) -> None:
        """Let rows be what the remaining loads said of them."""
        found = read_versions(self._connection, table, keys)
        rows = self._rows(table, keys)
        for key, versions in found.items():
            if key not in rows:  # an execution that was removed by hand
                continue
            row, owner = rows[key]
            owner = min(versions) if owner is None else owner
            if self._load_id in self._bringers(versions, owner):
                self._settle(table, key, row, self._said(versions, row, owner))

    def _bringers(self, versions: Versions, owner: int) -> set[int]:
        bringers = {owner, *versions}
        more = True
        while more:
            also = {one for one, other in self._covers.items() if other in bringers and one not in bringers}
            bringers |= also
            more = bool(also)
        return bringers

    def _settle(self, table: str, key: str, row: Said, rest: dict[int, Said]) -> None:
        execute(self._connection, "DELETE FROM load_version WHERE table_name = ? AND row_key = ?", (table, key))
        if not rest:
            self._remove(table, row)
            return
        loads = list(rest)
        merged = self._merge(table, row, rest)
        self._write(table, row, merged, loads[0])
        write_versions(self._connection, [(load, table, key, one) for load, one in self._kept(table, rest).items()])
        self._done.count(self._done.kept, table, 1)

    def _kept(self, table: str, rest: dict[int, Said]) -> Versions:
        """Return what must be kept of what the remaining loads said of a row, in the shortest form."""
        (first, words), *others = rest.items()
        is_alike = all(is_same_said(words, other) for _, other in others)
        is_odd = table == TASKS and is_odd_description(words)
        is_told = is_odd or (first != NO_LOAD and not KEYED_TABLES[table].is_logged)
        kept: Versions = {} if is_alike and not is_told else {first: Version(said=words)}
        for load, said in others:
            if is_same_said(resolve(load, kept, first, words, self._covers_after) or {}, said):
                continue
            kept[load] = Version(same_as=first) if is_same_said(words, said) else Version(said=said)
        return kept

    def _merge(self, table: str, row: Said, rest: dict[int, Said]) -> Said:
        columns = columns_of(table)
        (first, words), *others = rest.items()
        merged = self._begun(table, row, first, words)
        for load, said in others:
            combine = self._merges(self._log(load), table, columns, list(rest.values()))
            pair = (tuple(one.get(name) for name in columns) for one in (merged, said))
            merged = said_of(columns, combine(*pair))
        return merged

    def _begun(self, table: str, row: Said, first: int, words: Said) -> Said:
        """Return a row as the first load alone would have made it.

        Raises:
            InputError: it is a task without the time of its creation, and no earlier load names it.
        """
        defaults = {name: value for name, value in KEYED_TABLES[table].defaults.items() if name in columns_of(table)}
        if table == EXECUTIONS:
            defaults["agent_iteration"] = 1
        if table != TASKS or "created_at" in words:
            return {**defaults, **words}
        times = [time for of in _OF_TASKS for time in self._named_before(of, row["task_id"], first)]
        if not times:
            raise InputError(
                f"Load {self._load_id} cannot be taken back alone: load {first} describes task {row['task_id']!r} "
                f"without created_at and needs it. Take load {first} back first: asp-analysis unload {first}"
            )
        return {**defaults, **words, "created_at": min(times)}

    def _named_before(self, table: str, task_id: str, load_id: int) -> Iterator[str]:
        """Yield when rows that earlier loads brought name a task, as it was known when a load came."""
        (name,) = KEYED_TABLES[table].key
        query = f"SELECT {name} FROM {table} WHERE task_id = ? AND (load_id < ? OR load_id IS NULL)"
        keys = [row[0] for row in execute(self._connection, query, (task_id, load_id)).all()]
        versions = read_versions(self._connection, table, keys)
        for key, (row, owner) in self._rows(table, keys).items():
            said = self._said(versions.get(key, {}), row, owner or NO_LOAD)
            before = {one: words for one, words in said.items() if one < load_id}
            if before:
                yield self._merge(table, row, before)[_OF_TASKS[table]]

    def _said(self, versions: Versions, row: Said, owner: int) -> dict[int, Said]:
        """Return what each load but this one says of a row, in the order of the loads."""
        loads = sorted(self._bringers(versions, owner) - {self._load_id})
        said = {load: resolve(load, versions, owner, row, self._covers) for load in loads}
        return {load: words for load, words in said.items() if words is not None}

    def _log(self, load_id: int) -> dict[str, Any]:
        if load_id not in self._logs:
            row = execute(self._connection, "SELECT * FROM load_log WHERE load_id = ?", (load_id,)).mappings().first()
            self._logs[load_id] = dict(row) if row else {}
        return self._logs[load_id]

    # --- rows that only this load brought -----------------------------------------------------------------------------

    def _take_own(self, table: str) -> None:
        """Hand the rows of which nothing else is kept to a load that brings them all, or let them go."""
        if not KEYED_TABLES[table].is_logged:
            return
        own = "load_id = ?" + (" AND NOT " + self._is_only_named() if table == TASKS else "")
        if self._heirs:
            self._hand_over(table, own)
            return
        if table in _OF_TASKS:
            query = f"SELECT DISTINCT task_id FROM {table} WHERE load_id = ?"
            self._tasks |= {row[0] for row in execute(self._connection, query, (self._load_id,)).all()}
        if table != TASKS:
            gone = execute(self._connection, f"DELETE FROM {table} WHERE load_id = ?", (self._load_id,)).rowcount
            self._done.count(self._done.gone, table, gone)
            return
        for row in execute(self._connection, f"SELECT * FROM {TASKS} WHERE {own}", (self._load_id,)).mappings().all():
            self._remove(TASKS, dict(row))

    def _hand_over(self, table: str, own: str) -> None:
        heir, *others = self._heirs
        if others:
            names = ", ".join(KEYED_TABLES[table].key)
            rows = execute(self._connection, f"SELECT {names} FROM {table} WHERE {own}", (self._load_id,)).all()
            same = Version(same_as=heir)
            write_versions(
                self._connection, [(other, table, key_text(tuple(row)), same) for other in others for row in rows]
            )
        query = f"UPDATE {table} SET load_id = ? WHERE {own}"
        self._done.count(self._done.kept, table, execute(self._connection, query, (heir, self._load_id)).rowcount)

    @staticmethod
    def _is_only_named() -> str:
        """Return the condition of tasks that nobody has described."""
        return (
            "(is_stub AND NOT EXISTS (SELECT 1 FROM load_version AS v "
            "WHERE v.table_name = 'task_metadata' AND v.row_key = task_id))"
        )

    # --- writing ------------------------------------------------------------------------------------------------------

    def _rows(self, table: str, keys: Iterable[str]) -> dict[str, tuple[Said, int | None]]:
        """Return rows by the texts of their keys, each with the load that brought it; None where none is logged."""
        keyed, columns = KEYED_TABLES[table], columns_of(table)
        load = ("load_id",) if keyed.is_logged else ()
        select, wanted = f"SELECT {', '.join((*columns, *load))} FROM {table}", sorted(set(keys))
        found: dict[str, tuple[Said, int | None]] = {}
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            some = wanted[start : start + _KEYS_AT_ONCE]
            if len(keyed.key) == 1:
                query = f"{select} WHERE {keyed.key[0]} IN ({', '.join('?' * len(some))})"
                rows = execute(self._connection, query, tuple(some)).all()
            else:  # a few measurements in all
                rows = execute(self._connection, select).all()
            for values in rows:
                row = said_of(columns, values[: len(columns)])
                text = key_text(tuple(row[name] for name in keyed.key))
                found[text] = (row, (values[-1] or NO_LOAD) if load else None)
        return {key: found[key] for key in wanted if key in found}

    def _remove(self, table: str, row: Said) -> None:
        """Remove a row; a task that others still name stays as one that is only named.

        Raises:
            InputError: it is a word that rows of other loads use.
        """
        key = KEYED_TABLES[table].key
        values = tuple(row[name] for name in key)
        if table in _OF_TASKS:
            self._tasks.add(row["task_id"])
        if table == TASKS and self._is_named(row["task_id"]):
            self._make_stub(row["task_id"])
            return
        condition = " AND ".join(f"{name} = ?" for name in key)
        try:
            with self._connection.begin_nested() if table in VOCABULARIES else nullcontext():
                execute(self._connection, f"DELETE FROM {table} WHERE {condition}", values)
        except IntegrityError:
            raise InputError(
                f"Load {self._load_id} cannot be taken back: {values[0]!r} of {table} is used by rows of other loads. "
                "Take those back first; list them with: asp-analysis loads"
            ) from None
        self._done.count(self._done.gone, table, 1)

    def _is_named(self, task_id: str) -> bool:
        return any(
            execute(self._connection, f"SELECT 1 FROM {table} WHERE task_id = ? LIMIT 1", (task_id,)).first()
            for table in _OF_TASKS
        )

    def _make_stub(self, task_id: str) -> None:
        """Let a task be one that is only named; its time and load are found when all rows are as they will be."""
        blank: dict[str, Any] = {name: None for name in columns_of(TASKS) if name not in ("task_id", "created_at")}
        blank |= {"status": "pending", "is_stub": True}
        assignments = ", ".join(f"{name} = ?" for name in blank)
        query = f"UPDATE {TASKS} SET {assignments}, load_id = ? WHERE task_id = ?"
        execute(self._connection, query, (*blank.values(), self._load_id, task_id))
        self._tasks.add(task_id)
        self._done.only_named += 1

    def _write(self, table: str, was: Said, now: Said, owner: int) -> None:
        keyed = KEYED_TABLES[table]
        columns = [name for name in columns_of(table) if name not in keyed.key]
        values = [now.get(name) for name in columns]
        if keyed.is_logged:
            columns.append("load_id")
            values.append(owner or None)
        if table in _OF_TASKS:
            self._name_task(now["task_id"], now[_OF_TASKS[table]], owner)
            self._tasks |= {was["task_id"], now["task_id"]}
        if table == EXECUTIONS and was["executed_at"] != now["executed_at"]:
            self._move(now)
        assignments = ", ".join(f"{name} = ?" for name in columns)
        condition = " AND ".join(f"{name} = ?" for name in keyed.key)
        key = [now[name] for name in keyed.key]
        try:
            with self._connection.begin_nested():
                query = f"UPDATE {table} SET {assignments} WHERE {condition}"
                execute(self._connection, query, (*values, *key))
        except IntegrityError as error:
            raise InputError(
                f"Load {self._load_id} cannot be taken back: what the other loads say of {key[0]!r} of {table} does "
                f"not fit together without it ({error.orig}). Take the later ones back first: asp-analysis loads"
            ) from None

    def _name_task(self, task_id: str, named_at: str, owner: int) -> None:
        query = f"SELECT 1 FROM {TASKS} WHERE task_id = ?"
        if execute(self._connection, query, (task_id,)).first() is None:
            insert = f"INSERT INTO {TASKS} (task_id, created_at, is_stub, load_id) VALUES (?, ?, ?, ?)"
            execute(self._connection, insert, (task_id, named_at, True, owner or None))

    def _move(self, now: Said) -> None:
        if self._connection.dialect.name == "postgresql":
            moved = (now["execution_id"], now["executed_at"])
            execute(self._connection, "SELECT asp_move_execution(?, ?)", moved)

    # --- what is left -------------------------------------------------------------------------------------------------

    def _date_described(self) -> None:
        """Date tasks again that were described without the time of their creation: a record before had named them."""
        tasks = sorted(self._tasks)
        rows = self._rows(TASKS, tasks) if tasks else {}
        for key, versions in read_versions(self._connection, TASKS, tasks).items():
            row, owner = rows[key]
            said = self._said(versions, row, owner or NO_LOAD)
            if "created_at" not in next(iter(said.values())):
                self._write(TASKS, row, self._merge(TASKS, row, said), next(iter(said)))

    def _leave_stubs(self) -> None:
        """Let tasks that nothing names any more go, and the others belong to the first load that names them."""
        own = f"SELECT task_id FROM {TASKS} WHERE load_id = ? AND {self._is_only_named()}"
        mine = {row[0] for row in execute(self._connection, own, (self._load_id,)).all()}
        self._done.stubs_gone = date_stubs(self._connection, self._tasks | mine, may_remove=True)
        naming = " UNION ALL ".join(
            f"SELECT load_id FROM {table} WHERE task_id = {TASKS}.task_id" for table in _OF_TASKS
        )
        first = f"(SELECT min(load_id) FROM ({naming}) AS naming)"
        query = f"UPDATE {TASKS} SET load_id = {first} WHERE load_id = ? AND {self._is_only_named()}"
        execute(self._connection, query, (self._load_id,))

    def _forget(self) -> None:
        """Remove the load itself, its rejects, and what it said."""
        table, key = WHOLE_LOAD
        execute(self._connection, "DELETE FROM load_version WHERE load_id = ?", (self._load_id,))
        query = "DELETE FROM load_version WHERE same_as = ? AND table_name = ? AND row_key = ?"
        execute(self._connection, query, (self._load_id, table, key))
        beyond = self._covers.get(self._load_id)
        if beyond is not None:
            write_versions(self._connection, [(heir, *WHOLE_LOAD, Version(same_as=beyond)) for heir in self._heirs])
        execute(self._connection, "DELETE FROM load_reject WHERE load_id = ?", (self._load_id,))
        execute(self._connection, "DELETE FROM load_log WHERE load_id = ?", (self._load_id,))
