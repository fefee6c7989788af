"""Long work says how far it is, on a terminal and nowhere else."""

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asp_analysis.cli import progress
from asp_analysis.progress import Step, is_heard, listening, tell
from benchmarks.stores import write_execution_lines

ROOT = Path(__file__).parents[1]
BY_HAND = """
import sys
from asp_analysis.cli import progress
progress.DELAY_S = 0.0
from asp_analysis.cli import main
sys.argv[:] = ["asp-analysis", *sys.argv[1:]]
main()
"""
"""The command line of somebody who waits from the first moment, so that small stores will do."""


def run_with(stderr, *words):
    command = [sys.executable, "-c", BY_HAND, *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, cwd=ROOT, env={**os.environ, "COLUMNS": "120"}
    )


def on_terminal(*words):
    """Run a verb with stderr on a terminal of its own; return what that shows, and what went to stdout."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    process = run_with(slave, *words)
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 65_536):
            shown += part
    except OSError:
        pass  # this is how Linux ends a terminal that nobody writes to
    os.close(master)
    answer = process.communicate()[0].decode()
    assert process.returncode == 0, shown.decode()
    return shown.decode(), answer


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    file = tmp_path_factory.mktemp("lines") / "lines.jsonl"
    write_execution_lines(file, 30_000)
    return file


@pytest.fixture
def own_store(sample_store, tmp_path):
    """A copy of the sample: what is loaded here concerns no other test."""
    return shutil.copy(sample_store.path, tmp_path / "own.db")


@pytest.mark.slow
def test_verbs_say_how_far_they_are(own_store, lines, tmp_path):
    store = ("--db", own_store)
    shown, answer = on_terminal("load", lines, "--as", "executions", *store)
    assert "lines.jsonl" in shown and "records" in shown and "/s" in shown
    assert answer.startswith(f"{lines}: read 30000") and "records" not in answer
    shown, _ = on_terminal("backtest", *store)
    assert "forecasting" in shown
    shown, answer = on_terminal("export", "--out", tmp_path / "out", *store)
    assert "rows" in shown and "agent_cost_vector" in answer


def test_a_backup_says_how_far_the_copy_is(run, own_store):
    steps = []
    with listening(steps.append):
        assert run("backup", "--db", own_store).exit_code == 0
    assert [step.part for step in steps] and {step.part for step in steps} == {"copying", "checking the copy"}


@pytest.mark.slow
def test_a_pipe_gets_nothing(own_store, lines):
    process = run_with(subprocess.PIPE, "load", lines, "--as", "executions", "--db", own_store)
    answer, notes = process.communicate()
    assert process.returncode == 0 and b"read 30000" in answer
    assert b"records" not in notes.replace(b"Rejected records", b"") and b"\x1b" not in notes


class Terminal(io.StringIO):
    def isatty(self):
        return True


def make_terminal(monkeypatch):
    """Let stderr be a terminal from here on: pytest sets its own before each phase of a test."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    return shown


def test_work_that_ends_within_a_second_shows_nothing(monkeypatch):
    terminal = make_terminal(monkeypatch)
    assert progress.DELAY_S >= 1
    monkeypatch.setattr(progress, "DELAY_S", 3_600)
    with progress.show_progress("working"):
        tell(Step(part="rows", done=1, total=2))
        time.sleep(3 * progress._EVERY_S)
    assert terminal.getvalue() == ""
    assert not is_heard()


def test_what_is_printed_meanwhile_stands_on_lines_of_its_own(monkeypatch):
    terminal = make_terminal(monkeypatch)
    monkeypatch.setattr(progress, "DELAY_S", 0.0)
    with progress.show_progress("working") as shown:
        tell(Step(part="a/[b].csv", done=1_000, total=2_000, unit="records"))
        deadline = time.monotonic() + 20
        while "1,000 of 2,000 records" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.05)
        with shown.paused():
            before = terminal.getvalue()
            terminal.write("an answer\n")
    assert "a/[b].csv" in before and "left" in before
    assert before.endswith(("\x1b[2K", "\x1b[?25h"))  # the line of the bar is cleared


def test_work_that_fails_ends_the_bars_and_goes_on_failing(monkeypatch):
    make_terminal(monkeypatch)
    monkeypatch.setattr(progress, "DELAY_S", 0.0)
    with pytest.raises(ValueError, match="no"), progress.show_progress("working"):
        raise ValueError("no")
    assert not is_heard()


def test_who_does_not_listen_hears_nothing():
    heard = []
    tell(Step(part="rows"))
    with listening(heard.append):
        tell(Step(part="rows", done=2))
    tell(Step(part="rows", done=3))
    assert [step.done for step in heard] == [2]
