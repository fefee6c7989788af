"""Lists of GitHub's and GitLab's tools: changes become tasks with sizes and reviews, reviews and checks defects."""

import json
import sqlite3
from contextlib import closing

import pytest

from asp_analysis.importers.presets.pull_facts import task_key

pytestmark = pytest.mark.slow


def stored(url, table, key):
    with closing(sqlite3.connect(url.path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    return {row[key]: {**row, "metadata": json.loads(row["metadata_json"] or "{}")} for row in rows}


def tasks(url):
    return stored(url, "task_metadata", "task_id")


def defects(url):
    return stored(url, "defect_log", "defect_id")


@pytest.fixture
def load(run, empty_store, tmp_path):
    def load_list(preset, records, *options, name="list.json"):
        path = tmp_path / name
        path.write_text(records if isinstance(records, str) else json.dumps(records))
        return run("load", "--from", preset, path, *options, "--json", "--db", empty_store)

    return load_list


def pull(number=12, **more):
    return {
        "number": number,
        "title": "Pay by card",
        "body": "secret",
        "state": "MERGED",
        "isDraft": False,
        "createdAt": "2026-01-02T10:00:00Z",
        "mergedAt": "2026-01-03T10:00:00Z",
        "closedAt": "2026-01-03T10:00:00Z",
        "additions": 100,
        "deletions": 20,
        "files": [{"path": "pay/card.py", "additions": 100, "deletions": 20}],
        "commits": [{"authoredDate": "2026-01-01T08:00:00Z", "committedDate": "2026-01-02T09:00:00Z"}],
        "headRefName": "cards",
        "author": {"login": "ada", "is_bot": False},
        "labels": [],
        "reviews": [],
        "statusCheckRollup": [],
        "url": f"https://github.com/shop/till/pull/{number}",
        **more,
    }


def review(login, state, hour, **more):
    return {"author": {"login": login, **more}, "state": state, "submittedAt": f"2026-01-02T{hour:02}:00:00Z"}


def check(name, conclusion, hour):
    return {"name": name, "workflowName": "CI", "conclusion": conclusion, "completedAt": f"2026-01-02T{hour:02}:00:00Z"}


# --- pull requests ----------------------------------------------------------------------------------------------------


def test_a_pull_request_is_a_task_with_what_the_list_says(load, empty_store):
    ran = load("gh-pr", [pull(closingIssuesReferences=[{"number": 3}], mergeCommit={"oid": "abc"})])
    assert (ran.exit_code, ran.json["rejected"]) == (0, 0)
    task = tasks(empty_store)["shop/till#12"]
    assert {name: task[name] for name in ("status", "actual_size", "project_id", "started_at", "completed_at")} == {
        "status": "completed",
        "actual_size": 120,
        "project_id": "shop/till",
        "started_at": "2026-01-01T08:00:00.000000Z",
        "completed_at": "2026-01-03T10:00:00.000000Z",
    }
    assert (task["components_json"], task["estimated_size"]) == ('["pay/card.py"]', None)
    about = task["metadata"]
    assert (about["merge_commit"], about["closes"], about["open_minutes"]) == ("abc", [3], 1440)
    assert "secret" not in json.dumps(task)


@pytest.mark.parametrize(
    ("branch", "key"),
    [
        ("feature/PAY-12-cards", "PAY-12"),
        ("PAY2-7", "PAY2-7"),
        ("fix/UTF-8-names", None),
        ("fix/CVE-2026-1234", None),
        ("dependabot/npm/x-1", None),
        ("cards", None),
        (None, None),
    ],
)
def test_the_key_is_that_of_an_issue_in_the_branch(branch, key):
    assert task_key(branch, None) == key


def test_the_key_is_what_task_from_finds_as_in_transcripts(load, empty_store):
    load("gh-pr", [pull(headRefName="t_77-cards")], "--task-from", "t_[0-9]+")
    assert list(tasks(empty_store)) == ["t_77"]
    load("gh-pr", [pull(headRefName="cards")], "--task-from", "branch")
    assert "cards" in tasks(empty_store)


@pytest.mark.parametrize(
    ("about", "status", "ended"),
    [
        ({}, "completed", True),
        ({"state": "CLOSED", "mergedAt": None}, "failed", True),
        ({"state": "OPEN", "mergedAt": None, "closedAt": None}, "in_progress", False),
        ({"state": "OPEN", "mergedAt": None, "closedAt": None, "isDraft": True}, "pending", False),
    ],
    ids=["merged", "closed", "open", "draft"],
)
def test_the_status_follows_from_the_state(load, empty_store, about, status, ended):
    load("gh-pr", [pull(**about)])
    task = tasks(empty_store)["shop/till#12"]
    assert (task["status"], task["completed_at"] is not None) == (status, ended)


def test_a_state_that_nobody_knows_is_rejected_with_the_option_that_mends_it(load, empty_store):
    ran = load("gh-pr", [pull(state="FROZEN"), pull(13)])
    assert ran.json["files"][0]["rejected"] == 1
    assert "--value 'status:FROZEN=" in " ".join(ran.json["files"][0]["notes"])
    assert load("gh-pr", [pull(state="FROZEN")], "--value", "status:FROZEN=pending").json["written"] == 1


def test_changes_of_one_key_are_one_task_whose_sizes_add_up(load, empty_store):
    pulls = [
        pull(1, headRefName="PAY-1-a", additions=10, deletions=0, files=[{"path": "a"}]),
        pull(2, headRefName="PAY-1-b", additions=5, deletions=1, files=[{"path": "b"}, {"path": "a"}],
             createdAt="2026-01-04T10:00:00Z", mergedAt="2026-01-05T10:00:00Z"),
        pull(3, headRefName="PAY-1-c", additions=900, deletions=1, state="CLOSED", mergedAt=None),
    ]  # fmt: skip
    ran = load("gh-pr", pulls)
    assert ran.json["files"][0]["read"] == 1
    (task,) = tasks(empty_store).values()
    assert (task["task_id"], task["actual_size"], task["status"]) == ("PAY-1", 16, "completed")
    assert json.loads(task["components_json"]) == ["a", "b"]
    assert task["completed_at"] == "2026-01-05T10:00:00.000000Z"
    assert task["metadata"]["pull_requests"] == ["shop/till#1", "shop/till#2", "shop/till#3"]


def test_an_issue_of_the_tracker_and_its_pull_request_are_one_task(run, load, empty_store, tmp_path):
    (tmp_path / "jira.csv").write_text(
        "Summary,Issue key,Issue Type,Status,Status Category,Created,Custom field (Story Points)\n"
        "Pay by card,PAY-12,Story,Shipped,Done,2025-12-30T09:00Z,5\n"
    )
    assert load("gh-pr", [pull(headRefName="PAY-12-cards")]).exit_code == 0
    assert run("load", "--from", "jira", tmp_path / "jira.csv", "--db", empty_store).exit_code == 0
    ((name, task),) = tasks(empty_store).items()
    assert (name, task["estimated_size"], task["actual_size"], task["status"]) == ("PAY-12", 5, 120, "completed")
    assert (task["metadata"]["story_points"], task["metadata"]["commits"]) == (5, 1)


def test_reviews_are_of_persons_or_of_bots_and_never_of_the_author(load, empty_store):
    reviews = [
        review("coderabbitai", "COMMENTED", 11),
        review("helper[bot]", "APPROVED", 11),
        review("ada", "COMMENTED", 12),
        review("bob", "APPROVED", 13),
    ]
    load(
        "gh-pr",
        [pull(1, reviews=reviews), pull(2, reviews=reviews[:3]), pull(3, reviews=[], state="OPEN", mergedAt=None)],
    )
    known = tasks(empty_store)
    reviewed = [known[f"shop/till#{number}"]["is_human_reviewed"] for number in (1, 2, 3)]
    assert reviewed == [1, 0, None]
    about = known["shop/till#1"]["metadata"]
    assert (about["reviews_by_persons"], about["reviews_by_bots"], about["waiting_minutes"]) == (1, 2, 180)
    assert "waiting_minutes" not in known["shop/till#2"]["metadata"]


def test_a_list_without_reviews_says_nothing_of_persons(load, empty_store):
    record = pull()
    del record["reviews"]
    ran = load("gh-pr", [record])
    assert tasks(empty_store)["shop/till#12"]["is_human_reviewed"] is None
    assert "does not have reviews. Export it with: gh pr list" in " ".join(ran.json["files"][0]["notes"])


def test_a_review_that_asks_for_changes_is_a_defect_found_in_review(load, empty_store):
    reviews = [
        review("bob", "CHANGES_REQUESTED", 11),
        review("coderabbitai", "CHANGES_REQUESTED", 12),
        review("bob", "APPROVED", 14),
    ]
    load("gh-pr", [pull(reviews=reviews)])
    found = sorted(defects(empty_store).values(), key=lambda row: row["found_at"])
    assert [(row["fixed_at"], row["is_flagged_by_agent"]) for row in found] == [
        ("2026-01-02T14:00:00.000000Z", 0),
        ("2026-01-03T10:00:00.000000Z", 1),
    ]
    assert {(row["task_id"], row["phase_injected"], row["phase_removed"]) for row in found} == {
        ("shop/till#12", "Code", "CodeReview")
    }
    assert found[0]["metadata"]["assumed"] == ["defect_type", "phase_injected"]


def test_a_finding_of_a_bot_that_a_commit_answered_is_confirmed_by_the_person_who_approved(load, empty_store):
    reviews = [review("coderabbitai", "CHANGES_REQUESTED", 11), review("bob", "APPROVED", 14)]
    commits = [{"committedDate": "2026-01-02T12:30:00Z"}]
    load("gh-pr", [pull(1, reviews=reviews, commits=commits), pull(2, reviews=reviews)])
    found = {row["task_id"]: row for row in defects(empty_store).values()}
    judged = [
        (found[f"shop/till#{n}"]["is_validated_by_human"], found[f"shop/till#{n}"]["is_false_positive"]) for n in (1, 2)
    ]
    assert judged == [(1, 0), (0, 1)]


def test_reviews_after_the_merge_are_no_defects_and_open_ones_are_not_fixed(load, empty_store):
    late = {**review("bob", "CHANGES_REQUESTED", 11), "submittedAt": "2026-01-04T11:00:00Z"}
    asked = [review("bob", "CHANGES_REQUESTED", 11)]
    ran = load("gh-pr", [pull(1, reviews=[late]), pull(2, state="OPEN", mergedAt=None, closedAt=None, reviews=asked)])
    assert ran.json["rejected"] == 0
    (defect,) = defects(empty_store).values()
    assert (defect["task_id"], defect["fixed_at"]) == ("shop/till#2", None)


def test_rounds_are_the_reviews_between_pushes(load, empty_store):
    commits = [{"committedDate": f"2026-01-02T{hour:02}:30:00Z"} for hour in (8, 11, 13)]
    reviews = [review("bob", "COMMENTED", 11), review("eve", "COMMENTED", 11), review("bob", "COMMENTED", 12),
               review("bob", "APPROVED", 15)]  # fmt: skip
    load("gh-pr", [pull(1, reviews=reviews, commits=commits), pull(2, reviews=[], commits=commits)])
    known = tasks(empty_store)
    assert [known[f"shop/till#{number}"]["metadata"]["review_rounds"] for number in (1, 2)] == [3, 0]


def test_a_check_that_was_red_and_then_green_is_a_defect_found_by_test(load, empty_store):
    checks = [
        check("unit", "FAILURE", 11),
        check("unit", "SUCCESS", 13),
        check("lint", "SUCCESS", 11),
        check("lint", "FAILURE", 12),
        check("docs", "SKIPPED", 11),
        {"context": "deploy", "state": "PENDING", "createdAt": "0001-01-01T00:00:00Z"},
    ]
    load("gh-pr", [pull(statusCheckRollup=checks)])
    (defect,) = defects(empty_store).values()
    assert (defect["found_at"], defect["fixed_at"]) == ("2026-01-02T11:00:00.000000Z", "2026-01-02T13:00:00.000000Z")
    assert (defect["phase_removed"], defect["metadata"]["check"]) == ("Test", "CI / unit")
    assert defect["metadata"]["may_be_flaky"] is True
    assert tasks(empty_store)["shop/till#12"]["metadata"]["checks"] == {"passed": 1, "failed": 1}


@pytest.mark.parametrize(
    ("labels", "title", "kind"),
    [(["wip", "Bug"], "x", "bug"), ([], "feat(pay)!: cards", "feat"), ([], "Cards: a feature", None)],
)
def test_the_type_is_that_of_a_label_or_of_the_title(load, empty_store, labels, title, kind):
    load("gh-pr", [pull(title=title, labels=[{"name": label} for label in labels])])
    assert tasks(empty_store)["shop/till#12"]["task_type"] == kind


@pytest.mark.parametrize(("count", "is_cut"), [(29, False), (30, True), (31, False), (100, True)])
def test_a_list_that_was_probably_cut_is_said(load, count, is_cut):
    ran = load("gh-pr", [pull(number) for number in range(count)])
    assert (f"exactly {count} rows: the list was probably cut" in " ".join(ran.json["files"][0]["notes"])) == is_cut


def test_a_change_with_a_hundred_files_is_said_to_have_more(load, empty_store):
    ran = load("gh-pr", [pull(files=[{"path": str(number)} for number in range(100)])])
    assert "1 change has exactly 100 files" in " ".join(ran.json["files"][0]["notes"])
    assert tasks(empty_store)["shop/till#12"]["metadata"]["files_cut"] is True


def test_a_list_without_addresses_asks_for_the_repository(load, empty_store):
    record = pull()
    del record["url"]
    ran = load("gh-pr", [record])
    assert "--set repository=OWNER/NAME" in " ".join(ran.json["files"][0]["notes"])
    assert list(tasks(empty_store)) == ["#12"]
    load("gh-pr", [record], "--set", "repository=shop/till")
    assert "shop/till#12" in tasks(empty_store)


def test_a_newer_list_updates_in_place(load, empty_store):
    asked = [review("bob", "CHANGES_REQUESTED", 11)]
    load("gh-pr", [pull(state="OPEN", mergedAt=None, closedAt=None, reviews=asked)])
    records = [pull(reviews=[*asked, review("bob", "APPROVED", 14)]), pull(13)]
    ran = load("gh-pr", records)
    assert [(file["written"], file["updated"]) for file in ran.json["files"]] == [(1, 1), (0, 1)]
    assert load("gh-pr", records).json["present"] == 3
    assert defects(empty_store).popitem()[1]["fixed_at"] == "2026-01-02T14:00:00.000000Z"


# --- issues -----------------------------------------------------------------------------------------------------------


def issue(number=3, **more):
    return {
        "number": number,
        "title": "Card is charged twice",
        "state": "CLOSED",
        "stateReason": "COMPLETED",
        "createdAt": "2026-01-02T10:00:00Z",
        "closedAt": "2026-01-03T10:00:00Z",
        "labels": [{"name": "bug"}, {"name": "P1"}],
        "url": f"https://github.com/shop/till/issues/{number}",
        **more,
    }


def test_an_issue_is_a_task_and_a_bug_a_defect(load, empty_store):
    load("gh-issue", [issue(), issue(4, labels=[{"name": "enhancement"}])])
    known = tasks(empty_store)
    assert [
        (known[f"shop/till#{number}"]["status"], known[f"shop/till#{number}"]["task_type"]) for number in (3, 4)
    ] == [
        ("completed", "bug"),
        ("completed", "feature"),
    ]
    ((name, defect),) = defects(empty_store).items()
    assert (name, defect["severity"], defect["description"]) == ("shop/till#3", "High", "Card is charged twice")
    assert (defect["phase_injected"], defect["phase_removed"]) == ("Unknown", "Reported")
    assert defect["fixed_at"] == "2026-01-03T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("state", "reason", "labels", "status"),
    [
        ("OPEN", "", [], "pending"),
        ("CLOSED", None, [], "completed"),
        ("CLOSED", "NOT_PLANNED", [], "failed"),
        ("CLOSED", "NOT_PLANNED", ["stale"], "pending"),
        ("OPEN", "REOPENED", [], "pending"),
    ],
)
def test_the_status_of_an_issue_follows_from_its_state(load, empty_store, state, reason, labels, status):
    load("gh-issue", [issue(state=state, stateReason=reason, labels=[{"name": label} for label in labels])])
    assert tasks(empty_store)["shop/till#3"]["status"] == status


def test_a_bug_that_was_not_mended_is_not_fixed_and_a_duplicate_is_a_false_alarm(load, empty_store):
    load("gh-issue", [issue(3, stateReason="NOT_PLANNED"), issue(4, stateReason="DUPLICATE")])
    found = defects(empty_store)
    assert [(row["fixed_at"], row["is_false_positive"]) for row in found.values()] == [(None, 0), (None, 1)]


# --- merge requests ---------------------------------------------------------------------------------------------------


def merge_request(**more):
    return {
        "iid": 7,
        "project_id": 1,
        "title": "Draft: fix(pay): cards",
        "state": "merged",
        "draft": False,
        "created_at": "2026-01-02T10:00:00.000+01:00",
        "merged_at": "2026-01-03T10:00:00.000+01:00",
        "closed_at": None,
        "source_branch": "cards",
        "author": {"username": "ada"},
        "labels": ["type::feature"],
        "web_url": "https://gitlab.example/shop/sub/till/-/merge_requests/7",
        "changes_count": "4",
        "head_pipeline": {"status": "success"},
        **more,
    }


def test_a_merge_request_is_a_task_without_what_its_list_does_not_say(load, empty_store):
    ran = load("gitlab-mr", [merge_request()])
    assert [file["loaded_as"] for file in ran.json["files"]] == ["task_metadata"]
    ((name, task),) = tasks(empty_store).items()
    assert (name, task["status"], task["task_type"]) == ("shop/sub/till!7", "completed", "feature")
    assert (task["created_at"], task["actual_size"]) == ("2026-01-02T09:00:00.000000Z", None)
    assert task["is_human_reviewed"] is None
    assert (task["metadata"]["pipeline"], task["metadata"]["open_minutes"]) == ("success", 1440)


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({"state": "opened"}, "in_progress"),
        ({"state": "opened", "draft": True}, "pending"),
        ({"state": "closed"}, "failed"),
    ],
)
def test_the_status_of_a_merge_request_follows_from_its_state(load, empty_store, about, status):
    load("gitlab-mr", [merge_request(merged_at=None, source_branch="PAY-9", **about)])
    assert tasks(empty_store)["PAY-9"]["status"] == status


