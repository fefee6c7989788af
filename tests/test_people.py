"""What people did is counted and costs what users state; reviews of programs on a forge are evidence of learning."""

import json
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from asp_analysis.errors import InputError
from asp_analysis.importers.presets.pull_facts import Bots, review_facts
from asp_analysis.learning import Telemetry, learning_report
from asp_analysis.learning.rates import gather_review
from asp_analysis.quality import PeopleRates, Work, costs_with_people, people_costs
from asp_analysis.session import connect

ENDED = "2026-01-05T00:00:00.000000Z"


def put(url, tasks, defects=()):
    """Write tasks with their metadata and defects: (id, task, flagged, confirmed, refuted, phase_removed, metadata)."""
    with closing(sqlite3.connect(url.path)) as file:
        for name, about in tasks.items():
            file.execute(
                "INSERT INTO task_metadata (task_id, created_at, completed_at, status, actual_size, metadata_json) "
                "VALUES (?, '2026-01-01T00:00:00.000000Z', ?, 'completed', 9, ?)",
                (name, ENDED, json.dumps(about)),
            )
        for name, task, flagged, confirmed, refuted, phase, about in defects:
            file.execute(
                "INSERT INTO defect_log (defect_id, found_at, fixed_at, task_id, defect_type, phase_injected, "
                "phase_removed, description, is_flagged_by_agent, is_validated_by_human, is_false_positive, "
                "metadata_json) VALUES (?, ?, ?, ?, '6_Conventional_Code_Bug', 'Code', ?, 'd', ?, ?, ?, ?)",
                (name, ENDED, ENDED, task, phase, flagged, confirmed, refuted, json.dumps(about)),
            )
        file.execute(
            "INSERT INTO code_change (change_id, task_id, repository, flow, outcome, started_at) "
            "SELECT task_id, task_id, 'a/b', 'branch', 'open', created_at FROM task_metadata WHERE task_id LIKE 'a/b#%'"
        )
        file.commit()


def effort(url):
    with connect(url) as session:
        return session.view("human_effort"), Work.read(session.view)


def test_counts_without_stated_minutes_have_no_cost(empty_store):
    put(empty_store, {"a": {"interruptions": 2, "activity": {"turns": ["x:1", "y:2"]}}, "b": {"reviews_by_persons": 3}})
    found = people_costs(effort(empty_store)[0], PeopleRates()).set_index("effort")
    assert found["times"].to_dict() == {"prompt": 2, "review": 3, "interruption": 2}
    assert found[["minutes", "cost_usd"]].isna().all(axis=None)
    assert "--minutes review=NUMBER" in found.loc["review", "note"]


def test_people_cost_what_is_stated_and_only_that(empty_store, load_text):
    load_text("executed_at,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,30\n2026-01-02,T-1,CodeReview,10\n")
    put(empty_store, {"a": {"interruptions": 3}, "b": {"reviews_by_persons": 2}, "c": {"reviews_by_persons": 1}})
    seen, work = effort(empty_store)
    people = people_costs(seen, PeopleRates(minutes={"review": 20, "interruption": 10}, usd_per_hour=60))
    assert people.set_index("effort")["cost_usd"].to_dict() == pytest.approx(
        {"prompt": float("nan"), "review": 60, "interruption": 30}, nan_ok=True
    )
    assert people.loc[people["effort"] == "prompt", "note"].item().startswith("not recorded")
    found = costs_with_people(work, people).set_index("who")
    assert found["total_usd"].tolist() == [40, 90, 130]
    assert found.loc["agents", "coq_share"] == pytest.approx(0.25)
    assert found.loc["people", "coq_share"] == 1 and found.loc["both", "coq_share"] == pytest.approx(100 / 130)
    assert found.loc["both", "note"] == "without people's: prompt"


@pytest.mark.parametrize(
    "words", [["--minutes", "lunch=60"], ["--minutes", "review=-1"], ["--minutes", "review"], ["--usd-per-hour", "-5"]]
)
def test_minutes_that_say_nothing_are_refused_in_one_line(run, empty_store, words):
    assert run("quality", *words, "--db", empty_store).refusal


def test_the_verb_shows_people_where_something_is_stated(run, sample_store):
    assert "people:" not in run("quality", "--db", sample_store).out
    said = run("quality", "--minutes", "review=20", "--usd-per-hour", "90", "--db", sample_store, "--json").json
    assert [row["who"] for row in said["costs-with-people"]] == ["agents", "people", "both"]
    assert said["people"][1]["minutes_each"] == 20


