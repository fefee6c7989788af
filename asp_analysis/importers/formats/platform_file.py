"""A SQLite file that the ASP platform wrote -> batches of raw columns, table by table, for the readers of tables.

Such a file may lack columns and may hold anything in any of them: what cannot be taken is rejected record by record.
A store of the workbench of schema version 1 or 2 has the same form and is read alike.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.format import Format, Part, ReadOptions
from asp_analysis.importers.sqlite_file import reading
from asp_analysis.importers.tables.raw import BATCH_RECORDS, RawBatch, write_row
from asp_analysis.importers.tables.record_batches import RecordReader
from asp_analysis.sql import SCHEMA_VERSION

KINDS = {
    "task_metadata": "task_metadata",
    "agent_cost_vector": "metrics",
    "defect_log": "defect_log",
    "bootstrap_metrics": "bootstrap_metrics",
}
"""Table -> what its records are, in the order in which they are loaded: tasks before what belongs to them."""


def list_tables(file: SourceFile) -> list[str]:
    """List the platform's tables in a file, in the order of `KINDS`.

    Raises:
        InputError: it holds none, it is a store of the present schema, or it cannot be read.
    """
    with _connected(file) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        version = (
            connection.execute("SELECT max(version) FROM asp_schema").fetchone()[0] if "asp_schema" in names else 0
        )
    if isinstance(version, int) and version >= SCHEMA_VERSION:
        raise InputError(
            f"{file.name} is a store of the workbench, no file to load. Read it with --db sqlite:///FILE; to bring its "
            "rows into another store, run asp-analysis export --raw there and load the files here."
        )
    found = [table for table in KINDS if table in names]
    if not found:
        raise InputError(
            f"{file.name} is a SQLite database without any table of the ASP platform ({', '.join(KINDS)}). "
            "Name another file, or save its table as CSV."
        )
    return found


def read_table(file: SourceFile, table: str) -> Iterator[RawBatch]:
    """Read one table in the order of its rows; the line number of a record is its rowid."""
    with _connected(file) as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if _is_utf8(row[1])]
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        cursor = connection.execute(f"SELECT rowid, {listed} FROM {table} ORDER BY rowid")
        while rows := cursor.fetchmany(BATCH_RECORDS):
            numbers, *values = map(list, zip(*rows, strict=True))
            columns = {name: [_plain(value) for value in column] for name, column in zip(names, values, strict=True)}
            yield RawBatch(columns=columns, line_numbers=numbers, raw_text=write_row(columns))


@contextmanager
def _connected(file: SourceFile) -> Iterator[sqlite3.Connection]:
    """Yield the connection of the file; a text that is no UTF-8 keeps its bytes: only its record is rejected."""
    with reading(file.name):
        connection = file.database.connection
        connection.text_factory = lambda text: text.decode("utf-8", errors="surrogateescape")
        yield connection


def _is_utf8(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _plain(value: Any) -> Any:
    """Return bytes as the text they may be; what is no UTF-8 keeps its bytes as lone surrogates and is rejected."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    return repr(value) if isinstance(value, float) and value - value != 0 else value


class _PlatformFormat(Format):
    """A SQLite file with up to four tables, all of them or none."""

    @property
    def is_table(self) -> bool:
        """True."""
        return True

    def is_looked_for(self, path: Path) -> bool:
        """Return False: only a file that the user names is one, databases of a folder are somebody else's."""
        return False

    def is_format_of(self, head: Head) -> bool:
        """Return whether it is a SQLite file."""
        return head.magic.startswith(b"SQLite format 3")

    def read_parts(self, file: SourceFile, options: ReadOptions) -> list[Part]:
        """Read the tables one after the other, in the order of `KINDS`."""
        if options.is_of_tables:
            raise InputError(
                f"{file.name} is a SQLite file of the ASP platform: its tables say what they are. "
                "Leave out --as, --map and --set."
            )
        parts = []
        for table in list_tables(file):
            kind, notes = KINDS[table], list[str]()
            reader = RecordReader(f"{file.name} ({table})", kind, options.table, notes=notes)
            batches = reader.read(read_table(file, table))
            parts.append(Part(loaded_as=kind, batches=batches, options=options.table.said, notes=notes))
        return parts


FORMAT = _PlatformFormat(name="asp-platform", title="SQLite file of the ASP platform")
