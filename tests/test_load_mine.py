"""`load --mine`: what every tool on this machine recorded, tool by tool, and what cannot be read with its reason."""

import re

import pytest

from asp_analysis.importers.own_places import PLACES, own_files
from tests.fuzz.database_seeds import DATABASES, database
from tests.fuzz.seeds import SEEDS
from tests.reading import detected

# place below the home, the seed whose format is found there
FILES = [
    (".claude/projects/p/s.jsonl", "claude-code"),
    (".codex/sessions/2026/03/rollout-1.jsonl", "codex"),
    (".local/share/opencode/opencode.db", "opencode"),
    (".local/share/opencode/storage/message/ses_1/msg_1.json", "opencode-json"),
    (".copilot/session-store.db", "copilot-cli-store"),
    (".copilot/session-state/s-2/events.jsonl", "copilot-cli"),
    (".gemini/tmp/p/chats/session-1.json", "gemini-cli"),
    (".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/t/ui_messages.json", "cline"),
    (".cline/data/sessions/c/c.messages.json", "cline-cli"),
    (".qwen/projects/p/chats/q.jsonl", "qwen-code"),
    (".kimi/sessions/hash/k/wire.jsonl", "kimi"),
    (".local/share/amp/threads/T-1.json", "amp"),
    (".local/share/goose/sessions/sessions.db", "goose"),
    (".factory/sessions/p/d-1.settings.json", "droid"),
    (".factory/sessions/p/d-1.jsonl", "droid-session"),
    (".local/share/zed/threads/threads.db", "zed"),
    (".pi/agent/sessions/p/s.jsonl", "pi"),
    (".openclaw/agents/main/sessions/o.jsonl", "openclaw"),
    (".openclaw/agents/main/sessions/o.jsonl.reset.2026-04-29", "openclaw"),
    (".openhands/conversations/c/base_state.json", "openhands-conversation"),
]


@pytest.fixture
def home(tmp_path, monkeypatch):
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    for place in PLACES:
        if place.variable:
            monkeypatch.delenv(place.variable, raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return path


def put(home, where, name):
    path = home / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(database(DATABASES[name]()) if name in DATABASES else SEEDS[name]())
    return path


def test_every_tool_is_found_and_its_files_are_recognised(home):
    for where, name in FILES:
        assert detected(put(home, where, name)).name == name
    found = dict(own_files())
    assert set(found) == {place.tool for place in PLACES}
    assert sorted(file.path for files in found.values() for file in files) == sorted(home / where for where, _ in FILES)


def test_each_tool_is_counted_and_what_cannot_be_read_is_said_with_its_reason(run, empty_store, home):
    put(home, ".local/share/opencode/opencode.db", "opencode")
    put(home, ".local/share/goose/sessions/sessions.db", "goose")
    broken = put(home, ".claude/projects/p/s.jsonl", "claude-code")
    broken.write_bytes(b"\x00\x01")
    (home / ".cursor").mkdir()
    ran = run("load", "--mine", "--db", empty_store)
    assert ran.exit_code == 0
    lines = ran.out.splitlines()
    assert "OpenCode: 1 file, 3 calls" in lines and "Goose: 1 file, 1 call" in lines
    assert "Claude Code: 1 file, 0 calls, 1 not loaded" in lines
    assert "Cursor is on this machine and is not read: its own database holds no counts" in ran.err
    again = run("load", "--mine", "--json", "--db", empty_store).json
    assert again["mine"]["OpenCode"] == {"files": 1, "calls": 3, "not_loaded": 0}
    assert list(again["unreadable"]) == ["Cursor"]


def test_a_machine_without_any_tool_is_told_what_was_looked_for(run, empty_store, home):
    ran = run("load", "--mine", "--db", empty_store)
    assert ran.exit_code == 0
    assert "No files were found of Claude Code, Codex, OpenCode" in ran.err


def test_a_folder_that_a_variable_names_is_looked_at_instead(home, tmp_path, monkeypatch):
    put(home, ".claude/projects/p/s.jsonl", "claude-code")
    other = put(tmp_path / "other", "projects/p/o.jsonl", "claude-code")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    store = put(tmp_path / "data", "opencode/opencode.db", "opencode")
    found = {tool: [file.path for file in files] for tool, files in own_files()}
    assert found == {"Claude Code": [other], "OpenCode": [store]}


@pytest.mark.parametrize(
    ("where", "model", "tool"),
    [
        (".qwen/tmp/p/chats/session-1.json", None, "qwen-code"),
        ("copy/session-1.json", "qwen3-coder-plus", "qwen-code"),
        (".gemini/tmp/p/chats/session-1.json", None, "gemini-cli"),
    ],
)
def test_what_qwen_code_wrote_in_the_form_of_gemini_cli_is_named_qwen_code(home, run, empty_store, where, model, tool):
    path = put(home, where, "gemini-cli")
    if model:
        path.write_text(re.sub(r"gemini-[0-9.]+-\w+", model, path.read_text()))
    assert run("load", path, "--db", empty_store).exit_code == 0
    query = "SELECT DISTINCT tool, llm_model FROM executions WHERE tool IS NOT NULL"
    rows = run("sql", query, "--json", "--db", empty_store).json
    assert {row["tool"] for row in rows} == {tool} and (model is None or {row["llm_model"] for row in rows} == {model})
    said = run("sql", "SELECT metadata_json FROM stg_tasks", "--json", "--db", empty_store).out
    assert f'\\"sources\\":[\\"{tool}\\"]' in said
