"""A list of one's own defects is loaded without ids: time, task and description name a defect."""

import re
import shlex
from pathlib import Path

MANUAL = (Path(__file__).resolve().parents[1] / "docs" / "loading.md").read_text()
HEAD = "found,ticket,title,made_in,found_in,type\n"
LINE = "2026-01-02,T-1,the amount is not checked,Code,Test,60_Checking\n"
OTHER = "2026-01-03,T-1,a typing error,Design,Code,10_Documentation\n"


def words():
    """The words of the manual's example."""
    found = re.search(r"asp-analysis (load bugs.csv.*?[^\\])\n", MANUAL, re.DOTALL)[1]
    return shlex.split(found.replace("\\\n", " "))


def load(run, store, tmp_path, text):
    path = tmp_path / "bugs.csv"
    path.write_text(HEAD + text)
    ran = run(*(path if word == "bugs.csv" else word for word in words()), "--json", "--db", store)
    assert ran.exit_code == 0, ran.err
    return ran.json


def test_the_example_of_the_manual_loads_defects_without_ids(run, empty_store, tmp_path):
    assert load(run, empty_store, tmp_path, LINE + OTHER)["written"] == 2
    query = "SELECT defect_type, phase_injected, phase_removed, description FROM stg_defects ORDER BY found_at LIMIT 1"
    assert run("sql", query, "--json", "--db", empty_store).json == [
        {
            "defect_type": "60_Checking",
            "phase_injected": "Code",
            "phase_removed": "Test",
            "description": "the amount is not checked",
        }
    ]


def test_a_longer_list_writes_only_what_is_new_and_a_corrected_defect_replaces_the_old_one(run, empty_store, tmp_path):
    load(run, empty_store, tmp_path, LINE)
    again = load(run, empty_store, tmp_path, LINE.replace("60_Checking", "80_Function") + OTHER)
    assert (again["written"], again["updated"]) == (1, 1)


def test_two_defects_of_one_description_are_two(run, empty_store, tmp_path):
    assert load(run, empty_store, tmp_path, LINE + LINE)["written"] == 2
    assert load(run, empty_store, tmp_path, LINE + LINE)["present"] == 2


def test_an_id_of_ones_own_is_kept(run, empty_store, tmp_path):
    path = tmp_path / "bugs.csv"
    path.write_text("defect_id," + HEAD + "D-1," + LINE + "," + OTHER)
    run(*(path if word == "bugs.csv" else word for word in words()), "--db", empty_store)
    ids = run("sql", "SELECT defect_id FROM stg_defects ORDER BY found_at", "--json", "--db", empty_store).json
    assert ids[0]["defect_id"] == "D-1" and len(ids[1]["defect_id"]) == 26
