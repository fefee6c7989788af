"""A password that was typed in an address shows up nowhere: not among the processes, not in a message."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asp_analysis.cli.passwords import without_passwords

SECRET = "Harbour-Gate%2F7"


@pytest.fixture
def silent_server():
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc here")
@pytest.mark.parametrize("words", [["migrate", "{}"], ["sql", "SELECT 1", "--db", "{}"], ["init", "--db={}"]])
def test_the_list_of_processes_does_not_show_it(words, silent_server):
    url = f"postgresql://asp:{SECRET}@127.0.0.1:{silent_server}/asp"
    command = [sys.executable, "-m", "asp_analysis", *(word.format(url) for word in words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shown, hidden = Path(f"/proc/{process.pid}/cmdline"), ""
    try:
        while process.poll() is None and "***" not in hidden:
            hidden = shown.read_bytes().decode()
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
    assert "postgresql://asp:***@127.0.0.1" in hidden and words[0] in hidden and SECRET not in hidden


def test_a_command_without_one_keeps_its_title(run, sample_store, monkeypatch):
    monkeypatch.setitem(sys.modules, "setproctitle", None)  # importing it would fail
    assert run("sql", "SELECT 1 AS one", "--db", sample_store).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["migrate", "postgresql://u:{}@h/db", "too", "many"],
        ["sql", "SELECT 1", "--db", "postgresql://u:{}@127.0.0.1:1/db"],
        ["migrate", "postgresql://u@127.0.0.1:1/db?password={}", "--from", "postgresql://u:{}@h/db"],
        ["migrate", "mysql://u:{}@h/db"],
        ["nosuch://u:{}@h/db"],
    ],
)
def test_no_message_shows_it(run, words):
    ran = run(*(word.format(SECRET) for word in words))
    assert ran.exit_code in (1, 2) and SECRET not in ran.err + ran.out


def test_whoever_types_one_is_told_who_saw_it():
    words = ["sql", "SELECT 1", "--db", f"postgresql://u:{SECRET}@127.0.0.1:1/db"]
    ran = subprocess.run([sys.executable, "-m", "asp_analysis", *words], capture_output=True, text=True, check=False)
    told, refusal = ran.stderr.splitlines()
    assert told.startswith("The password in the address was visible") and "--password-file FILE" in told
    assert refusal.startswith("Error: Cannot read the store")


@pytest.fixture
def asked(monkeypatch):
    """What libpq was given in the environment when a store on a server was opened."""
    seen = []
    monkeypatch.setenv("PGPASSWORD", "")
    monkeypatch.setattr("asp_analysis.session.readers.attached", lambda url: seen.append(os.environ["PGPASSWORD"]))
    return seen


def test_a_password_comes_from_a_file(run, tmp_path, asked):
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    with pytest.raises(AttributeError):  # what was asked for is known, and there is no server behind it
        run("sql", "SELECT 1", "--password-file", path, "--db", "postgresql://u@127.0.0.1:1/db")
    assert asked == [SECRET]


def test_a_password_can_be_typed_at_a_prompt(run, asked, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream=None: SECRET)
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda prompt: SECRET)
    with pytest.raises(AttributeError):
        run("sql", "SELECT 1", "--password-file", "-", "--db", "postgresql://u@127.0.0.1:1/db")
    assert asked == [SECRET]


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"x\n", 0o644, "Others may read the password"),
        (b"", 0o600, "does not hold one line"),
        (b"a\nb\n", 0o600, "does not hold one line"),
        (b"\xff", 0o600, "is not UTF-8"),
        (None, 0o600, "cannot be read: No such file"),
    ],
)
def test_a_file_that_holds_no_password_of_ones_own_is_refused(run, tmp_path, content, mode, said):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    assert said in run("migrate", "postgresql://u@h/db", "--password-file", path).refusal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--db=postgresql://u:p@h/d", "--db=postgresql://u:***@h/d"),
        ("postgresql://u:p@ss@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d?password=p&sslmode=require", "postgresql://u@h/d?password=***&sslmode=require"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("https://example.org/a@b", "https://example.org/a@b"),
    ],
)
def test_what_stands_around_it_stays(text, shown):
    assert without_passwords(text) == shown
