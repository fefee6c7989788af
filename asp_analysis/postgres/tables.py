"""What is carried: the tables, their columns and keys, read from the scripts that make them on the server."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from asp_analysis import sql

ORDER = (
    "agent_roles",
    "task_metadata",
    "agent_cost_vector",
    "defect_log",
    "bootstrap_metrics",
    "load_log",
    "load_reject",
)
"""The tables that are carried, those that others refer to first.

Not carried: `asp_schema`, whose version is compared, and `asp_changes`, which counts what happens on the server.
"""

ROLES = "agent_roles"
"""Filled when the schema is made; the source's own roles take their place."""

_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(r"^    ([a-z]\w*) +(TEXT\[\]|DOUBLE PRECISION|[A-Z]+)(.*?),?$", re.MULTILINE)
_DEFAULT = re.compile(r"DEFAULT ('[^']*'|\w+)")
_KEY = re.compile(r"(?:PRIMARY KEY|UNIQUE) \(([^)]*)\)")
_REFERENCE = re.compile(r"FOREIGN KEY \((\w+)\) REFERENCES (\w+) \((\w+)\)")


@dataclass(frozen=True)
class Column:
    """A column on the server. `default` is what an unknown value becomes where one is needed."""

    name: str
    kind: str
    is_required: bool
    is_identity: bool
    default: Any = None


@dataclass(frozen=True)
class Reference:
    """A column whose values are keys of another table."""

    column: str
    table: str
    key: str


@dataclass(frozen=True)
class Table:
    """A table that is carried. `keys` are the columns that tell its rows apart in the file, each set by itself."""

    name: str
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...]
    reference: Reference | None
    file_constraints: tuple[str, ...]

    @property
    def identity(self) -> str | None:
        """The column that the server numbers."""
        return next((column.name for column in self.columns if column.is_identity), None)


@cache
def tables() -> tuple[Table, ...]:
    """Give the tables in the order in which they can be filled."""
    on_server = dict(_TABLE.findall(sql.script("migrations/001_create_tables.sql")))
    in_file = dict(_TABLE.findall(sql.script("sqlite/create_tables.sql")))
    return tuple(_table(name, on_server[name], in_file[name]) for name in ORDER)


def _table(name: str, on_server: str, in_file: str) -> Table:
    columns = tuple(_column(*found) for found in _COLUMN.findall(on_server))
    keys = tuple(tuple(key.split(", ")) for key in _KEY.findall(in_file))
    reference = _REFERENCE.search(in_file)
    constraints = tuple(re.findall(r"CONSTRAINT (\w+)", in_file))
    return Table(name, columns, keys, Reference(*reference.groups()) if reference else None, constraints)


def _column(name: str, kind: str, rest: str) -> Column:
    default = _DEFAULT.search(rest) if "AS IDENTITY" not in rest else None
    is_identity = "AS IDENTITY" in rest
    return Column(name, kind, "NOT NULL" in rest or is_identity, is_identity, _literal(default[1]) if default else None)


def _literal(text: str) -> Any:
    """Give a default of the script as the value that SQLite holds."""
    if text in ("TRUE", "FALSE"):
        return int(text == "TRUE")
    return text.strip("'") if text.startswith("'") else int(text)
