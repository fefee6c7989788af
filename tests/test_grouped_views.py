"""Every view of costs by any names: what it says of a group is what it would say if the store had nothing else."""

import csv
import io
import sqlite3
from contextlib import closing

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import InputError
from asp_analysis.grouped_views import GROUPED_VIEWS, group_view
from asp_analysis.session import connect, describe_view
from asp_analysis.store.database import create_store
from tests.changes_at_hand import Made, put

RUNS = """execution_id,executed_at,task_id,agent_role,llm_model,cost_usd,tokens_in,tokens_out,user_id,machine,labels
E-1,2026-03-10,T-1,Code,a,1.10,10,1,ada,m1,
E-2,2026-03-14T23:59:59,T-1,Code,b,2.20,20,2,ada,m2,
E-3,2026-03-15,T-1,Test,a,4.40,30,3,ada,m2,
E-4,2026-03-20,T-2,Test,b,8.80,40,4,bob,m2,"{""team"":""guests""}"
E-5,2026-03-21,T-2,Test,b,,50,5,,m1,
E-6,2026-04-01,T-3,Code,a,0.30,60,6,cy,,
"""
PEOPLE = "person,team,from\nada,harbour,2026-01-01\nada,ferry,2026-03-15\n"
OF_EXECUTIONS = ("daily_costs", "models", "role_costs", "task_costs", "tasks", "work")


def load(run, url, folder, rows):
    assert run("init", "--db", url).exit_code == 0
    for kind, text in {"executions": rows, "people": PEOPLE}.items():
        (folder / f"{kind}.csv").write_text(text)
        assert run("load", folder / f"{kind}.csv", "--as", kind, "--db", url).exit_code == 0


@pytest.fixture(params=["file", "server"])
def store(request, run, tmp_path):
    url = request.getfixturevalue("postgres_url" if request.param == "server" else "empty_store")
    load(run, url, tmp_path, RUNS)
    return url


def write(frame):
    """Return the rows as texts that compare, whatever type a column of few values has."""
    known = frame.astype(object).where(frame.notna(), "")
    return [tuple(map(str, row)) for row in known.itertuples(index=False, name=None)]


