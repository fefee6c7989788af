"""Intervals of shares and rates are those of statsmodels."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson

from asp_analysis.intervals import exact_poisson, wilson

SHARES = [(0, 1), (1, 1), (3, 10), (2.5, 7), (999, 1000), (5000, 10_000)]


@pytest.mark.parametrize("level", [0.7, 0.9, 0.95])
@pytest.mark.parametrize(("part", "whole"), SHARES)
def test_a_share_has_the_interval_of_statsmodels(part, whole, level):
    assert wilson(part, whole, level) == pytest.approx(proportion_confint(part, whole, 1 - level, "wilson"), rel=1e-13)


def test_many_shares_at_once_have_the_same_intervals():
    part, whole = (pd.Series(values, dtype=float) for values in zip(*SHARES, strict=True))
    lower, upper = wilson(part, whole)
    assert np.column_stack([lower, upper]) == pytest.approx(np.array([wilson(*share) for share in SHARES]))


def test_an_interval_of_a_share_stays_between_0_and_1():
    counts = np.arange(1, 200)
    assert (wilson(0 * counts, counts)[0] == 0.0).all()
    assert (wilson(counts, counts)[1] == 1.0).all()


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("count", [0, 1, 17, 2000])
def test_a_rate_has_the_exact_interval_of_statsmodels(count, level):
    expected = confint_poisson(count, 12.5, method="exact-c", alpha=1 - level)
    assert exact_poisson(count, 12.5, level) == pytest.approx(tuple(float(end) for end in expected), rel=1e-12)
