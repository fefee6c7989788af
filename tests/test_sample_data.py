"""The sample data loads into the store as it is, can be made again, and shows what the workbench is there to find."""

import json
import runpy
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from asp_analysis.records import RECORDS

POSTGRES_FILE = "migrations/004_sample_data.sql"
SQLITE = Path(__file__).resolve().parents[1] / "database" / "sqlite"
SEVEN_ROLES = {"Planning", "Design", "DesignReview", "Code", "CodeReview", "Test", "Postmortem"}
LOWER_IS_BETTER = {"PROBE_AI", "TaskDecomposition"}


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    connection = sqlite3.connect(tmp_path_factory.mktemp("sample") / "sample.db")
    connection.execute("PRAGMA foreign_keys = ON")
    for name in ("create_tables", "create_indexes", "sample_data"):
        connection.executescript((SQLITE / f"{name}.sql").read_text(encoding="utf-8"))
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def frames(connection):
    return {table: pd.read_sql(f"SELECT * FROM {table}", connection) for table in RECORDS if table != "executions"}


@pytest.fixture(scope="module")
def tasks(frames):
    frame = frames["task_metadata"].set_index("task_id")
    for kind in ("estimated", "actual"):
        costs = frame[f"{kind}_cost_vector_json"]
        frame[f"{kind}_usd"] = [json.loads(text)["api_cost_usd"] if isinstance(text, str) else np.nan for text in costs]
    return frame


@pytest.fixture(scope="module")
def completed(tasks):
    return tasks[tasks.status == "completed"]


@pytest.fixture(scope="module")
def executions(frames):
    """One row per execution, one column per metric."""
    keys = ["execution_id", "task_id", "agent_role", "llm_model"]
    return frames["agent_cost_vector"].pivot(index=keys, columns="metric_type", values="metric_value").reset_index()


def swing(values, is_lower_better):
    """How much worse the last value is than the best one, in points."""
    values = values.dropna() * (1 if values.max() > 1 else 100)
    return values.iloc[-1] - values.min() if is_lower_better else values.max() - values.iloc[-1]


@pytest.mark.parametrize(("file", "literal"), [("sqlite/sample_data.sql", "sqlite"), (POSTGRES_FILE, "postgres")])
def test_making_the_file_again_gives_the_same_bytes(file, literal):
    made = runpy.run_path(str(SQLITE / "make_sample_data.py"))
    text = made["sql_text"](made["make_world"](), made[f"{literal}_literal"])
    assert text.encode() == (SQLITE.parent / file).read_bytes()


def test_the_script_writes_both_files_where_they_belong(tmp_path):
    script = tmp_path / "sqlite" / "make_sample_data.py"
    script.parent.mkdir()
    (tmp_path / "migrations").mkdir()
    script.write_bytes((SQLITE / script.name).read_bytes())
    subprocess.run([sys.executable, str(script)], check=True, cwd="/")
    for file in ("sqlite/sample_data.sql", POSTGRES_FILE):
        assert (tmp_path / file).read_bytes() == (SQLITE.parent / file).read_bytes()


def test_the_file_stays_small(frames):
    assert (SQLITE / "sample_data.sql").stat().st_size < 700_000
    assert sum(len(frame) for frame in frames.values()) < 4_000


def test_no_foreign_key_is_broken(connection):
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("table", [table for table in RECORDS if table != "executions"])
def test_every_row_is_a_record_of_the_contract(frames, table):
    model, frame = RECORDS[table], frames[table]
    for row in frame[[*model.model_fields]].astype(object).where(frame.notna(), None).to_dict("records"):
        model.model_validate(row)


def test_the_numbered_tables_leave_their_ids_to_the_store():
    text = (SQLITE / "sample_data.sql").read_text(encoding="utf-8")
    assert "(id," not in text and " id," not in text


def test_fifty_tasks_over_ten_weeks_in_every_status(frames, tasks):
    instants = pd.concat([tasks.created_at, frames["bootstrap_metrics"].measured_at])
    first, last = (datetime.fromisoformat(text) for text in (instants.min(), instants.max()))
    assert 9 * 7 <= (last - first).days <= 11 * 7
    assert last.year == 2025
    assert tasks.status.value_counts().to_dict() == {"completed": 43, "failed": 3, "in_progress": 2, "pending": 2}


def test_the_instants_of_a_task_agree_with_its_status(tasks):
    has_ended, has_begun = tasks.completed_at.notna(), tasks.started_at.notna()
    assert (has_ended == tasks.status.isin(["completed", "failed"])).all()
    assert (has_begun == (tasks.status != "pending")).all()
    assert (tasks.started_at[has_begun] >= tasks.created_at[has_begun]).all()


def test_telemetry_exists_exactly_where_work_happened(frames, tasks):
    costs = frames["agent_cost_vector"].join(tasks[["started_at", "completed_at"]], on="task_id")
    assert set(costs.task_id) == set(tasks.index[tasks.started_at.notna()])
    assert (costs.timestamp >= costs.started_at).all()
    assert (costs.timestamp <= costs.completed_at.fillna("9")).all()


