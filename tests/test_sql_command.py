"""`sql` from the command line, a file, a pipe and a prompt; what it prints is alike in text, CSV and JSON."""

import io
import os
import re
import select
import sys
import time

import pytest

from asp_analysis.cli.prompt import is_whole, suggest

INSTANT = "TIMESTAMP '2026-01-31 08:00:00'"
VIEWS = {"executions": ["execution_id", "cost_usd"], "tasks": ["task_id", "cost_usd", "size"]}


@pytest.fixture
def pipe(monkeypatch):
    """Put bytes on standard input."""

    def put(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), "utf-8"))

    return put


def test_a_file_may_hold_several_queries(run, empty_store, tmp_path):
    path = tmp_path / "queries.sql"
    path.write_text("\ufeffSELECT 'a;b' AS one; -- not ; this\nSELECT $x AS two;\n")
    ran = run("sql", "-f", path, "--param", "x=9", "--db", empty_store)
    assert ran.exit_code == 0 and ran.out.split() == ["one", "─" * 3, "a;b", "two", "─" * 3, "9"]


def test_standard_input_may_hold_a_query(run, empty_store, pipe):
    pipe(b"SELECT 'caf\xc3\xa9' AS word;")
    assert run("sql", "-", "--json", "--db", empty_store).json == [{"word": "café"}]


@pytest.mark.parametrize(
    ("words", "content", "said"),
    [
        (("-",), b"\xff\xfe", "standard input cannot be read: it is not UTF-8."),
        (("-",), b"", "There is no query. Write a SELECT."),
        (("-f", "/nonexistent.sql"), b"", "/nonexistent.sql cannot be read: No such file or directory."),
        (("-f", "/"), b"", "/ cannot be read: Is a directory."),
        ((), b"SELECT 1", "There is no query. Give one, a file of them with -f FILE, or - for standard input."),
        (("SELECT 1", "-f", "x"), b"", "A query and --file were both given."),
        (("SELECT 1; SELECT 2", "--csv"), b"", "--csv prints one answer, 2 queries were found."),
        (("SELECT 1; DROP VIEW executions",), b"", "A query can only read, and this is DROP."),
    ],
)
def test_what_cannot_be_run_is_one_error(run, empty_store, pipe, words, content, said):
    pipe(content)
    ran = run("sql", *words, "--db", empty_store)
    assert ran.exit_code in {1, 2} and said in ran.err and "Traceback" not in ran.err


def test_a_plan_is_drawn_on_several_lines(run, sample_store):
    assert len(run("sql", "EXPLAIN FROM executions", "--db", sample_store).out.splitlines()) > 5


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (INSTANT, "2026-01-31T08:00:00Z"),
        ("TIMESTAMP '2026-01-31 08:00:00.25'", "2026-01-31T08:00:00.250000Z"),
        ("TIMESTAMP '2026-01-31'", "2026-01-31T00:00:00Z"),
        ("TIMESTAMPTZ '2026-01-31 08:00:00+02'", "2026-01-31T06:00:00Z"),
        ("DATE '2026-01-31'", "2026-01-31"),
    ],
)
def test_an_instant_is_written_alike_in_text_csv_and_json(run, empty_store, expression, said):
    query = f"SELECT unnest([{expression}, NULL]) AS x"
    assert run("sql", query, "--db", empty_store).out.split()[-1] == said
    assert run("sql", query, "--csv", "--db", empty_store).out == f'x\n{said}\n""\n'
    assert run("sql", query, "--json", "--db", empty_store).json == [{"x": said}, {"x": None}]


@pytest.mark.parametrize(
    ("expression", "csv", "json"),
    [
        ("[1, NULL]", '"[1, null]"', [1, None]),
        (f"{{'a': {INSTANT}}}", '"{""a"": ""2026-01-31T08:00:00Z""}"', {"a": "2026-01-31T08:00:00Z"}),
        ("'\\x00\\xFF'::BLOB", "00ff", "00ff"),
        ("'ab'::BLOB", "6162", "6162"),
        ("'nan'::DOUBLE", '""', None),
        ("'inf'::DOUBLE", "inf", None),
        ("UUID '00000000-0000-0000-0000-0000000000ff'", *["00000000-0000-0000-0000-0000000000ff"] * 2),
        ("0.1::DOUBLE + 0.7::DOUBLE", "0.7999999999999999", 0.7999999999999999),
    ],
)
def test_a_value_of_any_type_can_be_printed(run, empty_store, expression, csv, json):
    query = f"SELECT {expression} AS x"
    assert run("sql", query, "--db", empty_store).exit_code == 0
    assert run("sql", query, "--csv", "--db", empty_store).out == f"x\n{csv}\n"
    assert run("sql", query, "--json", "--db", empty_store).json == [{"x": json}]


