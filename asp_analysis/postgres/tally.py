"""What a table holds, summed up twice: here while the file is read, there by the server from what it stores.

Each column is summed up by how many values are known and by the sum, modulo 2**64, of the hashes of their texts, whose
seed is the column's place; each table by the sum of its rows' hashes, which are their columns' hashes joined by
exclusive or, so that values which changed places are noticed. Numbers and instants also have least, greatest and sum.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from asp_analysis.postgres.carried_rows import Rows
from asp_analysis.postgres.carried_tables import ServerColumn, ServerTable
from asp_analysis.postgres.hashes import HASHED_BYTES
from asp_analysis.postgres.server_values import Converted

_WRAP = 2**64
_COUNTABLE = 1e290
"""Sums of real numbers leave out what is larger: a few of them are more than the server's DOUBLE PRECISION holds."""

_SUM_TOLERANCE = 1e-9
"""Relative; sums of real numbers depend on their order in the last digits. Their bits are compared by the checksum."""

_SHOWN_AS = {
    "DOUBLE PRECISION": "encode(float8send({name}), 'hex')",
    "TEXT": "{name}",
}
_LONG = {"TEXT", "JSONB"}
_SUMS = {
    "BIGINT": "{name}",
    "DOUBLE PRECISION": f"CASE WHEN abs({{name}}) <= {_COUNTABLE!r} THEN {{name}} END",
    "TIMESTAMPTZ": "extract(epoch FROM {name})",
}


