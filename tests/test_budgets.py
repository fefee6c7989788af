"""Budgets are kept with the store, answered from what `costs` says, and forecast only where the past supports it."""

import re
from datetime import date, timedelta

import pytest

from asp_analysis.budgeting import answer_budgets, list_answers, read_budgets
from asp_analysis.dashboard import build_page
from asp_analysis.session import connect

PEOPLE = "person,from,until,team\nann,2026-01-01,,core\nbob,2026-01-01,,edge\n"


@pytest.fixture(params=["file", "server"])
def store(request):
    return request.getfixturevalue("empty_store" if request.param == "file" else "postgres_url")


def spend_on_days(days, usd=2.0):
    """Two people, each with a run per day of the same cost, from 2026-01-01 on; weekends are free."""
    head = "executed_at,task_id,agent_role,llm_model,user_id,labels,tokens_in,tokens_out,cost_usd\n"
    lines = []
    for number in range(days):
        day = date(2026, 1, 1) + timedelta(days=number)
        for who, label in (("ann", "prod"), ("bob", "test")):
            if day.weekday() < 5:
                lines.append(
                    f'{day}T23:30:00Z,T-{who}-{number},Code,opus,{who},"{{""env"": ""{label}""}}",900,100,{usd}'
                )
    return head + "\n".join(lines) + "\n"


def load_days(run, store, tmp_path):
    (tmp_path / "runs.csv").write_text(spend_on_days(45))
    (tmp_path / "people.csv").write_text(PEOPLE)
    run("init", "--db", store)
    assert run("load", tmp_path / "runs.csv", "--as", "executions", "--db", store).exit_code == 0
    assert run("load", tmp_path / "people.csv", "--as", "people", "--db", store).exit_code == 0
    return store


@pytest.fixture
def loaded(run, empty_store, tmp_path):
    return load_days(run, empty_store, tmp_path)


@pytest.fixture
def loaded_both(run, store, tmp_path):
    """A file, and a server."""
    return load_days(run, store, tmp_path)


PARTS = {
    (): (None, None, 4.0),
    ("--team", "core"): ("team", "core", 2.0),
    ("--person", "bob"): ("person", "bob", 2.0),
    ("--model", "opus"): ("model", "opus", 4.0),
    ("--label", "env=prod"): ("label env", "prod", 2.0),
}


def test_a_budget_of_every_kind_of_part_is_kept_and_answered_from_what_costs_says(run, loaded_both):
    for part in PARTS:
        assert run("budget", "set", *part, "--weekly", 50, "--db", loaded_both).exit_code == 0
    answers = {(row["dimension"], row["member"]): row for row in run("budget", "--json", "--db", loaded_both).json}
    assert len(answers) == len(PARTS)
    for dimension, member, per_day in PARTS.values():
        row = answers[dimension, member]
        assert (row["as_of"], row["from_day"], row["until_day"]) == ("2026-02-13", "2026-02-09", "2026-02-15")
        assert row["spent"] == 5 * per_day
        assert row["lower_90"] <= row["lower_70"] <= row["estimate"] <= row["upper_70"] <= row["upper_90"]
        assert row["lower_90"] >= row["spent"] and row["refusal"] == ""


def test_a_budget_is_changed_listed_and_removed(run, loaded_both):
    assert "Set all/month/USD to 50 USD." in run("budget", "set", "--monthly", 50, "--db", loaded_both).err
    assert "Changed all/month/USD to 60 USD." in run("budget", "set", "--monthly", 60, "--db", loaded_both).err
    run("budget", "set", "--quarterly", "2e6", "--tokens", "--db", loaded_both)
    rows = run("budget", "list", "--json", "--db", loaded_both).json
    assert [(row["budget_id"], row["amount"]) for row in rows] == [("all/month/USD", 60), ("all/quarter/tokens", 2e6)]
    assert "all/quarter/tokens" in run("budget", "remove", "no such", "--db", loaded_both).refusal
    assert run("budget", "remove", "all/month/USD", "--db", loaded_both).exit_code == 0
    assert len(run("budget", "list", "--json", "--db", loaded_both).json) == 1


