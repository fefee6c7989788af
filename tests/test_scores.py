"""Scores against worked values and against their definitions."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.errors import InputError
from asp_analysis.probe import scores
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.question import EACH, Question


def _reference():
    path = Path(__file__).parent / "reference" / "sei_table.py"
    spec = importlib.util.spec_from_file_location("sei_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SEI = _reference()
COSTS = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=40)


@pytest.mark.parametrize(("table", "actual"), [("T1", SEI.ADDED), ("T2", SEI.HOURS)])
def test_in_sample_scores_of_the_sei_table_agree_to_10_digits(table, actual):
    known = SEI.IN_SAMPLE[table]
    slope, intercept = np.polyfit(SEI.PROXY, actual, 1)
    fitted = intercept + slope * np.array(SEI.PROXY)
    found = {
        "mmre": scores.mmre(actual, fitted),
        "mdmre": scores.mdape(actual, fitted),
        "pred25": scores.pred(actual, fitted),
        "mar": np.mean(np.abs(actual - fitted)),
        "mar_p0": scores.random_guess_error(actual),
        "sa": scores.standardized_accuracy(actual, fitted),
    }
    for name, value in found.items():
        assert value == pytest.approx(known[name], rel=6e-10), name


@given(COSTS)
def test_the_exact_random_guess_is_the_mean_over_all_pairs(costs):
    pairs = np.abs(np.subtract.outer(costs, costs))
    n = len(costs)
    assert scores.random_guess_error(costs) == pytest.approx(pairs.sum() / (n * (n - 1)), rel=1e-9, abs=1e-6)


@given(COSTS, st.floats(0.1, 10))
def test_scores_do_not_depend_on_the_unit(costs, factor):
    actual = np.array(costs)
    estimate = actual[::-1]
    assert scores.mdape(actual * factor, estimate * factor) == pytest.approx(scores.mdape(actual, estimate))
    assert scores.log_bias(actual * factor, estimate * factor)[0] == pytest.approx(
        scores.log_bias(actual, estimate)[0], abs=1e-9
    )


def test_an_error_of_exactly_a_quarter_is_within_pred25():
    assert scores.pred([100.0, 100.0], [75.0, 74.0]) == 0.5


def test_log_bias_of_forecasts_twice_too_high_is_ln_2_with_an_interval_around_it():
    actual = np.array([1.0, 2.0, 5.0, 9.0])
    bias, lower, upper = scores.log_bias(actual, actual * 2 * np.array([1.1, 1 / 1.1, 1.2, 1 / 1.2]))
    assert bias == pytest.approx(np.log(2))
    assert lower < np.log(2) < upper


def test_the_interval_score_adds_the_overshoot_at_the_price_of_the_level():
    assert scores.interval_score([5.0], [6.0], [8.0], 0.9) == pytest.approx(2 + 2 / 0.1 * 1)
    assert scores.interval_score([7.0], [6.0], [8.0], 0.9) == pytest.approx(2)


def _frame():
    return pd.DataFrame(
        {
            "model": "m",
            "llm_model": "a",
            "agent_role": "r",
            "actual": [1.0, 2.0, 3.0, 40.0],
            "estimate": [1.0, 2.0, 3.0, 4.0],
            "lower_70": [0.5, 1.0, 2.0, 3.0],
            "upper_70": [2.0, 3.0, 4.0, 5.0],
            "size_tercile": ["small", "small", "middle", "large"],
        }
    )


def test_coverage_is_counted_overall_and_within_each_size_tercile():
    row = scores.score(_frame()).iloc[0]
    assert row["coverage_70"] == 0.75
    assert (row["coverage_70_small"], row["coverage_70_middle"], row["coverage_70_large"]) == (1, 1, 0)


def test_one_row_is_made_per_group_with_its_count():
    two = pd.concat([_frame(), _frame().assign(model="other").head(2)])
    assert scores.score(two).set_index("model")["n"].to_dict() == {"m": 4, "other": 2}


def test_scoring_nothing_is_refused():
    with pytest.raises(InputError, match="no forecasts with an outcome"):
        scores.score(_frame().head(0))


def test_log_scores_of_intervals_that_reach_zero_are_not_defined_but_raw_ones_are():
    row = scores.score(_frame().assign(lower_70=[0.0, 1.0, 2.0, 3.0])).iloc[0]
    assert np.isnan(row["interval_score_70"]) and np.isnan(row["width_70"])
    assert row["raw_width_70"] == pytest.approx(2.0)


def _paired(own, base):
    """Two models' forecasts of the same tasks whose intervals miss by so much on logs."""
    n = len(own)
    frames = []
    for name, errors in (("mine", own), ("past_median", base)):
        frames.append(
            pd.DataFrame(
                {
                    "model": name,
                    "llm_model": "m",
                    "agent_role": "r",
                    "place": np.arange(n),
                    "actual": 1.0,
                    "estimate": np.exp(errors),
                    "lower_70": np.exp(np.asarray(errors) - 0.5),
                    "upper_70": np.exp(np.asarray(errors) + 0.5),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def test_the_weighted_interval_score_agrees_with_one_worked_by_hand():
    frame = _paired([0.2, 0.9], [0.0, 0.0])
    # (|y - m| / 2 + 0.3 / 2 (width + 2 / 0.3 overshoot)) / 1.5
    expected = [(0.1 + 0.15 * 1.0) / 1.5, (0.45 + 0.15 * (1.0 + 2 / 0.3 * 0.4)) / 1.5]
    assert scores.weighted_interval_scores(frame)[:2] == pytest.approx(expected)


def test_skill_is_measured_on_the_rows_that_both_forecast():
    rng = np.random.default_rng(1)
    frame = _paired(rng.normal(0, 0.3, 200), rng.normal(0, 0.9, 200))
    fewer = frame.drop(frame.index[frame["model"].eq("past_median") & (frame["place"] < 50)])
    table = scores.score(fewer, by=("model",)).set_index("model")
    assert table.loc["mine", "n"] == 200 and table.loc["mine", "n_common"] == 150
    wis = scores.weighted_interval_scores(fewer[fewer["place"] >= 50])
    assert table.loc["mine", "skill"] == pytest.approx(1 - wis[:150].sum() / wis[150:].sum())
    assert 0 < table.loc["mine", "skill_lower"] < table.loc["mine", "skill"] < table.loc["mine", "skill_upper"] < 1


def test_a_skill_of_alike_models_has_an_interval_around_0_that_holds_when_scores_come_in_blocks():
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        own, base = (np.abs(np.repeat(rng.normal(0, 1, 40), 5) + rng.normal(0, 0.3, 200)) for _ in range(2))
        _, lower, upper = scores.measure_skill(own, base)
        held.append(lower <= 0 <= upper)
    assert np.mean(held) >= 0.8


def test_above_counts_ties_half_and_the_ratio_of_means_is_that_of_sums():
    frame = _paired([0.0, 0.1, -0.1, 0.2], [0.0] * 4).assign(mean=2.0)
    row = scores.score(frame, by=("model",)).set_index("model").loc["mine"]
    assert row["above"] == pytest.approx(1.5 / 4) and row["mean_ratio"] == pytest.approx(2.0)


def test_positions_of_a_right_distribution_are_uniform_and_its_crps_is_that_of_the_points():
    history = pd.DataFrame(
        {
            "task_id": [f"t{n}" for n in range(300)],
            "known_at": pd.date_range("2025-01-01", periods=300, freq="h", tz="UTC"),
            "llm_model": "m",
            "agent_role": "r",
            "cost_usd": np.exp(np.random.default_rng(5).normal(0, 1, 300)),
        }
    )
    rows = backtest(history, Question(model=EACH, role=EACH))
    own = rows[(rows["model"] == "history") & (rows["n_past"] >= 20)]
    assert scores.score(own)["position_gap"].iloc[0] < 0.08
    y = np.log(history["cost_usd"].to_numpy())
    points, actual = y[:100], y[100]
    expected = np.abs(points - actual).mean() - np.abs(points[:, None] - points[None, :]).mean() / 2
    assert own.set_index("place").loc[100, "crps"] == pytest.approx(expected)


def test_coverage_is_told_apart_by_a_condition():
    frame = _paired([0.0, 0.1, 0.9, 0.8], [0.0] * 4).assign(is_after_change=[False, False, True, True] * 2)
    table = scores.cover(frame, "is_after_change").set_index(["model", "is_after_change"])["coverage"]
    assert table["mine", False] == 1 and table["mine", True] == 0
