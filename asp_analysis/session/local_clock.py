"""Shows the instants of a store as a clock in a time zone showed them, so that days, weeks and months are those there.

The store keeps UTC. All views are made once more over staging views whose instants are moved; a part of the store, and
what hides persons, is read from these. Days of the table `people` are then days of the time zone, too. An hour that a
clock shows twice is one hour in which both are.
"""

import duckdb

from asp_analysis import sql
from asp_analysis.session.catalog import describe_view, marts, staging_views

ZONE_VARIABLE = "ASP_TIME_ZONE"
"""The environment variable by which a process that runs a notebook says whose days are meant."""

_LOCAL = "narrowed.local_clock"


def make_local_views(connection: duckdb.DuckDBPyConnection, whole: str, zone: str) -> str:
    """Make the views of the whole store, which are in `whole`, with the instants of a zone; return where they are."""
    connection.execute("ATTACH IF NOT EXISTS ':memory:' AS narrowed")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_LOCAL}")
    for name in staging_views():
        instants = [column.name for column in describe_view(name)[1] if column.unit == "UTC"]
        moved = ", ".join(f"timezone({sql.quoted(zone)}, timezone('UTC', {one})) AS {one}" for one in instants)
        replaced = f" REPLACE ({moved})" if moved else ""
        connection.execute(f"CREATE OR REPLACE VIEW {_LOCAL}.{name} AS SELECT *{replaced} FROM {whole}.{name}")
    for name in marts():
        connection.execute(f"CREATE OR REPLACE VIEW {_LOCAL}.{name} AS {sql.view_text('marts', name)}")
    return _LOCAL