def test_the_seven_roles_some_specialists_three_models_and_one_change_of_prompt(frames):
    costs = frames["agent_cost_vector"].sort_values("timestamp")
    assert set(costs.agent_role) > SEVEN_ROLES
    assert costs.llm_model.nunique() >= 3
    assert set(costs.agent_iteration) == {1, 2, 3}
    assert (costs.agent_version != costs.agent_version.shift()).sum() == 2
    roles = costs.groupby("task_id").agent_role.agg(lambda role: set(role) >= SEVEN_ROLES)
    assert roles.mean() > 0.8


def test_a_planned_complexity_is_the_sum_of_its_units_by_the_formula(tasks):
    for units, total in zip(tasks.semantic_units_json.map(json.loads), tasks.estimated_complexity, strict=True):
        assert 2 <= len(units) <= 6
        for unit in units:
            counted = 2 * unit["api_interactions"] + 5 * unit["data_transformations"]
            counted += 3 * unit["logical_branches"] + 4 * unit["code_entities_modified"]
            assert unit["est_complexity"] == counted * unit["novelty"]
        assert total == round(sum(unit["est_complexity"] for unit in units))
    sizes = tasks[["estimated_complexity", "actual_complexity"]].stack().dropna()
    assert sizes.between(5, 120).all()


def test_a_dependency_names_an_earlier_unit(tasks):
    for units in tasks.semantic_units_json.map(json.loads):
        names = [unit["unit_id"] for unit in units]
        for position, unit in enumerate(units):
            assert set(unit["depends_on"]) <= set(names[:position])


def test_the_noise_of_like_executions_is_that_of_real_agents(executions, tasks):
    sizes = executions.task_id.map(tasks.actual_complexity)
    known = executions.API_Cost.notna() & sizes.notna()
    rest = np.log(executions.API_Cost[known]) - 0.9 * np.log(sizes[known].astype(float))
    groups = rest.groupby([executions.agent_role[known], executions.llm_model[known]])
    log_sd = np.sqrt((groups.var() * groups.count()).sum() / groups.count().sum())
    assert 0.5 < log_sd < 0.8


def test_task_costs_have_a_long_tail(completed):
    assert completed.actual_usd.max() / completed.actual_usd.median() > 4


@pytest.mark.parametrize("size", ["estimated_complexity", "actual_complexity"])
def test_the_published_regression_finds_cost_in_size(completed, size):
    fit = linregress(completed[size].astype(float), completed.actual_usd)
    assert 0.5 < fit.rvalue**2 < 0.85
    assert fit.pvalue < 1e-6


def test_the_planner_estimates_too_low_and_gets_better(completed):
    error = completed.estimated_usd / completed.actual_usd - 1
    assert -0.4 < error.median() < 0
    assert error.abs().iloc[-15:].mean() < 0.6 * error.abs().iloc[:15].mean()


def test_task_costs_are_the_sums_of_their_telemetry(frames, tasks):
    costs = frames["agent_cost_vector"]
    sums = costs.pivot_table(index="task_id", columns="metric_type", values="metric_value", aggfunc="sum")
    worked = tasks.actual_cost_vector_json.dropna().map(json.loads)
    assert set(worked.index) == set(sums.index)
    for task_id, vector in worked.items():
        found = sums.loc[task_id]
        assert vector["latency_ms"] == found.Latency
        assert vector["tokens"] == found.Tokens_In + found.Tokens_Out
        assert vector["api_cost_usd"] == pytest.approx(found.API_Cost, abs=1e-6)


def test_an_unknown_metric_is_a_missing_row_and_never_zero(executions):
    priced = executions[["API_Cost", "Latency", "Tokens_In", "Tokens_Out"]]
    assert (priced.min() > 0).all()
    assert priced.isna().sum().sum() > 0
    assert executions.Tokens_Cache_Write[executions.llm_model == "gpt-5-mini"].isna().all()


def test_api_cost_follows_from_the_tokens_and_the_published_price(executions):
    prices = runpy.run_path(str(SQLITE / "make_sample_data.py"))["PRICES"]
    table = pd.DataFrame(prices.values(), index=list(prices)).loc[executions.llm_model].reset_index(drop=True)
    written = executions.Tokens_Cache_Write.where(table.provider != "openai", 0)
    fresh = executions.Tokens_In - executions.Tokens_Cache_Read - written
    usd = fresh * table.fresh + executions.Tokens_Cache_Read * table.cache_read
    usd = (usd + written * table.cache_write + executions.Tokens_Out * table.out) / 1e6
    known = usd.notna() & executions.API_Cost.notna()
    assert known.mean() > 0.9
    assert np.allclose(usd[known], executions.API_Cost[known], atol=1e-6)
    assert (fresh.dropna() >= 0).all()


