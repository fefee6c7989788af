"""Real agents' runs go in and come out with the published totals."""

import csv

import pytest

from asp_analysis.session import connect

MAPPING = ["task_id=instance_id", "llm_model=agent", "timestamp=run_date", "project_id=repo", "tool_calls=api_calls"]


@pytest.fixture
def loaded(run, empty_store, real_data):
    options = [word for pair in MAPPING for word in ("--map", pair)]
    runs = real_data / "swebench" / "swebench_agent_costs.csv.gz"
    command = ["load", runs, "--as", "executions", *options, "--set", "agent_role=Code", "--json", "--db", empty_store]
    first = run(*command)
    assert first.exit_code == 0, first.err
    return first.json, command


def test_mean_cost_and_calls_equal_the_published_headline(loaded, empty_store, real_data):
    first, _ = loaded
    assert (first["read"], first["written"], first["tasks_stubbed"]) == (6500, 6500, 500)
    query = "SELECT llm_model, avg(cost_usd) AS cost, avg(tool_calls) AS calls FROM executions GROUP BY llm_model"
    with connect(empty_store) as session:
        found = session.sql(query).set_index("llm_model")
    with (real_data / "swebench" / "leaderboard_headline.csv").open() as stream:
        for line in csv.DictReader(stream):
            row = found.loc[line["agent"]]
            assert row["cost"] == pytest.approx(float(line["instance_cost_usd"]), rel=1e-12)
            assert row["calls"] == pytest.approx(float(line["instance_calls"]), rel=1e-12)


def test_a_second_load_of_real_runs_writes_nothing(loaded, run):
    _, command = loaded
    again = run(*command).json
    assert (again["written"], again["updated"], again["present"]) == (0, 0, 6500)


def test_proxies_fill_the_stubbed_tasks(loaded, run, empty_store, real_data):
    proxies = real_data / "swebench" / "swebench_verified_proxies.csv"
    words = ["--as", "task_metadata", "--map", "task_id=instance_id", "--map", "estimated_size=patch_lines_added"]
    ran = run("load", proxies, *words, "--set", "status=completed", "--json", "--db", empty_store)
    assert ran.json["updated"] == 500
    query = "SELECT count(*) AS n FROM task_history WHERE size IS NOT NULL AND is_finished"
    assert run("sql", query, "--json", "--db", empty_store).json == [{"n": 6500}]


def test_cost_per_model_and_repository_is_one_query(loaded, run, empty_store):
    query = "SELECT llm_model, project_id, sum(cost_usd) AS usd FROM task_costs GROUP BY ALL ORDER BY usd DESC"
    found = run("sql", query, "--json", "--db", empty_store).json
    assert len(found) == 13 * 12 and all(row["usd"] > 0 for row in found)
