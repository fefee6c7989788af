"""Rejected records come back as files that `load` takes, and are forgotten only when they were given back."""

import gzip
import json
import shlex

import pytest

HEAD = "when;task;usd\n"
OPTIONS = ("--as", "executions", "--map", "timestamp=when", "--map", "task_id=task", "--map", "cost_usd=usd")
ROLE = ("--set", "agent_role=Code Review")


@pytest.fixture
def load_text(run, empty_store, tmp_path):
    def load(name, text, *options):
        (tmp_path / name).write_text(text)
        return run("load", tmp_path / name, *options, "--db", empty_store)

    return load


@pytest.fixture
def export(run, empty_store, tmp_path):
    def export_to(name, *options):
        return run("rejects", "--export", tmp_path / name, *options, "--db", empty_store)

    return export_to


def kept(run, store):
    return run("rejects", "--json", "--db", store).json


def test_rejects_are_given_back_cleared_mended_and_loaded_as_the_note_says(
    run, empty_store, load_text, export, tmp_path
):
    load_text("runs.csv", HEAD + "2026-01-02;T-1;1\n2026-01-02;T-2;-2\n", *OPTIONS, *ROLE)
    note = export("back.csv", "--clear").err
    assert kept(run, empty_store) == []
    back = tmp_path / "back.csv"
    assert back.read_text() == HEAD + "2026-01-02;T-2;-2\n"
    back.write_text(back.read_text().replace("-2\n", "2\n"))
    said = shlex.split(note.partition("then run: ")[2])
    assert said[:3] == ["asp-analysis", "load", str(back)]
    assert run(*said[1:], "--json", "--db", empty_store).json["written"] == 1
    query = "SELECT agent_role, cost_usd FROM executions WHERE task_id = 'T-2'"
    assert run("sql", query, "--json", "--db", empty_store).json == [{"agent_role": "Code Review", "cost_usd": 2.0}]


def test_the_header_of_a_packed_file_with_a_mark_is_given_back_as_text(run, empty_store, export, tmp_path):
    path = tmp_path / "runs.csv.gz"
    path.write_bytes(gzip.compress(("\ufefftimestamp,task_id,agent_role,cost_usd\n" + "x,T,Code,1\n").encode()))
    run("load", path, "--db", empty_store)
    export("back.csv")
    assert (tmp_path / "back.csv").read_text() == "timestamp,task_id,agent_role,cost_usd\nx,T,Code,1\n"


def test_records_that_load_differently_go_to_numbered_files(load_text, export, run, empty_store, tmp_path):
    load_text("a.csv", HEAD + "2026-01-02;T;-1\n", *OPTIONS, *ROLE)
    load_text("b.csv", "timestamp,task_id,agent_role,cost_usd\n2026-01-02,T,Code,-2\n")
    load_text("c.csv", HEAD + "2026-01-02;T;-3\n", *OPTIONS, *ROLE)
    load_text("d.jsonl", json.dumps({"timestamp": "x", "task_id": "T", "agent_role": "Code", "cost_usd": 4}) + "\n")
    note = export("back.csv", "--clear").err
    texts = [(tmp_path / f"back-{number}.csv").read_text() for number in (1, 2, 3)]
    assert texts[0] == HEAD + "2026-01-02;T;-1\n2026-01-02;T;-3\n"
    assert texts[1].endswith("2026-01-02,T,Code,-2\n") and texts[2].startswith("{")
    assert all(f"back-{number}.csv" in note for number in (1, 2, 3)) and not (tmp_path / "back.csv").exists()
    assert kept(run, empty_store) == []


def test_what_could_not_be_written_is_not_cleared(load_text, export, run, empty_store, tmp_path):
    load_text("a.csv", HEAD + "2026-01-02;T;-1\n", *OPTIONS, *ROLE)
    load_text("b.csv", "timestamp,task_id,agent_role,cost_usd\n2026-01-02,T,Code,-2\n")
    (tmp_path / "back-2.csv").mkdir()
    ran = export("back.csv", "--clear")
    assert ran.exit_code == 1 and "back-2.csv cannot be written: Is a directory. Choose another file." in ran.err
    assert [reject["raw_text"] for reject in kept(run, empty_store)] == ["2026-01-02,T,Code,-2\n"]


def test_a_header_that_was_not_kept_is_asked_for(load_text, export, empty_store):
    import sqlite3

    load_text("runs.csv", HEAD + "2026-01-02;T;-1\n", *OPTIONS, *ROLE)
    with sqlite3.connect(empty_store.path) as connection:
        connection.execute("UPDATE load_log SET found_json = NULL")
    connection.close()
    assert "Their header line was not kept: write it above them." in export("back.csv").err


def test_nothing_to_give_back_writes_no_file(export, tmp_path):
    assert "Nothing was written" in export("back.csv").err
    assert not (tmp_path / "back.csv").exists()


def test_a_record_that_is_rejected_again_shows_its_present_reasons(run, empty_store, load_text):
    line = "03/04/2026;T;-1\n"
    load_text("runs.csv", HEAD + line, *OPTIONS, *ROLE)
    (first,) = kept(run, empty_store)
    load_text("runs.csv", HEAD + line, *OPTIONS, *ROLE, "--time-format", "%d/%m/%Y")
    (now,) = kept(run, empty_store)
    assert (len(first["reasons"]), len(now["reasons"])) == (2, 1)
    assert now["options"]["time_format"] == "%d/%m/%Y" and now["loaded_again_at"] is None


def test_a_record_that_was_not_rejected_again_says_so_and_stays(run, empty_store, load_text):
    load_text("runs.csv", HEAD + "2026-01-02;T;-1\n2026-01-02;T;-2\n", *OPTIONS, *ROLE)
    assert "loaded later" not in run("rejects", "--db", empty_store).err
    load_text("runs.csv", HEAD + "2026-01-02;T;1\n2026-01-02;T;-2\n", *OPTIONS, *ROLE)
    assert [reject["loaded_again_at"] is None for reject in kept(run, empty_store)] == [False, True]
    listed = run("rejects", "--db", empty_store)
    assert "loaded_again_at" in listed.out
    assert "1 of 2 were not rejected again when their file was loaded later" in listed.err


def test_a_load_of_the_file_as_something_else_says_nothing_about_its_rejects(run, empty_store, load_text):
    load_text("runs.csv", HEAD + "2026-01-02;T;-1\n", *OPTIONS, *ROLE)
    load_text(
        "runs.csv",
        HEAD + "2026-01-02;T;-1\n",
        "--as",
        "task_metadata",
        "--map",
        "task_id=task",
        "--map",
        "created_at=when",
    )
    assert [reject["loaded_again_at"] for reject in kept(run, empty_store)] == [None]
