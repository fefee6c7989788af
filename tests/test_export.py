"""What is exported is safe in a spreadsheet, typed in Parquet, one state of the store, and loads again as it was."""

import csv
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from asp_analysis.config import parse_url
from asp_analysis.exporting import TABLES, Wanted, column_types, export, neutralise
from asp_analysis.store import create_store

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBERED = {"id", "execution_date"}


def content(url, table):
    """All rows of a table, in the order of their content, without the numbers that the store gives."""
    connection = sqlite3.connect(url.path)
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in NUMBERED]
    rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
    connection.close()
    return sorted((tuple(map(meaning, row)) for row in rows), key=repr)


def meaning(value):
    """A JSON text means the same in another order of keys; loading brings them into one."""
    return json.dumps(json.loads(value), sort_keys=True) if str(value)[:1] in {"{", "["} else value


def insert_task(url, **values):
    values = {"task_id": "T", "created_at": "2026-01-02T03:04:05.000006Z", **values}
    marks = ", ".join("?" * len(values))
    connection = sqlite3.connect(url.path)
    connection.execute(f"INSERT INTO task_metadata ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
    connection.commit()
    connection.close()


def exported(run, url, *words):
    ran = run("export", "--json", "--db", url, *words)
    assert ran.exit_code == 0, ran.err
    return {file["table"]: file for file in ran.json}


def cells(file):
    with Path(file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("words", [["--raw"], ["--format", "parquet"]])
def test_an_export_loads_again_into_an_empty_store_with_the_same_content(run, sample_store, tmp_path, words):
    files = exported(run, sample_store, "--out", tmp_path / "out", *words)
    other = parse_url("other.db", tmp_path)
    create_store(other)
    assert run("load", *(files[table]["file"] for table in TABLES), "--db", other).exit_code == 0
    for table in TABLES:
        assert content(other, table) == content(sample_store, table), table
        assert files[table]["rows"] == len(content(sample_store, table)) > 0


NASTY = {
    "task_description": '=HYPERLINK("http://example.com","click")\nsecond line, "quoted"; and ünïcode 🚢',
    "project_id": "-1+2",
    "requirements_text": "'=already with an apostrophe",
    "defect_density": 0.1 + 0.2,
    "estimated_complexity": 2**62 + 1,
    "human_reviewed": 1,
    "metadata": '{"note":"=1+1"}',
}


def test_the_nastiest_texts_and_numbers_load_again_as_they_were(run, empty_store, tmp_path):
    insert_task(empty_store, **NASTY)
    files = exported(run, empty_store, "--raw", "--out", tmp_path / "out")
    other = parse_url("other.db", tmp_path)
    create_store(other)
    assert run("load", files["task_metadata"]["file"], "--as", "task_metadata", "--db", other).exit_code == 0
    assert content(other, "task_metadata") == content(empty_store, "task_metadata")


def test_no_cell_of_a_text_can_be_run_by_a_spreadsheet_and_the_user_is_told_how_many_were_changed(
    run, empty_store, tmp_path
):
    insert_task(empty_store, **NASTY)
    ran = run("export", "--out", tmp_path / "out", "--db", empty_store)
    (row,) = cells(tmp_path / "out" / "task_metadata.csv")
    assert row["project_id"] == "'-1+2" and row["task_description"].startswith("'=HYPERLINK")
    assert row["requirements_text"] == NASTY["requirements_text"]
    assert "2 cells" in ran.err and "--raw" in ran.err


def test_negative_numbers_stay_numbers(run, empty_store, tmp_path):
    connection = sqlite3.connect(empty_store.path)
    day = "2026-01-01T00:00:00.000000Z"
    connection.execute(
        "INSERT INTO bootstrap_metrics (measured_at, measurement_period_start, measurement_period_end, "
        "capability_name, capability_mode, tasks_completed, tasks_required_for_graduation, primary_metric_value) "
        "VALUES (?, ?, ?, 'PROBE_AI', 'Learning', 1, 10, -1.5)",
        (day, day, day),
    )
    connection.commit()
    connection.close()
    exported(run, empty_store, "--out", tmp_path / "out")
    assert cells(tmp_path / "out" / "bootstrap_metrics.csv")[0]["primary_metric_value"] == "-1.5"


@given(
    st.lists(st.one_of(st.none(), st.text(), st.sampled_from(DANGEROUS).flatmap(lambda c: st.text().map(c.__add__))))
)
@example(list(DANGEROUS))
@example(["", None, "'", "a=b", " =1"])
def test_neutralising_changes_what_a_spreadsheet_would_run_by_one_apostrophe_and_nothing_else(texts):
    texts = [text if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    batch = pa.record_batch({"text": pa.array(texts, pa.string()), "number": pa.array([-1.5] * len(texts))})
    safe, count = neutralise(batch)
    is_run = [text is not None and text.startswith(DANGEROUS) for text in texts]
    wanted = [f"'{text}" if run else text for text, run in zip(texts, is_run, strict=True)]
    assert safe["text"].to_pylist() == wanted and count == sum(is_run)
    assert safe["number"].to_pylist() == [-1.5] * len(texts)


def test_unknown_and_empty_text_stay_apart(run, empty_store, tmp_path):
    insert_task(empty_store, project_id="", task_type=None)
    exported(run, empty_store, "--out", tmp_path / "out")
    line = (tmp_path / "out" / "task_metadata.csv").read_text().splitlines()[1]
    assert line.startswith('"T","2026-01-02T03:04:05.000006Z",,,"",,')


def test_parquet_is_typed(run, sample_store, tmp_path):
    files = exported(run, sample_store, "--format", "parquet", "--out", tmp_path / "out")
    types = {name: str(parquet.read_schema(file["file"])) for name, file in files.items()}
    assert "created_at: timestamp[us, tz=" in types["task_metadata"]
    assert "estimated_complexity: int64" in types["task_metadata"] and "human_reviewed: bool" in types["task_metadata"]
    assert "metric_value: double" in types["agent_cost_vector"] and "false_positive: bool" in types["defect_log"]


def test_every_column_of_the_contract_is_exported_and_no_number_of_a_row():
    assert next(iter(column_types("bootstrap_metrics"))) == "measured_at"
    assert column_types("agent_cost_vector")["agent_iteration"] == "BIGINT"
    assert not {name for table in TABLES for name in column_types(table)} & NUMBERED


def test_since_takes_the_rows_of_that_instant_and_later(run, sample_store, tmp_path):
    files = exported(run, sample_store, "--since", "2025-12-01", "--out", tmp_path / "out")
    wanted = [row for row in content(sample_store, "agent_cost_vector") if row[0] >= "2025-12-01"]
    assert files["agent_cost_vector"]["rows"] == len(wanted) > 0
    assert len(wanted) < len(content(sample_store, "agent_cost_vector"))


def test_a_table_can_be_exported_alone(run, sample_store, tmp_path):
    files = exported(run, sample_store, "--table", "defect_log", "--out", tmp_path / "out")
    assert list(files) == ["defect_log"] and [path.name for path in (tmp_path / "out").iterdir()] == ["defect_log.csv"]


def test_exports_go_beside_the_store_into_a_folder_of_their_own(run, empty_store):
    for _ in range(2):
        exported(run, empty_store)
    folders = list((empty_store.path.parent / "exports").iterdir())
    assert len(folders) == 2 and all(folder.name.startswith("store-") for folder in folders)


def test_an_empty_table_is_a_file_with_its_header(run, empty_store, tmp_path):
    for words in (["--format", "csv"], ["--format", "parquet"]):
        files = exported(run, empty_store, *words, "--out", tmp_path / words[1])
        assert files["defect_log"]["rows"] == 0
    assert (tmp_path / "csv" / "defect_log.csv").read_text().count("\n") == 1
    assert parquet.read_schema(tmp_path / "parquet" / "defect_log.parquet").names[0] == "defect_id"


WRITE_BOTH = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
print("ready", flush=True)
n = 0
while True:
    n += 1
    c.execute("BEGIN IMMEDIATE")
    c.execute("INSERT INTO task_metadata (task_id, created_at) VALUES (?, '2026-01-01T00:00:00.000000Z')", (f"N{n}",))
    c.execute("INSERT INTO defect_log (defect_id, created_at, task_id, defect_type, phase_injected, phase_removed, "
              "description) VALUES (?, '2026-01-01T00:00:00.000000Z', ?, '80_Function', 'Code', 'Test', 'd')",
              (f"D{n}", f"N{n}"))
    c.execute("COMMIT")
"""


def test_the_tables_of_one_export_show_one_state_while_another_process_writes(empty_store, tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", WRITE_BOTH, str(empty_store.path)], stdout=subprocess.PIPE)
    writer.stdout.readline()
    counts = []
    for number in range(15):
        files = {file.table: file.rows for file in export(empty_store, tmp_path / str(number), Wanted())}
        counts.append((files["task_metadata"], files["defect_log"]))
    writer.kill()
    writer.communicate()
    assert all(tasks == defects for tasks, defects in counts), counts
    assert len(set(counts)) > 1, "the writer wrote nothing meanwhile: this test shows nothing"


MANY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
INSERT INTO agent_cost_vector (timestamp, execution_date, task_id, agent_role, metric_type, metric_value, metric_unit,
    execution_id)
SELECT '2026-01-01T00:00:00.000000Z', '2026-01-01', 'T', 'Code', 'API_Cost', 1, 'USD', 'E' || i FROM n
"""


@pytest.mark.parametrize("delay_s", [0.6, 0.9, 1.1, 1.3, 1.6])
def test_a_killed_export_leaves_all_of_its_files_or_no_folder(empty_store, tmp_path, delay_s):
    insert_task(empty_store)
    connection = sqlite3.connect(empty_store.path)
    connection.execute(MANY)
    connection.commit()
    connection.close()
    out = tmp_path / "out"
    command = [sys.executable, "-m", "asp_analysis", "export", "--out", str(out), "--db", empty_store.text]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    process.kill()
    process.wait()
    if out.exists():
        lines = {path.stem: path.read_text().count("\n") - 1 for path in out.iterdir()}
        assert lines == {"task_metadata": 1, "agent_cost_vector": 200_000, "defect_log": 0, "bootstrap_metrics": 0}


def test_a_folder_that_cannot_be_made_is_one_line(run, empty_store):
    ran = run("export", "--out", "/dev/null/out", "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: ") and ran.err.count("\n") == 1


def test_a_folder_that_is_there_is_not_touched(run, empty_store, tmp_path):
    (tmp_path / "out").mkdir()
    ran = run("export", "--out", tmp_path / "out", "--db", empty_store)
    assert ran.exit_code == 1 and "is there already" in ran.err and list((tmp_path / "out").iterdir()) == []


def test_a_since_that_is_no_instant_is_wrong_usage(run, empty_store):
    ran = run("export", "--since", "01.01.2026", "--db", empty_store)
    said = " ".join(ran.err.split())
    assert ran.exit_code == 2 and "needs an instant such as 2026-01-31" in said and "'01.01.2026'" in said
    assert "--time-format" not in said


def test_a_file_of_the_platform_is_exported_and_what_has_no_type_is_counted(run, tmp_path):
    path = tmp_path / "platform.db"
    connection = sqlite3.connect(path)
    columns = ("timestamp", "task_id", "agent_role", "metric_type", "metric_value REAL", "metric_unit")
    connection.execute(f"CREATE TABLE agent_cost_vector ({', '.join(columns)})")
    rows = [("2026-01-01 10:00:00", "T", "Code", "API_Cost", value, "USD") for value in (1.25, "unknown")]
    connection.executemany("INSERT INTO agent_cost_vector VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    ran = run("export", "--table", "agent_cost_vector", "--out", tmp_path / "out", "--db", path)
    found = cells(tmp_path / "out" / "agent_cost_vector.csv")
    assert [row["metric_value"] for row in found] == ["1.25", ""] and "1 values" in ran.err
    assert found[0]["timestamp"] == "2026-01-01T10:00:00.000000Z"


@pytest.mark.parametrize("words", [["--raw"], ["--format", "parquet"]])
def test_a_server_is_exported_as_a_file_is(run, postgres_sample, tmp_path, words):
    files = exported(run, postgres_sample, "--out", tmp_path / "out", *words)
    other = parse_url("other.db", tmp_path)
    create_store(other)
    assert run("load", *(files[table]["file"] for table in TABLES), "--db", other).exit_code == 0
    sample = parse_url("sample.db", tmp_path)
    create_store(sample, with_sample=True)
    for table in TABLES:
        assert content(other, table) == content(sample, table), table
