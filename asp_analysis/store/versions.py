"""What each load said of rows that several loads brought, so that one of them can be taken back.

A row of the store says in `load_id` which load brought it first. As long as no other load brings it, nothing else is
kept. When another load brings it, `load_version` keeps what that load said, and what the first one had said before the
row changes. Two short forms keep this small: a load may say the same of a row as another one (`same_as`), and a load
may bring all rows of another one, which is one line for the whole load (`WHOLE_LOAD`): a file that is loaded again, or
that grew, takes one line.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from asp_analysis import sql
from asp_analysis.records import json_text
from asp_analysis.store.statements import execute

Said = dict[str, Any]
"""What a load says of a row: the known values, column by column."""

WHOLE_LOAD = ("", "")
"""Table and key of the line that says: this load brings all that the load `same_as` brings."""

NO_LOAD = 0
"""Stands for the load of rows that no load brought, such as those of the sample."""

_IDS_AT_ONCE = 900
_SILENT = {"agent_iteration": 1, "status": "pending", "is_stub": False} | dict.fromkeys(
    ("is_flagged_by_agent", "is_validated_by_human", "is_false_positive"), False
)
"""What a row has where nobody said anything."""

_FORMER = """
SELECT load_id, rows_brought FROM load_log
WHERE file = (SELECT file FROM load_log WHERE load_id = ?) AND load_id < ? AND rows_brought > 0
    AND loaded_as = (SELECT loaded_as FROM load_log WHERE load_id = ?)
ORDER BY load_id DESC LIMIT 1
"""


@dataclass(frozen=True)
class Version:
    """What one load said of one row: its own words, or the same as another load."""

    same_as: int | None = None
    said: Said | None = None


Versions = dict[int, Version]
"""Load -> what it said of one row."""


def key_text(key: tuple[Any, ...]) -> str:
    """Return the text that names a row within its table."""
    return str(key[0]) if len(key) == 1 else json_text(list(key))


def said_of(columns: Iterable[str], row: Iterable[Any]) -> Said:
    """Return the known values of a row; truth values have one form on both engines."""
    said = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
    for name in said:
        if name.startswith("is_"):
            said[name] = bool(said[name])
    return said


def read_versions(connection: Connection, table: str, keys: list[str]) -> dict[str, Versions]:
    """Return what loads said of rows of a table, by the texts of their keys."""
    found: dict[str, Versions] = {}
    for start in range(0, len(keys), _IDS_AT_ONCE):
        some = keys[start : start + _IDS_AT_ONCE]
        query = (
            "SELECT row_key, load_id, same_as, said FROM load_version "
            f"WHERE table_name = ? AND row_key IN ({', '.join('?' * len(some))})"
        )
        for key, load_id, same_as, said in execute(connection, query, (table, *some)).all():
            found.setdefault(key, {})[load_id] = Version(same_as, None if said is None else json.loads(said))
    return found


def write_versions(connection: Connection, rows: list[tuple[int, str, str, Version]]) -> None:
    """Keep what loads said: load, table, key, version."""
    if not rows:
        return
    execute(
        connection,
        "INSERT INTO load_version (load_id, table_name, row_key, same_as, said) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (table_name, row_key, load_id) DO UPDATE SET same_as = excluded.same_as, said = excluded.said",
        [
            (load_id, table, key, version.same_as, None if version.said is None else json_text(version.said))
            for load_id, table, key, version in rows
        ],
    )


def read_covers(connection: Connection) -> dict[int, int]:
    """Return which loads bring all rows of another one: load -> the other."""
    query = "SELECT load_id, same_as FROM load_version WHERE table_name = '' AND row_key = ''"
    return {row[0]: row[1] for row in execute(connection, query).all()}


def covered_by(load_id: int, covers: dict[int, int]) -> list[int]:
    """Return the loads of which a load brings all rows, the nearest first."""
    chain = []
    while (other := covers.get(load_id)) is not None:
        chain.append(other)
        load_id = other
    return chain


def resolve(load_id: int, versions: Versions, owner: int, row: Said, covers: dict[int, int]) -> Said | None:
    """Return what a load says of a row; None where it does not bring it.

    owner: the load that brought the row first; row: what the store has, which is what the owner said as long as the
    versions hold nothing of it.
    """
    at: int | None = load_id
    while at is not None:
        if at in versions:
            version = versions[at]
            if version.said is not None:
                return version.said
            at = version.same_as
        elif at == owner:
            return row
        else:
            at = covers.get(at)
    return None


def is_same_said(said: Said, other: Said) -> bool:
    """Return whether two loads said the same of a row; what everybody has who is silent makes no difference."""
    if said == other:
        return True
    names = said.keys() | other.keys()
    return all(said.get(name, _SILENT.get(name)) == other.get(name, _SILENT.get(name)) for name in names)


@dataclass(frozen=True, kw_only=True)
class Met:
    """A record that met a row of the store: the row's key and load, what it was, and whether the record changed it."""

    key: str
    owner: int
    was: Said
    said: Said
    is_changed: bool