@dataclass(frozen=True, kw_only=True)
class TableCheck:
    """One comparison: what the source has, what the server has."""

    table: str
    column: str
    check: str
    source: Any
    target: Any
    is_equal: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as a row of a listing; values are text, for many readers of JSON round large numbers."""
        return {
            "table": self.table,
            "column": self.column,
            "check": self.check,
            "source": _as_text(self.source),
            "target": _as_text(self.target),
            "is_equal": self.is_equal,
        }


class _Limit(NamedTuple):
    """The least or the greatest of the file: as a number, by which it is found, and as the server shows it."""

    number: Any
    shown: str


@dataclass(kw_only=True)
class _ColumnTally:
    known: int = 0
    checksum: int = 0
    least: Any = None
    greatest: Any = None
    sum: Any = None

    def as_tuple(self) -> tuple[Any, ...]:
        return self.known, self.checksum, self.least, self.greatest, self.sum


@dataclass
class Tally:
    """The sums of one table, filled chunk by chunk from the file or at once by the server."""

    table: ServerTable
    rows: int = 0
    checksum: int = 0
    columns: dict[str, _ColumnTally] = field(default_factory=dict)

    def has_known(self, column: ServerColumn) -> bool:
        """Return whether any row has a value in a column."""
        return column.name in self.columns and self.columns[column.name].known > 0

    def add(self, rows: Rows) -> None:
        """Add rows that were read."""
        joined = np.zeros(rows.row_count, np.uint64)
        for place, column in enumerate(self.table.columns):
            converted = rows.columns[place]
            hashes = converted.hashes(seed=place + 1)
            joined ^= hashes
            tally = self.columns.setdefault(column.name, _ColumnTally())
            tally.checksum = (tally.checksum + int(hashes.sum(dtype=np.uint64))) % _WRAP
            tally.known += converted.known
            if column.kind in _SUMS and converted.cells.copied:
                _add_numbers(tally, column, converted)
        self.rows += rows.row_count
        self.checksum = (self.checksum + int(joined.sum(dtype=np.uint64))) % _WRAP


def query(table: ServerTable, source: Tally) -> str:
    """Return the SELECT by which the server sums a table up; its one row is read by `from_server`.

    Of a column that is empty in the source, the server only counts the known values: where there is none, there is
    nothing to hash.
    """
    places = [place for place, column in enumerate(table.columns) if source.has_known(column)]
    outer = ["count(*)", f"sum({' # '.join(f'h{place}' for place in places) or '0'})"]
    for place, column in enumerate(table.columns):
        outer += [f"count({column.name})", f"sum(h{place})" if place in places else "0"]
        if column.kind in _SUMS:
            outer += [_extreme("min", column), _extreme("max", column)]
            outer.append(f"sum({_SUMS[column.kind].format(name=column.name)})")
    listed = [column.name for column in table.columns]
    texts = [f"{_text_of(table.columns[place])} AS t{place}" for place in places]
    hashes = [_hashed(table.columns[place], place) for place in places]
    # OFFSET 0 keeps the texts, which are used twice, from being made twice.
    inner = f"SELECT {', '.join(listed + texts)} FROM {table.name} OFFSET 0"
    return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(listed + hashes)} FROM ({inner}) AS shown) AS hashed"


def from_server(table: ServerTable, row: Sequence[Any]) -> Tally:
    """Read the row that the server returned for `query`."""
    values = iter(row)
    tally = Tally(table, next(values), int(next(values) or 0) % _WRAP)
    for column in table.columns:
        found = tally.columns[column.name] = _ColumnTally(known=next(values), checksum=int(next(values) or 0) % _WRAP)
        if column.kind in _SUMS:
            found.least, found.greatest, found.sum = next(values), next(values), next(values)
    return tally


def compare(source: Tally, target: Tally) -> list[TableCheck]:
    """Compare the two sides of one table."""
    name = source.table.name
    checks = [_check(name, "", "rows", source.rows, target.rows)]
    checks.append(_check(name, "", "checksum", f"{source.checksum:016x}", f"{target.checksum:016x}"))
    for column in source.table.columns:
        ours, theirs = source.columns.get(column.name, _ColumnTally()), target.columns[column.name]
        checks.append(_check(name, column.name, "known", ours.known, theirs.known))
        checks.append(_check(name, column.name, "checksum", f"{ours.checksum:016x}", f"{theirs.checksum:016x}"))
        if column.kind in _SUMS:
            checks.append(_check(name, column.name, "min", _limit(ours.least, column), theirs.least))
            checks.append(_check(name, column.name, "max", _limit(ours.greatest, column), theirs.greatest))
            checks.append(_check(name, column.name, "sum", _sum(ours.sum, column), theirs.sum))
    return checks


def _text_of(column: ServerColumn) -> str:
    return _SHOWN_AS.get(column.kind, "{name}::TEXT").format(name=column.name)


def _hashed(column: ServerColumn, place: int) -> str:
    text = f"t{place}"
    if column.kind in _LONG:
        text = f"CASE WHEN octet_length({text}) <= {HASHED_BYTES} THEN {text} ELSE md5({text}) END"
    return f"coalesce(hashtextextended({text}, {place + 1}), 0) AS h{place}"


def _extreme(function: str, column: ServerColumn) -> str:
    text = "::TEXT" if column.kind == "TIMESTAMPTZ" else ""
    return f"{function}({column.name}){text}"


def _add_numbers(tally: _ColumnTally, column: ServerColumn, converted: Converted) -> None:
    each, numbers = converted.cells.numbers, converted.numbers
    for place in (int(each.argmin()), int(each.argmax())):
        limit = _Limit(each[place].item(), converted.cells.shown[place])
        tally.least = limit if tally.least is None else min(tally.least, limit)
        tally.greatest = limit if tally.greatest is None else max(tally.greatest, limit)
    if column.kind == "DOUBLE PRECISION":
        countable = numbers[np.abs(numbers) <= _COUNTABLE]
        tally.sum = math.fsum([tally.sum or 0.0, *countable.tolist()]) if len(countable) else tally.sum
    else:
        tally.sum = (tally.sum or 0) + sum(numbers.tolist())


def _limit(limit: _Limit | None, column: ServerColumn) -> Any:
    if limit is None:
        return None
    return limit.shown if column.kind == "TIMESTAMPTZ" else limit.number


def _sum(total: Any, column: ServerColumn) -> Any:
    return Decimal(total).scaleb(-6) if total is not None and column.kind == "TIMESTAMPTZ" else total


def _check(table: str, column: str, name: str, source: Any, target: Any) -> TableCheck:
    if isinstance(source, float) and isinstance(target, float) and name == "sum":
        is_equal = math.isclose(source, target, rel_tol=_SUM_TOLERANCE)
    else:
        is_equal = source == target
    return TableCheck(table=table, column=column, check=name, source=source, target=target, is_equal=is_equal)


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)
