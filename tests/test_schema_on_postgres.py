"""The two schemas, read from the catalogues of both engines, are one schema but for the differences listed here."""

import re
import sqlite3

import psycopg
import pytest

from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store

BOOLEANS = {
    "task_metadata.is_stub",
    "task_metadata.is_human_reviewed",
    "defect_log.is_flagged_by_agent",
    "defect_log.is_validated_by_human",
    "defect_log.is_false_positive",
    "bootstrap_metrics.is_graduated",
    "code_change.is_fix",
    "change_assignment.is_new",
}
SAME_TYPES = {"TEXT": "text", "INTEGER": "bigint", "REAL": "double precision"}

MEANT_KEYS = {"pk_agent_cost_vector": ("p (execution_id)", "p (execution_id, executed_at)")}
"""The keys of tables that may become hypertables hold their time column."""

ONLY_ON_THE_SERVER = ("agent_cost_vector", "row_id")
"""It numbers executions as SQLite's rowid does; it is the table's last column, and has an index."""

ONLY_IN_SQLITE = {f"ck_{name.replace('.', '_')}" for name in BOOLEANS}
"""Checks that a type of the server makes needless: BOOLEAN is 0 or 1."""


@pytest.fixture(scope="module")
def sqlite_store(tmp_path_factory):
    url = parse_url("store.db", tmp_path_factory.mktemp("schema"))
    create_store(url)
    with sqlite3.connect(url.path) as connection:
        yield connection
    connection.close()


@pytest.fixture(scope="module")
def server_store(postgres_server, tmp_path_factory):
    from tests.postgres import new_database

    with new_database(postgres_server) as url:
        create_store(parse_url(url, tmp_path_factory.getbasetemp()))
        with psycopg.connect(url) as connection:
            yield connection


def sqlite_tables(connection):
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return {row[0] for row in connection.execute(query)}


def sqlite_columns(connection):
    """(table, place, column) -> type, whether it is needed, default."""
    found = {}
    for table in sqlite_tables(connection):
        for place, name, type_, needed, default, _ in connection.execute(f"PRAGMA table_info({table})"):
            found[table, place + 1, name] = (type_, bool(needed), default)
    return found


def server_columns(connection):
    query = """
        SELECT relname, row_number() OVER (PARTITION BY relname ORDER BY attnum), attname,
            format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::REGNAMESPACE AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"""
    return {tuple(row[:3]): tuple(row[3:]) for row in connection.execute(query).fetchall()}


def meant_type(table, column, type_):
    """The server's type for a column of SQLite."""
    if column.endswith("_at"):
        return "timestamp with time zone"
    if column.endswith("_json") or column == "labels":
        return "jsonb"
    return "boolean" if f"{table}.{column}" in BOOLEANS else SAME_TYPES[type_]


def meant_default(default, type_):
    if default is None:
        return None
    text = default.strip("'")
    if type_ == "boolean":
        return {"0": "false", "1": "true"}[text]
    return f"'{text}'::text" if type_ == "text" else text


def test_tables_and_columns_are_the_same_in_name_order_type_need_and_default(sqlite_store, server_store):
    expected = {}
    for key, (type_, is_needed, default) in sqlite_columns(sqlite_store).items():
        meant = meant_type(key[0], key[2], type_)
        expected[key] = (meant, is_needed, meant_default(default, meant))
    table, column = ONLY_ON_THE_SERVER
    found = server_columns(server_store)
    place = next(key[1] for key in found if (key[0], key[2]) == (table, column))
    expected = {(of, at + (of == table and at >= place), name): value for (of, at, name), value in expected.items()}
    assert found == expected | {(table, place, column): ("bigint", True, None)}


def test_the_flags_are_the_columns_whose_name_says_so(sqlite_store):
    assert {f"{table}.{column}" for table, _, column in sqlite_columns(sqlite_store) if column[:3] == "is_"} == BOOLEANS


def sqlite_constraints(connection):
    """Name -> kind and columns of keys and references; of checks only the name."""
    found = {}
    query = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL"
    for (script,) in connection.execute(query).fetchall():
        for name, kind, rest in re.findall(r"CONSTRAINT (\w+) (CHECK|PRIMARY KEY|UNIQUE|FOREIGN KEY)([^\n]*)", script):
            letter = {"CHECK": "c", "PRIMARY KEY": "p", "UNIQUE": "u", "FOREIGN KEY": "f"}[kind]
            found[name] = "c" if letter == "c" else f"{letter}{rest.rstrip(',')}"
    return found


def server_constraints(connection):
    query = """
        SELECT conname, contype::TEXT, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::REGNAMESPACE AND contype IN ('c', 'p', 'u', 'f')"""
    found = {}
    for name, kind, text in connection.execute(query).fetchall():
        columns = re.sub(r"(PRIMARY KEY|UNIQUE|FOREIGN KEY)", "", text).replace('"', "")
        spaced = re.sub(r"(REFERENCES \w+)\(", r"\1 (", columns)
        found[name] = "c" if kind == "c" else kind + spaced
    return found


def test_constraints_have_the_same_names_and_keys(sqlite_store, server_store):
    expected = {name: text for name, text in sqlite_constraints(sqlite_store).items() if name not in ONLY_IN_SQLITE}
    for name, (in_file, on_server) in MEANT_KEYS.items():
        assert expected[name] == in_file
        expected[name] = on_server
    assert server_constraints(server_store) == expected


def test_every_listed_difference_of_a_constraint_is_one(sqlite_store, server_store):
    assert set(sqlite_constraints(sqlite_store)) - set(server_constraints(server_store)) == ONLY_IN_SQLITE


def test_indexes_are_the_same(sqlite_store, server_store):
    query = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    expected = {name: re.search(r"\(.*\)", text)[0] for name, text in sqlite_store.execute(query)}
    listed = server_store.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix%'"
    )
    found = {name: re.search(r"\(.*\)", text)[0].replace('"', "") for name, text in listed.fetchall()}
    assert found == expected | {"ix_agent_cost_vector_row": "(row_id)"}


@pytest.mark.parametrize("table", ["agent_roles", "capabilities", "defect_types"])
def test_the_words_of_a_new_store_are_the_same(sqlite_store, server_store, table):
    found = sqlite_store.execute(f"SELECT * FROM {table}").fetchall()
    assert found and set(found) == set(server_store.execute(f"SELECT * FROM {table}").fetchall())


def test_the_views_have_the_same_columns(sqlite_store, server_store):
    names = [row[0] for row in sqlite_store.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    assert sorted(names) == ["defects", "executions", "task_costs", "tasks", "work"]
    for name in names:
        query = f"SELECT * FROM {name} LIMIT 0"
        expected = [column[0] for column in sqlite_store.execute(query).description]
        assert [column.name for column in server_store.execute(query).description] == expected
