"""What a session shows, and that it can do nothing but read."""

import sqlite3
import subprocess
import sys

import duckdb
import pandas as pd
import pytest

from asp_analysis.errors import QueryError, StoreError
from asp_analysis.session import connect, describe_view, view_key, view_names
from asp_analysis.session.guard import split_statements
from tests.planted_repository import OF_CHANGES

PROMISED = {
    "executions": [
        "execution_id",
        "executed_at",
        "task_id",
        "project_id",
        "agent_role",
        "llm_model",
        "latency_ms",
        "tokens_in",
        "tokens_out",
        "tokens_cache_read",
        "tokens_cache_write",
        "cost_usd",
        "tool_calls",
        "retries",
    ]
}


@pytest.fixture(scope="module")
def session(sample_store):
    with connect(sample_store) as opened:
        yield opened


@pytest.mark.parametrize("name", view_names())
def test_every_view_has_rows_and_the_columns_that_its_comment_describes(session, name):
    frame = session.view(name)
    one_row, columns = describe_view(name)
    assert one_row and all(column.meaning for column in columns)
    assert [column.name for column in columns] == list(frame.columns)
    assert len(frame) > 0 or name in (
        "stg_loads",
        "stg_aliases",
        "stg_budgets",
        "stg_agent_changes",
        "stg_change_assignments",
        *OF_CHANGES,
    )


def test_executions_begin_with_the_promised_columns(session):
    assert list(session.view("executions").columns)[:14] == PROMISED["executions"]


@pytest.mark.parametrize("name", view_names())
def test_a_view_is_the_frame_that_duckdb_itself_makes_of_it(session, name):
    key = ", ".join(view_key(name))
    expected = session._reader.connection.execute(f"SELECT * FROM {name} ORDER BY {key}").df()
    texts = {
        column: "str" for column, dtype in expected.dtypes.items() if dtype.kind == "O" and dtype != "str"
    }  # no text in the column
    pd.testing.assert_frame_equal(session.view(name), expected.astype(texts))


@pytest.mark.parametrize(
    ("query", "dtype"),
    [
        ("SELECT unnest([1, NULL]) AS x", "Int32"),
        ("SELECT unnest([TRUE, NULL]) AS x", "boolean"),
        ("SELECT unnest([1::HUGEINT, NULL]) AS x", "Int64"),
        ("SELECT unnest([DATE '2026-01-01', NULL]) AS x", "datetime64[us]"),
        ("SELECT unnest([1.25::DECIMAL(9, 2), NULL]) AS x", "object"),
        ("SELECT CAST(NULL AS VARCHAR) AS x", "str"),
        ("SELECT 1 AS x WHERE FALSE", "int32"),
    ],
)
def test_a_column_has_the_type_that_can_hold_it(session, query, dtype):
    assert session.sql(query)["x"].dtype == dtype


def test_a_long_query_prints_no_progress_between_the_rows(session):
    assert session.sql("SELECT current_setting('enable_progress_bar') AS x")["x"].tolist() == [False]


def test_two_columns_of_one_name_are_both_shown(session):
    assert list(session.sql("SELECT 1 AS n, 2 AS n").iloc[0]) == [1, 2]


def test_defect_flow_counts_every_real_defect_once(session):
    real = session.sql("SELECT count(*) AS n FROM stg_defects WHERE NOT is_false_positive")["n"][0]
    assert session.view("defect_flow")["defects"].sum() == real


def test_parameters_are_bound_and_not_pasted(session):
    evil = "Code' OR 1=1 --"
    assert len(session.sql("SELECT * FROM executions WHERE agent_role = $role", role=evil)) == 0
    assert len(session.sql("SELECT * FROM executions WHERE agent_role = $role", role="Code")) > 0


