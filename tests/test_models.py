"""Rolling centres equal a fit from scratch on the past, and the line on logs equals worked values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from asp_analysis.probe.models import candidates as models
from tests.reference import sei_table as sei
from tests.reference.past_runs import make_timeline


def _timeline(n=40, seed=0, unknown=()):
    rng = np.random.default_rng(seed)
    size = rng.normal(3, 1, n + 1)
    size[list(unknown)] = np.nan
    log_cost = rng.normal(0, 1, n) + 0.5 * np.nan_to_num(size[:n])
    return make_timeline(log_cost, size)


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
    far = replace(near, log_size=near.log_size + 1e6)
    assert models.log_line(far)[8:] == pytest.approx(models.log_line(near)[8:], rel=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.001, 1000))
def test_every_candidate_follows_a_change_of_the_cost_unit(seed, factor):
    timeline = _timeline(25, seed)
    scaled = replace(timeline, log_cost=timeline.log_cost + np.log(factor))
    for model in (*models.CANDIDATES, *models.BASELINES):
        plain = models.forecast_all([model], timeline, (0.7,))[model.name]
        moved = models.forecast_all([model], scaled, (0.7,))[model.name]
        assert np.allclose(moved.estimate, plain.estimate * factor, rtol=1e-6, equal_nan=True)
        assert np.allclose(moved.upper, plain.upper * factor, rtol=1e-6, equal_nan=True)


def test_models_that_need_a_size_are_silent_without_one():
    timeline = make_timeline(np.zeros(20), np.full(21, np.nan))
    said = models.forecast_all(models.CANDIDATES, timeline, (0.7,))
    assert not np.isnan(said["history"].estimate[-1])
    assert np.isnan(said["loglog"].estimate[-1]) and np.isnan(said["nested"].estimate[-1])


@pytest.mark.parametrize(("table", "actual"), [("T1", sei.ADDED), ("T2", sei.HOURS)])
def test_the_log_log_line_of_the_sei_table_agrees_to_10_digits(table, actual):
    log_size = np.log([*sei.PROXY, 386.0])
    timeline = make_timeline(np.log(actual), log_size)
    assert np.exp(models.log_line(timeline)[-1]) == pytest.approx(sei.LOG_LOG[table]["median"], rel=6e-10)
