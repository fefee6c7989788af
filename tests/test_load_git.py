"""`load --git`: a repository becomes tasks, changes, defects and links, once; a rewritten one leaves no ghosts."""

import json
import sqlite3

import pytest

from asp_analysis.learning import Telemetry
from asp_analysis.session import connect
from asp_analysis.store.database import create_store
from tests.planted_repository import DAY, START, Planted

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path):
    return Planted(tmp_path / "shop")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request):
    if request.param == "sqlite":
        return request.getfixturevalue("empty_store")
    url = request.getfixturevalue("postgres_url")
    create_store(url)
    return url


def rows(url, query):
    with connect(url) as session:
        return [tuple(row) for row in session.sql(query).itertuples(index=False)]


def transcript(path, session, branch, at, files=(), cwd="/home/ada/shop", text=""):
    """Write a session of Claude Code: one call, and the files that it edited."""
    tools = [
        {
            "type": "tool_use",
            "id": f"t{number}",
            "name": "Edit",
            "input": {"file_path": f"{cwd}/{file}", "new_string": "x"},
        }
        for number, file in enumerate(files)
    ]
    line = {
        "type": "assistant",
        "sessionId": session,
        "uuid": f"u-{session}",
        "timestamp": at,
        "cwd": cwd,
        "gitBranch": branch,
        "version": "2.0.1",
        "requestId": f"r-{session}",
        "message": {
            "id": f"m-{session}",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [{"type": "text", "text": text}, *tools],
            "usage": {"input_tokens": 100_000, "output_tokens": 0},
        },
    }
    results = [
        {
            "type": "user",
            "sessionId": session,
            "uuid": f"v-{session}-{tool['id']}",
            "timestamp": at,
            "cwd": cwd,
            "gitBranch": branch,
            "version": "2.0.1",
            "message": {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": tool["id"], "content": "ok"}],
            },
            "toolUseResult": {"filePath": tool["input"]["file_path"], "structuredPatch": [{"lines": ["+x"]}]},
        }
        for tool in tools
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in (line, *results)))
    return path


def instant(seconds):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_a_repository_becomes_tasks_changes_and_defects(run, repository, store):
    name = repository.feature("squash")
    marker = f"change_{repository.count}_"
    repository.pass_time(3)
    repository.mend(name, f"{marker}2(")
    ran = run("load", "--git", repository.path, "--db", store)
    assert ran.exit_code == 0 and "changes: 3 (" in ran.err and "fixes: 1 (1 with the change" in ran.err
    assert rows(store, "SELECT count(*) FROM changes") == [(3,)]
    ((task, size, status, type_),) = rows(
        store, "SELECT task_id, actual_size, status, task_type FROM tasks WHERE task_type = 'feature'"
    )
    assert (size, status, type_) == (9, "completed", "feature") and task.startswith("shop#")
    defects = rows(store, "SELECT task_id, phase_injected, phase_removed, component_path, description FROM defects")
    assert [(row[0], row[1], row[2]) for row in defects] == [(task, "Code", "Test")]
    assert defects[0][3].startswith("src/") and defects[0][4].startswith("fix: wrong sum")
    ((changes, fixes),) = rows(store, "SELECT sum(changes), sum(fixes) FROM rework")
    assert (changes, fixes) == (3, 1)


def test_loading_again_reads_nothing_and_loading_more_adds_it(run, repository, store):
    repository.feature("merge")
    run("load", "--git", repository.path, "--db", store)
    again = run("load", "--git", repository.path, "--db", store)
    assert again.exit_code == 0 and "(unchanged)" in again.out
    repository.feature("merge")
    more = run("load", "--git", repository.path, "--json", "--db", store)
    assert more.json["rejected"] == 0
    assert rows(store, "SELECT count(*), count(DISTINCT task_id) FROM changes") == [(3, 3)]
    assert rows(store, "SELECT count(*) FROM tasks") == [(3,)]


def test_a_rewritten_history_leaves_no_ghosts(run, repository, store):
    repository.feature("commit")
    gone = repository.feature("commit")
    run("load", "--git", repository.path, "--db", store)
    repository.git("reset", "-q", "--hard", "HEAD~1")
    repository.pass_time(1)
    kept = repository.feature("commit")
    run("load", "--git", repository.path, "--db", store)
    titles = {row[0] for row in rows(store, "SELECT title FROM changes")}
    assert kept in titles and gone not in titles
    assert {row[0] for row in rows(store, "SELECT task_description FROM tasks")} == titles