def test_tokens_are_in_and_out(run, loaded):
    run("budget", "set", "--weekly", 30_000, "--tokens", "--db", loaded)
    assert run("budget", "--json", "--db", loaded).json[0]["spent"] == 5 * 2 * 1_000


def test_the_day_that_is_asked_for_and_its_time_zone_count(run, loaded):
    run("budget", "set", "--daily", 3, "--db", loaded)
    row = run("budget", "--as-of", "2026-02-06", "--json", "--db", loaded).json[0]
    assert (row["as_of"], row["spent"]) == ("2026-02-06", 4.0)
    row = run("budget", "--as-of", "2026-02-07", "--time-zone", "Europe/Berlin", "--json", "--db", loaded).json[0]
    assert (row["as_of"], row["spent"]) == ("2026-02-07", 4.0)  # 23:30 UTC of Friday is Saturday there
    assert run("budget", "--as-of", "2026-02-07", "--json", "--db", loaded).json[0]["spent"] == 0
    assert "--as-of" in run("budget", "--as-of", "soon", "--db", loaded).refusal
    assert "Europe/Berlin" in run("budget", "--time-zone", "Berlin", "--db", loaded).refusal


def test_check_exits_with_3_at_the_probability_that_is_set(run, loaded):
    run("budget", "set", "--monthly", 1_000, "--db", loaded)
    assert run("budget", "--check", "80", "--db", loaded).exit_code == 0
    run("budget", "set", "--monthly", 45, "--db", loaded)
    ran = run("budget", "--check", "0.8", "--db", loaded)
    assert ran.exit_code == 3 and "all/month/USD" in ran.err
    chance = run("budget", "--json", "--db", loaded).json[0]["chance_over"]
    assert 0.8 <= chance < 1


def test_a_budget_that_is_crossed_says_when(run, loaded):
    run("budget", "set", "--monthly", 11, "--db", loaded)
    row = run("budget", "--json", "--db", loaded).json[0]
    assert (row["chance_over"], row["crossing_day"]) == (1.0, "2026-02-04")  # the third working day of February
    assert "The budget was crossed on 2026-02-04." in run("budget", "--db", loaded).out
    assert run("budget", "--check", "100", "--db", loaded).exit_code == 3


