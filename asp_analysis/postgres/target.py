"""The server's side of a migration: one transaction that makes the tables, fills them, and sums them up again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from asp_analysis import server
from asp_analysis.config import StoreUrl, require_writable
from asp_analysis.errors import StoreError
from asp_analysis.postgres import tally
from asp_analysis.postgres.carried_tables import ORDER, ServerTable
from asp_analysis.postgres.hashes import hash_texts
from asp_analysis.postgres.tally import TableCheck, Tally
from asp_analysis.sql import SCHEMA_VERSION, VOCABULARIES, table_columns, vocabulary_rows
from asp_analysis.store import postgres as engine

_BULK = "agent_cost_vector"
"""The table whose keys and indexes are made after its rows: a million rows take a third of the server's time then."""


class Target:
    """A database within its one transaction; use `open_target`."""

    def __init__(self, url: StoreUrl, connection: Connection) -> None:
        self.url, self._connection = url, connection
        self._driver = cast(psycopg.Connection, connection.connection.driver_connection)

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query."""
        return self._driver.execute(query).fetchall()

    def has_tables(self) -> bool:
        """Return whether the workbench's tables are there.

        Raises:
            StoreError: only some are, or of another version, or the database cannot hold every text.
        """
        encoding = self.rows("SHOW server_encoding")[0][0]
        if encoding != "UTF8":
            raise StoreError(
                f"{self.url.shown} is in {encoding}, not in UTF8. Create a database with: createdb -E UTF8"
            )
        listed = self.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
        there = {row[0] for row in listed} & {"asp_schema", "asp_changes", *ORDER}
        if not there:
            return False
        version = self.rows("SELECT max(version) FROM asp_schema")[0][0] if "asp_schema" in there else None
        if version != SCHEMA_VERSION or not set(ORDER) <= there:
            raise StoreError(
                f"{self.url.shown} holds {', '.join(sorted(there))} of schema version {version or 'unknown'}. "
                f"Name a database that is empty or holds a store of version {SCHEMA_VERSION}."
            )
        return True

    def make_tables(self) -> None:
        """Make the tables, as part of this transaction."""
        engine.create_schema(self._connection)

    def counts(self) -> dict[str, int]:
        """Count the rows of the tables that hold any; a vocabulary as every store begins with it holds none."""
        counts = {name: int(self.rows(f"SELECT count(*) FROM {name}")[0][0]) for name in ORDER}
        for name in VOCABULARIES:
            listed = ", ".join(table_columns()[name])
            first = f"(VALUES {vocabulary_rows(name)}) AS first ({listed})"
            if not self.rows(f"SELECT {listed} FROM {name} EXCEPT SELECT * FROM {first}") and not self.rows(
                f"SELECT * FROM {first} EXCEPT SELECT {listed} FROM {name}"
            ):
                del counts[name]
        return {name: count for name, count in counts.items() if count}

    def fill(self, table: ServerTable, blocks: Iterator[str]) -> None:
        """Copy rows, in the text form of COPY, into an empty table."""
        if table.name in VOCABULARIES:  # filled when the schema was made; the store's own words take their place
            self._driver.execute(f"DELETE FROM {table.name}")
        columns = ", ".join(column.name for column in table.columns)
        with (
            self._keys_made_last(table),
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy,
        ):
            _write_beside(copy.write, blocks)
        if table.identity:
            self.rows(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{table.identity}'), "
                f"coalesce(max({table.identity}), 0) + 1, FALSE) FROM {table.name}"
            )

    def sum_up(self, source: Tally) -> Tally:
        """Sum up, from what is stored, the table that `source` sums up."""
        table = source.table
        if int(self.rows("SELECT hashtextextended('asp', 1)")[0][0]) % 2**64 != int(hash_texts(["asp"], 1)[0]):
            raise StoreError(
                f"{self.url.shown} computes other checksums, because its machine is not little-endian. "
                "Migrate to another server."
            )
        return tally.from_server(table, self.rows(tally.query(table, source))[0])

    def check_keys(self, source: Tally) -> Iterator[TableCheck]:
        """Check that nothing refers to a missing row, and that the next number of an identity column is free."""
        table = source.table
        for reference in table.references:
            orphans = self.rows(
                f"SELECT count(*) FROM {table.name} AS t WHERE NOT EXISTS (SELECT FROM {reference.table} AS r "
                f"WHERE r.{reference.key} = t.{reference.column})"
            )[0][0]
            yield TableCheck(
                table=table.name,
                column=reference.column,
                check="orphans",
                source=0,
                target=orphans,
                is_equal=orphans == 0,
            )
        if table.identity:
            greatest = source.columns[table.identity].greatest if source.rows else None
            least = greatest.number + 1 if greatest else 1
            sequence = self.rows(f"SELECT pg_get_serial_sequence('{table.name}', '{table.identity}')")[0][0]
            following = self.rows(f"SELECT last_value + is_called::INTEGER FROM {sequence}")[0][0]
            yield TableCheck(
                table=table.name,
                column=table.identity,
                check="next",
                source=least,
                target=following,
                is_equal=following >= least,
            )

    @contextmanager
    def _keys_made_last(self, table: ServerTable) -> Iterator[None]:
        """Take the keys and indexes off the table of executions while it is filled, and put the same ones on again.

        Left as they are where the present user does not own the table or TimescaleDB has divided it.
        """
        if table.name != _BULK or not self._may_be_changed(table):
            yield
            return
        constraints = self.rows(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            f"WHERE conrelid = '{table.name}'::REGCLASS AND contype IN ('f', 'p', 'u') ORDER BY contype DESC"
        )
        indexes = self.rows(
            "SELECT indexrelid::REGCLASS::TEXT, pg_get_indexdef(indexrelid) FROM pg_index "
            f"WHERE indrelid = '{table.name}'::REGCLASS AND NOT EXISTS "
            "(SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1"
        )
        for name, _ in sorted(constraints, key=lambda one: not one[1].startswith("FOREIGN")):
            self._driver.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            self._driver.execute(f"DROP INDEX {name}")
        yield
        for name, definition in sorted(constraints, key=lambda one: one[1].startswith("FOREIGN")):
            self._driver.execute(f"ALTER TABLE {table.name} ADD CONSTRAINT {name} {definition}")
        for _, definition in indexes:
            self._driver.execute(definition)

    def _may_be_changed(self, table: ServerTable) -> bool:
        return self.rows(
            f"SELECT pg_has_role(relowner, 'USAGE') AND to_regclass('_timescaledb_catalog.hypertable') IS NULL "
            f"FROM pg_class WHERE oid = '{table.name}'::REGCLASS"
        )[0][0]


def _write_beside(write: Callable[[str], None], blocks: Iterator[str]) -> None:
    """Write each block in a thread of its own, while the next is made."""
    with ThreadPoolExecutor(max_workers=1) as writer:
        writing = None
        for block in blocks:
            if writing is not None:
                writing.result()
            writing = writer.submit(write, block)
        if writing is not None:
            writing.result()


@contextmanager
def open_target(url: StoreUrl) -> Iterator[tuple[Target, Callable[[], None]]]:
    """Begin the one transaction; yield the database and what commits it. Without a commit nothing stays.

    Raises:
        StoreError: the address is of no server, or the server does not answer, refuses or is lost.
    """
    require_writable(url)
    if url.path is not None:
        raise StoreError(
            f"{url.shown} is a file, and migrate writes to a PostgreSQL database. Write postgresql://user@host/name."
        )
    pool = engine.make_engine(url)
    try:
        with pool.connect() as connection:
            transaction = connection.begin()
            yield Target(url, connection), transaction.commit
            if transaction.is_active:
                transaction.rollback()
    except DBAPIError as error:
        raise StoreError(_explained(url, str(error.orig))) from None
    except psycopg.Error as error:
        raise StoreError(_explained(url, str(error))) from None
    finally:
        pool.dispose()


def _explained(url: StoreUrl, text: str) -> str:
    return server.explained(url, text, "migrate to")