def test_an_answer_without_columns_or_with_two_of_one_name_can_be_printed(run, empty_store):
    for output in ((), ("--csv",), ("--json",)):
        for query in ("SELECT 1 AS n, 2 AS n", "SELECT * FROM role_costs AS a, role_costs AS b"):
            assert run("sql", query, *output, "--db", empty_store).exit_code == 0


# --- the prompt -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "wanted", "unwanted"),
    [
        ("SELECT co", ["cost_usd"], ["task_id"]),
        ("SELECT * FROM ex", ["executions"], ["execution_id"]),
        ("FROM tasks WHERE s", ["size"], ["executions"]),
        ("FROM executions WHERE t", ["tasks"], ["task_id"]),
        ("describe t", ["tasks"], ["task_id"]),
        ("sel", ["SELECT"], ["size"]),
    ],
)
def test_views_and_columns_are_suggested_where_they_fit(before, wanted, unwanted):
    found = suggest(before, VIEWS)
    assert set(wanted) <= set(found) and not set(unwanted) & set(found)


def test_a_query_is_whole_with_a_semicolon_or_an_empty_line():
    assert all(map(is_whole, ["SELECT 1;", "SELECT 1; ", "SELECT 1\n", "exit", "help", ""]))
    assert not any(map(is_whole, ["SELECT 1", "SELECT 1\nFROM x", "exits"]))


READY = r"\?2004h.*sql>"
"""A terminal that takes what is typed, and the prompt on it."""


class Typist:
    """A person at a pseudo-terminal with a prompt."""

    def __init__(self, store):
        import fcntl
        import pty
        import subprocess
        import termios

        self.master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "100"}
        command = [sys.executable, "-m", "asp_analysis", "sql", "--db", str(store.path)]
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.seen = ""

    def type_until(self, text, wanted):
        """Type a text and read until something is on the screen; one that waits in vain ends after half a minute."""
        os.write(self.master, text.encode())
        begun, deadline = len(self.seen), time.monotonic() + 30
        while not re.search(wanted, self.seen[begun:], re.DOTALL):
            assert select.select([self.master], [], [], deadline - time.monotonic())[0], self.seen[begun:]
            self.seen += os.read(self.master, 65536).decode()
        return self.seen[begun:]

    def leave(self, text):
        os.write(self.master, text.encode())
        try:
            while part := os.read(self.master, 65536):
                self.seen += part.decode()
        except OSError:
            pass  # this is how Linux ends a terminal that nobody writes to
        os.close(self.master)
        return self.process.wait(60)


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
def test_a_terminal_gets_a_prompt_that_completes_answers_and_remembers(sample_store, tmp_path):
    store = type(sample_store)(f"sqlite:///{tmp_path}/own.db", tmp_path / "own.db")
    store.path.write_bytes(sample_store.path.read_bytes())
    typist = Typist(store)
    typist.type_until("", READY)
    typist.type_until("SELECT count(*) AS n\r", r"\.\.\.>")
    typist.type_until("FROM executio\t", "ns")
    typist.type_until(";\r", "385.*" + READY)
    typist.type_until("SELECT nothing;\r", "Error: Binder Error.*" + READY)
    typist.type_until("DROP VIEW executions;\r", "Error: A query can only read.*" + READY)
    typist.type_until("SELECT sum(a.i * b.i) FROM range(100000000) a(i), range(100000000) b(i);\r", r"\?2004l")
    time.sleep(1)
    typist.type_until("\x03", r"Stopped\..*" + READY)
    typist.type_until("SELECT 40 + 2 AS answer;\r", "42.*" + READY)
    assert typist.leave("\x04") == 0 and "Traceback" not in typist.seen
    history = tmp_path / "sql_history"
    assert "+FROM executions;" in history.read_text() and history.stat().st_mode & 0o077 == 0
    again = Typist(store)
    again.type_until("", READY)
    again.type_until("\x1b[A", "answer")
    again.type_until("\r", "42.*" + READY)
    assert again.leave("exit\r") == 0