# --- odd files --------------------------------------------------------------------------------------------------------


def test_changes_without_a_number_are_rejected_one_by_one(load, empty_store):
    ran = load("gh-pr", [pull(1), {**pull(2), "number": None}, {**pull(3), "number": None}])
    assert (ran.json["files"][0]["written"], ran.json["files"][0]["rejected"]) == (1, 2)


@pytest.mark.parametrize("preset", ["gh-pr", "gh-issue", "gitlab-mr"])
def test_an_empty_list_writes_nothing(load, preset):
    ran = load(preset, [])
    assert (ran.exit_code, ran.json["read"]) == (0, 0)


def test_json_lines_are_read_as_an_array_is(load, empty_store):
    load("gh-pr", "".join(json.dumps(pull(number)) + "\n" for number in (1, 2)), name="list.jsonl")
    assert list(tasks(empty_store)) == ["shop/till#1", "shop/till#2"]


@pytest.mark.parametrize(
    "odd",
    [
        {"author": None, "reviews": None, "files": None, "commits": None, "labels": None, "statusCheckRollup": None},
        {"author": "ada", "reviews": [1, None, {}], "files": ["a"], "commits": "x", "labels": [{"name": 5}]},
        {"reviews": [{"author": None, "state": "APPROVED", "submittedAt": "soon"}], "mergedAt": 5, "headRefName": 7},
        {"statusCheckRollup": [{"name": {}, "conclusion": 3}, {"context": "x"}], "additions": "many", "deletions": -1},
        {"title": "\u0000", "url": 9, "closingIssuesReferences": {"a": 1}},
        {"createdAt": "never", "number": None},
    ],
)
def test_odd_records_are_read_or_rejected_and_never_a_traceback(load, odd):
    ran = load("gh-pr", [pull(1), {**pull(2), **odd}])
    assert ran.exit_code == 0 and "Traceback" not in ran.err
    assert ran.json["files"][0]["read"] == 2


@pytest.mark.parametrize(
    ("record", "preset"),
    [(pull(), "gh-pr"), (issue(), "gh-issue"), (merge_request(), "gitlab-mr")],
    ids=lambda x: str(x)[:9],
)
def test_a_list_without_a_preset_is_refused_with_the_name_of_its_preset(run, empty_store, tmp_path, record, preset):
    (tmp_path / "list.json").write_text(json.dumps([record]))
    assert f"--from {preset}" in run("load", tmp_path / "list.json", "--db", empty_store).refusal


def test_issues_loaded_as_changes_are_refused_with_their_own_preset(load):
    said = load("gh-pr", [issue()]).refusal
    assert "has no column 'headRefName'" in said and "--from gh-issue" in said
