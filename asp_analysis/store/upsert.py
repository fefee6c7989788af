"""Writes one batch: each record is new, changed or already there, and an empty value never erases a known one.

The stored rows of a batch's keys are fetched and compared in memory; all new rows of the batch go in with one
`executemany`. A savepoint is opened only around the few rows that change: SQLite copies every page that is touched
within one, which doubles the time of a large load.
"""

import json
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from asp_analysis.batch import Batch, Reject
from asp_analysis.records import json_text
from asp_analysis.store.statements import execute, stored_rows

Row = tuple[Any, ...]
Key = tuple[Any, ...]

STUB_MARK = "is_stub"
"""The key in `metadata` of a task that telemetry mentioned before the task itself was loaded."""

_IDS_AT_ONCE = 900  # SQLite allows 999 parameters in builds before 3.32
_MISSING_TASK_TIME = "created_at: is needed for a task that is not in the store yet; give --set created_at=..."


@dataclass(frozen=True)
class Keyed:
    """How the rows of one table are told apart, and what an unknown value of a new row becomes."""

    key: tuple[str, ...]
    defaults: dict[str, Any]
    needs_task: bool = True


TABLES: dict[str, Keyed] = {
    "agent_cost_vector": Keyed(("execution_id", "metric_type"), {}),
    "task_metadata": Keyed(("task_id",), {"defect_count": 0, "status": "pending"}, needs_task=False),
    "defect_log": Keyed(
        ("defect_id",), {"flagged_by_agent": False, "validated_by_human": False, "false_positive": False}
    ),
    "bootstrap_metrics": Keyed(("capability_name", "measured_at"), {}, needs_task=False),
}


@dataclass
class Outcome:
    """What became of the records of a batch."""

    written: int = 0
    updated: int = 0
    present: int = 0
    tasks_stubbed: int = 0
    rejects: tuple[Reject, ...] = ()


