"""Kinds of work on the dashboard and in the notebook: they follow the record, and are one sentence where it is none."""

import re

import numpy as np
import pandas as pd
import pytest

from asp_analysis.dashboard import build_page
from asp_analysis.findings import kinds_judged
from asp_analysis.learning.usual_kinds import UsualKinds, judge_usual_kinds
from asp_analysis.session import connect


def make_tasks(rates, count=200, sizes=(1.0, 10.0, 100.0)):
    """Return what the views `tasks` and `task_history` hold of tasks that ended with these rates by type."""
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"task_type": np.repeat([*rates], count)})
    ended = rng.random(len(rows)) < np.repeat([*rates.values()], count)
    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.tile(6 * np.arange(count), len(rates)), "h")
    rows = rows.assign(task_id=[f"T{n}" for n in range(len(rows))], project_id="shop", known_at=at)
    rows = rows.assign(size=np.resize(sizes, len(rows)), outcome=np.where(ended, "accepted", "failed"))
    history = rows.assign(agent_role="Code", llm_model="m", is_finished=ended, is_failed=~ended)
    return rows, history.drop(columns="outcome")


def test_the_finest_names_with_enough_cases_are_used():
    tasks, history = make_tasks({"fix": 0.95, "test": 0.6})
    assert judge_usual_kinds(tasks, history).by == ("agent_role", "task_type")
    few, few_history = make_tasks({f"type {n}": 0.8 for n in range(8)}, 5)
    found = judge_usual_kinds(few, few_history)
    assert found.by == ("project_id",) and len(found.report.table) == 1
    assert found.command.endswith("learning --by project_id --success outcome --from tasks")


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [("accepted", "20 tasks ended and none failed"), ("open", "No task is on record as completed or failed.")],
)
def test_a_record_that_never_says_no_is_one_sentence(outcome, sentence):
    tasks, history = make_tasks({"fix": 0.9}, 20)
    found = judge_usual_kinds(tasks.assign(outcome=outcome), history)
    assert found.startswith(sentence) and "--success COLUMN" in found
    (finding,) = kinds_judged.tell(found)
    assert finding.text == found


def test_the_notebook_tells_evidence_time_promise_and_policy():
    found = judge_usual_kinds(*make_tasks({"fix": 0.97, "test": 0.6}))
    kinds, thirds, time, policy = kinds_judged.tell(found)
    assert "**Code / fix** may be done alone" in kinds.text and kinds.table["blocks"].tolist() == [50, 50]
    assert len(thirds.table) == 6 and "weeks at this pace" in time.text
    assert "on average are at or below their target. This holds if" in policy.text
    assert set(policy.table["may"]) == {"alone", "checked"} and "expires on **2026-03-" in policy.text
    chart = kinds.draw()
    labels = [text.get_text() for text in chart.get_yticklabels()]
    assert labels == [f"Code / {name}\ntarget 80 %" for name in ("fix", "test")]


def test_without_sizes_thirds_are_one_sentence():
    tasks, history = make_tasks({"fix": 0.9}, sizes=(np.nan,))
    assert kinds_judged.tell(judge_usual_kinds(tasks, history))[1].table is None


def test_the_page_shows_the_evidence_of_the_store(sample_store):
    with connect(sample_store) as session:
        page = build_page(session, pd.Timestamp("2025-12-31"))
        found = judge_usual_kinds(session.view("tasks"), session.view("task_history"), pd.Timestamp("2025-12-31"))
    assert isinstance(found, UsualKinds)
    section = re.search(r'<section id="kinds">.*?</section>', page, re.DOTALL).group()
    for name in found.report.table["project_id"]:
        assert name in section
    assert found.report.promise in section.replace("\u00a0", " ") and "--policy policy.json" in section
    assert "How long it takes" in section and "Third of size" in section


def test_an_empty_store_says_what_is_missing_once(empty_store):
    with connect(empty_store) as session:
        page = build_page(session)
    assert page.count("No task is on record as completed or failed.") == 1 and '<section id="kinds">' not in page
