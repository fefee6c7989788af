"""Costs by any name: every execution is in one row, teams follow the days, and the rows sum up to the total."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis.cost_groups import NAMES, group_costs, hide_small_groups, read_names
from asp_analysis.errors import InputError
from asp_analysis.session import connect, readers

RUNS = """executed_at,task_id,agent_role,cost_usd,tool_calls,user_id,machine,repository,labels
2026-03-10,T-1,Code,1.10,,ada,m1,a/b,
2026-03-14T23:59:59,T-1,Code,2.20,,ada,m1,a/b,
2026-03-15,T-1,Code,4.40,,ada,m2,a/b,
2026-03-20,T-2,Test,8.80,,bob,m2,,"{""team"":""guests""}"
2026-03-21,T-2,Test,,1,,m3,,"{""env"":""ci""}"
2026-04-01,T-3,Code,0.30,,cy,,,
"""
PEOPLE = """person,team,cost_centre,from,until
ada,harbour,4711,2026-01-01,2026-03-14
ada,ferry,4712,2026-03-15,
cy,ferry,,2026-01-01,2026-03-31
"""


@pytest.fixture(params=["file", "snapshot", "server"])
def store(request, run, tmp_path, monkeypatch):
    if request.param == "snapshot":
        monkeypatch.setattr(readers, "COPIED_ROWS", 1)
    url = request.getfixturevalue("postgres_url" if request.param == "server" else "empty_store")
    (tmp_path / "runs.csv").write_text(RUNS)
    (tmp_path / "people.csv").write_text(PEOPLE)
    assert run("init", "--db", url).exit_code == 0
    for name in ("runs.csv", "people.csv"):
        ran = run("load", tmp_path / name, "--db", url)
        assert ran.exit_code == 0, ran.err
    return url


def costs(run, store, *words):
    ran = run("costs", *words, "--json", "--db", store)
    assert ran.exit_code == 0, ran.err
    return ran.json


def test_a_move_in_the_middle_of_a_month_splits_by_the_day(run, store):
    rows = costs(run, store, "--by", "team,month")
    assert [(row["team"], row["month"], row["cost_usd"], row["executions"]) for row in rows] == [
        ("ferry", "2026-03", 4.4, 1),
        ("guests", "2026-03", 8.8, 1),
        ("harbour", "2026-03", 3.3, 2),
        (None, "2026-03", None, 1),
        (None, "2026-04", 0.3, 1),
    ]


def test_every_name_sums_up_to_the_total(run, store):
    for name in (*NAMES[:-1], "label env", 'label it\'s "x"', "team,machine,day"):
        rows = costs(run, store, "--by", name)
        assert math.isclose(math.fsum(row["cost_usd"] or 0 for row in rows), 16.8, abs_tol=1e-9), name
        assert sum(row["executions"] for row in rows) == 6 and sum(row["executions_without_cost"] for row in rows) == 1


def test_the_view_has_the_same_teams(run, store):
    with connect(store) as session:
        query = "SELECT team, month, count(*) AS executions, sum(cost_usd) AS cost_usd FROM staffed GROUP BY ALL"
        found = session.sql(f"{query} ORDER BY team, month")
        grouped = group_costs(session, ["team", "month"])
    assert found["executions"].tolist() == grouped["executions"].tolist()
    assert found["cost_usd"].fillna(0).round(9).tolist() == grouped["cost_usd"].fillna(0).round(9).tolist()


def test_a_period_and_the_total_in_words(run, store):
    rows = costs(run, store, "--by", "person", "--since", "2026-03-15", "--until", "2026-03-20")
    assert [(row["person"], row["cost_usd"]) for row in rows] == [("ada", 4.4), ("bob", 8.8)]
    shown = run("costs", "--by", "machine", "--db", store).out
    assert "(not assigned)" in shown and "Total: 16.80 USD of 6 executions, 1 of them without a cost." in shown


def test_an_empty_store_has_an_answer(run, tmp_path):
    run("init", "--db", tmp_path / "new.db")
    assert "There are no executions to add up." in run("costs", "--by", "team,week", "--db", tmp_path / "new.db").out


def test_a_later_row_of_a_person_holds(run, store, tmp_path):
    (tmp_path / "more.csv").write_text("person,team,from\nbob,sea,2026-03-01\nbob,land,2026-03-20\n")
    run("load", tmp_path / "more.csv", "--db", store)
    assert {row["team"] for row in costs(run, store, "--by", "team") if row["cost_usd"] == 8.8} == {"land"}


def test_a_day_that_is_none_and_a_name_that_is_none(run, empty_store, tmp_path):
    (tmp_path / "people.csv").write_text("person,team,from\nada,sea,yesterday\n")
    ran = run("load", tmp_path / "people.csv", "--db", empty_store)
    assert "'yesterday' is not a day; write it as 2026-01-31" in ran.err
    assert "cannot be grouped by 'teem'" in run("costs", "--by", "teem", "--db", empty_store).refusal


def test_persons_have_other_names_on_request(run, store):
    once, again = (costs(run, store, "--by", "person", "--pseudonyms") for _ in range(2))
    names = [row["person"] for row in once]
    assert once == again and names[-1] is None and len(set(names)) == 4
    assert all(name.startswith("person-") for name in names[:-1])


def test_a_view_of_teams_names_no_person(run, store):
    ran = run("costs", "--by", "person", "--team-view", "--db", store)
    assert ran.exit_code == 1 and "shows no single person" in ran.err
    rows = costs(run, store, "--by", "team", "--team-view", "--least", "2")
    assert [row["team"] for row in rows] == ["(groups below 2 people)"]
    assert math.isclose(rows[0]["cost_usd"], 16.8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(0, 12), min_size=1, max_size=6), least=st.integers(2, 6))
def test_no_row_of_a_view_of_teams_is_of_few_people_and_none_is_the_rest(counts, least):
    """Neither a row nor the total less the others is a group below the least number."""
    import pandas as pd

    frame = pd.DataFrame({
        "team": [f"t{place}" for place in range(len(counts))], "executions": counts, "executions_without_cost": 0,
        "people": counts, "cost_usd": [float(count) for count in counts], "tokens_in": 1, "tokens_out": 1,
    })  # fmt: skip
    shown = hide_small_groups(frame, ("team",), least)
    assert shown["cost_usd"].sum() == frame["cost_usd"].sum()
    apart = frame[frame["team"].isin(shown["team"])]
    assert (apart["people"] >= least).all()
    hidden = frame[~frame["team"].isin(shown["team"])]
    assert hidden.empty or hidden["people"].max() >= least or apart.empty


def test_names_are_read():
    assert read_names("team, label env") == ("team", "label env")
    with pytest.raises(InputError, match="twice"):
        read_names("team,team")