def test_views_are_listed_with_what_a_row_is_and_units(session):
    listed = session.views().set_index("view")
    assert listed.loc["executions", "one_row_is"] == "one execution: one run of one agent role on one task"
    assert "latency_ms [ms]" in listed.loc["executions", "columns"]
    assert listed.loc["work", "key"] == "task_id, agent_role, llm_model, agent_version"


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO asp_store.task_metadata (task_id) VALUES ('x')",
        "DELETE FROM asp_store.task_metadata",
        "UPDATE asp_store.task_metadata SET status = 'failed'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW executions",
        "ATTACH '/tmp/other.db' AS other (TYPE sqlite)",
        "DETACH asp_store",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "COPY executions FROM '/etc/hosts'",
        "LOAD sqlite_scanner",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CALL sqlite_attach('/tmp/other.db')",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('/etc/hosts')",
        "SELECT * FROM read_text('/etc/hosts')",
        "SELECT * FROM '/etc/hosts'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sqlite_scan('/tmp/other.db', 't')",
        "SELECT * FROM sqlite_query('asp_store', 'DELETE FROM task_metadata')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM (SELECT * FROM (FROM read_text('/etc/hosts')))",
        "SELECT (SELECT count(*) FROM glob('/etc/*'))",
        "WITH x AS (SELECT * FROM read_blob('/etc/hosts')) SELECT * FROM x",
        "EXPLAIN ANALYZE DELETE FROM asp_store.task_metadata",
        "EXPLAIN INSERT INTO asp_store.task_metadata (task_id) VALUES ('x')",
        "EXPLAIN COPY (SELECT 1) TO '/tmp/out.csv'",
        "EXPLAIN CREATE TABLE t AS SELECT 1",
        "EXPLAIN SELECT * FROM read_text('/etc/hosts')",
        "EXPLAIN ANALYZE SELECT * FROM read_text('/etc/hosts')",
        "EXPLAIN /* x */ ANALYZE SELECT * FROM sqlite_query('asp_store', 'DELETE FROM task_metadata')",
        "EXPLAIN (ANALYZE) SELECT * FROM glob('/etc/*')",
        "EXPLAIN (FORMAT JSON) SELECT * FROM glob('/etc/*')",
        "EXPLAIN -- SELECT 1\nDELETE FROM asp_store.task_metadata",
        "EXPLAIN ANALYZE EXECUTE stored",
        "EXPLAIN PIVOT (FROM read_text('/etc/hosts')) ON filename USING count(*)",
        "EXPLAIN SELECT 1; DELETE FROM asp_store.task_metadata",
        "DESCRIBE SELECT * FROM read_text('/etc/hosts')",
        "DESCRIBE '/etc/hosts'",
        "SUMMARIZE '/etc/hosts'",
        "SUMMARIZE SELECT * FROM read_csv('/etc/hosts')",
        "SELECT * FROM (SUMMARIZE SELECT * FROM glob('/etc/*'))",
        "SHOW TABLES FROM read_text('/etc/hosts')",
        "PIVOT (FROM read_text('/etc/hosts')) ON filename USING count(*)",
        "PIVOT (FROM \"read_text\" /* x */ ('/etc/hosts')) ON filename USING count(*)",
        "PIVOT (FROM Read_Text\n-- x\n('/etc/hosts')) ON filename USING count(*)",
        "PIVOT (FROM main.read_text('/etc/hosts')) ON filename USING count(*)",
        "PIVOT '/etc/hosts' ON filename USING count(*)",
        "PIVOT executions ON agent_role IN (SELECT content FROM read_text('/etc/hosts')) USING count(*)",
        "WITH x AS (FROM glob('/etc/*')) SELECT * FROM x, (PIVOT executions ON agent_role USING count(*))",
        "FROM (PIVOT executions ON agent_role USING count(*)), sqlite_query('asp_store', 'DELETE FROM task_metadata')",
        "FROM (PIVOT executions ON agent_role USING count(*)), query('SELECT 1')",
        "CREATE TABLE t AS PIVOT executions ON agent_role USING count(*)",
        "CREATE TYPE t AS ENUM ('a'); SELECT 1",
        "CREATE TYPE t AS ENUM ('a'); PIVOT executions ON agent_role USING count(*)",
        "PIVOT executions ON agent_role USING count(*); DROP VIEW executions",
        "COPY (PIVOT executions ON agent_role USING count(*)) TO '/tmp/out.csv'",
        "INSERT INTO asp_store.task_metadata PIVOT executions ON agent_role USING count(*)",
        "-- nothing but a remark",
        ";",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "",
    ],
)
def test_only_reading_of_the_store_is_possible(session, query):
    with pytest.raises(QueryError) as refused:
        session.sql(query)
    assert "\n" not in str(refused.value)


