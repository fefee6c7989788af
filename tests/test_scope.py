"""A session can show a part of the store: one project, model or role, a period, or what was known on a day."""

import subprocess
import sys

import pandas as pd
import pytest

from asp_analysis.errors import InputError
from asp_analysis.session import Scope, connect, view_names


@pytest.fixture(params=[False, True], ids=["copied", "live"])
def db(sample_store, request):
    with connect(sample_store, is_live=request.param) as session:
        yield session


def count(db, view="executions", where="TRUE"):
    return int(db.sql(f"SELECT count(*) AS n FROM {view} WHERE {where}").n[0])


def test_nothing_set_is_the_whole_store(db):
    before = {name: len(db.view(name)) for name in view_names()}
    assert db.narrow(project=None, model=None).is_whole
    assert {name: len(db.view(name)) for name in view_names()} == before


@pytest.mark.parametrize(
    ("name", "column"), [("project", "project_id"), ("model", "llm_model"), ("role", "agent_role")]
)
def test_every_view_shows_one_project_model_or_role(db, name, column):
    values = db.sql(f"SELECT {column} AS value, count(*) AS n FROM executions GROUP BY ALL ORDER BY n DESC")
    wanted, n = values.value[1], values.n[1]
    assert values.value.nunique() > 1
    db.narrow(**{name: wanted})
    assert count(db) == n == int(db.view("work").executions.sum()) == int(db.view("tasks").executions.sum())
    for view in view_names():
        frame = db.view(view)
        if column in frame.columns and view not in {"stg_roles", "review_outcomes"}:
            assert set(frame[column].dropna()) <= {wanted}, view


def test_the_parts_of_a_store_add_up_to_it(db):
    whole = db.sql("SELECT sum(cost_usd) AS usd, count(*) AS n FROM executions")
    names = db.sql("SELECT DISTINCT llm_model AS name FROM executions").name
    parts = []
    for name in names:
        db.narrow(model=name)
        parts.append(db.sql("SELECT sum(cost_usd) AS usd, count(*) AS n FROM executions"))
    assert pd.concat(parts).n.sum() == whole.n[0]
    assert pd.concat(parts).usd.sum() == pytest.approx(whole.usd[0])


def test_a_period_holds_its_last_day(db):
    days = db.sql("SELECT CAST(executed_at AS DATE) AS day, count(*) AS n FROM executions GROUP BY ALL ORDER BY day")
    first, last = days.day[3], days.day[10]
    db.narrow(since=f"{first:%Y-%m-%d}", until=f"{last:%Y-%m-%d}")
    assert count(db) == days.n[3:11].sum()


def test_a_task_that_reaches_beyond_the_period_is_open(db):
    task = db.sql("SELECT task_id, first_at, last_at FROM tasks WHERE status = 'completed' AND executions > 1 "
                  "AND last_at > first_at ORDER BY task_id LIMIT 1").iloc[0]  # fmt: skip
    for part in ({"until": task.first_at}, {"since": task.first_at + pd.Timedelta(microseconds=1)}):
        db.narrow(**part)
        found = db.sql("SELECT status, completed_at FROM tasks WHERE task_id = $id", id=task.task_id).iloc[0]
        assert found.status == "in_progress" and pd.isna(found.completed_at)


def test_what_came_later_is_unknown(db):
    found = db.sql("SELECT max(found_at) - INTERVAL 10 DAY AS day FROM defects").day[0]
    db.narrow(as_of=found)
    assert count(db, "defects", f"found_at > TIMESTAMP '{found}' OR fixed_at > TIMESTAMP '{found}'") == 0
    assert count(db, "tasks", f"completed_at > TIMESTAMP '{found}'") == 0
    assert count(db, "learning_curve", f"measured_at > TIMESTAMP '{found}'") == 0


def test_the_whole_store_comes_back(db):
    n = count(db)
    db.narrow(role="no such role")
    assert count(db) == 0
    db.narrow()
    assert count(db) == n


def test_each_view_is_listed_once_in_a_part_too(db):
    for part in ({}, {"model": db.view("models").llm_model[0]}, {}):
        db.narrow(**part)
        for _ in range(2):
            assert db.sql("SHOW TABLES").name.tolist() == sorted(view_names())


def test_a_part_follows_what_is_loaded_meanwhile(run, empty_store, tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text(
        "executed_at,task_id,agent_role,llm_model,cost_usd\n2026-01-02,T-1,Code,opus,1\n2026-01-02,T-1,Code,other,1\n"
    )
    command = [sys.executable, "-m", "asp_analysis", "load", file, "--as", "executions", "--db", empty_store.text]
    with connect(empty_store) as db:
        db.narrow(model="opus")
        assert count(db) == 0
        subprocess.run(command, check=True, capture_output=True)
        assert count(db) == 1
        db.narrow()
        assert count(db) == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"since": "yesterday"}, "since is a date such as '2026-01-31'"),
        ({"model": ""}, "model is a name or None"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "The period ends before it begins"),
        ({"phase": "Code"}, "'phase' does not narrow a store"),
    ],
)
def test_a_wrong_value_is_named(values, said):
    with pytest.raises(InputError, match=said):
        Scope.read(**values)


def test_a_part_is_said_in_words():
    scope = Scope.read(project="garden", since="2026-01-01", as_of="2026-01-31")
    assert scope.describe() == "project garden, since 2026-01-01, as of 2026-01-31"
    assert Scope().describe() == ""
