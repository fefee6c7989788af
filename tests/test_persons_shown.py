"""What is given out names persons by pseudonyms, or by nothing, where that is asked for; the sums stay."""

import pytest

from asp_analysis.errors import InputError
from asp_analysis.session import connect
from asp_analysis.session.persons import PersonView

pytestmark = pytest.mark.slow

RUNS = """executed_at,task_id,project_id,agent_role,cost_usd,user_id,machine,labels
2026-03-10,T-1,garden,Code,1.10,Zoraida,m1,"{""account"":""a-77""}"
2026-03-11,T-1,garden,Code,2.20,Wilhelmina,m1,
2026-03-12,T-2,garden,Code,4.40,Ottokar,m1,
2026-03-20,T-3,cellar,Test,8.80,Ottokar,m2,
"""
PEOPLE = "person,team,from\nZoraida,harbour,2026-01-01\nWilhelmina,harbour,2026-01-01\nOttokar,ferry,2026-01-01\n"
DEFECTS = (
    "defect_id,found_at,task_id,user_id,defect_type,phase_injected,phase_removed,description\n"
    "D-1,2026-03-12,T-1,Ottokar,20_Syntax,Code,Test,wrong\n"
)
NAMES = ("Zoraida", "Wilhelmina", "Ottokar", "a-77")


@pytest.fixture(params=["file", "server"])
def store(request, run, tmp_path):
    url = request.getfixturevalue("postgres_url" if request.param == "server" else "empty_store")
    run("init", "--db", url)
    for kind, text in {"people": PEOPLE, "executions": RUNS, "defect_log": DEFECTS}.items():
        (tmp_path / f"{kind}.csv").write_text(text)
        assert run("load", tmp_path / f"{kind}.csv", "--as", kind, "--db", url).exit_code == 0
    return url


def has_name(text):
    return [name for name in NAMES if name in text]


def test_one_person_has_one_pseudonym_in_every_answer(run, store, tmp_path):
    query = "SELECT person, team, sum(cost_usd) AS usd FROM staffed GROUP BY ALL ORDER BY usd"
    found = run("sql", query, "--pseudonyms", "--json", "--db", store)
    assert [(row["team"], round(row["usd"], 6)) for row in found.json] == [
        ("harbour", 1.1), ("harbour", 2.2), ("ferry", 13.2)
    ]  # fmt: skip
    grouped = run("costs", "--by", "person", "--pseudonyms", "--json", "--db", store)
    assert {row["person"] for row in found.json} == {row["person"] for row in grouped.json}
    labels = run("sql", "SELECT labels, user_id FROM executions", "--pseudonyms", "--db", store)
    defects = run("sql", "SELECT user_id FROM defects", "--pseudonyms", "--json", "--db", store)
    assert defects.json[0]["user_id"] in {row["person"] for row in grouped.json}
    assert not has_name(found.out + grouped.out + labels.out)


@pytest.mark.parametrize("words", [("--views",), ("--as", "platform"), ("--format", "parquet")])
def test_exports_have_pseudonyms_and_not_their_key(run, store, tmp_path, words):
    ran = run("export", "--out", tmp_path / "out", "--pseudonyms", *words, "--db", store)
    assert ran.exit_code == 0, ran.err
    files = list((tmp_path / "out").iterdir())
    assert files and not [path for path in files if has_name(path.read_bytes().decode("latin-1"))]
    assert not [path for path in files if "key" in path.name]
    if words == ("--views",):
        assert "person-" in (tmp_path / "out" / "agent_cost_vector.csv").read_text()
        assert "person-" in (tmp_path / "out" / "staffing.csv").read_text()


@pytest.mark.parametrize("words", [("--pseudonyms",), ("--team-view", "--least", "3")])
def test_a_dashboard_names_no_person(run, store, tmp_path, words):
    assert run("dashboard", tmp_path / "page.html", *words, "--db", store).exit_code == 0
    page = (tmp_path / "page.html").read_text()
    assert not has_name(page) and ("person-" in page) == (words == ("--pseudonyms",))
    assert ("cellar" in page) == (words == ("--pseudonyms",)), "a project of one person has no name in a view of teams"
    assert "garden" in page


def test_a_view_of_teams_keeps_teams_and_names_no_small_group(store):
    with connect(store, persons=PersonView(kind="teams", least=2)) as session:
        rows = session.sql("SELECT person, team, machine, cost_usd FROM staffed ORDER BY cost_usd")
        session.narrow(role="Code")  # a notebook narrows by itself
        assert session.sql("SELECT count(person) AS persons, count(*) AS n FROM staffed").to_dict("records") == [
            {"persons": 0, "n": 3}
        ]
    small = "(groups below 2 people)"
    assert rows["team"].tolist() == ["harbour", "harbour", small, small]
    assert rows["machine"].tolist() == ["m1", "m1", "m1", small]
    assert rows["person"].isna().all() and rows["cost_usd"].sum() == pytest.approx(16.5)


def test_a_notebook_is_told_by_its_environment(store, monkeypatch):
    monkeypatch.setenv("ASP_PERSONS", "teams:2")
    with connect(store) as session:
        assert session.sql("SELECT count(user_id) AS named FROM executions")["named"].tolist() == [0]
    monkeypatch.setenv("ASP_PERSONS", "nobody")
    with pytest.raises(InputError, match="Write pseudonyms, teams, or teams:5"):
        connect(store)


def test_a_view_of_teams_takes_no_part_of_the_store(run, sample_store):
    for words in (("dashboard", "--project", "ferry-booking"), ("report", "01", "--param", "PROJECT=ferry-booking")):
        ran = run(*words, "--team-view", "--db", sample_store)
        assert ran.exit_code == 2 and "parts that are compared show persons" in ran.err