# --- reviews of programs ----------------------------------------------------------------------------------------------


def judged(*, pushed_at=None, approved_at=None, by="bob", merged=True, commits=True):
    """Return whether a finding of a bot at ten o'clock was confirmed and refuted."""

    def at(hour):
        return f"2026-01-02T{hour:02}:00:00Z"

    def review(login, state, hour):
        return {"author": {"login": login}, "state": state, "submittedAt": at(hour)}

    reviews = [review("coderabbitai", "CHANGES_REQUESTED", 10)]
    reviews += [review(by, "APPROVED", approved_at)] if approved_at else []
    pushes = [{"committedDate": at(9)}, *([{"committedDate": at(pushed_at)}] if pushed_at else [])] if commits else []
    about = {
        "author": {"login": "ada"},
        "created_at": "2026-01-02T08:00:00.000000Z",
        "merged_at": "2026-01-02T20:00:00.000000Z" if merged else None,
    }
    (finding,) = review_facts(reviews, pushes, about, Bots(["coderabbitai"]))["changes_requested"]
    return finding["is_confirmed"], finding["is_refuted"]


def test_a_finding_is_judged_by_what_people_did_next():
    assert judged(pushed_at=11, approved_at=12) == (True, False)
    assert judged(approved_at=12) == (False, True)
    assert judged(pushed_at=13, approved_at=12) == (False, False)
    assert judged(pushed_at=11) == judged() == (False, False)
    assert judged(approved_at=12, by="coderabbitai") == (False, False)
    assert judged(approved_at=12, commits=False) == (False, False)
    assert judged(pushed_at=11, approved_at=12, merged=False) == (False, False)


@pytest.fixture
def reviewed(empty_store):
    """Three pull requests that a program reviewed, one that none did; one finding each way, and one that escaped."""
    assumed = {"assumed": ["defect_type", "phase_injected"]}
    tasks = {name: {"reviews_by_bots": 1, "pull_requests": [name]} for name in ("a/b#1", "a/b#2", "a/b#3")}
    put(
        empty_store,
        {**tasks, "a/b#4": {"reviews_by_bots": 0}},
        [
            ("confirmed", "a/b#1", 1, 1, 0, "CodeReview", assumed),
            ("refuted", "a/b#2", 1, 0, 1, "CodeReview", assumed),
            ("escaped", "a/b#3", 0, 0, 0, "Test", assumed),
            ("of no review", "a/b#4", 0, 0, 0, "Test", assumed),
        ],
    )
    return empty_store


def test_learning_takes_reviews_of_programs_as_confirmed_refuted_and_escaped(reviewed):
    with connect(reviewed) as session:
        known = Telemetry.read(session.view)
        found = gather_review("Code", known.as_of(pd.Timestamp("2026-06-01")), 20)
        report = learning_report(known, pd.Timestamp("2026-06-01"))
    assert found.cases.values[:, 0].tolist() == pytest.approx([1, 0, float("nan")], nan_ok=True)
    assert found.cases.values[:, 1].tolist() == pytest.approx([1, float("nan"), 0], nan_ok=True)
    assert found.secondary["real_defects"] == 2 and found.published.count[-1] == 3
    assert len(known.defects) == 0 and "ReviewAgent_Code" in set(report.status["capability"])
    assert gather_review("Design", known.as_of(pd.Timestamp("2026-06-01")), 20).secondary["findings"] == 0


def test_without_the_history_of_the_code_nobody_knows_what_escaped(reviewed):
    with closing(sqlite3.connect(reviewed.path)) as file:
        file.execute("DELETE FROM code_change")
        file.commit()
    with connect(reviewed) as session:
        found = gather_review("Code", Telemetry.read(session.view).as_of(pd.Timestamp("2026-06-01")), 20)
    assert found.secondary["real_defects"] == 0 and found.secondary["findings"] == 2
    assert pd.isna(found.cases.values[:, 1]).all()


def test_a_review_counts_when_what_escaped_it_can_be_known(reviewed):
    with connect(reviewed) as session:
        known = Telemetry.read(session.view)
    young = gather_review("Code", known.as_of(pd.Timestamp("2026-01-20")), 20)
    assert young.secondary["findings"] == 0 and len(young.cases.values) == 0


def test_no_rate_is_assumed():
    assert PeopleRates().usd_per_hour is None and not PeopleRates().minutes
    with pytest.raises(InputError, match="Choose one of prompt, review, interruption"):
        PeopleRates(minutes={"coffee": 1})
