"""Streams that take nothing: the answer that gets lost is one line and exit code 1, and an interrupt ends with 130."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asp_analysis.cli import main
from tests.killing import FORKS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a shell and a pseudo-terminal are needed"),
]

PRINTING = (
    "models",
    "models --csv",
    "sql 'SELECT repeat(task_id, 1000) FROM executions' --csv",
    "sql 'FROM executions' --json",
    "estimate --size 18",
    "estimate --size 18 --json",
    "backtest",
    "learning",
    "quality",
    "complexity",
    "status",
    "rejects",
    "load RUNS",
    "backup",
    "export",
    "dashboard",
)
ALSO = ("--help", "--version", "sql --help", "views", "views --json")
"""These need no store."""


@pytest.fixture
def words_of(sample_store, tmp_path):
    """Return the words of a command line, with a store of its own and a table to load."""
    store, runs = tmp_path / "store.db", tmp_path / "runs.csv"
    store.write_bytes(sample_store.path.read_bytes())
    runs.write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n")

    def split(line: str) -> list[str]:
        return [str({"STORE": store, "RUNS": runs}.get(word, word)) for word in shlex.split(line)]

    return split


def answer(words, is_closed, errors):
    """Run a command line whose stdout is closed or takes nothing."""
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
    if is_closed:
        os.close(1)
        sys.stdout = sys.__stdout__ = None
    else:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", closefd=False, buffering=1)  # noqa: SIM115
    sys.argv = ["asp-analysis", *words]
    main()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is needed")
@pytest.mark.parametrize("is_closed", [False, True], ids=["full", "closed"])
@pytest.mark.parametrize("line", [*(f"{line} --db STORE" for line in PRINTING), *ALSO])
def test_an_answer_that_gets_lost_is_one_line_and_a_failure(words_of, tmp_path, line, is_closed):
    process = FORKS.Process(target=answer, args=(words_of(line), is_closed, tmp_path / "errors"))
    process.start()
    process.join(120)
    said = (tmp_path / "errors").read_text()
    assert process.exitcode == 1 and "Traceback" not in said and "Exception ignored" not in said
    reason = "it is closed" if is_closed else "No space left on device"
    assert [one for one in said.splitlines() if one.startswith("Error: ")] == [
        f"Error: The answer could not be written to standard output: {reason}. "
        "What the command stored is kept. Send the answer to a terminal, a pipe or a file with room."
    ]


@pytest.fixture
def shell(empty_store, tmp_path):
    """Run a command line of the workbench with redirections, in a shell."""
    runs = tmp_path / "runs.csv"
    runs.write_text("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n")

    def call(words: str, redirection: str, store: Path = empty_store.path) -> subprocess.CompletedProcess[str]:
        said = words.replace("STORE", shlex.quote(str(store))).replace("RUNS", shlex.quote(str(runs)))
        line = f"{shlex.quote(sys.executable)} -m asp_analysis {said} {redirection}"
        return subprocess.run(line, shell=True, capture_output=True, text=True, check=False)

    return call


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_remarks_that_nobody_can_read_stop_no_work(shell, redirection):
    assert shell("load RUNS --db STORE", redirection).returncode == 0
    assert shell("sql 'SELECT count(*) AS n FROM executions' --csv --db STORE", redirection).stdout == "n\n1\n"
    assert shell("sql 'SELECT nothing' --db STORE", redirection).returncode == 1
    assert shell("nosuch", redirection).returncode == 2


def test_what_needs_no_answer_works_with_every_stream_closed(shell, tmp_path):
    assert shell("init --db STORE", "<&- >&- 2>&-", tmp_path / "new.db").returncode == 0
    assert (tmp_path / "new.db").read_bytes().startswith(b"SQLite format 3")


def test_a_reader_that_has_seen_enough_hears_no_complaint(shell, sample_store):
    ran = shell("sql 'FROM executions' --csv --db STORE", "| head -1", sample_store.path)
    assert ran.stdout.startswith("execution_id,") and not ran.stderr


def test_an_interrupt_ends_with_130_and_one_line(sample_store):
    import pty

    endless = "SELECT sum(a.i * b.i) AS x FROM range(100000000) AS a(i), range(100000000) AS b(i)"
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "asp_analysis", "sql", endless, "--db", str(sample_store.path)],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(slave)
    while not used_cpu(process.pid) > 2.0:  # it has begun to count
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == 130
    assert err.decode().strip().splitlines() == [
        "Error: interrupted. Nothing of the work at hand was kept; run it again."
    ]


def used_cpu(pid):
    """Return the CPU seconds that a process used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