class BatchWriter:
    """Writes batches within one transaction and remembers which tasks it has seen there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known_tasks: set[str] = set()

    def write(self, batch: Batch) -> Outcome:
        """Write one batch; the rejects of the outcome are those that only the store could find."""
        if not batch.rows:
            return Outcome()
        batch = _with_metadata(batch)
        stubbed = self.stub_tasks(batch)
        stored = self._stored_rows(batch)
        if not stored and not _has_repeated_key(batch) and not _lacks_task_time(batch, batch.rows):
            self.insert(batch, batch.rows)
            return Outcome(written=len(set(batch.record_of_row)), tasks_stubbed=stubbed)
        if batch.combine is not None:
            outcome = _combined(self, batch, list(stored.values()))
        else:
            outcome = _Merge(self, batch, stored).run()
        outcome.tasks_stubbed += stubbed
        return outcome

    def insert(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Insert rows whose keys are new."""
        self._insert(batch.table, batch.columns, _with_defaults(batch, rows))

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        places = ", ".join("?" * len(columns))
        self._run(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", columns, rows)

    def update(self, batch: Batch, row: Row) -> None:
        """Overwrite the row of the same key."""
        key = TABLES[batch.table].key
        values = dict(zip(batch.columns, row, strict=True))
        changed = [name for name in batch.columns if name not in key]
        assignments = ", ".join(f"{name} = ?" for name in changed)
        condition = " AND ".join(f"{name} = ?" for name in key)
        named = (*changed, *key)
        parameters = tuple(values[name] for name in named)
        self._run(f"UPDATE {batch.table} SET {assignments} WHERE {condition}", named, [parameters])

    def _stored_rows(self, batch: Batch) -> dict[Key, Row]:
        first_key = TABLES[batch.table].key[0]
        place = batch.columns.index(first_key)
        wanted = list(dict.fromkeys(row[place] for row in batch.rows))
        query = f"SELECT {', '.join(batch.columns)} FROM {batch.table} WHERE {first_key} IN "
        key_of = _key_getter(batch)
        return {key_of(row): row for row in self._select_in(query, wanted)}

    # --- tasks that are not there yet ---

    def stub_tasks(self, batch: Batch) -> int:
        """Create the tasks that the rows name and the store does not know, so that their foreign key holds."""
        if not TABLES[batch.table].needs_task:
            return 0
        task, time = batch.columns.index("task_id"), batch.columns.index(_TIME_OF[batch.table])
        unknown = {row[task] for row in batch.rows} - self._known_tasks
        if not unknown:
            return 0
        there = {
            row[0] for row in self._select_in("SELECT task_id FROM task_metadata WHERE task_id IN ", list(unknown))
        }
        first_seen: dict[str, str] = {}
        for row in batch.rows:
            if row[task] in unknown and row[task] not in there:
                first_seen[row[task]] = min(row[time], first_seen.get(row[task], row[time]))
        mark = json_text({STUB_MARK: True})
        stubs = [(task_id, instant, mark) for task_id, instant in first_seen.items()]
        if stubs:
            self._insert("task_metadata", ("task_id", "created_at", "metadata"), stubs)
        self._known_tasks |= unknown
        return len(stubs)

    # --- statements ---

    def savepoint(self) -> AbstractContextManager[Any]:
        """Open a savepoint: what fails inside is undone and the transaction goes on."""
        return self._connection.begin_nested()

    def _run(self, statement: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        execute(self._connection, statement, stored_rows(self._connection, columns, rows))

    def _select_in(self, query: str, values: list[Any]) -> Iterator[Row]:
        for start in range(0, len(values), _IDS_AT_ONCE):
            some = values[start : start + _IDS_AT_ONCE]
            places = ", ".join("?" * len(some))
            yield from map(tuple, execute(self._connection, f"{query}({places})", tuple(some)).all())


_TIME_OF = {"agent_cost_vector": "timestamp", "defect_log": "created_at"}


def _combined(writer: BatchWriter, batch: Batch, stored: list[Row]) -> Outcome:
    """Let the batch's own rule merge each record with what the store holds of it, and write the difference."""
    outcome, key_of = Outcome(), _key_getter(batch)
    new_rows: list[Row] = []
    changed_rows: list[Row] = []
    place = batch.columns.index(TABLES[batch.table].key[0])
    known = _grouped(stored, place)
    for name, rows in _grouped(batch.rows, place).items():
        if name not in known:
            new_rows += rows
            outcome.written += 1
            continue
        held = {key_of(row): row for row in known[name]}
        wanted = batch.combine(known[name], rows) if batch.combine else rows
        changed = [row for row in wanted if not _is_same(batch.columns, row, held.get(key_of(row)))]
        changed_rows += [row for row in changed if key_of(row) in held]
        new_rows += [row for row in changed if key_of(row) not in held]
        outcome.updated += bool(changed)
        outcome.present += not changed
    # A record may belong to a task that only the stored description named.
    outcome.tasks_stubbed = writer.stub_tasks(replace(batch, rows=[*new_rows, *changed_rows]))
    for row in changed_rows:
        writer.update(batch, row)
    if new_rows:
        writer.insert(batch, new_rows)
    return outcome


def _grouped(rows: Iterable[Row], place: int) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[place], []).append(row)
    return groups


class _Merge:
    """Merges one batch with what the store holds already, record by record, each record whole or not at all."""

    def __init__(self, writer: BatchWriter, batch: Batch, stored: dict[Key, Row]) -> None:
        self._writer, self._batch, self._known = writer, batch, stored
        self._new_rows: list[Row] = []
        self._key_of = _key_getter(batch)

    def run(self) -> Outcome:
        outcome, rejects = Outcome(), []
        for record, rows in _by_record(self._batch):
            if _lacks_task_time(self._batch, rows) and not any(self._key_of(row) in self._known for row in rows):
                rejects.append(self._reject(record, _MISSING_TASK_TIME))
                continue
            try:
                kinds = self._merge_record(rows)
            except IntegrityError as error:
                rejects.append(self._reject(record, f"the store refused it: {error.orig}"))
                continue
            outcome.written += kinds == {"written"}
            outcome.present += kinds == {"present"}
            outcome.updated += kinds not in ({"written"}, {"present"})
        self._flush()
        outcome.rejects = tuple(rejects)
        return outcome

    def _merge_record(self, rows: list[Row]) -> set[str]:
        plan = [self._planned(row) for row in rows]
        changed = [row for kind, row in plan if kind == "updated"]
        if changed:
            self._flush()
            with self._writer.savepoint():
                for row in changed:
                    self._writer.update(self._batch, row)
        for kind, row in plan:
            if kind == "written":
                self._new_rows.append(row)
            self._known[self._key_of(row)] = row
        return {kind for kind, _ in plan}

    def _planned(self, row: Row) -> tuple[str, Row]:
        old = self._known.get(self._key_of(row))
        if old is None:
            return "written", row
        merged = old if row == old else tuple(map(_merged_value, self._batch.columns, row, old))
        return ("present", old) if _is_same(self._batch.columns, merged, old) else ("updated", merged)

    def _flush(self) -> None:
        if self._new_rows:
            self._writer.insert(self._batch, self._new_rows)
            self._new_rows = []

    def _reject(self, record: int, reason: str) -> Reject:
        return Reject(self._batch.line_numbers[record], (reason,), self._batch.raw_text(record))


def _with_defaults(batch: Batch, rows: Sequence[Row]) -> Sequence[Row]:
    """Fill what the table must know and the file does not say; a column that the file has not fills itself."""
    defaults = TABLES[batch.table].defaults
    fill = [defaults.get(name) for name in batch.columns]
    if fill.count(None) == len(fill):
        return rows
    return [tuple(fill[i] if value is None else value for i, value in enumerate(row)) for row in rows]


def _lacks_task_time(batch: Batch, rows: Sequence[Row]) -> bool:
    """Tell whether a row would make a task without `created_at`: only a task that is there may come without it."""
    if batch.table != "task_metadata":
        return False
    if "created_at" not in batch.columns:
        return True
    place = batch.columns.index("created_at")
    return any(row[place] is None for row in rows)


def _key_getter(batch: Batch) -> Callable[[Row], Key]:
    places = [batch.columns.index(name) for name in TABLES[batch.table].key]
    return (lambda row: (row[places[0]],)) if len(places) == 1 else operator.itemgetter(*places)


def _has_repeated_key(batch: Batch) -> bool:
    return len(set(map(_key_getter(batch), batch.rows))) < len(batch.rows)


def _by_record(batch: Batch) -> Iterable[tuple[int, list[Row]]]:
    grouped: dict[int, list[Row]] = {}
    for record, row in zip(batch.record_of_row, batch.rows, strict=True):
        grouped.setdefault(record, []).append(row)
    return grouped.items()


def _with_metadata(batch: Batch) -> Batch:
    """Let a batch of tasks carry `metadata` in any case: the mark of a stub goes when the task itself arrives."""
    if batch.table != "task_metadata" or "metadata" in batch.columns:
        return batch
    return replace(batch, columns=(*batch.columns, "metadata"), rows=[(*row, None) for row in batch.rows])


def _is_same(columns: Sequence[str], row: Row, old: Row | None) -> bool:
    """Tell whether two rows say the same; PostgreSQL gives back the number 1e22 of a JSON as it writes it itself."""
    if old is None or row == old:
        return old is not None
    return all(
        new == known or (_is_json(column) and None not in (new, known) and json.loads(new) == json.loads(known))
        for column, new, known in zip(columns, row, old, strict=True)
    )


def _is_json(column: str) -> bool:
    return column.endswith("_json") or column in {"metadata", "components_affected"}


def _merged_value(column: str, new: Any, old: Any) -> Any:
    if column == "metadata" and old is not None and (new is not None or STUB_MARK in old):
        known = {name: value for name, value in json.loads(old).items() if name != STUB_MARK}
        merged = {**known, **json.loads(new or "{}")}
        return json_text(merged) if merged else None
    return old if new is None else new
