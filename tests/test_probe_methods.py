"""PROBE's methods A to D for one quantity: numbers, verdicts, the choice and its words."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.published.data import ProbeData
from asp_analysis.probe.published.methods import bound_ratio, judge_methods, probe
from asp_analysis.probe.published.policy import METHODS, Policy
from asp_analysis.probe.published.report import ProbeReport
from asp_analysis.probe.question import EACH, Question

SEI = json.loads((Path(__file__).parent / "reference" / "sei_psp.json").read_text())
HISTORY = SEI["history"]
PROXY, PLANNED, SIZE, HOURS = (HISTORY[c] for c in ("estimated_proxy", "planned_size", "actual_size", "actual_hours"))
HOURS_DATA = ProbeData(proxy=PROXY, planned=PLANNED, actual_size=SIZE, actual=HOURS, name="hours", unit="h")
SIZE_DATA = ProbeData(proxy=PROXY, planned=PLANNED, actual_size=SIZE, actual=SIZE, name="size")

_DASHBOARD = Policy(max_significance=None, max_b0_share=0.5, is_ranked_by_rating=True)
PROCESS_DASHBOARD = {
    True: replace(_DASHBOARD, slope_basis="one", slope_high=2.0),
    False: replace(_DASHBOARD, slope_basis="actual_size"),
}
"""Is a size estimated (not a cost) -> the rules of Process Dashboard 2.7: no veto by significance, a wider b0, and the
best rating wins."""


@pytest.fixture(scope="module")
def hours() -> ProbeReport:
    return judge_methods(HOURS_DATA, Question(size=386, levels=(0.7, 0.8, 0.9, 0.95)))


def unrelated(n: int = 10) -> ProbeData:
    costs = np.random.default_rng(3).lognormal(size=n)
    return ProbeData(proxy=PROXY[:n], actual=costs, name="cost_usd")


@pytest.mark.parametrize(("method", "fit"), [("A", "T2"), ("B", "T4")])
def test_hours_by_line_equal_the_published_estimates(hours, method, fit):
    assert hours[method].projection == pytest.approx(SEI["fits"][fit]["projection"], rel=1e-12)


@pytest.mark.parametrize(("method", "fit"), [("A", "T1"), ("B", "T3")])
def test_sizes_by_line_equal_the_published_estimates(method, fit):
    report = judge_methods(SIZE_DATA, Question(size=386))
    assert report[method].projection == pytest.approx(SEI["fits"][fit]["projection"], rel=1e-12)


def test_the_published_interval_is_the_one_of_the_new_size_not_of_the_projection(hours):
    first = hours["A"].intervals[0]
    assert [first.lower, first.upper] == pytest.approx(SEI["extension"]["T2"]["limits"]["0.7"], rel=5e-9)


@pytest.mark.parametrize(("data", "test"), [(SIZE_DATA, "T1"), (HOURS_DATA, "T2")])
def test_the_ratio_of_sums_equals_the_known_one(data, test):
    result = judge_methods(data, Question(size=386))["C1"]
    known = SEI["extension"][test]
    assert [result.b1, result.projection] == pytest.approx([known["ratio"], known["ratio_projection"]], rel=5e-10)


@pytest.mark.parametrize("method", ["A", "B"])
def test_own_x_slope_ratios_are_named_in_the_reasons(hours, method):
    ratio = SEI["own_x_slope_ratio"][method]
    assert any(f"is {ratio:.2f} times the expected" in reason for reason in hours[method].reasons)


def test_method_a_is_chosen_on_the_reference_table_and_its_dominant_task_is_named(hours):
    assert (hours.chosen, hours.best.verdict) == ("A", "flagged")
    assert "task 8 has Cook's distance 1.836" in hours.why


@pytest.mark.parametrize(("is_size", "data", "kind"), [(True, SIZE_DATA, "size"), (False, HOURS_DATA, "time")])
@pytest.mark.parametrize("method", ["A", "B"])
def test_process_dashboards_ratings_and_verdicts_are_reproduced(is_size, data, kind, method):
    result = judge_methods(data, Question(size=386), policy=PROCESS_DASHBOARD[is_size])[method]
    known = SEI["process_dashboard"][kind][method]
    assert result.rating == pytest.approx(known["rating"], abs=5e-5)
    assert (result.verdict == "refused") == (known["verdict"] == "refused")


def test_process_dashboard_prefers_b_where_the_published_order_takes_a():
    assert judge_methods(SIZE_DATA, Question(size=386), policy=PROCESS_DASHBOARD[True]).chosen == "B"
    assert judge_methods(SIZE_DATA, Question(size=386)).chosen == "A"


def test_a_strict_policy_reads_the_estimated_size_for_b_and_a_relaxed_one_the_plan():
    relaxed = judge_methods(HOURS_DATA, Question(size=386), planned=450, policy=Policy(is_strict=False))
    assert judge_methods(HOURS_DATA, Question(size=386), planned=450)["B"].x == 386
    assert [relaxed[m].x for m in ("A", "B", "C1", "C2", "C3")] == [386, 450, 386, 450, 386]


def test_a_relaxed_policy_without_a_plan_refuses_b():
    result = judge_methods(HOURS_DATA, Question(size=386), policy=Policy(is_strict=False))["B"]
    assert result.verdict == "refused"
    assert "lacks the value that this method reads for planned value" in result.reasons[0]


def test_without_an_estimated_size_a_relaxed_policy_still_has_b():
    assert judge_methods(HOURS_DATA, Question(), planned=450, policy=Policy(is_strict=False)).chosen == "B"


def test_size_that_explains_nothing_is_said_in_words():
    report = judge_methods(ProbeData(proxy=range(1, 21), actual=[5, 6] * 10, name="cost"), Question(size=10))
    assert report["A"].verdict == "refused"
    for method in ("A", "C1"):
        assert any("explains next to nothing of cost" in r for r in report[method].reasons)


def test_a_ratio_over_a_cost_that_falls_with_size_is_flagged():
    report = judge_methods(ProbeData(proxy=[1, 2, 3, 4, 5], actual=[9, 8, 8.5, 5, 6]), Question(size=3))
    assert any("cost falls as estimated size grows (r -0.8" in r for r in report["C1"].reasons)


def test_an_unrelated_history_falls_to_the_ratio_and_names_why_a_is_refused():
    report = judge_methods(unrelated(), Question(size=300))
    assert report.chosen == "C1"
    assert "A is refused: r²" in report.why and "no history for B" in report.why


def test_an_estimate_outside_the_range_of_the_history_is_flagged():
    report = judge_methods(HOURS_DATA, Question(size=2000))
    assert any("the new 2000 is outside 95 to 961" in r for r in report["A"].reasons)


def test_a_large_negative_b0_refuses_the_line():
    x = np.array([100, 110, 120, 130, 140.0])
    result = judge_methods(ProbeData(proxy=x, actual=3 * (x - 95) + [1, -1, 0, 1, -1]), Question(size=105))["A"]
    assert result.b0 < 0
    assert any(r.startswith("b0") for r in result.reasons) and result.verdict == "refused"


def test_a_significance_veto_binds_with_four_tasks_and_a_high_r2():
    data = ProbeData(proxy=[1, 2, 3, 4], actual=[1.0, 3.4, 2.4, 4.5])
    assert judge_methods(data, Question(size=2))["A"].r2 > 0.5
    assert judge_methods(data, Question(size=2))["A"].reasons[0].startswith("significance p")
    assert judge_methods(data, Question(size=2), policy=Policy(max_significance=None))["A"].verdict != "refused"


def test_unknown_values_are_dropped_in_pairs_and_counted():
    hours = [np.nan, *HOURS[1:]]
    planned = [*PLANNED[:8], np.nan, np.nan]
    report = judge_methods(ProbeData(proxy=PROXY, planned=planned, actual_size=SIZE, actual=hours), Question(size=386))
    assert [(report[m].n, report[m].dropped) for m in ("A", "B")] == [(9, 1), (7, 3)]
    whole = judge_methods(
        ProbeData(proxy=PROXY[1:8], planned=PLANNED[1:8], actual_size=SIZE[1:8], actual=HOURS[1:8]), Question(size=386)
    )
    assert report["B"].projection == pytest.approx(whole["B"].projection)


def test_zero_costs_are_kept_and_questioned():
    report = judge_methods(ProbeData(proxy=PROXY, actual=[0, *HOURS[1:]]), Question(size=386))
    assert report["A"].n == 10
    assert any("is 0 in 1 of 10 tasks" in r for r in report["A"].reasons)
    assert any("no interval" in r for r in report["C1"].reasons) and not report["C1"].intervals


def test_a_negative_lower_limit_is_shown_as_zero_and_said():
    result = judge_methods(HOURS_DATA, Question(size=100, levels=(0.95,)))["A"]
    assert result.intervals[0].lower == 0
    assert any("lower 95 % limit -" in r for r in result.reasons)
    raw = judge_methods(HOURS_DATA, Question(size=100, levels=(0.95,)), policy=Policy(is_floored_at_zero=False))["A"]
    assert raw.intervals[0].lower < 0


def test_the_ratio_per_actual_size_warns_when_sizes_were_underestimated(hours):
    assert any("actual sizes add up to 1.67 times" in r for r in hours["C3"].reasons)


def test_the_ratio_per_actual_size_says_where_no_estimated_size_is_known():
    alone = ProbeData(proxy=[float("nan")] * len(SIZE), actual_size=SIZE, actual=HOURS)
    reasons = judge_methods(alone, Question(size=386))["C3"].reasons
    assert any("no task has both sizes" in reason for reason in reasons)
    assert not any("nan" in reason for reason in reasons)


def test_the_ratio_per_actual_size_is_not_offered_for_sizes():
    assert judge_methods(SIZE_DATA, Question(size=386))["C3"].verdict == "refused"


def test_one_task_that_holds_most_of_the_size_is_named():
    data = ProbeData(proxy=[1, 2, 1, 100], actual=[3, 1, 2, 90], task_ids=["T-1", "T-2", "T-3", "T-4"])
    assert any("T-4 alone holds 96%" in r for r in judge_methods(data, Question(size=3))["C1"].reasons)


def test_a_judgement_is_used_when_there_is_no_history_and_has_no_interval():
    report = judge_methods(ProbeData(proxy=[1, 2], actual=[3, 4]), Question(size=5), judgement=9)
    assert (report.chosen, report.projection, report.best.intervals) == ("D", 9, ())
    assert "2 tasks know estimated size and cost (at least 3)" in report.why


def test_without_history_or_judgement_the_refusal_counts_what_is_missing():
    words = r"Too few finished tasks with a size and a cost: 2 of at least 3 .in 1 more one of the two is unknown"
    with pytest.raises(EstimationRefusal, match=words):
        judge_methods(ProbeData(proxy=[1, 2, np.nan], actual=[3, 4, 5]), Question(size=5))


def test_sizes_that_are_all_zero_are_refused_in_words():
    with pytest.raises(EstimationRefusal, match="estimated size is zero in every task"):
        judge_methods(ProbeData(proxy=[0, 0, 0], actual=[3, 4, 5]), Question(size=5))


def test_costs_that_do_not_vary_leave_the_ratio():
    report = judge_methods(ProbeData(proxy=[1, 2, 3, 4], actual=[5, 5, 5, 5]), Question(size=2))
    assert report["A"].verdict == "refused" and report.chosen == "C1"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"actual": [1, 2]}, r"actual has the shape \(2,\) for 10 tasks"),
        ({"actual": [-1.0, *HOURS[1:]]}, "1 of 10 values of .* are negative or infinite"),
        ({"proxy": [np.inf, *PROXY[1:]]}, "1 of 10 values of .* are negative or infinite"),
        ({"task_ids": ["a"]}, "There are 1 task ids for 10 tasks"),
    ],
)
def test_histories_that_cannot_be_right_are_refused(change, words):
    columns = {"proxy": PROXY, "planned": PLANNED, "actual_size": SIZE, "actual": HOURS}
    with pytest.raises(EstimationRefusal, match=words):
        ProbeData(**(columns | change))


@pytest.mark.parametrize("figure", [{"planned": -1}, {"planned": np.inf}, {"judgement": -2}])
def test_a_figure_that_is_negative_or_infinite_is_refused(figure):
    with pytest.raises(EstimationRefusal, match="is not a finite number of 0 or more"):
        judge_methods(HOURS_DATA, Question(size=386), **figure)


def _history(**columns):
    """The SEI's ten tasks as a history; one more failed."""
    rows = {"size": PROXY, "actual_size": SIZE, "cost_usd": HOURS, "planned_cost_usd": np.array(HOURS) * 1.1}
    frame = pd.DataFrame({"task_id": list("abcdefghij"), "llm_model": "m", "agent_role": "Code", **rows} | columns)
    frame = frame.assign(known_at=pd.Timestamp("2026-01-01"), is_finished=True, is_censored=False)
    return pd.concat([frame, frame.tail(1).assign(task_id="k", is_finished=False, cost_usd=1e6)], ignore_index=True)