class Bringing:
    """Keeps what one load says of rows that others brought, too, and counts the rows that it brings."""

    def __init__(self, connection: Connection, load_id: int) -> None:
        self._connection, self._load_id = connection, load_id
        self._count = 0
        self._alike: dict[tuple[str, str], int] = {}
        self._of_former = 0
        self._former: tuple[int, int] | None = None
        self._covers: dict[int, int] | None = None
        self._former_set: set[int] = set()
        self._versions: dict[str, Versions] = {}

    def bring(self, count: int) -> None:
        """Count rows that were new."""
        self._count += count

    def keep(self, table: str, key: str, said: Said) -> None:
        """Keep in so many words what this load says of a row that it brings first."""
        write_versions(self._connection, [(self._load_id, table, key, Version(said=said))])
        self._versions.setdefault(key, {})[self._load_id] = Version(said=said)

    def keep_first(self, table: str, key: str, was: Said) -> None:
        """Keep what a row was that no load is known to have brought."""
        write_versions(self._connection, [(NO_LOAD, table, key, Version(said=was))])
        self._versions.setdefault(key, {})[NO_LOAD] = Version(said=was)

    def first_of(self, key: str) -> int:
        """Return the first load of which it is kept what it said of a row."""
        return min(self._versions[key])

    def read(self, table: str, keys: list[str]) -> None:
        """Read what loads said of the rows that the next records meet."""
        self._find_former()
        self._versions = read_versions(self._connection, table, keys)

    def has_versions(self, key: str) -> bool:
        """Return whether it is kept what loads said of a row that was read."""
        return bool(self._versions.get(key))

    def meet_same(self, table: str, key: str, owner: int) -> None:
        """Take in a record that says what its row has; nothing else was ever said of the row."""
        if owner == self._load_id or (table, key) in self._alike:
            return
        self._count += 1
        is_of_former = owner in self._former_set
        self._of_former += is_of_former
        self._alike[table, key] = self._former[0] if self._former and is_of_former else owner

    def meet(self, table: str, met: Met, merge: Callable[[Said, Said], Said]) -> None:
        """Take in a record that met a row; merge: of what this load said of the row before, and what it says now."""
        versions = self._versions.setdefault(met.key, {})
        place = (table, met.key)
        before = self._said_before(place, met, versions)
        if met.owner == self._load_id and before is None:
            return
        said = met.said if before is None else merge(before, met.said)
        is_of_former = any(load in self._former_set for load in (met.owner, *versions))
        if before is None:
            self._count += 1
            self._of_former += is_of_former
        as_load = self._former[0] if self._former and is_of_former else met.owner
        told = resolve(as_load, versions, met.owner, met.was, self._covers or {})
        if self._load_id not in versions and told is not None and is_same_said(said, told):
            self._alike[place] = as_load
            return
        self._alike.pop(place, None)
        kept = [(self._load_id, Version(said=said))]
        if met.is_changed and met.owner not in versions:
            kept.append((met.owner, Version(said=met.was)))
        write_versions(self._connection, [(load_id, *place, version) for load_id, version in kept])
        versions.update(kept)

    def _said_before(self, place: tuple[str, str], met: Met, versions: Versions) -> Said | None:
        if (as_load := self._alike.get(place)) is not None:
            return resolve(as_load, versions, met.owner, met.was, self._covers or {})
        if self._load_id not in versions:
            return None
        return resolve(self._load_id, versions, met.owner, met.was, self._covers or {})

    def _find_former(self) -> None:
        """Find the load of the same file before this one: whoever loads a file that grew brings all that it brought."""
        if self._covers is not None:
            return
        self._covers = read_covers(self._connection)
        row = execute(self._connection, _FORMER, (self._load_id,) * 3).first()
        if row is not None:
            self._former = (row[0], row[1])
            self._former_set = {row[0], *covered_by(row[0], self._covers)}

    def finish(self) -> None:
        """Write what is left to say when all is read."""
        former = self._former
        if former is not None and self._of_former == former[1]:
            write_versions(self._connection, [(self._load_id, *WHOLE_LOAD, Version(same_as=former[0]))])
            self._alike = {place: load for place, load in self._alike.items() if load != former[0]}
        write_versions(
            self._connection,
            [(self._load_id, *place, Version(same_as=load)) for place, load in self._alike.items()],
        )
        execute(
            self._connection,
            "UPDATE load_log SET rows_brought = coalesce(rows_brought, 0) + ? WHERE load_id = ?",
            (self._count, self._load_id),
        )
        self._count, self._alike = 0, {}


def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns of a table that records fill."""
    return tuple(name for name in sql.table_columns()[table] if name != "load_id")
