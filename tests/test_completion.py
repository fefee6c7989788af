"""The Tab key completes verbs, options and choices, after `completion` has installed it."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "completions/asp-analysis"), ("zsh", "_asp-analysis"), ("fish", "asp-analysis.fish")]
)
def test_the_script_is_put_where_the_shell_looks(run, tmp_path, monkeypatch, shell, file):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    assert run("completion").exit_code == 0
    (written,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert str(written).endswith(file) and "_ASP_ANALYSIS_COMPLETE" in written.read_text()
    assert run("completion", shell, "--print").out.strip() == written.read_text().strip()


def test_a_shell_that_is_not_known_is_wrong_usage(run, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    ran = run("completion")
    assert ran.exit_code == 2 and "Name one: bash, zsh, fish." in ran.err


def test_a_folder_that_takes_no_file_is_one_line(run, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/proc/nothing")
    ran = run("completion", "bash")
    assert ran.exit_code == 1 and len(ran.err.splitlines()) == 1 and ran.err.startswith("Error: /proc/nothing")


@pytest.mark.parametrize(
    ("typed", "offered"), [("mod", "models"), ("quality --ta", "--table"), ("quality --table yie", "yields")]
)
def test_tab_offers_what_fits(typed, offered):
    words = f"asp-analysis {typed}"
    environment = os.environ | {
        "_ASP_ANALYSIS_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-c", "from asp_analysis.cli import main; main()"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"plain,{offered}" in ran.stdout
