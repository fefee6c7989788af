"""A PostgreSQL database as a store: how it is opened and set up, and how its values become the store's texts.

The rest of the writer knows one form of a value, the one SQLite holds: instants and JSON as text. The server has types
for them; they are translated here, on the way in and out.
"""

import json
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.adapt import Loader
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.records import json_text
from asp_analysis.store.statements import run_script
from asp_analysis.store.views import create_views

WRITER_LOCK = 7305473017
"""The advisory lock of the writer: writers take turns as on SQLite, so that what one compares no other changes.

The triggers of database/migrations/001_create_tables.sql take the same lock.
"""

PATIENCE_S = 30.0
"""How long a writer waits for the one before it, as on SQLite."""

_CONNECT_TIMEOUT_S = 10
_MIGRATIONS = ("001_create_tables", "002_create_indexes")

_NO_LIMIT_OF_LATE_ROWS = """
    SELECT set_config(name, '0', FALSE) FROM pg_settings
    WHERE name = 'timescaledb.max_tuples_decompressed_per_dml_transaction'"""
"""TimescaleDB unpacks compressed rows to compare new ones with them, and refuses after 100,000; loads of old telemetry
go beyond that."""


def make_engine(url: StoreUrl, patience_s: Callable[[], float] | None = None) -> Engine:
    """Return an engine whose transactions wait for their turn at the beginning, those that only read excepted.

    With `patience_s` they wait no longer than it says, and each has a connection of its own: none is left open that a
    forked child could close under its parent.
    """
    if patience_s is not None:
        engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: _begin(connection, patience_s()))
        event.listen(engine, "connect", _configure)
        return engine
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), pool_size=1, pool_pre_ping=True)
    event.listen(engine, "connect", _configure)
    event.listen(
        engine, "begin", lambda connection: _begin(connection, PATIENCE_S if patience_s is None else patience_s)
    )
    return engine


def connect(url: StoreUrl) -> psycopg.Connection:
    """Open one connection; its name on the server is the workbench's, its password comes from the address or libpq.

    Raises:
        psycopg.OperationalError: the server does not answer or refuses.
    """
    return psycopg.connect(url.text, connect_timeout=_CONNECT_TIMEOUT_S, application_name="asp-analysis")


def create_schema(connection: Connection) -> None:
    """Create all tables, views and roles; with TimescaleDB in the database, its hypertables too."""
    for name in _MIGRATIONS:
        run_script(connection, sql.script(f"migrations/{name}.sql"))
    run_script(connection, sql.script("vocabularies.sql"))
    create_views(connection)
    run_script(connection, sql.script("migrations/grants.sql"))
    if connection.exec_driver_sql("SELECT FROM pg_extension WHERE extname = 'timescaledb'").first() is not None:
        run_script(connection, sql.script("migrations/003_timescaledb_setup.sql"))


class _InstantLoader(Loader):
    """TIMESTAMPTZ in UTC as the store's text: 2026-01-31 09:30:00.5+00 is 2026-01-31T09:30:00.500000Z."""

    def load(self, data: Any) -> str:
        date, _, rest = bytes(data).decode().partition(" ")
        clock, _, fraction = rest.removesuffix("+00").partition(".")
        return f"{date}T{clock}.{fraction:0<6}Z"


class _JsonLoader(Loader):
    """JSONB as the store's one text form of JSON."""

    def load(self, data: Any) -> str:
        return json_text(json.loads(bytes(data)))


def _configure(connection: psycopg.Connection, _record: object) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET DateStyle = 'ISO, YMD'")
    connection.execute(_NO_LIMIT_OF_LATE_ROWS)
    connection.commit()
    for type_, loader in (("timestamptz", _InstantLoader), ("jsonb", _JsonLoader)):
        connection.adapters.register_loader(type_, loader)


def _begin(connection: Connection, patience_s: float) -> None:
    if connection.get_execution_options().get("reads"):
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(patience_s * 1000))}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
