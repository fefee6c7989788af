"""What others paid for the same task, or tasks alike, moves the estimate in proportion."""

import numpy as np
import pytest

from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.history import split_series
from asp_analysis.probe.models.reference_class import KnownTask, Reference, forecast_centres
from asp_analysis.probe.question import EACH, Question
from asp_analysis.probe.scores import score
from tests.reference.past_runs import made_history

EVERY = Question(model=EACH, role=EACH)


def _reference(history):
    return Reference.of(split_series(history, "cost_usd"))


def test_the_same_task_by_others_is_compared_with_what_is_usual_for_them():
    history = made_history(30, ("one", "two"))
    cost = history[history["llm_model"] == "one"]["cost_usd"].to_numpy()
    found = _reference(history).by_series[1]
    assert found[10] == pytest.approx(np.log(cost[10]) - np.log(cost[:11]).mean())


def test_own_runs_of_the_task_are_not_used_as_reference():
    history = made_history(20).drop(columns="project_id")
    assert np.isnan(_reference(history).by_series[0]).all()


def test_tasks_of_the_same_project_and_size_band_stand_in_where_nobody_did_the_task():
    history = made_history(60).assign(project_id="p", size=10.0)
    cost = np.log(history["cost_usd"].to_numpy())
    expected = [cost[t] - cost[:t].mean() for t in range(3, 40)]
    assert _reference(history).by_series[0][40] == pytest.approx(np.mean(expected))


def test_the_new_task_is_looked_up_by_its_id():
    history = made_history(30, ("one", "two"))
    cost = np.log(history[history["llm_model"] == "one"]["cost_usd"].to_numpy())
    found = _reference(history).take_timeline(1, KnownTask(task_id="t4"))
    assert found[-1] == pytest.approx(cost[4] - cost.mean())
    assert np.isnan(_reference(history).take_timeline(1, KnownTask(task_id="new"))[-1])


def test_the_slope_starts_at_one_and_learns():
    deviation = np.append(np.tile([-1.0, 1.0], 200), 1.0)
    assert forecast_centres(0.0 * deviation[:4], deviation[:5])[-1] == pytest.approx(-3 / 7)
    assert forecast_centres(0.5 * deviation[:-1], deviation)[-1] == pytest.approx(0.5, abs=0.01)


def test_a_model_s_price_does_not_matter():
    history = made_history(60, ("one", "two"), shared=0.8)
    dear = history.copy()
    dear.loc[dear["llm_model"] == "one", "cost_usd"] *= 50
    rows, dear_rows = (
        frame[(frame["model"] == "reference_class") & (frame["llm_model"] == "two")]["estimate"].to_numpy()
        for frame in (backtest(history, EVERY), backtest(dear, EVERY))
    )
    assert rows == pytest.approx(dear_rows)


def test_where_models_find_the_same_tasks_hard_the_reference_class_beats_history():
    history = made_history(150, ("one", "two", "three"), slope=0.0, noise=0.8, shared=0.9)
    table = score(backtest(history, EVERY)).set_index(["model", "llm_model"])["interval_score_70"]
    assert table["reference_class", "three"] < 0.75 * table["history", "three"]
