"""What a question means: the whole task, one role, one model; and the verbs that answer it."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.executions import COST_VECTOR
from asp_analysis.probe.models.nested import KnownTask
from asp_analysis.probe.question import EACH, PER, Question, look_up_task, pose


def history(rows):
    base = {"known_at": pd.Timestamp("2026-01-01"), "is_finished": True, "is_censored": False, "size": 5.0}
    empty = dict.fromkeys(COST_VECTOR, np.nan)
    return pd.DataFrame([{**base, **empty, **row} for row in rows])


def test_a_whole_task_is_the_sum_over_its_roles():
    frame = history(
        [
            {"task_id": "T", "llm_model": "a", "agent_role": "Code", "cost_usd": 1.0},
            {"task_id": "T", "llm_model": "b", "agent_role": "Test", "cost_usd": 2.0},
        ]
    )
    assert pose(frame, Question())["cost_usd"].tolist() == [3.0]
    assert pose(frame, Question(role="Test"))["cost_usd"].tolist() == [2.0]
    assert pose(frame, Question(role=EACH))["cost_usd"].tolist() == [1.0, 2.0]
    assert pose(frame, Question(model="a"))["cost_usd"].tolist() == [1.0, 2.0]  # what the other paid helps to estimate


def test_a_sum_with_an_unknown_part_is_unknown():
    frame = history(
        [
            {"task_id": "T", "llm_model": "a", "agent_role": "Code", "cost_usd": 1.0, "tool_calls": 4.0},
            {"task_id": "T", "llm_model": "a", "agent_role": "Test"},
        ]
    )
    posed = pose(frame, Question())
    assert posed["cost_usd"].isna().tolist() == [True] and posed["tool_calls"].tolist() == [4.0]


def test_a_cost_that_is_known_in_part_is_not_what_the_task_cost():
    part = {"task_id": "T-1", "llm_model": "a", "agent_role": "Code", "cost_usd": 1.0, "whole_cost_usd": np.nan}
    whole = {**part, "task_id": "T-2", "cost_usd": 2.0, "whole_cost_usd": 2.0}
    for question in (
        Question(),
        Question(model="a"),
        Question(model="a", role="Code"),
        Question(model=EACH, role=EACH),
    ):
        posed = pose(history([part, whole]), question)
        assert posed["cost_usd"].isna().tolist() == [True, False] and "whole_cost_usd" not in posed


def test_models_side_by_side_are_not_summed():
    frame = history(
        [
            {"task_id": task, "llm_model": model, "agent_role": "Code", "cost_usd": 1.0, "known_at": pd.Timestamp(at)}
            for task in ("T-1", "T-2")
            for model, at in (("a", "2026-01-01"), ("b", "2026-02-01"))
        ]
    )
    with pytest.raises(EstimationRefusal, match=r"2 models did the same work as alternatives.*--model"):
        pose(frame, Question())
    assert pose(frame, Question(model=EACH))["llm_model"].tolist() == ["a", "a", "b", "b"]


def test_two_models_that_work_together_on_a_task_are_summed():
    frame = history(
        [
            {"task_id": task, "llm_model": model, "agent_role": "main", "cost_usd": 1.0}
            for task in ("T-1", "T-2")
            for model in ("a", "b")
        ]
    )
    assert pose(frame, Question())["cost_usd"].tolist() == [2.0, 2.0]


def test_an_unknown_model_is_answered_with_the_known_ones():
    frame = history([{"task_id": "T", "llm_model": "a", "agent_role": "Code", "cost_usd": 1.0}])
    with pytest.raises(EstimationRefusal, match=r"no past tasks with llm_model 'b'. Known, with their tasks: a \(1\)"):
        pose(frame, Question(model="b"))


def test_attempts_of_one_model_in_one_role_stay_apart():
    attempt = {"task_id": "T", "llm_model": "a", "agent_role": "Code", "cost_usd": 1.0}
    frame = history([attempt, attempt])
    assert len(pose(frame, Question(model="a", role="Code"))) == len(pose(frame, Question(model=EACH, role=EACH))) == 2
    assert pose(frame, Question(model="a"))["cost_usd"].tolist() == [2.0]


@pytest.mark.parametrize("question", [Question(), Question(model="a"), Question(model="a", role="Code")])
def test_the_rows_of_a_question_answer_it_again(question):
    rows = [{"task_id": f"T-{n}", "llm_model": "a", "agent_role": "Code", "cost_usd": 1.0} for n in range(3)]
    posed = pose(history(rows), question)
    pd.testing.assert_frame_equal(pose(posed, question), posed, check_like=True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"size": 0.0}, "The size 0 is not a finite number above 0"),
        ({"size": float("inf")}, "The size inf is not a finite number above 0"),
        ({"units": [3.0, -1.0]}, "The size -1 is not a finite number above 0"),
        ({"units": []}, "The list of semantic units is empty"),
        ({"size": 3.0, "units": [3.0]}, "both a size and units"),
        ({"components": ["joy"]}, "'joy' is not a component. Choose one of cost_usd"),
        ({"components": []}, "No component was named"),
        ({"levels": [0.7, 70.0]}, r"levels \[70.0\] are not from 0.5 to 0.99"),
        ({"levels": []}, "No level is from 0.5 to 0.99"),
        ({"method": "magic"}, "'magic' is not a method. Choose one of auto, history"),
        ({"per": "month"}, "per='month' is unknown. Choose one of finished, attempt"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(fields, words):
    with pytest.raises(InputError, match=words):
        Question(**fields)


def test_a_question_about_several_components_has_no_single_one():
    assert Question(components=["tokens_in"]).component == "tokens_in"
    with pytest.raises(InputError, match=r"2 components are too many at once \(cost_usd, tokens_in\)"):
        _ = Question(components=["cost_usd", "tokens_in"]).component


def test_a_question_about_every_model_is_about_no_one_series():
    assert (Question().llm_model, Question(role="Code").agent_role) == ("all models", "Code")
    with pytest.raises(InputError, match="Every role is asked for"):
        _ = Question(role=EACH).agent_role


def test_what_the_store_knows_of_a_task_completes_the_question():
    tasks = pd.DataFrame({"task_id": ["T"], "project_id": ["p"], "task_type": [None], "size": [7.0]})
    asked = Question(task=KnownTask(task_id="T"))
    known = look_up_task(asked, tasks)
    assert known.task == KnownTask(task_id="T", project_id="p") and known.size == 7.0
    assert look_up_task(replace(asked, size=3.0), tasks).size == 3.0
    assert look_up_task(replace(asked, units=(3.0, 4.0)), tasks).sizes == (3.0, 4.0)
    with pytest.raises(InputError, match="no task 'T' in the store"):
        look_up_task(asked, tasks.head(0))


def test_estimate_gives_intervals_method_reason_and_evidence(run, sample_store):
    (estimate,) = run("estimate", "--size", "18", "--json", "--db", sample_store).json["estimates"]
    assert estimate["lower_90"] < estimate["lower_70"] < estimate["estimate"] < estimate["upper_70"]
    assert estimate["component"] == "cost_usd" and estimate["n"] > 20 and estimate["why"]
    assert 0 < estimate["evidence"]["coverage_70"] <= 1


def test_failed_tasks_and_tasks_that_are_not_over_are_left_out_apart(run, sample_store):
    out = run("estimate", "--size", "18", "--cost", "latency_ms", "--db", sample_store).out
    query = "SELECT status, count(*) AS n FROM stg_tasks JOIN (SELECT DISTINCT task_id FROM executions) USING (task_id)"
    counts = run("sql", f"{query} GROUP BY status", "--json", "--db", sample_store).json
    number = {row["status"]: row["n"] for row in counts}
    open_tasks = sum(n for status, n in number.items() if status not in ("completed", "failed"))
    assert f"{number['failed']} failed and never finished, {open_tasks} not finished (pending" in out


def test_tasks_of_unknown_status_are_answered_with_how_to_say_that_they_are_finished(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("timestamp,task_id,agent_role,llm_model,cost_usd\n2026-03-02,A,Code,m,1\n2026-03-02,B,Code,m,2\n")
    run("load", path, "--as", "executions", "--db", empty_store)
    line = run("estimate", "--size", "18", "--db", empty_store).refusal
    assert "left out: 2 not finished (pending, in progress or unknown)" in line
    assert "asp-analysis load FILE --as task_metadata --set status=completed; or count attempts with --per" in line


def test_levels_may_be_written_in_percent_or_as_shares(run, sample_store):
    found = [
        run("estimate", "--size", "18", "--level", level, "--json", "--db", sample_store).json["estimates"][0]
        for level in ("80", "0.8", "80%")
    ]
    # sums over two threads differ in their last digits between runs
    assert found[1]["upper_80"] == pytest.approx(found[0]["upper_80"], rel=1e-9)
    assert found[2]["upper_80"] == pytest.approx(found[0]["upper_80"], rel=1e-9)


def test_an_empty_store_refuses_with_what_is_missing(run, empty_store):
    ran = run("estimate", "--size", "18", "--db", empty_store)
    assert ran.refusal


@pytest.mark.parametrize("verb", ["estimate", "backtest", "probe"])
def test_an_unknown_role_is_one_line_with_the_known_ones(run, sample_store, verb):
    ran = run(verb, "--role", "Coder", "--db", sample_store)
    assert ran.exit_code == 1 and "Known, with their tasks: " in ran.err and ran.err.count("\n") == 1


def test_an_unknown_method_is_one_line_with_the_known_ones(run, sample_store):
    ran = run("estimate", "--size", "18", "--method", "magic", "--db", sample_store)
    assert ran.exit_code == 1 and "loglog" in ran.err and ran.err.count("\n") == 1


def test_backtest_lists_every_model_with_the_named_scores(run, sample_store):
    found = run("backtest", "--role", "Code", "--json", "--db", sample_store).json
    names = [
        "model",
        "series",
        "n",
        "mdape",
        "mmre",
        "pred25",
        "sa",
        "coverage_70",
        "coverage_90",
        "interval_score_70",
        "log_bias",
    ]
    names += ["coverage_70_small", "coverage_70_middle", "coverage_70_large"]
    assert all(set(names) <= set(row) for row in found)
    assert {"auto", "past_median", "past_mean", "last_value"} <= {row["model"] for row in found}


def test_probe_lists_the_rules_that_judge_a_method(run, empty_store):
    found = run("probe", "--rules", "--json", "--db", empty_store).json
    assert {row["rule"]: row["value"] for row in found}["min_r2"] == 0.5 and all(row["meaning"] for row in found)


@pytest.mark.parametrize("verb", ["estimate", "backtest"])
def test_a_command_line_can_ask_all_that_a_question_can(verb):
    options = {option.name: option.type for option in import_module(f"asp_analysis.cli.verbs.{verb}").command.params}
    assert tuple(options["per"].choices) == PER and tuple(options["components"].choices) == COST_VECTOR
    assert {"model", "role", "levels"} <= set(options)


def test_a_comparison_takes_every_model(run, sample_store):
    ran = run("estimate", "--compare", "--model", "gpt-5-mini", "--db", sample_store)
    assert ran.exit_code == 1 and "'gpt-5-mini' is one model" in ran.err and ran.err.count("\n") == 1


def test_probe_reports_every_method_with_reasons(run, sample_store):
    found = run("probe", "--size", "18", "--judgement", "4", "--json", "--db", sample_store).json
    assert [row["method"] for row in found] == ["A", "B", "C1", "C2", "C3", "D"]
    assert all(row["reasons"] for row in found)


def test_a_kept_forecast_stands_with_its_task_until_it_is_finished(run, tmp_path):
    store = tmp_path / "s.db"
    run("init", "--sample", "--db", store)
    query = "SELECT task_id FROM stg_tasks WHERE status = $status ORDER BY task_id LIMIT 1"
    (open_task,) = run("sql", query, "--param", "status=pending", "--json", "--db", store).json
    (done_task,) = run("sql", query, "--param", "status=completed", "--json", "--db", store).json
    for kept in (1, 2):
        ran = run("estimate", "--task", open_task["task_id"], "--keep", "--db", store)
        assert ran.exit_code == 0 and f"now has {kept} forecasts" in ran.err
    ran = run("estimate", "--task", done_task["task_id"], "--keep", "--db", store)
    assert ran.exit_code == 1 and "is completed" in ran.err


def test_models_can_be_compared(run, sample_store):
    ran = run("estimate", "--compare", "--role", "CodeReview", "--size", "20", "--db", sample_store)
    assert ran.exit_code == 0, ran.err
    assert "most likely be the cheapest" in ran.out


def test_models_that_share_tasks_and_not_the_work_are_not_compared(run, sample_store):
    line = run("estimate", "--compare", "--size", "20", "--db", sample_store).refusal
    assert (
        "claude-opus-4-1 / all roles: Design, Planning" in line and "gpt-5-mini / all roles: Postmortem, Test" in line
    )
    assert line.endswith("Name one role with --role.")


def test_a_sub_agent_that_is_started_now_and_then_is_part_of_the_work():
    rows = [{"task_id": f"T-{n}", "llm_model": "a", "agent_role": "main", "cost_usd": 1.0} for n in range(4)]
    rows += [{"task_id": "T-1", "llm_model": "a", "agent_role": "Explore", "cost_usd": 1.0}]
    rows += [{"task_id": "T-1", "llm_model": "b", "agent_role": "Explore", "cost_usd": 1.0}]
    roles = pose(history(rows), Question(model=EACH)).groupby("llm_model")["roles"].first()
    assert roles.to_dict() == {"a": "main", "b": "Explore"}


def test_on_real_runs_models_side_by_side_must_be_told_apart(run, empty_store, real_data):
    runs = real_data / "swebench" / "swebench_agent_costs.csv.gz"
    names = ["task_id=instance_id", "llm_model=agent", "timestamp=run_date", "project_id=repo", "tool_calls=api_calls"]
    mapping = [word for pair in names for word in ("--map", pair)]
    run("load", runs, "--as", "executions", *mapping, "--set", "agent_role=Code", "--db", empty_store)
    proxies = real_data / "swebench" / "swebench_verified_proxies.csv"
    size = ["--map", "task_id=instance_id", "--map", "estimated_size=patch_lines_added"]
    run("load", proxies, "--as", "task_metadata", *size, "--set", "status=completed", "--db", empty_store)
    ran = run("estimate", "--size", "18", "--db", empty_store)
    assert ran.exit_code == 1 and "13 models did the same work as alternatives" in ran.err
    ran = run("estimate", "--size", "18", "--model", "Minimax M2", "--json", "--db", empty_store)
    (estimate,) = ran.json["estimates"]
    assert "size explains next to nothing" in estimate["why"] and estimate["method"] != "probe_line"
    assert len(run("estimate", "--compare", "--json", "--db", empty_store).json) == 13


def test_units_are_summed_with_an_interval_narrower_than_the_sum_of_their_bounds(run, sample_store, tmp_path):
    path = tmp_path / "units.json"
    path.write_text('[{"unit_id": "U1", "est_complexity": 9}, {"unit_id": "U2", "est_complexity": 9}]')
    words = ["--json", "--db", sample_store]
    (both,) = run("estimate", "--units", path, *words).json["estimates"]
    (one,) = run("estimate", "--size", "9", *words).json["estimates"]
    assert both["upper_90"] - both["lower_90"] < 2 * (one["upper_90"] - one["lower_90"])
    assert both["mean"] == pytest.approx(2 * one["mean"], rel=1e-6)


def test_broken_units_are_one_line_that_names_the_unit(run, sample_store, tmp_path):
    path = tmp_path / "units.json"
    path.write_text('[{"unit_id": "U1"}]')
    ran = run("estimate", "--units", path, "--db", sample_store)
    assert ran.exit_code == 1 and "U1" in ran.err and ran.err.count("\n") == 1


def test_the_weights_of_complexity_come_with_intervals_and_a_verdict_in_words(run, sample_store):
    found = run("complexity", "--json", "--db", sample_store).json
    assert [row["factor"] for row in found] == [
        "api_interactions",
        "data_transformations",
        "logical_branches",
        "code_entities_modified",
    ]
    assert "weights" in run("complexity", "--db", sample_store).out


def test_an_interval_that_three_tasks_cannot_carry_is_withheld_in_words(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(
        "timestamp,task_id,agent_role,llm_model,cost_usd\n2026-03-02,A,Code,m,1.25\n2026-03-03,B,Code,m,0.05\n"
        "2026-03-04,C,Code,m,12.0\n"
    )
    tasks = ["--as", "task_metadata", "--map", "created_at=timestamp", "--set", "status=completed"]
    run("load", path, "--as", "executions", "--db", empty_store)
    run("load", path, *tasks, "--db", empty_store)
    ran = run("estimate", "--size", "18", "--db", empty_store)
    assert "withheld" in ran.out and "nan" not in ran.out
    assert "3 tasks are too few for a 90 % interval of cost_usd" in ran.out
