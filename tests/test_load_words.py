"""Classes of defects, capabilities and roles are rows of the store: it rejects other words until they are loaded."""

import sqlite3
from contextlib import closing

import pytest


def load(run, url, path, *options):
    ran = run("load", path, "--json", "--db", url, *options)
    assert ran.exit_code == (ran.json["read"] > 0 and ran.json["read"] == ran.json["rejected"]), ran.err
    return ran.json


def stored(url, table, *columns):
    with closing(sqlite3.connect(url.path)) as connection:
        return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()


DEFECT = (
    "defect_id,found_at,task_id,defect_type,phase_injected,phase_removed,description\nD,2026-01-02,T,{},Code,Test,d\n"
)
MEASURED = "capability,measured_at,period_start_at,period_end_at,mode,tasks_completed,tasks_needed\n"
MEASURED += "{},2026-01-03,2026-01-01,2026-01-02,Shadow,1,2\n"


@pytest.mark.parametrize(
    ("text", "word", "said", "own", "vocabulary"),
    [
        (DEFECT, "60_checking", "is not listed in defect_types, is 60_Checking meant? Listed: 1_Planning_Failure, ",
         "defect_type,type_order,taxonomy\n60_checking,110,ours\n", "defect_types"),
        (DEFECT, "Flaky", "is not listed in defect_types. Listed: 1_Planning_Failure, ",
         "defect_type,type_order,taxonomy\nFlaky,110,ours\n", "defect_types"),
        (MEASURED, "PROBE", "is not listed in capabilities, is PROBE_AI meant? Listed: PROBE_AI, TaskDecomposition, ",
         "capability,capability_order,meaning\nPROBE,70,estimates\n", "capabilities"),
        (MEASURED, "Gardening", "is not listed in capabilities. Listed: PROBE_AI, ",
         "capability,capability_order,meaning\nGardening,70,grows\n", "capabilities"),
    ],
    ids=["nearly a class", "another class", "nearly a capability", "another capability"],
)  # fmt: skip
@pytest.mark.parametrize("is_named", [True, False], ids=["as", "detected"])
def test_a_word_that_is_not_listed_is_rejected_until_it_is_loaded(
    run, empty_store, tmp_path, text, word, said, own, vocabulary, is_named
):
    path, words = tmp_path / "records.csv", tmp_path / "words.csv"
    path.write_text(text.format(word))
    words.write_text(own)
    assert load(run, empty_store, path)["rejected"] == 1
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    (reason,) = reject["reasons"]
    assert f"'{word}' {said}" in reason and reason.endswith(f"; add your own with: load FILE --as {vocabulary}")
    counts = load(run, empty_store, words, *(("--as", vocabulary) if is_named else ()))
    assert (counts["files"][0]["loaded_as"], counts["written"]) == (vocabulary, 1)
    assert load(run, empty_store, path)["written"] == 1
    assert load(run, empty_store, words)["present"] == 1


def test_a_new_store_knows_the_words_and_a_load_in_one_command_knows_those_before_it(run, empty_store, tmp_path):
    (tmp_path / "a.csv").write_text("defect_type,type_order,taxonomy\nFlaky,110,ours\n20_Syntax,21,PSP\n")
    (tmp_path / "b.csv").write_text(DEFECT.format("Flaky"))
    ran = run("load", tmp_path / "a.csv", tmp_path / "b.csv", "--json", "--db", empty_store)
    assert [(file["written"], file["updated"], file["rejected"]) for file in ran.json["files"]] == [
        (1, 1, 0),
        (1, 0, 0),
    ]
    assert len(stored(empty_store, "defect_types", "defect_type")) == 19


def test_a_role_of_ones_own_is_loaded_and_a_kind_that_is_none_is_rejected(run, empty_store, tmp_path):
    path = tmp_path / "roles.csv"
    path.write_text("agent_role,phase_order,kind\nGardener,65,construction\nIdler,66,leisure\n")
    counts = load(run, empty_store, path)
    assert (counts["files"][0]["loaded_as"], counts["written"], counts["rejected"]) == ("agent_roles", 1, 1)
    assert ("Gardener", 65, "construction") in stored(empty_store, "agent_roles", "agent_role", "phase_order", "kind")


def test_only_the_first_of_many_unknown_words_are_compared_with_what_is_listed(run, empty_store, tmp_path, monkeypatch):
    monkeypatch.setattr("asp_analysis.store.vocabularies._MOST_COMPARED", 2)
    path = tmp_path / "bugs.csv"
    head, line = DEFECT.splitlines(keepends=True)
    path.write_text(head + "".join(line.format(f"20_Syntax{n}") for n in range(9)))
    load(run, empty_store, path)
    reasons = [reject["reasons"][0] for reject in run("rejects", "--json", "--db", empty_store).json]
    assert ["meant?" in reason for reason in reasons] == [True] * 2 + [False] * 7