def test_below_two_weeks_there_is_a_reason_and_no_number_but_what_was_spent(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text(spend_on_days(9))
    run("load", tmp_path / "runs.csv", "--as", "executions", "--db", empty_store)
    run("budget", "set", "--monthly", 20, "--db", empty_store)
    row = run("budget", "--json", "--db", empty_store).json[0]
    assert row["estimate"] is None and row["chance_over"] is None and row["spent"] == 28
    assert row["refusal"].startswith("9 days of history cannot show how spend goes on: at least 14 are needed.")
    assert run("budget", "--check", "50", "--db", empty_store).exit_code == 3  # it is crossed, whatever comes


def test_a_part_without_executions_and_a_store_without_any_say_so(run, loaded, tmp_path):
    run("budget", "set", "--project", "nowhere", "--monthly", 5, "--db", loaded)
    assert "no execution of project nowhere" in run("budget", "--db", loaded).out


def test_a_store_without_budgets_or_executions_is_one_line(run, empty_store):
    assert run("budget", "--db", empty_store).out.startswith("No budget is set.")
    run("budget", "set", "--monthly", 5, "--db", empty_store)
    assert run("budget", "--db", empty_store).out == "The store has no execution, so nothing was spent.\n"
    assert run("budget", "--json", "--db", empty_store).json == []


def test_an_unknown_cost_is_said_and_not_counted_as_zero(run, empty_store, tmp_path):
    text = spend_on_days(20).replace(",2.0\n", ",\n", 1)
    text = "".join(text.rpartition("2.0\n")[0]) + "\n"
    (tmp_path / "runs.csv").write_text(text)
    run("load", tmp_path / "runs.csv", "--as", "executions", "--db", empty_store)
    run("budget", "set", "--monthly", 500, "--db", empty_store)
    assert "2 executions without a known cost come on top" in run("budget", "--db", empty_store).out


@pytest.mark.parametrize(
    "words",
    [
        ("set",),
        ("set", "--monthly", "5", "--weekly", "2"),
        ("set", "--team", "a", "--person", "b", "--monthly", "5"),
        ("set", "--label", "env", "--monthly", "5"),
        ("set", "--monthly", "5", "--check", "80"),
        ("--monthly", "5"),
        ("list", "all/month/USD"),
        ("remove",),
        ("--check", "120"),
        ("--check", "often"),
    ],
)
def test_wrong_usage_ends_with_2(run, words, empty_store):
    assert run("budget", *words, "--db", empty_store).exit_code == 2


@pytest.mark.parametrize("amount", ["0", "-5", "nan", "inf"])
def test_an_amount_that_is_none_is_refused(run, amount, empty_store):
    assert "above 0" in run("budget", "set", "--monthly", amount, "--db", empty_store).refusal


def test_a_budget_of_a_person_has_a_pseudonym_and_none_of_a_small_team_is_shown(run, loaded, monkeypatch):
    run("budget", "set", "--person", "ann", "--monthly", 50, "--db", loaded)
    run("budget", "set", "--team", "core", "--monthly", 50, "--db", loaded)
    shown = run("budget", "--pseudonyms", "--db", loaded)
    assert not re.search(r"\bann\b", shown.out) and "team core" in shown.out and "spent" in shown.out
    monkeypatch.setenv("ASP_PERSONS", "teams:5")
    with connect(loaded) as session:
        assert read_budgets(session) == []


def test_the_sample_has_an_answer(run, sample_store):
    from asp_analysis.budgeting import Budget

    budget = Budget(budget_id="b", dimension=None, member=None, period="month", unit="USD", amount=60.0)
    with connect(sample_store) as session:
        (row,) = list_answers(answer_budgets(session, [budget])).to_dict("records")
    assert row["executions_without_cost"] == 3 and row["open_tasks"] == 4 and row["chance_over"] > 0.9


def test_the_dashboard_shows_budgets_or_that_none_is_set(run, loaded, tmp_path):
    run("dashboard", tmp_path / "page.html", "--db", loaded)
    assert "No budget is set." in (tmp_path / "page.html").read_text()
    run("budget", "set", "--team", "core", "--monthly", 45, "--db", loaded)
    run("dashboard", tmp_path / "page.html", "--db", loaded)
    page = (tmp_path / "page.html").read_text()
    assert "team core, USD 45.00 per month" in page and "As of the end of 2026-02-13 (UTC)." in page


def test_the_notebook_answers_with_and_without_a_budget(run, loaded):
    from asp_analysis.findings import spend_budgets

    with connect(loaded) as session:
        supposed = spend_budgets.answer(session)
        assert "against a supposed USD 88.00 per month" in supposed.text and supposed.draw is not None
        assert "supposed USD 30.00 per month" in spend_budgets.answer(session, monthly=30).text
    run("budget", "set", "--team", "core", "--monthly", 45, "--db", loaded)
    with connect(loaded) as session:
        assert spend_budgets.answer(session).text.startswith("**team core, USD 45.00 per month**")
        session.narrow(model="opus")
        assert "supposed" in spend_budgets.answer(session).text


def test_the_page_warns_of_budgets_that_are_or_will_be_crossed_and_links_them(run, empty_store, tmp_path):
    store = load_days(run, empty_store, tmp_path)
    for part, amount in ((["--person", "ann"], "1"), (["--person", "bob"], "30"), ([], "100000")):
        assert run("budget", "set", *part, "--monthly", amount, "--db", store).exit_code == 0
    with connect(store) as session:
        page = build_page(session)
    alerts = dict(re.findall(r'<a href="(#budget-\d)"><bdi>(Budget of [^<]*)</bdi>', page))
    texts = sorted(text.replace("\u00a0", " ") for text in alerts.values())
    assert len(texts) == 2 and texts[0] == "Budget of person ann: is crossed"
    assert re.fullmatch(r"Budget of person bob: will be crossed \(\d+ %\)", texts[1])
    for href in alerts:
        assert f'id="{href[1:]}"' in page