def test_a_group_has_what_the_view_says_of_its_executions_alone(run, empty_store, tmp_path):
    load(run, empty_store, tmp_path, RUNS)
    with connect(empty_store) as session:
        grouped = {view: group_view(session, view, ["machine"]) for view in OF_EXECUTIONS}
    for machine in ("m1", "m2", ""):
        kept = [row for row in csv.DictReader(io.StringIO(RUNS)) if row["machine"] == machine]
        text = io.StringIO()
        writer = csv.DictWriter(text, kept[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        folder = tmp_path / f"alone-{machine}"
        folder.mkdir()
        alone = parse_url(f"alone-{machine}.db", folder)
        load(run, alone, folder, text.getvalue())
        with connect(alone) as session:
            for view, frame in grouped.items():
                mine = frame[frame["machine"].fillna("") == machine].drop(columns="machine")
                left = [name for name in mine.columns if name not in ("created_at", "known_at", "is_stub")]
                assert write(mine[left]) == write(session.view(view)[left]), (view, machine)


@pytest.mark.parametrize("names", [["team"], ["team", "week"], ["person", "label env"]])
def test_groups_add_up_to_the_view_with_a_row_for_what_is_not_assigned(store, names):
    with connect(store) as session:
        for view in OF_EXECUTIONS:
            frame = group_view(session, view, names)
            assert list(frame.columns) == [*names, *(column.name for column in describe_view(view)[1])]
            assert frame["cost_usd"].sum() == pytest.approx(16.8), view
            assert frame["executions"].sum() == 6 and frame[names[0]].isna().any(), view


def test_a_task_that_moved_with_its_person_is_in_both_teams(run, store):
    rows = run("costs", "--by", "team", "--view", "tasks", "--json", "--db", store).json
    found = [(row["team"], row["task_id"], row["cost_usd"], row["executions"]) for row in rows]
    assert found == [
        ("ferry", "T-1", 4.4, 1),
        ("guests", "T-2", 8.8, 1),
        ("harbour", "T-1", pytest.approx(3.3), 2),
        (None, "T-2", None, 1),
        (None, "T-3", 0.3, 1),
    ]


@pytest.fixture
def changed(empty_store):
    """C-1 is the work of two machines, C-2 of one, C-3 of nobody that is known; s4 worked on none."""
    changes = [
        Made("C-1", sessions=(("s1", 1.0, 0.5), ("s2", 2.0, 0.5))),
        Made("C-2", sessions=(("s3", 4.0, 1.0),)),
        Made("C-3"),
    ]
    put(empty_store, changes, unlinked=[("s4", 8.0)])
    with closing(sqlite3.connect(empty_store.path)) as file:
        for session, machine in {"s1": "m1", "s2": "m2", "s3": "m2", "s4": "m1"}.items():
            file.execute(
                "UPDATE agent_cost_vector SET machine = ? WHERE execution_id = ?", (machine, f"call-{session}")
            )
        file.commit()
    return empty_store


def test_a_change_is_in_every_group_that_worked_on_it_with_what_it_cost_there(changed):
    with connect(changed) as session:
        changes = group_view(session, "changes", ["machine"])
        whole = session.view("changes")
        outcomes = group_view(session, "cost_per_outcome", ["machine"])
        of_store = session.view("cost_per_outcome")
        by_project = group_view(session, "changes", ["project"])
    assert changes["machine"].fillna("").tolist() == ["m1", "m2", "m2", ""]
    assert changes["change_id"].tolist() == ["C-1", "C-1", "C-2", "C-3"]
    assert changes["cost_usd"].fillna(-1).tolist() == [0.5, 1, 4, -1]
    assert changes["cost_usd"].sum() == whole["cost_usd"].sum()
    assert dict(zip(by_project["change_id"], by_project["project"], strict=True))["C-3"] == "shop"
    merged = outcomes[(outcomes["outcome"] == "merged") & outcomes["repository"].isna()]
    assert dict(zip(merged["machine"].fillna(""), merged["attempts"], strict=True)) == {"m1": 1, "m2": 2, "": 1}
    for outcome, rows in of_store[of_store["repository"].isna()].groupby("outcome"):
        mine = outcomes[(outcomes["outcome"] == outcome) & outcomes["repository"].isna()]
        assert mine["cost_usd"].sum() == pytest.approx(rows["cost_usd"].sum()), outcome


def test_every_view_can_be_grouped_and_adds_up_on_the_sample(sample_store):
    with connect(sample_store) as session:
        for view in GROUPED_VIEWS:
            whole, frame = session.view(view), group_view(session, view, ["team", "machine"])
            assert frame["cost_usd"].sum() == pytest.approx(whole["cost_usd"].sum()), view


def test_an_empty_store_has_no_rows(run, empty_store):
    for view in GROUPED_VIEWS:
        ran = run("costs", "--by", "team", "--view", view, "--csv", "--db", empty_store)
        assert ran.exit_code == 0 and ran.out.startswith("team,"), view


def test_periods_and_days_of_a_view_are_those_of_a_time_zone(run, store):
    words = ("--by", "team", "--view", "daily_costs", "--since", "2026-03-15", "--until", "2026-03-15")
    rows = run("costs", *words, "--time-zone", "Europe/Berlin", "--json", "--db", store).json
    assert {(row["team"], row["day"]) for row in rows} == {("ferry", "2026-03-15")}
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(6.6)
    assert "(not assigned)" in run("costs", "--by", "team", "--view", "role_costs", "--db", store).out


def test_what_cannot_be_grouped_is_refused(run, tmp_path):
    url = parse_url("new.db", tmp_path)
    create_store(url)
    assert "cannot be grouped. These can: changes" in run("costs", "--view", "nothing", "--db", url).refusal
    ran = run("costs", "--by", "day", "--view", "daily_costs", "--db", url)
    assert "has a column day already" in ran.refusal
    assert run("costs", "--view", "tasks", "--team-view", "--db", url).exit_code == 2
    with connect(url) as session, pytest.raises(InputError, match="cannot be grouped by 'teem'"):
        group_view(session, "tasks", ["teem"])
