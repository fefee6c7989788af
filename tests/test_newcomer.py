"""What a newcomer does wrong ends in a message that says what to do next."""

import io

import pytest

HEADER = "timestamp,task_id,agent_role,cost_usd\n"


def loaded(run, empty_store, tmp_path, content, name="runs.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return run("load", file, "--db", empty_store)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "timestamp;task_id;agent_role;cost_usd\n2026-01-02;T-1;Code;1,25\n",
            "'1,25' has a decimal comma; load with --decimal ,",
        ),
        (HEADER + "31.12.2025,T-1,Code,1\n", "say its form: --time-format '%d.%m.%Y'\n"),
        (HEADER.encode() + b"2026-01-02,T-\xf6,Code,1\n", "Save the file as UTF-8"),
        (b"PK\x03\x04rest of a workbook", "Save its sheet as CSV UTF-8"),
    ],
)
def test_what_spreadsheets_write_otherwise_is_answered_with_what_to_do(run, empty_store, tmp_path, content, said):
    assert said in loaded(run, empty_store, tmp_path, content).err


def test_a_load_says_at_once_what_is_wrong_with_each_column(run, empty_store, tmp_path):
    content = HEADER + "2026-01-02,T-1,,1\n2026-01-02,T-2,Code,-1\n"
    said = loaded(run, empty_store, tmp_path, content).err
    assert "line 2: agent_role: is missing or empty; every record has one\n" in said
    assert "line 3: cost_usd: '-1' is not a number from 0 to 1e15\n" in said


@pytest.mark.parametrize(
    ("size", "hint"),
    [("2.5", "'2.5' is not a whole number of at least 0; round it\n"), ("big", "'big' is not a number")],
)
def test_a_size_that_is_no_whole_number_is_to_be_rounded(run, empty_store, tmp_path, size, hint):
    content = f"task_id,created_at,estimated_complexity\nT-1,2026-01-02,{size}\n"
    assert hint in loaded(run, empty_store, tmp_path, content).err


def test_one_task_and_one_load_are_no_plural(run, empty_store, tmp_path):
    out = loaded(run, empty_store, tmp_path, HEADER + "2026-01-02,T-1,Code,1\n").out
    assert "; 1 new task, no details yet" in out
    assert "1 record by 1 load." in run("status", "--db", empty_store).err


def test_an_empty_folder_is_named(run, empty_store, tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    assert f"No files were found in {folder}" in run("load", folder, "--db", empty_store).err


def test_who_uses_one_coding_agent_may_name_both(run, empty_store, tmp_path, monkeypatch):
    (tmp_path / "claude" / "projects").mkdir(parents=True)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "none"))
    ran = run("load", "--claude-code", "--codex", "--db", empty_store)
    assert ran.exit_code == 0 and "Set CODEX_HOME" in ran.err


def test_none_of_the_coding_agents_is_an_error_that_names_both(run, empty_store, tmp_path, monkeypatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "none"))
    ran = run("load", "--claude-code", "--codex", "--db", empty_store)
    assert ran.exit_code == 1 and "CLAUDE_CONFIG_DIR" in ran.err and "CODEX_HOME" in ran.err


@pytest.mark.parametrize("address", ["postgres//me:pw@host/asp", "postgresql:/me:pw@host/asp", "sqlite:data/asp.db"])
def test_a_mistyped_address_is_no_path_of_a_file(run, address):
    ran = run("status", "--db", address)
    assert ran.exit_code == 1 and "is not the address of a store" in ran.err and "pw" not in ran.err


def test_a_question_that_is_not_answered_names_the_option_that_answers_it(run, sample_store, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "--yes" in run("init", "--reset", "--db", sample_store).err


def test_large_counts_are_grouped_and_years_are_not(run, sample_store):
    out = run("sql", "SELECT 1234567 AS n, 2026 AS y", "--db", sample_store).out
    assert "1,234,567" in out and "2026" in out
