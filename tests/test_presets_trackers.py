"""Exports of Jira and Linear: their issues become tasks and defects by a preset that is data."""

import json
import sqlite3
from contextlib import closing

import pytest

from asp_analysis.importers.presets.preset import preset_names, read_preset
from asp_analysis.store.database import create_store

JIRA = "Summary,Issue key,Issue Type,Status,Status Category,Priority,Resolution,Created,Resolved,Labels,Labels,Parent,"
JIRA += "Custom field (Story Points)\n"
LINEAR = "ID,Team,Title,Status,Estimate,Priority,Labels,Cycle Number,Created,Started,Completed,Canceled,Duplicate of\n"


def stored(url, query):
    with closing(sqlite3.connect(url.path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def tasks(url):
    return {row["task_id"]: row for row in stored(url, "SELECT * FROM task_metadata")}


def defects(url):
    return {row["defect_id"]: row for row in stored(url, "SELECT * FROM defect_log")}


@pytest.fixture
def load(run, empty_store, tmp_path):
    def load_text(preset, text, *options, name="export.csv"):
        path = tmp_path / name
        path.write_text(text)
        return run("load", "--from", preset, path, *options, "--json", "--db", empty_store)

    return load_text


def jira(*, key="P-1", kind="Story", status="Done", category="Done", priority="High", resolution="", points="",
         parent="", labels=("", ""), resolved="2026-01-05T10:00"):  # fmt: skip
    cells = (
        "t",
        key,
        kind,
        status,
        category,
        priority,
        resolution,
        "2026-01-02T10:00",
        resolved,
        *labels,
        parent,
        points,
    )
    return ",".join(cells) + "\n"


# --- Jira -------------------------------------------------------------------------------------------------------------


def test_the_issues_of_the_sample_are_tasks_and_its_bugs_are_defects(run, empty_store, real_data):
    path = real_data / "samples/jira_csv/shape.csv"
    ran = run("load", "--from", "jira", path, "--json", "--db", empty_store)
    assert [(file["loaded_as"], file["written"], file["rejected"]) for file in ran.json["files"]] == [
        ("task_metadata", 3, 0),
        ("defect_log", 2, 0),
    ]
    known = tasks(empty_store)
    assert [(known[key]["status"], known[key]["estimated_size"]) for key in ("PAY-1", "PAY-3", "PAY-4")] == [
        ("completed", 5),
        ("failed", None),
        ("pending", 3),
    ]
    assert known["PAY-1"]["created_at"] == "2024-03-12T09:41:00.000000Z"
    assert json.loads(known["PAY-1"]["metadata_json"])["labels"] == ["frontend", "api"]
    found = defects(empty_store)
    assert (found["PAY-3"]["task_id"], found["PAY-3"]["severity"], found["PAY-3"]["fixed_at"]) == (
        "PAY-1",
        "Critical",
        None,
    )
    assert (found["PAY-4"]["task_id"], found["PAY-4"]["severity"]) == ("PAY-4", "Medium")


def test_a_phase_that_nobody_said_is_no_role_and_is_marked_as_assumed(load, empty_store):
    ran = load("jira", JIRA + jira(kind="Bug"))
    (defect,) = defects(empty_store).values()
    assert (defect["phase_injected"], defect["phase_removed"]) == ("Unknown", "Reported")
    assert json.loads(defect["metadata_json"])["assumed"] == ["defect_type", "phase_injected", "phase_removed"]
    assert any(
        "assumed by the preset: defect_type (1), phase_injected (1)" in note for note in ran.json["files"][1]["notes"]
    )
    (task,) = tasks(empty_store).values()
    assert (task["is_human_reviewed"], task["started_at"]) == (None, None)


def test_what_a_user_sets_is_not_assumed_any_more(load, empty_store):
    text = JIRA + jira(kind="Bug")
    load("jira", text)
    load(
        "jira",
        text,
        "--set",
        "phase_injected=Design",
        "--set",
        "phase_removed=Test",
        "--set",
        "defect_type=60_Checking",
    )
    (defect,) = defects(empty_store).values()
    assert (defect["phase_injected"], defect["phase_removed"]) == ("Design", "Test")
    assert json.loads(defect["metadata_json"])["assumed"] == []


@pytest.mark.parametrize(
    ("status", "category", "resolution", "ours"),
    [
        ("Released to nobody", "Done", "", "completed"),
        ("Released to nobody", "Done", "Won't Do", "failed"),
        ("Released to nobody", "Done", "Won’t Do", "failed"),
        ("Whatever", "In Progress", "Duplicate", "in_progress"),
        ("Backlog", "To Do", "", "pending"),
        ("Closed", "", "Fixed", "completed"),
        ("Closed", "", "Cannot Reproduce", "failed"),
        ("In Progress", "", "Unresolved", "in_progress"),
    ],
)
def test_the_status_follows_from_its_category_and_the_resolution(load, empty_store, status, category, resolution, ours):
    load("jira", JIRA + jira(status=status, category=category, resolution=resolution))
    assert tasks(empty_store)["P-1"]["status"] == ours


def test_a_status_without_a_category_is_rejected_with_the_option_that_mends_it(load, empty_store):
    text = JIRA + jira(status="In QA", category="")
    ran = load("jira", text)
    assert ran.exit_code == 1 and ran.json["rejected"] == 1
    assert "--value 'status:In QA=" in " ".join(ran.json["files"][0]["notes"])
    assert load("jira", text, "--value", "status:In QA=in_progress").json["written"] == 1
    assert tasks(empty_store)["P-1"]["status"] == "in_progress"


def test_a_word_of_the_user_goes_before_the_category_of_the_status(load, empty_store):
    load("jira", JIRA + jira(status="Dropped", category="Done"), "--value", "status:dropped=failed")
    assert tasks(empty_store)["P-1"]["status"] == "failed"


def test_a_resolution_that_the_preset_does_not_list_is_said(load, empty_store):
    ran = load("jira", JIRA + jira(resolution="Parked") + jira(key="P-2", resolution="Parked"))
    assert [
        note for note in ran.json["files"][0]["notes"] if "'Parked' (2)" in note and "--value 'status:Parked=" in note
    ]
    assert tasks(empty_store)["P-1"]["status"] == "completed"


def test_half_a_story_point_is_kept_apart_and_not_rounded(load, empty_store):
    text = JIRA + jira(points="0.5") + jira(key="P-2", points="5.0")
    ran = load("jira", text)
    known = tasks(empty_store)
    assert (known["P-1"]["estimated_size"], known["P-2"]["estimated_size"]) == (None, 5)
    assert json.loads(known["P-1"]["metadata_json"])["story_points"] == 0.5
    (note,) = [note for note in ran.json["files"][0]["notes"] if "fraction" in note]
    assert "1 row has" in note and "--map 'estimated_size=Custom field (Story Points)*2'" in note
    load("jira", text, "--map", "estimated_size=Custom field (Story Points)*2")
    known = tasks(empty_store)
    assert (known["P-1"]["estimated_size"], known["P-2"]["estimated_size"]) == (1, 10)


def test_a_bug_that_was_none_is_a_false_alarm_in_place(load, empty_store):
    load("jira", JIRA + jira(kind="Bug", status="To Do", category="To Do", resolved=""))
    ran = load("jira", JIRA + jira(kind="Bug", resolution="Duplicate"))
    assert ran.json["files"][1]["updated"] == 1
    (defect,) = defects(empty_store).values()
    assert (defect["is_false_positive"], defect["fixed_at"]) == (1, None)


def test_times_without_a_zone_are_said_to_be_taken_as_utc(load, empty_store):
    ran = load("jira", JIRA + jira())
    assert "name no zone: UTC is taken. --time-zone" in " ".join(ran.json["files"][0]["notes"])
    ran = load("jira", JIRA + jira(), "--time-zone", "Europe/Berlin")
    assert "no zone" not in " ".join(ran.json["files"][0]["notes"])
    assert tasks(empty_store)["P-1"]["created_at"] == "2026-01-02T09:00:00.000000Z"
    ran = load("jira", (JIRA + jira()).replace("T10:00", "T10:00+01:00"))
    assert "no zone" not in " ".join(ran.json["files"][0]["notes"])


def test_descriptions_stay_out_unless_texts_are_kept(load, empty_store):
    text = (
        'Summary,Issue key,Issue Type,Status,Created,Description\nt,P-1,Story,In Progress,2026-01-02,"secret\nplan"\n'
    )
    load("jira", text)
    task = tasks(empty_store)["P-1"]
    assert "secret" not in json.dumps(task) and json.loads(task["metadata_json"])["text_length"] == 12
    load("jira", text, "--keep-text")
    assert tasks(empty_store)["P-1"]["requirements_text"] == "secret\nplan"


def test_a_list_that_was_cut_by_the_tool_is_said(load):
    def said(count):
        text = JIRA + "".join(jira(key=f"P-{number}") for number in range(count))
        return [note for note in load("jira", text).json["files"][0]["notes"] if "probably cut" in note]

    assert said(999) == []
    (note,) = said(1000)
    assert "exactly 1,000 rows" in note


# --- Linear -----------------------------------------------------------------------------------------------------------


def test_the_issues_of_the_linear_sample_have_the_status_of_their_dates(run, empty_store, real_data):
    ran = run("load", "--from", "linear", real_data / "samples/linear_csv/shape.csv", "--json", "--db", empty_store)
    assert ran.json["rejected"] == 0
    known = tasks(empty_store)
    assert [(known[key]["status"], known[key]["estimated_size"]) for key in ("IN-10", "IN-11")] == [
        ("completed", None),
        ("failed", 3),
    ]
    assert [(key, row["severity"]) for key, row in defects(empty_store).items()] == [("IN-11", "Medium")]


@pytest.mark.parametrize(
    ("dates", "ours"),
    [
        (",,", "pending"),
        ("2026-01-03,,", "in_progress"),
        ("2026-01-03,2026-01-04,", "completed"),
        (",,2026-01-04", "failed"),
    ],
)
def test_names_of_states_are_not_believed(load, empty_store, dates, ours):
    load("linear", f'{LINEAR}A-1,T,\'=x,Done,2,Urgent,"Feature, Bug",,2026-01-02,{dates},\n')
    task = tasks(empty_store)["A-1"]
    assert (task["status"], task["task_description"], task["estimated_size"]) == (ours, "=x", 2)
    assert json.loads(task["metadata_json"])["labels"] == ["Feature", "Bug"]
    assert defects(empty_store)["A-1"]["severity"] == "Critical"


# --- every preset -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_printed_as_it_can_be_loaded_again(run, tmp_path, name):
    ran = run("load", "--from", name, "--explain")
    (tmp_path / "mine.json").write_text(ran.out)
    assert read_preset(str(tmp_path / "mine.json")) == read_preset(name)
    assert max(map(len, ran.out.splitlines())) <= 120


def test_a_changed_copy_of_a_preset_is_used(run, load, empty_store, tmp_path):
    text = run("load", "--from", "jira", "--explain").out
    (tmp_path / "mine.json").write_text(text.replace('"Issue Type": ["Bug"', '"Issue Type": ["Malheur"'))
    ran = load(str(tmp_path / "mine.json"), JIRA + jira(kind="Malheur") + jira(key="P-2", kind="Bug"))
    assert ran.exit_code == 0 and list(defects(empty_store)) == ["P-1"]


def test_a_load_by_a_preset_is_rehearsed_loaded_again_and_taken_back(run, load, empty_store):
    text = JIRA + jira(kind="Bug")
    assert load("jira", text, "--dry-run").json["written"] == 2
    assert tasks(empty_store) == {}
    assert load("jira", text).json["written"] == 2
    again = load("jira", text).json
    assert (again["written"], again["updated"], again["present"]) == (0, 0, 2)
    for number in (4, 3, 2, 1):
        assert run("unload", str(number), "--yes", "--db", empty_store).exit_code == 0
    assert tasks(empty_store) == {} and defects(empty_store) == {}


def test_rejects_are_written_with_the_preset_that_reads_them(run, load, empty_store, tmp_path):
    load("jira", JIRA + jira() + jira(key="P-2", status="In QA", category=""))
    ran = run("rejects", "--export", tmp_path / "wrong.csv", "--db", empty_store)
    assert "--as task_metadata --from jira" in ran.err
    text = (tmp_path / "wrong.csv").read_text().replace("In QA,", "In QA,Done")
    assert load("jira", text, "--as", "task_metadata", name="wrong.csv").json["written"] == 1


def test_only_the_kinds_that_are_named_are_made(load, empty_store):
    ran = load("jira", JIRA + jira(kind="Bug"), "--as", "defect_log")
    assert [file["loaded_as"] for file in ran.json["files"]] == ["defect_log"]
    assert "not executions" in load("jira", JIRA, "--as", "executions").refusal


@pytest.mark.parametrize("text", ["", JIRA, "\n\n"], ids=["no byte", "a header", "blank lines"])
def test_an_export_without_rows_writes_nothing(load, text):
    ran = load("jira", text)
    assert (ran.exit_code, ran.json["read"]) == (0, 0)


def test_a_table_of_another_tool_is_refused_with_its_own_preset(load):
    said = load("jira", f"{LINEAR}A-1,T,x,Done,2,Urgent,Bug,,2026-01-02,,,,\n").refusal
    assert "has no column 'Issue key'" in said and "--from linear" in said


@pytest.mark.parametrize(("text", "name"), [(JIRA + jira(), "jira"), (LINEAR, "linear")], ids=["jira", "linear"])
def test_an_export_without_a_preset_is_refused_with_the_name_of_its_preset(run, empty_store, tmp_path, text, name):
    (tmp_path / "x.csv").write_text(text)
    ran = run("load", tmp_path / "x.csv", "--db", empty_store)
    if ran.exit_code:  # a header alone has no rows to judge
        assert f"--from {name}" in ran.refusal


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: "{", "is not JSON (line 1"),
        (lambda _: "[]", "cannot be used"),
        (lambda text: text.replace('"task_id"', '"ticket_id"', 1), "'ticket_id' is not a column of task_metadata"),
        (lambda text: text.replace('"whole"', '"hole"', 1), "hole"),
        (lambda text: text.replace('"kind": "task_metadata"', '"kind": "tasks"'), "'tasks' is not a kind of record"),
        (lambda text: text.replace("-[0-9]+$", "-[0-9+$", 1), "is not a regular expression"),
        (lambda _: "[" * 5_000, "cannot be used"),
    ],
    ids=["half", "a list", "column", "key", "kind", "expression", "deep"],
)  # fmt: skip
def test_a_preset_that_is_wrong_is_refused_in_one_line(run, load, tmp_path, change, said):
    path = tmp_path / "mine.json"
    path.write_text(change(run("load", "--from", "jira", "--explain").out))
    assert said in load(str(path), JIRA + jira()).refusal


