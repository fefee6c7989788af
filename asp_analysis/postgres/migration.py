"""Copies a store to an empty database and compares, all in one transaction: killed at any moment, it has not happened.

That is also how a migration is continued: by starting it again. A database that already holds just what the store holds
is migrated; one that holds anything else is refused.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asp_analysis.config import StoreUrl
from asp_analysis.errors import InputError, StoreError
from asp_analysis.postgres.carried_rows import Rows, read_rows
from asp_analysis.postgres.carried_tables import ORDER, ServerTable, tables
from asp_analysis.postgres.dirty import NAMED, SetAside
from asp_analysis.postgres.sqlite_source import SqliteSource, open_source
from asp_analysis.postgres.tally import TableCheck, Tally, compare
from asp_analysis.postgres.target import Target, open_target
from asp_analysis.progress import Step, tell
from asp_analysis.sql import VOCABULARIES


@dataclass(frozen=True, kw_only=True)
class Migration:
    """What was done. `is_new`: the copy was made now and did not exist before; `set_aside` counts by table."""

    source: str
    target: str
    is_new: bool
    is_dry: bool
    checks: list[TableCheck]
    rows: dict[str, int]
    set_aside: dict[str, int] = field(default_factory=dict)
    first_set_aside: tuple[str, ...] = ()
    left_behind: dict[str, list[str]] = field(default_factory=dict)

    @property
    def differences(self) -> list[TableCheck]:
        """The checks in which the two sides differ; then nothing was written."""
        return [check for check in self.checks if not check.is_equal]


def migrate(
    source_url: StoreUrl,
    target_url: StoreUrl,
    *,
    rejects: Path | None = None,
    is_dry: bool = False,
) -> Migration:
    """Copy a SQLite store to a PostgreSQL database and compare the two; a copy that is there is compared again.

    With `rejects`, rows that the server could not take are written there as JSON Lines and left out. With `is_dry`, the
    store is read and checked and the server only looked at. Where the result holds differences, nothing was written.

    Raises:
        InputError: there are rows that the server could not take, and neither `rejects` nor `is_dry` is set.
        StoreError: the database holds something else, or one of the two cannot be read or written.
    """
    with (
        open_source(source_url) as source,
        open_target(target_url) as (target, commit),
        SetAside(target=rejects) as set_aside,
        _no_search_for_cycles(),
    ):
        has_tables = target.has_tables()
        held = target.counts() if has_tables else {}
        if held:
            _check_counts(source, target, held, is_whole=rejects is None and not is_dry)
        elif not has_tables and not is_dry:
            target.make_tables()
        tallies = [_carried(source, None if held or is_dry else target, table, set_aside) for table in tables()]
        if set_aside.row_count and rejects is None and not is_dry:
            raise InputError(_needs_clean_rows(set_aside))
        checks = _compared(target, tallies) if held or not is_dry else []
        done = Migration(
            source=source_url.shown,
            target=target_url.shown,
            is_new=not held,
            is_dry=is_dry,
            checks=checks,
            **_found(source, tallies, set_aside),
        )
        if held and done.differences:
            raise StoreError(_holds_other(target, "; ".join(_said(check) for check in done.differences[:NAMED])))
        if not done.differences:
            set_aside.finish()
            if not is_dry:
                commit()
        return done


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Rows are tuples without cycles, by the million: looking for cycles among them took an eighth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_counts(source: SqliteSource, target: Target, held: dict[str, int], *, is_whole: bool) -> None:
    """Refuse a database of other data at once where the counts show it; `is_whole` if no row may be set aside."""
    own = {table.name: source.count(table) for table in tables()}
    others = [
        f"{held.get(name, 0):,} rows in {name} (the store: {own[name]:,})"
        for name in ORDER
        if held.get(name, 0) > own[name] or (is_whole and name not in VOCABULARIES and held.get(name, 0) != own[name])
    ]
    if others:
        raise StoreError(_holds_other(target, ", ".join(others)))


def _holds_other(target: Target, what: str) -> str:
    return (
        f"{target.url.shown} has other content: {what}. Migrate to a database that is empty or equals the store. "
        "Nothing was written. Name another database, or load what is newer into this one."
    )


def _carried(source: SqliteSource, target: Target | None, table: ServerTable, set_aside: SetAside) -> Tally:
    """Read one table and sum it up; with a target, copy it."""
    tally = Tally(table)
    blocks = _blocks(source, tally, set_aside)
    if target is not None:
        target.fill(table, (rows.as_copied() for rows in blocks if rows.row_count))
    else:
        for _ in blocks:
            pass
    return tally


def _blocks(source: SqliteSource, tally: Tally, set_aside: SetAside) -> Iterator[Rows]:
    total, done = source.count(tally.table), 0
    for count, rows in read_rows(source, tally.table, set_aside):
        tally.add(rows)
        yield rows
        done += count
        tell(Step(part=tally.table.name, done=done, total=total))


def _compared(target: Target, tallies: list[Tally]) -> list[TableCheck]:
    """Compare every table."""
    checks = []
    for tally in tallies:
        checks += [*compare(tally, target.sum_up(tally)), *target.check_keys(tally)]
    return checks


def _found(source: SqliteSource, tallies: list[Tally], set_aside: SetAside) -> dict[str, Any]:
    return {
        "rows": {tally.table.name: tally.rows for tally in tallies},
        "set_aside": dict(set_aside.by_table),
        "first_set_aside": tuple(set_aside.first),
        "left_behind": {table.name: found for table in tables() if (found := source.columns_left_behind(table))},
    }


def _needs_clean_rows(set_aside: SetAside) -> str:
    count = set_aside.row_count
    more = f"; and {count - NAMED:,} more" if count > NAMED else ""
    return (
        f"{count:,} {'row' if count == 1 else 'rows'} cannot be copied to PostgreSQL: "
        f"{'; '.join(set_aside.first)}{more}. Nothing was written. Repair them, or set them aside with: --rejects FILE"
    )


def _said(check: TableCheck) -> str:
    name = f"{check.table}.{check.column}" if check.column else check.table
    return f"{check.check} of {name} is {check.target} (the store: {check.source})"
