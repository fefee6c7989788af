"""The README's tour runs word for word, and what it names exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def tour():
    return re.search(r"<!-- tested:.*?-->\n```sh\n(.*?)```", README, re.DOTALL)[1]


def test_the_tour_runs_word_for_word(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/asp.db"}
    for line in tour().splitlines():
        ran = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{line}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
        if "WHERE task_id = 'ABC-1'" in line:
            assert "1.25" in ran.stdout


def test_every_picture_and_file_that_is_linked_exists():
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / name).exists(), name


def test_the_notebooks_of_the_readme_are_those_in_the_folder():
    listed = set(re.findall(r"^\| `(\d\d-[\w-]+)` ", README, re.MULTILINE))
    assert listed == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_every_dependency_is_named_with_its_reason():
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    table = README.split("## What it stands on")[1]
    for requirement in wanted:
        assert re.split(r"[=><]", requirement)[0] in table, requirement
