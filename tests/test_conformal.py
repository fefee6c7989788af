"""Conformal intervals are finite from the second past error on, hold as often as they say, and follow drift."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asp_analysis.probe.models.adaptive import follow_misses
from asp_analysis.probe.models.candidates import MODELS, forecast_all
from asp_analysis.probe.models.conformal import Calibration, Limits, calibrate
from tests.reference.past_runs import make_timeline

pytestmark = pytest.mark.slow


def _calibrated(error, calibration, levels=(0.7, 0.9), log_size=None):
    n = len(error)
    size = np.full(n + 1, np.nan) if log_size is None else log_size
    return calibrate([np.zeros(n + 1)], make_timeline(error, size), levels, [calibration])[0]


def _coverage(found, error, first=20):
    inside = (found.lower[:-1] <= error[:, None]) & (error[:, None] <= found.upper[:-1])
    return inside[first:].mean(0)


@pytest.mark.parametrize("is_adaptive", [True, False])
def test_intervals_of_independent_errors_hold_as_often_as_they_say(is_adaptive):
    rng = np.random.default_rng(1)
    runs = [rng.standard_t(4, 300) for _ in range(20)]
    found = [_coverage(_calibrated(error, Calibration(is_adaptive=is_adaptive)), error) for error in runs]
    assert np.mean(found, axis=0) == pytest.approx([0.7, 0.9], abs=0.02)


def test_skewed_errors_get_skewed_bounds():
    error = np.random.default_rng(2).exponential(1, 400)
    found = _calibrated(error, Calibration(is_adaptive=False))
    assert found.lower[-1, 0] == pytest.approx(stats.expon.ppf(0.15), abs=0.08)
    assert found.upper[-1, 0] == pytest.approx(stats.expon.ppf(0.85), abs=0.3)


def test_when_errors_drift_only_the_adaptive_level_holds():
    rng = np.random.default_rng(3)
    error = np.cumsum(rng.normal(0, 0.15, 800)) + rng.normal(0, 0.3, 800)
    plain, adaptive = (_coverage(_calibrated(error, Calibration(is_adaptive=flag)), error)[0] for flag in (False, True))
    assert plain < 0.6
    assert adaptive == pytest.approx(0.7, abs=0.03)


def test_when_spread_grows_with_size_only_weights_by_size_hold_in_every_tercile():
    rng = np.random.default_rng(4)
    size = rng.normal(0, 1, 1201)
    error = rng.normal(0, np.exp(0.6 * size[:-1]))
    tercile = np.digitize(size[:-1], np.quantile(size, [1 / 3, 2 / 3]))
    spread = []
    for bandwidth in (None, 0.7):
        found = _calibrated(error, Calibration(bandwidth_sd=bandwidth), log_size=size)
        inside = (found.lower[:-1, 0] <= error) & (error <= found.upper[:-1, 0])
        spread.append(np.ptp([inside[(tercile == k) & (np.arange(1200) >= 20)].mean() for k in range(3)]))
    assert spread[0] > 0.4 and spread[1] < 0.25


def test_recent_errors_count_more_when_asked():
    error = np.concatenate([np.zeros(100), np.full(30, 2.0) + 0.01 * np.arange(30)])
    assert _calibrated(error, Calibration(half_life_tasks=20)).median[-1] > 1.9
    assert _calibrated(error, Calibration()).median[-1] == 0


def test_a_level_that_misses_too_often_is_raised_and_one_that_never_misses_is_lowered():
    nominal = np.array([0.3, 0.3])
    p_values = np.column_stack([np.full(200, 0.01), np.full(200, 0.99)])
    asked = follow_misses(p_values, nominal)
    assert asked[0] == pytest.approx(nominal)
    assert asked[-1, 0] < 0.05 and asked[-1, 1] > 0.9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 59))
def test_the_level_before_an_outcome_does_not_depend_on_it_or_later_ones(p_values, cut):
    cut = min(cut, len(p_values) - 1)
    other = np.array(p_values)
    other[cut:] = 1 - other[cut:]
    asked, again = (follow_misses(np.array(p)[:, None], np.array([0.3])) for p in (p_values, other))
    assert (asked[: cut + 1] == again[: cut + 1]).all()


def test_intervals_are_finite_from_the_second_past_error_on():
    found = _calibrated(np.random.default_rng(5).normal(0, 1, 12), Calibration())
    assert np.isnan(found.lower[:2]).all() and np.isfinite(found.lower[2:]).all()


def test_bounds_stay_within_what_was_seen_unless_the_task_is_larger_than_all_before():
    log_cost, log_size = np.linspace(-1, 1, 30), np.append(np.zeros(30), 0.0)
    seen = Limits.of(make_timeline(log_cost, log_size))
    assert (seen.least[-1], seen.most[-1]) == (-1, 1) and not seen.is_enough[19]
    larger = Limits.of(make_timeline(log_cost, np.append(np.zeros(30), 1.0)))
    assert np.isinf(larger.most[-1]) and np.isinf(larger.least[-1]) and larger.stretch[-1] > 1


def _simulated(n, runs, seed):
    """Log-normal sizes (log SD 0.9) and noise (0.6): log sizes, log costs, each (runs, n + 1)."""
    rng = np.random.default_rng(seed)
    size = rng.normal(4, 0.9, (runs, n + 1))
    return size, size - 3 + rng.normal(0, 0.6, (runs, n + 1))


def _within(held, level, room):
    """Coverage is nominal within Monte-Carlo error; `room` is the finite-sample excess of conformal intervals."""
    error = 3 * np.sqrt(level * (1 - level) / len(held)) + 0.01
    return level - error <= np.mean(held) <= level + room + error


@pytest.mark.parametrize("n", [10, 30, 100])
def test_under_multiplicative_noise_models_on_logs_hold_and_the_published_line_fails(n):
    runs, names = 250, ("history", "loglog", "probe_line")
    size, cost = _simulated(n, runs, n)
    held = {name: np.zeros((runs, 2)) for name in names}
    for k in range(runs):
        timeline = make_timeline(cost[k, :n], size[k])
        actual = np.exp(cost[k, n])
        for name, said in forecast_all([MODELS[name] for name in names], timeline, (0.7, 0.9)).items():
            held[name][k] = (said.lower[n] <= actual) & (actual <= said.upper[n])
    for column, level in enumerate((0.7, 0.9)):
        assert _within(held["history"][:, column], level, 2 / (n + 1))
        # About half of the tasks count as alike in size.
        assert _within(held["loglog"][:, column], level, 2 / (n / 2 + 1))
    tercile = np.digitize(size[:, n], np.quantile(size[:, n], [1 / 3, 2 / 3]))
    line = [held["probe_line"][tercile == k, 0].mean() for k in range(3)]
    assert line[0] > 0.85 and line[0] - line[2] > 0.15
