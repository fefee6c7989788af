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
from asp_analysis.sql import CONTRACT_TABLES

POSTGRES_FILE = "migrations/004_sample_data.sql"
SQLITE = Path(__file__).resolve().parents[1] / "database" / "sqlite"
TABLES = CONTRACT_TABLES
SEVEN_ROLES = {"Planning", "Design", "DesignReview", "Code", "CodeReview", "Test", "Postmortem"}
LOWER_IS_BETTER = {"PROBE_AI", "TaskDecomposition"}


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    connection = sqlite3.connect(tmp_path_factory.mktemp("sample") / "sample.db")
    connection.execute("PRAGMA foreign_keys = ON")
    for name in ("sqlite/create_tables", "sqlite/create_indexes", "vocabularies", "sqlite/sample_data"):
        connection.executescript((SQLITE.parent / f"{name}.sql").read_text(encoding="utf-8"))
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def frames(connection):
    return {table: pd.read_sql(f"SELECT * FROM {table}", connection) for table in TABLES}


@pytest.fixture(scope="module")
def tasks(frames):
    return frames["task_metadata"].set_index("task_id")


@pytest.fixture(scope="module")
def completed(tasks):
    return tasks[tasks.status == "completed"]


@pytest.fixture(scope="module")
def executions(frames):
    return frames["agent_cost_vector"]


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
    assert sum(len(frame) for frame in frames.values()) < 1_000


def test_no_foreign_key_is_broken(connection):
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_a_record_of_the_contract(frames, table):
    model, frame = RECORDS["executions" if table == "agent_cost_vector" else table], frames[table]
    names = [name for name in model.model_fields if name in frame.columns]
    assert set(frame.columns) - set(names) == {"load_id"} and frame.load_id.isna().all()
    for row in frame[names].astype(object).where(frame.notna(), None).to_dict("records"):
        model.model_validate(row)


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
    assert (costs.executed_at >= costs.started_at).all()
    assert (costs.executed_at <= costs.completed_at.fillna("9")).all()


def test_the_seven_roles_some_specialists_three_models_and_one_change_of_prompt(frames):
    costs = frames["agent_cost_vector"].sort_values("executed_at")
    assert set(costs.agent_role) > SEVEN_ROLES
    assert costs.llm_model.nunique() >= 3
    assert set(costs.agent_iteration) == {1, 2, 3}
    assert (costs.agent_version != costs.agent_version.shift()).sum() == 2
    roles = costs.groupby("task_id").agent_role.agg(lambda role: set(role) >= SEVEN_ROLES)
    assert roles.mean() > 0.8


def test_a_planned_complexity_is_the_sum_of_its_units_by_the_formula(tasks):
    for units, total in zip(tasks.semantic_units_json.map(json.loads), tasks.estimated_size, strict=True):
        assert 2 <= len(units) <= 6
        for unit in units:
            counted = 2 * unit["api_interactions"] + 5 * unit["data_transformations"]
            counted += 3 * unit["logical_branches"] + 4 * unit["code_entities_modified"]
            assert unit["est_complexity"] == counted * unit["novelty"]
        assert total == round(sum(unit["est_complexity"] for unit in units))
    sizes = tasks[["estimated_size", "actual_size"]].stack().dropna()
    assert sizes.between(5, 120).all()


def test_a_dependency_names_an_earlier_unit(tasks):
    for units in tasks.semantic_units_json.map(json.loads):
        names = [unit["unit_id"] for unit in units]
        for position, unit in enumerate(units):
            assert set(unit["depends_on"]) <= set(names[:position])


def test_the_noise_of_like_executions_is_that_of_real_agents(executions, tasks):
    sizes = executions.task_id.map(tasks.actual_size)
    known = executions.cost_usd.notna() & sizes.notna()
    rest = np.log(executions.cost_usd[known]) - 0.9 * np.log(sizes[known].astype(float))
    groups = rest.groupby([executions.agent_role[known], executions.llm_model[known]])
    log_sd = np.sqrt((groups.var() * groups.count()).sum() / groups.count().sum())
    assert 0.5 < log_sd < 0.8


