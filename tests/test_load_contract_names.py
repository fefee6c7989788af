"""The names of the platform's contract and the names of the store mean the same on the way in."""

import csv
import json
import sqlite3
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asp_analysis.records import table_of

THEIRS = {
    "executions": {
        "timestamp": "2026-01-02",
        "task_id": "T",
        "agent_role": "Code",
        "api_cost_usd": 1,
        "metadata": {"a": 1},
    },
    "task_metadata": {
        "task_id": "T",
        "created_at": "2026-01-02",
        "estimated_complexity": 18,
        "actual_complexity": 21,
        "estimated_cost_vector_json": {"latency_ms": 5, "tokens": 7, "api_cost_usd": 0.5},
        "actual_cost_vector_json": {"latency_ms": 6, "tokens": 8, "api_cost_usd": 0.75},
        "defect_count": 2,
        "defect_density": 0.25,
        "components_affected": ["src/a.py"],
        "human_reviewed": True,
        "metadata": {"a": 1},
    },
    "defect_log": {
        "defect_id": "D",
        "created_at": "2026-01-02",
        "resolved_at": "2026-01-03",
        "task_id": "T",
        "defect_type": "20_Syntax",
        "phase_injected": "Code",
        "phase_removed": "Test",
        "effort_to_fix_json": {"latency_ms": 5, "tokens": 7, "api_cost_usd": 0.5, "retries": 1},
        "description": "d",
        "flagged_by_agent": True,
        "validated_by_human": True,
        "false_positive": True,
        "metadata": {"a": 1},
    },
    "bootstrap_metrics": {
        "measured_at": "2026-01-03",
        "measurement_period_start": "2026-01-01",
        "measurement_period_end": "2026-01-02",
        "capability_name": "PROBE_AI",
        "capability_mode": "Shadow",
        "tasks_completed": 12,
        "tasks_required_for_graduation": 20,
        "primary_metric_name": "MAPE",
        "primary_metric_value": 25.5,
        "primary_metric_target": 20,
        "graduation_criteria_met": False,
        "graduation_notes": "n",
        "metadata": {"a": 1},
    },
}
OURS = {
    "executions": {
        "executed_at": "2026-01-02",
        "task_id": "T",
        "agent_role": "Code",
        "cost_usd": 1,
        "metadata_json": {"a": 1},
    },
    "task_metadata": {
        "task_id": "T",
        "created_at": "2026-01-02",
        "estimated_size": 18,
        "actual_size": 21,
        "estimated_latency_ms": 5,
        "estimated_tokens": 7,
        "estimated_cost_usd": 0.5,
        "reported_latency_ms": 6,
        "reported_tokens": 8,
        "reported_cost_usd": 0.75,
        "reported_defects": 2,
        "reported_defect_density": 0.25,
        "components_json": ["src/a.py"],
        "is_human_reviewed": True,
        "metadata_json": {"a": 1},
    },
    "defect_log": {
        "defect_id": "D",
        "found_at": "2026-01-02",
        "fixed_at": "2026-01-03",
        "task_id": "T",
        "defect_type": "20_Syntax",
        "phase_injected": "Code",
        "phase_removed": "Test",
        "fix_latency_ms": 5,
        "fix_tokens": 7,
        "fix_cost_usd": 0.5,
        "fix_retries": 1,
        "description": "d",
        "is_flagged_by_agent": True,
        "is_validated_by_human": True,
        "is_false_positive": True,
        "metadata_json": {"a": 1},
    },
    "bootstrap_metrics": {
        "measured_at": "2026-01-03",
        "period_start_at": "2026-01-01",
        "period_end_at": "2026-01-02",
        "capability": "PROBE_AI",
        "mode": "Shadow",
        "tasks_completed": 12,
        "tasks_needed": 20,
        "metric_name": "MAPE",
        "metric_value": 25.5,
        "metric_target": 20,
        "is_graduated": False,
        "notes": "n",
        "metadata_json": {"a": 1},
    },
}


def load(run, url, path, *options):
    ran = run("load", path, "--json", "--db", url, *options)
    assert ran.exit_code == (ran.json["read"] > 0 and ran.json["read"] == ran.json["rejected"]), ran.err
    return ran.json


def stored(url, table, *columns):
    with closing(sqlite3.connect(url.path)) as connection:
        return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()


def texts(record):
    return {name: json.dumps(value) if isinstance(value, dict | list) else str(value) for name, value in record.items()}


def write(path, record, form):
    if form == "csv":
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [*record])
            writer.writeheader()
            writer.writerow(texts(record))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist([record]), path)
    else:
        path.write_text(json.dumps(record) + "\n")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", THEIRS)
