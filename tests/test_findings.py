"""Findings follow the frames at hand: small frames in, sentences out, and one sentence where the data lacks a part."""

import re
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from asp_analysis.findings import (
    autonomy,
    defect_paths,
    drift,
    next_task,
    overview,
    own_agents,
    questions,
    replays,
    spend_budgets,
    storage,
)
from asp_analysis.probe.question import Question
from asp_analysis.session import connect

ANSWERS = (overview, next_task, autonomy, questions, replays, defect_paths, drift, own_agents, spend_budgets, storage)
HOLE = re.compile(r"\b(nan|NaN|None|NaT|inf)\b")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def history(costs, sizes=None, models=None, **columns):
    """Return a `task_history` of one finished task per cost."""
    n = len(costs)
    frame = pd.DataFrame(
        {
            "task_id": [f"T-{i}" for i in range(n)],
            "known_at": pd.date_range("2026-01-01", periods=n),
            "llm_model": models or ["opus"] * n,
            "agent_role": "Code",
            "size": sizes if sizes is not None else np.nan,
            "actual_size": np.nan,
            "is_finished": True,
            "is_failed": False,
            "is_censored": False,
            "cost_usd": costs,
            "whole_cost_usd": costs,
            "latency_ms": np.nan,
            "planned_cost_usd": np.nan,
        }
    )
    return frame.assign(**columns)


def roles(**costs):
    known = pd.Series(costs, dtype=float)
    return pd.DataFrame(
        {"agent_role": known.index, "kind": "construction", "phase_order": range(len(known)), "tasks": 1,
         "executions": 1, "executions_without_cost": 0, "cost_usd": known.to_numpy(),
         "cost_share": (known / known.sum()).to_numpy()}
    )  # fmt: skip


@pytest.mark.parametrize("subject", ANSWERS, ids=lambda module: module.__name__.rsplit(".", 1)[1])
def test_an_empty_store_is_answered_with_what_would_fill_it(subject, empty_store):
    with connect(empty_store) as db:
        found = subject.answer(db)
    assert found.text and not HOLE.search(found.text)
    assert "asp-analysis load" in found.text or subject is storage


@pytest.mark.parametrize("subject", ANSWERS, ids=lambda module: module.__name__.rsplit(".", 1)[1])
def test_an_answer_has_a_sentence_and_a_chart(subject, sample_store):
    with connect(sample_store) as db:
        found = subject.answer(db)
    assert found.draw is not None and not HOLE.search(found.text)
    found.draw()


def test_the_roles_that_cost_most_are_named_with_their_shares():
    found = overview.tell_roles(roles(Build=6.0, Check=3.0, Plan=1.0))
    assert "Build (**60 %**), Check (**30 %**) and Plan (**10 %**)" in found.text


def test_one_role_is_no_ranking():
    assert overview.tell_roles(roles(Build=6.0)).text == "All known cost is that of one role, **Build**."


def test_without_a_cost_the_roles_say_so():
    assert overview.tell_roles(roles(Build=np.nan)).text.startswith(overview.NO_COST)


def test_unknown_costs_are_counted_and_not_free():
    totals = pd.DataFrame(
        {"executions": [4], "tasks": [2], "first_at": pd.to_datetime(["2026-01-01"]),
         "last_at": pd.to_datetime(["2026-01-03"]), "executions_without_cost": [1], "cost_usd": [2.5]}
    )  # fmt: skip
    text = overview.tell_totals(totals).text
    assert (
        "**4 executions**" in text and "**USD 2.50**" in text and "For **1 execution** nobody recorded a cost" in text
    )


def test_the_estimate_is_one_number_with_its_intervals():
    frame = history(list(np.geomspace(1, 4, 30)), sizes=list(np.linspace(5, 50, 30)))
    asked = next_task.ask(frame, Question(size=20))
    text = next_task.tell_estimate(frame, asked).text
    assert text.count("Use ") == 1 and "task of 20 complexity units" in text and "with 70 % probability" in text


def test_without_a_size_the_median_of_the_past_is_asked_for():
    asked = next_task.ask(history([1.0, 2.0, 3.0], sizes=[10, 20, 60]), Question())
    assert asked.question.size == 20


def test_a_refusal_of_the_estimator_is_the_answer():
    frame = history([1.0, 2.0], sizes=[10, 20])
    asked = next_task.ask(frame, Question())
    assert "2 of at least 3" in next_task.tell_estimate(frame, asked).text


def test_models_that_did_the_same_work_are_not_summed_and_the_rest_is_about_one_of_them():
    rows = [history(list(np.geomspace(1, 4, 30)), models=[name] * 30) for name in ("a", "b", "c")]
    asked = next_task.ask(pd.concat(rows, ignore_index=True), Question())
    assert "3 models did the same work as alternatives" in asked.refusal
    assert asked.question.model in {"a", "b", "c"} and "Set MODEL" in asked.remark
    assert len(asked.finished) == 30


def test_no_line_without_sizes():
    found = next_task.tell_line(next_task.ask(history([1.0, 2.0, 3.0]), Question()))
    assert found.draw is None and "estimated_size" in found.text


def test_forecasts_that_held_are_counted():
    frame = pd.DataFrame(
        {"model": "auto", "task_id": ["a", "b", "c"], "n_past": [3, 4, 5], "size": 1.0, "actual": [1.0, 5.0, 2.0],
         "estimate": 2.0, "lower_70": 1.0, "upper_70": 3.0, "method": "history"}
    )  # fmt: skip
    assert replays.tell_held(frame).text.startswith("**2 of 3** outcomes fell inside")


def test_a_model_without_a_price_is_unknown_and_not_free():
    models = pd.DataFrame(
        {"llm_model": ["dear", None], "executions": [2, 3], "executions_without_cost": [0, 3],
         "tokens_without_cost": [0, 9], "cost_usd": [1.0, np.nan]}
    )  # fmt: skip
    assert "**3 executions** of (not named) have no cost" in own_agents.tell_models(models).text


@dataclass
class Latency:
    count: int
    said: str


@pytest.mark.parametrize("case", [Latency(0, "No execution has a latency."), Latency(4, "**3 min 20 s**")])
def test_a_latency_is_a_duration_or_a_sentence(case):
    frame = pd.DataFrame(
        {"llm_model": ["opus"], "executions": [4], "with_latency": [case.count],
         "median_latency_ms": [200_000.0], "p90_latency_ms": [300_000.0]}
    )  # fmt: skip
    assert case.said in own_agents.tell_latency(frame).text
