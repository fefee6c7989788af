"""Rows of several tables in batches, as of one instant: for what does not fit into memory.

A session's own queries each see the store as it is then. Here they share one transaction, so that what a writer adds
meanwhile is in none of the tables.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.session.attaching import unreadable
from asp_analysis.session.persons import PersonView
from asp_analysis.session.scope import NARROWED
from asp_analysis.session.session import connect

_BATCH_ROWS = 20_000

AS_STORED = "memory.as_stored"
"""The schema whose staging views have the names of roles and models that the rows have, whatever aliases there are."""

_NO_ALIAS = "(SELECT * FROM raw.name_alias WHERE FALSE)"

Read = Callable[..., pa.RecordBatchReader]
"""A SELECT and the values of its `$parameters` -> its rows, read while they are asked for."""


@contextmanager
def reading_batches(url: StoreUrl, persons: PersonView | None = None) -> Iterator[Read]:
    """Return a function that reads one state of a store; read one query to its end before the next.

    The staging views of `AS_STORED` have the names that the rows have: a file of them can be loaded again.

    Raises:
        StoreError: there is no such store, or it cannot be read.
    """
    with connect(url, is_live=True, persons=persons) as session, session._reader.connection.cursor() as cursor:

        def read(query: str, **parameters: object) -> pa.RecordBatchReader:
            return cursor.execute(query, parameters or None).to_arrow_reader(_BATCH_ROWS)

        try:
            whole = cursor.execute("SELECT current_database() || '.' || current_schema()").fetchall()[0][0]
            cursor.execute(f"CREATE SCHEMA {AS_STORED}")
            for name in sql.view_names("staging"):
                text = sql.view_text("staging", name).replace("raw.name_alias", _NO_ALIAS)
                text = f"SELECT * FROM {whole}.{name}" if url.is_lake else text  # published as its writers show them
                text = text if persons is None else persons.hide(name, text, whole)
                cursor.execute(f"CREATE VIEW {AS_STORED}.{name} AS {text}")
            if persons is not None:
                cursor.execute(f"USE {NARROWED}")
            cursor.begin()
            yield read
        except (duckdb.Error, pa.ArrowException) as error:
            raise unreadable(url, duckdb.Error(str(error).splitlines()[0])) from None


@contextmanager
def reading_state(url: StoreUrl, persons: PersonView | None = None) -> Iterator[Read]:
    """Return a function that reads one state of a store from the copy that a session keeps; read a query to its end.

    A large store is read from its snapshot, which is brought up to date with what is new.

    Raises:
        StoreError: there is no such store, or it cannot be read.
    """
    with connect(url, persons=persons) as session, session._reader.connection.cursor() as cursor:

        def read(query: str, **parameters: object) -> pa.RecordBatchReader:
            return cursor.execute(query, parameters or None).to_arrow_reader(_BATCH_ROWS)

        try:
            here = "SELECT current_database() || '.' || current_schema()"
            cursor.execute(f"USE {session._reader.connection.execute(here).fetchall()[0][0]}")
            cursor.begin()
            yield read
        except (duckdb.Error, pa.ArrowException) as error:
            raise unreadable(url, duckdb.Error(str(error).splitlines()[0])) from None
