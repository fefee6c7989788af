"""Writes one batch: each record is new, changed or already there, and an empty value never erases a known one.

The stored rows of a batch's keys are fetched and compared in memory; all new rows of the batch go in with one
`executemany`. A savepoint is opened only around the few rows that change: SQLite copies every page that is touched
within one, which doubles the time of a large load.
"""

import json
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from asp_analysis.batch import Batch, Combine, Reject
from asp_analysis.executions import MEASURES
from asp_analysis.records import EXECUTIONS, json_text
from asp_analysis.store.statements import execute
from asp_analysis.store.vocabularies import Words

Row = tuple[Any, ...]
Key = tuple[Any, ...]

_MERGED_OBJECTS = {"metadata_json", "labels"}
"""Columns of JSON objects whose keys are merged."""

_IDS_AT_ONCE = 900  # SQLite allows 999 parameters in builds before 3.32
_MISSING_TASK_TIME = "created_at: is missing, and the task is not in the store yet; add --set created_at=..."


@dataclass(frozen=True, kw_only=True)
class Keyed:
    """What distinguishes the rows of one table, what an unknown value of a new row becomes, and what it refers to.

    time: the column that says when a task was first named, of tables whose rows belong to a task; words: column -> the
    vocabulary that it must be in; is_logged: the rows say which load they came with.
    """

    key: tuple[str, ...]
    defaults: dict[str, Any] = field(default_factory=dict)
    time: str | None = None
    words: dict[str, str] = field(default_factory=dict)
    is_logged: bool = True


KEYED_TABLES: dict[str, Keyed] = {
    EXECUTIONS: Keyed(key=("execution_id",), time="executed_at"),
    "task_metadata": Keyed(key=("task_id",), defaults={"status": "pending", "is_stub": False}),
    "defect_log": Keyed(
        key=("defect_id",),
        defaults={"is_flagged_by_agent": False, "is_validated_by_human": False, "is_false_positive": False},
        time="found_at",
        words={"defect_type": "defect_types"},
    ),
    "bootstrap_metrics": Keyed(key=("capability", "measured_at"), words={"capability": "capabilities"}),
    "agent_roles": Keyed(key=("agent_role",), is_logged=False),
    "capabilities": Keyed(key=("capability",), is_logged=False),
    "defect_types": Keyed(key=("defect_type",), is_logged=False),
}


@dataclass(kw_only=True)
class Outcome:
    """What became of the records of a batch."""

    written: int = 0
    updated: int = 0
    present: int = 0
    tasks_stubbed: int = 0
    rejects: tuple[Reject, ...] = ()


