"""What holds for every view of every store: keys, one meaning of money, names without quotes, the store's own views."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from asp_analysis import sql
from asp_analysis.config import parse_url
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.session import connect, describe_view, view_key, view_names
from asp_analysis.store.database import create_store, open_store

MARTS_WITH_COST = [
    "executions",
    "work",
    "task_costs",
    "tasks",
    "task_history",
    "role_costs",
    "daily_costs",
    "models",
    "staffed",
]


def _load(url, path, kind, columns, constants):
    with open_store(url) as store:
        options = LoadOptions(kinds=(kind,) if kind else (), table=TableOptions(columns=columns, constants=constants))
        list(load_paths(store, [path], options))


@pytest.fixture(scope="module")
def real_store(tmp_path_factory):
    """Real runs of a public data set, many models on the same tasks and costs unknown, and real transcripts."""
    from tests.conftest import SHARED_DATA

    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets are not here (shared/data is missing)")
    url = parse_url("real.db", tmp_path_factory.mktemp("real"))
    create_store(url)
    columns = {"task_id": "instance_id", "llm_model": "model", "executed_at": "submission_time"}
    runs = SHARED_DATA / "swebench" / "openhands_agent_costs.csv.gz"
    _load(url, runs, "executions", {**columns, "project_id": "benchmark"}, {"agent_role": "Code"})
    with open_store(url) as store:
        list(load_paths(store, [SHARED_DATA / "transcripts" / "codex"], LoadOptions()))
    return url


@pytest.fixture(scope="module", params=["sample", "real"])
def session(request, sample_store):
    url = sample_store if request.param == "sample" else request.getfixturevalue("real_store")
    with connect(url) as opened:
        yield opened


@pytest.mark.parametrize("name", view_names())
def test_the_key_of_a_view_tells_its_rows_apart(session, name):
    key = list(view_key(name))
    described = [column.name for column in describe_view(name)[1]]
    assert set(key) <= set(described)
    assert not session.view(name).duplicated(key).any()


@pytest.mark.parametrize("name", view_names())
def test_a_view_comes_in_the_order_of_its_key(session, name):
    key = ", ".join(view_key(name))
    numbered = f"SELECT *, row_number() OVER (ORDER BY {key}) AS place FROM {name} ORDER BY place"
    pd.testing.assert_frame_equal(session.view(name), session.sql(numbered).drop(columns="place"))


@pytest.mark.parametrize("name", MARTS_WITH_COST)
def test_the_known_money_is_the_same_in_every_view_that_has_it(session, name):
    whole = session.sql("SELECT sum(cost_usd) AS usd FROM stg_executions")["usd"][0]
    assert whole > 0
    assert session.view(name)["cost_usd"].sum() == pytest.approx(whole, rel=1e-12)


def test_every_view_that_has_money_by_task_or_role_is_looked_at(session):
    """`task_activity` shows the tasks of transcripts, `changes` and `rework` what sessions of changes cost, and
    `cost_per_outcome` divides the money by several kinds of outcome; the others with cost_usd hold all of it."""
    with_cost = {n for n in view_names() if "cost_usd" in {c.name for c in describe_view(n)[1]}}
    others = {"task_activity", "stg_executions", "changes", "rework", "cost_per_outcome"}
    assert with_cost - others == set(MARTS_WITH_COST)


@pytest.mark.parametrize("name", ["work", "task_costs", "tasks", "task_history"])
def test_the_whole_cost_stands_only_where_every_execution_has_one(session, name):
    frame = session.view(name)
    lacks = frame["executions_without_cost"].fillna(0) > 0
    assert frame.loc[lacks, "whole_cost_usd"].isna().all()
    same = frame.loc[~lacks & frame["cost_usd"].notna()]
    assert (same["whole_cost_usd"] == same["cost_usd"]).all() and len(same)


@pytest.mark.parametrize("name", view_names())
def test_every_column_is_written_without_quotes(session, name):
    columns = ", ".join(column.name for column in describe_view(name)[1])
    assert list(session.sql(f"SELECT {columns} FROM {name} LIMIT 1").columns) == columns.split(", ")
    session.sql(f"SELECT count(*) AS n FROM (SELECT {columns} FROM {name} ORDER BY {columns})")


def test_the_question_that_everybody_asks_first_is_no_syntax_error(session):
    frame = session.sql("SELECT executed_at, cost_usd FROM executions ORDER BY executed_at")
    assert frame["executed_at"].is_monotonic_increasing and len(frame)


def test_tasks_joined_with_defects_multiplies_nothing(session):
    joined = session.sql("SELECT d.defect_id, t.cost_usd FROM defects AS d LEFT JOIN tasks AS t USING (task_id)")
    assert len(joined) == len(session.view("defects"))
    counts = session.sql(
        "SELECT t.task_id, any_value(t.defects) AS said, "
        "count(d.defect_id) FILTER (WHERE NOT d.is_false_positive) AS n "
        "FROM tasks AS t LEFT JOIN defects AS d USING (task_id) GROUP BY t.task_id"
    )
    assert (counts["said"] == counts["n"]).all()


def test_sizes_are_never_one_for_the_other(session):
    tasks = session.view("tasks")
    estimated, actual = tasks["size_source"] == "estimated", tasks["size_source"] == "actual"
    assert (tasks.loc[estimated, "size"] == tasks.loc[estimated, "estimated_size"]).all()
    assert (tasks.loc[actual, "size"] == tasks.loc[actual, "actual_size"]).all()
    assert tasks.loc[~(estimated | actual), "size"].isna().all()


def _plain(frame):
    """Give a frame of either engine in one form: instants and numbers alike, unknown as None, rows in one order."""
    plain = frame.copy()
    for name in plain.columns:
        if name.endswith("_at"):
            plain[name] = pd.to_datetime(plain[name], utc=True, format="ISO8601").dt.tz_localize(None)
        elif name.startswith("is_"):
            plain[name] = plain[name].astype("Int64")
    plain = plain.convert_dtypes().astype(object)
    return plain.where(plain.notna(), None)


@pytest.mark.parametrize("name", sql.STORE_VIEWS)
def test_a_file_shows_the_views_itself(sample_store, name):
    """Whoever opens the file with sqlite3, DBeaver, datasette or pandas sees the rows that the workbench shows."""
    with sqlite3.connect(f"{sample_store.path.as_uri()}?mode=ro", uri=True) as file:
        own = pd.read_sql(f"SELECT * FROM {name} ORDER BY {', '.join(view_key(name))}", file)
    file.close()
    with connect(sample_store) as session:
        shown = session.view(name)
    pd.testing.assert_frame_equal(_plain(own), _plain(shown), check_dtype=False, rtol=1e-12)


@pytest.mark.parametrize("count", [0, 1])
def test_every_view_answers_on_a_store_of_no_and_of_one_row(empty_store, load_text, count):
    if count:
        load_text("executed_at,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1.5\n")
    with connect(empty_store) as session:
        for name in view_names():
            frame = session.view(name)
            assert list(frame.columns) == [column.name for column in describe_view(name)[1]]
        assert len(session.view("tasks")) == count


def test_where_no_source_names_a_person_a_model_or_a_session_their_number_is_unknown(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text("executed_at,task_id,agent_role,cost_usd\n2026-03-10,T-1,Code,1\n")
    assert run("load", tmp_path / "runs.csv", "--as", "executions", "--db", empty_store).exit_code == 0
    with closing(sqlite3.connect(empty_store.path)) as file:
        file.execute(
            "INSERT INTO code_change (change_id, task_id, repository, flow, outcome, started_at) "
            "VALUES ('C-1', 'T-1', 'a/b', 'merge', 'open', '2026-03-11T00:00:00.000000Z')"
        )
        file.commit()
        assert file.execute("SELECT people, models FROM tasks").fetchall() == [(None, None)]
    with connect(empty_store) as session:
        tasks, changes = session.view("tasks"), session.view("changes")
    assert tasks[["people", "models"]].isna().all(axis=None) and tasks["executions"].tolist() == [1]
    assert changes["sessions"].isna().all()
