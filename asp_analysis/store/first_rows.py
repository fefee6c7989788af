"""The first records of a load as they are stored: what somebody looks at before a load is made in earnest."""

from typing import Any

from sqlalchemy import Connection

from asp_analysis.batch import Batch
from asp_analysis.store.statements import execute
from asp_analysis.store.upsert import KEYED_TABLES

_SHOWN_ROWS = 3


class FirstRows:
    """Remembers which rows the first records of each table are, and reads them back when all is written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys: dict[str, dict[tuple[Any, ...], None]] = {}

    def see(self, batch: Batch) -> None:
        """Take in the next batch of the file."""
        keys = self._keys.setdefault(batch.table, {})
        places = [batch.columns.index(name) for name in KEYED_TABLES[batch.table].key]
        for row in batch.rows:
            if len(keys) >= _SHOWN_ROWS:
                return
            keys[tuple(row[place] for place in places)] = None

    def read_back(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of each table, column by column; what is unknown of all of them is left out."""
        rows = {table: [row for key in keys if (row := self._row(table, key))] for table, keys in self._keys.items()}
        return {table: _without_unknown(found) for table, found in rows.items() if found}

    def _row(self, table: str, key: tuple[Any, ...]) -> dict[str, Any] | None:
        condition = " AND ".join(f"{name} = ?" for name in KEYED_TABLES[table].key)
        row = execute(self._connection, f"SELECT * FROM {table} WHERE {condition}", key).mappings().first()
        return None if row is None else {name: value for name, value in row.items() if name not in _OWN}


_OWN = ("load_id", "row_id")
"""Columns of the writer: they will have other values when the load is made in earnest."""


def _without_unknown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    return [{name: row[name] for name in known} for row in rows]
