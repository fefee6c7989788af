"""What became of changes, and what one outcome cost: it adds up, intervals are the stated ones, nothing is guessed."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from asp_analysis.alternatives import find_alternatives
from asp_analysis.dashboard import build_page
from asp_analysis.findings import what_became
from asp_analysis.session import Scope, connect
from tests.changes_at_hand import Made, put

COSTS = (0.5, 1.0, 2.0, 4.0, 8.0, 3.0)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def store(empty_store):
    """Six merged changes with a cost (one lost 80 of 100 lines, one was reverted), one abandoned, one open."""
    merged = [Made(f"c{n}", sessions=((f"s{n}", cost, 1.0),)) for n, cost in enumerate(COSTS)]
    merged[1].lost_30, merged[2].reverted_share = 80, 1.0
    rest = [
        Made("young", lost_30=None),
        Made("unknown", sessions=(("dark", None, 1.0), ("s9", 5.0, 1.0))),
        Made("gone", "abandoned", lost_30=None, sessions=(("s7", 6.0, 1.0),)),
        Made("going", "open", lost_30=None, sessions=(("s8", 10.0, 0.25),)),
        Made("going too", "open", lost_30=None, sessions=(("s8", 10.0, 0.75),)),
    ]
    put(empty_store, [*merged, *rest], unlinked=[("alone", 100.0), ("alone and dark", None)])
    return empty_store


def view(url, name, scope=None):
    with connect(url) as session:
        if scope:
            session.narrow(scope)
        return session.view(name)


def by_outcome(url, scope=None):
    frame = view(url, "cost_per_outcome", scope)
    return frame[frame["repository"].isna()].set_index("outcome")


def test_every_outcome_has_its_count_and_failed_attempts_are_paid_by_those_that_succeeded(store):
    found = by_outcome(store)
    assert found.loc["merged", ["attempts", "outcomes", "priced_attempts", "priced_outcomes"]].tolist() == [9, 8, 7, 6]
    assert found.loc["merged", "usd_per_outcome"] == pytest.approx((sum(COSTS) + 6) / 6)
    assert found.loc["surviving", ["attempts", "outcomes", "priced_outcomes"]].tolist() == [8, 5, 4]
    assert found.loc["surviving", "usd_per_outcome"] == pytest.approx((sum(COSTS) + 6) / 4)
    assert found.loc["merged", "median_usd"] == pytest.approx(np.median(COSTS))


def test_the_spend_adds_up_and_what_is_not_linked_is_a_row_of_its_own(store):
    found = by_outcome(store)["cost_usd"]
    assert found["open"] == pytest.approx(10) and found["unlinked"] == pytest.approx(100)
    assert found[["merged", "open", "unlinked"]].sum() == pytest.approx(view(store, "executions")["cost_usd"].sum())
    assert by_outcome(store).loc[["merged", "unlinked"], "executions_without_cost"].tolist() == [1, 1]


def test_a_cost_with_a_hole_is_known_and_not_whole(store):
    changes = view(store, "changes").set_index("change_id")
    assert changes.loc["unknown", ["cost_usd", "executions_without_cost"]].tolist() == [5.0, 1]
    assert pd.isna(changes.loc["unknown", "whole_cost_usd"]) and changes.loc["c0", "whole_cost_usd"] == 0.5
    assert pd.isna(changes.loc["young", "executions_without_cost"])


def test_the_interval_is_the_stated_one(store):
    logs = np.log([*COSTS, 6.0])
    n, reached, variance = 7, 6, logs.var(ddof=1)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(variance / n + variance**2 / (2 * (n - 1)) + (1 - reached / n) / reached)
    row = by_outcome(store).loc["merged"]
    assert np.log(row["upper_usd"] / row["usd_per_outcome"]) == pytest.approx(half, rel=2e-3)
    assert np.log(row["usd_per_outcome"] / row["lower_usd"]) == pytest.approx(half, rel=2e-3)


def test_too_few_or_too_scattered_costs_have_no_interval(empty_store):
    few = [Made(f"c{n}", sessions=((f"s{n}", 1.0 + n, 1.0),)) for n in range(4)]
    put(empty_store, few)
    row = by_outcome(empty_store).loc["merged"]
    assert row["usd_per_outcome"] == pytest.approx(2.5) and pd.isna(row["lower_usd"])
    put(empty_store, [Made(f"d{n}", sessions=((f"t{n}", 10.0 ** (4 * n), 1.0),)) for n in range(3)])
    assert pd.isna(by_outcome(empty_store).loc["merged", "upper_usd"])


def test_a_session_that_two_repositories_name_is_paid_once(empty_store):
    put(empty_store, [Made(name, sessions=(("s", 8.0, 1.0),)) for name in ("a", "b")])
    assert view(empty_store, "changes")["cost_usd"].tolist() == [4.0, 4.0]
    assert "unlinked" not in by_outcome(empty_store).index


def test_earlier_nobody_knew_what_became_of_a_change_later(store):
    scope = Scope.read(as_of="2026-01-20")
    changes = view(store, "changes", scope).set_index("change_id")
    assert changes.loc["c2", "outcome"] == "merged" and changes["surviving_30"].isna().all()
    assert set(view(store, "changes", Scope.read(as_of="2026-01-03"))["outcome"]) == {"open"}
    assert view(store, "changes", Scope.read(project="garden")).empty
    spent = by_outcome(store, scope)["cost_usd"]
    assert spent[["merged", "open", "unlinked"]].sum() == pytest.approx(view(store, "executions")["cost_usd"].sum())


@pytest.mark.parametrize("models", [("a", "b", "c"), ("a", "a", "a")], ids=["rivals", "together"])
def test_the_view_refuses_a_sum_over_models_that_did_the_same_work_as_python_does(models, load_text, empty_store):
    days = ("2026-01-02", "2026-01-05", "2026-01-09")
    lines = [f"{day},T-{n},Code,{model},1\n" for n in range(6) for day, model in zip(days, models, strict=True)]
    load_text("executed_at,task_id,agent_role,llm_model,cost_usd\n" + "".join(lines))
    tasks = "".join(f"T-{n},2026-01-01,completed\n" for n in range(6))
    load_text("task_id,created_at,status\n" + tasks, "--as", "task_metadata", name="tasks.csv")
    is_refused = bool(find_alternatives(view(empty_store, "task_history")))
    assert is_refused == (len(set(models)) > 1)
    assert pd.isna(by_outcome(empty_store).loc["accepted", "usd_per_outcome"]) == is_refused


def test_the_sentences_say_what_the_view_says(store):
    with connect(store) as session:
        answer = what_became.answer(session).text
        spend = what_became.tell_spend(session.view("changes"), session.view("cost_per_outcome"))
    assert answer.startswith(
        "Of **9 changes** that ended, **89 %** were merged, and **12 %** of these were undone later."
    )
    assert "One merged change cost **USD 4.08** (with 95 % confidence USD" in answer
    assert "7 of 9 attempts with a known cost" in answer
    assert spend.table["cost_usd"].sum() == pytest.approx(139.5)
    assert "**72 %** is of sessions that no change is known of" in spend.text


def test_without_changes_each_part_is_one_sentence(empty_store):
    with connect(empty_store) as session:
        changes, costs, rework = map(session.view, ("changes", "cost_per_outcome", "rework"))
        page = build_page(session)
    for found in (
        what_became.tell_outcomes(changes), what_became.tell_cost(costs), what_became.tell_spend(changes, costs),
        what_became.tell_rework(rework), what_became.tell_agents(changes), what_became.tell_links(changes),
    ):  # fmt: skip
        assert found.draw is None and found.table is None and found.text.startswith("No ")
    assert page.count("No changes of code are recorded.") == 1 and "What became of the changes" not in page


def test_the_page_shows_what_the_view_says(store):
    with connect(store) as session:
        page = build_page(session)
    assert "What became of the changes" in page and "$4.08" in page and "Spent, and linked with no change" in page


def test_the_charts_draw_what_they_are_given(store):
    with connect(store) as session:
        changes, costs, rework = map(session.view, ("changes", "cost_per_outcome", "rework"))
    two = pd.concat([rework, rework.assign(month="2026-02")], ignore_index=True)
    shares = what_became.tell_outcomes(changes).draw()
    assert [bar.get_width() for bar in shares.patches] == pytest.approx([8 / 9, 1 / 8, 1 / 7, 5 / 7])
    drawn = what_became.tell_cost(costs).draw()
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["one merged change", "one surviving change"]
    assert len(what_became.tell_spend(changes, costs).draw().patches) == 5
    assert len(what_became.tell_rework(two).draw().get_xticks()) == 2
