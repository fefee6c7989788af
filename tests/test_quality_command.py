"""The verb `quality`: its tables, an order of one's own, and an empty store."""

import pytest

TABLES = ["measures", "yields", "matrix", "costs", "reviews-by-type", "fixes", "accepted", "types", "charts"]


def test_the_main_tables_are_shown_and_what_is_provisional_is_said_once(run, sample_store):
    ran = run("quality", "--db", sample_store)
    for word in ("process yield", "DesignReview", "appraisal_share", "true_positive_share"):
        assert word in ran.out
    assert "provisional" in ran.err and "provisional" not in ran.out


@pytest.mark.parametrize("table", [*TABLES, "components", "task-types", "roles", "predictions"])
def test_each_table_can_be_had_alone(run, sample_store, table):
    ran = run("quality", "--table", table, "--db", sample_store, "--csv")
    assert ran.exit_code == 0 and len(ran.out.splitlines()) > 1


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_store_gives_tables_and_no_crash(run, empty_store, table):
    assert run("quality", "--table", table, "--db", empty_store, "--json").exit_code == 0


def test_components_of_an_empty_store_are_refused_in_one_line(run, empty_store):
    ran = run("quality", "--table", "components", "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: No task has both a size and a component.")


def test_an_order_of_ones_own_replaces_the_stores(run, sample_store, tmp_path):
    order = tmp_path / "phases.csv"
    order.write_text("agent_role,phase_order,kind\nDesign,1,construction\nDesignReview,2,appraisal\nTest,3,failure\n")
    rows = run("quality", "--table", "yields", "--phases", order, "--db", sample_store, "--json").json
    assert [row["agent_role"] for row in rows] == ["Design", "DesignReview", "Test"]


def test_predictions_say_what_they_are_worth(run, sample_store):
    ran = run("quality", "--table", "predictions", "--db", sample_store, "--json")
    assert {row["rank"] for row in ran.json} == {1, 2, 3}
    assert "Defect types: not better than the base rate" in ran.err


def test_a_file_of_phases_that_is_none_is_refused(run, sample_store, tmp_path):
    ran = run("quality", "--phases", tmp_path / "none.csv", "--db", sample_store)
    assert ran.exit_code == 1 and "The file of phases" in ran.err


def test_the_process_yield_can_be_read_before_a_named_phase(run, sample_store):
    rows = run("quality", "--before", "Code", "--db", sample_store, "--json").json["measures"]
    assert (rows[0]["measure"], rows[0]["part"]) == ("process yield", 27)
    assert run("quality", "--before", "Nowhere", "--db", sample_store).exit_code == 1


def test_json_holds_every_table_that_the_text_shows_and_csv_asks_for_one(run, sample_store):
    answer = run("quality", "--db", sample_store, "--json").json
    text = run("quality", "--db", sample_store).out
    assert [name for name in answer if f"{name}:\n" in text] == ["measures", "yields", "costs", "reviews"]
    assert len(answer["notes"]) == 1 and answer["yields"][0]["agent_role"] == "Planning"
    refusal = run("quality", "--db", sample_store, "--csv").refusal
    assert refusal == "Error: CSV holds one table, and this answer has 4. Choose one: --table measures."
