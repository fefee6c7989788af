"""DATABASE_URL=postgresql://... and everything works: a real server, the same verbs, views and numbers."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.errors import QueryError, StoreError
from asp_analysis.session import connect, readers, view_names
from asp_analysis.store.database import create_store, open_store
from tests.planted_repository import OF_CHANGES
from tests.postgres import PASSWORD


@pytest.fixture
def users_of(postgres_server):
    """What gives the address of a new user of a store who may read or write; the store is made where there is none."""
    made = []

    def user_of(url, role):
        create_store(url)
        name = f"{role}_of_{url.text.rsplit('/', 1)[1]}"
        with psycopg.connect(postgres_server, autocommit=True) as admin:
            admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE asp_{role}")
        made.append(name)
        text = url.text.replace("postgres:", f"{name}:", 1).replace(PASSWORD.replace("/", "%2F"), "x")
        return parse_url(text, Path())

    yield user_of
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        for name in made:
            admin.execute(f"DROP ROLE {name}")


def other(url: StoreUrl, **changes: str) -> StoreUrl:
    """Give the address with a word replaced."""
    text = url.text
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return parse_url(text, Path())


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """JSON has no order of keys, and rows of a view have no order either."""
    frame = frame.copy()
    for name in frame.columns:
        if name.endswith("_json") or name == "labels":
            texts = frame[name].map(
                lambda text: json.dumps(json.loads(text, parse_int=float), sort_keys=True), na_action="ignore"
            )
            frame[name] = texts.astype("str")
    return frame.sort_values(list(frame.columns), ignore_index=True)


@pytest.fixture(scope="module")
def frames(sample_store):
    with connect(sample_store) as session:
        return {name: comparable(session.view(name)) for name in view_names()}


@pytest.mark.parametrize("way", ["live", "from memory", "from a snapshot"])
def test_every_view_gives_the_same_rows_over_both_engines(postgres_sample, frames, way, monkeypatch, tmp_path):
    monkeypatch.setattr(readers, "COPIED_ROWS", 10 if "snapshot" in way else 20_000)
    monkeypatch.setattr("asp_analysis.config.project_dir", lambda: tmp_path)
    with connect(postgres_sample, is_live=way == "live") as session:
        assert session.source.startswith(way)
        for name, expected in frames.items():
            pd.testing.assert_frame_equal(comparable(session.view(name)), expected, obj=name)


@pytest.mark.parametrize("copied_rows", [10, 20_000], ids=["snapshot", "memory"])
def test_an_open_session_sees_what_is_written_meanwhile(postgres_url, monkeypatch, tmp_path, copied_rows):
    monkeypatch.setattr(readers, "COPIED_ROWS", copied_rows)
    monkeypatch.setattr("asp_analysis.config.project_dir", lambda: tmp_path)
    create_store(postgres_url, with_sample=True)
    with connect(postgres_url) as session, psycopg.connect(postgres_url.text, autocommit=True) as writer:
        for statement in (
            "UPDATE agent_cost_vector SET cost_usd = cost_usd * 2",
            "DELETE FROM agent_cost_vector WHERE row_id = 7",
            "INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, cost_usd) "
            "VALUES ('NEW', '2026-01-02', 'FERRY-001', 'Code', 1)",
            "SELECT asp_move_execution('NEW', '2026-01-03')",
            "UPDATE task_metadata SET status = 'failed' WHERE task_id = 'FERRY-001'",
            "DELETE FROM defect_log WHERE defect_id = (SELECT min(defect_id) FROM defect_log)",
        ):
            writer.execute(statement)
            with connect(postgres_url, is_live=True) as live:
                for name in ("role_costs", "stg_executions", "stg_tasks", "defects"):
                    pd.testing.assert_frame_equal(comparable(session.view(name)), comparable(live.view(name)), obj=name)


LINES = [
    {"timestamp": "2026-01-02T03:04:05.123456Z", "task_id": "A-1", "agent_role": "Code", "cost_usd": 0.1},
    {"timestamp": "2026-01-02T05:04:05+02:00", "task_id": "A-2", "agent_role": "Test", "tokens_in": 7, "note": "x"},
    {"timestamp": "yesterday", "task_id": "A-3", "agent_role": "Test", "tokens_in": 7},
]
TASKS = [
    {
        "task_id": "A-1",
        "created_at": "2026-01-01T00:00:00Z",
        "components_affected": ["src/a b.py", 'with "quotes", and {braces}'],
        "human_reviewed": True,
        "semantic_units_json": [{"unit_id": "1", "est_complexity": 2.50}],
        "metadata": {"b": 1, "a": {"z": [1e22, 0.1, "ü"]}},
    }
]


def write_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_a_load_gives_the_same_counts_and_the_same_rows_as_on_sqlite(postgres_url, empty_store, tmp_path, run):
    create_store(postgres_url)
    costs, tasks = write_lines(tmp_path / "costs.jsonl", LINES), write_lines(tmp_path / "tasks.jsonl", TASKS)
    for url in (empty_store, postgres_url):
        counts = []
        for _ in range(2):
            counts.append(run("load", costs, "--as", "executions", "--json", "--db", url).json)
            counts.append(run("load", tasks, "--as", "task_metadata", "--json", "--db", url).json)
        first, updated, again, present = counts
        assert (first["written"], first["rejected"], first["tasks_stubbed"]) == (2, 1, 2), url
        assert updated["updated"] == 1, url
        assert (again["written"], again["updated"], again["present"], again["rejected"]) == (0, 0, 2, 1), url
        assert (present["updated"], present["present"]) == (0, 1), url
    with connect(postgres_url) as session, connect(empty_store) as reference:
        for name in ("executions", "stg_executions", "stg_tasks", "work", "tasks"):
            pd.testing.assert_frame_equal(comparable(session.view(name)), comparable(reference.view(name)), obj=name)


def test_rejects_are_kept_listed_and_given_back(postgres_url, tmp_path, run):
    create_store(postgres_url)
    run("load", write_lines(tmp_path / "costs.jsonl", LINES), "--as", "executions", "--db", postgres_url)
    listed = run("rejects", "--json", "--db", postgres_url).json
    assert listed[0]["line_number"] == 3 and "executed_at" in listed[0]["reasons"][0]
    run("rejects", "--export", tmp_path / "back.jsonl", "--clear", "--db", postgres_url)
    assert run("rejects", "--json", "--db", postgres_url).json == []


@pytest.mark.parametrize(
    "words",
    [
        ("estimate", "--size", "18", "--json"),
        ("backtest", "--role", "Code", "--csv"),
        ("probe", "--size", "18", "--json"),
        ("learning", "--as-of", "2026-01-01", "--json"),
        ("quality", "--json"),
        ("models", "--json"),
        ("complexity", "--json"),
        (
            "sql",
            "SELECT agent_role, executions, round(cost_usd, 9) AS usd FROM role_costs ORDER BY agent_role",
            "--csv",
        ),
    ],
    ids=lambda words: words[0],
)
def test_every_verb_answers_as_on_sqlite(postgres_sample, sample_store, run, words):
    expected, found = run(*words, "--db", sample_store), run(*words, "--db", postgres_sample)
    assert found.exit_code == expected.exit_code == 0, found.err
    assert found.out == expected.out


def test_learning_is_recorded_once_a_day(postgres_url, run):
    create_store(postgres_url, with_sample=True)
    words = ("learning", "--as-of", "2026-01-05", "--record", "--db", postgres_url)
    first, second = run(*words), run(*words)
    assert first.exit_code == second.exit_code == 0
    with open_store(postgres_url) as store:
        query = "SELECT count(*) AS n FROM bootstrap_metrics WHERE measured_at >= '2026-01-05'"
        assert store.read(query)[0]["n"] == 6


def test_an_estimate_is_kept_with_its_task(postgres_url, run):
    create_store(postgres_url, with_sample=True)
    with open_store(postgres_url) as store:
        task = store.read("SELECT min(task_id) AS id FROM task_metadata WHERE status = 'pending'")[0]["id"]
    assert run("estimate", "--size", "18", "--task", task, "--keep", "--db", postgres_url).exit_code == 0
    with connect(postgres_url) as session:
        assert task in set(session.view("stored_forecasts")["task_id"])


def test_the_dashboard_is_written(postgres_sample, tmp_path, run):
    assert run("dashboard", tmp_path / "page.html", "--db", postgres_sample).exit_code == 0
    assert PASSWORD not in (tmp_path / "page.html").read_text()


def test_making_the_store_again_keeps_what_it_holds(postgres_url):
    assert create_store(postgres_url, with_sample=True).is_new
    again = create_store(postgres_url)
    assert not again.is_new and again.task_count == 50


VIEWS = ("executions", "work", "task_costs", "tasks", "defects")


@pytest.mark.parametrize("name", VIEWS)
def test_the_views_of_the_store_itself_say_what_the_workbench_says(postgres_sample, name):
    with connect(postgres_sample) as session, psycopg.connect(postgres_sample.text) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        cursor = connection.execute(f"SELECT * FROM {name}")
        found = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
        expected = session.view(name)
    assert list(found.columns) == list(expected.columns) and len(found) == len(expected)
    for column in expected.columns:
        assert plain(found[column]) == plain(expected[column]), column


def plain(values):
    """Give values of either driver in one form, in one order: views have none."""

    def one(value):
        if isinstance(value, dict | list):
            return json.dumps(value, sort_keys=True)
        if isinstance(value, str) and value[:1] in "[{":
            return json.dumps(json.loads(value), sort_keys=True)
        if pd.isna(value):
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value).removesuffix("+00:00")
        return f"{float(value):.9g}"

    return sorted(map(one, values.astype(object)))


def execution(name, at, **measures):
    return {"execution_id": name, "executed_at": at, "task_id": "T", "agent_role": "Code", **measures}


def test_an_execution_is_there_once_whenever_it_is_said_to_have_happened(postgres_url, tmp_path, run, users_of):
    """The key holds the time: the writer sees to it, and an asp_writer can do it without the right to delete."""
    writer = users_of(postgres_url, "writer")
    load = ("load", tmp_path / "runs.jsonl", "--as", "executions", "--json", "--db", writer)
    for at, cost in (("2026-01-05T00:00:00Z", 1), ("2026-06-05T00:00:00Z", 2), ("2026-03-05T00:00:00Z", 3)):
        lines = [execution("A", at, cost_usd=cost, tool_calls=1), execution("B", "2026-01-05T00:00:00Z", cost_usd=9)]
        counts = run(*load).json if write_lines(tmp_path / "runs.jsonl", lines) else {}
    assert (counts["updated"], counts["present"]) == (1, 1)
    with psycopg.connect(postgres_url.text) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        query = "SELECT execution_id, executed_at::TEXT, cost_usd, tool_calls, row_id FROM agent_cost_vector ORDER BY 1"
        assert connection.execute(query).fetchall() == [
            ("A", "2026-03-05 00:00:00+00", 3, 1, 1),
            ("B", "2026-01-05 00:00:00+00", 9, None, 2),
        ]


def test_ones_own_words_are_accepted_and_others_are_not(postgres_url, tmp_path, run):
    create_store(postgres_url)
    (tmp_path / "types.csv").write_text("defect_type,type_order,taxonomy\nFlaky_Test,110,ours\n")
    (tmp_path / "defects.csv").write_text(
        "defect_id,found_at,task_id,defect_type,phase_injected,phase_removed,description\n"
        "D-1,2026-01-02,T,Flaky_Test,Code,Test,d\nD-2,2026-01-02,T,No_Such,Code,Test,d\n"
    )
    assert run("load", tmp_path / "types.csv", "--as", "defect_types", "--db", postgres_url).exit_code == 0
    counts = run("load", tmp_path / "defects.csv", "--as", "defect_log", "--json", "--db", postgres_url).json
    assert (counts["written"], counts["rejected"]) == (1, 1)


def test_two_writers_take_turns_and_nothing_is_written_twice(postgres_url, tmp_path):
    create_store(postgres_url)
    path = write_lines(
        tmp_path / "many.jsonl",
        [{"timestamp": "2026-01-02", "task_id": f"T-{n % 7}", "agent_role": "Code", "cost_usd": n} for n in range(500)],
    )
    words = [sys.executable, "-m", "asp_analysis", "load", path, "--as", "executions", "--db", postgres_url.text]
    writers = [subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4, [w.stderr.read() for w in writers]
    with connect(postgres_url) as session:
        assert len(session.view("executions")) == 500


# --- who may do what ---


@pytest.fixture
def users(postgres_url, users_of):
    """Two users of the sample: one may read, one may write."""
    create_store(postgres_url, with_sample=True)
    return [users_of(postgres_url, role) for role in ("reader", "writer")]


def test_a_reader_reads_every_view_and_cannot_write(users, tmp_path, run):
    reader, _ = users
    with connect(reader) as session:
        assert {name for name in view_names() if not len(session.view(name))} == {
            "stg_aliases",
            "stg_budgets",
            "stg_agent_changes",
            "stg_change_assignments",
            "stg_loads",
            *OF_CHANGES,
        }
    refused = run("load", write_lines(tmp_path / "costs.jsonl", LINES), "--as", "executions", "--db", reader)
    assert refused.exit_code == 1 and "this user may not do that" in refused.err
    with psycopg.connect(reader.text) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT asp_move_execution('x', now())")


def test_a_writer_loads_and_cannot_delete_telemetry(users, tmp_path, run):
    _, writer = users
    loaded = run("load", write_lines(tmp_path / "costs.jsonl", LINES), "--as", "executions", "--json", "--db", writer)
    assert loaded.json["written"] == 2
    assert run("load", write_lines(tmp_path / "t.jsonl", TASKS), "--as", "task_metadata", "--db", writer).exit_code == 0
    with psycopg.connect(writer.text, autocommit=True) as connection:
        for table in ("agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics", "load_log"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM postgres_query('asp_store', 'DELETE FROM load_log RETURNING 1')",
        "CALL postgres_execute('asp_store', 'DELETE FROM load_log')",
        "SELECT * FROM postgres_scan('dbname=postgres', 'public', 'x')",
        "SELECT * FROM postgres_scan_pushdown('dbname=postgres', 'public', 'x')",
        "CALL postgres_attach('dbname=postgres')",
        "SELECT * FROM pg_clear_cache()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM duckdb_databases()",
        "DELETE FROM asp_store.load_log",
        "INSERT INTO asp_store.load_log (file) VALUES ('x')",
        "CREATE TABLE asp_store.t (x INTEGER)",
        "DETACH asp_store",
        "ATTACH '' AS again (TYPE postgres)",
        "SET pg_connection_limit = 1",
    ],
)
def test_a_session_can_only_read(postgres_sample, query):
    with connect(postgres_sample) as session, pytest.raises(QueryError):
        session.sql(query)


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("Ferry", "Berry"), "it refuses the password"),
        (("asp_test", "no_such"), "it has no such database"),
        (("postgres:", "nobody:"), "it refuses the password"),
        (("127.0.0.1", "no-such-host.invalid"), "its host is not known"),
    ],
)
@pytest.mark.parametrize("words", [("sql", "SELECT 1"), ("init",), ("rejects",)], ids=lambda words: words[0])
def test_a_server_that_refuses_is_one_line_without_the_password(postgres_sample, run, words, change, said):
    asked = run(*words, "--db", other(postgres_sample, change=change))
    assert asked.exit_code == 1 and said in asked.err and asked.err.count("\n") == 1
    assert "Line" not in asked.err + asked.out


def test_a_server_that_is_not_there_is_one_line(run):
    asked = run("sql", "SELECT 1", "--db", f"postgresql://me:{PASSWORD.replace('/', '%2F')}@127.0.0.1:9/asp")
    assert asked.exit_code == 1 and "nothing answers there" in asked.err and "Line" not in asked.err


@pytest.mark.parametrize("address", ["postgresql://h:99999999/x", "postgresql://me@host", "postgresql://[::1/x"])
def test_an_address_that_is_none_is_one_line(run, address):
    asked = run("sql", "SELECT 1", "--db", address)
    assert "address" in asked.refusal


def test_an_empty_database_says_what_to_do(postgres_url, run):
    asked = run("sql", "SELECT 1", "--db", postgres_url)
    assert asked.exit_code == 1 and "migrate" in asked.err


def test_a_session_whose_connection_was_cut_goes_on_with_another(postgres_sample):
    with connect(postgres_sample) as session:
        _cut_all(postgres_sample)
        assert len(session.view("executions"))


def _cut_all(url):
    with psycopg.connect(url.text, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_load_whose_connection_was_cut_is_one_line_and_leaves_nothing(postgres_url, tmp_path, run):
    create_store(postgres_url)
    lines = write_lines(tmp_path / "costs.jsonl", LINES)
    with open_store(postgres_url) as store, pytest.raises(StoreError) as lost, store.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO agent_roles VALUES ('Gardener', 99, 'overhead')")
        _cut_all(postgres_url)
        connection.exec_driver_sql("SELECT 1")
    assert "the connection was lost" in str(lost.value) and "\n" not in str(lost.value)
    assert run("load", lines, "--as", "executions", "--json", "--db", postgres_url).json["written"] == 2
    with connect(postgres_url) as session:
        assert "Gardener" not in set(session.view("stg_roles")["agent_role"])


def test_a_writer_that_waits_too_long_for_another_says_so(postgres_url, tmp_path, run, monkeypatch):
    create_store(postgres_url)
    monkeypatch.setattr("asp_analysis.store.postgres.PATIENCE_S", 0.2)
    with psycopg.connect(postgres_url.text) as busy:
        busy.execute("SELECT pg_advisory_xact_lock(7305473017)")
        asked = run("load", write_lines(tmp_path / "c.jsonl", LINES), "--as", "executions", "--db", postgres_url)
    assert asked.exit_code == 1 and "another writer has held it for too long" in asked.err


# --- capture ---

AGENT = """
import sys
from asp_analysis import capture
from asp_analysis.config import parse_url
from pathlib import Path
with capture.open(sys.argv[1]) as store:
    for number in range(50):
        with store.execution(task_id=f"C-{number}", agent_role="Code") as run:
            run.tokens(input=number + 1, output=2)
            run.defect(defect_type="60_Checking", phase_injected="Design", description="the amount is not checked")
    assert store.flush(), "not all is stored"
"""


def test_captured_records_reach_the_server_each_once(postgres_url, tmp_path):
    create_store(postgres_url)
    agents = [
        subprocess.Popen([sys.executable, "-c", AGENT, postgres_url.text], cwd=tmp_path, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [agent.wait(timeout=120) for agent in agents] == [0, 0, 0], [agent.stderr.read() for agent in agents]
    with connect(postgres_url) as session:
        assert len(session.view("executions")) == 150 and len(session.view("defects")) == 150


def test_records_wait_in_a_file_while_the_server_is_not_there(postgres_url, tmp_path, monkeypatch):
    monkeypatch.setattr("asp_analysis.config.project_dir", lambda: tmp_path)
    from asp_analysis import capture

    store = capture.open(postgres_url.text)  # a database without tables
    store.record(task_id="C-1", agent_role="Code", tokens_in=1)
    assert not store.flush(patience_s=0.2)
    store.close()
    create_store(postgres_url)
    with capture.open(postgres_url.text) as store:
        assert store.flush()
    with connect(postgres_url) as session:
        assert session.view("executions")["task_id"].tolist() == ["C-1"]
