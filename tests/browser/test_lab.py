"""JupyterLab as `make lab` starts it, in a real browser: every notebook runs, and shows what it was saved with."""

from urllib.error import HTTPError

import nbformat
import psutil
import pytest

from tests.browser.jupyter_server import NOTEBOOKS, running_lab
from tests.browser.notebook_page import CODE, NotebookPage

pytestmark = pytest.mark.browser


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
    panels = int("Panel(" in path.read_text(encoding="utf-8"))
    assert page.figures() == saved_figures(path) + panels > 0
    assert page.too_wide() == []


def test_the_answer_follows_a_changed_parameter(open_notebook):
    page = open_notebook("01-overview.ipynb")
    page.run_all()
    assert "385 executions" in page.output_after("answer = Answer(")
    page.set_parameter("MODEL", '"gpt-5-mini"')
    page.run_all()
    assert page.errors() == []
    assert "112 executions" in page.output_after("answer = Answer(")
    assert "Read: model gpt-5-mini" in page.output_after("answer.follow(")


def test_a_panel_draws_what_is_chosen(open_notebook):
    page = open_notebook("01-overview.ipynb")
    page.run_all()
    panel = page.tab.locator(CODE).filter(has_text="panel = Panel(").first
    assert "385 executions" in panel.inner_text()
    panel.locator("select").nth(1).select_option("gpt-5-mini")
    panel.get_by_text("Read: model gpt-5-mini. That leaves 112 executions.").wait_for(timeout=30_000)
    assert panel.locator("img").count() == 1
    assert "385 executions" in page.output_after("answer = Answer(")


def test_a_wide_table_pages_sorts_and_searches(open_notebook):
    page = open_notebook("01-overview.ipynb")
    page.run_all()
    table = page.tab.locator(CODE).filter(has_text="browse(").last
    rows = table.locator(".dt-scroll-body tbody tr")
    rows.first.wait_for(timeout=30_000)
    assert rows.count() == 10
    table.locator("input[type=search]").fill("FERRY-001")
    page.tab.wait_for_timeout(500)
    assert rows.count() == 1


def test_the_first_page_says_what_to_do_next_and_nothing_pops_up(browser, server):
    context = browser.new_context()
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    tab = context.new_page()
    tab.goto(f"{server.url}?token={server.token}", timeout=60_000)
    tab.get_by_role("heading", name="Start here").wait_for(timeout=60_000)
    tab.wait_for_timeout(3_000)
    assert tab.locator(".Toastify__toast").count() == 0
    assert not [url for url in asked if not url.startswith((server.url, "data:", "blob:"))]
    context.close()


def test_nothing_is_left_running_after_an_interruption(browser, sample_store, tmp_path):
    with pytest.raises(KeyboardInterrupt), running_lab(tmp_path, sample_store) as server:
        server.ask("api/kernels", method="POST")
        family = server.family()
        raise KeyboardInterrupt
    assert len(family) >= 2
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
