"""`asp-analysis report` runs a notebook with parameters and writes one HTML file without code that needs no network."""

import re

import psutil
import pytest

pytestmark = pytest.mark.slow


def read_text(page):
    return re.sub(r"<style.*?</style>|<[^>]+>", " ", page.read_text(), flags=re.DOTALL)


def test_a_report_holds_the_answer_for_its_parameters_and_no_code(run, sample_store, tmp_path):
    page = tmp_path / "costs.html"
    ran = run("report", "01", "--param", "MODEL=gpt-5-mini", "--out", page, "--db", sample_store)
    assert (ran.exit_code, ran.out) == (0, f"{page}\n"), ran.err
    text = read_text(page)
    assert "Read: model gpt-5-mini. That leaves 112 executions." in text
    assert "The store holds 112 executions" in " ".join(text.split())
    assert "Checks" not in text or "assert " not in text
    assert "db = start()" not in text and "answer.follow" not in text


def test_a_report_fetches_and_runs_nothing(run, sample_store, tmp_path):
    page = tmp_path / "store.html"
    assert run("report", "09", "--out", page, "--db", sample_store).exit_code == 0
    html = page.read_text()
    assert "<script" not in html and not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    assert 'src="data:image/png;base64,' in html


def test_nothing_is_left_running(run, empty_store, tmp_path):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    for number in range(2):
        assert run("report", "09", "--out", tmp_path / f"{number}.html", "--db", empty_store).exit_code == 0
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "99"), "'99' is no notebook. There are: 01-overview"),
        (("report", "0"), "'0' is the beginning of several notebooks"),
        (("report", "01", "--param", "PHASE=Code"), "'PHASE' is no parameter of this notebook. It has: PROJECT"),
        (("report", "01", "--param", "SINCE=yesterday"), "since is a date such as '2026-01-31'"),
    ],
)
def test_what_cannot_be_reported_is_one_line(run, empty_store, tmp_path, words, said):
    ran = run(*words, "--out", tmp_path / "x.html", "--db", empty_store)
    assert ran.exit_code == 1 and said in ran.err and "Traceback" not in ran.err
