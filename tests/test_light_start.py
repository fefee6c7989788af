"""The verbs that people wait for import only what they need: a heavy package would cost them a second or more."""

import json
import subprocess
import sys

import pytest

HEAVY = ("matplotlib", "sqlalchemy", "statsmodels", "IPython", "genai_prices", "psycopg")
STATISTICS = ("sklearn", "scipy.stats")
"""Not needed by what people wait for; scipy.optimize only where the types of defects are predicted."""
FRAMES = ("pandas", "numpy", "pyarrow", "pydantic", "scipy")
"""Needed only where something is computed: a listing is printed from values of Python."""
CHILD = """
import sys
from asp_analysis.cli import group
group.main(sys.argv[2:], standalone_mode=False)
print("imported:", *(name for name in sys.argv[1].split(",") if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (("estimate", "--size", "18"), (*HEAVY, *STATISTICS, "scipy.optimize")),
        (("status",), (*HEAVY, *STATISTICS, "scipy.optimize", "pydantic")),
        (("dashboard", "page.html"), (*HEAVY, *STATISTICS)),
        (("sql", "SELECT * FROM tasks"), (*HEAVY, *FRAMES)),
        (("sql", "SELECT 1.5 AS x, 2::HUGEINT AS y", "--json"), (*HEAVY, *FRAMES, "rich")),
        (("models",), (*HEAVY, *FRAMES)),
        (("loads", "--csv"), (*HEAVY, *FRAMES, "rich")),
        (("learning",), (*HEAVY, *STATISTICS)),
        (("quality",), (*HEAVY, *STATISTICS)),
        (("publish", "lake"), (*HEAVY, *STATISTICS, "pandas", "pydantic", "obstore")),
    ],
    ids=["estimate", "status", "dashboard", "sql", "sql --json", "models", "loads", "learning", "quality", "publish"],
)
def test_a_verb_does_not_import_heavy_packages(words, heavy, sample_store, tmp_path):
    command = [sys.executable, "-c", CHILD, ",".join(heavy), *words, "--db", sample_store.text]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stderr.strip().splitlines()[-1] == "imported:"


def test_a_load_that_finds_nothing_new_parses_nothing(empty_store, tmp_path, monkeypatch):
    message = {"id": "m", "model": "claude-opus-4-5", "usage": {"input_tokens": 1, "output_tokens": 1}}
    line = {"type": "assistant", "sessionId": "S", "uuid": "u", "timestamp": "2026-01-02T00:00:00Z", "message": message}
    session = tmp_path / "projects" / "p" / "S.jsonl"
    session.parent.mkdir(parents=True)
    session.write_text(json.dumps(line) + "\n")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    heavy = ",".join((*HEAVY, *FRAMES, "pydantic_core", "asp_analysis.records"))
    command = [sys.executable, "-c", CHILD, heavy, "load", "--claude-code", "--db", empty_store.text]
    first, again = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))
    assert "1 files, 1 lines: 1 calls" in first.stdout and "sqlalchemy" in first.stderr.splitlines()[-1]
    assert "(1 unchanged)" in again.stdout and again.stderr.splitlines()[-1] == "imported:"
