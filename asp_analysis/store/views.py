"""The views that a store holds itself: sqlite3, DBeaver, datasette and pandas.read_sql show what people know."""

from sqlalchemy import Connection

from asp_analysis import sql
from asp_analysis.store.statements import run_statements

_FOLDERS = {"sqlite": "sqlite", "postgresql": "migrations"}


def create_views(connection: Connection) -> None:
    """Create `sql.STORE_VIEWS` in the store."""
    folder = _FOLDERS[connection.dialect.name]
    run_statements(connection, [sql.store_view(name, folder) for name in sql.STORE_VIEWS])
