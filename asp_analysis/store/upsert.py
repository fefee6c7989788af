"""Writes one batch: each record is new, changed or already there, and an empty value never erases a known one.

The stored rows of a batch's keys are fetched and compared in memory; all new rows of the batch go in with one
`executemany`. A savepoint is opened only around the few rows that change: SQLite copies every page that is touched
within one, which doubles the time of a large load.
"""

import json
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from asp_analysis.batch import Batch, Combine, Reject
from asp_analysis.executions import EXECUTIONS, MEASURES
from asp_analysis.records import json_text
from asp_analysis.store.forgotten import forgotten_by
from asp_analysis.store.statements import execute
from asp_analysis.store.stubs import date_stubs
from asp_analysis.store.versions import NO_LOAD, Bringing, Met, Said, columns_of, key_text, said_of
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
    "people": Keyed(key=("person", "from_day")),
    "code_change": Keyed(key=("change_id",), time="started_at"),
    "change_session": Keyed(key=("link_id",)),
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
        self._connection, self.load_id = connection, load_id
        self._known_tasks: set[str] = set()
        self._stubs: dict[str, str] = {}
        self._earlier: dict[str, str] = {}
        self._words = Words(connection)
        self._forgotten = forgotten_by(connection)
        self.forgotten_count = 0
        self.bringing = Bringing(connection, load_id)

    def write(self, batch: Batch) -> Outcome:
        """Write one batch; the rejects of the outcome are those that only the store could find."""
        gone = 0
        if self._forgotten:
            batch, gone = self._without_forgotten(batch)
        batch, rejects = self._words.without_unknown(batch, KEYED_TABLES[batch.table].words)
        if not batch.rows:
            return Outcome(rejects=rejects, present=gone)
        outcome = self._write(batch)
        outcome.present += gone
        if self._earlier:
            self.date_stubs(())
        outcome.rejects = (*rejects, *outcome.rejects)
        return outcome

    def _without_forgotten(self, batch: Batch) -> tuple[Batch, int]:
        """Return a batch without the names of whom the store has forgotten, and how many rows were theirs alone."""
        cleaned, count = self._forgotten.clean_batch(batch)
        self.forgotten_count += count
        return cleaned, len(batch.rows) - len(cleaned.rows)

    def _write(self, batch: Batch) -> Outcome:
        stubbed = self.stub_tasks(batch, batch.rows)
        met = _MetRows(batch, self._stored_rows(batch))
        if not met.rows and not _has_repeated_key(batch) and not _lacks_task_time(batch, batch.rows):
            self.insert(batch, batch.rows)
            return Outcome(written=len(batch.rows), tasks_stubbed=stubbed)
        if met.rows:
            self.bringing.read(batch.table, [key_text(key) for key in met.rows])
        outcome = _Merge(self, batch, met).run()
        outcome.tasks_stubbed += stubbed
        return outcome

    def insert(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Insert rows whose keys are new."""
        self._keep_words_of(batch, rows)
        columns, rows = batch.columns, _with_defaults(batch, rows)
        if KEYED_TABLES[batch.table].is_logged:
            columns, rows = (*columns, "load_id"), [(*row, self.load_id) for row in rows]
        self._insert(batch.table, columns, rows)

    def finish(self) -> None:
        """Write what is left to say when all batches are written."""
        self.bringing.finish()

    def _keep_words_of(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Count new rows, and keep what is said of those that would not show it."""
        self.bringing.bring(len(rows))
        is_logged = KEYED_TABLES[batch.table].is_logged
        if is_logged and batch.table != "task_metadata":
            return
        key_of = _key_getter(batch)
        for row in rows:
            said = said_of(batch.columns, row)
            if not is_logged or is_odd_description(said):
                self.bringing.keep(batch.table, key_text(key_of(row)), said)

    def own(self, key: Key) -> None:
        """Make a task that was only named one that this load describes."""
        execute(self._connection, "UPDATE task_metadata SET load_id = ? WHERE task_id = ?", (self.load_id, *key))

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
        """Return the stored rows of a batch's keys: its columns, the other ones, and the load."""
        first_key = KEYED_TABLES[batch.table].key[0]
        place = batch.columns.index(first_key)
        wanted = list(dict.fromkeys(row[place] for row in batch.rows))
        load = ("load_id",) if KEYED_TABLES[batch.table].is_logged else ()
        query = f"SELECT {', '.join((*_all_columns(batch), *load))} FROM {batch.table} WHERE {first_key} IN "
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
            self._date_stubs(rows, task, time)
            return 0
        query = "SELECT task_id, is_stub, created_at FROM task_metadata WHERE task_id IN "
        there = {row[0]: row for row in self._select_in(query, list(unknown))}
        self._stubs |= {name: created_at for name, is_stub, created_at in there.values() if is_stub}
        self._date_stubs(rows, task, time)
        first_seen: dict[str, str] = {}
        for row in rows:
            if row[task] in unknown and row[task] not in there:
                first_seen[row[task]] = min(row[time], first_seen.get(row[task], row[time]))
        stubs = [(task_id, instant, True, self.load_id) for task_id, instant in first_seen.items()]
        if stubs:
            self._insert("task_metadata", ("task_id", "created_at", "is_stub", "load_id"), stubs)
        self._known_tasks |= unknown
        self._stubs |= first_seen
        return len(stubs)

    def _date_stubs(self, rows: Sequence[Row], task: int, time: int) -> None:
        """A task that was only named was created when the earliest of its records says, in whatever order they come."""
        earlier: dict[str, str] = {}
        for row in rows if self._stubs else ():
            since = self._stubs.get(row[task])
            if since is not None and row[time] < since:
                earlier[row[task]] = self._stubs[row[task]] = row[time]
        self._earlier |= earlier

    def date_stubs(self, tasks: Iterable[str]) -> None:
        """Set the time of tasks that were only named to that of their earliest record, now that these are written."""
        date_stubs(self._connection, {*tasks, *self._earlier})
        self._earlier = {}

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

    def __init__(self, writer: BatchWriter, batch: Batch, met: "_MetRows") -> None:
        self._writer, self._batch, self._met = writer, batch, met
        self._known = dict(met.rows)
        self._redated: set[str] = set()
        self._new: dict[Key, Row] = {}
        self._changed: dict[Key, Row] = {}
        self._moved: dict[Key, Row] = {}
        self._key_of = _key_getter(batch)
        self._merge = batch.combine or merge_of(batch)
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
        if self._redated:
            self._writer.date_stubs(self._redated)
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
            self._meet(key, row, is_changed=False)
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
        self._meet(key, row, is_changed=True)
        self._note_redated(old, merged)
        self._known[key] = merged
        return "written" if self._batch.is_by_metric and self._is_completed(old, merged) else "updated"

    def _meet(self, key: Key, row: Row, *, is_changed: bool) -> None:
        """Keep what a record says of a row that another load brought; called before the row is known as it is now."""
        if key not in self._met.rows:
            return
        batch, bringing = self._batch, self._writer.bringing
        text = key_text(key)
        if self._is_plainly_same(key, text, row):
            bringing.meet_same(batch.table, text, self._met.owner(key))
            return
        said = said_of(batch.columns, row)
        owner, was = self._met.owner(key), said_of(_all_columns(batch), self._known[key] + self._met.others(key))
        if self._met.owner_column is None:
            if not bringing.has_versions(text):
                bringing.keep_first(batch.table, text, was)
            owner = bringing.first_of(text)
        elif batch.table == "task_metadata" and was.get("is_stub") and not bringing.has_versions(text):
            self._describe(key, said)
            return
        met = Met(key=text, owner=owner, was=was, said=said, is_changed=is_changed)
        bringing.meet(batch.table, met, self._merge_said)

    def _is_plainly_same(self, key: Key, text: str, row: Row) -> bool:
        """Return whether a record says what its row has, and nothing else was ever said: of nearly all, as a rule."""
        return (
            self._batch.table != "task_metadata"
            and self._met.owner_column is not None
            and row == self._known[key]
            and not any(self._met.others(key))
            and not self._writer.bringing.has_versions(text)
        )

    def _describe(self, key: Key, said: Said) -> None:
        """Let this load be the first that brings a task that was only named so far."""
        self._writer.bringing.bring(1)
        self._writer.own(key)
        self._met.become_own(key, self._writer.load_id)
        if is_odd_description(said):
            self._writer.bringing.keep("task_metadata", key_text(key), said)

    def _merge_said(self, before: Said, said: Said) -> Said:
        columns = self._batch.columns
        first, second = (tuple(one.get(name) for name in columns) for one in (before, said))
        return {**before, **said_of(columns, self._merge(first, second))}

    def _note_redated(self, old: Row, merged: Row) -> None:
        """Remember the tasks of which a record happened at another time, or that lost one."""
        time = KEYED_TABLES[self._batch.table].time
        if time is not None:
            places = [self._batch.columns.index(name) for name in ("task_id", time)]
            if any(old[place] != merged[place] for place in places):
                self._redated |= {old[places[0]], merged[places[0]]}

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


class _MetRows:
    """The stored rows that the records of a batch meet: the batch's columns, the others, and who brought them."""

    def __init__(self, batch: Batch, stored: dict[Key, Row]) -> None:
        width = len(batch.columns)
        self.owner_column = "load_id" if KEYED_TABLES[batch.table].is_logged else None
        self.rows = {key: row[:width] for key, row in stored.items()}
        self._width = len(_all_columns(batch))
        self._stored = stored
        self._owners: dict[Key, int] = {}

    def owner(self, key: Key) -> int:
        """Return the load that brought a row first."""
        if key in self._owners:
            return self._owners[key]
        return (self._stored[key][-1] or NO_LOAD) if self.owner_column else NO_LOAD

    def others(self, key: Key) -> Row:
        """Return the values of a row in the columns that the batch has not."""
        return self._stored[key][len(self.rows[key]) : self._width]

    def become_own(self, key: Key, load_id: int) -> None:
        """Note that a row belongs to another load by now."""
        self._owners[key] = load_id


def _all_columns(batch: Batch) -> tuple[str, ...]:
    """Return the columns of a batch, and behind them the others of its table."""
    return (*batch.columns, *(name for name in columns_of(batch.table) if name not in batch.columns))


def is_odd_description(said: Said) -> bool:
    """Return whether the row of a task would not show what was said: its time is another's, or it looks like a stub."""
    return "created_at" not in said or bool(said.get("is_stub"))


class _MissingTimeError(Exception):
    """A task that is not in the store comes without the time of its creation."""


def merge_of(batch: Batch) -> Combine:
    """Return what merges a stored row with a new one, column by column."""
    if batch.has_computed_costs:
        return keep_known_cost(batch.columns)
    return merge_metrics(batch.columns) if batch.is_by_metric else merge_columns(batch.columns)


def merge_columns(columns: Sequence[str]) -> Combine:
    """Return what merges two rows of which the later one wins where it knows something."""
    return lambda old, new: tuple(map(_merged_value, columns, new, old))


def merge_metrics(columns: Sequence[str]) -> Combine:
    """Return what merges executions of which each record is one metric."""
    time, metadata = columns.index("executed_at"), columns.index("metadata_json")

    def merge(old: Row, new: Row) -> Row:
        """Merge two metrics of an execution, which come in any order and again: one of them may not undo another."""
        merged = list(map(_merged_value, columns, new, old))
        merged[time] = min(old[time], new[time])  # it happened when its first metric was taken
        if None not in (old[metadata], new[metadata]):
            merged[metadata] = _greatest_of_each(old[metadata], new[metadata])
        return tuple(merged)

    return merge


def keep_known_cost(columns: Sequence[str]) -> Combine:
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
