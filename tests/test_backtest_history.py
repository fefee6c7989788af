"""Which rows of a history count for which question."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.history import check_history, split_series
from asp_analysis.probe.question import EACH, Question
from tests.reference.past_runs import made_history, table_history


def _with_attempts():
    """Task a: failed (1), cut off (2), finished (4), repeated and finished (8). Task b: failed twice. c: missing. d:
    0."""
    return pd.DataFrame(
        {
            "task_id": list("aaaabbcd"),
            "known_at": pd.date_range("2025-01-01", periods=8, tz="UTC"),
            "llm_model": "m",
            "agent_role": "r",
            "is_finished": [False, True, True, True, False, False, True, True],
            "is_censored": [False, True, False, False, False, True, False, False],
            "cost_usd": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, np.nan, 0.0],
        }
    )


def test_cost_per_finished_task_holds_the_attempts_that_failed_before():
    series = split_series(_with_attempts(), "cost_usd", "finished")[0]
    assert series.tasks[["task_id", "cost", "attempts"]].to_numpy().tolist() == [["a", 7.0, 3], ["a", 8.0, 1]]


def test_cost_per_attempt_counts_every_run_with_a_cost():
    series = split_series(_with_attempts(), "cost_usd", "attempt")[0]
    assert series.cost.tolist() == [1, 2, 4, 8, 16, 32]


def test_what_is_left_out_is_counted_by_reason():
    finished, attempts = (split_series(_with_attempts(), "cost_usd", per)[0] for per in ("finished", "attempt"))
    assert attempts.left_out == {"cost_usd missing": 1, "cost_usd 0": 1}
    assert finished.left_out == {
        "cost_usd missing": 1,
        "cost_usd 0": 1,
        "cut off and never finished": 1,
        "failed and never finished": 1,
        "not finished (pending, in progress or unknown)": 0,
    }
    assert finished.describe_left_out().startswith("1 cost_usd missing, 1 cost_usd 0")


def test_tasks_that_are_not_over_are_counted_apart_from_the_failed():
    history = table_history([1, 2, 3, 4], [1, 2, 3, 4])
    history["is_finished"], history["is_failed"] = [True, False, False, False], [False, True, False, None]
    (series,) = split_series(history, "cost_usd")
    assert series.describe_left_out() == (
        "2 failed and never finished, 1 not finished (pending, in progress or unknown)"
    )


def test_too_few_finished_tasks_are_answered_with_how_to_say_which_are():
    history = table_history([1, 2, 3, 4], [1, 2, 3, 4])
    history["is_finished"], history["is_failed"] = [True, False, False, False], False
    with pytest.raises(EstimationRefusal, match=r"Say which .* --set status=completed; or count attempts with --per"):
        backtest(history, Question(model=EACH, role=EACH))
    with pytest.raises(EstimationRefusal, match=r"3 attempts .*Record more attempts"):
        backtest(history.head(2), Question(model=EACH, role=EACH, per="attempt"))


def test_an_attempt_of_unknown_cost_makes_the_finished_cost_unknown():
    history = _with_attempts()
    history.loc[0, "cost_usd"] = np.nan
    series = split_series(history, "cost_usd", "finished")[0]
    assert series.cost.tolist() == [8] and series.left_out["cost_usd missing"] == 2


def test_rows_are_ordered_by_when_the_outcome_became_known_and_ties_keep_their_order():
    history = table_history([1, 2, 3], [1, 2, 3])
    history["known_at"] = [history["known_at"][2], history["known_at"][0], history["known_at"][0]]
    assert check_history(history)["task_id"].tolist() == ["t1", "t2", "t0"]


def test_a_cost_that_is_known_in_part_is_no_outcome_where_the_whole_one_is_told_apart():
    history = table_history([1, 2, 3], [1, 2, 3]).assign(whole_cost_usd=[1, np.nan, 3])
    series = split_series(history, "cost_usd")[0]
    assert series.cost.tolist() == [1, 3] and series.left_out["cost_usd missing"] == 1
    assert split_series(history.drop(columns="whole_cost_usd"), "cost_usd")[0].cost.tolist() == [1, 2, 3]


def test_sizes_that_are_not_positive_are_unknown():
    series = split_series(table_history([0, 5, np.nan], [1, 1, 1]), "cost_usd")[0]
    assert np.isnan(series.size).tolist() == [True, False, True]


def test_instants_as_text_with_and_without_fractions_are_read():
    instants = ["2025-01-01T00:00:00.5+00:00", "2025-01-01T00:00:00+00:00"]
    history = table_history([1, 2], [1, 2]).assign(known_at=instants)
    assert check_history(history)["task_id"].tolist() == ["t1", "t0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="llm_model"), "llm_model missing"),
        (lambda frame: frame.drop(columns="cost_usd"), "at least one of cost_usd"),
        (lambda frame: frame.assign(cost_usd=-1.0), "has the negative value -1"),
        (lambda frame: frame.assign(known_at="yesterday"), "could not be read"),
    ],
)
def test_a_history_that_cannot_be_read_is_refused_with_the_column(change, message):
    with pytest.raises(InputError, match=message):
        check_history(change(table_history([1, 2], [1, 2])))


def test_a_component_without_a_column_is_refused():
    with pytest.raises(InputError, match="latency_ms"):
        split_series(made_history(3), "latency_ms")


def test_a_history_without_rows_is_refused():
    with pytest.raises(EstimationRefusal, match="no past tasks of all models / all roles"):
        estimate(made_history(3).head(0), Question())