class BatchWriter:
    """Writes batches of one load within one transaction and remembers which tasks it has seen there."""

    def __init__(self, connection: Connection, load_id: int) -> None:
        self._connection, self._load_id = connection, load_id
        self._known_tasks: set[str] = set()
        self._words = Words(connection)

    def write(self, batch: Batch) -> Outcome:
        """Write one batch; the rejects of the outcome are those that only the store could find."""
        batch, rejects = self._words.without_unknown(batch, KEYED_TABLES[batch.table].words)
        if not batch.rows:
            return Outcome(rejects=rejects)
        outcome = self._write(batch)
        outcome.rejects = (*rejects, *outcome.rejects)
        return outcome

    def _write(self, batch: Batch) -> Outcome:
        stubbed = self.stub_tasks(batch, batch.rows)
        stored = self._stored_rows(batch)
        if not stored and not _has_repeated_key(batch) and not _lacks_task_time(batch, batch.rows):
            self.insert(batch, batch.rows)
            return Outcome(written=len(batch.rows), tasks_stubbed=stubbed)
        outcome = _Merge(self, batch, stored).run()
        outcome.tasks_stubbed += stubbed
        return outcome

    def insert(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Insert rows whose keys are new."""
        columns, rows = batch.columns, _with_defaults(batch, rows)
        if KEYED_TABLES[batch.table].is_logged:
            columns, rows = (*columns, "load_id"), [(*row, self._load_id) for row in rows]
        self._insert(batch.table, columns, rows)

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        places = ", ".join("?" * len(columns))
        execute(self._connection, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", list(rows))

    def update(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Overwrite the rows of the same keys."""
        if not rows:
            return
        key = KEYED_TABLES[batch.table].key
        changed = [name for name in batch.columns if name not in key]
        assignments = ", ".join(f"{name} = ?" for name in changed)
        condition = " AND ".join(f"{name} = ?" for name in key)
        places = [batch.columns.index(name) for name in (*changed, *key)]
        parameters = [tuple(row[place] for place in places) for row in rows]
        execute(self._connection, f"UPDATE {batch.table} SET {assignments} WHERE {condition}", parameters)

    def move(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Let stored executions have happened when these rows say.

        On a server the time is part of the key; with TimescaleDB it says where a row is kept, and no UPDATE moves it.
        """
        if rows and self._connection.dialect.name == "postgresql":
            name, time = batch.columns.index("execution_id"), batch.columns.index("executed_at")
            moved = [(row[name], row[time]) for row in rows]
            execute(self._connection, "SELECT asp_move_execution(?, ?)", moved)

    def _stored_rows(self, batch: Batch) -> dict[Key, Row]:
        first_key = KEYED_TABLES[batch.table].key[0]
        place = batch.columns.index(first_key)
        wanted = list(dict.fromkeys(row[place] for row in batch.rows))
        query = f"SELECT {', '.join(batch.columns)} FROM {batch.table} WHERE {first_key} IN "
        key_of = _key_getter(batch)
        return {key_of(row): row for row in self._select_in(query, wanted)}

    # --- tasks that are not there yet ---

    def stub_tasks(self, batch: Batch, rows: Sequence[Row]) -> int:
        """Create the tasks that rows of a batch name and the store does not know, so that their foreign key holds."""
        time_name = KEYED_TABLES[batch.table].time
        if time_name is None:
            return 0
        task, time = batch.columns.index("task_id"), batch.columns.index(time_name)
        unknown = {row[task] for row in rows} - self._known_tasks
        if not unknown:
            return 0
        there = {
            row[0] for row in self._select_in("SELECT task_id FROM task_metadata WHERE task_id IN ", list(unknown))
        }
        first_seen: dict[str, str] = {}
        for row in rows:
            if row[task] in unknown and row[task] not in there:
                first_seen[row[task]] = min(row[time], first_seen.get(row[task], row[time]))
        stubs = [(task_id, instant, True, self._load_id) for task_id, instant in first_seen.items()]
        if stubs:
            self._insert("task_metadata", ("task_id", "created_at", "is_stub", "load_id"), stubs)
        self._known_tasks |= unknown
        return len(stubs)

    # --- statements ---

    def savepoint(self) -> AbstractContextManager[Any]:
        """Open a savepoint: what fails inside is undone and the transaction goes on."""
        return self._connection.begin_nested()

    def _select_in(self, query: str, values: list[Any]) -> Iterator[Row]:
        for start in range(0, len(values), _IDS_AT_ONCE):
            some = values[start : start + _IDS_AT_ONCE]
            places = ", ".join("?" * len(some))
            yield from map(tuple, execute(self._connection, f"{query}({places})", tuple(some)).all())


class _Merge:
    """Merges one batch with what the store holds already, record by record, each record whole or not at all.

    A merged task or defect may break a rule over several columns: its update is tried within a savepoint, and refused
    alone. Executions, and records that merge by a rule of their own, cannot: they are written at the end, together.
    """

    def __init__(self, writer: BatchWriter, batch: Batch, stored: dict[Key, Row]) -> None:
        self._writer, self._batch, self._known = writer, batch, stored
        self._new: dict[Key, Row] = {}
        self._changed: dict[Key, Row] = {}
        self._moved: dict[Key, Row] = {}
        self._key_of = _key_getter(batch)
        self._merge = batch.combine or _merge_of(batch)
        self._is_tried_alone = batch.combine is None and batch.table != EXECUTIONS
        self._measures = [place for place, name in enumerate(batch.columns) if name in MEASURES]

    def run(self) -> Outcome:
        counts, rejects = Counter[str](), []
        for record, row in zip(self._batch.record_of_row, self._batch.rows, strict=True):
            key = self._key_of(row)
            old = self._known.get(key)
            try:
                counts[self._take(key, row, old)] += 1
            except IntegrityError as error:
                rejects.append(_reject(self._batch, record, f"the store refused it: {error.orig}"))
            except _MissingTimeError:
                rejects.append(_reject(self._batch, record, _MISSING_TASK_TIME))
        # A record may belong to a task that only the stored description named.
        stubbed = self._writer.stub_tasks(self._batch, [*self._new.values(), *self._changed.values()])
        self._writer.move(self._batch, list(self._moved.values()))
        self._writer.update(self._batch, list(self._changed.values()))
        self._flush()
        return Outcome(
            written=counts["written"],
            updated=counts["updated"],
            present=counts["present"],
            tasks_stubbed=stubbed,
            rejects=tuple(rejects),
        )

    def _take(self, key: Key, row: Row, old: Row | None) -> str:
        """Plan one record and return what becomes of it: written, updated or present."""
        if old is None:
            if _lacks_task_time(self._batch, [row]):
                raise _MissingTimeError
            self._new[key] = self._known[key] = row
            return "written"
        merged = old if row == old else self._merge(old, row)
        if _is_same(self._batch.columns, merged, old):
            return "present"
        if self._is_tried_alone:
            self._flush()
            with self._writer.savepoint():
                self._writer.update(self._batch, [merged])
        elif key in self._new:
            self._new[key] = merged
        else:
            self._changed[key] = merged
            if self._is_moved(old, merged):
                self._moved[key] = merged
        self._known[key] = merged
        return "written" if self._batch.is_by_metric and self._is_completed(old, merged) else "updated"

    def _is_moved(self, old: Row, merged: Row) -> bool:
        """Return whether an execution happened at another time than the store says."""
        if self._batch.table != EXECUTIONS:
            return False
        place = self._batch.columns.index("executed_at")
        return merged[place] != old[place]

    def _is_completed(self, old: Row, merged: Row) -> bool:
        """Return whether a metric came that was not known, and none changed."""
        changed = [place for place in self._measures if merged[place] != old[place]]
        return bool(changed) and all(old[place] is None for place in changed)

    def _flush(self) -> None:
        if self._new:
            self._writer.insert(self._batch, list(self._new.values()))
            self._new = {}


class _MissingTimeError(Exception):
    """A task that is not in the store comes without the time of its creation."""


def _merge_of(batch: Batch) -> Combine:
    """Return what merges a stored row with a new one, column by column."""
    columns = batch.columns
    if batch.has_computed_costs:
        return _keep_known_cost(columns)
    if not batch.is_by_metric:
        return lambda old, new: tuple(map(_merged_value, columns, new, old))
    time, metadata = columns.index("executed_at"), columns.index("metadata_json")

    def merge(old: Row, new: Row) -> Row:
        """Merge two metrics of an execution, which come in any order and again: one of them may not undo another."""
        merged = list(map(_merged_value, columns, new, old))
        merged[time] = min(old[time], new[time])  # it happened when its first metric was taken
        if None not in (old[metadata], new[metadata]):
            merged[metadata] = _greatest_of_each(old[metadata], new[metadata])
        return tuple(merged)

    return merge


def _keep_known_cost(columns: Sequence[str]) -> Combine:
    """Return what merges executions of which some have a cost that was computed by their tokens."""
    cost, metadata = columns.index("cost_usd"), columns.index("metadata_json")

    def merge(old: Row, new: Row) -> Row:
        """Merge, but keep a cost that somebody reported."""
        merged = list(map(_merged_value, columns, new, old))
        if old[cost] is not None and "cost_computed_usd" in (new[metadata] or "") and not _is_computed(old):
            merged[cost] = old[cost]
        return tuple(merged)

    def _is_computed(row: Row) -> bool:
        known = json.loads(row[metadata]) if row[metadata] else {}
        return bool(known.get("cost_computed_usd") == row[cost])

    return merge


def _greatest_of_each(old: str, new: str) -> str:
    """Merge two JSON objects; where both have a key, the greater text is taken, as one_row_per_execution.sql does."""
    if old == new:
        return old
    first, second = json.loads(old), json.loads(new)
    both = {name: max(first[name], second[name], key=json_text) for name in first.keys() & second.keys()}
    return json_text({**first, **second, **both})


def _merged_value(column: str, new: Any, old: Any) -> Any:
    if column in _MERGED_OBJECTS and old is not None and new is not None and new != old:
        return json_text({**json.loads(old), **json.loads(new)})
    if column == "is_stub":  # whoever knows no more than the task's name makes no stub of it
        return bool(old and new)
    return old if new is None else new


def _reject(batch: Batch, record: int, reason: str) -> Reject:
    return Reject(batch.line_numbers[record], (reason,), batch.raw_text(record))


def _with_defaults(batch: Batch, rows: Sequence[Row]) -> Sequence[Row]:
    """Fill what the table must know and the file does not say; a column that the file has not fills itself."""
    defaults = KEYED_TABLES[batch.table].defaults
    fill = [defaults.get(name) for name in batch.columns]
    if fill.count(None) == len(fill):
        return rows
    return [tuple(fill[i] if value is None else value for i, value in enumerate(row)) for row in rows]


def _lacks_task_time(batch: Batch, rows: Sequence[Row]) -> bool:
    """Return whether a row would make a task without `created_at`: only a task of the store may come without it."""
    if batch.table != "task_metadata":
        return False
    if "created_at" not in batch.columns:
        return True
    place = batch.columns.index("created_at")
    return any(row[place] is None for row in rows)


def _key_getter(batch: Batch) -> Callable[[Row], Key]:
    places = [batch.columns.index(name) for name in KEYED_TABLES[batch.table].key]
    return (lambda row: (row[places[0]],)) if len(places) == 1 else operator.itemgetter(*places)


def _has_repeated_key(batch: Batch) -> bool:
    return len(set(map(_key_getter(batch), batch.rows))) < len(batch.rows)


def _is_same(columns: Sequence[str], row: Row, old: Row | None) -> bool:
    """Return whether two rows say the same; PostgreSQL returns the number 1e22 of a JSON in another form."""
    if old is None or row == old:
        return old is not None
    return all(
        new == known or (_is_json(column) and None not in (new, known) and json.loads(new) == json.loads(known))
        for column, new, known in zip(columns, row, old, strict=True)
    )


def _is_json(column: str) -> bool:
    return column.endswith("_json") or column == "labels"
