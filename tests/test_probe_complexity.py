"""Semantic complexity: the formula, the shapes that are refused, and what costs say about the weights."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.complexity import (
    FACTORS,
    PUBLISHED_WEIGHTS,
    calibrate,
    calibrate_history,
    measure_unit,
    parse_units,
    weigh_counts,
)
from asp_analysis.probe.question import Question

COUNTED = {
    "unit_id": "SU-1",
    "description": "login",
    "est_complexity": 12,
    "api_interactions": 3,
    "data_transformations": 1,
    "logical_branches": 2,
    "code_entities_modified": 4,
    "novelty": "moderate",
    "depends_on": [],
}
ESTIMATED = {"unit_id": "SU-2", "description": "page", "est_complexity": 7}
WEIGHTS = np.array(list(PUBLISHED_WEIGHTS.values()))


def history(n: int, noise: float, weights: np.ndarray, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = pd.DataFrame(
        rng.poisson([4, 3, 5, 4], size=(n, 4)) * rng.choice([1, 1.5, 2], (n, 1)), columns=list(FACTORS)
    )
    return counts, counts.to_numpy() @ weights * np.exp(noise * rng.standard_normal(n))


def test_a_counted_unit_follows_the_formula():
    (unit,) = parse_units([COUNTED])
    assert measure_unit(unit) == (2 * 3 + 5 * 1 + 3 * 2 + 4 * 4) * 1.5


def test_a_unit_without_counts_keeps_its_estimate():
    assert [measure_unit(unit) for unit in parse_units([COUNTED, ESTIMATED])] == [33 * 1.5, 7]


@pytest.mark.parametrize(("novelty", "factor"), [("familiar", 1), ("Novel", 2), (1.5, 1.5), (None, 1)])
def test_novelty_is_a_word_or_a_number(novelty, factor):
    (unit,) = parse_units([COUNTED | {"novelty": novelty}])
    assert measure_unit(unit) == 33 * factor


@pytest.mark.parametrize("nothing", [None, "", [], "[]"])
def test_a_task_may_have_no_units(nothing):
    assert parse_units(nothing) == ()


def test_text_and_list_parse_alike():
    assert parse_units(json.dumps([COUNTED, ESTIMATED])) == parse_units([COUNTED, ESTIMATED])


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("[{", "not valid JSON"),
        ({"unit_id": "a"}, "The semantic units are of type dict, not a list"),
        ("7", "The semantic units are of type int, not a list"),
        ([COUNTED, 5], "Unit 1 is of type int"),
        ([{"description": "x"}], "unit_id of unit 0 is None"),
        ([ESTIMATED | {"est_complexity": "7"}], "est_complexity of unit 0 is '7'"),
        ([ESTIMATED | {"est_complexity": -1}], "est_complexity of unit 0 is -1"),
        ([ESTIMATED | {"est_complexity": True}], "est_complexity of unit 0 is True"),
        ([ESTIMATED, COUNTED | {"logical_branches": float("nan")}], "logical_branches of unit 1 is nan"),
        (
            [{k: v for k, v in COUNTED.items() if k != "logical_branches"}],
            "Unit 0 has some of the four factors, but no logical_branches",
        ),
        ([COUNTED | {"novelty": "strange"}], "novelty of unit 0 is 'strange'"),
        ([COUNTED | {"novelty": 3}], "novelty of unit 0 is 3"),
        ([COUNTED | {"description": 4}], "description of unit 0 is 4"),
        ([COUNTED | {"depends_on": "SU-2"}], "depends_on of unit 0 is 'SU-2'"),
        ([COUNTED, COUNTED], "SU-1 occurs more than once"),
    ],
)
def test_wrong_shapes_are_refused_with_unit_and_field(units, words):
    with pytest.raises(InputError, match=words):
        parse_units(units)


def test_a_unit_with_neither_counts_nor_estimate_has_no_complexity():
    with pytest.raises(InputError, match="Unit SU-9 has neither"):
        measure_unit(*parse_units([{"unit_id": "SU-9"}]))


def test_weighted_counts_add_novelty_and_are_unknown_where_a_unit_was_not_counted():
    table = weigh_counts({"T-1": parse_units([COUNTED]), "T-2": parse_units([COUNTED, ESTIMATED])})
    assert table.loc["T-1"].tolist() == [4.5, 1.5, 3, 6]
    assert table.loc["T-2"].isna().all()


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 4), min_size=1, max_size=6), st.sampled_from([1, 1.5, 2]))
def test_the_complexity_of_a_task_is_the_weighted_sum_of_the_counts(rows, novelty):
    units = parse_units(
        [{"unit_id": str(i), "novelty": novelty} | dict(zip(FACTORS, r, strict=True)) for i, r in enumerate(rows)]
    )
    weighted = weigh_counts({"T": units}).loc["T"].to_numpy()
    assert sum(map(measure_unit, units)) == pytest.approx(weighted @ WEIGHTS)


def test_costs_without_noise_give_back_their_weights():
    counts, cost = history(20, 0.0, 0.01 * WEIGHTS)
    result = calibrate(counts, cost, np.random.default_rng(1))
    assert result.frame()["weight"].tolist() == pytest.approx(0.01 * WEIGHTS)
    assert result.cost_per_point == pytest.approx(0.01)


def test_published_weights_are_not_contradicted_by_costs_that_follow_them():
    result = calibrate(*history(40, 0.2, 0.1 * WEIGHTS), np.random.default_rng(1))
    assert result.is_decided and result.frame()["is_published_inside"].all()
    assert "do not contradict the published weights" in " ".join(result.findings)


def test_errors_are_those_of_tasks_left_out():
    counts, cost = history(12, 0.5, WEIGHTS)
    points = counts.to_numpy() @ WEIGHTS
    left_out = [abs(c - p * (cost.sum() - c) / (points.sum() - p)) for c, p in zip(cost, points, strict=True)]
    result = calibrate(counts, cost, np.random.default_rng(1), replicates=10)
    assert result.published_error == pytest.approx(np.mean(left_out))


def test_a_planner_that_counts_otherwise_is_found_out():
    result = calibrate(*history(60, 0.1, np.array([1, 1, 1, 2.0])), np.random.default_rng(1))
    assert not result.frame().loc["data_transformations", "is_published_inside"]
    assert result.calibrated_error < result.published_error
    assert "calibrated weights are better" in result.findings[-1]


def test_the_finished_tasks_of_a_history_are_asked_for_their_weights():
    counts, cost = history(20, 0.3, WEIGHTS)
    units = [json.dumps([{"unit_id": "U", **row}]) for row in counts.to_dict("records")]
    tasks = pd.DataFrame({"task_id": [f"T{i:02}" for i in range(20)], "semantic_units_json": [*units[:-1], None]})
    past = pd.DataFrame({"task_id": tasks["task_id"], "llm_model": "m", "agent_role": "Code", "cost_usd": cost})
    past = past.assign(known_at=pd.Timestamp("2026-01-01"), is_finished=past.index != 0, is_censored=False)
    assert calibrate_history(past, tasks, Question()).n == 18


def test_counts_that_rise_together_cannot_be_told_apart():
    rng = np.random.default_rng(2)
    size = rng.uniform(1, 20, 25)
    counts = pd.DataFrame({f: size * (i + 1) + 0.01 * rng.random(25) for i, f in enumerate(FACTORS)})
    result = calibrate(counts, 2 * size, rng)
    assert not result.is_decided
    assert "cannot separate the weights" in result.findings[0] and "correlate at 1.00" in result.findings[0]


def test_few_noisy_tasks_leave_the_weights_open():
    result = calibrate(*history(10, 1.0, 0.1 * WEIGHTS), np.random.default_rng(1))
    assert not result.is_decided
    assert "0 fits as well as twice the published" in " ".join(result.findings)


def test_no_weight_is_negative():
    counts, _ = history(30, 0.0, WEIGHTS)
    result = calibrate(counts, 5 + 0 * counts["api_interactions"], np.random.default_rng(1))
    assert min(result.low.values()) >= 0 and min(result.weights.values()) >= 0


def test_the_same_generator_gives_the_same_intervals():
    first = calibrate(*history(20, 0.3, WEIGHTS), np.random.default_rng(7))
    again = calibrate(*history(20, 0.3, WEIGHTS), np.random.default_rng(7))
    assert first.frame().equals(again.frame())


def test_tasks_with_a_missing_value_are_left_out():
    counts, cost = history(20, 0.3, WEIGHTS)
    counts.iloc[0, 0], cost[1] = np.nan, np.nan
    assert calibrate(counts, cost, np.random.default_rng(1), replicates=50).n == 18


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c, y: (c.head(7), y[:7]), "7 of at least 8"),
        (lambda c, y: (c.drop(columns="logical_branches"), y), "no column logical_branches"),
        (lambda c, y: (c, y[:-1]), "Pass one cost per task"),
        (lambda c, y: (c, -y), "are negative, or all costs are 0"),
        (lambda c, y: (c, 0 * y), "are negative, or all costs are 0"),
        (lambda c, y: (c.assign(api_interactions=0), y), "api_interactions is 0 in all 20 tasks"),
    ],
)
def test_histories_that_cannot_calibrate_are_refused(change, words):
    with pytest.raises(EstimationRefusal, match=words):
        calibrate(*change(*history(20, 0.3, WEIGHTS)), np.random.default_rng(1))
