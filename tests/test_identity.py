"""Every source keeps whom and what its rows belong to: person, team, machine, repository, branch, versions."""

import json

import pytest

from asp_analysis import capture
from asp_analysis.importers.transcripts.git_folders import git_folder, repository_name
from asp_analysis.session import connect

KNOWN = ("user_id", "machine", "repository", "branch", "tool", "tool_version", "agent_version", "labels")


def attributes(**values):
    return [{"key": name.replace("__", "."), "value": {"stringValue": value}} for name, value in values.items()]


RESOURCE = {
    "attributes": attributes(
        service__name="claude-code",
        service__version="2.1.0",
        host__name="laptop-7",
        cost_center="4711",
        team__id="harbour",
        department="sea",
        os__type="linux",
    )
}
USER = attributes(
    user__email="ada@example.org", user__account_uuid="u-1", organization__id="org-9", session__id="s-1",
    vcs__repository__url__full="https://bot:secret@git.example.org/ferry/app.git", vcs__ref__head__name="main",
)  # fmt: skip
EVENT = {
    "resourceLogs": [{
        "resource": RESOURCE,
        "scopeLogs": [{"logRecords": [{
            "timeUnixNano": "1772442000000000000",
            "body": {"stringValue": "claude_code.api_request"},
            "attributes": [*USER, *attributes(
                event__name="api_request", model="claude-sonnet-4-5", input_tokens="10", output_tokens="5",
                cost_usd="0.25", prompt__version="7",
            )],
        }]}],
    }]
}  # fmt: skip
SPANS = {
    "resourceSpans": [{
        "resource": RESOURCE,
        "scopeSpans": [{"spans": [
            {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1", "name": "run",
             "startTimeUnixNano": "1772442000000000000", "endTimeUnixNano": "1772442009000000000",
             "attributes": [*USER, *attributes(gen_ai__operation__name="invoke_agent", gen_ai__prompt__version="7")]},
            {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2", "parentSpanId": "0" * 15 + "1", "name": "chat",
             "startTimeUnixNano": "1772442001000000000", "endTimeUnixNano": "1772442002000000000",
             "attributes": attributes(gen_ai__operation__name="chat", gen_ai__usage__input_tokens="10",
                                      gen_ai__usage__output_tokens="5")},
        ]}],
    }]
}  # fmt: skip
EXPECTED = {
    "user_id": "ada@example.org",
    "machine": "laptop-7",
    "repository": "ferry/app",
    "branch": "main",
    "tool": "opentelemetry",
    "tool_version": "2.1.0",
    "agent_version": "7",
    "labels": {
        "account": "u-1", "cost_center": "4711", "department": "sea", "organization": "org-9", "team": "harbour",
    },
}  # fmt: skip


def known_of(store):
    with connect(store) as session:
        rows = session.view("executions")[list(KNOWN)].astype(object)
    rows = rows.where(rows.notna(), None).to_dict("records")
    return [{**row, "labels": row["labels"] and json.loads(row["labels"])} for row in rows]


@pytest.mark.parametrize("document", [EVENT, SPANS], ids=["an event", "a span"])
def test_opentelemetry_keeps_all_that_identifies_a_call(run, empty_store, tmp_path, document):
    (tmp_path / "otel.json").write_text(json.dumps(document))
    assert run("load", tmp_path / "otel.json", "--db", empty_store).exit_code == 0
    assert known_of(empty_store) == [EXPECTED]
    assert run("load", tmp_path / "otel.json", "--json", "--db", empty_store).json["present"] == 2


def session_line(folder):
    usage = {"input_tokens": 10, "output_tokens": 5}
    message = {"id": "msg_0123456789abcdefgh", "model": "claude-sonnet-4-5", "usage": usage, "content": []}
    return json.dumps({
        "type": "assistant", "sessionId": "s", "uuid": "u", "requestId": "r", "timestamp": "2026-03-02T10:00:00Z",
        "cwd": str(folder), "gitBranch": "ABC-1", "version": "2.1.0", "message": message,
    })  # fmt: skip


