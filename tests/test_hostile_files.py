"""A folder may hold anything: what is no regular, readable file is named and passed over; any name can be kept."""

import os
import socket
from pathlib import Path

import pytest

GOOD = "timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with one good table."""
    path = tmp_path / "telemetry"
    path.mkdir()
    (path / "runs.csv").write_text(GOOD)
    return path


def make_link(path: Path) -> None:
    path.symlink_to(path)


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(path.parent)  # the path of a socket has at most 107 bytes
        server.bind(path.name)
        os.chdir(before)


def make_unreadable(path: Path) -> None:
    path.symlink_to("/proc/self/mem")  # opens, and fails when it is read: also for root, whom permissions do not stop


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_link, "Too many levels of symbolic links"),
        (make_dangling_link, "does not exist"),
        (os.mkfifo, "is a pipe, a socket or a device"),
        (make_socket, "is a pipe, a socket or a device"),
        (lambda path: path.symlink_to("/dev/zero"), "is a pipe, a socket or a device"),
        pytest.param(
            make_unreadable,
            "cannot be read",
            marks=pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc"),
        ),
    ],
    ids=["loop", "dangling", "pipe", "socket", "device", "unreadable"],
)
def test_what_is_no_regular_file_is_named_and_the_others_are_loaded(run, empty_store, folder, make, reason):
    make(folder / "strange.csv")
    ran = run("load", folder, "--json", "--db", empty_store)
    assert (ran.exit_code, ran.json["written"]) == (0, 1)
    (entry,) = ran.json["not_loaded"]
    assert entry["file"].endswith("strange.csv") and reason in entry["reason"]
    again = run("load", folder / "strange.csv", "--db", empty_store)
    assert again.exit_code == 1 and reason in again.err and again.err.count("\n") == 1


def test_folders_that_link_to_each_other_are_walked_once(run, empty_store, folder):
    (folder / "inner").mkdir()
    (folder / "inner" / "outer").symlink_to(folder, target_is_directory=True)
    assert run("load", folder, "--json", "--db", empty_store).json["written"] == 1


@pytest.mark.parametrize(
    ("name", "shown", "stored"),
    [
        (b"a\nb.csv", "a b.csv", "a\nb.csv"),
        (b"\x1b]0;title\x07.csv", "\\x1b]0;title\\x07.csv", "\x1b]0;title\x07.csv"),
        (b"\xff\xfe.csv", "\\xff\\xfe.csv", "\\xff\\xfe.csv"),
        (b"'; DROP TABLE load_log; --.csv", "'; DROP TABLE load_log; --.csv", "'; DROP TABLE load_log; --.csv"),
        ("\u202efdp.csv".encode(), "\\u202efdp.csv", "\u202efdp.csv"),
    ],
    ids=["newline", "escape", "no utf-8", "sql", "backwards"],
)
def test_a_file_of_any_name_is_loaded_and_named_visibly(run, empty_store, tmp_path, name, shown, stored):
    (tmp_path / "in").mkdir()
    path = Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name))
    path.write_text(GOOD + "bad,,Code,1\n")
    ran = run("load", path.parent, "--db", empty_store)  # as an argument it would have to be UTF-8
    assert ran.exit_code == 0 and f"/{shown}: read 2 = 1 written" in ran.out and ran.out.count("\n") == 1
    assert run("rejects", "--json", "--db", empty_store).json[0]["file"].endswith(f"/{stored}")
    assert shown in run("rejects", "--db", empty_store).out


@pytest.mark.parametrize("name", [b"agent-\xff.jsonl", b"rollout-\xff.jsonl"])
def test_a_transcript_of_any_name_is_loaded_once(run, empty_store, tmp_path, name):
    from tests.fuzz.seeds import SEEDS

    (tmp_path / "in").mkdir()
    path = Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name))
    path.write_bytes(SEEDS["claude-code" if name.startswith(b"agent") else "codex"]())
    first = run("load", path.parent, "--json", "--db", empty_store).json
    assert first["written"] > 1 and first["rejected"] == 0
    assert run("load", path.parent, "--json", "--db", empty_store).json["transcripts"]["files_unchanged"] == 1


def test_a_message_about_a_file_of_any_name_is_one_visible_line(run, empty_store, tmp_path):
    ran = run("load", tmp_path / "\x1b]0;x\x07\nError: no.csv", "--db", empty_store)
    assert ran.exit_code == 1 and "\\x1b]0;x\\x07 Error: no.csv does not exist" in ran.err
    assert ran.err.count("\n") == 1 and ran.err[:-1].isprintable()


def test_a_file_of_the_far_future_is_loaded(run, empty_store, folder):
    os.utime(folder / "runs.csv", (2**33, 2**33))
    assert run("load", folder, "--json", "--db", empty_store).json["written"] == 1


def test_a_sub_agents_notes_may_be_anything(run, empty_store, tmp_path):
    from tests.fuzz.seeds import SEEDS

    (tmp_path / "agent-1.jsonl").write_bytes(SEEDS["claude-code"]())
    for notes in ("[1]", '{"agentType": 5}', "{" * 5_000, '{"agentType": "\\u0000"}'):
        (tmp_path / "agent-1.meta.json").write_text(notes)
        ran = run("load", tmp_path / "agent-1.jsonl", "--task-from", "project", "--json", "--db", empty_store)
        assert ran.exit_code == 0, ran.err
