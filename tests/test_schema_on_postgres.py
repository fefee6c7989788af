"""The two schemas, read from the catalogues of both engines, are one schema but for the differences listed here."""

import re
import sqlite3

import psycopg
import pytest

from asp_analysis.config import parse_url
from asp_analysis.store import create_store

INSTANTS = {
    "asp_schema.created_at",
    "task_metadata.created_at",
    "task_metadata.started_at",
    "task_metadata.completed_at",
    "agent_cost_vector.timestamp",
    "defect_log.created_at",
    "defect_log.resolved_at",
    "bootstrap_metrics.measured_at",
    "bootstrap_metrics.measurement_period_start",
    "bootstrap_metrics.measurement_period_end",
    "load_log.started_at",
    "load_log.finished_at",
}
DATES = {"agent_cost_vector.execution_date"}
LISTS = {"task_metadata.components_affected"}
JSON = {
    "task_metadata.semantic_units_json",
    "task_metadata.estimated_cost_vector_json",
    "task_metadata.actual_cost_vector_json",
    "task_metadata.human_corrections_json",
    "task_metadata.metadata",
    "agent_cost_vector.metadata",
    "defect_log.effort_to_fix_json",
    "defect_log.metadata",
    "bootstrap_metrics.secondary_metrics_json",
    "bootstrap_metrics.metadata",
    "load_log.options_json",
    "load_log.found_json",
    "load_reject.reasons_json",
}
BOOLEANS = {
    "task_metadata.human_reviewed",
    "defect_log.flagged_by_agent",
    "defect_log.validated_by_human",
    "defect_log.false_positive",
    "bootstrap_metrics.graduation_criteria_met",
}
SAME_TYPES = {"TEXT": "text", "INTEGER": "bigint", "REAL": "double precision"}

MEANT_KEYS = {
    "pk_agent_cost_vector": ("p (id)", "p (id, timestamp)"),
    "uq_agent_cost_vector_execution": ("u (execution_id, metric_type)", "u (execution_id, metric_type, timestamp)"),
    "pk_bootstrap_metrics": ("p (id)", "p (id, measured_at)"),
}
"""The keys of tables that may become hypertables hold their time column."""

ONLY_IN_SQLITE = {
    "ck_task_metadata_semantic_units",
    "ck_task_metadata_human_reviewed",
    "ck_defect_log_flagged",
    "ck_defect_log_validated",
    "ck_defect_log_false_positive",
    "ck_bootstrap_metrics_met",
}
"""Checks that a type of the server makes needless: JSONB is JSON, BOOLEAN is 0 or 1."""


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
    name = f"{table}.{column}"
    for names, meant in (
        (INSTANTS, "timestamp with time zone"),
        (DATES, "date"),
        (LISTS, "text[]"),
        (JSON, "jsonb"),
        (BOOLEANS, "boolean"),
    ):
        if name in names:
            return meant
    return SAME_TYPES[type_]


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
    assert server_columns(server_store) == expected


def test_every_listed_difference_of_a_type_is_one(sqlite_store):
    names = {f"{table}.{column}" for table, _, column in sqlite_columns(sqlite_store)}
    assert names >= INSTANTS | DATES | LISTS | JSON | BOOLEANS


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
    assert {name: re.search(r"\(.*\)", text)[0].replace('"', "") for name, text in listed.fetchall()} == expected


def test_roles_of_the_agents_are_the_same(sqlite_store, server_store):
    query = "SELECT agent_role, phase_order, kind FROM agent_roles"
    assert set(sqlite_store.execute(query)) == set(server_store.execute(query).fetchall())
