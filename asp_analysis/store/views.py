"""The views that a store holds itself: sqlite3, DBeaver, datasette and pandas.read_sql show what people know."""

from sqlalchemy import Connection

from asp_analysis import sql
from asp_analysis.store.statements import run_statements

_FOLDERS = {"sqlite": "sqlite", "postgresql": "migrations"}


def create_views(connection: Connection) -> None:
    """Create `sql.STORE_VIEWS` in the store, in place of those that are there; views of others may read them."""
    folder = _FOLDERS[connection.dialect.name]
    statements = [sql.store_view(name, folder) for name in sql.STORE_VIEWS]
    if folder == "sqlite":
        statements = [f"DROP VIEW IF EXISTS {name}" for name in sql.STORE_VIEWS] + statements
    else:
        statements = [text.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1) for text in statements]
    run_statements(connection, statements)
