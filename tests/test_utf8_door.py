"""Words, folders and addresses that are not UTF-8 are refused once, at the door, in one line."""

import os
import subprocess
import sys

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import ConfigError

BAD = b"\xff"


def start(words, **options):
    command = [os.fsencode(sys.executable), b"-m", b"asp_analysis", *words]
    return subprocess.run(command, capture_output=True, **options)


@pytest.mark.parametrize(
    "words",
    [
        (b"sql", b"SELECT '" + BAD + b"'"),
        (b"sql", b"SELECT $x", b"--param", b"x=" + BAD),
        (b"load", BAD + b".csv"),
        (b"export", b"--out", BAD),
        (b"dashboard", BAD + b".html"),
        (b"init", b"--db", BAD + b".db"),
        (b"backup", b"--db", BAD),
        (BAD,),
    ],
)
def test_an_argument_is_refused_with_its_bytes(words, sample_store, tmp_path):
    environment = {**os.environ, "DATABASE_URL": sample_store.text}
    done = start(words, cwd=tmp_path, env=environment)
    assert done.returncode == 1 and not done.stdout and list(tmp_path.iterdir()) == []
    assert done.stderr.startswith(b"Error: An argument is not UTF-8: ") and done.stderr.count(b"\n") == 1
    assert rb"\xff" in done.stderr and BAD not in done.stderr


@pytest.mark.parametrize("words", [(b"init",), (b"sql", b"SELECT 1"), (b"export",), (b"dashboard",)])
def test_the_current_folder_is_refused(words, tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), BAD)  # noqa: PTH118 - pathlib has no bytes
    os.mkdir(folder)  # noqa: PTH102
    done = start(words, cwd=folder)
    assert done.returncode == 1 and done.stderr.startswith(b"Error: The path of the current folder is not UTF-8: ")
    assert done.stderr.count(b"\n") == 1 and not any(os.scandir(folder))


def test_a_folder_that_is_gone_is_one_line(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); from asp_analysis.cli import main; sys.argv[1:] = ['init']; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=gone, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("Error: The current folder does not exist any more.")


def test_an_address_of_the_environment_is_refused(tmp_path):
    done = start((b"sql", b"SELECT 1"), cwd=tmp_path, env={**os.environb, b"DATABASE_URL": b"sqlite:///" + BAD})
    assert done.returncode == 1 and done.stderr.startswith(b"Error: DATABASE_URL is not UTF-8: ")


def test_an_address_in_python_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"The path of the store is not UTF-8: .*\\xff\.db"):
        parse_url("\udcff.db", tmp_path)
