"""A file that the ASP platform wrote opens as it is and gives the same views; `load` takes it into a store."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.session import connect, view_names
from asp_analysis.store.database import create_store, open_store
from tests.fuzz.seeds import PLATFORM_ROWS, asp_platform
from tests.planted_repository import OF_CHANGES

TABLES = """
CREATE TABLE agent_cost_vector (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    execution_date DATE NOT NULL, task_id TEXT NOT NULL, subtask_id TEXT, project_id TEXT, user_id TEXT,
    agent_role TEXT NOT NULL, agent_version TEXT, agent_iteration INTEGER DEFAULT 1, metric_type TEXT NOT NULL,
    metric_value REAL NOT NULL, metric_unit TEXT NOT NULL, llm_model TEXT, llm_provider TEXT, metadata TEXT);
CREATE TABLE task_metadata (
    task_id TEXT PRIMARY KEY, created_at TIMESTAMP, started_at TIMESTAMP, completed_at TIMESTAMP, project_id TEXT,
    task_type TEXT, task_description TEXT, semantic_units_json TEXT, estimated_complexity INTEGER,
    actual_complexity INTEGER, estimated_cost_vector_json TEXT, human_reviewed BOOLEAN, status TEXT, metadata TEXT);
CREATE TABLE defect_log (
    defect_id TEXT PRIMARY KEY, created_at TIMESTAMP, resolved_at TIMESTAMP, task_id TEXT, defect_type TEXT,
    severity TEXT, phase_injected TEXT, phase_removed TEXT, effort_to_fix_json TEXT, description TEXT,
    flagged_by_agent BOOLEAN DEFAULT 0, validated_by_human BOOLEAN DEFAULT 0, false_positive BOOLEAN DEFAULT 0);
CREATE TABLE bootstrap_metrics (
    id INTEGER PRIMARY KEY, measured_at TIMESTAMP, measurement_period_start TIMESTAMP,
    measurement_period_end TIMESTAMP, capability_name TEXT, capability_mode TEXT, tasks_completed INTEGER,
    tasks_required_for_graduation INTEGER, primary_metric_name TEXT, primary_metric_value REAL,
    primary_metric_target REAL, graduation_criteria_met BOOLEAN);
