"""What an estimate may not say of a strange past: each kind with its smallest input."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe import estimate as estimating
from asp_analysis.probe.answers import Estimate
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.question import EACH, Question
from asp_analysis.probe.scores import score
from tests.reference.past_runs import made_history, table_history

EVERY = Question(model=EACH, role=EACH)


def _estimate(history, **asked) -> Estimate:
    return estimate(history, Question(**{"model": "one", "role": "coder", **asked}))["cost_usd"]


def _costs(values):
    return table_history(np.full(len(values), np.nan), values)


def _notes(history, **asked):
    return " ".join(_estimate(history, **asked).notes)


@pytest.mark.parametrize("size", [float("inf"), float("1e400"), float("nan"), 0.0, -1.0])
def test_a_size_is_a_finite_number_above_0(size):
    with pytest.raises(InputError, match="is not a finite number above 0"):
        Question(size=size)


@pytest.mark.parametrize("column", ["cost_usd", "size"])
def test_an_infinite_cost_or_size_of_the_past_is_refused_with_its_task(column):
    history = made_history(10)
    history.loc[3, column] = np.inf
    with pytest.raises(InputError, match=f"The {column} of the task 't3' is infinite"):
        _estimate(history)
    with pytest.raises(InputError, match="is infinite"):
        backtest(history, EVERY)


@pytest.mark.parametrize("costs", [[1.0, 2.0] * 20 + [1.0], [0.01, 1.0] * 20, [1.0] * 30 + [2.0] * 11])
@pytest.mark.parametrize("method", ["auto", "history", "history_recent", "nested"])
def test_of_two_valued_costs_estimate_and_mean_are_inside_what_was_seen(costs, method):
    found = _estimate(_costs(costs), method=method)
    assert min(costs) <= found.estimate <= max(costs) and min(costs) <= found.mean <= max(costs)


@pytest.mark.parametrize("values", [(0.01, 1.0), (1.0, 2.0, 3.0)])
def test_costs_of_few_values_are_inside_the_intervals_that_end_on_them(values):
    rows = backtest(_costs(np.random.default_rng(3).choice(values, 160)), EVERY)
    rows = rows[(rows["model"] == "auto") & (rows["n_past"] >= 20)]
    assert rows["actual"].between(rows["lower_70"], rows["upper_70"]).mean() >= 0.63
    assert rows["actual"].between(rows["lower_90"], rows["upper_90"]).mean() >= 0.85


def test_means_of_heavy_tails_may_be_added_up():
    costs = np.exp(np.random.default_rng(7).standard_t(2, 400) * 1.2)
    table = score(backtest(_costs(costs), EVERY)).set_index("model")
    assert 0.3 < table.loc["auto", "mean_ratio"] < 2 and table.loc["history", "mean_ratio"] < 2


@pytest.mark.parametrize("n", [3, 5, 20, 50])
def test_equal_costs_have_an_interval_and_it_is_said_where_it_is_from(n):
    found = _estimate(_costs([2.0] * n))
    assert found.lower[0.9] < found.lower[0.7] < 1.999 and 2.001 < found.upper[0.7] < found.upper[0.9]
    assert f"All {n} tasks cost the same, 2" in " ".join(found.notes)


def test_equal_costs_say_less_the_fewer_they_are():
    width = [
        np.log(found.upper[0.7] / found.lower[0.7]) for found in (_estimate(_costs([2.0] * n)) for n in (3, 20, 50))
    ]
    assert width[0] > width[1] > width[2] > 0.1


def _bent(n, sd, seed, curvature=0.15):
    """n tasks within +-1.5 sd of log size, then one at +sd, of a line that bends mildly."""
    rng = np.random.default_rng(seed)
    x = np.append(np.clip(rng.normal(0, 1, n), -1.5, 1.5), sd)
    y = 0.8 * x + curvature * x**2 + rng.normal(0, 0.4, n + 1)
    return np.exp(x), np.exp(y)


def test_outside_the_sizes_seen_the_interval_is_widened_until_it_holds():
    held = []
    for seed in range(60):
        size, cost = _bent(60, 2.0, seed)
        try:
            found = _estimate(table_history(size[:-1], cost[:-1]), size=float(size[-1]), method="loglog")
        except EstimationRefusal:  # a bend that shows in the past
            continue
        held.append(found.lower[0.7] <= cost[-1] <= found.upper[0.7])
        assert "widened for a line that may bend" in " ".join(found.notes)
    assert len(held) >= 50 and np.mean(held) >= 0.65


def test_far_outside_the_sizes_seen_there_is_no_estimate():
    size, cost = _bent(60, 4.0, 1)
    with pytest.raises(EstimationRefusal, match=r"too far from the 60 past sizes .* Ask for a size from"):
        _estimate(table_history(size[:-1], cost[:-1]), size=float(size[-1]))


def test_outside_of_a_curve_there_is_no_estimate():
    size, cost = _bent(80, 2.0, 1, curvature=0.6)
    with pytest.raises(EstimationRefusal, match="does not follow size along a line on logs"):
        _estimate(table_history(size[:-1], cost[:-1]), size=float(size[-1]))


def test_an_estimate_is_never_sharper_outside_the_sizes_seen_than_inside():
    history = made_history(60, slope=-0.8, noise=0.3)
    largest = float(history["size"].max())
    inside, outside = (_estimate(history, size=size, method="loglog") for size in (60.0, 1.5 * largest))
    ratios = [np.log(found.estimate / found.lower[0.7]) for found in (inside, outside)]
    assert ratios[1] > ratios[0] and outside.needs_human_review
    with pytest.raises(EstimationRefusal, match="too far"):
        _estimate(history, size=100 * largest)


def test_a_size_between_two_clouds_is_named():
    rng = np.random.default_rng(0)
    sizes = np.tile([4.0, 5, 6, 450, 500, 550], 10)
    history = table_history(sizes, sizes * np.exp(rng.normal(0, 0.2, 60)))
    assert "No past task is within a factor of 3 of size 50" in _notes(history, size=50.0)
    assert "within a factor" not in _notes(history, size=7.0)


def test_a_change_of_costs_is_named_with_its_factor():
    noise = np.exp(np.random.default_rng(3).normal(0, 0.2, 80))
    assert "The costs changed" not in _notes(_costs(noise))
    notes = _notes(_costs(noise * np.where(np.arange(80) < 60, 1.0, 0.5)))
    assert "The costs changed: the last 2" in notes and "tasks cost 0.47 times" in notes


def test_runs_that_were_cut_off_make_a_lower_bound():
    history = _costs(np.exp(np.random.default_rng(3).normal(0, 0.5, 60)))
    history["is_censored"] = history["cost_usd"] > 1.3
    cut = int(history["is_censored"].sum())
    assert f"A lower bound: {cut} of 60 attempts were cut off" in _notes(history, per="attempt")
    assert f"{cut} tasks were cut off and never finished" in _notes(history)


def test_a_series_is_replayed_once_for_any_number_of_units(monkeypatch):
    count = []
    real = estimating.replay_next
    monkeypatch.setattr(estimating, "replay_next", lambda *words: count.append(1) or real(*words))
    found = _estimate(made_history(60), units=tuple(np.full(1000, 20.0)))
    assert len(count) == 1 and found.size == pytest.approx(20_000)


def test_repeated_rows_are_counted_as_runs_of_one_task():
    history = made_history(30)
    assert "30 distinct tasks, 90 runs" in _notes(pd.concat([history] * 3), size=50.0)


def test_a_model_without_a_name_can_be_asked_for():
    history = made_history(30).assign(llm_model=None)
    assert _estimate(history, model="unnamed", size=50.0).llm_model == "unnamed"
    assert set(backtest(history, EVERY)["llm_model"]) == {"unnamed"}
    with pytest.raises(EstimationRefusal, match=r"Known, with their tasks: unnamed \(30\)"):
        _estimate(history, model="zero")


def test_sizes_that_were_counted_after_the_work_are_said_to_be():
    history = made_history(30)
    size = float(history["size"].median())
    late, early = (_notes(history.assign(size_source=source), size=size) for source in ("actual", "estimated"))
    assert "past sizes were counted after the work" in late and "counted after the work" not in early
    assert "counted after the work" not in _notes(history.assign(size_source="actual"))
