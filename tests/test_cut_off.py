"""What runs that a limit cut off would have cost: Kaplan and Meier's estimate, and what an estimate says of it."""

import numpy as np
import pytest

from asp_analysis.probe.cut_off import find_uncut_quantiles
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.history import split_series
from asp_analysis.probe.question import Question
from tests.reference.past_runs import table_history

# Freireich and others (1963): weeks of remission with 6-mercaptopurine, + for those still in remission. The worked
# example of every textbook: its median is 23 weeks (Kalbfleisch and Prentice 2002, table 1.1; R's survfit(gehan)).
REMISSION = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
STILL = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]


def test_the_textbook_example_has_its_quartile_and_its_median_and_no_upper_quartile():
    quarter, median, upper = find_uncut_quantiles(REMISSION, STILL, (0.25, 0.5, 0.75))
    assert (quarter, median) == (13, 23) and np.isnan(upper)


def test_where_nothing_was_cut_off_quantiles_are_those_of_the_costs():
    cost = np.arange(1.0, 12.0)
    assert find_uncut_quantiles(cost, np.zeros(11), (0.5,)) == pytest.approx(6.0)
    assert find_uncut_quantiles(cost[:10], np.zeros(10), (0.5,)) == pytest.approx(5.5)
    assert np.isnan(find_uncut_quantiles(cost, np.ones(11), (0.5,))).all()
    assert np.isnan(find_uncut_quantiles([], [], (0.5,))).all()


def _limited(n=1000, limit_at=0.7, seed=5):
    rng = np.random.default_rng(seed)
    whole = np.exp(rng.normal(0, 0.6, n))
    limit = np.quantile(whole, limit_at) * np.exp(rng.normal(0, 0.4, n))
    history = table_history(np.full(n, np.nan), np.minimum(whole, limit))
    return history.assign(is_censored=whole > limit), whole


@pytest.mark.parametrize("per", ["attempt", "finished"])
def test_an_estimate_says_what_runs_would_cost_that_nothing_cuts_off(per):
    history, whole = _limited()
    found = estimate(history, Question(model="one", role="coder", per=per))["cost_usd"]
    (note,) = [note for note in found.notes if "Kaplan-Meier" in note]
    median, upper = (float(text.split(" or less")[0].split()[-1]) for text in note.split("cost ")[-1].split(" and "))
    assert median == pytest.approx(np.median(whole), rel=0.05) and upper == pytest.approx(
        np.quantile(whole, 0.85), rel=0.1
    )
    # What is counted as it was cut off is a lower bound, of the estimate and of the upper end.
    assert found.estimate < median and found.upper[0.7] < upper


def test_a_task_that_was_cut_off_twice_is_one_lower_bound_and_an_unknown_cost_is_none():
    history = table_history([np.nan] * 5, [1.0, 2.0, 3.0, 4.0, np.nan])
    history["task_id"] = ["a", "a", "b", "c", "d"]
    history["is_censored"] = [True, True, False, False, True]
    (series,) = split_series(history, "cost_usd")
    assert series.cut_costs.tolist() == [3.0] and series.cost.tolist() == [3.0, 4.0]
    assert series.left_out["cut off and never finished"] == 3
