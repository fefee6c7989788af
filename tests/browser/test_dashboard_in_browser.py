"""The dashboard in Debian's chromium: nothing from data runs, nothing is fetched, it fits a phone, it loads fast."""

import sys
from dataclasses import dataclass, field

import pandas as pd
import pytest

from asp_analysis.config import parse_url
from asp_analysis.dashboard import build_page, write_page
from asp_analysis.dashboard.words import usd
from asp_analysis.loading import load_file
from asp_analysis.session import connect
from asp_analysis.store.database import create_store, open_store
from benchmarks.stores import write_execution_lines
from tests.test_dashboard import make_hostile

pytestmark = pytest.mark.browser
PAPER = 702  # pixels, what a page of A4 has between margins of 12 mm
AS_OF = pd.Timestamp("2025-12-31")


@dataclass
class Opened:
    """A page that was opened, and everything that it did."""

    tab: object
    said: list = field(default_factory=list)
    fetched: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)

    def go(self, path):
        self.said.clear()
        self.fetched.clear()
        self.failed.clear()
        self.tab.goto(path.as_uri(), wait_until="load")
        if path.suffix == ".html" and self.tab.evaluate("sessionStorage.length"):  # what a test before filtered
            self.tab.evaluate("sessionStorage.clear()")
            self.tab.reload(wait_until="load")
        self.tab.wait_for_timeout(300)
        return self


