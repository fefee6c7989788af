"""What is known before a task explains its cost; what was counted after it is never used as if it had been known."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.history import split_series
from asp_analysis.probe.proxies import explain_costs
from asp_analysis.probe.question import Question, pose
from asp_analysis.session import connect


def past(n=60, seed=1):
    """Return tasks whose cost follows a size that was estimated before."""
    chance = np.random.default_rng(seed)
    size = np.exp(chance.normal(3, 1, n))
    return pd.DataFrame(
        {
            "task_id": [f"T-{i}" for i in range(n)],
            "known_at": pd.date_range("2026-01-02", periods=n, freq="D"),
            "started_at": pd.date_range("2026-01-01", periods=n, freq="D"),
            "llm_model": "opus",
            "agent_role": "Code",
            "size": size,
            "size_source": "estimated",
            "is_finished": True,
            "is_censored": False,
            "cost_usd": size * np.exp(chance.normal(0, 0.3, n)),
        }
    )


def known(frame, **columns):
    empty = dict.fromkeys(("estimated_size", "text_length", "files_named", "labels", "task_type", "components_json"))
    return frame[["task_id"]].assign(**(empty | columns))


def explained(frame, **columns):
    (series,) = split_series(pose(frame, Question()), "cost_usd")
    found = explain_costs(series, known(frame, **columns))
    return dict(zip(found["proxy"], found["explained_share"], strict=True))


def test_sizes_that_were_counted_after_the_work_poison_nothing():
    """The cost itself as a size after the work would make every forecast perfect; as one before, it does."""
    honest = past().assign(size=np.nan, size_source=None)
    poisoned = past().assign(size=lambda frame: frame["cost_usd"], size_source="actual")
    leaking = poisoned.assign(size_source="estimated")
    question = Question()
    scores = [backtest(frame, question) for frame in (honest, poisoned, leaking)]
    pd.testing.assert_frame_equal(scores[0], scores[1])
    errors = [np.abs(np.log(rows["estimate"] / rows["actual"])).median() for rows in scores]
    assert errors[2] < 0.5 * errors[1]
    one, other = (estimate(frame, Question(size=20)).estimates["cost_usd"] for frame in (honest, poisoned))
    assert (one.estimate, one.lower, one.upper) == (other.estimate, other.lower, other.upper)
    assert "60 of 60 past sizes were counted after the work and are not used" in " ".join(other.notes)


def test_a_size_where_none_was_known_before_does_not_stretch_the_interval():
    frame = past().assign(size=np.nan)
    asked, unasked = (estimate(frame, Question(size=size)).estimates["cost_usd"] for size in (300.0, None))
    assert asked.upper == pytest.approx(unasked.upper) and asked.lower == pytest.approx(unasked.lower)


def test_what_explains_the_cost_is_said_and_what_does_not_explains_nothing():
    frame, chance = past(), np.random.default_rng(2)
    found = explained(
        frame,
        estimated_size=frame["size"],
        text_length=chance.integers(10, 1000, 60),
        task_type=np.where(frame["size"] > 20, "large", "small"),
        labels=chance.choice(["a", "b"], 60),
    )
    assert next(iter(found)) == "the estimated size" and found["the estimated size"] > 0.8
    assert 0.3 < found["the type"] < found["the estimated size"]
    assert found["the length of the issue's text"] < 0.05 and found["the labels"] < 0.05


def test_the_share_is_that_of_leaving_each_task_out():
    frame = past(12)
    x, y = np.log1p(frame["size"].to_numpy()), np.log(frame["cost_usd"].to_numpy())
    left = [np.arange(12) != i for i in range(12)]
    line = [y[i] - np.polyval(np.polyfit(x[rest], y[rest], 1), x[i]) for i, rest in enumerate(left)]
    mean = [y[i] - y[rest].mean() for i, rest in enumerate(left)]
    expected = 1 - np.square(line).sum() / np.square(mean).sum()
    assert explained(frame, estimated_size=frame["size"])["the estimated size"] == pytest.approx(expected)


def test_components_are_judged_by_earlier_tasks_alone():
    frame = past()
    place = np.where(np.arange(60) % 2 == 0, 0.0, 3.0)
    frame["cost_usd"] = np.exp(place + np.random.default_rng(3).normal(0, 0.2, 60))
    names = [json.dumps(["api"]) if one == 0 else json.dumps(["web"]) for one in place]
    found = explained(frame, components_json=names)
    assert found["what the same components cost before"] > 0.8
    at_once = frame.assign(started_at=frame["started_at"].min())  # nothing was known when any of them started
    assert explained(at_once, components_json=names) == {}


def test_too_few_tasks_say_nothing():
    frame = past(9)
    assert explained(frame, estimated_size=frame["size"]) == {}


def test_the_view_knows_the_issue_and_not_what_came_with_the_work(empty_store):
    tasks = {
        "a/b#3": {"text_length": 900, "files_named": 2, "labels": ["ui"]},
        "a/b#4": {"text_length": 5},
        "a/b#12": {"pull_requests": ["a/b#12"], "text_length": 7777, "labels": ["late"], "closes": [3]},
        "a/b#13": {"pull_requests": ["a/b#13"], "pull_text_length": 1, "closes": [3, 4]},
        "a/b@c": {"git": {"files": 3}},
        "session": {"activity": {"files": ["x.py"]}},
    }
    with closing(sqlite3.connect(empty_store.path)) as file:
        for name, about in tasks.items():
            file.execute(
                "INSERT INTO task_metadata (task_id, created_at, project_id, status, actual_size, components_json, "
                "metadata_json) VALUES (?, '2026-01-01T00:00:00.000000Z', 'a/b', 'completed', 9, '[\"x.py\"]', ?)",
                (name, json.dumps(about)),
            )
        file.commit()
    with connect(empty_store) as session:
        found = session.view("known_before").set_index("task_id")
    assert found["text_length"].astype(object).where(found["text_length"].notna(), None).to_dict() == {
        "a/b#12": 900, "a/b#13": None, "a/b#3": 900, "a/b#4": 5, "a/b@c": None, "session": None,
    }  # fmt: skip
    assert found.loc["a/b#12", "labels"] == '["ui"]' and found.loc["a/b#12", "files_named"] == 2
    assert found["estimated_size"].isna().all()
    assert found["components_json"].notna().to_dict() == {name: name in ("a/b#3", "a/b#4") for name in found.index}


def test_estimate_says_what_explains_the_cost(run, sample_store):
    told = run("estimate", "--size", "18", "--db", sample_store).out
    assert "Known before a task, cost_usd: the estimated size explains" in told
    said = run("estimate", "--size", "18", "--json", "--db", sample_store).json["known_before"]["cost_usd"]
    assert {"proxy", "tasks", "explained_share"} == set(said[0])
