"""The view task_activity says what transcripts saw of a task; the notebook on one's own agents reads real ones."""

from pathlib import Path

import nbformat
import pytest

from asp_analysis.session import connect
from tests.save_notebooks import executed

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "08-my-coding-agents.ipynb"


@pytest.fixture
def transcripts(real_data, run, empty_store):
    """Load the sessions of two small projects; give the store and the counts of the load."""
    folder = real_data / "transcripts" / "claude_code"
    chosen = [folder / "chiphuyen__sniffly", folder / "Esdeveniments__esdeveniments-frontend"]
    ran = run("load", *chosen, "--json", "--db", empty_store)
    assert ran.exit_code in (0, 1), ran.err
    return empty_store, ran.json["transcripts"]


def test_errors_interruptions_and_executions_are_those_of_the_load(transcripts):
    store, counts = transcripts
    with connect(store) as db:
        tasks = db.view("task_activity")
    seen = tasks[["executions", "errors", "interruptions"]].sum()
    assert seen.tolist() == [counts[name] for name in ("calls", "errors", "interruptions")]
    assert tasks.errors.sum() > 0


def test_the_kinds_of_tokens_add_up_to_all_input(transcripts):
    with connect(transcripts[0]) as db:
        tasks = db.view("task_activity")
        tokens_in = db.sql("SELECT sum(tokens_in) AS tokens FROM executions").tokens[0]
    assert tasks[["tokens_fresh", "tokens_cache_read", "tokens_cache_write"]].sum().sum() == tokens_in


def test_what_a_source_does_not_record_is_unknown_and_not_zero(sample_store):
    with connect(sample_store) as db:
        tasks = db.view("task_activity")
    assert len(tasks)
    assert tasks[["errors", "interruptions", "compactions", "active_ms", "files_changed"]].isna().all().all()


@pytest.mark.slow
def test_the_notebook_runs_on_transcripts(transcripts, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", transcripts[0].text)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    outputs = [output for cell in executed(notebook, NOTEBOOK.parent).cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 8
    assert not [output for output in outputs if output.get("name") == "stderr"]
