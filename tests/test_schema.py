"""The tables hold the contract: what the records let through they take, what the records refuse they refuse too."""

import json
import sqlite3
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from asp_analysis import records, sql
from asp_analysis.executions import COLUMNS, MEASURES
from asp_analysis.importers.file import open_file
from asp_analysis.importers.formats import jsonl
from asp_analysis.importers.tables.record_batches import RecordReader
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.platform_form import OUR_NAMES, VECTORS
from asp_analysis.store.statements import run_script
from asp_analysis.store.upsert import BatchWriter

TABLES = {
    "task_metadata": records.Task,
    "agent_cost_vector": records.Execution,
    "defect_log": records.Defect,
    "bootstrap_metrics": records.LearningMetric,
    "agent_roles": records.Role,
    "capabilities": records.Capability,
    "defect_types": records.DefectType,
}
AT = "2026-01-02T00:00:00.000000Z"


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA foreign_keys = ON")
    for name in ("sqlite/create_tables.sql", "sqlite/create_indexes.sql", "vocabularies.sql"):
        connection.executescript(sql.script(name))
    connection.execute("INSERT INTO task_metadata (task_id, created_at) VALUES ('T-1', ?)", (AT,))
    yield connection
    connection.close()


def test_every_table_is_strict(database):
    tables = database.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    assert all(strict for name, strict in tables if not name.startswith("sqlite_"))


def test_every_constraint_has_a_name():
    text = sql.script("sqlite/create_tables.sql")
    for line in text.splitlines():
        if any(word in line for word in ("CHECK (", "PRIMARY KEY", "UNIQUE (", "REFERENCES")):
            assert line.strip().startswith("CONSTRAINT "), line


@pytest.mark.parametrize("table", TABLES)
def test_the_columns_are_the_fields_of_the_record(database, table):
    columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    assert columns - {"load_id"} == set(TABLES[table].model_fields) - set(VECTORS.get(table, {}))


def test_every_measure_has_a_column_of_its_kind(database):
    kinds = {row[1]: row[2] for row in database.execute("PRAGMA table_info(agent_cost_vector)")}
    assert {name: "INTEGER" if one.is_count else "REAL" for name, one in MEASURES.items()}.items() <= kinds.items()
    assert set(COLUMNS) | {"load_id"} == set(kinds)


VOCABULARIES = [
    ("task_metadata", "status", records.Status),
    ("task_metadata", "bootstrap_phase", records.Mode),
    ("defect_log", "severity", records.Severity),
    ("bootstrap_metrics", "mode", records.Mode),
    ("agent_roles", "kind", records.Kind),
]

ROWS = {
    "task_metadata": {"task_id": "T-2", "created_at": AT},
    "defect_log": {
        "defect_id": "D-1",
        "found_at": AT,
        "task_id": "T-1",
        "defect_type": "4_Hallucination",
        "phase_injected": "Code",
        "phase_removed": "Test",
        "description": "d",
    },
    "bootstrap_metrics": {
        "capability": "PROBE_AI",
        "measured_at": AT,
        "period_start_at": "2026-01-01T00:00:00.000000Z",
        "period_end_at": AT,
        "mode": "Learning",
        "tasks_completed": 1,
        "tasks_needed": 20,
    },
    "agent_cost_vector": {"execution_id": "E-1", "executed_at": AT, "task_id": "T-1", "agent_role": "Code"},
    "agent_roles": {"agent_role": "Mine", "phase_order": 1, "kind": "overhead"},
}


def insert(database, table, **changes):
    row = {**ROWS[table], **changes}
    places = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))


@pytest.mark.parametrize(("table", "column", "words"), VOCABULARIES)
def test_a_closed_vocabulary_is_the_same_in_record_and_table(database, table, column, words):
    key = next(iter(ROWS[table])) if table != "bootstrap_metrics" else "measured_at"
    for number, word in enumerate(get_args(words)):
        name = f"2026-01-02T00:00:{number:02d}.000000Z" if key == "measured_at" else f"K-{number}"
        insert(database, table, **{column: word, key: name})
    with pytest.raises(sqlite3.IntegrityError, match="ck_"):
        insert(database, table, **{column: "no such word"})


