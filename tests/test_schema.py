"""The tables hold the contract: what the records let through they take, what the records refuse they refuse too."""

import json
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from asp_analysis import records, sql
from asp_analysis.importers.mapping import Mapping
from asp_analysis.importers.tables import read_batches
from asp_analysis.store.upsert import BatchWriter

TABLES = {
    "task_metadata": records.Task,
    "agent_cost_vector": records.CostMetric,
    "defect_log": records.Defect,
    "bootstrap_metrics": records.LearningMetric,
}


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(sql.script("sqlite/create_tables.sql") + sql.script("sqlite/create_indexes.sql"))
    connection.execute("INSERT INTO task_metadata (task_id, created_at) VALUES ('T-1', '2026-01-02T00:00:00.000000Z')")
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
    assert columns - {"id", "execution_date"} == set(TABLES[table].model_fields)


VOCABULARIES = [
    ("task_metadata", "status", records.Status),
    ("task_metadata", "bootstrap_phase", records.Mode),
    ("defect_log", "defect_type", records.DefectType),
    ("defect_log", "severity", records.Severity),
    ("bootstrap_metrics", "capability_name", records.Capability),
    ("bootstrap_metrics", "capability_mode", records.Mode),
]

ROWS = {
    "task_metadata": {"task_id": "T-2", "created_at": "2026-01-02T00:00:00.000000Z"},
    "defect_log": {
        "defect_id": "D-1",
        "created_at": "2026-01-02T00:00:00.000000Z",
        "task_id": "T-1",
        "defect_type": "4_Hallucination",
        "phase_injected": "Code",
        "phase_removed": "Test",
        "description": "d",
    },
    "bootstrap_metrics": {
        "measured_at": "2026-01-02T00:00:00.000000Z",
        "measurement_period_start": "2026-01-01T00:00:00.000000Z",
        "measurement_period_end": "2026-01-02T00:00:00.000000Z",
        "capability_name": "PROBE_AI",
        "capability_mode": "Learning",
        "tasks_completed": 1,
        "tasks_required_for_graduation": 20,
    },
    "agent_cost_vector": {
        "timestamp": "2026-01-02T00:00:00.000000Z",
        "execution_date": "2026-01-02",
        "task_id": "T-1",
        "agent_role": "Code",
        "metric_type": "Latency",
        "metric_value": 1.0,
        "metric_unit": "ms",
        "execution_id": "E-1",
    },
}


def insert(database, table, **changes):
    row = {**ROWS[table], **changes}
    places = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))


@pytest.mark.parametrize(("table", "column", "words"), VOCABULARIES)
def test_a_closed_vocabulary_is_the_same_in_record_and_table(database, table, column, words):
    key = {"task_metadata": "task_id", "defect_log": "defect_id", "bootstrap_metrics": "measured_at"}[table]
    for number, word in enumerate(records.vocabulary(words)):
        name = f"2026-01-02T00:00:{number:02d}.000000Z" if key == "measured_at" else f"K-{number}"
        insert(database, table, **{column: word, key: name})
    with pytest.raises(sqlite3.IntegrityError):
        insert(database, table, **{column: "no such word"})


def test_the_unit_of_every_metric_is_the_same_in_record_and_table(database):
    for metric, unit in records.METRIC_UNITS.items():
        insert(database, "agent_cost_vector", metric_type=metric, metric_unit=unit, execution_id=metric)
        with pytest.raises(sqlite3.IntegrityError, match="ck_agent_cost_vector_unit"):
            insert(database, "agent_cost_vector", metric_type=metric, metric_unit="furlong", execution_id="x" + metric)


@pytest.mark.parametrize(
    ("table", "changes", "constraint"),
    [
        ("agent_cost_vector", {"metric_value": -1.0}, "ck_agent_cost_vector_value"),
        ("agent_cost_vector", {"metric_value": float("inf")}, "ck_agent_cost_vector_value"),
        ("agent_cost_vector", {"execution_date": "2026-01-03"}, "ck_agent_cost_vector_execution_date"),
        ("agent_cost_vector", {"timestamp": "2026-01-02 00:00:00"}, "ck_agent_cost_vector_timestamp"),
        ("agent_cost_vector", {"task_id": "T-unknown"}, "FOREIGN KEY"),
        ("agent_cost_vector", {"metadata": "{"}, "ck_agent_cost_vector_metadata"),
        ("agent_cost_vector", {"metadata": "[]"}, "ck_agent_cost_vector_metadata"),
        ("defect_log", {"phase_removed": "Code"}, "ck_defect_log_phases"),
        ("defect_log", {"resolved_at": "2026-01-01T00:00:00.000000Z"}, "ck_defect_log_order"),
        ("defect_log", {"task_id": "T-unknown"}, "FOREIGN KEY"),
        ("defect_log", {"false_positive": 2}, "ck_defect_log_false_positive"),
        ("bootstrap_metrics", {"tasks_required_for_graduation": 0}, "ck_bootstrap_metrics_required"),
        ("task_metadata", {"components_affected": "{}"}, "ck_task_metadata_components"),
        ("task_metadata", {"estimated_complexity": -1}, "ck_task_metadata_estimated_complexity"),
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
    metric=st.sampled_from(list(records.METRIC_UNITS)),
    value=amounts,
    extra=st.dictionaries(names, st.one_of(names, amounts, st.booleans(), st.none()), max_size=3),
)
def test_every_record_that_passes_the_check_is_stored_as_it_was(tmp_path_factory, task, role, at, metric, value, extra):
    known = records.CostMetric.model_fields.keys() | {"id", "execution_date", "api_cost_usd"}
    extra = {key: item for key, item in extra.items() if key not in known}
    record = {
        **extra,
        "timestamp": at.isoformat(),
        "task_id": task,
        "agent_role": role,
        "metric_type": metric,
        "metric_value": value,
        "metric_unit": records.METRIC_UNITS[metric],
    }
    path = tmp_path_factory.mktemp("record") / "record.jsonl"
    path.write_text(json.dumps(record, ensure_ascii=True) + "\n")
    (batch,) = read_batches(path, "jsonl", "agent_cost_vector", Mapping())
    assert batch.rejects == []
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        for statement in sql.script("sqlite/create_tables.sql").split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        assert BatchWriter(connection).write(batch).written == 1
        row = connection.exec_driver_sql("SELECT * FROM agent_cost_vector").mappings().one()
    assert (row["task_id"], row["agent_role"], row["metric_value"]) == (task.strip(), role.strip(), value)
    assert row["timestamp"] == at.isoformat(timespec="microseconds") + "Z"
    expected = {key: item for key, item in extra.items() if item not in (None, "")}
    assert json.loads(row["metadata"] or "{}") == expected