def test_most_of_the_input_is_read_from_a_cache(executions):
    assert 0.85 < (executions.Tokens_Cache_Read / executions.Tokens_In).median() < 0.99


def test_defect_counts_and_densities_agree_with_the_log(frames, tasks):
    log = frames["defect_log"]
    counts = log[log.false_positive == 0].groupby("task_id").size().reindex(tasks.index, fill_value=0)
    assert (tasks.defect_count == counts).all()
    ended = tasks[tasks.completed_at.notna()]
    assert np.allclose(ended.defect_density, ended.defect_count / ended.actual_complexity, atol=5e-5)


def test_reviews_have_all_three_outcomes(frames):
    log = frames["defect_log"]
    outcomes = log.groupby(["flagged_by_agent", "validated_by_human", "false_positive"]).size()
    assert set(outcomes.index) == {(1, 1, 0), (1, 0, 1), (0, 1, 0)}
    assert outcomes.min() >= 15
    assert 90 <= len(log) <= 130


def test_every_defect_was_found_in_a_phase_that_its_task_went_through(frames):
    ran = frames["agent_cost_vector"].groupby("task_id").agent_role.agg(set)
    log = frames["defect_log"]
    pairs = zip(log.task_id, log.phase_removed, strict=True)
    assert all(phase in ran[task_id] for task_id, phase in pairs)
    escaped = log[log.flagged_by_agent == 0]
    assert set(escaped.phase_removed) <= {"Code", "Test", "Postmortem"}


def test_a_correction_costs_more_the_later_the_defect_is_found(frames):
    log = frames["defect_log"]
    log = log[log.false_positive == 0]
    usd = log.effort_to_fix_json.map(lambda text: json.loads(text)["api_cost_usd"]).groupby(log.phase_removed).median()
    assert usd["DesignReview"] < usd["CodeReview"] < usd["Test"]


def test_one_component_is_clearly_more_error_prone(completed):
    component = completed.components_affected.map(lambda text: json.loads(text)[0])
    sums = completed.groupby(component)[["defect_count", "actual_complexity"]].sum()
    density = (sums.defect_count / sums.actual_complexity).astype(float)
    assert list(density.index[density > 2 * density.median()]) == ["src/booking/payments.py"]


def test_people_correct_fewer_plans_as_time_goes_by(tasks):
    corrected = tasks.sort_values("created_at").human_corrections_json.notna()
    assert 0.25 < corrected.mean() < 0.4
    assert corrected.iloc[:15].sum() > 3 * corrected.iloc[-15:].sum()
    assert tasks.human_reviewed[corrected].all()


def test_each_capability_is_measured_every_three_or_four_days(frames):
    measured = frames["bootstrap_metrics"].groupby("capability_name")
    assert (measured.size() == 18).all() and len(measured) == 6
    for _, rows in measured:
        gaps = pd.to_datetime(rows.measured_at).diff().dropna().dt.days
        assert gaps.between(3, 4).all()
        assert rows.tasks_completed.is_monotonic_increasing


def test_exactly_one_capability_degrades(frames):
    measured = frames["bootstrap_metrics"].groupby("capability_name").primary_metric_value
    swings = {name: swing(values, name in LOWER_IS_BETTER) for name, values in measured}
    assert [name for name, points in swings.items() if points >= 10] == ["ReviewAgent_Code"]


def test_the_code_review_agent_earns_autonomy_and_loses_it_again(frames):
    rows = frames["bootstrap_metrics"].query("capability_name == 'ReviewAgent_Code'")
    modes = rows.capability_mode[rows.capability_mode != rows.capability_mode.shift()]
    assert list(modes) == ["Learning", "Shadow", "Autonomous", "Shadow"]
    degrading = rows[rows.graduation_notes.fillna("").str.startswith("Degrading")]
    assert degrading.measured_at.min() > "2025-11-23"  # the last three weeks
    assert degrading.index[-1] == rows.index[-1]


@pytest.mark.parametrize("capability, stage_is_code", [("ReviewAgent_Code", True), ("ReviewAgent_Design", False)])
def test_the_last_review_rate_can_be_computed_from_the_defects(frames, capability, stage_is_code):
    log = frames["defect_log"].sort_values("created_at")
    flagged = log[((log.phase_injected == "Code") == stage_is_code) & (log.flagged_by_agent == 1)]
    last = frames["bootstrap_metrics"].query("capability_name == @capability").primary_metric_value.iloc[-1]
    assert last == pytest.approx(flagged.validated_by_human.iloc[-15:].mean(), abs=1e-4)


def test_the_other_capabilities_move_towards_their_targets(frames):
    for name, rows in frames["bootstrap_metrics"].groupby("capability_name"):
        if name != "ReviewAgent_Code":
            distance = (rows.primary_metric_value - rows.primary_metric_target).dropna().abs()
            values = rows.primary_metric_value.dropna()
            assert (values.iloc[-1] < values.iloc[0]) == (name in LOWER_IS_BETTER), name
            assert distance.iloc[-1] < distance.iloc[0], name