@pytest.mark.parametrize(
    ("table", "changes", "constraint"),
    [
        ("agent_cost_vector", {"cost_usd": -1.0}, "ck_agent_cost_vector_cost_usd"),
        ("agent_cost_vector", {"latency_ms": float("inf")}, "ck_agent_cost_vector_latency_ms"),
        ("agent_cost_vector", {"tokens_in": -1}, "ck_agent_cost_vector_tokens_in"),
        ("agent_cost_vector", {"tokens_in": 1.5}, "cannot store REAL value in INTEGER column"),
        ("agent_cost_vector", {"executed_at": "2026-01-02 00:00:00"}, "ck_agent_cost_vector_executed_at"),
        ("agent_cost_vector", {"task_id": "T-unknown"}, "FOREIGN KEY"),
        ("agent_cost_vector", {"metadata_json": "{"}, "ck_agent_cost_vector_metadata_json"),
        ("agent_cost_vector", {"labels": "[]"}, "ck_agent_cost_vector_labels"),
        ("defect_log", {"phase_removed": "Code"}, "ck_defect_log_phases"),
        ("defect_log", {"fixed_at": "2026-01-01T00:00:00.000000Z"}, "ck_defect_log_order"),
        ("defect_log", {"task_id": "T-unknown"}, "FOREIGN KEY"),
        ("defect_log", {"defect_type": "no such type"}, "FOREIGN KEY"),
        ("defect_log", {"is_false_positive": 2}, "ck_defect_log_is_false_positive"),
        ("bootstrap_metrics", {"capability": "no such"}, "FOREIGN KEY"),
        ("bootstrap_metrics", {"tasks_needed": 0}, "ck_bootstrap_metrics_needed"),
        ("task_metadata", {"components_json": "{}"}, "ck_task_metadata_components_json"),
        ("task_metadata", {"is_stub": 2}, "ck_task_metadata_is_stub"),
        ("task_metadata", {"estimated_size": -1}, "ck_task_metadata_estimated_size"),
    ],
)
def test_the_table_refuses_what_the_contract_forbids(database, table, changes, constraint):
    with pytest.raises(sqlite3.IntegrityError, match=constraint):
        insert(database, table, **changes)


def test_instants_sort_as_text_and_sqlite_reads_them(database):
    query = "SELECT datetime(created_at) FROM task_metadata"
    assert database.execute(query).fetchall() == [("2026-01-02 00:00:00",)]


# Python and the validator differ on which control characters count as blanks; they are left out here.
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20).filter(str.strip)
amounts = st.floats(min_value=0, max_value=1e15, allow_nan=False)
instants = st.datetimes()


@settings(max_examples=150, deadline=None)
@given(
    task=names,
    role=names,
    at=instants,
    measure=st.sampled_from(list(MEASURES)),
    value=amounts,
    extra=st.dictionaries(names, st.one_of(names, amounts, st.booleans(), st.none()), max_size=3),
)
def test_a_record_that_passes_the_check_is_stored_as_it_was(tmp_path_factory, task, role, at, measure, value, extra):
    value = int(value) if MEASURES[measure].is_count else value
    known = {*COLUMNS, *OUR_NAMES["executions"]}
    extra = {key: item for key, item in extra.items() if key not in known}
    record = {**extra, "executed_at": at.isoformat(), "task_id": task, "agent_role": role, measure: value}
    path = tmp_path_factory.mktemp("record") / "record.jsonl"
    path.write_text(json.dumps(record, ensure_ascii=True) + "\n")
    with open_file(path) as file:
        (batch,) = RecordReader(file.name, "executions", TableOptions()).read(jsonl.read_table(file, TableOptions()))
    assert batch.rejects == []
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        for name in ("sqlite/create_tables.sql", "vocabularies.sql"):
            run_script(connection, sql.script(name))
        assert BatchWriter(connection, 1).write(batch).written == 1
        row = connection.exec_driver_sql("SELECT * FROM agent_cost_vector").mappings().one()
    assert (row["task_id"], row["agent_role"], row[measure]) == (task.strip(), role.strip(), value)
    assert row["executed_at"] == at.isoformat(timespec="microseconds") + "Z"
    expected = {key: item for key, item in extra.items() if item not in (None, "")}
    assert json.loads(row["metadata_json"] or "{}") == expected
