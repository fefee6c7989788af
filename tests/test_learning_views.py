"""The views that learning reads: stored forecasts, tasks and work."""

import json

import pytest

from asp_analysis.loading import load_file
from asp_analysis.session import connect
from asp_analysis.store.database import open_store


def stored(url, tmp_path, forecasts, **task):
    record = {"task_id": "t1", "created_at": "2026-01-01T08:00:00Z", "completed_at": "2026-01-02T08:00:00Z",
              "status": "completed", "actual_cost_vector_json": {"api_cost_usd": 2.0, "latency_ms": 5, "tokens": 7},
              "metadata": {"forecasts": forecasts}} | task  # fmt: skip
    file = tmp_path / "tasks.jsonl"
    file.write_text(json.dumps(record) + "\n")
    with open_store(url) as store:
        assert load_file(store, file, "task_metadata").rejected == 0
    with connect(url) as session:
        rows = session.sql("SELECT * FROM stored_forecasts ORDER BY source, made_at")
    planned = rows[rows["source"] == "planner"]
    assert len(planned) == 3 and not planned.loc[planned["estimate"].isna(), "is_before_outcome"].any()
    return rows[rows["estimate"].notna() | (rows["source"] == "workbench")].reset_index(drop=True)


FORECAST = {"made_at": "2026-01-01T09:00:00Z", "component": "cost_usd", "method": "A", "estimate": 1.8,
            "lower_70": 1.5, "upper_70": 2.4, "size": 12}  # fmt: skip


def test_a_forecast_in_the_metadata_stands_beside_the_actual_value(empty_store, tmp_path):
    row = stored(empty_store, tmp_path, [FORECAST]).iloc[0]
    assert (row["source"], row["method"], row["component"]) == ("workbench", "A", "cost_usd")
    assert (row["estimate"], row["lower_70"], row["upper_70"], row["actual"]) == (1.8, 1.5, 2.4, 2.0)
    assert row["is_before_outcome"]


def test_a_forecast_that_was_made_after_the_task_ended_is_marked(empty_store, tmp_path):
    late = FORECAST | {"made_at": "2026-01-03T00:00:00Z"}
    assert stored(empty_store, tmp_path, [FORECAST, late])["is_before_outcome"].tolist() == [True, False]


@pytest.mark.parametrize("forecasts", [{}, [], "soon", None, {"made_at": 1}])
def test_what_is_no_list_of_forecasts_is_passed_over(empty_store, tmp_path, forecasts):
    assert len(stored(empty_store, tmp_path, forecasts)) == 0


def test_a_forecast_without_numbers_is_kept_with_empty_ones(empty_store, tmp_path):
    rows = stored(empty_store, tmp_path, [{"component": "tokens", "estimate": "many"}, 7])
    assert rows["estimate"].isna().all()


def test_the_planners_estimate_counts_as_made_when_the_task_was_created(empty_store, tmp_path):
    rows = stored(empty_store, tmp_path, [], estimated_cost_vector_json={"api_cost_usd": 3.0})
    assert rows[["source", "component", "estimate"]].to_numpy().tolist() == [["planner", "cost_usd", 3.0]]
    assert str(rows["made_at"][0]) == "2026-01-01 08:00:00"


def test_the_actual_cost_is_the_sum_of_executions_where_all_are_known(sample_store):
    with connect(sample_store) as session:
        rows = session.sql(
            "SELECT cost_usd, whole_cost_usd, reported_cost_usd, executions_without_cost, actual FROM tasks "
            "JOIN stored_forecasts USING (task_id) WHERE status = 'completed' AND component = 'cost_usd'"
        )
    whole = rows[rows["executions_without_cost"] == 0]
    assert len(whole) > 30 and len(whole) < len(rows)
    for column in ("whole_cost_usd", "cost_usd"):
        assert whole["actual"].tolist() == pytest.approx(whole[column].tolist())
    part = rows[rows["executions_without_cost"] > 0]
    assert part["whole_cost_usd"].isna().all() and part["cost_usd"].notna().all()
    assert part["actual"].tolist() == part["reported_cost_usd"].tolist()


def test_no_execution_is_lost_between_phases(sample_store):
    with connect(sample_store) as session:
        work, runs = session.view("work"), session.view("executions")
    assert work["executions"].sum() == len(runs)
    assert work["cost_usd"].sum() == pytest.approx(runs["cost_usd"].sum())
    rework = runs[runs["agent_iteration"] > 1]
    assert work["rework_cost_usd"].sum() == pytest.approx(rework["cost_usd"].sum())
    assert work["reworked_executions"].sum() == len(rework)


@pytest.mark.parametrize("verb", ["learning", "quality"])
def test_tasks_about_which_little_is_known_are_no_traceback(run, empty_store, tmp_path, verb):
    tasks, runs = tmp_path / "tasks.csv", tmp_path / "runs.csv"
    tasks.write_text("task_id,created_at,completed_at,status\nT-1,2025-01-01,2025-01-03,completed\n")
    runs.write_text("timestamp,task_id,agent_role,cost_usd\n2025-01-02,T-1,Builder,1\n")
    run("load", tasks, "--as", "task_metadata", "--db", empty_store)
    run("load", runs, "--as", "executions", "--db", empty_store)
    assert run(verb, "--db", empty_store).exit_code == 0
