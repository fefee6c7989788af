"""An estimate carries its evidence, is the next row of a backtest, and can be stored, summed, compared and scored."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis import charts
from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.answers import Estimate, score_stored
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.compare import compare
from asp_analysis.probe.estimate import estimate, estimate_each
from asp_analysis.probe.models.nested import KnownTask, NewTask
from asp_analysis.probe.question import EACH, Question
from asp_analysis.probe.scores import score
from asp_analysis.probe.unit_sums import sum_estimates
from tests.reference.past_runs import made_history, table_history

ONE = {"model": "one", "role": "coder", "size": 60.0}


def _estimate(history, **asked):
    return estimate(history, Question(**{**ONE, **asked}))["cost_usd"]


def _compare(history, rng=None, **asked):
    return compare(history, Question(**{"role": "coder", "size": 60.0, **asked}), rng)


@pytest.mark.parametrize("method", ["auto", "history", "loglog", "nested", "probe_line"])
def test_an_estimate_is_what_the_backtest_says_for_the_next_task(method):
    history = made_history(61, ("one", "two"), shared=0.5)
    last = history["task_id"].eq("t60") & history["llm_model"].eq("one")
    known = history[~history["task_id"].eq("t60")]
    task = KnownTask(task_id="t60", project_id="p0")
    made = _estimate(known, size=float(history.loc[last, "size"].iloc[0]), task=task, method=method)
    rows = backtest(history, Question(model=EACH, role=EACH))
    row = rows[(rows["model"] == method) & (rows["llm_model"] == "one") & (rows["task_id"] == "t60")].iloc[0]
    assert made.estimate == pytest.approx(row["estimate"])
    assert (made.lower[0.7], made.upper[0.9]) == pytest.approx((row["lower_70"], row["upper_90"]))
    assert made.method == row["method"]


def _split(made):
    """The numbers of an estimate by their names, and all else: numbers agree within what NumPy promises.

    Its `exp` and `log` may differ in the last digit with the length of the array, on processors with wide registers.
    """
    numbers, others = {}, {}
    for name, value in dataclasses.asdict(made).items():
        for part, one in value.items() if isinstance(value, dict) else [("", value)]:
            (numbers if isinstance(one, float) else others)[name, part] = one
    return numbers, others


def test_several_tasks_are_answered_from_one_replay_as_one_by_one():
    history, asked = made_history(), [("next", 40.0), ("other", 80.0), ("far", 1e9)]
    new = [NewTask(task=KnownTask(task_id=task), log_size=float(np.log(size))) for task, size in asked]
    *near, far = estimate_each(history, Question(), new)
    for (task, size), answer in zip(asked, near, strict=False):
        alone = estimate(history, Question(size=size, task=KnownTask(task_id=task)))["cost_usd"]
        (numbers, others), (expected, texts) = _split(answer), _split(alone)
        assert (numbers, others) == (pytest.approx(expected, rel=1e-12, nan_ok=True), texts)
    assert near[0].estimate != near[1].estimate
    assert isinstance(far, EstimationRefusal)  # and refuses nothing but itself


def test_an_estimate_carries_interval_method_reason_count_and_record():
    made = _estimate(made_history(60))
    assert made.lower[0.9] <= made.lower[0.7] < made.estimate < made.upper[0.7] <= made.upper[0.9]
    assert made.method in made.why and made.n == 60
    assert {"mdape", "coverage_70", "coverage_90", "past_median_mdape", "log_bias"} <= set(made.evidence)


def test_the_mean_of_skewed_costs_is_above_the_median():
    made = _estimate(made_history(80, noise=1.0), method="loglog")
    assert made.mean > 1.2 * made.estimate


def test_wide_intervals_ask_for_a_human_and_narrow_ones_do_not():
    assert _estimate(made_history(60, noise=0.8)).needs_human_review
    assert not _estimate(made_history(60, noise=0.05), method="loglog").needs_human_review


def test_a_size_beyond_the_past_is_marked_as_extrapolation():
    notes = _estimate(made_history(60), size=600.0).notes
    assert any("Extrapolation: size 600 is above the largest of 60 past sizes" in note for note in notes)
    assert not any("Extrapolation" in note for note in _estimate(made_history(60)).notes)


def test_thin_data_and_left_out_rows_are_noted():
    history = made_history(9)
    history.loc[3, "cost_usd"] = np.nan
    notes = " ".join(_estimate(history).notes)
    assert "Thin: " in notes and "Left out: 1 cost_usd missing" in notes


def test_the_whole_cost_vector_is_estimated_and_a_missing_component_says_why():
    history = made_history(40).assign(latency_ms=lambda frame: 1000 * frame["cost_usd"], tokens_in=np.nan)
    history.loc[:1, "tokens_in"] = 5.0
    vector = estimate(history, Question(**ONE, components=["cost_usd", "latency_ms", "tokens_in"]))
    assert set(vector.estimates) == {"cost_usd", "latency_ms"}
    assert vector["latency_ms"].estimate == pytest.approx(1000 * vector["cost_usd"].estimate)
    assert "Too few finished tasks with a tokens_in" in vector.refusals["tokens_in"]
    with pytest.raises(EstimationRefusal, match="tokens_in"):
        vector["tokens_in"]


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(EstimationRefusal, match=r"'zero'. Known, with their tasks: one \(10\)"):
        _estimate(made_history(10), model="zero")


def test_an_estimate_is_of_one_model():
    with pytest.raises(InputError, match="Every model is asked for"):
        _estimate(made_history(10), model=EACH)


def test_results_show_themselves_in_a_notebook():
    history = made_history(40, ("one", "two"))
    vector, comparison = estimate(history, Question(**ONE)), _compare(history)
    for shown in (vector, vector["cost_usd"], comparison):
        assert "<table" in shown._repr_html_()


def _unit(estimate, spread, level=0.7):
    return Estimate(
        component="cost_usd",
        llm_model="m",
        agent_role="r",
        estimate=estimate,
        mean=estimate,
        lower={level: estimate / spread},
        upper={level: estimate * spread},
        method="loglog",
        why="why",
        n=30,
    )


@given(
    st.lists(st.tuples(st.floats(0.1, 10), st.floats(1.1, 3)), min_size=2, max_size=6), st.floats(0, 1), st.floats(0, 1)
)
def test_the_more_error_units_share_the_wider_their_sum_and_never_wider_than_all_bounds_together(units, one, two):
    parts = [_unit(*unit) for unit in units]
    low, high = (sum_estimates(parts, share) for share in sorted((one, two)))
    width = [np.log(total.upper[0.7] / total.lower[0.7]) for total in (low, high)]
    assert width[0] <= width[1] + 1e-9
    assert width[1] <= max(2 * np.log(spread) for _, spread in units) + 1e-9


def test_a_sum_of_units_holds_as_often_as_it_says_under_the_correlation_it_was_given():
    rng = np.random.default_rng(8)
    sd, share, z = 0.6, 0.4, 1.0364333894937898
    medians = np.array([1.0, 2.0, 5.0])
    total = sum_estimates([_unit(median, np.exp(z * sd)) for median in medians], share)
    error = sd * (np.sqrt(share) * rng.normal(size=(20000, 1)) + np.sqrt(1 - share) * rng.normal(size=(20000, 3)))
    cost = (medians * np.exp(error)).sum(1)
    assert np.mean((total.lower[0.7] <= cost) & (cost <= total.upper[0.7])) == pytest.approx(0.7, abs=0.02)
    assert total.estimate == pytest.approx(np.median(cost), rel=0.03)


def test_one_unit_is_its_own_sum_and_several_say_that_they_are_summed():
    history = made_history(60)
    assert _estimate(history, size=None, units=[60.0]).estimate == pytest.approx(_estimate(history).estimate)
    total = _estimate(history, size=None, units=[20.0, 20.0, 20.0])
    assert total.why.startswith("Sum of 3 units") and total.size == pytest.approx(60)
    assert total.mean == pytest.approx(3 * _estimate(history, size=20.0).mean)


def test_the_cheaper_model_is_named_with_its_probability():
    comparison = _compare(made_history(80, ("one", "two", "three"), noise=0.5))
    shares = comparison.frame.set_index("llm_model")["cheapest_probability"]
    assert shares.sum() == pytest.approx(1) and shares.idxmax() == "one"
    assert comparison.is_paired and "one / coder would most likely be the cheapest" in comparison.sentence
    row = comparison.frame.iloc[0]
    assert row["cheapest_probability_lower"] < row["cheapest_probability"] < row["cheapest_probability_upper"]


def test_errors_that_go_together_make_the_comparison_surer():
    together, apart = (
        _compare(made_history(200, ("one", "two"), noise=0.8, slope=0.0, shared=share)).frame for share in (0.98, 0.0)
    )
    surest = [frame["cheapest_probability"].max() for frame in (together, apart)]
    assert surest[0] > surest[1] + 0.05


def test_without_shared_tasks_errors_are_drawn_independently_and_reproducibly():
    history = made_history(60, ("one", "two"))
    history.loc[history["llm_model"] == "two", "task_id"] += "x"
    first, again = (_compare(history, np.random.default_rng(3)) for _ in range(2))
    assert not first.is_paired and "independent records" in first.sentence
    pd.testing.assert_frame_equal(first.frame, again.frame)


def test_a_series_that_cannot_be_compared_is_named_with_the_reason_and_one_alone_is_refused():
    history = made_history(30, ("one", "two", "three"))
    thin = history[(history["llm_model"] != "three") | history["task_id"].isin(["t1", "t2"])]
    assert "2 of at least 3" in _compare(thin).refusals["three / coder"]
    with pytest.raises(EstimationRefusal, match="takes two series"):
        _compare(thin[thin["llm_model"] == "three"])


@pytest.mark.parametrize("size", [18.0, 60.0, 40.7, 1e2])
def test_an_estimate_names_the_size_that_was_given(size):
    assert _estimate(made_history(20), size=size).to_dict()["size"] == size


THREE = table_history([18.0, 12.0, 30.0], [1.25, 0.05, 12.0])


def test_an_interval_that_three_tasks_stretch_beyond_a_factor_of_1000_is_withheld_with_the_reason():
    found = _estimate(THREE, size=18.0)
    assert found.lower[0.7] < found.estimate < found.upper[0.7]
    assert np.isnan(found.lower[0.9]) and np.isnan(found.upper[0.9])
    assert found.withheld[0.9].startswith("3 tasks are too few for a 90 % interval of cost_usd")
    stored = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert stored["lower_90"] is None and stored["withheld"] == {"90": found.withheld[0.9]}
    assert "About 20 like tasks" in found._repr_html_()


def test_where_no_level_is_carried_the_estimate_is_refused():
    dear = table_history([18.0, 12.0, 30.0], [1.25, 0.001, 900.0])
    with pytest.raises(
        EstimationRefusal, match=r"3 tasks are too few for a 70 % .*About 7 like tasks.*Finish more tasks"
    ):
        _estimate(dear, size=18.0)


def test_many_tasks_that_scatter_as_much_carry_their_interval():
    rng = np.random.default_rng(4)
    found = _estimate(table_history(np.full(60, 18.0), np.exp(rng.normal(0, 3, 60))), size=18.0)
    assert found.upper[0.9] > 1000 * found.lower[0.9] and not found.withheld


def test_a_withheld_first_level_needs_a_human_and_is_withheld_for_a_sum_of_units():
    assert _estimate(THREE, size=18.0, levels=(0.9, 0.7)).needs_human_review
    total = _estimate(THREE, levels=(0.9, 0.7), size=None, units=[18.0, 12.0])
    assert np.isnan(total.upper[0.9]) and total.lower[0.7] < total.estimate < total.upper[0.7]


def test_a_withheld_interval_is_empty_in_frames_and_no_reason_not_to_score_or_draw():
    vector = estimate(THREE, Question(**{**ONE, "size": 18.0}))
    frame = vector.to_frame()
    assert frame["upper_90"].isna().all() and frame["upper_90"].dtype == float
    charts.plot_estimate_vector(frame)
    later = THREE.tail(1).assign(task_id="new", known_at=THREE["known_at"].max() + pd.Timedelta(days=1))
    scored = score_stored([{**vector["cost_usd"].to_dict(), "task_id": "new"}], pd.concat([THREE, later]))
    assert scored["lower_90"].isna().all() and score(scored)["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"model": "one"}, "'one' is one model"),
        ({"size": None, "units": [3.0]}, "for a task of one size"),
        ({"components": ["cost_usd", "tokens_in"]}, "too many at once"),
    ],
)
def test_what_cannot_be_compared_is_refused(asked, words):
    with pytest.raises(InputError, match=words):
        _compare(made_history(30, ("one", "two")), **asked)


def test_a_comparison_rests_on_the_method_that_is_asked_for():
    comparison = _compare(made_history(80, ("one", "two")), method="probe_line")
    assert set(comparison.frame["method"]) == {"probe_line"} and comparison.is_paired


def test_a_comparison_says_which_interval_is_withheld():
    wild = made_history(9, ("one", "two"), noise=2.0, slope=0.0).assign(size=np.nan)
    comparison = _compare(wild, size=None, levels=(0.6, 0.98))
    assert comparison.frame["upper_98"].isna().any()
    assert "98 % interval of cost_usd" in " ".join(comparison.withheld.values())


def test_a_model_of_other_work_is_not_compared_and_none_is_where_all_differ():
    history = made_history(30, ("one", "two", "three")).assign(roles="Code")
    history.loc[history["llm_model"] == "three", "roles"] = "Explore"
    comparison = _compare(history)
    assert set(comparison.frame["llm_model"]) == {"one", "two"}
    assert "do Code, this one does Explore. Name one role" in comparison.refusals["three / coder"]
    history.loc[history["llm_model"] == "two", "roles"] = "Plan"
    with pytest.raises(EstimationRefusal, match="two / coder: Plan; three / coder: Explore"):
        _compare(history)


def _stored(history, task):
    past = history[history["known_at"] < history.loc[history["task_id"] == task, "known_at"].min()]
    size = float(history.loc[history["task_id"] == task, "size"].iloc[0])
    return {**_estimate(past, size=size).to_dict(), "task_id": task, "made_at": past["known_at"].max().isoformat()}


def test_stored_forecasts_survive_json_and_are_scored_when_their_task_is_finished():
    history = made_history(60)
    stored = json.loads(json.dumps([_stored(history, task) for task in ("t30", "t40", "t59")]))
    rows = score_stored(stored, history[history["task_id"] != "t59"])
    assert rows["task_id"].tolist() == ["t30", "t40"]
    assert rows["actual"].tolist() == history.set_index("task_id").loc[["t30", "t40"], "cost_usd"].tolist()
    assert score(rows)["n"].sum() == 2 and "coverage_70" in score(rows)


def test_a_forecast_made_after_the_fact_is_not_scored():
    history = made_history(60)
    late = {**_stored(history, "t30"), "made_at": history["known_at"].max().isoformat()}
    assert score_stored([late], history).empty


def test_stored_forecasts_without_a_task_are_refused():
    with pytest.raises(InputError, match="task_id"):
        score_stored([dataclasses.asdict(_unit(1.0, 2.0))], made_history(10))
