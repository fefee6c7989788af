"""What is copied: the tables, their columns and references, read from the scripts that make them on both sides."""

import re
from dataclasses import dataclass
from functools import cache

from asp_analysis import sql

ORDER = (
    *sql.RECORD_TABLES,
    sql.ALIASES,
    sql.BUDGETS,
    sql.AGENT_CHANGES,
    sql.CHANGE_ASSIGNMENTS,
    "load_log",
    "load_reject",
    "load_version",
)
"""The tables that are copied, those that others refer to first.

Not copied: `asp_schema`, whose version is compared; `asp_changes`, which counts what happens on the server; and the
numbers of the executions (`row_id`), which the server numbers in the order of the file's.
"""

_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(r"^    ([a-z]\w*) +(DOUBLE PRECISION|[A-Z]+)(.*?),?$", re.MULTILINE)
_REFERENCE = re.compile(r"FOREIGN KEY \((\w+)\) REFERENCES (\w+) \((\w+)\)")


@dataclass(frozen=True)
class ServerColumn:
    """A column on the server: its name, its type there, and whether the server numbers it."""

    name: str
    kind: str
    is_identity: bool


@dataclass(frozen=True)
class ForeignKey:
    """A column whose values are keys of another table."""

    column: str
    table: str
    key: str


@dataclass(frozen=True)
class ServerTable:
    """A table that is copied: its columns in the file's order, and what they refer to."""

    name: str
    columns: tuple[ServerColumn, ...]
    references: tuple[ForeignKey, ...]

    @property
    def identity(self) -> str | None:
        """The column that the server numbers."""
        return next((column.name for column in self.columns if column.is_identity), None)


@cache
def tables() -> tuple[ServerTable, ...]:
    """Return the tables in the order in which they can be filled."""
    scripts = dict(_TABLE.findall(sql.script("migrations/001_create_tables.sql")))
    return tuple(_table(name, scripts[name]) for name in ORDER)


def _table(name: str, script: str) -> ServerTable:
    found = {column: (kind, rest) for column, kind, rest in _COLUMN.findall(script)}
    columns = tuple(
        ServerColumn(one, found[one][0], "AS IDENTITY" in found[one][1]) for one in sql.table_columns()[name]
    )
    references = tuple(ForeignKey(column, other, key) for column, other, key in _REFERENCE.findall(script))
    return ServerTable(name, columns, references)
