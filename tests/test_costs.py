"""Costs by any name: every execution is in one row, teams follow the days, and the rows sum up to the total."""

import math

import pytest

from asp_analysis.cost_groups import NAMES, group_costs, read_names
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


def test_a_total_below_a_cent_has_its_digits(run, empty_store, tmp_path):
    rows = "\n".join(f"2026-03-0{day},T-1,Code,m,0.00000011" for day in range(1, 4))
    (tmp_path / "runs.csv").write_text(f"executed_at,task_id,agent_role,llm_model,cost_usd\n{rows}\n")
    run("load", tmp_path / "runs.csv", "--db", empty_store)
    shown = run("costs", "--by", "task", "--db", empty_store).out
    assert "Total: 0.000000330 USD of 3 executions" in shown and "3.3e-07" in shown


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
    for name in ("label account", "day", "team,week"):
        assert run("costs", "--by", name, "--team-view", "--db", store).exit_code == 1
    for words in (("--since", "2026-03-02"), ("--until", "2026-03-30"), ("--since", "2026-03-01T01:00")):
        ran = run("costs", "--by", "team", "--team-view", *words, "--db", store)
        assert "takes whole months" in ran.refusal
    rows = costs(run, store, "--by", "team", "--team-view", "--least", "2", "--until", "2026-04-30")
    assert [row["team"] for row in rows] == ["(groups below 2 people)", "(months below 2 people)"]
    assert rows[0]["cost_usd"] == pytest.approx(16.5) and rows[1]["cost_usd"] is None


def test_days_weeks_and_months_are_those_of_a_time_zone(run, store):
    """2026-03-14T23:59:59 in UTC is the 15th in Berlin, and so is the midnight after it; teams follow these days."""
    words = ("--by", "day,team", "--since", "2026-03-15", "--until", "2026-03-15", "--time-zone", "Europe/Berlin")
    rows = costs(run, store, *words)
    assert [(row["day"], row["team"], round(row["cost_usd"], 9)) for row in rows] == [("2026-03-15", "ferry", 6.6)]
    rows = costs(run, store, "--by", "month", "--time-zone", "America/New_York")
    assert [(row["month"], row["executions"]) for row in rows] == [("2026-03", 6)]
    assert "not an IANA time zone" in run("costs", "--time-zone", "Mars", "--db", store).refusal


def test_the_days_of_a_change_of_the_clock_add_up(run, empty_store, tmp_path):
    """In Berlin, 2026-03-29 has 23 hours and 2026-10-25 has 25; no execution is in two days or in none."""
    hours = [
        f"{day}T{hour:02}:30" for day in ("2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25") for hour in range(24)
    ]
    (tmp_path / "hours.csv").write_text(
        "executed_at,task_id,agent_role,cost_usd\n" + "".join(f"{hour},T-1,Code,1\n" for hour in hours)
    )
    run("load", tmp_path / "hours.csv", "--as", "executions", "--db", empty_store)
    rows = costs(run, empty_store, "--by", "day", "--time-zone", "Europe/Berlin")
    found = {row["day"]: row["executions"] for row in rows}
    assert found["2026-03-29"] == 23 and found["2026-10-25"] == 25 and sum(found.values()) == 96
    alone = [
        costs(run, empty_store, "--by", "day", "--time-zone", "Europe/Berlin", "--since", day, "--until", day)
        for day in found
    ]
    assert [row["executions"] for rows in alone for row in rows] == list(found.values())


def test_where_nobody_is_named_the_number_of_people_is_unknown(run, store):
    people = {row["machine"]: row["people"] for row in costs(run, store, "--by", "machine")}
    assert people == {"m1": 1, "m2": 2, "m3": None, None: 1}


def test_names_are_read():
    assert read_names("team, label env") == ("team", "label env")
    with pytest.raises(InputError, match="twice"):
        read_names("team,team")
