"""What the nested model knows of a task moves its forecast: size, class, others' runs and its own runs."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.history import split_series
from asp_analysis.probe.models.nested import KNOWLEDGE, KnownTask, Nested, NewTask
from asp_analysis.probe.question import EACH, Question
from asp_analysis.probe.scores import score
from tests.reference.past_runs import START, made_history

EVERY = Question(model=EACH, role=EACH)


def _look_ahead(history, own, **task):
    new = NewTask(task=KnownTask(**task))
    return Nested.of(split_series(history, "cost_usd")).look_ahead(own, [new]).log_cost[-1]


def _repeats(runs=8, tasks=20, seed=1):
    """One model's runs of the same tasks, whose costs differ by task far more than by run."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, 1, tasks)
    names = np.concatenate([rng.permutation(tasks) for _ in range(runs)])
    return pd.DataFrame(
        {
            "task_id": [f"t{name}" for name in names],
            "known_at": START + pd.to_timedelta(np.arange(len(names)), "h"),
            "llm_model": "one",
            "agent_role": "coder",
            "cost_usd": np.exp(hard[names] + rng.normal(0, 0.1, len(names))),
        }
    )


def test_own_runs_of_a_task_decide_what_it_will_cost():
    history = _repeats()
    for name in ("t0", "t7"):
        own = np.log(history.loc[history["task_id"] == name, "cost_usd"])
        assert _look_ahead(history, 0, task_id=name) == pytest.approx(own.mean(), abs=0.15)


def test_one_own_run_moves_the_forecast_by_its_share():
    history = _repeats(runs=1)
    y = np.log(history["cost_usd"])
    expected = y.mean() + (y[history["task_id"] == "t3"].iloc[0] - y.mean()) / 1.7
    assert _look_ahead(history, 0, task_id="t3") == pytest.approx(expected)


def test_others_runs_of_a_task_carry_over_in_proportion():
    history = made_history(60, ("one", "two"), slope=0.0, noise=0.8, shared=0.95).drop(columns=["project_id", "size"])
    others = history[history["llm_model"] == "one"]
    dear, cheap = (
        others.loc[others["cost_usd"].pipe(pick), "task_id"] for pick in (pd.Series.idxmax, pd.Series.idxmin)
    )
    known = history[(history["llm_model"] == "one") | ~history["task_id"].isin([dear, cheap])]
    assert _look_ahead(known, 1, task_id=dear) > _look_ahead(known, 1, task_id=cheap) + 1


def test_a_class_of_alike_tasks_carries_over_and_a_type_goes_before_a_project():
    history = made_history(60, slope=0.0).drop(columns="size")
    history["task_type"] = np.where(np.arange(60) % 2, "api", "ui")
    history.loc[history["task_type"] == "api", "cost_usd"] *= 8
    said = [_look_ahead(history, 0, task_type=kind, project_id="p1") for kind in ("api", "ui")]
    assert said[0] > said[1] + np.log(4)


def test_a_model_s_price_does_not_matter():
    history = made_history(60, ("one", "two"), shared=0.8)
    dear = history.copy()
    dear.loc[dear["llm_model"] == "one", "cost_usd"] *= 50
    rows, dear_rows = (
        frame[(frame["model"] == "nested") & (frame["llm_model"] == "two")]["estimate"].to_numpy()
        for frame in (backtest(history, EVERY), backtest(dear, EVERY))
    )
    assert rows == pytest.approx(dear_rows)


def test_where_models_find_the_same_tasks_hard_the_nested_model_beats_history():
    history = made_history(150, ("one", "two", "three"), slope=0.0, noise=0.8, shared=0.9)
    table = score(backtest(history, EVERY)).set_index(["model", "llm_model"])["wis"]
    assert table["nested", "three"] < 0.75 * table["history", "three"]


def test_errors_are_read_within_groups_of_equal_knowledge():
    """A task that was run before is sharp, one that was not is wide, and both hold."""
    history = _repeats(runs=6, tasks=60)
    fresh = history.assign(
        task_id=[f"u{n}" for n in range(len(history))],
        cost_usd=history["cost_usd"].sample(frac=1, random_state=3).to_numpy(),
    )
    fresh["known_at"] += pd.Timedelta(minutes=30)
    rows = backtest(pd.concat([history, fresh]), EVERY)
    own = rows[(rows["model"] == "nested") & (rows["n_past"] >= 150)]
    width = np.log(own["upper_70"] / own["lower_70"]).groupby(own["knowledge"], observed=True).median()
    held = own["actual"].between(own["lower_70"], own["upper_70"]).groupby(own["knowledge"], observed=True).mean()
    assert width[KNOWLEDGE[4]] < 0.4 * width[KNOWLEDGE[0]]
    assert held[KNOWLEDGE[0]] == pytest.approx(0.7, abs=0.08) and held[KNOWLEDGE[4]] == pytest.approx(0.7, abs=0.08)
