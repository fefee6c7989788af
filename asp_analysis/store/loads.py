"""One load of one file: all or nothing, one row in `load_log`, every rejected record kept with its reasons."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from asp_analysis.batch import Batch, Reject
from asp_analysis.errors import InputError
from asp_analysis.records import RECORDS, json_text
from asp_analysis.store.again import Unnamed, counted_again
from asp_analysis.store.database import Store, now
from asp_analysis.store.log import LAST_LOADS, LoadedFile, LoadResult
from asp_analysis.store.rejects import keep_rejects, storable
from asp_analysis.store.roles import Roles
from asp_analysis.store.statements import execute
from asp_analysis.store.upsert import BatchWriter

_SHOWN_REJECTS = 5


def write_load(store: Store, source: LoadedFile, batches: Iterable[Batch], *, is_strict: bool = False) -> LoadResult:
    """Write all batches of one file in one transaction: a crash or an interruption leaves all of the file or nothing.

    Rejected records are kept in `load_reject`. With `is_strict` nothing at all is written where one is rejected.

    Raises:
        InputError: `is_strict`, and a record was rejected; the first reasons are in the message.
        StoreError: the store cannot be written.
    """
    with store.transaction() as connection:
        return _write(connection, source, batches, is_strict=is_strict)


def write_loads(
    store: Store, loads: Iterable[tuple[LoadedFile, Iterable[Batch]]], *, is_strict: bool = False
) -> list[LoadResult]:
    """Write several files in one transaction: either all of them or none; thousands of small files need not wait.

    Raises:
        InputError: `is_strict`, and a record was rejected.
        StoreError: the store cannot be written.
    """
    with store.transaction() as connection:
        return [_write(connection, source, batches, is_strict=is_strict) for source, batches in loads]


def last_loads(store: Store) -> dict[str, dict[str, Any]]:
    """Return the last row of `load_log` of every file."""
    return {row["file"]: row for row in store.read(LAST_LOADS)}


def _write(
    connection: Connection, source: LoadedFile, batches: Iterable[Batch], *, is_strict: bool = False
) -> LoadResult:
    result = LoadResult(file=source.file, loaded_as=source.loaded_as, found=dict(source.found))
    strict_rejects: list[Reject] = []
    load_id = begin_log(connection, source)
    writer, unnamed, roles = BatchWriter(connection, load_id), Unnamed(), Roles()
    for batch in batches:
        unnamed.see(batch)
        if source.loaded_as in RECORDS:  # the sub-agents of transcripts have names of their own
            roles.see(batch)
        outcome = writer.write(batch)
        rejects = sorted([*batch.rejects, *outcome.rejects], key=lambda reject: reject.line_number)
        _add(result, batch, outcome, len(rejects))
        if rejects and not result.first_reject:
            result.first_reject = storable(f"line {rejects[0].line_number}: {rejects[0].reasons[0]}")
        if is_strict:
            strict_rejects += rejects[: max(0, _SHOWN_REJECTS - len(strict_rejects))]
        else:
            keep_rejects(connection, load_id, source.file, rejects)
    if is_strict and result.rejected:
        raise _strict_error(source.file, result, strict_rejects)
    add_to_log(connection, load_id, result)
    if unnamed.count:
        _keep_found(connection, load_id, {**source.found, **unnamed.ends})
    said = (counted_again(connection, load_id, source, result, unnamed), roles.question(connection))
    result.notes += [*source.notes, *filter(None, said)]
    return result


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


def _strict_error(file: str, result: LoadResult, rejects: list[Reject]) -> InputError:
    first = "; ".join(f"line {reject.line_number}: {reject.reasons[0]}" for reject in rejects)
    more = f" and {result.rejected - len(rejects)} more" if result.rejected > len(rejects) else ""
    return InputError(
        f"{file} has {result.rejected} wrong records of {result.read} ({first}{more}), and --strict accepts none. "
        "Nothing was written. Correct the file, or load it without --strict."
    )