def test_task_costs_have_a_long_tail(completed):
    assert completed.reported_cost_usd.max() / completed.reported_cost_usd.median() > 4


@pytest.mark.parametrize("size", ["estimated_size", "actual_size"])
def test_the_published_regression_finds_cost_in_size(completed, size):
    fit = linregress(completed[size].astype(float), completed.reported_cost_usd)
    assert 0.5 < fit.rvalue**2 < 0.85
    assert fit.pvalue < 1e-6


def test_the_planner_estimates_too_low_and_gets_better(completed):
    error = completed.estimated_cost_usd / completed.reported_cost_usd - 1
    assert -0.4 < error.median() < 0
    assert error.abs().iloc[-15:].mean() < 0.6 * error.abs().iloc[:15].mean()


def test_task_costs_are_the_sums_of_their_telemetry(frames, tasks):
    sums = frames["agent_cost_vector"].groupby("task_id")[["latency_ms", "tokens_in", "tokens_out", "cost_usd"]].sum()
    worked = tasks[tasks.reported_cost_usd.notna()]
    assert set(worked.index) == set(sums.index)
    for task_id, task in worked.iterrows():
        found = sums.loc[task_id]
        assert task.reported_latency_ms == found.latency_ms
        assert task.reported_tokens == found.tokens_in + found.tokens_out
        assert task.reported_cost_usd == pytest.approx(found.cost_usd, abs=1e-6)


def test_an_unknown_measure_is_empty_and_never_zero(executions):
    priced = executions[["cost_usd", "latency_ms", "tokens_in", "tokens_out"]]
    assert (priced.min() > 0).all()
    assert priced.isna().sum().sum() > 0
    assert executions.tokens_cache_write[executions.llm_model == "gpt-5-mini"].isna().all()


def test_api_cost_follows_from_the_tokens_and_the_published_price(executions):
    prices = runpy.run_path(str(SQLITE / "make_sample_data.py"))["PRICES"]
    table = pd.DataFrame(prices.values(), index=list(prices)).loc[executions.llm_model].reset_index(drop=True)
    written = executions.tokens_cache_write.where(table.provider != "openai", 0)
    fresh = executions.tokens_in - executions.tokens_cache_read - written
    usd = fresh * table.fresh + executions.tokens_cache_read * table.cache_read
    usd = (usd + written * table.cache_write + executions.tokens_out * table.out) / 1e6
    known = usd.notna() & executions.cost_usd.notna()
    assert known.mean() > 0.9
    assert np.allclose(usd[known], executions.cost_usd[known], atol=1e-6)
    assert (fresh.dropna() >= 0).all()


def test_most_of_the_input_is_read_from_a_cache(executions):
    assert 0.85 < (executions.tokens_cache_read / executions.tokens_in).median() < 0.99


def test_reported_defectss_and_densities_agree_with_the_log(frames, tasks):
    log = frames["defect_log"]
    counts = log[log.is_false_positive == 0].groupby("task_id").size().reindex(tasks.index, fill_value=0)
    assert (tasks.reported_defects == counts).all()
    ended = tasks[tasks.completed_at.notna()]
    assert np.allclose(ended.reported_defect_density, ended.reported_defects / ended.actual_size, atol=5e-5)


def test_reviews_have_all_three_outcomes(frames):
    log = frames["defect_log"]
    outcomes = log.groupby(["is_flagged_by_agent", "is_validated_by_human", "is_false_positive"]).size()
    assert set(outcomes.index) == {(1, 1, 0), (1, 0, 1), (0, 1, 0)}
    assert outcomes.min() >= 15
    assert 90 <= len(log) <= 130


