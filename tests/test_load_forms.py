"""What can be loaded, and what becomes of it."""

import gzip
import json
import sqlite3
from contextlib import closing

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asp_analysis.executions import MEASURES
from asp_analysis.session import connect

WIDE = "timestamp,task_id,agent_role,llm_model,latency_ms,tokens_in,cost_usd,team\n"
WIDE_ROW = "2026-01-02T03:04:05+02:00,T-1,Code,m-1,1200,34,0.5,red\n"


def load(run, url, path, *options):
    ran = run("load", path, "--json", "--db", url, *options)
    assert ran.exit_code == 0, ran.err
    return ran.json


def rows(url, query):
    with connect(url) as session:
        return session.sql(query).to_dict("records")


def known(url):
    """What was measured of each execution, as the table has it; what is unknown is left out."""
    with closing(sqlite3.connect(url.path)) as connection:
        found = connection.execute(
            f"SELECT {', '.join(MEASURES)} FROM agent_cost_vector ORDER BY execution_id"
        ).fetchall()
    measured = [dict(zip(MEASURES, row, strict=True)) for row in found]
    return [{name: value for name, value in row.items() if value is not None} for row in measured]


def test_a_row_of_a_table_becomes_one_row_of_the_store(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(WIDE + WIDE_ROW)
    counts = load(run, empty_store, path)
    assert (counts["read"], counts["written"], counts["tasks_stubbed"]) == (1, 1, 1)
    assert known(empty_store) == [{"latency_ms": 1200.0, "tokens_in": 34, "cost_usd": 0.5}]


def test_an_offset_is_turned_into_utc(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(WIDE + WIDE_ROW)
    load(run, empty_store, path)
    (row,) = rows(empty_store, "SELECT executed_at FROM executions")
    assert str(row["executed_at"]) == "2026-01-02 01:04:05"


def test_an_empty_cell_is_unknown_and_not_zero(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(WIDE + "2026-01-02,T-1,Code,m-1,1200,,,red\n")
    load(run, empty_store, path)
    (row,) = rows(empty_store, "SELECT cost_usd, tokens_in FROM executions")
    assert pd.isna(row["cost_usd"]) and pd.isna(row["tokens_in"])


def test_unmapped_columns_go_to_metadata(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(WIDE + WIDE_ROW)
    load(run, empty_store, path)
    (row,) = rows(empty_store, "SELECT metadata_json FROM executions")
    assert json.loads(row["metadata_json"]) == {"team": "red"}


def test_other_names_are_mapped_and_constants_set(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("when;ticket;usd\n2026-01-02;ABC-1;0.25\n")
    options = [
        "--map",
        "timestamp=when",
        "--map",
        "task_id=ticket",
        "--map",
        "cost_usd=usd",
        "--set",
        "agent_role=Code",
    ]
    load(run, empty_store, path, "--as", "executions", *options)
    (row,) = rows(empty_store, "SELECT task_id, agent_role, cost_usd, metadata_json FROM executions")
    assert (row["task_id"], row["agent_role"], row["cost_usd"]) == ("ABC-1", "Code", 0.25)
    assert pd.isna(row["metadata_json"])


def test_api_cost_usd_is_another_name_of_cost_usd(run, empty_store, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"timestamp":"2026-01-02","task_id":"T","agent_role":"Code","api_cost_usd":0.125}\n')
    load(run, empty_store, path)
    assert rows(empty_store, "SELECT cost_usd FROM executions") == [{"cost_usd": 0.125}]


def test_long_rows_of_one_context_share_an_execution(run, empty_store, tmp_path):
    path = tmp_path / "metrics.jsonl"
    context = {"timestamp": "2026-01-02T03:04:05Z", "task_id": "T", "agent_role": "Code"}
    metrics = [("Latency", 5, "ms"), ("API_Cost", 0.5, "USD"), ("Latency", 7, "ms"), ("API_Cost", 0.25, "USD")]
    lines = [
        {**context, "metric_type": kind, "metric_value": value, "metric_unit": unit} for kind, value, unit in metrics
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    load(run, empty_store, path)
    found = rows(empty_store, "SELECT latency_ms, cost_usd FROM executions ORDER BY latency_ms")
    assert found == [{"latency_ms": 5.0, "cost_usd": 0.5}, {"latency_ms": 7.0, "cost_usd": 0.25}]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "parquet"])
def test_every_format_gives_the_same_store(run, empty_store, tmp_path, kind):
    path = tmp_path / f"runs.{kind}"
    record = {"timestamp": "2026-01-02T03:04:05Z", "task_id": "T-1", "agent_role": "Code", "cost_usd": 0.1}
    if kind == "jsonl":
        path.write_text(json.dumps(record) + "\n")
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist([record]), path)
    else:
        text = ",".join(record) + "\n" + ",".join(map(str, record.values())) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    load(run, empty_store, path)
    (row,) = rows(empty_store, "SELECT executed_at, task_id, agent_role, cost_usd FROM executions")
    assert (str(row["executed_at"]), row["task_id"], row["agent_role"], row["cost_usd"]) == (
        "2026-01-02 03:04:05",
        "T-1",
        "Code",
        0.1,
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_marks_of_encodings_are_understood(run, empty_store, tmp_path, encoding):
    path = tmp_path / "runs.csv"
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    path.write_bytes((mark + WIDE + "2026-01-02,Tür,Code,m,1,,,\r\n").encode(encoding))
    load(run, empty_store, path)
    assert rows(empty_store, "SELECT task_id FROM executions") == [{"task_id": "Tür"}]


def test_a_quoted_cell_may_hold_lines_and_line_numbers_stay_right(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(WIDE + '2026-01-02,T-1,Code,m,1,,,"two\nlines"\n2026-01-02,T-2,Code,m,-1,,,x\n')
    counts = load(run, empty_store, path)
    assert (counts["written"], counts["rejected"]) == (1, 1)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["line_number"] == 4


def test_times_of_another_form_are_read_with_time_format(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("timestamp,task_id,agent_role,cost_usd\n3/7/2025 14:05,T-1,Code,1\n")
    load(run, empty_store, path, "--time-format", "%m/%d/%Y %H:%M")
    (row,) = rows(empty_store, "SELECT executed_at FROM executions")
    assert str(row["executed_at"]) == "2025-03-07 14:05:00"


@pytest.mark.parametrize(
    ("record", "table"),
    [
        (
            {
                "defect_id": "D-1",
                "created_at": "2026-01-02",
                "task_id": "T-1",
                "defect_type": "4_Hallucination",
                "phase_injected": "Code",
                "phase_removed": "Test",
                "description": "invented an API",
            },
            "defect_log",
        ),
        ({"task_id": "T-1", "created_at": "2026-01-02", "status": "completed"}, "task_metadata"),
        (
            {
                "measured_at": "2026-01-03",
                "measurement_period_start": "2026-01-01",
                "measurement_period_end": "2026-01-02",
                "capability_name": "PROBE_AI",
                "capability_mode": "Shadow",
                "tasks_completed": 12,
                "tasks_required_for_graduation": 20,
            },
            "bootstrap_metrics",
        ),
    ],
)
def test_the_kind_of_records_is_told_by_their_columns(run, empty_store, tmp_path, record, table):
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps(record) + "\n")
    counts = load(run, empty_store, path)
    assert counts["files"][0]["loaded_as"] == table
    assert counts["written"] == 1


def test_telemetry_before_its_task_makes_a_stub_that_the_task_then_fills(run, empty_store, tmp_path):
    runs, tasks = tmp_path / "runs.csv", tmp_path / "tasks.csv"
    runs.write_text(WIDE + WIDE_ROW)
    tasks.write_text("task_id,status,estimated_complexity\nT-1,completed,18\n")
    load(run, empty_store, runs)
    assert rows(empty_store, "SELECT is_stub, status FROM stg_tasks") == [{"is_stub": True, "status": "pending"}]
    counts = load(run, empty_store, tasks, "--as", "task_metadata")
    assert counts["updated"] == 1
    found = rows(empty_store, "SELECT is_stub, status, estimated_size FROM stg_tasks")
    assert found == [{"is_stub": False, "status": "completed", "estimated_size": 18}]


def test_an_empty_cell_does_not_erase_what_is_known_of_a_task(run, empty_store, tmp_path):
    path = tmp_path / "tasks.csv"
    path.write_text("task_id,created_at,status,estimated_complexity\nT-1,2026-01-02,completed,18\n")
    load(run, empty_store, path)
    path.write_text("task_id,created_at,status,estimated_complexity\nT-1,,failed,\n")
    assert load(run, empty_store, path)["updated"] == 1
    found = rows(empty_store, "SELECT status, estimated_size FROM stg_tasks")
    assert found == [{"status": "failed", "estimated_size": 18}]


def test_mapping_mistakes_name_the_columns_that_exist(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(WIDE + WIDE_ROW)
    ran = run("load", path, "--db", empty_store, "--map", "task_id=tiket")
    assert ran.exit_code == 1
    assert "'tiket'" in ran.err and "task_id, agent_role, llm_model" in ran.err
    ran = run("load", path, "--db", empty_store, "--map", "taskid=task_id")
    assert ran.exit_code == 1 and "'taskid' is not a column of executions" in ran.err and "tool_calls" in ran.err


def test_columns_that_tell_nothing_are_an_error_that_lists_them(run, empty_store, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "fit no kind of record: a, b. " in ran.err and "--as" in ran.err


def stored(url, table, *columns):
    with closing(sqlite3.connect(url.path)) as connection:
        return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()


def test_a_mark_of_a_stub_may_be_missing_in_some_records(run, empty_store, tmp_path):
    path = tmp_path / "tasks.jsonl"
    base = {"created_at": "2026-01-02", "status": "pending"}
    marks = [{"is_stub": True}, {"is_stub": False}, {}, {"is_stub": None}, {"metadata": {"is_stub": True, "a": 1}}]
    path.write_text(
        "".join(json.dumps({"task_id": f"T-{n}", **base, **mark}) + "\n" for n, mark in enumerate(marks[:4]))
    )
    assert load(run, empty_store, path)["written"] == 4
    assert stored(empty_store, "task_metadata", "task_id", "is_stub") == [
        ("T-0", 1),
        ("T-1", 0),
        ("T-2", 0),
        ("T-3", 0),
    ]
    path.write_text(json.dumps({"task_id": "T-4", **base, **marks[4]}) + "\n")  # the form of earlier releases
    load(run, empty_store, path)
    (*_, last) = stored(empty_store, "task_metadata", "task_id", "is_stub", "metadata_json")
    assert last == ("T-4", 1, '{"a":1}')


def test_a_stub_that_is_loaded_over_a_task_makes_no_stub_of_it(run, empty_store, tmp_path):
    path = tmp_path / "tasks.jsonl"
    for record in ({"task_id": "T", "created_at": "2026-01-02", "status": "completed"},
                   {"task_id": "T", "created_at": "2026-01-02", "is_stub": True}):  # fmt: skip
        path.write_text(json.dumps(record) + "\n")
        load(run, empty_store, path)
    assert stored(empty_store, "task_metadata", "is_stub", "status") == [(0, "completed")]


def test_every_row_says_which_load_wrote_it_first(run, empty_store, tmp_path):
    record = {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code", "cost_usd": 1, "execution_id": "E"}
    for number, change in enumerate(({}, {"cost_usd": 2}, {"latency_ms": 5}), 1):
        record |= change
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(record) + "\n")
        load(run, empty_store, tmp_path / f"{number}.jsonl")
    others = {
        "task": {"task_id": "T", "created_at": "2026-01-02", "status": "completed"},
        "defect": {"defect_id": "D", "found_at": "2026-01-02", "task_id": "T", "defect_type": "20_Syntax",
                   "phase_injected": "Code", "phase_removed": "Test", "description": "d"},
        "capability": {"capability": "PROBE_AI", "measured_at": "2026-01-03", "period_start_at": "2026-01-01",
                       "period_end_at": "2026-01-02", "mode": "Shadow", "tasks_completed": 1, "tasks_needed": 2},
    }  # fmt: skip
    for name, other in others.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(other) + "\n")
        load(run, empty_store, tmp_path / f"{name}.jsonl")
    assert stored(empty_store, "agent_cost_vector", "cost_usd", "latency_ms", "load_id") == [(2.0, 5.0, 1)]
    assert stored(empty_store, "task_metadata", "load_id", "is_stub") == [(4, 0)]  # the first load only named it
    assert stored(empty_store, "defect_log", "load_id") == [(5,)]
    assert stored(empty_store, "bootstrap_metrics", "load_id") == [(6,)]


@pytest.mark.parametrize(
    ("after", "lines"),
    [("", 31), ('2026-01-01,"T",Code,1\n', 32), ('2026-01-01,T",Code,1\n', 32)],
    ids=["to the end", "to a quoted cell", "to another open quote"],
)
def test_an_open_quote_is_told_with_the_lines_that_it_swallows(load_text, after, lines):
    good = "2026-01-01,T,Code,1\n"
    ran = load_text("timestamp,task_id,agent_role,cost_usd\n" + good * 2 + '2026-01-01,"T,Code,1\n' + good * 30 + after)
    said = f"A quote opens in line 4 and takes up {lines} lines, to line {3 + lines}; close it there"
    assert "2 written" in ran.out and "1 rejected" in ran.out and said in ran.err + ran.out


def test_a_cell_may_hold_lines_with_commas(load_text):
    text = 'timestamp,task_id,agent_role,cost_usd,tool\n2026-01-01,T,Code,1,"a, b\nand, c\nor d\nor, e"\n'
    assert "1 written" in load_text(text).out
