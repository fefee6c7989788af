"""The total of several tasks holds as often as it says, and what is common to their errors widens it."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.history import split_series
from asp_analysis.probe.models.nested import KnownTask, NewTask
from asp_analysis.probe.question import Question
from asp_analysis.probe.totals import (
    BatchErrors,
    draw_costs,
    estimate_total,
    measure_parallelism,
    number_batches,
    put_in_batches,
)
from tests.reference.past_runs import START, made_history

ONE = Question(model="one", role="coder")


def _new(sizes):
    return [NewTask(task=KnownTask(), log_size=float(np.log(size))) for size in sizes]


def _made_errors(batches=40, size=12, level=0.0, seed=1):
    rng = np.random.default_rng(seed)
    value = level * np.repeat(rng.normal(0, 1, batches), size) + rng.normal(0, 1, batches * size)
    return BatchErrors(value=value, batch=np.repeat(np.arange(batches), size))


def test_batches_are_numbered_so_that_the_last_one_is_full():
    assert number_batches(7, 3).tolist() == [0, 1, 1, 1, 2, 2, 2]


def test_tasks_of_a_batch_know_what_was_over_before_it():
    series = put_in_batches(split_series(made_history(14), "cost_usd")[0], 4)
    assert series.known.tolist() == [0, 0, *[2] * 4, *[6] * 4, *[10] * 4]


@pytest.mark.parametrize(("level", "share"), [(0.0, 0.0), (0.5, 0.2), (1.0, 0.5)])
def test_what_is_common_to_a_batch_is_found(level, share):
    errors = _made_errors(100, level=level)
    variance, _ = errors.measure_level()
    assert variance / np.mean(errors.value**2) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_a_total_holds_as_often_as_it_says_whatever_is_common_to_its_errors(level):
    errors, fresh = _made_errors(60, level=level), _made_errors(300, level=level, seed=2)
    half = np.full(12, 0.5)
    drawn = draw_costs(errors, np.ones(12), half).sum(1)
    low, high = np.quantile(drawn, [0.15, 0.85])
    actual = np.exp(0.5 * fresh.value.reshape(300, 12)).sum(1)
    assert 0.62 <= np.mean((low <= actual) & (actual <= high)) <= 0.84


def test_equal_errors_make_a_total_without_spread():
    errors = BatchErrors(value=np.zeros(40), batch=np.repeat(np.arange(10), 4))
    assert draw_costs(errors, np.array([1.0, 2.0]), np.ones(2)).sum(1) == pytest.approx(3.0)


def test_an_interval_of_many_powers_of_ten_does_not_overflow_a_total():
    drawn = draw_costs(_made_errors(20), np.array([1.0, 2.0]), np.array([0.5, 4000.0]))
    assert np.isfinite(drawn.sum(1)).all() and drawn[:, 1].max() <= 2000.001


def test_a_total_has_an_interval_a_chance_within_a_budget_and_says_how_many_fit():
    total = estimate_total(made_history(120), ONE, _new([20.0, 60.0, 40.0, 80.0]))
    low, high = total.bound(0.7)
    assert low < total.estimate < high and total.mean > 0.9 * total.tasks["estimate"].sum()
    assert total.find_chance_within(low) == pytest.approx(0.15, abs=0.01)
    assert total.find_chance_within(10 * high) > 0.95 and total.count_fitting(10 * high) == 4
    first = float(np.quantile(total.draws[:, 0], 0.9))
    assert total.count_fitting(first) == 1 and total.count_fitting(first / 100) == 0


def test_a_far_size_is_left_out_of_a_total_with_its_reason():
    total = estimate_total(made_history(120), ONE, _new([20.0, 1e7]))
    assert len(total.tasks) == 1 and "too far" in total.refusals["size 1e+07"]
    with pytest.raises(EstimationRefusal, match="too far"):
        estimate_total(made_history(120), ONE, _new([1e7]))


def test_no_task_and_a_short_past_are_refused():
    with pytest.raises(InputError, match="no tasks to add up"):
        estimate_total(made_history(60), ONE, [])
    with pytest.raises(EstimationRefusal, match=r"forecasts in batches of 9, at least 10"):
        estimate_total(made_history(12), ONE, _new([20.0] * 9))


def test_parallelism_is_the_time_of_tasks_over_the_time_that_they_cover():
    hours = pd.to_timedelta([0, 1, 10], "h")
    history = pd.DataFrame(
        {"task_id": ["a", "b", "c"], "started_at": START + hours, "known_at": START + hours + pd.Timedelta(hours=3)}
    )
    assert measure_parallelism(history) == pytest.approx(9 / 7)
    assert np.isnan(measure_parallelism(history.assign(started_at=pd.NaT)))


def test_open_tasks_named_tasks_and_a_file_of_sizes_are_added_up(run, sample_store, tmp_path):
    ran = run("estimate", "--open", "--budget", "1000", "--json", "--db", sample_store)
    (row,) = ran.json
    assert row["tasks"] >= 1 and row["chance_within"] == 1 and row["fitting"] == row["tasks"]
    path = tmp_path / "sizes.csv"
    path.write_text("size\n18\n12\n")
    said = run("estimate", "--sizes", path, "--cost", "latency_ms", "--db", sample_store).out
    assert "in batches of 2" in said and "they are finished at" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tasks", "nope"], "There is no task 'nope' in the store"),
        (["--budget", "5"], "--budget is for several tasks"),
        (["--open", "--tasks", "a"], "Use one of them"),
        (["--open", "--size", "3"], "A total takes --tasks, --open or --sizes with --budget"),
        (["--open", "--budget", "inf"], "The budget inf is not a finite amount above 0"),
    ],
)
def test_a_total_that_cannot_be_asked_for_is_refused_in_one_line(run, sample_store, words, message):
    ran = run("estimate", *words, "--db", sample_store)
    assert ran.exit_code in (1, 2) and message in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize(("text", "message"), [("size\n18\n-1\n", "line 3: the size '-1'"), ("a\n1\n", "column size")])
def test_a_file_of_sizes_that_cannot_be_read_is_refused_with_its_line(run, sample_store, tmp_path, text, message):
    path = tmp_path / "sizes.csv"
    path.write_text(text)
    ran = run("estimate", "--sizes", path, "--db", sample_store)
    assert ran.exit_code == 1 and message in ran.err