def test_every_defect_was_found_in_a_phase_that_its_task_went_through(frames):
    ran = frames["agent_cost_vector"].groupby("task_id").agent_role.agg(set)
    log = frames["defect_log"]
    pairs = zip(log.task_id, log.phase_removed, strict=True)
    assert all(phase in ran[task_id] for task_id, phase in pairs)
    escaped = log[log.is_flagged_by_agent == 0]
    assert set(escaped.phase_removed) <= {"Code", "Test", "Postmortem"}


def test_a_correction_costs_more_the_later_the_defect_is_found(frames):
    log = frames["defect_log"]
    log = log[log.is_false_positive == 0]
    usd = log.fix_cost_usd.groupby(log.phase_removed).median()
    assert usd["DesignReview"] < usd["CodeReview"] < usd["Test"]


def test_one_component_is_clearly_more_error_prone(completed):
    component = completed.components_json.map(lambda text: json.loads(text)[0])
    sums = completed.groupby(component)[["reported_defects", "actual_size"]].sum()
    density = (sums.reported_defects / sums.actual_size).astype(float)
    assert list(density.index[density > 2 * density.median()]) == ["src/booking/payments.py"]


def test_people_correct_fewer_plans_as_time_goes_by(tasks):
    corrected = tasks.sort_values("created_at").human_corrections_json.notna()
    assert 0.25 < corrected.mean() < 0.4
    assert corrected.iloc[:15].sum() > 3 * corrected.iloc[-15:].sum()
    assert tasks.is_human_reviewed[corrected].all()


def test_each_capability_is_measured_every_three_or_four_days(frames):
    measured = frames["bootstrap_metrics"].groupby("capability")
    assert (measured.size() == 18).all() and len(measured) == 6
    for _, rows in measured:
        gaps = pd.to_datetime(rows.measured_at).diff().dropna().dt.days
        assert gaps.between(3, 4).all()
        assert rows.tasks_completed.is_monotonic_increasing


def test_exactly_one_capability_degrades(frames):
    measured = frames["bootstrap_metrics"].groupby("capability").metric_value
    swings = {name: swing(values, name in LOWER_IS_BETTER) for name, values in measured}
    assert [name for name, points in swings.items() if points >= 10] == ["ReviewAgent_Code"]


def test_the_code_review_agent_earns_autonomy_and_loses_it_again(frames):
    rows = frames["bootstrap_metrics"].query("capability == 'ReviewAgent_Code'")
    modes = rows["mode"][rows["mode"] != rows["mode"].shift()]
    assert list(modes) == ["Learning", "Shadow", "Autonomous", "Shadow"]
    degrading = rows[rows.notes.fillna("").str.startswith("Degrading")]
    assert degrading.measured_at.min() > "2025-11-23"  # the last three weeks
    assert degrading.index[-1] == rows.index[-1]


@pytest.mark.parametrize("capability, stage_is_code", [("ReviewAgent_Code", True), ("ReviewAgent_Design", False)])
def test_the_last_review_rate_can_be_computed_from_the_defects(frames, capability, stage_is_code):
    log = frames["defect_log"].sort_values("found_at")
    flagged = log[((log.phase_injected == "Code") == stage_is_code) & (log.is_flagged_by_agent == 1)]
    last = frames["bootstrap_metrics"].query("capability == @capability").metric_value.iloc[-1]
    assert last == pytest.approx(flagged.is_validated_by_human.iloc[-15:].mean(), abs=1e-4)


def test_the_other_capabilities_move_towards_their_targets(frames):
    for name, rows in frames["bootstrap_metrics"].groupby("capability"):
        if name != "ReviewAgent_Code":
            distance = (rows.metric_value - rows.metric_target).dropna().abs()
            values = rows.metric_value.dropna()
            assert (values.iloc[-1] < values.iloc[0]) == (name in LOWER_IS_BETTER), name
            assert distance.iloc[-1] < distance.iloc[0], name
