"""A forecast knows what was completed when its task started, and nothing of tasks that ran at the same time."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.history import split_series
from asp_analysis.probe.question import EACH, Question, pose
from tests.reference.past_runs import START, made_history

EVERY = Question(model=EACH, role=EACH)
SAID = ["n_past", "cutoff", "estimate", "mean", "lower_70", "upper_70", "lower_90", "upper_90", "method", "knowledge"]


def _overlapping(n=90, seed=2):
    """Two models whose tasks start every hour and take up to eight."""
    rng = np.random.default_rng(seed)
    history = made_history(n, ("one", "two"), shared=0.7, seed=seed)
    history["task_id"] = [f"t{int(name[1:]) % 40}" for name in history["task_id"]]
    history["started_at"] = history["known_at"]
    history["known_at"] = history["started_at"] + pd.to_timedelta(rng.uniform(0.2, 8, len(history)), "h")
    return history


def test_every_forecast_knows_the_outcomes_that_were_completed_at_its_start_and_no_others():
    history = _overlapping()
    own = history[history["llm_model"] == "one"]
    series = next(one for one in split_series(history, "cost_usd") if one.llm_model == "one")
    starts = series.tasks["started_at"]
    expected = [(own["known_at"] <= start).sum() for start in starts]
    assert series.known.tolist() == expected and (series.known < np.arange(len(own))).any()


@pytest.mark.parametrize("cut", [25, 60, 85])
def test_what_was_completed_after_the_start_of_a_task_does_not_change_its_forecast(cut):
    history = _overlapping()
    start = history.loc[history["llm_model"] == "one", "started_at"].sort_values().iloc[cut]
    poisoned = history.copy()
    is_late = history["known_at"] > start
    poisoned.loc[is_late, "cost_usd"] *= np.where(np.arange(is_late.sum()) % 2, 1e6, 1e-6)
    honest, fooled = (backtest(frame, EVERY) for frame in (history, poisoned))
    keys = ["model", "llm_model", "task_id", "started_at"]
    started = history[["llm_model", "task_id", "known_at", "started_at"]]
    order = started.sort_values("known_at").assign(place=lambda frame: frame.groupby("llm_model").cumcount())
    joined = [frame.merge(order, on=["llm_model", "task_id", "place"]) for frame in (honest, fooled)]
    past, again = (frame[frame["started_at"] <= start].set_index(keys)[SAID].sort_index() for frame in joined)
    assert len(past) and len(joined[0]) == len(honest)
    pd.testing.assert_frame_equal(past, again, rtol=1e-9)
    assert not np.allclose(honest["estimate"].tail(5), fooled["estimate"].tail(5))


def test_a_task_of_unknown_start_is_taken_to_start_when_the_one_before_was_over():
    history = _overlapping().assign(started_at=pd.NaT)
    series = split_series(history, "cost_usd")[0]
    assert series.known.tolist() == list(range(len(series.tasks)))
    instant = history.assign(started_at=history["known_at"])
    assert split_series(instant, "cost_usd")[0].known.tolist() == series.known.tolist()


def test_a_finished_task_started_with_its_first_attempt():
    history = pd.DataFrame(
        {
            "task_id": ["a", "a", "b"],
            "known_at": START + pd.to_timedelta([2, 5, 4], "h"),
            "started_at": START + pd.to_timedelta([1, 4.5, 3], "h"),
            "llm_model": "m",
            "agent_role": "r",
            "is_finished": [False, True, True],
            "cost_usd": [1.0, 2.0, 3.0],
        }
    )
    series = split_series(history, "cost_usd")[0]
    assert series.tasks["task_id"].tolist() == ["b", "a"] and series.known.tolist() == [0, 0]
    assert series.tasks["started_at"].tolist()[1] == START + pd.Timedelta(hours=1)


def test_a_sum_over_roles_starts_with_its_first_role():
    history = pd.DataFrame(
        {
            "task_id": ["a", "a"],
            "known_at": START + pd.to_timedelta([3, 6], "h"),
            "started_at": START + pd.to_timedelta([1, 4], "h"),
            "llm_model": "m",
            "agent_role": ["Code", "Test"],
            "cost_usd": [1.0, 2.0],
        }
    )
    assert pose(history, Question())["started_at"].tolist() == [START + pd.Timedelta(hours=1)]
