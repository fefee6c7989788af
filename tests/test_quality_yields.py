"""Yields, leverage and densities: worked by hand, then on the sample."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis.errors import AnalysisError
from asp_analysis.quality import (
    Work,
    check_phases,
    flow_note,
    injection_matrix,
    phase_yields,
    removal_measures,
)
from asp_analysis.session import connect

PHASES = pd.DataFrame(
    {
        "agent_role": ["Design", "DesignReview", "Code", "CodeReview", "Test"],
        "phase_order": [10, 20, 30, 40, 50],
        "kind": ["construction", "appraisal", "construction", "appraisal", "failure"],
    }
)
HOURS = {"Design": 4.0, "DesignReview": 1.0, "Code": 6.0, "CodeReview": 2.0, "Test": 5.0}


def make_work(pairs, *, hours=HOURS, status="completed", size=100.0, phases=PHASES):
    """A work of one task: (injected, removed, how many) and the hours of its phases."""
    rows = [(made, found) for made, found, count in pairs for _ in range(count)]
    defects = pd.DataFrame(rows, columns=["phase_injected", "phase_removed"])
    defects["defect_id"] = [f"D{n}" for n in range(len(defects))]
    defects["task_id"], defects["is_false_positive"] = "t1", False
    defects["is_false_positive"] = defects["is_false_positive"].astype(bool)
    runs = pd.DataFrame({"task_id": "t1", "agent_role": list(hours), "latency_ms": [h * 3.6e6 for h in hours.values()]})
    tasks = pd.DataFrame({"task_id": ["t1"], "status": [status], "size": [size / 2], "actual_size": [size]})
    tasks["completed_at"] = pd.Timestamp("2026-01-01") if status == "completed" else pd.NaT
    return Work(defects, runs, tasks, phases)


BY_HAND = [("Design", "DesignReview", 7), ("Design", "Code", 1), ("Design", "Test", 2), ("Code", "CodeReview", 6),
           ("Code", "Test", 4)]  # fmt: skip


def test_phase_yields_are_those_worked_by_hand():
    table = phase_yields(make_work(BY_HAND)).set_index("agent_role")
    assert table["entering"].tolist() == [0, 10, 3, 12, 6]
    assert table["injected"].tolist() == [10, 0, 10, 0, 0]
    assert table["removed"].tolist() == [0, 7, 1, 6, 6]
    assert table["escaped"].tolist() == [10, 3, 12, 6, 0]
    assert table["yield_share"].tolist() == pytest.approx([0, 0.7, 1 / 13, 0.5, 1.0])


def test_leverage_is_the_removal_rate_relative_to_the_last_failure_phase():
    table = phase_yields(make_work(BY_HAND)).set_index("agent_role")
    assert table.loc["DesignReview", "drl"] == pytest.approx((7 / 1) / (6 / 5))
    assert table.loc["CodeReview", "drl"] == pytest.approx((6 / 2) / (6 / 5))
    assert np.isnan(table.loc["Test", "drl"])


def test_process_yield_counts_the_defects_made_before_the_first_failure_phase():
    measures = removal_measures(make_work(BY_HAND)).set_index("measure")
    assert measures.loc["process yield", ["part", "whole", "value"]].tolist() == [14, 20, 0.7]
    assert measures.loc["defects caught in review", "value"] == pytest.approx(13 / 20)
    density = measures.loc["defect density"]
    assert density["value"] == pytest.approx(0.2) and density["lower"] < 0.2 < density["upper"]


def test_process_yield_can_be_read_before_another_phase():
    measures = removal_measures(make_work(BY_HAND), before="Code").set_index("measure")
    assert measures.loc["process yield", ["part", "whole"]].tolist() == [7, 10]
    with pytest.raises(AnalysisError, match="no phase 'Deploy'"):
        removal_measures(make_work(BY_HAND), before="Deploy")


def test_no_defects_are_not_defined_and_neither_zero_nor_one():
    work = make_work([])
    assert len(phase_yields(work)) == 0 and injection_matrix(work).size == 0
    measures = removal_measures(work).set_index("measure")
    shares = measures.drop("defect density")
    assert shares["value"].isna().all() and shares["note"].str.startswith("not defined").all()
    assert measures.loc["defect density", "value"] == 0  # 100 units were looked at: this zero is a measurement


def test_leverage_without_removal_in_test_is_not_defined():
    work = make_work([("Design", "DesignReview", 3), ("Code", "CodeReview", 2)])
    table = phase_yields(work)
    assert table["drl"].isna().all()
    measured = phase_yields(
        make_work([("Design", "DesignReview", 3), ("Design", "Test", 1)], hours={"DesignReview": 1.0})
    )
    assert measured["drl"].isna().all()
    assert "leverage not defined" in measured.set_index("agent_role").loc["DesignReview", "note"]


def test_an_unsized_task_has_no_density():
    measures = removal_measures(make_work(BY_HAND, size=np.nan)).set_index("measure")
    assert np.isnan(measures.loc["defect density", "value"])
    assert np.isnan(measures.loc["defect density", "whole"])
    assert "no ended task has a size" in measures.loc["defect density", "note"]


def test_a_density_is_per_actual_size_and_per_estimated_size_where_that_is_all_there_is():
    work = make_work(BY_HAND)
    unmeasured = replace(work, tasks=work.tasks.assign(actual_size=np.nan))
    wholes = [removal_measures(one).set_index("measure").loc["defect density", "whole"] for one in (work, unmeasured)]
    assert wholes == [100.0, 50.0]


def test_an_open_history_is_provisional():
    table = phase_yields(make_work(BY_HAND, status="in_progress"))
    assert table["note"].str.contains("provisional: 1 tasks are open").all()


def test_defects_outside_the_order_are_left_out_and_counted():
    work = make_work([*BY_HAND, ("Elsewhere", "Test", 2), ("Test", "Design", 3)])
    assert flow_note(work) == (
        "left out of the yields: 2 in a phase without a place in the order, "
        "3 found in a phase before the one that made them"
    )
    kept = phase_yields(work).set_index("agent_role")
    assert kept.loc["DesignReview", "yield_share"] == 0.7
    assert injection_matrix(work).to_numpy().sum() == 25


def test_at_one_place_in_the_order_making_comes_before_reviewing():
    phases = PHASES.assign(phase_order=10)
    kinds = phase_yields(make_work([("Design", "DesignReview", 2), ("Design", "Test", 1)], phases=phases))
    assert kinds["agent_role"].tolist() == ["Design", "DesignReview", "Test"]
    assert kinds["entering"].tolist() == [0, 3, 1]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60))
def test_every_defect_that_comes_in_goes_out_once(pairs):
    names = PHASES["agent_role"].tolist()
    work = make_work([(names[min(pair)], names[max(pair)], 1) for pair in pairs])
    table = phase_yields(work)
    assert table["injected"].sum() == table["removed"].sum() == len(pairs)
    assert table["yield_share"].dropna().between(0, 1).all()
    assert (table["escaped"] >= 0).all()
    assert not len(table) or table["escaped"].iloc[-1] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "review"}, "unknown kinds: ['review']"),
        ({"phase_order": "late"}, "5 without an order"),
        ({"agent_role": "Code"}, "twice: ['Code'"),
    ],
)
def test_an_order_of_phases_that_is_none_is_refused(change, words):
    with pytest.raises(AnalysisError) as caught:
        check_phases(PHASES.assign(**change))
    assert words in str(caught.value)


def test_an_order_without_its_columns_is_refused():
    with pytest.raises(AnalysisError, match="kind, phase_order is missing"):
        check_phases(PHASES[["agent_role"]])


def test_a_review_is_judged_on_the_tasks_that_it_saw(sample_store):
    with connect(sample_store) as session:
        work = Work.read(session.view)
    table = phase_yields(work).set_index("agent_role")
    real = work.real_defects
    seen = work.runs.loc[work.runs["agent_role"] == "SecurityReview", "task_id"]
    own = real[real["task_id"].isin(seen) & (real["injected_place"] < 3) & (real["removed_place"] >= 3)]
    assert table.loc["SecurityReview", "entering"] == len(own) < table.loc["DesignReview", "escaped"]
    assert table["injected"].sum() == table["removed"].sum() == len(real) == 85