def test_a_table_can_be_turned_without_its_values(session):
    frame = session.sql("PIVOT executions ON agent_role USING sum(cost_usd) GROUP BY project_id")
    roles = session.sql("SELECT DISTINCT agent_role AS name FROM executions")["name"]
    assert set(frame.columns) == {"project_id", *roles}
    both = session.sql(
        "FROM (PIVOT (SELECT agent_role, task_id FROM executions) ON agent_role, task_id USING count(*))"
    )
    assert len(both.columns) > len(roles)


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("EXPLAIN SELECT * FROM executions", "explain_value"),
        ("explain analyze SELECT count(*) FROM executions", "explain_value"),
        ("EXPLAIN (FORMAT JSON) FROM executions", "explain_value"),
        ("EXPLAIN (SELECT 1)", "explain_value"),
        ("DESCRIBE executions", "column_name"),
        ("DESCRIBE SELECT 1 AS one", "column_name"),
        ("SUMMARIZE executions", "approx_unique"),
        ("SUMMARIZE SELECT cost_usd FROM executions", "approx_unique"),
        ("SHOW TABLES", "name"),
        ("SHOW executions", "column_name"),
        ("UNPIVOT (SELECT tokens_in, tokens_out FROM executions) ON tokens_in, tokens_out", "value"),
        ("FROM executions LIMIT 1; -- that is all", "execution_id"),
    ],
)
def test_what_describes_data_is_reading_too(session, query, column):
    assert column in session.sql(query).columns and len(session.sql(query))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT ';' AS a; -- b; c\nSELECT 2;;", ["SELECT ';' AS a", "-- b; c\nSELECT 2"]),
        ("SELECT 'ä' AS \"ö;\"; SELECT $$;$$ /* ; */", ["SELECT 'ä' AS \"ö;\"", "SELECT $$;$$ /* ; */"]),
        (" \n", []),
        ("SELECT 'open", ["SELECT 'open"]),
    ],
)
def test_a_text_is_cut_into_its_statements(text, parts):
    assert split_statements(text) == parts


def test_python_variables_are_no_tables(session):
    frame = session.view("role_costs")
    with pytest.raises(QueryError, match="frame"):
        session.sql("SELECT * FROM frame")
    assert len(frame)


def test_wrong_sql_is_one_line_that_says_what_is_there(session):
    with pytest.raises(QueryError, match="cost_usd") as refused:
        session.sql("SELECT cost_us FROM executions")
    assert "\n" not in str(refused.value)


def test_an_unknown_view_is_answered_with_those_that_are_there(session):
    with pytest.raises(QueryError, match="executions"):
        session.view("execution")


def test_a_closed_session_says_so(sample_store):
    opened = connect(sample_store)
    opened.close()
    opened.close()
    with pytest.raises(QueryError, match=r"asp\.connect"):
        opened.sql("SELECT 1")


def test_a_database_without_the_contracts_tables_is_refused(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreError, match="has none of agent_cost_vector"):
        connect(str(path))


def test_the_extension_is_the_one_of_this_duckdb():
    from asp_analysis.session.extensions import extension_file

    assert f"/v{duckdb.__version__}/" in str(extension_file("sqlite_scanner"))


def _load(url, path, text):
    """Write through another process, as it is done in life: this one only reads."""
    path.write_text("timestamp,task_id,agent_role,cost_usd\n" + text)
    command = [sys.executable, "-m", "asp_analysis", "load", str(path), "--as", "executions", "--db", url.text]
    subprocess.run(command, check=True, capture_output=True)


def test_a_copy_in_memory_is_as_new_as_the_file(empty_store, tmp_path):
    with connect(empty_store) as session:
        assert "from memory" in repr(session)
        for count in (1, 2, 3):
            _load(empty_store, tmp_path / f"{count}.csv", f"2026-01-02,T-{count},Code,{count}\n")
            assert len(session.view("executions")) == count
            assert session.view("role_costs")["cost_usd"].tolist() == [sum(range(count + 1))]


def test_a_store_that_outgrows_memory_is_read_from_a_snapshot_with_the_same_rows(empty_store, tmp_path, monkeypatch):
    with connect(empty_store) as session:
        _load(empty_store, tmp_path / "1.csv", "2026-01-02,T-1,Code,1\n2026-01-02,T-2,Code,2\n")
        assert len(session.view("executions")) == 2 and session.source == "from memory"
        monkeypatch.setattr("asp_analysis.session.readers.COPIED_ROWS", 1)
        _load(empty_store, tmp_path / "2.csv", "2026-01-02,T-3,Code,3\n")
        assert len(session.view("executions")) == 3 and session.source.startswith("from a snapshot")
