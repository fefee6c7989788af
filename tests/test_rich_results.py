"""What a notebook shows of an answer is HTML: names from data inside it stay text, and run nothing."""

import json

import pytest

from asp_analysis.comparisons.change_effect import measure_effect
from asp_analysis.comparisons.spend_change import SpendQuestion, explain_spend
from asp_analysis.probe.compare import compare
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.question import Question
from asp_analysis.session import connect
from tests.reference.past_runs import made_history

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def hostile_store(run, empty_store, tmp_path):
    """Eight weeks of a model of that name, after which another of it comes; one call has no price."""
    lines = []
    for number in range(112):
        model = f"{MARKUP}-{'new' if number >= 56 else 'old'}"
        line = {
            "executed_at": f"2026-0{1 + number // 28}-{1 + number % 28:02d}T10:00:00Z",
            "task_id": f"{MARKUP} {number}",
        }
        lines.append(
            line | {"agent_role": "Code", "llm_model": model, "cost_usd": 1 + number % 7, "project_id": MARKUP}
        )
    del lines[-1]["cost_usd"]
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run("load", path, "--as", "executions", "--db", empty_store)
    return empty_store


def test_comparisons_escape_what_data_says(hostile_store):
    with connect(hostile_store) as session:
        shown = [
            measure_effect(session, f"model:Code:{MARKUP}-new")._repr_html_(),
            explain_spend(session, SpendQuestion(before="2026-01", after="2026-02"))._repr_html_(),
        ]
    assert "onerror" in shown[0] and "onerror" in shown[1]
    assert not [html for html in shown if MARKUP in html]


def test_estimates_escape_what_data_says():
    history = made_history(60, (MARKUP, "good"))
    asked = Question(role="coder", size=60.0)
    shown = [compare(history, asked)._repr_html_()]
    for model in (MARKUP, "good"):
        made = estimate(history, Question(model=model, role="coder", size=60.0))
        shown += [made["cost_usd"]._repr_html_(), made._repr_html_()]
    assert any("onerror" in html for html in shown)
    assert not [html for html in shown if MARKUP in html]
