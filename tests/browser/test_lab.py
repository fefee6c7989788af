"""JupyterLab as `make lab` starts it, in a real browser: every notebook runs, and shows what it was saved with."""

import re
from urllib.error import HTTPError

import nbformat
import psutil
import pytest

from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store
from tests.browser.jupyter_server import NOTEBOOKS, running_lab
from tests.browser.notebook_page import NotebookPage

pytestmark = pytest.mark.browser
CALLS = 24


@pytest.fixture(scope="module")
def server(browser, sample_store, tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("lab"), sample_store) as running:
        yield running


@pytest.fixture
def open_notebook(browser, server):
    """Open a notebook in a tab of its own; in the end the tab and the kernel are closed."""
    context = browser.new_context()
    yield lambda name: NotebookPage.open(context.new_page(), server, name)
    context.close()
    server.stop_kernels()


def saved_figures(path):
    cells = nbformat.read(path, as_version=4).cells
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))


def fill_another_store(folder, run):
    """Make the store that the notebook's first lines speak of, with one call each of some tasks."""
    lines = ["at,task_id,project_id,llm_model,tokens_in,tokens_out,cost_usd,tool_calls"]
    for call in range(CALLS):
        cost = 0.1 + call / 100
        lines.append(f"2026-02-{1 + call:02d} 09:00,T-{call},garden,opus,{1000 + call},{100 + call},{cost:.2f},{call}")
    calls = folder / "calls.csv"
    calls.write_text("\n".join(lines) + "\n")
    url = parse_url("data/my.db", folder)
    url.path.parent.mkdir()
    create_store(url)
    for words in (
        ("executions", "--map", "timestamp=at", "--set", "agent_role=Code"),
        ("task_metadata", "--map", "created_at=at", "--set", "status=completed"),
    ):
        assert run("load", calls, "--db", url, "--as", *words).exit_code == 0


@pytest.mark.parametrize("token", ["", "guessed"])
def test_a_request_without_the_token_is_refused(server, token):
    with pytest.raises(HTTPError) as refused:
        server.ask("api/contents", token=token)
    assert refused.value.code == 403
    assert "01-overview.ipynb" in server.ask("api/contents")


def test_it_listens_to_this_machine_only(server):
    listening = [entry for entry in server.process.net_connections() if entry.status == psutil.CONN_LISTEN]
    assert {entry.laddr.ip for entry in listening} == {"127.0.0.1"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_an_error_and_shows_all_that_was_saved(open_notebook, pictures, path):
    page = open_notebook(path.name)
    page.run_all()
    assert page.errors() == []
    page.picture(pictures / f"{path.stem}-window.png")
    page.tall_picture(pictures / f"{path.stem}.png")
    assert page.figures() == saved_figures(path) > 0
    assert page.too_wide() == []


def test_the_outputs_follow_a_changed_parameter(open_notebook, server, run):
    fill_another_store(server.folder, run)
    page = open_notebook("08-my-coding-agents.ipynb")
    page.run_all()
    assert re.search(r"^executions\s+385$", page.output_after("AS days_with_executions"), re.MULTILINE)
    page.set_parameter("STORE", '"../data/my.db"')
    page.run_all()
    assert page.errors() == []
    assert re.search(rf"^executions\s+{CALLS}$", page.output_after("AS days_with_executions"), re.MULTILINE)
    assert "garden" in page.output_after("cost_per_task_usd")


def test_nothing_is_left_running_after_an_interruption(browser, sample_store, tmp_path):
    with pytest.raises(KeyboardInterrupt), running_lab(tmp_path, sample_store) as server:
        server.ask("api/kernels", method="POST")
        family = server.family()
        raise KeyboardInterrupt
    assert len(family) >= 2
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
