"""Several names of a role or a model are shown as one; no row changes, and it can be undone."""

import sqlite3
from contextlib import closing

import pytest

from asp_analysis.session import connect, readers

RUNS = """executed_at,task_id,agent_role,llm_model,cost_usd
2026-03-01,T-1,code,gpt-5-eu,1.5
2026-03-01,T-1,Code,gpt-5,2
2026-03-02,T-1,Test,gpt-5,0.25
"""
BY_ROLE = "SELECT agent_role, sum(cost_usd) AS cost_usd FROM executions GROUP BY 1 ORDER BY 1"
APART = [("Code", 2.0), ("Test", 0.25), ("code", 1.5)]
TOGETHER = [("Code", 3.5), ("Test", 0.25)]


@pytest.fixture(params=["file", "server"])
def store(request):
    return request.getfixturevalue("empty_store" if request.param == "file" else "postgres_url")


@pytest.fixture
def loaded(run, store, tmp_path):
    (tmp_path / "runs.csv").write_text(RUNS)
    assert run("init", "--db", store).exit_code == 0
    assert run("load", tmp_path / "runs.csv", "--db", store).exit_code == 0
    return store


def by_role(store):
    with connect(store) as session:
        return [tuple(row) for row in session.sql(BY_ROLE).itertuples(index=False)]


def test_an_alias_holds_in_every_view_and_is_undone(run, loaded):
    assert by_role(loaded) == APART
    assert run("alias", "role", "code=Code", "--db", loaded).exit_code == 0
    assert by_role(loaded) == TOGETHER
    with connect(loaded) as session:
        assert session.sql("SELECT count(*) AS n FROM work WHERE agent_role = 'code'")["n"][0] == 0
    assert run("alias", "--json", "--db", loaded).json == [
        {"kind": "role", "alias": "code", "name": "Code", "executions": 1}
    ]
    assert run("alias", "role", "code", "--undo", "--db", loaded).exit_code == 0
    assert by_role(loaded) == APART


def test_an_alias_of_a_model(run, loaded):
    run("alias", "model", "gpt-5-eu=gpt-5", "--db", loaded)
    with connect(loaded) as session:
        assert session.sql("SELECT DISTINCT llm_model FROM executions")["llm_model"].tolist() == ["gpt-5"]


def test_the_views_in_the_file_show_the_name_too(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text(RUNS)
    run("load", tmp_path / "runs.csv", "--db", empty_store)
    run("alias", "role", "code=Code", "--db", empty_store)
    with closing(sqlite3.connect(empty_store.path)) as file:
        assert file.execute(BY_ROLE).fetchall() == TOGETHER
        assert file.execute("SELECT agent_role FROM agent_cost_vector ORDER BY 1").fetchall() == [
            ("Code",), ("Test",), ("code",),
        ]  # fmt: skip


def test_a_snapshot_follows(run, empty_store, tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "COPIED_ROWS", 1)
    (tmp_path / "runs.csv").write_text(RUNS)
    run("load", tmp_path / "runs.csv", "--db", empty_store)
    with connect(empty_store) as session:
        assert "snapshot" in session.source
    assert by_role(empty_store) == APART
    run("alias", "role", "code=Code", "--db", empty_store)
    assert by_role(empty_store) == TOGETHER
    (tmp_path / "more.csv").write_text(RUNS.replace("T-1", "T-2"))
    run("load", tmp_path / "more.csv", "--db", empty_store)
    assert by_role(empty_store) == [("Code", 7.0), ("Test", 0.5)]


def test_an_export_has_the_names_of_the_rows(run, loaded, tmp_path):
    run("alias", "role", "code=Code", "--db", loaded)
    run("export", "--out", tmp_path / "out", "--db", loaded)
    assert '"code"' in (tmp_path / "out" / "agent_cost_vector.csv").read_text()


@pytest.mark.parametrize(
    ("kind", "names", "says"),
    [
        ("role", ["Code=Code"], "is its own name already"),
        ("role", ["code=Code", "Code=Coding"], "is shown as 'Code'"),
        ("role", ["code=Code", "kode=code"], "is itself shown as 'Code'"),
        ("role", ["=Code"], "needs two names"),
    ],
)
def test_a_name_has_one_meaning(run, empty_store, kind, names, says):
    for name in names[:-1]:
        run("alias", kind, name, "--db", empty_store)
    assert says in run("alias", kind, names[-1], "--db", empty_store).refusal


def test_what_is_not_there_cannot_be_undone(run, empty_store):
    assert "No role has an alias" in run("alias", "role", "code", "--undo", "--db", empty_store).refusal


def test_a_load_says_how_to_show_a_name_like_a_listed_one(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text(RUNS)
    assert "asp-analysis alias role 'code=Code'" in run("load", tmp_path / "runs.csv", "--db", empty_store).err
    run("alias", "role", "code=Code", "--db", empty_store)
    assert "is Code meant" not in run("load", tmp_path / "runs.csv", "--again", "--db", empty_store).err
