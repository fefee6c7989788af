"""Persons are listed by their names and never by what they cost, wherever names are listed."""

import pytest

from asp_analysis.comparisons.spend_change import explain_spend
from asp_analysis.comparisons.spend_reading import SpendQuestion
from asp_analysis.cost_groups import group_costs
from asp_analysis.dashboard.usage import MOST_NAMES_APART, Usage
from asp_analysis.findings import overview
from asp_analysis.findings.spend_causes import tell_movers
from asp_analysis.session import connect

PERSONS = [f"person {letter}" for letter in "abcdefghijklmno"]
"""The later in the alphabet, the more they cost."""


@pytest.fixture
def store(run, empty_store, tmp_path):
    rows = [
        f"2026-03-{day:02},T-{place},Code,{person},{cost * (place + 1)}"
        for day, cost in ((3, 1), (10, 3))
        for place, person in enumerate(PERSONS)
    ]
    (tmp_path / "runs.csv").write_text("executed_at,task_id,agent_role,user_id,cost_usd\n" + "\n".join(rows) + "\n")
    assert run("load", tmp_path / "runs.csv", "--as", "executions", "--db", empty_store).exit_code == 0
    return empty_store


def test_costs_and_notebook_01_list_persons_by_name(store):
    with connect(store) as session:
        assert group_costs(session, ["person"])["person"].tolist() == PERSONS
        names = overview.tell_names(session.sql(overview.NAMES_SQL)).table
    assert names is not None and names[names["grouped_by"] == "person"]["name"].tolist() == PERSONS


def test_the_dashboard_takes_persons_by_name_and_not_the_most_expensive(store):
    with connect(store) as session:
        first, last = session.sql("SELECT min(executed_at), max(executed_at) FROM executions").iloc[0]
        usage = Usage.read(session, first, last)
    assert usage is not None
    apart = MOST_NAMES_APART - 1
    assert usage.names["person"] == [*PERSONS[:apart], f"{len(PERSONS) - apart} others"]


def test_why_names_whose_costs_changed_without_an_order_or_a_first(store):
    with connect(store) as session:
        change = explain_spend(session, SpendQuestion(before="2026-W10", after="2026-W11"))
    named = change.movers[change.movers["by"] == "person"]["name"].tolist()
    assert len(named) == 5 and named == sorted(named)
    text = tell_movers(change).text
    assert "person **" not in text and "The work of person k, person l, person m, person n and person o" in text