def test_the_names_of_the_contract_and_ours_are_detected_and_mean_the_same(run, empty_store, tmp_path, kind, form):
    """A file of the one names loads; the same of the other finds every value there."""
    for name, record in (("theirs", THEIRS), ("ours", OURS)):
        path = tmp_path / f"{name}.{form}"
        write(path, record[kind], form)
        ran = run("load", path, "--json", "--db", empty_store)
        assert ran.exit_code == 0 and ran.err == "" and ran.json["files"][0]["loaded_as"] == kind
        found = ran.json["written"], ran.json["updated"], ran.json["present"], ran.json["rejected"]
        assert found == ((1, 0, 0, 0) if name == "theirs" else (0, 0, 1, 0)), (
            name,
            run("rejects", "--db", empty_store).out,
        )
    table = table_of(kind)
    ((*values,),) = stored(empty_store, table, *OURS[kind])
    for (column, wanted), value in zip(OURS[kind].items(), values, strict=True):
        if column.endswith("_at"):
            assert value == f"{wanted}T00:00:00.000000Z"
        else:
            assert (json.loads(value) if column.endswith("_json") else value) == wanted, column


@pytest.mark.parametrize("kind", THEIRS)
def test_the_names_of_the_contract_are_understood_by_map_and_set(run, empty_store, tmp_path, kind):
    """Columns called otherwise are mapped to the contract's names; what is the same for all is set."""
    path = tmp_path / "theirs.csv"
    record = texts(THEIRS[kind])
    constants = [name for number, name in enumerate(record) if number % 2]
    write(path, {f"x{name}": value for name, value in record.items() if name not in constants} | {"more": "7"}, "csv")
    options = [word for name in record if name not in constants for word in ("--map", f"{name}=x{name}")]
    options += [word for name in constants for word in ("--set", f"{name}={record[name]}")]
    counts = load(run, empty_store, path, "--as", kind, *options)
    assert (counts["written"], counts["rejected"]) == (1, 0)
    write(tmp_path / "ours.jsonl", OURS[kind], "jsonl")
    counts = load(run, empty_store, tmp_path / "ours.jsonl", "--as", kind)
    named = kind != "executions"  # without a name, one more note makes another execution of it
    assert (counts["written"], counts["present"]) == ((0, 1) if named else (1, 0))


@pytest.mark.parametrize(
    "options",
    [
        ("--map", "timestamp=a", "--map", "executed_at=b"),
        ("--map", "timestamp=a", "--set", "executed_at=2026-01-02"),
        ("--set", "cost_usd=1", "--set", "api_cost_usd=2"),
    ],
)
def test_one_column_is_not_filled_twice_under_its_two_names(run, empty_store, tmp_path, options):
    path = tmp_path / "runs.csv"
    path.write_text("a,b,task_id,agent_role,latency_ms\n2026-01-02,2026-01-03,T,Code,1\n")
    ran = run("load", path, "--as", "executions", *options, "--db", empty_store)
    assert ran.exit_code == 1 and "--map and --set name 2 sources for " in ran.err


def test_a_vector_keeps_what_has_no_column_and_a_column_that_is_there_wins(run, empty_store, tmp_path):
    path = tmp_path / "tasks.jsonl"
    vector = {"latency_ms": 5, "tokens": "many", "api_cost_usd": -1, "people": 2}
    record = {"task_id": "T", "created_at": "2026-01-02", "status": "completed", "estimated_latency_ms": 9}
    path.write_text(json.dumps({**record, "estimated_cost_vector_json": vector, "metadata": {"a": 1}}) + "\n")
    assert load(run, empty_store, path)["written"] == 1
    (row,) = stored(
        empty_store, "task_metadata", "estimated_latency_ms", "estimated_tokens", "estimated_cost_usd", "metadata_json"
    )
    assert row[:3] == (9.0, None, None)
    rest = {"tokens": "many", "api_cost_usd": -1, "people": 2}
    assert json.loads(row[3]) == {"a": 1, "estimated_cost_vector_json": rest}
    assert load(run, empty_store, path)["present"] == 1


@pytest.mark.parametrize("vector", ["[1]", "7", "{", '"x"'])
def test_a_vector_that_is_no_object_is_rejected(run, empty_store, tmp_path, vector):
    path = tmp_path / "bugs.csv"
    write(path, {**OURS["defect_log"], "effort_to_fix_json": vector}, "csv")
    assert load(run, empty_store, path)["rejected"] == 1
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["reasons"][0].startswith("effort_to_fix_json: ")


def test_executions_may_have_columns_that_are_called_like_those_of_other_tables(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    names = ("capability", "mode", "kind", "taxonomy", "meaning", "load_id", "is_stub", "found_at", "id")
    write(
        path,
        {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code", "cost_usd": 1, **dict.fromkeys(names, "x")},
        "csv",
    )
    counts = load(run, empty_store, path)
    assert (counts["files"][0]["loaded_as"], counts["written"]) == ("executions", 1)
    ((metadata, load_id),) = stored(empty_store, "agent_cost_vector", "metadata_json", "load_id")
    assert json.loads(metadata) == dict.fromkeys(names, "x") and load_id == 1
