"""Medians of all prefixes at once are those that one would find prefix by prefix, to the last digit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.probe.models.running_medians import PREFIXES, find_prefix_intercepts, find_prefix_medians

_NUMBERS = st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=60)


@given(values=_NUMBERS, data=st.data())
def test_the_median_of_every_prefix_is_found(values, data):
    counts = np.array(data.draw(st.lists(st.integers(0, len(values)), min_size=1, max_size=20)))
    expected = [np.median(values[:count]) if count else 0.0 for count in counts]
    assert find_prefix_medians(np.array(values), counts).tolist() == expected


def test_no_values_have_the_median_0():
    assert find_prefix_medians(np.empty(0), np.array([0, 0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("spread", [0.0, 1e-3, 1.0, 50.0])
@pytest.mark.parametrize("count", [1, 2, PREFIXES, PREFIXES + 1, 3 * PREFIXES + 7])
def test_the_intercept_of_every_prefix_is_found_however_much_the_slope_moves(count, spread):
    rng = np.random.default_rng(count)
    x, y = np.round(rng.normal(3, 1, count), 1), rng.normal(0, 1, count)
    slopes = 0.6 + spread * rng.normal(0, 1, count)
    expected = [np.median(y[: k + 1] - slopes[k] * x[: k + 1]) for k in range(count)]
    assert find_prefix_intercepts(x, y, slopes).tolist() == expected


def test_the_intercept_is_found_where_costs_drift_away():
    count = 4 * PREFIXES
    x, y = np.linspace(1, 5, count), np.linspace(-20, 20, count)
    slopes = np.linspace(2, -1, count)
    expected = [np.median(y[: k + 1] - slopes[k] * x[: k + 1]) for k in range(count)]
    assert find_prefix_intercepts(x, y, slopes).tolist() == expected
