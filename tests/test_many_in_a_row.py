"""Two dozen dashboards or reports in one process leave nothing behind: no memory, no open file, no thread, no child."""

import json
import subprocess
import sys

import nbformat
import pytest

pytestmark = pytest.mark.slow

COUNT, WARM = 24, 12
"""How many are made, and after how many the caches of the libraries are full."""

MOST_GROWTH_MB = 3
"""What the second dozen may add: an object of a page that stays, 0.4 MB with its frames, would add 5 MB."""

CHILD = """
import gc, json, sys
import psutil
from asp_analysis.config import parse_url
from pathlib import Path

url, count, warm = parse_url(sys.argv[1], Path.cwd()), int(sys.argv[3]), int(sys.argv[4])

def make_dashboard():
    from asp_analysis.dashboard import build_page
    from asp_analysis.session import connect
    with connect(url) as session:
        assert "<title>" in build_page(session)

def make_report():
    from asp_analysis.notebook_report import ReportView, make_report
    make_report("small.ipynb", ReportView(url=url.text), {}, Path.cwd() / "small.html")

def look():
    gc.collect()
    own = psutil.Process()
    return {"mb": own.memory_info().rss / 1e6, "files": own.num_fds(), "threads": own.num_threads(),
            "children": len(own.children(recursive=True))}

make = {"dashboard": make_dashboard, "report": make_report}[sys.argv[2]]
for number in range(count):
    make()
    if number + 1 in (warm, count):
        print(json.dumps(look()), flush=True)
"""


@pytest.mark.parametrize("what", ["dashboard", "report"])
def test_nothing_is_left_behind(what, sample_store, tmp_path):
    cells = [nbformat.v4.new_markdown_cell("# Small"), nbformat.v4.new_code_cell("print(6 * 7)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "small.ipynb")
    command = [sys.executable, "-c", CHILD, sample_store.text, what, str(COUNT), str(WARM)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    warm, last = map(json.loads, done.stdout.splitlines()[-2:])
    assert {**last, "mb": 0} == {**warm, "mb": 0}
    assert last["mb"] - warm["mb"] < MOST_GROWTH_MB
