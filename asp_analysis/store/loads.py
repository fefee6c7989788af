"""One load of one file: all or nothing, one row in `load_log`, every rejected record kept with its reasons."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from asp_analysis.batch import Batch, Reject
from asp_analysis.errors import InputError
from asp_analysis.records import RECORDS, json_text
from asp_analysis.store.again import CountedAgain, Unnamed, counted_again, former_loads
from asp_analysis.store.database import Store, now
from asp_analysis.store.first_rows import FirstRows
from asp_analysis.store.forgotten import forgotten_by
from asp_analysis.store.log import LAST_LOADS, LoadedFile, LoadResult
from asp_analysis.store.rejects import keep_rejects, storable
from asp_analysis.store.roles import Roles
from asp_analysis.store.statements import execute
from asp_analysis.store.unload import Merges, unload
from asp_analysis.store.upsert import BatchWriter

_SHOWN_REJECTS = 5


@dataclass(frozen=True, kw_only=True)
class WriteRules:
    """Under which conditions a file is written.

    max_rejects: nothing of it is written where more are rejected; None for any number. may_count_again: records may
    count a second time. take_back: takes the load of a number back, where a file is to replace its former loads; None
    where they stay.
    """

    max_rejects: int | None = None
    may_count_again: bool = True
    merges: Merges | None = None


def write_load(store: Store, source: LoadedFile, batches: Iterable[Batch]) -> LoadResult:
    """Write all batches of one file in one transaction: a crash or an interruption leaves all of the file or nothing.

    Rejected records are kept in `load_reject`.

    Raises:
        StoreError: the store cannot be written.
    """
    (result,) = write_loads(store, [(source, batches)])
    return result


def write_loads(
    store: Store, loads: Iterable[tuple[LoadedFile, Iterable[Batch]]], rules: WriteRules | None = None
) -> list[LoadResult]:
    """Write several files in one transaction: either all of them or none; thousands of small files need not wait.

    Raises:
        InputError: the rules refuse a file, or its former load cannot be taken back.
        StoreError: the store cannot be written.
    """
    rules = rules or WriteRules()
    if store.is_rehearsing:  # it says what would count again
        rules = replace(rules, may_count_again=True)
    with store.transaction() as connection:
        return [
            _write(connection, source, batches, rules, FirstRows(connection) if store.is_rehearsing else None)
            for source, batches in loads
        ]


def last_loads(store: Store) -> dict[str, dict[str, Any]]:
    """Return the last row of `load_log` of every file."""
    return {row["file"]: row for row in store.read(LAST_LOADS)}


def _write(
    connection: Connection, source: LoadedFile, batches: Iterable[Batch], rules: WriteRules, first: FirstRows | None
) -> LoadResult:
    source = _without_forgotten(connection, source)
    result = LoadResult(file=source.file, loaded_as=source.loaded_as, found=dict(source.found))
    first_rejects: list[Reject] = []
    examples = _Examples(result.reject_examples)
    load_id = begin_log(connection, source)
    writer, unnamed, roles = BatchWriter(connection, load_id), Unnamed(), Roles()
    for batch in batches:
        unnamed.see(batch)
        if source.loaded_as in RECORDS:  # the sub-agents of transcripts have names of their own
            roles.see(batch)
        if first is not None:
            first.see(batch)
        outcome = writer.write(batch)
        rejects = sorted([*batch.rejects, *outcome.rejects], key=lambda reject: reject.line_number)
        _add(result, batch, outcome, len(rejects))
        examples.see(rejects)
        if rules.max_rejects is not None:
            first_rejects += rejects[: max(0, _SHOWN_REJECTS - len(first_rejects))]
            if result.rejected > rules.max_rejects:
                raise _too_many_rejects(source.file, result, first_rejects, rules.max_rejects)
        keep_rejects(connection, load_id, source.file, rejects)
    writer.finish()
    add_to_log(connection, load_id, result)
    if unnamed.count:
        _keep_found(connection, load_id, {**source.found, **unnamed.ends})
    if rules.merges is None:
        said = _say_again(counted_again(connection, load_id, source, result, unnamed), rules)
    else:
        said = _replace_former(connection, load_id, source, rules.merges)
    if writer.forgotten_count:
        said.append(
            f"{source.file}: {writer.forgotten_count:,} records name a person whom the store has forgotten; they are "
            "kept without the name."
        )
    result.notes += [*source.notes, *said]
    result.notes += filter(None, [roles.question(connection)])
    result.first_rows = None if first is None else first.read_back()
    return result


def _without_forgotten(connection: Connection, source: LoadedFile) -> LoadedFile:
    """Return what is logged of a file without the names of whom the store has forgotten."""
    forgotten = forgotten_by(connection)
    if not forgotten:
        return source
    options = json.loads(forgotten.clean(json_text(source.options)))
    return replace(source, file=forgotten.clean(source.file), options=options)


def _replace_former(connection: Connection, load_id: int, source: LoadedFile, merges: Merges) -> list[str]:
    """Take the former loads of a file back, now that it is written; return what to say.

    Raises:
        InputError: one of them cannot be taken back.
    """
    former = former_loads(connection, load_id, source)
    for one in former:
        unload(connection, one, merges)
    said = ", ".join(map(str, former))
    return [f"{source.file}: replaced load {said}." if former else f"{source.file}: no former load to replace."]


def _say_again(again: CountedAgain | None, rules: WriteRules) -> list[str]:
    """Return what to say of records that count again.

    Raises:
        InputError: they may not.
    """
    if again is None:
        return []
    if not rules.may_count_again:
        raise InputError(again.refusal)
    return [again.note]


class _Examples:
    """Keeps one reject for each column that is wrong, so that one try shows all that the user must say."""

    def __init__(self, kept: list[str]) -> None:
        self._kept, self._columns = kept, set[str]()

    def see(self, rejects: list[Reject]) -> None:
        """Keep the first reason about each column, with its line, until there are `_SHOWN_REJECTS`."""
        if len(self._kept) >= _SHOWN_REJECTS:
            return
        for reject in rejects:
            for reason in reject.reasons:
                column = reason.partition(":")[0]
                if column not in self._columns and len(self._kept) < _SHOWN_REJECTS:
                    self._columns.add(column)
                    self._kept.append(storable(f"line {reject.line_number}: {reason}"))


def _keep_found(connection: Connection, load_id: int, found: dict[str, Any]) -> None:
    """Keep what the next load of the file is compared with; it is known only when the file has been read."""
    execute(connection, "UPDATE load_log SET found_json = ? WHERE load_id = ?", (json_text(found), load_id))


def begin_log(connection: Connection, source: LoadedFile) -> int:
    """Begin a row of `load_log` without any records yet; return its id."""
    started = now()
    row = execute(
        connection,
        "INSERT INTO load_log (file, sha256, size_bytes, format, loaded_as, started_at, finished_at, read_count, "
        "written, updated, present, rejected, tasks_stubbed, options_json, modified_ns, found_json) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, ?, ?, ?) RETURNING load_id",
        (
            source.file,
            source.sha256,
            source.size_bytes,
            source.format,
            source.loaded_as,
            started,
            started,
            json_text(source.options),
            source.modified_ns,
            json_text(source.found) if source.found else None,
        ),
    )
    return int(row.scalar_one())


def is_logged(connection: Connection, load_id: int, file: str) -> bool:
    """Return whether `load_log` has a row of this number for this file: another store may be in its place by now."""
    query = "SELECT 1 FROM load_log WHERE load_id = ? AND file = ?"
    return execute(connection, query, (load_id, file)).first() is not None


def add_to_log(connection: Connection, load_id: int, result: LoadResult) -> None:
    """Add the counts of a result to its row of `load_log`."""
    execute(
        connection,
        "UPDATE load_log SET finished_at = ?, read_count = read_count + ?, written = written + ?, "
        "updated = updated + ?, present = present + ?, rejected = rejected + ?, tasks_stubbed = tasks_stubbed + ? "
        "WHERE load_id = ?",
        (
            now(),
            result.read,
            result.written,
            result.updated,
            result.present,
            result.rejected,
            result.tasks_stubbed,
            load_id,
        ),
    )


def _add(result: LoadResult, batch: Batch, outcome: Any, reject_count: int) -> None:
    result.read += batch.record_count
    result.written += outcome.written
    result.updated += outcome.updated
    result.present += outcome.present
    result.rejected += reject_count
    result.tasks_stubbed += outcome.tasks_stubbed


def _too_many_rejects(file: str, result: LoadResult, rejects: list[Reject], most: int) -> InputError:
    first = "; ".join(f"line {reject.line_number}: {reject.reasons[0]}" for reject in rejects)
    more = f" and {result.rejected - len(rejects)} more" if result.rejected > len(rejects) else ""
    said = "--strict takes a file whole" if most == 0 else f"--max-rejects is {most:,}"
    return InputError(
        f"{file}: {result.rejected:,} of the first {result.read:,} records cannot be taken, and {said} "
        f"({first}{more}). Nothing of it was written; correct the file, or load it without that option."
    )
