"""From telemetry to evidence: what was known at an instant, what counts as a case, what agrees with the platform."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from asp_analysis.learning import (
    SoundRule,
    Telemetry,
    criteria,
    learning_history,
    learning_report,
    status,
)
from asp_analysis.learning.evidence import average_by_task, average_recent, cut_strata, mark_changes
from asp_analysis.learning.rates import gather_decomposition, gather_estimates, gather_review
from asp_analysis.session import connect

END = pd.Timestamp("2025-12-14 18:00")


@pytest.fixture(scope="module")
def telemetry(sample_store):
    with connect(sample_store) as session:
        return Telemetry.read(session.view)


@pytest.fixture(scope="module")
def recorded(sample_store):
    with connect(sample_store) as session:
        frame = session.view("learning_curve")
    return frame[frame["measured_at"] == frame["measured_at"].max()].set_index("capability")


@pytest.fixture(scope="module")
def table(telemetry):
    return status(telemetry, END)


@pytest.mark.parametrize("capability", ["PROBE_AI", "TaskDecomposition", "ReviewAgent_Design", "ReviewAgent_Code"])
def test_the_published_metric_is_what_the_platform_recorded(table, recorded, capability):
    row = table.set_index("capability").loc[capability]
    was = recorded.loc[capability]
    assert row["metric_name"] == was["metric_name"]
    assert row["metric_value"] == pytest.approx(was["metric_value"], abs=0.05 if "pct" in row["metric_name"] else 1e-3)
    open_reviews = 2 * (capability == "ReviewAgent_Design")  # of the two tasks that have not ended: not yet scored
    assert row["completed"] == was["tasks_completed"] - open_reviews


def test_every_capability_of_the_store_has_a_status_before_there_is_any_data(telemetry, sample_store):
    with connect(sample_store) as session:
        capabilities = session.view("stg_capabilities")
    table = status(telemetry, pd.Timestamp("2020-01-01"))
    assert sorted(table["capability"]) == sorted(capabilities["capability"])
    assert set(table["published_mode"]) == set(table["sound_mode"]) == {"Learning"}
    assert table["metric_value"].isna().all() and (table["completed"] == 0).all()
    assert table["missing_sound"].str.len().min() > 10


def test_what_happens_later_does_not_change_what_was_known(telemetry):
    instant = pd.Timestamp("2025-11-10")
    early = telemetry.as_of(instant)
    cut = replace(early, tasks=early.tasks.drop(columns="is_done"), defects=early.defects.drop(columns="is_decided"))
    pd.testing.assert_frame_equal(status(telemetry, instant), status(cut, instant))


def test_a_task_that_ended_later_is_open_and_has_no_outcome(telemetry):
    known = telemetry.as_of(pd.Timestamp("2025-10-20"))
    later = known.tasks[known.tasks["completed_at"] > "2025-10-20"]
    assert len(later) and not later["is_done"].any() and not known.tasks.columns.str.endswith("cost_usd").any()
    assert known.forecasts.loc[known.forecasts["task_id"].isin(later["task_id"]), "actual"].isna().all()


def test_a_finding_that_was_resolved_later_is_undecided(telemetry):
    one = telemetry.defects[telemetry.defects["is_validated_by_human"]].iloc[0]
    between = one["found_at"] + (one["fixed_at"] - one["found_at"]) / 2
    known = telemetry.as_of(between).defects.set_index("defect_id")
    assert not known.loc[one["defect_id"], "is_decided"]


def test_an_estimate_that_was_made_after_the_outcome_is_no_evidence(telemetry):
    late = telemetry.forecasts.assign(is_before_outcome=False)
    assert len(gather_estimates(replace(telemetry, forecasts=late).as_of(END), 30).cases.values) == 0


def test_a_forecast_of_the_workbench_is_preferred_to_the_planner(telemetry):
    forecasts = telemetry.forecasts
    planner = forecasts[forecasts["component"] == "cost_usd"]
    exact = planner.assign(source="workbench", estimate=planner["actual"], lower_70=0.0, upper_70=1e9)
    found = gather_estimates(replace(telemetry, forecasts=pd.concat([forecasts, exact])).as_of(END), 30)
    assert found.cases.values.mean() == 1.0
    assert found.secondary["interval_70_coverage_share"] == 1.0
    assert found.secondary["wider_than_half_share"] == 1.0
    assert found.secondary["from_workbench"] == len(found.cases.values)


def test_a_plan_that_nobody_looked_at_says_nothing_about_corrections(telemetry):
    tasks = telemetry.tasks.assign(is_human_reviewed=False, is_human_corrected=False)
    found = gather_decomposition(replace(telemetry, tasks=tasks).as_of(END), 30)
    assert np.isnan(found.cases.values[:, 0]).all()
    assert found.published.value[-1] == 0.0  # the published rule takes silence for consent


def test_a_critical_defect_that_escaped_marks_its_case(telemetry):
    defects = telemetry.defects.copy()
    missed = ~defects["is_flagged_by_agent"] & (defects["phase_injected"] == "Code")
    defects["severity"] = np.where(missed, "Critical", "Low")
    cases = gather_review("Code", replace(telemetry, defects=defects).as_of(END), 30).cases
    assert cases.is_critical.sum() == defects.loc[missed, "task_id"].nunique()


def test_findings_of_one_task_are_one_case():
    tasks = pd.DataFrame({"task_id": ["a", "b"]})
    cases = pd.DataFrame({"task_id": ["a", "a", "a", "b"], "is_hit": [True, True, False, True]})
    assert average_by_task(tasks, cases, "is_hit").tolist() == [pytest.approx(2 / 3), 1.0]
    assert average_recent(tasks, cases, "is_hit", window=2).tolist() == [0.5, 0.5]


def test_a_mix_of_models_is_no_change_and_a_new_version_is():
    tasks = pd.DataFrame({"task_id": [f"t{n}" for n in range(10)]})
    runs = pd.DataFrame({"task_id": tasks["task_id"], "agent_role": "Code", "llm_model": ["a", "b"] * 5})
    runs["agent_version"] = ["1"] * 6 + ["2"] * 4
    assert np.flatnonzero(mark_changes(tasks, runs, ["Code"], 30)).tolist() == [1, 6]
    assert np.flatnonzero(mark_changes(tasks, runs, ["Test"], 30)).tolist() == []


def test_a_model_that_returns_after_a_long_pause_is_a_change():
    tasks = pd.DataFrame({"task_id": [f"t{n}" for n in range(10)]})
    runs = pd.DataFrame({"task_id": tasks["task_id"], "agent_role": "Code", "agent_version": "1"})
    runs["llm_model"] = ["a"] + ["b"] * 8 + ["a"]
    assert np.flatnonzero(mark_changes(tasks, runs, ["Code"], 5)).tolist() == [1, 9]


def test_tasks_of_one_size_form_one_stratum():
    assert set(cut_strata(pd.Series([5.0] * 9))) == {0}
    assert set(cut_strata(pd.Series(range(9)))) == {0, 1, 2}
    assert set(cut_strata(pd.Series([np.nan, 1.0]))) == {-1}


def test_the_code_reviewer_of_the_sample_is_autonomous_by_the_published_rule_and_then_relapses(telemetry):
    story = learning_history(telemetry, END).set_index("capability").loc["ReviewAgent_Code"]
    modes = story["published_mode"].tolist()
    assert "Autonomous" in modes and modes[-1] == "Shadow"
    assert "Autonomous" not in story["sound_mode"].tolist()


def test_where_the_rules_differ_one_sentence_says_why(table):
    differs = table["published_mode"] != table["sound_mode"]
    assert differs.any()
    assert (table["difference"].str.len() > 20).tolist() == differs.tolist()
    probe = table.set_index("capability").loc["PROBE_AI"]
    assert (probe["published_mode"], probe["sound_mode"]) == ("Autonomous", "Shadow")
    assert "2025-11-10 a new model or prompt version" in probe["difference"]
    assert json.loads(probe["secondary_json"])["r2"] == pytest.approx(0.665, abs=0.001)


def test_one_report_holds_what_the_single_functions_give(telemetry, table):
    report = learning_report(telemetry, END)
    pd.testing.assert_frame_equal(report.status, table)
    pd.testing.assert_frame_equal(report.criteria, criteria(telemetry, END))
    assert report.history["capability"].nunique() == 6


def test_a_long_flawless_history_is_autonomous_by_both_rules():
    now = pd.Timestamp("2026-07-06")  # no defect was ever found, so that two thirds of the record may still hide one
    table = status(flawless(400), now).set_index("capability")
    assert table.loc["PROBE_AI", ["published_mode", "sound_mode"]].tolist() == ["Autonomous", "Autonomous"]
    assert table.loc["PROBE_AI", "difference"] == table.loc["PROBE_AI", "missing_sound"] == ""
    assert table.loc["TaskDecomposition", "sound_mode"] == "Autonomous"
    found = criteria(flawless(400), now, SoundRule()).set_index("criterion")
    assert found.loc["estimates within ±20 %", ["cases", "value", "is_passed"]].tolist() == [400, 1.0, True]


def flawless(count):
    """Tasks of three sizes, one a day, estimated exactly, never corrected, without defects."""
    day = pd.Timestamp("2025-06-01") + pd.to_timedelta(np.arange(count), unit="D")
    ids = [f"t{n:03d}" for n in range(count)]
    size = np.resize([10.0, 20.0, 40.0], count)
    tasks = pd.DataFrame(
        {"task_id": ids, "created_at": day, "completed_at": day + pd.Timedelta(hours=2),
         "project_id": "p", "task_type": "api", "task_description": "x", "status": "completed", "size": size,
         "actual_size": size, "components_json": '["a.py"]', "is_human_reviewed": True, "is_human_corrected": False,
         "planned_units": 4, "missing_units": 0}
    )  # fmt: skip
    runs = pd.DataFrame({"task_id": ids, "agent_role": "Code", "llm_model": "m", "agent_version": "1",
                         "first_at": day, "executions": 1})  # fmt: skip
    forecasts = pd.DataFrame(
        {"task_id": ids, "source": "planner", "method": "planner", "made_at": day, "component": "cost_usd",
         "estimate": size / 10, "lower_70": np.nan, "upper_70": np.nan, "actual": size / 10,
         "completed_at": tasks["completed_at"], "is_before_outcome": True}
    )  # fmt: skip
    columns = ["defect_id", "task_id", "phase_injected", "phase_removed", "severity", "defect_type"]
    defects = pd.DataFrame(columns=columns, dtype=object)
    for name in ("is_flagged_by_agent", "is_validated_by_human", "is_false_positive"):
        defects[name] = pd.Series(dtype=bool)
    for name in ("found_at", "fixed_at"):
        defects[name] = pd.Series(dtype="datetime64[us]")
    roles = pd.DataFrame({"agent_role": ["DesignReview", "Code", "CodeReview"], "phase_order": [30, 40, 50],
                          "kind": ["appraisal", "construction", "appraisal"]})  # fmt: skip
    return Telemetry(tasks=tasks, defects=defects, runs=runs, forecasts=forecasts, roles=roles)
