"""Cost of quality, of corrections and of accepted results; how good reviews are."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.question import Question, pose
from asp_analysis.quality import (
    Work,
    accepted_costs,
    cost_of_quality,
    defect_pareto,
    fix_costs,
    review_effectiveness,
)
from asp_analysis.session import connect


@pytest.fixture(scope="module")
def work(sample_store):
    with connect(sample_store) as session:
        return Work.read(session.view)


def runs_of(costs):
    names = ["latency_ms", "tokens", "cost_usd"]
    frame = pd.DataFrame({"agent_role": list(costs), "task_id": "t"})
    for name in names:
        frame[name], frame[f"rework_{name}"] = list(costs.values()), 0.0
    return frame.assign(executions_without_cost=0, reworked_executions=0)


def spent_on(tasks):
    return tasks["cost_usd"].fillna(tasks["reported_cost_usd"])


def test_the_shares_of_all_kinds_add_up_to_one(work):
    table = cost_of_quality(work)
    kinds = [f"{kind}_share" for kind in ("overhead", "construction", "appraisal", "failure", "unlisted")]
    assert table[kinds].sum(axis=1).tolist() == pytest.approx([1.0] * 3)
    parts = table["appraisal_share"] + table["failure_share"]
    assert table["coq_share"].tolist() == pytest.approx(parts.tolist())


def test_the_total_is_the_known_cost_of_all_executions(sample_store, work):
    with connect(sample_store) as session:
        runs = session.view("stg_executions")
    whole = runs["cost_usd"].sum()
    is_rework = (runs["agent_iteration"] > 1) & runs["agent_role"].isin(["Design", "Code"])
    row = cost_of_quality(work).set_index("component").loc["cost_usd"]
    assert row["total"] == pytest.approx(whole)
    assert row["rework_share"] == pytest.approx(runs.loc[is_rework, "cost_usd"].sum() / whole)
    assert row["note"] == "10 executions without a cost are left out"


def test_appraisal_over_failure_is_not_defined_without_failure_cost(work):
    without = Work(work.defects, runs_of({"Code": 5.0, "CodeReview": 2.0}), work.tasks, work.phases)
    row = cost_of_quality(without).iloc[0]
    assert np.isnan(row["afr"]) and "A/FR not defined: no failure cost" in row["note"]
    assert row["appraisal_share"] == pytest.approx(2 / 7)


def test_a_role_of_ones_own_is_unlisted_and_not_lost(work):
    own = Work(work.defects, runs_of({"Code": 6.0, "Test": 2.0, "Translation": 2.0}), work.tasks, work.phases)
    row = cost_of_quality(own).iloc[0]
    assert (row["unlisted_share"], row["failure_share"]) == (pytest.approx(0.2), pytest.approx(0.2))


def test_nothing_known_is_not_defined(work):
    row = cost_of_quality(Work(work.defects, runs_of({}), work.tasks, work.phases)).iloc[2]
    assert np.isnan(row["coq_share"]) and row["note"].startswith("not defined")


def test_a_component_of_which_nothing_is_known_has_no_total(work):
    row = cost_of_quality(Work(work.defects, runs_of({"Code": np.nan, "Test": np.nan}), work.tasks, work.phases)).iloc[
        2
    ]
    assert np.isnan(row["total"]) and row["note"] == "not defined: nothing is known of this component"


def test_a_kind_of_phase_that_ran_at_unknown_cost_is_unknown_and_one_that_never_ran_is_zero(work):
    row = cost_of_quality(Work(work.defects, runs_of({"Code": 5.0, "Test": np.nan}), work.tasks, work.phases)).iloc[2]
    assert np.isnan(row["failure_share"]) and np.isnan(row["coq_share"])
    assert (row["appraisal_share"], row["construction_share"]) == (0.0, 1.0)
    assert row["note"] == "nothing is known of failure; A/FR not defined: no failure cost is known"


def test_rework_of_unknown_cost_is_no_rework_of_zero(work):
    runs = runs_of({"Code": 5.0}).assign(reworked_executions=1, rework_cost_usd=np.nan)
    assert np.isnan(cost_of_quality(Work(work.defects, runs, work.tasks, work.phases)).iloc[2]["rework_share"])


def test_tasks_of_unknown_cost_are_not_accepted_for_nothing(work):
    tasks = work.tasks.assign(cost_usd=np.nan, reported_cost_usd=np.nan)
    row = accepted_costs(Work(work.defects, work.runs, tasks, work.phases)).iloc[0]
    assert row[["accepted_usd", "failed_usd", "usd_per_accepted"]].isna().all()
    assert row["note"].startswith("nothing is known of accepted_usd; nothing is known of failed_usd")


def test_corrections_of_unknown_effort_have_no_sum_of_zero(work):
    defects = work.defects.assign(fix_cost_usd=np.nan, fix_latency_ms=np.nan)
    table = defect_pareto(Work(defects, work.runs, work.tasks, work.phases))
    assert table[["fix_cost_usd", "fix_latency_ms", "fix_cost_share"]].isna().all(axis=None)


def test_a_correction_costs_more_the_later_the_defect_is_found(work):
    table = fix_costs(work).set_index("agent_role")
    assert table.loc["DesignReview", "relative"] == 1.0
    assert table.loc["DesignReview", "relative"] < table.loc["CodeReview", "relative"] < table.loc["Test", "relative"]
    assert table["defects"].sum() == 85
    assert table["total_fix_cost_usd"].sum() == pytest.approx(work.real_defects["fix_cost_usd"].sum())


def test_an_effort_of_zero_is_unknown_and_not_free(work):
    defects = work.defects.assign(fix_cost_usd=0.0, fix_latency_ms=0.0)
    table = fix_costs(Work(defects, work.runs, work.tasks, work.phases))
    assert table["relative"].isna().all() and (table["with_cost"] == 0).all()
    assert (table["note"] == "not defined: no effort is known").all()


def test_an_accepted_result_bears_the_cost_of_failed_attempts(work):
    row = accepted_costs(work).iloc[0]
    assert (row["accepted"], row["failed"], row["open"]) == (43, 3, 2)
    spent = spent_on(work.tasks).groupby(work.tasks["status"]).sum()
    assert row["usd_per_accepted"] == pytest.approx((spent["completed"] + spent["failed"]) / 43)
    assert row["usd_per_accepted"] > row["usd_per_completed"]


def test_the_groups_of_accepted_costs_add_up_to_the_whole(work):
    groups, whole = accepted_costs(work, "task_type"), accepted_costs(work).iloc[0]
    assert groups["accepted_usd"].sum() == pytest.approx(whole["accepted_usd"])
    assert groups["failed"].sum() == whole["failed"]


def test_where_nothing_was_accepted_the_cost_is_not_defined(work):
    failed = work.tasks.assign(status="failed")
    row = accepted_costs(Work(work.defects, work.runs, failed, work.phases)).iloc[0]
    assert np.isnan(row["usd_per_accepted"]) and row["note"].startswith("not defined: nothing was accepted")
    assert row["failed_usd"] == pytest.approx(spent_on(failed).sum())


def test_the_pareto_ends_at_one_and_falls(work):
    table = defect_pareto(work)
    assert table["cumulative_share"].iloc[-1] == pytest.approx(1.0)
    assert table["defects"].is_monotonic_decreasing and table["defects"].sum() == 85
    assert table["fix_cost_share"].sum() == pytest.approx(1.0)


def test_review_shares_are_those_of_the_view(sample_store, work):
    with connect(sample_store) as session:
        view = session.view("review_outcomes").set_index("agent_role").sort_index()
    table = review_effectiveness(work).set_index("agent_role").sort_index()
    for column in ("flagged", "confirmed", "refuted", "undecided", "escaped", "true_positive_share", "escape_share"):
        assert table[column].tolist() == pytest.approx(view[column].tolist(), nan_ok=True), column
    assert (table["true_positive_lower"] <= table["true_positive_share"]).all()
    assert table.loc["DesignReview", "true_positive_lower"] == pytest.approx(0.50141, abs=1e-5)


def test_per_type_the_counts_add_up_to_the_role(work):
    by_type = review_effectiveness(work, by_type=True).groupby("agent_role")[["flagged", "escaped"]].sum()
    whole = review_effectiveness(work).set_index("agent_role")[["flagged", "escaped"]].sort_index()
    pd.testing.assert_frame_equal(by_type, whole)


def test_a_type_that_was_never_flagged_has_no_positive_rate(work):
    table = review_effectiveness(work, by_type=True)
    never = table[table["flagged"] == 0]
    assert len(never) and never["true_positive_share"].isna().all()
    assert never["note"].str.contains("nothing was flagged").all()


def test_no_reviews_give_an_empty_table_with_its_columns(work):
    none = Work(work.defects[:0], work.runs[:0], work.tasks[:0], work.phases)
    table = review_effectiveness(none)
    assert len(table) == 0 and {"agent_role", "flagged", "escape_share", "note"} <= set(table.columns)


def side_by_side(models):
    """Return work in which every model did the same ten tasks, days apart, at one dollar each."""
    days = pd.date_range("2026-01-01", periods=models, freq="7D")
    rows = [(f"T-{task}", "Code", f"model-{place}", day) for task in range(10) for place, day in enumerate(days)]
    runs = pd.DataFrame(rows, columns=["task_id", "agent_role", "llm_model", "last_at"])
    tasks = pd.DataFrame({"task_id": [f"T-{task}" for task in range(10)], "status": "completed", "project_id": "P"})
    tasks = tasks.assign(
        completed_at=pd.NaT, cost_usd=float(models), reported_cost_usd=np.nan, executions_without_cost=0
    )
    return Work(pd.DataFrame(), runs, tasks, pd.DataFrame())


def test_what_models_did_as_alternatives_has_no_cost_per_accepted_task_as_an_estimate_of_it_is_refused():
    work = side_by_side(3)
    for by in (None, "project_id"):
        row = accepted_costs(work, by).iloc[0]
        assert np.isnan(row["usd_per_accepted"]) and np.isnan(row["usd_per_completed"])
        assert row["accepted_usd"] == 30.0 and row["note"].startswith("not defined: 3 models did the same work")
    history = work.runs.rename(columns={"last_at": "known_at"}).assign(
        is_finished=True, is_censored=False, cost_usd=1.0
    )
    with pytest.raises(EstimationRefusal, match="3 models did the same work as alternatives"):
        pose(history, Question())
    assert accepted_costs(side_by_side(1)).iloc[0]["usd_per_accepted"] == 1.0


def test_nothing_recorded_has_no_cost_per_accepted_task(empty_store):
    with connect(empty_store) as session:
        row = accepted_costs(Work.read(session.view)).iloc[0]
    assert np.isnan(row["usd_per_accepted"]) and row["note"].startswith("not defined: nothing was accepted")