def test_a_transcript_of_this_machine_has_its_name_and_what_git_knows(run, empty_store, tmp_path, monkeypatch):
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    (work / ".git" / "config").write_text(
        '[user]\n\temail = ada@example.org\n[remote "origin"]\n\turl = git@git.example.org:ferry/app.git\n'
    )
    projects = tmp_path / "claude" / "projects" / "p"
    projects.mkdir(parents=True)
    (projects / "s.jsonl").write_text(session_line(work / "deep") + "\n")
    (work / "deep").mkdir()
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("ASP_MACHINE", "laptop-7")
    assert run("load", "--claude-code", "--label", "team=harbour", "--db", empty_store).exit_code == 0
    (found,) = known_of(empty_store)
    assert found == {
        "user_id": "ada@example.org", "machine": "laptop-7", "repository": "ferry/app", "branch": "ABC-1",
        "tool": "claude-code", "tool_version": "2.1.0", "agent_version": None, "labels": {"team": "harbour"},
    }  # fmt: skip
    assert run("load", "--claude-code", "--label", "team=harbour", "--json", "--db", empty_store).json["updated"] == 0


def test_a_transcript_from_elsewhere_has_what_is_said_of_it(run, empty_store, tmp_path):
    (tmp_path / "s.jsonl").write_text(session_line(tmp_path) + "\n")
    run("load", tmp_path / "s.jsonl", "--label", "person=bob", "--label", "machine=m2", "--db", empty_store)
    (found,) = known_of(empty_store)
    assert (found["user_id"], found["machine"], found["repository"], found["labels"]) == ("bob", "m2", None, None)


def test_a_table_says_it_in_columns(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text(
        "executed_at,task_id,agent_role,cost_usd,who,group,machine,repository\n2026-03-01,T,Code,1,ada,harbour,m1,a/b\n"
    )
    labels = ("--label", "team=group", "--label", "person=who")
    assert run("load", tmp_path / "runs.csv", *labels, "--db", empty_store).exit_code == 0
    (found,) = known_of(empty_store)
    assert (found["user_id"], found["machine"], found["repository"]) == ("ada", "m1", "a/b")
    assert found["labels"] == {"team": "harbour"}
    refused = run("load", tmp_path / "runs.csv", "--label", "team=grupp", "--db", empty_store).refusal
    assert "has no column 'grupp'" in refused and "--set labels=" in refused


def test_a_captured_run_has_its_machine_and_what_it_says(empty_store, monkeypatch):
    monkeypatch.setenv("ASP_MACHINE", "builder")
    with capture.open(empty_store) as recorder:
        recorder.record(task_id="T", agent_role="Code", cost_usd=1, user_id="ada", labels={"team": "harbour"},
                        repository="a/b", branch="main", tool="mine", tool_version="1", agent_version="3")  # fmt: skip
    assert known_of(empty_store) == [{
        "user_id": "ada", "machine": "builder", "repository": "a/b", "branch": "main", "tool": "mine",
        "tool_version": "1", "agent_version": "3", "labels": {"team": "harbour"},
    }]  # fmt: skip


def test_the_name_of_a_repository_has_no_password():
    assert repository_name("https://bot:secret@git.example.org/ferry/app.git") == "ferry/app"
    assert repository_name("git@git.example.org:ferry/app.git") == "ferry/app"
    assert repository_name("app") == "app"


def test_a_second_work_tree_is_of_the_same_repository(tmp_path):
    first = tmp_path / "first" / ".git"
    (first / "worktrees" / "second").mkdir(parents=True)
    (first / "config").write_text("[user]\n email = ada@example.org\n")
    (first / "worktrees" / "second" / "commondir").write_text("../..\n")
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / ".git").write_text(f"gitdir: {first / 'worktrees' / 'second'}\n")
    assert git_folder(str(tmp_path / "second")).person == "ada@example.org"
    assert git_folder(str(tmp_path / "nowhere")) == (None, None)
