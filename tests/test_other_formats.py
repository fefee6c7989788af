"""A package outside the workbench adds formats through entry points; a broken one is one clear line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).parent / "other_format"
OFFLINE = ("pip", "install", "--offline", "--no-deps", "--no-build-isolation")
OPENED = """
import sys
seen = []
sys.addaudithook(lambda name, args: seen.append(args[0]) if name == "open" else None)
from asp_analysis.cli import main
path = sys.argv[2]
try:
    main()
finally:
    print("opened", sum(str(one) == path for one in seen), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder in which the example package is installed."""
    target = tmp_path_factory.mktemp("installed")
    uv = Path(sys.executable).with_name("uv")
    made = subprocess.run(
        [uv, *OFFLINE, "--python", sys.executable, "--target", str(target), str(PACKAGE)],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return target


def ran_with(folder, *words):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(Path.cwd())))}
    return subprocess.run(
        [sys.executable, "-m", "asp_analysis", *map(str, words)], capture_output=True, text=True, env=environment
    )


def test_formats_of_another_package_are_loaded_by_their_content(installed, empty_store, tmp_path):
    calls = [
        {"agent": "example", "run": "R-1", "id": f"c{n}", "time": f"2026-01-02T03:04:0{n}Z", "in": 10, "out": n}
        for n in range(3)
    ]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "run.log").write_text("".join(json.dumps(call) + "\n" for call in calls))
    (tmp_path / "files" / "may.report").write_text("EXAMPLE REPORT\nT-1 Code 1.5\nT-2 Code x\n")
    ran = ran_with(installed, "load", tmp_path / "files", "--db", empty_store.text, "--json")
    assert ran.returncode == 0, ran.stderr
    found = {Path(file["file"]).name: (file["written"], file["rejected"]) for file in json.loads(ran.stdout)["files"]}
    assert found == {"run.log": (4, 0), "may.report": (1, 1)}  # three calls and their task
    query = "SELECT task_id, sum(cost_usd) AS usd, sum(tokens_in) AS tokens FROM executions GROUP BY ALL ORDER BY ALL"
    ran = ran_with(installed, "sql", query, "--json", "--db", empty_store.text)
    assert json.loads(ran.stdout) == [
        {"task_id": "R-1", "usd": None, "tokens": 30},
        {"task_id": "T-1", "usd": 1.5, "tokens": None},
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:FORMAT", "cannot be loaded: ModuleNotFoundError"),
        ("json:dumps", "a TranscriptFormat or a TableFormat"),
        ("asp_analysis.importers.formats.csv_file:FORMAT", "calls itself 'csv', as another format does"),
    ],
)
def test_a_broken_format_of_another_package_is_one_line(empty_store, tmp_path, value, said):
    about = tmp_path / "broken_formats-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-formats\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[asp_analysis.formats]\nmine = {value}\n")
    path = tmp_path / "runs.csv"
    path.write_text("executed_at,agent_role,cost_usd\n2026-01-02,Code,1\n")
    ran = ran_with(tmp_path, "load", path, "--db", empty_store.text)
    assert ran.returncode == 1 and ran.stderr.count("\n") == 1, ran.stderr
    assert said in ran.stderr and "'mine' of the package broken-formats" in ran.stderr


@pytest.mark.parametrize("name", ["runs.csv", "runs.jsonl"])
def test_a_table_is_opened_once_for_its_hash_its_format_and_its_records(empty_store, tmp_path, name):
    path = tmp_path / name
    record = {"executed_at": "2026-01-02", "agent_role": "Code", "cost_usd": "1"}
    lines = {"runs.csv": [",".join(record), ",".join(record.values())], "runs.jsonl": [json.dumps(record)]}
    path.write_text("".join(line + "\n" for line in lines[name]))
    ran = subprocess.run(
        [sys.executable, "-c", OPENED, "load", str(path), "--db", empty_store.text], capture_output=True, text=True
    )
    assert "written" in ran.stdout and "opened 1\n" in ran.stderr, ran.stderr