def test_a_load_of_a_repository_can_be_taken_back(run, repository, store):
    repository.feature("squash")
    repository.mend(f"feat: part {repository.count} of the planted work", f"change_{repository.count}_2(")
    load = run("load", "--git", repository.path, "--db", store)
    assert load.exit_code == 0
    assert run("unload", "1", "--yes", "--db", store).exit_code == 0
    for table in ("stg_changes", "stg_tasks", "stg_defects", "stg_change_sessions"):
        assert rows(store, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_rehearsal_writes_nothing(run, repository, empty_store):
    repository.feature("squash")
    ran = run("load", "--git", repository.path, "--dry-run", "--db", empty_store)
    assert ran.exit_code == 0 and "Nothing was written" in ran.err
    assert rows(empty_store, "SELECT count(*) FROM changes") == [(0,)]


def test_sessions_are_linked_by_their_branch_and_their_files_or_not_at_all(run, repository, store, tmp_path):
    repository.deliver("feat: by branch", lambda: repository.edit()[1], "merge")
    branch = f"work/{repository.count - 1}"
    at = repository.now - DAY // 4
    repository.pass_time(20)
    repository.write("src/only.py", ["a = 1"])
    repository.commit("feat: by files")
    files_at = repository.now
    named = "5f0c7a52-0000-4000-8000-00000000abcd"
    repository.pass_time(20)
    repository.edit()
    repository.commit(f"feat: by trailer\n\nSession-Id: {named}")
    folder = tmp_path / "sessions"
    folder.mkdir()
    transcript(folder / "a.jsonl", "by-branch-session", branch, instant(at))
    transcript(folder / "b.jsonl", "by-files-session", "main", instant(files_at - 600), ["src/only.py"])
    transcript(folder / "c.jsonl", named, "main", instant(START), cwd="/elsewhere")
    transcript(folder / "d.jsonl", "late-session", branch, instant(at + 90 * DAY))
    transcript(folder / "e.jsonl", "other-session", "main", instant(files_at - 600), ["src/never.py"])
    ran = run("load", folder, "--git", repository.path, "--db", store)
    assert "sessions: 5 (3 linked" in ran.err, ran.err
    found = rows(
        store, "SELECT title, evidence, sessions, round(cost_usd, 6) FROM changes WHERE sessions > 0 ORDER BY 1"
    )
    assert found == [
        ("feat: by branch", "branch", 1, 0.3),
        ("feat: by files", "paths", 1, 0.3),
        ("feat: by trailer", "trailer", 1, 0.3),
    ]
    sized = rows(
        store, "SELECT task_id, actual_size, cost_usd FROM tasks WHERE cost_usd IS NOT NULL AND size IS NOT NULL"
    )
    assert sorted(row[0] for row in sized) == [
        "5f0c7a52-0000-4000-8000-00000000abcd",
        "by-branch-session",
        "by-files-session",
    ]


def test_the_task_is_the_same_as_that_of_transcripts(run, repository, empty_store, tmp_path):
    repository.deliver("feat: SHOP-12 orders", lambda: repository.edit()[1], "squash")
    repository.deliver("feat: more orders", lambda: repository.edit()[1], "commit", "Part of SHOP-12")
    transcript(tmp_path / "a.jsonl", "s-1", "ada/SHOP-12-orders", instant(repository.now - DAY))
    run("load", tmp_path / "a.jsonl", "--git", repository.path, "--task-from", "[A-Z]+-[0-9]+", "--db", empty_store)
    assert rows(empty_store, "SELECT actual_size, round(cost_usd, 2) FROM tasks WHERE task_id = 'SHOP-12'") == [
        (15, 0.3)
    ]


def test_a_session_of_several_changes_is_shared_and_never_counted_twice(run, repository, empty_store, tmp_path):
    named = "5f0c7a52-0000-4000-8000-00000000abcd"
    for lines in (1, 3):
        repository.pass_time(1)
        repository.edit(lines)
        repository.commit(f"feat: of {lines}\n\nSession-Id: {named}")
    transcript(tmp_path / "a.jsonl", named, "main", instant(repository.now))
    run("load", tmp_path / "a.jsonl", "--git", repository.path, "--db", empty_store)
    tasks = rows(empty_store, "SELECT actual_size, round(cost_usd, 6), outcome FROM tasks WHERE cost_usd > 0")
    assert tasks == [(4, 0.3, "accepted")]  # nobody else worked on these changes: size and cost are those of one task
    shares = rows(empty_store, "SELECT title, cost_usd FROM changes WHERE sessions > 0 ORDER BY lines")
    assert [(name, round(cost, 6)) for name, cost in shares] == [("feat: of 1", 0.075), ("feat: of 3", 0.225)]


def test_a_session_that_is_named_by_a_word_is_not_found_in_a_message(run, repository, empty_store, tmp_path):
    repository.pass_time(30)
    repository.edit()
    repository.commit("feat: refactoring of orders")
    transcript(tmp_path / "a.jsonl", "refactoring", "main", instant(START))
    ran = run("load", tmp_path / "a.jsonl", "--git", repository.path, "--db", empty_store)
    assert "sessions: 1 (0 linked" in ran.err


def test_a_repository_whose_name_speaks_of_replacing_says_what_it_holds(run, repository, empty_store):
    ran = run("load", "--git", repository.path, "--label", "repository=ada/replace", "--db", empty_store)
    assert "ada/replace: changes: 1 (1 by commit)" in ran.err


def test_no_agent_may_act_alone_by_defects_that_a_history_implies(run, repository, empty_store):
    for _ in range(3):
        name = repository.feature("commit")
        marker = f"change_{repository.count}_"
        repository.pass_time(1)
        repository.mend(name, f"{marker}2(")
    run("load", "--git", repository.path, "--db", empty_store)
    assert rows(empty_store, "SELECT count(*), bool_and(is_assumed) FROM defects") == [(3, True)]
    with connect(empty_store) as session:
        assert len(Telemetry.read(session.view).defects) == 0


def test_a_defect_is_found_when_its_issue_was_reported(run, repository, empty_store, tmp_path):
    name = repository.feature("commit")
    marker = f"change_{repository.count}_"
    repository.pass_time(1)
    run("load", "--git", repository.path, "--label", "repository=a/shop", "--db", empty_store)
    repository.mend(name, f"{marker}2(")
    repository.git("commit", "-q", "--amend", "-m", "fix: wrong sum\n\nFixes #7")
    issue = {"number": 7, "title": "wrong", "state": "OPEN", "createdAt": instant(repository.now - DAY // 2)}
    (tmp_path / "issues.json").write_text(json.dumps([{**issue, "url": "https://github.com/a/shop/issues/7"}]))
    ran = run("load", "--from", "gh-issue", tmp_path / "issues.json", "--db", empty_store)
    assert ran.exit_code == 0, ran.err
    run("load", "--git", repository.path, "--label", "repository=a/shop", "--db", empty_store)
    reported = "(SELECT created_at FROM stg_tasks WHERE task_id = 'a/shop#7')"
    query = f"SELECT metadata_json, found_at = {reported} FROM stg_defects WHERE fixed_at IS NOT NULL"
    ((about, is_then),) = rows(empty_store, query)
    assert is_then and "found_at" not in json.loads(about)["assumed"]


def test_a_fix_costs_what_its_sessions_cost(run, repository, store, tmp_path):
    name = repository.feature("commit")
    marker = f"change_{repository.count}_"
    repository.pass_time(5)
    named = "5f0c7a52-0000-4000-8000-00000000abcd"
    path = next(path for path in repository.git("ls-files", "src").split() if marker in str(repository.lines(path)))
    repository.write(path, [line.replace("x + ", "x - ") for line in repository.lines(path)])
    repository.commit(f"fix: wrong sum\n\nSession-Id: {named}")
    transcript(tmp_path / "a.jsonl", named, "main", instant(repository.now))
    run("load", tmp_path / "a.jsonl", "--git", repository.path, "--db", store)
    assert rows(store, "SELECT round(fix_cost_usd, 6) FROM defects") == [(0.3,)] and name


def test_what_is_no_repository_is_one_line_and_files_before_it_are_loaded(run, empty_store, tmp_path):
    transcript(tmp_path / "a.jsonl", "s-1", "main", instant(START))
    ran = run("load", tmp_path / "a.jsonl", "--git", tmp_path, "--db", empty_store)
    assert ran.exit_code == 1 and "is in no git repository" in ran.err and "Traceback" not in ran.err
    assert rows(empty_store, "SELECT count(*) FROM executions") == [(1,)]


def test_the_first_release_decides_where_a_defect_was_found(run, repository, store):
    name = repository.feature("commit")
    marker = f"change_{repository.count}_"
    repository.git("tag", "v1")
    repository.pass_time(5)
    repository.mend(name, f"{marker}2(")
    run("load", "--git", repository.path, "--db", store)
    assert rows(store, "SELECT phase_removed, removed_kind FROM defects") == [("Production", "failure")]
    assert run("quality", "--db", store).exit_code == 0


def test_a_store_that_is_read_by_sqlite_alone_has_the_tables(run, repository, empty_store):
    repository.feature("commit")
    run("load", "--git", repository.path, "--db", empty_store)
    with sqlite3.connect(empty_store.path) as file:
        assert file.execute("SELECT count(*) FROM code_change").fetchone() == (2,)
