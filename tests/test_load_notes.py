"""Loading a table says which columns have no place of their own, and asks about roles that are nearly listed ones."""

import json

import pytest

HEAD = "timestamp,task_id,agent_role,cost_usd,cost,size\n"


def test_columns_that_go_to_metadata_are_named(load_text):
    said = load_text(HEAD + "2026-01-02,T,Code,1,2,3\n").err
    assert said == "Not mapped, kept in metadata: cost, size. Name them with --map OURS=THEIRS.\n"


def test_columns_that_have_a_place_are_not_named(load_text):
    said = load_text(HEAD + "2026-01-02,T,Code,1,2,3\n", "--map", "latency_ms=size", "--map", "retries=cost")
    assert said.err == ""


def test_a_column_whose_place_a_constant_takes_is_named(load_text):
    said = load_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T,X,1\n", "--set", "agent_role=Code").err
    assert "kept in metadata: agent_role." in said


def test_the_notes_of_many_files_come_once_and_stand_in_the_json_of_each(run, empty_store, tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEAD + f"2026-01-02,T-{name},Code,1,2,3\n")
    ran = run("load", tmp_path / "a.csv", tmp_path / "b.csv", "--json", "--db", empty_store)
    assert ran.err.count("Not mapped") == 1
    assert [len(file["notes"]) for file in ran.json["files"]] == [1, 1]


@pytest.mark.parametrize(("role", "meant"), [("Coed", "Code"), ("code", "Code"), ("codereview", "CodeReview")])
def test_a_role_that_is_nearly_a_listed_one_is_asked_about(load_text, role, meant):
    said = load_text(f"timestamp,task_id,agent_role,cost_usd\n2026-01-02,T,{role},1\n").err
    hint = f"To show it so: asp-analysis alias role '{role}={meant}'"
    assert said == f"Role {role} is not listed; is {meant} meant? {hint}\n"


@pytest.mark.parametrize("role", ["Code", "Deployment", "general-purpose"])
def test_roles_that_are_listed_or_quite_other_are_not_asked_about(load_text, role):
    assert load_text(f"timestamp,task_id,agent_role,cost_usd\n2026-01-02,T,{role},1\n").err == ""


def test_phases_of_defects_are_roles_and_at_most_three_are_asked_about(run, empty_store, tmp_path):
    path = tmp_path / "bugs.jsonl"
    told = {"created_at": "2026-01-02", "task_id": "T", "defect_type": "20_Syntax", "description": "d"}
    phases = ["Coed", "Tets", "Desing", "Plannign"]
    defects = [{**told, "defect_id": p, "phase_injected": p, "phase_removed": "Postmortem"} for p in phases]
    path.write_text("".join(json.dumps(defect) + "\n" for defect in defects))
    said = run("load", path, "--as", "defect_log", "--db", empty_store).err
    assert "Role Coed is not listed; is Code meant? Role Desing" in said
    assert said.count("meant?") == 3 and " And 1 more. To show it so: asp-analysis alias role" in said


def test_sub_agents_of_transcripts_are_not_asked_about(run, empty_store, tmp_path):
    usage = {"input_tokens": 3, "output_tokens": 4}
    line = {
        "type": "assistant",
        "timestamp": "2026-01-02T10:00:00Z",
        "sessionId": "S",
        "uuid": "u",
        "message": {"id": "m", "model": "claude-opus-4-5", "usage": usage},
    }
    (tmp_path / "session.jsonl").write_text(json.dumps(line) + "\n")
    ran = run("load", tmp_path / "session.jsonl", "--role", "main=Coed", "--db", empty_store)
    assert "1 calls" in ran.out and "Coed" not in ran.err
