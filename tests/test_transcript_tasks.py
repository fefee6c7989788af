"""What a transcript's task is, which roles its agents play, and what is known of the task besides its calls."""

import json

import pytest

START = "2026-01-02T03:04:05.000Z"


def line(kind, at=START, **more):
    around = {"sessionId": "S-1", "uuid": f"u{kind}{at}", "cwd": "/home/me/shop", "gitBranch": "feature/ABC-123-x"}
    return {"type": kind, "timestamp": at, **around, **more}


def answer(name, at=START, *blocks, **more):
    usage = {"input_tokens": 3, "output_tokens": 4}
    message = {"id": name, "model": "claude-opus-4-5", "usage": usage, "content": list(blocks)}
    return line("assistant", at, message=message, requestId=f"req-{name}", **more)


def write(path, *lines):
    path.write_text("".join(json.dumps(record) + "\n" for record in lines))
    return path


@pytest.fixture
def load(run, empty_store, tmp_path):
    def load_lines(*lines, name="session.jsonl", options=()):
        path = write(tmp_path / name, *lines)
        ran = run("load", path, "--json", "--db", empty_store, *options)
        assert ran.exit_code == 0, ran.err
        return ran.json

    return load_lines


@pytest.fixture
def query(run, empty_store):
    return lambda text: run("sql", text, "--json", "--db", empty_store).json


@pytest.mark.parametrize(
    ("task_from", "task"),
    [
        ("session", "S-1"),
        ("project", "shop"),
        ("branch", "shop:feature/ABC-123-x"),
        ("[A-Z]+-[0-9]+", "ABC-123"),
        ("feature/(.*)-x", "ABC-123"),
        ("nothing of the kind", "S-1"),
    ],
)
def test_a_task_is_what_the_user_says(load, query, task_from, task):
    load(answer("m"), options=("--task-from", task_from))
    assert query("SELECT DISTINCT task_id FROM executions") == [{"task_id": task}]


def test_sessions_of_one_ticket_are_one_task(load, query):
    pattern = ("--task-from", "[A-Z]+-[0-9]+")
    load(answer("m1"), options=pattern)
    load(answer("m2", "2026-01-03T00:00:00Z", sessionId="S-2"), name="other.jsonl", options=pattern)
    (task,) = query("SELECT task_id, started_at, completed_at, metadata_json FROM stg_tasks")
    assert task["task_id"] == "ABC-123" and json.loads(task["metadata_json"])["sessions"] == 2
    assert (task["started_at"][:10], task["completed_at"][:10]) == ("2026-01-02", "2026-01-03")


def test_another_grouping_moves_the_calls(load, query):
    load(answer("m"))
    load(answer("m"), options=("--task-from", "project"))
    assert query("SELECT DISTINCT task_id FROM stg_executions") == [{"task_id": "shop"}]


def test_an_expression_that_is_none_is_one_error_line(run, empty_store, tmp_path):
    ran = run("load", write(tmp_path / "s.jsonl", answer("m")), "--task-from", "(", "--db", empty_store)
    assert ran.exit_code == 1 and "--task-from needs" in ran.err and ran.err.count("\n") == 1


def sub_agent(at=START):
    use = {"type": "tool_use", "id": "toolu_1", "name": "Task", "input": {"subagent_type": "reviewer"}}
    inner = {"type": "assistant", "timestamp": at, "uuid": "i", "message": answer("sub")["message"]}
    data = {"type": "agent_progress", "agentId": "a1", "message": inner}
    return [answer("main", START, use), line("progress", at, data=data, parentToolUseID="toolu_1")]


def test_roles_follow_rules_and_sub_agents_keep_their_type(load, query):
    load(*sub_agent())
    roles = "SELECT execution_id, agent_role FROM executions ORDER BY execution_id"
    assert [row["agent_role"] for row in query(roles)] == ["Code", "reviewer"]
    load(*sub_agent(), options=("--role", "main=Design", "--role", "review*=CodeReview"))
    assert [row["agent_role"] for row in query(roles)] == ["Design", "CodeReview"]
    (row,) = query("SELECT metadata_json, subtask_id FROM executions WHERE execution_id LIKE 'sub%'")
    assert json.loads(row["metadata_json"])["agent"] == "reviewer" and row["subtask_id"] == "a1"


