"""The README's tour runs word for word, and what it names exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.session import connect
from asp_analysis.store import create_store

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
        if line == "asp-analysis estimate --size 18":
            shown = re.search(r"^cost_usd .*", README, re.MULTILINE)[0]
            assert shown.split() in [printed.split() for printed in ran.stdout.splitlines()]


def example(number):
    return re.findall(r"<!-- tested:.*?-->\n```python\n(.*?)```", README, re.DOTALL)[number]


def stored_by(code, tmp_path):
    """Run code in a process of its own beside an empty store, and give what it stored."""
    url = parse_url("asp.db", tmp_path)
    create_store(url)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "DATABASE_URL": url.text, "PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
    with connect(url) as session:
        return session.sql("SELECT task_id, agent_role, tokens_in, cost_usd FROM executions").values.tolist()


def test_the_example_of_recording_ones_own_agents_runs_word_for_word(tmp_path):
    assert stored_by(example(0), tmp_path) == [["ABC-2", "CodeReview", 1200, 0.012]]
    with connect(parse_url("asp.db", tmp_path)) as session:
        assert session.sql("SELECT description FROM stg_defects")["description"].tolist() == [
            "the amount is not checked"
        ]


def test_the_line_for_opentelemetry_runs_word_for_word(tmp_path):
    pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed (extra `otel`)")
    before = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
"""
    after = """
attributes = {"gen_ai.usage.input_tokens": 5, "gen_ai.conversation.id": "C", "gen_ai.usage.cost": 0.5}
provider.get_tracer("test").start_span("chat", attributes=attributes).end()
"""
    assert stored_by(before + example(1) + after, tmp_path) == [["C", "Code", 5, 0.5]]


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
        assert re.split(r"[=><\[]", requirement)[0] in table, requirement


def test_make_lists_its_targets_in_one_column():
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    starts = {re.match(r"[a-z-]+ +", line).end() for line in listed}
    assert len(listed) > 10 and len(starts) == 1
