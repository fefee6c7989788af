"""Finds the SQL of `database/`: the only module that knows that it lies in files."""

import re
from functools import cache
from pathlib import Path

SCHEMA_VERSION = 2
"""Of the tables that the scripts make; an older store is brought to it, a newer one is left alone."""

_PACKAGE_DIR = Path(__file__).resolve().parent


@cache
def _database_dir() -> Path:
    """In a checkout `database/` lies beside the package, in an installed wheel inside it."""
    beside = _PACKAGE_DIR.parent / "database"
    return beside if beside.is_dir() else _PACKAGE_DIR / "_database"


def script(name: str) -> str:
    """Give the text of a script such as `sqlite/create_tables.sql`."""
    return (_database_dir() / name).read_text(encoding="utf-8")


def view_names(layer: str) -> list[str]:
    """List the views of a layer, `staging` or `marts`, in the order in which they can be created."""
    return sorted(path.stem for path in (_database_dir() / "views" / layer).glob("*.sql"))


def view_text(layer: str, name: str) -> str:
    """Give the SELECT of a view together with the comment that documents it."""
    return script(f"views/{layer}/{name}.sql")


@cache
def table_columns() -> dict[str, tuple[str, ...]]:
    """Give the tables of a store and their columns in order, as database/sqlite/ creates them."""
    tables = re.findall(r"^CREATE TABLE (\w+) \((.*?)^\)", script("sqlite/create_tables.sql"), re.MULTILINE | re.DOTALL)
    return {name: tuple(re.findall(r"^    ([a-z]\w*) ", body, re.MULTILINE)) for name, body in tables}