def test_errors_interruptions_sizes_and_times_stand_on_the_task(load, query):
    failed = {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": "x"}
    edited = {"type": "tool_result", "tool_use_id": "toolu_3", "content": "x"}
    patch = {"filePath": "/home/me/shop/src/cart.py", "structuredPatch": [{"lines": ["+a", "+b", "-c", " d"]}]}
    stop = {"role": "user", "content": [{"type": "text", "text": "[Request interrupted by user]"}]}
    load(
        answer("m"),
        line("user", "2026-01-02T03:05:00Z", message={"role": "user", "content": [failed]}),
        line("user", "2026-01-02T03:06:00Z", message={"role": "user", "content": [edited]}, toolUseResult=patch),
        line("user", "2026-01-02T03:07:00Z", message=stop),
        line("system", "2026-01-02T03:08:00Z", subtype="turn_duration", durationMs=61_000),
        line("assistant", "2026-01-02T03:09:00Z", isApiErrorMessage=True, message={"model": "<synthetic>", "id": "x"}),
    )
    (task,) = query("SELECT * FROM stg_tasks")
    found = json.loads(task["metadata_json"])
    wanted = {"errors": 2, "interruptions": 1, "lines_added": 2, "lines_removed": 1, "files_changed": 1}
    assert {name: found[name] for name in wanted} == wanted and found["active_ms"] == 61_000
    assert json.loads(task["components_json"]) == ["src/cart.py"]
    assert (task["started_at"], task["completed_at"]) == ("2026-01-02T03:04:05Z", "2026-01-02T03:09:00Z")
    assert (task["status"], task["project_id"]) == ("completed", "shop")


def test_what_a_table_of_tasks_says_stays(run, load, query, empty_store, tmp_path):
    table = tmp_path / "tasks.csv"
    table.write_text("task_id,created_at,status,completed_at\nABC-123,2025-12-01,failed,2026-02-01\n")
    run("load", table, "--as", "task_metadata", "--db", empty_store)
    load(answer("m"), options=("--task-from", "[A-Z]+-[0-9]+"))
    (task,) = query("SELECT created_at, started_at, completed_at, status FROM stg_tasks")
    assert (task["created_at"][:10], task["status"], task["completed_at"][:10]) == (
        "2025-12-01",
        "failed",
        "2026-02-01",
    )
    assert task["started_at"][:10] == "2026-01-02"


def test_what_a_table_of_executions_says_beside_the_transcript_stays(run, load, query, empty_store, tmp_path):
    """A later reading of the transcript changes what transcripts say, and nothing else."""
    load(answer("m"))
    table = tmp_path / "machines.jsonl"
    told = {"machine": "box", "labels": {"team": "red"}, "user_id": "me", "memory_mb": 5, "metadata": {"ticket": 7}}
    (call,) = query("SELECT executed_at, task_id, agent_role FROM executions")
    table.write_text(json.dumps({**call, "execution_id": "m", **told}) + "\n")
    assert run("load", table, "--as", "executions", "--json", "--db", empty_store).json["updated"] == 1
    load(answer("m"), answer("m2"), options=("--role", "main=Design"))
    asked = "agent_role, machine, labels, user_id, memory_mb, metadata_json, tool, tokens_in"
    (row,) = query(f"SELECT {asked} FROM executions WHERE execution_id = 'm'")
    metadata = json.loads(row.pop("metadata_json"))
    assert metadata["ticket"] == 7 and metadata["session_id"] == "S-1"
    assert row == {"agent_role": "Design", "machine": "box", "labels": '{"team":"red"}', "user_id": "me",
                   "memory_mb": 5.0, "tool": "claude-code", "tokens_in": 3}  # fmt: skip
    assert load(answer("m"), answer("m2"), options=("--role", "main=Design"), name="copy.jsonl")["present"] == 3


def test_a_forked_session_leaves_its_calls_with_the_original(load, query):
    copied = {"forkedFrom": {"sessionId": "S-1"}, "sessionId": "A-fork"}
    load(answer("m", **copied), answer("own", sessionId="A-fork"), name="fork.jsonl")
    load(answer("m"), name="original.jsonl")
    tasks = query("SELECT execution_id, task_id FROM executions ORDER BY execution_id")
    assert [(row["execution_id"], row["task_id"]) for row in tasks] == [("m", "S-1"), ("own", "A-fork")]


def test_a_copy_under_another_grouping_belongs_to_a_task_of_its_original(load, query):
    load(answer("m"))
    load(answer("m", sessionId="T-2", cwd="/home/me/other"), name="copy.jsonl", options=("--task-from", "project"))
    assert query("SELECT DISTINCT task_id FROM stg_executions") == [{"task_id": "shop"}]


# --- loading again ----------------------------------------------------------------------------------------------------


def test_an_unchanged_file_is_not_read_again_and_its_counts_come_from_the_log(load):
    first, second = load(answer("m")), load(answer("m"))
    assert (first["written"], second["written"], second["present"]) == (2, 0, 2)
    assert not first["files"][0]["is_unchanged"] and second["files"][0]["is_unchanged"]
    assert second["transcripts"]["calls"] == 1


def test_a_file_with_another_time_and_the_same_content_is_unchanged(load, tmp_path):
    import os

    load(answer("m"))
    os.utime(tmp_path / "session.jsonl", (1, 1))
    path = tmp_path / "session.jsonl"
    assert path.stat().st_mtime == 1
    again = load(answer("m"))
    assert again["files"][0]["is_unchanged"]


@pytest.mark.parametrize("options", [("--task-from", "project"), ("--role", "main=Test"), ("--keep-text",)])
def test_other_options_read_the_file_again(load, options):
    load(answer("m"))
    assert not load(answer("m"), options=options)["files"][0]["is_unchanged"]


def test_a_longer_file_adds_its_new_calls_and_a_deleted_one_takes_nothing_away(load, query, tmp_path):
    load(answer("m1"))
    counts = load(answer("m1"), answer("m2"))
    assert (counts["read"], counts["written"], counts["present"]) == (3, 1, 2)
    (tmp_path / "session.jsonl").unlink()
    load(answer("m3"), name="other.jsonl")
    assert len(query("SELECT execution_id FROM executions")) == 3


def test_the_reconciliation_line_counts_every_file_and_duplicate(run, empty_store, tmp_path):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.jsonl", answer("m1"), answer("m1"), answer("m2"))
    write(tmp_path / "in" / "b.jsonl", answer("m2"), line("assistant", message={"id": "none"}))
    ran = run("load", tmp_path / "in", "--db", empty_store)
    assert ran.out.splitlines()[-1] == (
        "2 files, 5 lines: 2 calls, 2 duplicates skipped, 1 calls without usage, 0 calls without a price, "
        "0 errors, 0 interruptions"
    )


# --- the user's own folders -------------------------------------------------------------------------------------------


def test_the_folders_of_claude_code_and_codex_are_found(run, empty_store, tmp_path, monkeypatch):
    for home in ("one", "two"):
        folder = tmp_path / home / "projects" / "p"
        folder.mkdir(parents=True)
        write(folder / "s.jsonl", answer(f"m-{home}", sessionId=home))
    usage = {"input_tokens": 9, "cached_input_tokens": 1, "output_tokens": 2}
    count = {"type": "token_count", "info": {"total_token_usage": usage, "last_token_usage": usage}}
    (tmp_path / "codex" / "sessions").mkdir(parents=True)
    record = {"timestamp": START, "type": "event_msg", "payload": count}
    write(tmp_path / "codex" / "sessions" / "rollout-1.jsonl", record)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{tmp_path / 'one'}, {tmp_path / 'two'}")
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    ran = run("load", "--claude-code", "--codex", "--json", "--db", empty_store)
    assert ran.exit_code == 0 and ran.json["transcripts"]["calls"] == 3


def test_a_missing_folder_is_one_error_line_that_names_the_variable(run, empty_store, tmp_path, monkeypatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "nowhere"))
    ran = run("load", "--claude-code", "--db", empty_store)
    assert ran.exit_code == 1 and "CLAUDE_CONFIG_DIR" in ran.err and ran.err.count("\n") == 1


def test_nothing_to_load_is_wrong_usage(run, empty_store):
    assert run("load", "--db", empty_store).exit_code == 2