@pytest.mark.parametrize("question", [Question(size=386), Question(size=386, model="m", role="Code")])
def test_a_question_is_answered_from_the_finished_tasks_of_the_history(question):
    report = probe(_history(), question, planned=20.0)
    assert report["A"].projection == pytest.approx(SEI["fits"]["T2"]["projection"]) and report["A"].n == 10
    assert (report["B"].x, report.unit) == (20.0, "USD")


def test_a_component_that_nobody_plans_leaves_b_without_a_history():
    report = probe(_history(tokens_in=HOURS), Question(size=386, components=("tokens_in",)))
    assert report["B"].n == 0 and report["A"].projection == pytest.approx(SEI["fits"]["T2"]["projection"])


def test_published_probe_is_of_one_model():
    with pytest.raises(InputError, match="Every model is asked for"):
        probe(_history(), Question(size=386, model=EACH, role=EACH))


def test_the_frame_has_one_row_per_method_and_one_chosen(hours):
    frame = hours.frame()
    assert frame["method"].tolist() == list(METHODS)
    assert frame.loc[frame["is_chosen"], "method"].tolist() == ["A"]
    assert {"lower_70", "upper_70", "lower_95", "upper_95", "significance", "sigma", "dropped"} <= set(frame.columns)


def test_the_notebook_view_names_every_method_and_escapes_names():
    html = judge_methods(replace(HOURS_DATA, name="<b>hours"), Question(size=386))._repr_html_()
    assert "<b>hours" not in html and "&lt;b&gt;hours" in html
    assert html.count("<tr") == 1 + len(METHODS)