@pytest.fixture(scope="module")
def opened(browser):
    context = browser.new_context()
    page = Opened(context.new_page())
    page.tab.on("dialog", lambda dialog: (page.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.tab.on("console", lambda message: page.said.append(f"console {message.type}: {message.text}"))
    page.tab.on("pageerror", lambda error: page.said.append(f"error: {error}"))
    context.on("request", lambda request: page.fetched.append(request.url))
    context.on("requestfailed", lambda request: page.failed.update({request.url: request.failure}))
    yield page
    context.close()


def page_of(url, path, as_of=AS_OF):
    with connect(url) as session:
        write_page(path, build_page(session, as_of))
    return path


@pytest.fixture(scope="module")
def hostile(sample_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    url = parse_url("hostile.db", folder)
    make_hostile(sample_store.path, url.path)
    return page_of(url, folder / "page.html")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """The page over 10,000 executions and the sample."""
    folder = tmp_path_factory.mktemp("full")
    url = parse_url("full.db", folder)
    create_store(url, with_sample=True)
    write_execution_lines(folder / "lines.jsonl", 10_000)
    with open_store(url) as store:
        load_file(store, folder / "lines.jsonl")
    return page_of(url, folder / "page.html")


@pytest.fixture(scope="module")
def sample(sample_store, tmp_path_factory):
    """The page over the sample, at the end of its last week."""
    return page_of(sample_store, tmp_path_factory.mktemp("sample-page") / "page.html", pd.Timestamp("2025-12-14"))


def test_these_tests_would_see_a_script_that_runs(opened, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<script>alert(1)</script><img src='http://127.0.0.1:9/x.png'>")
    opened.go(path)
    assert "dialog: 1" in opened.said
    assert "csp" not in opened.failed.popitem()[1]


def test_the_policy_alone_would_stop_a_script_and_a_picture(opened, hostile, tmp_path):
    path = tmp_path / "pierced.html"
    breach = "<script>alert(1)</script><img src='http://127.0.0.1:9/x.png' onerror='alert(2)'><main"
    path.write_text(hostile.read_text().replace("<main", breach, 1))
    opened.go(path)
    assert not [said for said in opened.said if said.startswith("dialog")]
    assert opened.failed == {"http://127.0.0.1:9/x.png": "csp"}
    assert any("Content Security Policy" in said for said in opened.said)


@pytest.mark.parametrize("name", ["hostile", "full"])
def test_nothing_runs_and_nothing_is_fetched(opened, name, request):
    path = request.getfixturevalue(name)
    opened.go(path)
    for link in opened.tab.query_selector_all("a"):
        link.click()
    for element in opened.tab.query_selector_all("tbody th, figure, .alerts li")[:20]:
        element.hover()
    for button in opened.tab.query_selector_all("thead button")[:20]:
        button.click()
    for choice in opened.tab.query_selector_all("#filter select"):
        choice.select_option(index=1)
    assert opened.said == []
    assert {url.split("#")[0] for url in opened.fetched} == {path.as_uri()}
    assert opened.tab.evaluate("document.scripts.length") == 2
    assert opened.tab.evaluate("document.images.length + frames.length") == 0


COLUMNS = """[...document.querySelectorAll('figure[data-stack] svg')].map(svg => [...svg.querySelectorAll('rect')].map(
    rect => [...['x', 'width', 'y', 'height', 'class'].map(name => rect.getAttribute(name)), rect.textContent]))"""


def read_columns(tab):
    """Return the drawn columns, with numbers as numbers: the script and the page may write a third digit otherwise."""
    numbers = [[[float(text.rstrip("%")) for text in bar[:4]] for bar in bars] for bars in tab.evaluate(COLUMNS)]
    return numbers, [[bar[4:] for bar in bars] for bars in tab.evaluate(COLUMNS)]


@pytest.mark.parametrize("name", ["sample", "hostile", "full"])
def test_the_script_draws_and_compares_what_the_page_came_with(opened, name, request):
    opened.go(request.getfixturevalue(name))
    drawn, words = read_columns(opened.tab)
    before = opened.tab.inner_text("#comparison"), opened.tab.inner_text("#headline")
    opened.tab.select_option("#filter select[name=model]", index=1)
    assert read_columns(opened.tab)[0] != drawn
    opened.tab.select_option("#filter select[name=model]", index=0)
    again, words_again = read_columns(opened.tab)
    assert [len(bars) for bars in again] == [len(bars) for bars in drawn] and words_again == words
    for bars, bars_again in zip(drawn, again, strict=True):
        assert bars_again == [pytest.approx(bar, rel=2e-3, abs=0.05) for bar in bars]
    assert (opened.tab.inner_text("#comparison"), opened.tab.inner_text("#headline")) == before


def test_the_filter_shows_the_sums_of_its_part(opened, sample, sample_store):
    opened.go(sample)
    model, role = "claude-opus-4-1", "Design"
    opened.tab.select_option("#filter select[name=model]", label=model)
    opened.tab.select_option("#filter select[name=role]", label=role)
    with connect(sample_store) as session:
        query = (
            "SELECT count(*) AS n, sum(cost_usd) AS usd FROM executions WHERE llm_model = $model AND agent_role = $role"
        )
        row = session.sql(query, model=model, role=role).iloc[0]
    text = " ".join(opened.tab.inner_text("#headline").split())
    assert f"Cost known {usd(row['usd'])}" in text and f"Executions {row['n']:.0f}" in text
    rows = opened.tab.locator("#models tbody tr:visible")
    assert rows.count() == 1 and model in rows.first.inner_text()
    opened.tab.reload()
    assert opened.tab.locator("#models tbody tr:visible").count() == 1, "a page that reloads itself forgets its filter"
    opened.tab.click("#filter button[type=reset]")
    opened.tab.wait_for_function("document.querySelectorAll('tr[hidden]').length === 0")
    assert not opened.said


def test_a_click_on_a_header_sorts_and_unknown_comes_last(opened, sample):
    opened.go(sample)
    column = "[...document.querySelectorAll('#task-list tbody tr')].map(row => Number(row.cells[6].dataset.sort))"
    costs = opened.tab.evaluate(column)
    assert costs == sorted(costs, reverse=True)
    head = opened.tab.locator("#task-list thead th").nth(6)
    head.locator("button").click()
    head.locator("button").click()
    assert opened.tab.evaluate(column) == sorted(costs) and head.get_attribute("aria-sort") == "ascending"
    opened.tab.locator("#task-list thead th").first.locator("button").click()
    names = opened.tab.locator("#task-list tbody th").all_inner_texts()
    assert names == sorted(names) and head.get_attribute("aria-sort") is None


def test_without_script_everything_can_be_read(browser, sample):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(sample.as_uri())
    assert not tab.locator("#filter").is_visible() and tab.locator("thead button").count() == 0
    assert tab.locator("figure[data-stack] svg rect").count() > 60
    tab.locator(".alerts a").first.click()
    assert tab.url.partition("#")[2].startswith("capability-")
    context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("name", ["hostile", "full"])
def test_nothing_hangs_over_the_side(opened, name, width, request):
    opened.tab.set_viewport_size({"width": width, "height": 800})
    opened.go(request.getfixturevalue(name))
    wide = """[...document.querySelectorAll('body *')].filter(e => !e.parentElement.closest('svg, thead')
        && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.tab.evaluate(wide) == []


def test_hostile_names_can_be_read(opened, hostile):
    opened.go(hostile)
    assert "<script>alert(1)</script>" in opened.tab.inner_text("body")


def test_it_is_dark_where_the_reader_wants_it_dark(opened, full):
    colors = []
    for scheme in ("light", "dark"):
        opened.tab.emulate_media(color_scheme=scheme)
        opened.go(full)
        colors.append(opened.tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colors[0] != colors[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_look_fits_its_window(browser, sample, pictures, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(sample.as_uri())
    tab.screenshot(path=pictures / f"dashboard-{scheme}-{width}.png", full_page=True)
    cut = "[...document.querySelectorAll('th, td, dd, p')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(cut) == 0
    context.close()


def test_on_paper_it_is_light_and_its_tables_are_tables(browser, sample, pictures):
    context = browser.new_context(viewport={"width": PAPER, "height": 1000}, color_scheme="dark")
    tab = context.new_page()
    tab.goto(sample.as_uri())
    tab.pdf(
        path=pictures / "dashboard.pdf", format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "12mm")
    )
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    assert tab.evaluate("document.documentElement.scrollWidth") <= PAPER
    context.close()


def test_the_time_to_load_is_told(opened, full, capsys):
    times = []
    for _ in range(5):
        opened.go(full)
        times.append(opened.tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    with capsys.disabled():
        sys.stdout.write(
            f"\n10,000 rows: {full.stat().st_size / 1024:.0f} KiB, loaded in {sorted(times)[2]:.0f} ms (median of 5)\n"
        )
    assert opened.tab.locator("svg.picture").count() > 20