"""

METRIC = (
    "INSERT INTO agent_cost_vector (timestamp, execution_date, task_id, agent_role, metric_type, metric_value, "
    "metric_unit, llm_model) VALUES (?, '2025-11-12', 'T-1', 'Code', ?, ?, ?, 'm')"
)


@pytest.fixture
def platform_file(tmp_path):
    path = tmp_path / "platform.db"
    with sqlite3.connect(path) as file:
        file.executescript(TABLES)
        file.execute(
            "INSERT INTO task_metadata (task_id, created_at, completed_at, estimated_complexity, human_reviewed, "
            "status) VALUES ('T-1', '2025-11-12 08:00:00', '2025-11-12 10:00:00.250', 12, 1, 'completed')"
        )
        file.execute(METRIC, ("2025-11-12 09:00:00", "Latency", 1200.0, "ms"))
        file.execute(METRIC, ("2025-11-12 09:00:00", "API_Cost", 0.1 + 0.2, "USD"))
        file.execute(METRIC, ("2025-11-12 09:00:00", "Latency", 800.0, "ms"))
        file.execute(
            "INSERT INTO defect_log (defect_id, created_at, task_id, defect_type, phase_injected, phase_removed, "
            "description, flagged_by_agent, validated_by_human) VALUES ('D-1', '2025-11-12 09:30:00', 'T-1', "
            "'20_Syntax', 'Code', 'CodeReview', 'd', 1, 1)"
        )
        file.execute(
            "INSERT INTO bootstrap_metrics VALUES (1, '2025-11-12 12:00:00', '2025-11-11 00:00:00', "
            "'2025-11-12 00:00:00', 'PROBE_AI', 'Learning', 1, 20, 'MAPE', NULL, 20, 0)"
        )
    file.close()
    return path


def test_every_view_answers(platform_file):
    with connect(str(platform_file)) as session:
        sizes = {name: len(session.view(name)) for name in view_names()}
    empty = {name for name, size in sizes.items() if not size}
    assert empty == {
        "staffing",
        "stg_aliases",
        "stg_budgets",
        "stg_agent_changes",
        "stg_change_assignments",
        "stg_loads",
        "stg_people",
        *OF_CHANGES,
    }  # a file of the platform has none


def test_numbers_times_and_flags_are_exact(platform_file):
    with connect(str(platform_file)) as session:
        costs = session.sql("SELECT cost_usd FROM executions WHERE cost_usd IS NOT NULL")
        task = session.sql("SELECT completed_at, is_human_reviewed FROM stg_tasks").iloc[0]
        defect = session.sql("SELECT is_flagged_by_agent, is_false_positive FROM defects").iloc[0]
    assert costs["cost_usd"].tolist() == [0.1 + 0.2]
    assert str(task["completed_at"]) == "2025-11-12 10:00:00.250000" and task["is_human_reviewed"]
    assert defect["is_flagged_by_agent"] and not defect["is_false_positive"]


def test_metrics_of_one_context_are_one_execution_until_a_metric_comes_again(platform_file):
    with connect(str(platform_file)) as session:
        found = session.sql("SELECT latency_ms, cost_usd IS NULL AS no_cost FROM executions ORDER BY latency_ms DESC")
    assert found.to_dict("records") == [
        {"latency_ms": 1200.0, "no_cost": False},
        {"latency_ms": 800.0, "no_cost": True},
    ]


def test_a_text_in_a_column_of_numbers_spoils_only_its_own_row(platform_file):
    with sqlite3.connect(platform_file) as file:
        file.execute(METRIC, ("2025-11-13 09:00:00", "API_Cost", "n/a", "USD"))
    file.close()
    with connect(str(platform_file)) as session:
        assert session.sql("SELECT sum(cost_usd) AS usd FROM executions")["usd"][0] == 0.1 + 0.2
        query = "SELECT count(*) AS n FROM executions WHERE executed_at >= DATE '2025-11-13' AND cost_usd IS NULL"
        assert session.sql(query)["n"][0] == 1


def test_it_is_never_written(platform_file):
    with pytest.raises(StoreError, match="of the ASP platform"):
        open_store(parse_url(str(platform_file), platform_file.parent))


# --- loading it -------------------------------------------------------------------------------------------------------

TOTALS = ("read", "written", "updated", "present", "rejected")


def counts(ran):
    return {file["loaded_as"]: tuple(file[name] for name in TOTALS) for file in ran.json["files"]}


def rows(url, query):
    with closing(sqlite3.connect(url.path)) as connection:
        return connection.execute(query).fetchall()


def test_its_four_tables_are_loaded_and_loading_again_writes_nothing(run, empty_store, platform_file):
    first = run("load", platform_file, "--json", "--db", empty_store)
    assert first.exit_code == 0 and first.err == ""
    assert counts(first) == {
        "task_metadata": (1, 1, 0, 0, 0),
        "metrics": (3, 3, 0, 0, 0),
        "defect_log": (1, 1, 0, 0, 0),
        "bootstrap_metrics": (1, 1, 0, 0, 0),
    }
    again = run("load", platform_file, "--json", "--db", empty_store)
    assert counts(again) == {kind: (read, 0, 0, read, 0) for kind, (read, *_) in counts(first).items()}
    query = "SELECT latency_ms, cost_usd, executed_at, load_id FROM agent_cost_vector ORDER BY latency_ms DESC"
    at = "2025-11-12T09:00:00.000000Z"
    assert rows(empty_store, query) == [(1200.0, 0.1 + 0.2, at, 2), (800.0, None, at, 2)]
    query = "SELECT completed_at, estimated_size, is_human_reviewed, status, is_stub FROM task_metadata"
    assert rows(empty_store, query) == [("2025-11-12T10:00:00.250000Z", 12, 1, "completed", 0)]
    query = "SELECT defect_id, found_at, is_flagged_by_agent, is_false_positive FROM defect_log"
    assert rows(empty_store, query) == [("D-1", "2025-11-12T09:30:00.000000Z", 1, 0)]
    query = "SELECT capability, mode, tasks_needed, metric_value, metric_target, is_graduated FROM bootstrap_metrics"
    assert rows(empty_store, query) == [("PROBE_AI", "Learning", 20, None, 20.0, 0)]
    query = "SELECT DISTINCT format, file FROM load_log"
    assert rows(empty_store, query) == [("asp-platform", str(platform_file))]


def test_vectors_fill_columns_and_what_has_none_stays_in_the_metadata(run, empty_store, tmp_path):
    path = tmp_path / "platform.db"
    path.write_bytes(asp_platform())
    assert run("load", path, "--json", "--db", empty_store).json["written"] == 4
    query = "SELECT estimated_latency_ms, estimated_tokens, estimated_cost_usd, metadata_json FROM task_metadata"
    told = '{"estimated_cost_vector_json":{"people":2},"team":"red"}'
    assert rows(empty_store, query) == [(5.0, 7.0, 0.5, told)]
    query = "SELECT fix_latency_ms, fix_tokens, fix_retries, metadata_json FROM defect_log"
    assert rows(empty_store, query) == [(None, 5.0, 1, None)]
    assert rows(empty_store, "SELECT tokens_in, metadata_json FROM agent_cost_vector") == [(1200, '{"prompt":"a1"}')]


def test_a_record_that_cannot_be_taken_is_kept_with_its_row_its_reason_and_its_text(run, empty_store, platform_file):
    with closing(sqlite3.connect(platform_file)) as file:
        file.execute(METRIC, ("2025-11-13 09:00:00", "API_Cost", "n/a", "USD"))
        file.execute(METRIC, ("2025-11-13 09:00:00", "Energy", 7, "Wh"))
        file.execute(METRIC, ("2025-11-13 09:00:00", "Latency", 7, "ms"))
        file.execute("UPDATE defect_log SET defect_type = 'Flaky', description = CAST(x'ff' AS TEXT)")
        file.execute("INSERT INTO defect_log SELECT 'D-2', created_at, NULL, task_id, '20_Sintax', NULL, 'Code', "
                     "'Test', NULL, 'd', 0, 0, 0 FROM defect_log")  # fmt: skip
        file.commit()
    ran = run("load", platform_file, "--json", "--db", empty_store)
    assert counts(ran)["metrics"] == (6, 4, 0, 0, 2) and counts(ran)["defect_log"] == (2, 0, 0, 0, 2)
    rejects = run("rejects", "--json", "--db", empty_store).json
    assert [(reject["line_number"], reject["reasons"][0].partition(",")[0]) for reject in rejects] == [
        (1, "description: '\\udcff' is not UTF-8; save the file as UTF-8"),
        (2, "defect_type: '20_Sintax' is not listed in defect_types"),
        (4, "metric_value: is missing or empty; every record has one"),
        (5, "metric_type: 'Energy' is not one of Latency"),
    ]
    record = json.loads(rejects[2]["raw_text"])
    assert (record["metric_value"], record["metric_type"]) == ("n/a", "API_Cost")
    assert record["timestamp"] == "2025-11-13 09:00:00"


def test_its_rejects_are_given_back_and_load_when_they_are_mended(run, empty_store, platform_file, tmp_path):
    with closing(sqlite3.connect(platform_file)) as file:
        file.execute(METRIC, ("2025-11-13 09:00:00", "API_Cost", "1,5", "USD"))
        file.commit()
    run("load", platform_file, "--db", empty_store)
    back = tmp_path / "back.jsonl"
    note = run("rejects", "--export", back, "--clear", "--db", empty_store).err
    assert f"asp-analysis load {back} --as metrics" in note
    back.write_text(back.read_text().replace('"1,5"', "1.5"))
    ran = run("load", back, "--as", "metrics", "--json", "--db", empty_store)
    assert (ran.json["written"], ran.err) == (1, "")
    assert rows(empty_store, "SELECT cost_usd FROM agent_cost_vector WHERE executed_at > '2025-11-13'") == [(1.5,)]


def test_a_column_of_its_own_is_kept_in_the_metadata(run, empty_store, platform_file):
    with closing(sqlite3.connect(platform_file)) as file:
        file.execute('ALTER TABLE agent_cost_vector ADD COLUMN "the ""team""" TEXT')
        file.execute('UPDATE agent_cost_vector SET "the ""team""" = task_id')
        file.commit()
    assert run("load", platform_file, "--json", "--db", empty_store).json["rejected"] == 0
    assert set(rows(empty_store, "SELECT metadata_json FROM agent_cost_vector")) == {('{"the \\"team\\"":"T-1"}',)}


