"""The sound rule against reference tables, by simulation, and case by case."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from asp_analysis.errors import EstimationRefusal
from asp_analysis.learning.sound import Cases, SoundRule, is_drifting, log_e_value, lower_bound, simulate, walk
from asp_analysis.learning.standings import score_criterion

pytestmark = pytest.mark.slow

REFERENCE = json.loads((Path(__file__).parent / "reference" / "graduation.json").read_text())
LOG_20 = math.log(20)


def life(values, *, changed=(), critical=(), needed=10, target=0.8):
    values = np.asarray(values, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    n = len(values)
    flags = {name: np.isin(np.arange(n), places) for name, places in (("changed", changed), ("critical", critical))}
    targets = (target,) * values.shape[1]
    return Cases(
        values=values,
        targets=targets,
        needed=needed,
        strata=np.arange(n) % 3,
        is_changed=flags["changed"],
        is_critical=flags["critical"],
    )


def lives(seed, true_rate, count=2_000):
    return np.random.default_rng(seed).random((count, 200)) < true_rate


def modes(*args, **kwargs):
    return walk(life(*args, **kwargs), SoundRule()).modes.tolist()


# --- reference tables -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", REFERENCE["cases_without_a_miss"], ids=lambda row: str(row["target"]))
def test_the_smallest_number_of_cases_without_a_miss_is_that_of_the_table(row):
    target = row["target"]
    n = np.arange(1, 400)
    assert n[log_e_value(n, n, target) >= LOG_20][0] == row["e_value"]
    assert n[proportion_confint(n, n, 0.05, "wilson")[0] >= target][0] == row["wilson"]
    assert n[proportion_confint(n, n, 0.10, "beta")[0] >= target][0] == row["clopper_pearson_one_sided"]


@pytest.mark.parametrize(("hits", "cases", "lower", "upper"), REFERENCE["wilson"])
def test_a_criterion_carries_the_wilson_interval_of_its_cases(hits, cases, lower, upper):
    outcomes = np.array([1.0] * hits + [0.0] * (cases - hits) + [np.nan])
    row = score_criterion(outcomes, 0.8, SoundRule())
    assert (row["cases"], row["value"]) == (cases, hits / cases)
    assert row["wilson_lower"] == pytest.approx(lower, abs=1e-9)
    assert row["wilson_upper"] == pytest.approx(upper, abs=1e-9)


def test_the_e_value_is_the_integral_of_its_definition():
    from scipy.integrate import quad

    k, n, p0 = 17, 20, 0.7
    integral = quad(lambda p: p**k * (1 - p) ** (n - k), p0, 1)[0] / (1 - p0)
    assert math.exp(log_e_value(k, n, p0)) == pytest.approx(integral / (p0**k * (1 - p0) ** (n - k)), rel=1e-9)


def test_the_e_value_stays_finite_after_many_thousand_cases():
    assert log_e_value(90_000, 100_000, 0.8) > 1_000
    assert log_e_value(70_000, 100_000, 0.8) < 0


@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from([0.6, 0.7, 0.8, 0.9, 0.95]))
def test_the_lower_bound_reaches_the_target_exactly_when_the_e_value_promotes(cases, share, target):
    hits = round(share * cases)
    log_e, bound = float(log_e_value(hits, cases, target)), lower_bound(hits, cases)
    assert (bound >= target) == (log_e >= LOG_20) or abs(bound - target) < 1e-6
    assert 0 <= bound <= hits / cases


@given(st.integers(1, 60), st.floats(0.05, 0.95), st.floats(0, 1))
def test_a_single_case_multiplies_the_e_value_by_at_most_one_on_average_at_the_target(n, target, share):
    hits = share * n
    up, down = (math.exp(log_e_value(hits + more, n + 1, target)) for more in (1, 0))
    assert target * up + (1 - target) * down == pytest.approx(math.exp(log_e_value(hits, n, target)), rel=1e-6)


def test_more_successes_than_cases_are_refused():
    with pytest.raises(EstimationRefusal, match="successes <= cases"):
        log_e_value(3, 2, 0.8)


def test_thresholds_that_make_no_sense_are_refused():
    with pytest.raises(EstimationRefusal, match="alpha=0"):
        SoundRule(alpha=0)
    with pytest.raises(EstimationRefusal, match="dwell=0"):
        SoundRule(dwell=0)


# --- simulation -------------------------------------------------------------------------------------------------------


def test_at_the_target_the_sound_rule_promotes_falsely_in_at_most_five_percent_and_the_published_one_nearly_always():
    promoted = simulate(lives(6, 0.80), 0.80)
    assert promoted.sound_share <= 0.05
    assert promoted.published_share == pytest.approx(0.93, abs=0.02)


def test_a_capability_at_090_against_080_is_promoted_within_200_tasks_in_at_least_85_percent_of_lives():
    assert simulate(lives(6, 0.90), 0.80).sound_share >= 0.85


@pytest.mark.parametrize("row", REFERENCE["promoted_at_target_080"], ids=lambda row: str(row["true_rate"]))
def test_promotion_shares_are_those_of_the_table(row):
    bare = SoundRule(dwell=1, min_per_stratum=0, drift_alpha=1e-12)
    promoted = simulate(lives(1, row["true_rate"], 4_000), 0.80, bare)
    if "raw_rate" in row:
        assert promoted.published_share == pytest.approx(row["raw_rate"], abs=0.025)
    if "e_value" in row:
        assert promoted.sound_share == pytest.approx(row["e_value"], abs=0.025)


def test_what_is_below_the_target_is_promoted_almost_never():
    assert simulate(lives(6, 0.75), 0.80).sound_share <= 0.01


def test_a_second_criterion_at_its_target_keeps_the_promise_of_five_percent():
    rng, promoted = np.random.default_rng(8), 0
    for _ in range(1_000):
        good, at_target = rng.random(200) < 0.97, rng.random(200) < 0.80
        promoted += 2 in walk(life(np.column_stack([good, at_target])), SoundRule()).modes
    assert promoted / 1_000 <= 0.05


# --- case by case -----------------------------------------------------------------------------------------------------


def test_a_perfect_life_goes_from_learning_over_shadow_to_autonomous():
    found = modes([1.0] * 40)
    assert found[8] == 0 and found[9] == 1
    assert found.index(2) == 21  # 20 cases reach the e-value, three looks in a row confirm it


def test_a_stratum_with_too_few_cases_holds_promotion_back():
    cases = life([1.0] * 40)
    without_large = np.where(cases.strata == 2, 0, cases.strata)
    without_large[-1] = 2
    assert 2 not in walk(replace(cases, strata=without_large), SoundRule()).modes


def test_what_is_clearly_below_its_target_stays_in_learning():
    assert set(modes([0.0, 0.0, 1.0] * 30)) == {0}


def test_a_new_model_resets_to_shadow_and_evidence_begins_anew():
    found = modes([1.0] * 60, changed=[30])
    assert found[29:31] == [2, 1]
    assert found.index(2, 30) == 30 + 21


def test_one_critical_failure_takes_autonomy_away():
    found = modes([1.0] * 40, critical=[30])
    assert found[29:31] == [2, 1]
    assert found[31] == 1


def test_a_recent_window_of_failures_takes_autonomy_away():
    found = modes([1.0] * 40 + [0.0, 1.0] * 10)
    assert found[39] == 2 and 1 in found[40:]


def test_promotion_and_demotion_have_different_thresholds():
    near = np.resize([1, 1, 1, 1, 1, 1, 1, 0, 0, 1.0], 60)
    found = modes(np.concatenate([np.ones(40), near]))
    assert set(found[40:]) == {2}  # 80 % neither earns autonomy nor loses it
    assert 2 not in modes(near)


def test_all_criteria_must_be_passed():
    good, bad = np.ones(60), np.resize([1.0, 1.0, 0.0], 60)
    assert 2 in modes(np.column_stack([good, good]))
    assert 2 not in modes(np.column_stack([good, bad]))


def test_a_criterion_without_any_case_holds_promotion_back():
    assert set(modes(np.column_stack([np.ones(60), np.full(60, np.nan)]))) == {0}


def test_drift_is_judged_on_full_windows_only():
    rule = SoundRule()
    flags = is_drifting(np.zeros(30), 0.8, rule)
    assert not flags[:19].any() and flags[19:].all()


def test_a_life_without_cases_is_learning():
    assert walk(life(np.zeros((0, 1))), SoundRule()).modes.tolist() == []
    assert math.isnan(lower_bound(0, 0))