@pytest.mark.parametrize(("name", "said"), [("gira", "There is no preset 'gira'"), ("./none.json", "cannot be read")])
def test_a_preset_that_does_not_exist_is_refused_with_those_that_do(load, name, said):
    assert said in load(name, JIRA).refusal


def test_an_option_that_names_no_column_of_the_export_is_refused(load):
    assert "has no column 'Nope'" in load("jira", JIRA + jira(), "--map", "estimated_size=Nope").refusal


def test_postgresql_stores_what_sqlite_stores(run, empty_store, postgres_url, tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(JIRA + jira(kind="Bug", points="3", labels=("a", "b")) + jira(key="P-2", resolution="Won't Do"))
    create_store(postgres_url)
    query = (
        "SELECT t.task_id, status, estimated_size, t.metadata_json, defect_id, d.metadata_json AS defect_json "
        "FROM stg_tasks AS t LEFT JOIN stg_defects AS d ON d.task_id = t.task_id ORDER BY t.task_id"
    )
    answers = []
    for url in (empty_store, postgres_url):
        for _ in range(2):
            assert run("load", "--from", "jira", path, "--db", url).exit_code == 0
        answers.append([opened(row) for row in run("sql", query, "--json", "--db", url).json])
    assert answers[0] == answers[1] and len(answers[0]) == 2


def opened(row):
    return {name: json.loads(value) if name.endswith("_json") and value else value for name, value in row.items()}
