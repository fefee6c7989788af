"""The rules of choosing: stated in words, checked at the door, and able to change the verdict."""

from dataclasses import fields

import numpy as np
import pytest

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.published.data import ProbeData
from asp_analysis.probe.published.linear import fit_line
from asp_analysis.probe.published.methods import judge_methods
from asp_analysis.probe.published.policy import Policy, rate_method
from asp_analysis.probe.question import Question


def test_every_rule_is_described_in_words():
    frame = Policy().frame()
    assert frame["rule"].tolist() == [f.name for f in fields(Policy)]
    assert frame["meaning"].str.len().min() > 20
    assert set(frame["kind"]) == {"veto", "flag", "choice"}


def test_the_default_thresholds_are_the_published_guidance():
    policy = Policy()
    assert (policy.min_points, policy.min_r2, policy.max_significance, policy.max_b0_share) == (3, 0.5, 0.05, 0.25)
    assert (policy.slope_basis, policy.slope_low, policy.slope_high, policy.is_strict) == ("own_x", 0.5, 1.5, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"order": ("A", "Z")}, "Name one or more of A, B"),
        ({"order": ("A", "A")}, "each once"),
        ({"order": ()}, "Name one or more of A, B"),
        ({"slope_basis": "guess"}, "slope basis"),
        ({"min_points": 2}, "too few for a line"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(change, words):
    with pytest.raises(EstimationRefusal, match=words):
        Policy(**change)


def test_the_order_decides_between_methods_that_pass():
    x = np.arange(1.0, 11)
    data = ProbeData(proxy=x, actual=2 * x + np.resize([0.2, -0.1, -0.1], 10))
    assert judge_methods(data, Question(size=5)).chosen == "A"
    assert judge_methods(data, Question(size=5), policy=Policy(order=("C1", "A"))).chosen == "C1"


@pytest.mark.parametrize(
    "change",
    [{"min_points": 11}, {"min_r2": 0.99999}, {"max_significance": 1e-20}, {"max_b0_share": 1e-6}, {"slope_low": 1.2},
     {"slope_high": 0.8}],
)  # fmt: skip
def test_each_veto_alone_can_refuse_a_good_line(change):
    x = np.arange(1.0, 11)
    data = ProbeData(proxy=x, actual=2 * x + np.resize([0.2, -0.1, -0.1], 10))
    assert judge_methods(data, Question(size=5))["A"].verdict == "valid"
    assert judge_methods(data, Question(size=5), judgement=1, policy=Policy(**change))["A"].verdict == "refused"


@pytest.mark.parametrize("change", [{"weak_r2": 1.0}, {"max_cooks_distance": 1e-6}, {"max_slope_change": 1e-6}])
def test_each_flag_alone_can_flag_a_good_line(change):
    x = np.arange(1.0, 11)
    data = ProbeData(proxy=x, actual=2 * x + np.resize([0.2, -0.1, -0.1], 10))
    assert judge_methods(data, Question(size=5), policy=Policy(**change))["A"].verdict == "flagged"


def test_a_task_without_which_the_slope_falls_is_named():
    x, y = [1, 2, 3, 4, 5, 20], [2, 1, 2, 1, 2, 10]
    reasons = judge_methods(ProbeData(proxy=x, actual=y), Question(size=4))["A"].reasons
    assert any(r.startswith("without task 6 the slope changes by -") for r in reasons)


def test_a_slope_that_rests_on_one_task_alone_is_flagged():
    result = judge_methods(ProbeData(proxy=[1, 1, 1, 9], actual=[1, 1.5, 1.2, 10]), Question(size=4))["A"]
    assert "the slope rests on task 4 alone" in result.reasons


@pytest.mark.parametrize(("method", "score"), [("C3", 5.00001), ("D", 5.0)])
def test_the_last_resorts_have_fixed_ratings(method, score):
    assert rate_method(method, 0.3) == score


def test_a_ratio_as_expected_rates_six_and_twice_as_expected_rates_four():
    assert rate_method("C1", 1.0) == 6
    assert rate_method("C1", 2.0) == rate_method("C1", 0.5) == 4


def test_an_insignificant_line_rates_half_a_point_lower():
    fit = fit_line([1, 2, 3, 4, 5], [1, 9, 2, 8, 3])
    assert fit.significance > 0.2
    assert rate_method("A", 1.0, fit, 0.0) == pytest.approx(6 + 0.25 - 0.5)


def test_a_slope_in_the_wrong_direction_rates_lowest():
    assert rate_method("A", -1.0, fit_line([1, 2, 3], [3, 2, 1.1]), 0.0) == -np.inf