def test_a_file_that_breaks_off_leaves_nothing_of_it(run, empty_store, tmp_path):
    path = tmp_path / "platform.db"
    many = [{**PLATFORM_ROWS["agent_cost_vector"], "task_id": f"T-{number}"} for number in range(2_000)]
    others = {name: [row] for name, row in PLATFORM_ROWS.items()}
    content = asp_platform(rows={**others, "agent_cost_vector": many})
    middle = content[len(content) // 2 : -2_048]
    path.write_bytes(content.replace(middle, bytes(len(middle))))
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "malformed" in ran.err
    tables = ("task_metadata", "agent_cost_vector", "defect_log", "bootstrap_metrics", "load_log", "load_reject")
    assert [rows(empty_store, f"SELECT count(*) FROM {table}") for table in tables] == [[(0,)]] * len(tables)


def test_strict_writes_nothing_of_any_table(run, empty_store, platform_file):
    with closing(sqlite3.connect(platform_file)) as file:
        file.execute("UPDATE bootstrap_metrics SET capability_mode = 'Manual'")
        file.commit()
    ran = run("load", platform_file, "--strict", "--db", empty_store)
    assert ran.exit_code == 1 and "capability_mode" not in ran.err and "mode: 'Manual' is not one of" in ran.err
    assert rows(empty_store, "SELECT count(*) FROM task_metadata") == [(0,)]


def test_a_store_of_an_earlier_version_is_loaded_as_a_file_and_stubs_stay_stubs(run, empty_store, tmp_path):
    path = tmp_path / "version-2.db"
    with closing(sqlite3.connect(path)) as file:
        file.executescript((Path(__file__).parent / "stores" / "version_2.sql").read_text())
        stubs = file.execute("SELECT task_id FROM task_metadata WHERE metadata LIKE '%is_stub%' ORDER BY 1").fetchall()
        names = file.execute("SELECT DISTINCT execution_id FROM agent_cost_vector ORDER BY 1").fetchall()
    ran = run("load", path, "--json", "--db", empty_store)
    (reject,) = run("rejects", "--json", "--db", empty_store).json  # an upgrade rounds it and says so in the metadata
    assert reject["reasons"] == ["metric_value: Tool_Calls is a whole number, found 12.25; round it"]
    assert rows(empty_store, "SELECT task_id FROM task_metadata WHERE is_stub ORDER BY 1") == stubs != []
    assert rows(empty_store, "SELECT count(*) FROM task_metadata WHERE metadata_json LIKE '%is_stub%'") == [(0,)]
    assert rows(empty_store, "SELECT execution_id FROM agent_cost_vector ORDER BY 1") == names
    assert run("load", path, "--json", "--db", empty_store).json["present"] == ran.json["read"] - 1


def other_database(path):
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE notes (text)")


def damaged_schema(path):
    """SQLite repeats the name that it cannot read, and the name is no UTF-8."""
    content = asp_platform().replace(b"bootstrap_metrics", b"bootstrap_metric\x85")
    path.write_bytes(content.replace(b"CREATE TABLE bootstrap", b"CREATE TABLX bootstrap"))


def odd_version(path):
    path.write_bytes(asp_platform())
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE asp_schema (version)")
        file.execute("INSERT INTO asp_schema VALUES ('many')")
        file.commit()


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (lambda path: create_store(parse_url(str(path), path.parent)), (), "is a store of the workbench, no file"),
        (other_database, (), "is a SQLite database without any table of the ASP platform"),
        (lambda path: path.write_bytes(asp_platform()[:2_000]), (), "cannot be read as a SQLite database"),
        (damaged_schema, (), "cannot be read as a SQLite database: malformed database schema"),
        (lambda path: path.write_bytes(asp_platform()), ("--map", "task_id=x"), "Leave out --as, --map and --set."),
        (lambda path: path.write_bytes(asp_platform()), ("--set", "task_id=x"), "Leave out --as, --map and --set."),
        (lambda path: path.write_bytes(asp_platform()), ("--as", "metrics"), "Leave out --as, --map and --set."),
    ],
    ids=["a store", "another database", "cut short", "damaged", "map", "set", "as"],
)
def test_what_is_no_file_of_the_platform_or_is_read_otherwise_is_refused_in_one_line(
    run, empty_store, tmp_path, make, options, said
):
    make(tmp_path / "file.db")
    ran = run("load", tmp_path / "file.db", *options, "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: ") and ran.err.count("\n") == 1
    assert said in ran.err and str(tmp_path / "file.db") in ran.err
    assert rows(empty_store, "SELECT count(*) FROM load_log") == [(0,)]


def test_a_version_that_is_no_number_is_no_store(run, empty_store, tmp_path):
    odd_version(tmp_path / "file.db")
    assert run("load", tmp_path / "file.db", "--json", "--db", empty_store).json["written"] == 4