def test_a_history_can_come_from_a_frame_with_other_names():
    frame = pd.DataFrame({"id": list("abcdefghij"), "est": PROXY, "cost_usd": HOURS})
    data = ProbeData.from_frame(frame, {"proxy": "est", "actual": "cost_usd", "task_ids": "id"}, name="cost_usd")
    assert judge_methods(data, Question(size=386))["A"].projection == pytest.approx(SEI["fits"]["T2"]["projection"])
    with pytest.raises(EstimationRefusal, match="The frame has no column size"):
        ProbeData.from_frame(frame, {"proxy": "size"})


def test_ratio_intervals_cover_as_often_as_they_say():
    rng, hits, runs = np.random.default_rng(11), 0, 3000
    for _ in range(runs):
        x = np.exp(0.9 * rng.standard_normal(11))
        y = x * np.exp(0.6 * rng.standard_normal(11))
        interval = bound_ratio(x[:10], y[:10], x[10], 0.70)
        hits += interval.lower <= y[10] <= interval.upper
    assert 0.67 <= hits / runs <= 0.74


@settings(max_examples=50)
@given(st.permutations(range(10)))
def test_the_order_of_the_history_changes_nothing(order):
    columns = {"proxy": PROXY, "planned": PLANNED, "actual_size": SIZE, "actual": HOURS}
    data = ProbeData(**{name: np.array(column)[list(order)] for name, column in columns.items()})
    shuffled, straight = (judge_methods(one, Question(size=386)) for one in (data, HOURS_DATA))
    for method in METHODS[:-1]:
        assert shuffled[method].projection == pytest.approx(straight[method].projection, rel=1e-10)
        assert shuffled[method].verdict == straight[method].verdict


@settings(max_examples=50)
@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
def test_units_change_no_verdict_and_scale_every_number(size_factor, cost_factor):
    sizes = [size_factor * np.array(c) for c in (PROXY, PLANNED, SIZE)]
    columns = dict(zip(("proxy", "planned", "actual_size"), sizes, strict=True))
    data = ProbeData(**columns, actual=cost_factor * np.array(HOURS))
    scaled = judge_methods(data, Question(size=size_factor * 386))
    for result in judge_methods(HOURS_DATA, Question(size=386)).methods[:-1]:
        other = scaled[result.method]
        assert other.verdict == result.verdict
        assert other.projection == pytest.approx(cost_factor * result.projection, rel=1e-9)
        assert other.intervals[0].upper == pytest.approx(cost_factor * result.intervals[0].upper, rel=1e-9)


@given(st.floats(0.5, 0.9), st.floats(0.01, 0.09))
def test_every_methods_interval_lies_inside_the_one_of_a_higher_level(level, more):
    for result in judge_methods(HOURS_DATA, Question(size=386, levels=(level, level + more))).methods[:-1]:
        inner, outer = result.intervals
        assert outer.lower <= inner.lower <= inner.upper <= outer.upper
