"""What the notebooks say of whole distributions and of sessions that run: one sentence where data lack."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from asp_analysis import running_sessions
from asp_analysis.findings import drift
from asp_analysis.findings.narrowing import tell_narrowing
from asp_analysis.findings.positions import tell_positions
from asp_analysis.session import connect


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def _forecasts(position):
    n = len(position)
    shared = {"actual": np.ones(n), "estimate": np.ones(n), "lower_70": 0.5, "upper_70": 2.0, "crps": 0.3}
    shared |= {"llm_model": "m", "agent_role": "r", "place": np.arange(n)}
    frames = [pd.DataFrame(shared).assign(model=name, position=position) for name in ("auto", "past_median")]
    return pd.concat(frames, ignore_index=True)


def test_honest_positions_are_within_chance_and_too_narrow_ones_are_not():
    honest = tell_positions(_forecasts((np.arange(200) + 0.5) / 200))
    assert "no more than chance would leave" in honest.text and len(honest.table) == 10
    narrow = tell_positions(_forecasts(np.repeat([0.02, 0.98], 100)))
    assert "**50 %** fell into the lowest tenth" in narrow.text and ", more than chance would leave" in narrow.text
    assert narrow.draw() is not None


def test_without_forecasts_there_is_no_distribution():
    assert "Fewer than 10 forecasts" in tell_positions(pd.DataFrame()).text


def test_a_running_session_has_a_chart_that_narrows(sample_store):
    with connect(sample_store) as session:
        found = tell_narrowing(session)
    assert "runs: after" in found.text and found.draw() is not None


def test_where_no_session_runs_the_latest_is_replayed_and_an_empty_store_is_one_sentence(
    sample_store, empty_store, monkeypatch
):
    with connect(sample_store) as session, connect(empty_store) as empty:
        monkeypatch.setattr(
            running_sessions, "STATES_SQL", "SELECT task_id, FALSE AS is_running FROM work GROUP BY ALL"
        )
        found = tell_narrowing(session)
        assert "No session runs." in found.text and "replayed, ended after" in found.text and found.draw() is not None
        assert "No executions are recorded here" in tell_narrowing(empty).text


def _points(correlation):
    n = 30
    return pd.DataFrame(
        {
            "agent_role": "Code", "llm_model": "m", "task_id": [f"t{i}" for i in range(n)],
            "first_at": pd.date_range("2026-01-01", periods=n, tz="UTC"), "value": 1.0, "centre": np.linspace(1, 2, n),
            "lower": 0.5, "upper": 4.0, "is_outside": False, "is_run": False, "is_near_limit": False,
            "is_signal": False, "high": 0.0, "low": 0.0, "correlation": correlation,
        }
    )  # fmt: skip


def test_charts_of_errors_of_forecasts_are_said_to_be_some():
    moving = drift.tell_signals(_points(0.6), "cost_usd", True)
    assert "In **1** chart tasks are like the one before" in moving.text
    first = drift.tell_first(_points(0.6), "cost_usd", True)
    assert "neighbours are alike (correlation 0.60)" in first.text and first.draw() is not None
    assert "like the one before" not in drift.tell_signals(_points(0.0), "cost_usd", True).text


def test_a_backtest_says_how_often_intervals_held_by_a_condition(run, sample_store, empty_store):
    rows = run("backtest", "--by", "size", "--role", "Code", "--json", "--db", sample_store).json
    auto = [row for row in rows if row["model"] == "auto" and row["level"] == "70"]
    assert [row["size_tercile"] for row in auto] == ["small", "middle", "large"]
    assert all(row["lower"] <= row["coverage"] <= row["upper"] and row["n"] > 0 for row in auto)
    said = run("backtest", "--by", "knowledge", "--role", "Code", "--db", sample_store).out
    assert "past_median" in said and "loglog" not in said
    assert run("backtest", "--by", "change", "--db", empty_store).exit_code == 1
