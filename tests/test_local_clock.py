"""With a time zone, days and weeks of every view, page and report are those there; the store keeps UTC."""

import sqlite3
from contextlib import closing
from datetime import datetime

import pytest

from asp_analysis.cost_groups import group_costs
from asp_analysis.dashboard.page import build_page
from asp_analysis.errors import InputError
from asp_analysis.session import connect, view_names
from asp_analysis.session.persons import PersonView

ZONE = "Asia/Tokyo"
RUNS = """executed_at,task_id,agent_role,cost_usd,user_id
2026-03-14T14:59:59,T-1,Code,1,ada
2026-03-14T15:00:00,T-1,Code,2,ada
2026-03-31T15:00:00,T-2,Code,4,ada
"""
PEOPLE = "person,team,from\nada,harbour,2026-01-01\nada,ferry,2026-03-15\n"


@pytest.fixture(params=["file", "server"])
def store(request, run, tmp_path):
    url = request.getfixturevalue("postgres_url" if request.param == "server" else "empty_store")
    assert run("init", "--db", url).exit_code == 0
    for kind, text in {"executions": RUNS, "people": PEOPLE}.items():
        (tmp_path / f"{kind}.csv").write_text(text)
        assert run("load", tmp_path / f"{kind}.csv", "--as", kind, "--db", url).exit_code == 0
    return url


def test_views_have_the_days_of_the_place_and_the_store_keeps_utc(store):
    with connect(store, zone=ZONE) as session:
        days = session.sql("SELECT CAST(day AS VARCHAR) AS day, cost_usd FROM daily_costs ORDER BY day")
        staffed = session.sql("SELECT team, month, week, cost_usd FROM staffed ORDER BY cost_usd")
        first = session.sql("SELECT min(first_at) AS at FROM tasks")["at"][0]
    assert days.to_dict("list") == {"day": ["2026-03-14", "2026-03-15", "2026-04-01"], "cost_usd": [1, 2, 4]}
    assert staffed["team"].tolist() == ["harbour", "ferry", "ferry"]
    assert staffed["month"].tolist() == ["2026-03", "2026-03", "2026-04"]
    assert first == datetime(2026, 3, 14, 23, 59, 59)
    with connect(store) as session:
        assert session.sql("SELECT min(executed_at) AS at FROM executions")["at"][0].hour == 14


def test_a_period_is_of_days_of_the_place_and_a_part_keeps_the_clock(store):
    with connect(store, zone=ZONE, persons=PersonView(kind="pseudonyms")) as session:
        session.narrow(since="2026-03-15", until="2026-03-15")
        assert session.sql("SELECT cost_usd FROM executions")["cost_usd"].tolist() == [2]
        session.narrow()
        assert len(session.view("staffed")) == 3
        assert session.view("staffed")["person"].str.startswith("person-").all()


def test_costs_say_the_same_as_the_views_of_the_place(store):
    with connect(store) as session:
        asked = group_costs(session, ["team", "day"], zone=ZONE)
    with connect(store, zone=ZONE) as session:
        shown = group_costs(session, ["team", "day"])
    assert asked.equals(shown) and asked["team"].tolist() == ["ferry", "ferry", "harbour"]


def test_every_view_can_be_read_with_a_clock(sample_store):
    with connect(sample_store) as session, connect(sample_store, zone=ZONE) as local:
        for name in view_names():
            if name != "daily_costs":  # other days have other rows
                assert len(local.view(name)) == len(session.view(name)), name


def test_a_dashboard_has_the_days_of_the_place(run, store, tmp_path):
    page = tmp_path / "page.html"
    assert run("dashboard", page, "--time-zone", ZONE, "--db", store).exit_code == 0
    text = page.read_text()
    assert "2026-03-14 to 2026-04-01 (Asia/Tokyo)" in text and "UTC" not in text
    assert "not an IANA time zone" in run("dashboard", page, "--time-zone", "Mars", "--db", store).err
    with connect(store) as session:
        assert "2026-03-14 to 2026-03-31 (UTC)" in build_page(session, datetime(2026, 4, 2))


@pytest.mark.slow
def test_a_report_has_the_days_of_the_place(run, store, tmp_path):
    page = tmp_path / "page.html"
    assert run("report", "01", "--time-zone", ZONE, "--out", page, "--db", store).exit_code == 0
    text = page.read_text()
    assert "Days and times are those of Asia/Tokyo." in text and "2026-04-01" in text


def test_a_zone_that_is_none_is_refused(empty_store):
    with pytest.raises(InputError, match="not an IANA time zone"):
        connect(empty_store, zone="Mars")


def test_instants_at_the_ends_of_the_calendar_are_moved(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text("executed_at,task_id,agent_role,cost_usd\n2026-01-01,T-1,Code,1\n")
    assert run("load", tmp_path / "runs.csv", "--as", "executions", "--db", empty_store).exit_code == 0
    with closing(sqlite3.connect(empty_store.path)) as file:
        file.execute("UPDATE agent_cost_vector SET executed_at = '0001-01-01T00:00:00.000000Z'")
        file.commit()
    with connect(empty_store, zone="America/New_York") as session:
        assert session.sql("SELECT year(executed_at) AS y FROM executions")["y"].tolist() == [0]
