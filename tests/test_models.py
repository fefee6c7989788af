"""Rolling centres equal a fit from scratch on the past, and fits on logs equal worked values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe import models
from asp_analysis.probe.fits import fit_log_line
from tests.reference import sei_table as sei
from tests.reference.past_runs import made_history


def _timeline(n=40, seed=0, unknown=()):
    rng = np.random.default_rng(seed)
    size = rng.normal(3, 1, n + 1)
    size[list(unknown)] = np.nan
    return models.Timeline(rng.normal(0, 1, n) + 0.5 * np.nan_to_num(size[:n]), size, np.full(n + 1, np.nan))


@pytest.mark.parametrize("unknown", [(), (0, 7, 20)])
def test_the_rolling_log_line_is_the_least_squares_line_of_the_past(unknown):
    timeline = _timeline(unknown=unknown)
    centre = models.log_line(timeline)
    for t in (8, 25, 39):
        known = ~np.isnan(timeline.log_size[:t])
        line = stats.linregress(timeline.log_size[:t][known], timeline.log_cost[:t][known])
        if not np.isnan(timeline.log_size[t]):
            assert centre[t] == pytest.approx(line.intercept + line.slope * timeline.log_size[t], rel=1e-10)


def test_sizes_far_from_zero_keep_their_digits():
    near = _timeline()
    far = models.Timeline(near.log_cost, near.log_size + 1e6, near.deviation)
    assert models.log_line(far)[8:] == pytest.approx(models.log_line(near)[8:], rel=1e-7)


def test_rolling_theil_sen_is_the_exact_one_up_to_129_tasks():
    timeline = _timeline(135, seed=3)
    centre = models.theil_sen_line(timeline)
    for t in (6, 30, 129):
        x, y = timeline.log_size[:t], timeline.log_cost[:t]
        line = stats.theilslopes(y, x, method="joint")
        assert centre[t] == pytest.approx(line.intercept + line.slope * timeline.log_size[t], rel=1e-10)


def test_theil_sen_stays_near_the_exact_one_on_long_histories():
    timeline = _timeline(400, seed=5)
    line = stats.theilslopes(timeline.log_cost, timeline.log_size[:-1], method="joint")
    expected = line.intercept + line.slope * timeline.log_size[-1]
    assert models.theil_sen_line(timeline)[-1] == pytest.approx(expected, abs=0.08)


def test_a_tenth_of_wild_costs_hardly_moves_theil_sen():
    timeline = _timeline(100, seed=5)
    wild = timeline.log_cost.copy()
    wild[::10] += 12
    moved = models.Timeline(wild, timeline.log_size, timeline.deviation)
    assert abs(models.theil_sen_line(moved)[-1] - models.theil_sen_line(timeline)[-1]) < 0.5
    assert abs(models.log_line(moved)[-1] - models.log_line(timeline)[-1]) > 0.8


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.001, 1000))
def test_every_candidate_follows_a_change_of_the_cost_unit(seed, factor):
    timeline = _timeline(25, seed)
    scaled = models.Timeline(timeline.log_cost + np.log(factor), timeline.log_size, timeline.deviation)
    for model in (*models.CANDIDATES, *models.BASELINES):
        plain = models.forecast_all([model], timeline, (0.7,))[model.name]
        moved = models.forecast_all([model], scaled, (0.7,))[model.name]
        assert np.allclose(moved.estimate, plain.estimate * factor, rtol=1e-6, equal_nan=True)
        assert np.allclose(moved.upper, plain.upper * factor, rtol=1e-6, equal_nan=True)


def test_models_that_need_a_size_are_silent_without_one():
    timeline = models.Timeline(np.zeros(20), np.full(21, np.nan), np.full(21, np.nan))
    said = models.forecast_all(models.CANDIDATES, timeline, (0.7,))
    assert not np.isnan(said["history"].estimate[-1])
    assert np.isnan(said["loglog"].estimate[-1]) and np.isnan(said["reference_class"].estimate[-1])


@pytest.mark.parametrize(("table", "actual"), [("T1", sei.ADDED), ("T2", sei.HOURS)])
def test_the_log_log_fit_of_the_sei_table_agrees_to_10_digits(table, actual):
    known, fit = sei.LOG_LOG[table], fit_log_line(np.array(sei.PROXY), np.array(actual))
    assert fit.intercept == pytest.approx(known["a"], rel=6e-10)
    assert fit.slopes["size"] == pytest.approx(known["b"], rel=6e-10)
    assert fit.r2 == pytest.approx(known["r2"], rel=6e-10)
    assert fit.smearing == pytest.approx(known["smearing"], rel=6e-10)
    for level in ("70", "90"):
        said = fit.predict(386.0, int(level) / 100).iloc[0]
        assert said["estimate"] == pytest.approx(known["median"], rel=6e-10)
        assert said["mean"] == pytest.approx(known["mean"], rel=6e-10)
        assert (said["lower"], said["upper"]) == pytest.approx(known[level], rel=6e-10)


def test_several_proxies_have_the_exact_interval_with_its_cross_terms():
    rng = np.random.default_rng(6)
    first = rng.normal(3, 1, 15)
    frame = pd.DataFrame({"files": np.exp(first), "words": np.exp(first + rng.normal(0, 0.3, 15))})
    cost = np.exp(0.4 * np.log(frame["files"]) + 0.5 * np.log(frame["words"]) + rng.normal(0, 0.2, 15)).to_numpy()
    fit = fit_log_line(frame, cost)
    design = np.column_stack([np.ones(15), np.log(frame)])
    new = np.array([1.0, np.log(200.0), np.log(5.0)])
    spread = fit.sigma * np.sqrt(1 + new @ np.linalg.inv(design.T @ design) @ new)
    said = fit.predict({"files": 200.0, "words": 5.0}, 0.7).iloc[0]
    assert np.log(said["upper"] / said["estimate"]) == pytest.approx(stats.t.ppf(0.85, 12) * spread, rel=1e-8)


def test_proxies_that_repeat_each_other_are_refused():
    size = np.exp(np.linspace(0, 3, 12))
    with pytest.raises(EstimationRefusal, match="condition number"):
        fit_log_line(pd.DataFrame({"lines": size, "chars": 40 * size}), size)


def test_a_fit_on_too_few_or_equal_sizes_is_refused_with_the_numbers():
    with pytest.raises(EstimationRefusal, match=r"3 tasks .* 2 found"):
        fit_log_line(np.array([1.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0]))
    with pytest.raises(EstimationRefusal, match="all have 5"):
        fit_log_line(np.full(4, 5.0), np.arange(1.0, 5))
    with pytest.raises(InputError, match="Align"):
        fit_log_line(np.ones(3), np.ones(4))


def test_the_smeared_mean_is_right_where_the_naive_one_is_too_low():
    history = made_history(4000, noise=0.8, seed=7)
    fit = fit_log_line(history["size"].to_numpy(), history["cost_usd"].to_numpy())
    said = fit.predict(pd.DataFrame({"size": history["size"]}))
    assert said["mean"].mean() == pytest.approx(history["cost_usd"].mean(), rel=0.05)
    assert said["estimate"].mean() < 0.8 * history["cost_usd"].mean()
