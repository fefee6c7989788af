"""The data dictionary says what the tables are."""

import re
import sqlite3
from pathlib import Path

import pytest

from asp_analysis import sql

README = Path(__file__).resolve().parents[1] / "database" / "README.md"


def documented():
    """Table -> [(column, type)] as the README lists them."""
    tables = {}
    for section in README.read_text().split("\n### `")[1:]:
        name = section.partition("`")[0]
        tables[name] = re.findall(r"^\| `(\w+)` \| (\w+) \| [^|]* \| [^|]{3,}", section, re.MULTILINE)
    return tables


@pytest.fixture(scope="module")
def actual():
    connection = sqlite3.connect(":memory:")
    connection.executescript(sql.script("sqlite/create_tables.sql") + sql.script("sqlite/count_changes.sql"))
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    tables = {name: [row[1:3] for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}
    connection.close()
    return tables


def test_every_table_is_in_the_dictionary(actual):
    assert set(documented()) == set(actual)


@pytest.mark.parametrize("table", sorted(documented()))
def test_every_column_is_in_the_dictionary_with_its_type_and_meaning(actual, table):
    assert documented()[table] == actual[table]
