"""The choice is made on past forecasts, says why, and falls back to a refusal as data thins."""

import numpy as np
import pytest

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.backtest import replay_next
from asp_analysis.probe.choice import choose_model, measure_size_r2
from asp_analysis.probe.history import split_series
from asp_analysis.probe.models.candidates import Forecasts
from asp_analysis.probe.models.nested import KnownTask
from asp_analysis.probe.models.selection import select
from asp_analysis.probe.question import Question, pose
from tests.reference import sei_table as sei
from tests.reference.past_runs import made_history, table_history


def _ask(history, **asked):
    question = Question(**{"model": "one", "role": "coder", "size": 50.0, **asked})
    return choose_model(replay_next(pose(history, question), question), question.method)


def test_where_size_decides_a_model_of_size_is_chosen():
    choice = _ask(made_history(120, slope=1.2, noise=0.2))
    assert choice.method in {"loglog", "nested"}
    assert "size explains much" in choice.why


def test_where_size_explains_nothing_the_reason_says_so_and_the_published_line_is_not_chosen():
    choice = _ask(made_history(120, slope=0.0, noise=0.8))
    assert choice.method != "probe_line"
    assert "size explains next to nothing of cost_usd" in choice.why
    assert "the published line is not the way" in choice.why


def test_where_others_did_the_same_task_they_are_asked():
    history = made_history(120, ("one", "two", "three"), slope=0.0, noise=0.8, shared=0.95)
    assert _ask(history, model="three", task=KnownTask(task_id="t7")).method == "nested"


def test_without_a_size_history_answers():
    choice = _ask(made_history(60).drop(columns="project_id"), size=None)
    assert choice.method in {"history", "history_recent", "nested"}


def test_the_reason_tells_the_record_of_auto_which_includes_the_choosing():
    choice = _ask(made_history(60))
    row = choice.scores.set_index("model").loc["auto"]
    held = f"each by the model chosen before it, the 70 % intervals held {100 * row['coverage_70']:.0f} %"
    assert f"on {row['n']:.0f} past forecasts, {held}" in choice.why
    assert choice.why.count(".") <= choice.why.count("r2 0.") + 1


def test_two_tasks_are_refused_and_what_is_missing_is_named():
    with pytest.raises(
        EstimationRefusal, match=r"Too few finished tasks with a cost_usd for one / coder: 2 of at least 3"
    ):
        _ask(made_history(2))


def test_left_out_rows_are_named_in_the_refusal():
    history = made_history(4)
    history.loc[[1, 2], "cost_usd"] = [np.nan, 0]
    with pytest.raises(EstimationRefusal, match="left out: 1 cost_usd missing, 1 cost_usd 0"):
        _ask(history)


def test_three_tasks_are_answered_from_history_alone():
    assert _ask(made_history(3)).method == "history"


def test_a_line_on_too_few_tasks_is_refused_with_the_number_it_needs():
    with pytest.raises(
        EstimationRefusal, match=r"Too few finished tasks with a size and a cost_usd for .*: 4 of at least 7"
    ):
        _ask(made_history(4), method="loglog")


def test_a_line_without_the_size_of_the_task_is_refused():
    with pytest.raises(EstimationRefusal, match="size of the new task"):
        _ask(made_history(40), method="loglog", size=None)


def test_a_method_that_is_asked_for_is_used_and_keeps_its_evidence():
    choice = _ask(made_history(40), method="nested")
    assert (
        choice.method == "nested"
        and "nested was asked for" in choice.why
        and "on 36 past forecasts of it" in choice.why
    )


def _said(lower, upper, n=80):
    return Forecasts(
        estimate=np.ones(n + 1),
        mean=np.ones(n + 1),
        lower=np.full((n + 1, 1), lower),
        upper=np.full((n + 1, 1), upper),
        n_effective=np.full(n + 1, 50.0),
    )


def test_a_narrower_model_is_chosen_only_if_its_intervals_held():
    log_actual = np.log(np.tile([0.5, 0.8, 1.0, 1.2, 2.0], 16))
    wide, narrow, honest = _said(0.4, 2.5), _said(0.97, 1.03), _said(0.75, 1.9)
    known = np.arange(81)
    assert select(log_actual, known, {"history": wide, "loglog": narrow}, (0.7,))[-1] == "history"
    assert select(log_actual, known, {"history": wide, "loglog": honest}, (0.7,))[-1] == "loglog"


def test_nobody_displaces_the_simplest_before_ten_forecasts():
    log_actual = np.random.default_rng(1).normal(0, 0.1, 80)
    said = {"history": _said(0.1, 9.0), "loglog": _said(0.89, 1.12)}
    chosen = select(log_actual, np.arange(81), said, (0.7,))
    assert (chosen[:10] == "history").all()
    assert chosen[-1] == "loglog"
    late = np.maximum(np.arange(81) - 6, 0)
    assert (select(log_actual, late, said, (0.7,))[:16] == "history").all()


@pytest.mark.parametrize(("table", "actual"), [("T1", sei.ADDED), ("T2", sei.HOURS)])
def test_r2_of_the_sei_table_agrees_to_10_digits(table, actual):
    (series,) = split_series(table_history(sei.PROXY, actual), "cost_usd")
    assert measure_size_r2(series) == pytest.approx(sei.LOG_LOG[table]["r2"], rel=6e-10)


def test_r2_of_size_is_the_squared_correlation_of_the_logs():
    history = made_history(50)
    expected = np.corrcoef(np.log(history["size"]), np.log(history["cost_usd"]))[0, 1] ** 2
    assert measure_size_r2(split_series(history, "cost_usd")[0]) == pytest.approx(expected)
