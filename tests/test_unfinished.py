"""A running session is forecast from finished ones that got as far, and the forecast narrows as it goes on."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.capture.run import Run
from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.unfinished import PastSessions, backtest_running


def _calls(sessions=150, seed=1):
    """Sessions of geometric length whose calls cost about the same, at a level of their own."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(sessions):
        count = rng.geometric(1 / 40)
        cost = np.exp(rng.normal(-3, 0.5) + rng.normal(0, 0.8, count))
        frames.append(pd.DataFrame({"task_id": f"s{number}", "cost_usd": cost}))
    return pd.concat(frames, ignore_index=True)


PAST = PastSessions.of(_calls())


def test_intervals_hold_and_narrow_as_the_session_goes_on():
    table = backtest_running(PAST, (5, 20, 40)).set_index("call")
    assert table["coverage_70"].between(0.6, 0.8).all()
    assert table["factor_70"].is_monotonic_decreasing
    assert table.loc[40, "score_70"] < 0.6 * table.loc[40, "score_70_before"]


def test_what_was_spent_is_a_floor_and_a_forecast_does_not_know_later_calls():
    spent = np.cumsum(np.full(30, 0.1))
    found = PAST.forecast(spent)
    low, middle, high = found.find_quantiles([0.15, 0.5, 0.85])
    assert spent[-1] <= low < middle < high
    longer = PAST.forecast(np.append(spent, [50.0, 100.0]))
    assert longer.find_quantiles([0.5], call=30) == pytest.approx(found.find_quantiles([0.5]))
    table = longer.list_calls()
    assert table["call"].tolist() == list(range(1, 33)) and (table["lower"] >= table["spent"] * 0.999).all()


def test_the_chance_to_go_over_a_budget_falls_with_the_budget_and_is_one_when_it_is_spent():
    found = PAST.forecast(np.cumsum(np.full(20, 0.1)))
    chances = [found.find_chance_over(budget) for budget in (1.0, 2.5, 5.0, 50.0, 1e6)]
    assert chances[0] == 1 and chances[-1] == 0 and chances == sorted(chances, reverse=True)
    assert "over the budget already" in found.advise(1.0) and "let it run" in found.advise(1e6)
    assert found.find_chance_over(found.find_quantiles([0.7])[0]) == pytest.approx(0.3, abs=0.05)


def test_a_session_longer_than_all_others_is_forecast_from_those_that_got_furthest():
    low, high = PAST.forecast(np.cumsum(np.full(5000, 0.1))).find_quantiles([0.15, 0.85])
    assert 500 <= low <= high < 5000


def test_too_few_sessions_and_one_that_spent_nothing_are_refused():
    with pytest.raises(EstimationRefusal, match="29 finished sessions of known cost are too few"):
        PastSessions.of(_calls(29)).forecast([1.0])
    with pytest.raises(EstimationRefusal, match="has spent nothing yet"):
        PAST.forecast([0.0])


def test_a_session_with_a_call_of_unknown_cost_is_no_evidence():
    calls = _calls(40)
    calls.loc[0, "cost_usd"] = np.nan
    assert len(PastSessions.of(calls).spent) == 39


def test_a_run_forecasts_itself_inside_the_agent_and_never_raises():
    run = Run(lambda _kind, _record: None, {})
    assert run.forecast(PAST) is None
    for _ in range(20):
        run.cost(0.1)
    said = run.forecast(PAST, budget=5.0)
    expected = PAST.forecast(np.cumsum(np.full(20, 0.1)))
    assert said["estimate"] == pytest.approx(expected.find_quantiles([0.5])[0]) and said["calls"] == 20
    assert said["chance_over"] == pytest.approx(expected.find_chance_over(5.0))
    assert run.forecast(PastSessions.of(_calls(5))) is None and run.forecast(None) is None


def test_running_sessions_of_the_store_are_told_with_their_chance_to_go_over(run, sample_store):
    rows = run("estimate", "--running", "--budget", "3", "--json", "--db", sample_store).json
    assert rows and all(row["spent"] <= row["lower_70"] <= row["estimate"] <= row["upper_70"] for row in rows)
    assert all(0 <= row["chance_over"] <= 1 and row["advice"] for row in rows)
    said = run("estimate", "--session", rows[0]["task_id"], "--budget", "3", "--db", sample_store).out
    assert "finished sessions, by how much they grew after as many calls" in said


def test_an_unknown_session_and_an_empty_store_are_refused_in_one_line(run, sample_store, empty_store):
    ran = run("estimate", "--session", "nope", "--db", sample_store)
    assert ran.exit_code == 1 and "There is no session 'nope' with calls in the store" in ran.err
    ran = run("estimate", "--running", "--db", empty_store)
    assert ran.exit_code == 1 and "No session runs" in ran.err


def test_one_session_shows_how_its_forecast_changed_call_by_call(run, sample_store):
    name = run("estimate", "--running", "--json", "--db", sample_store).json[0]["task_id"]
    (row,) = run("estimate", "--session", name, "--budget", "3", "--json", "--db", sample_store).json
    by_call = row["by_call"]
    assert by_call[-1]["call"] == row["calls"] and by_call[-1]["estimate"] == pytest.approx(row["estimate"])
    assert all({"spent", "lower_70", "upper_70", "chance_over"} <= set(one) for one in by_call)
    assert "How the forecast changed, call by call" in run("estimate", "--session", name, "--db", sample_store).out


def test_milestones_are_round_calls_and_the_last_one():
    found = PAST.forecast(np.cumsum(np.full(37, 0.1)))
    assert found.list_milestones() == [1, 2, 5, 10, 20, 37]
    assert found.list_calls(calls=[1, 37])["spent"].tolist() == pytest.approx([0.1, 3.7])


def test_in_order_a_session_is_forecast_from_those_that_were_over_when_it_began():
    start = pd.Timestamp("2026-01-01", tz="UTC")
    calls = _calls(60).assign(executed_at=start)
    number = calls["task_id"].str[1:].astype(int)
    step = calls.groupby("task_id").cumcount()
    # Every session begins an hour after the one before; each second one lasts two hours, so that the next overlaps it.
    length = np.where(number % 2, 120, 30) / calls.groupby("task_id")["task_id"].transform("size")
    calls["executed_at"] = start + pd.to_timedelta(number * 60 + step * length, "min")
    past = PastSessions.of(calls)
    for own in (0, 7, 40):
        begun = past.instants[own, 0]
        expected = [place for place in range(60) if past.instants[place, 1] < begun]
        assert past.find_known(own, is_in_order=True) == expected
    assert past.find_known(7, is_in_order=False) == [place for place in range(60) if place != 7]
    in_order = backtest_running(past, (5,), is_in_order=True)
    assert 0 < in_order["n"].iloc[0] < backtest_running(past, (5,))["n"].iloc[0]
    with pytest.raises(InputError, match="executed_at"):
        PAST.find_known(0, is_in_order=True)


def test_a_transcript_that_is_loaded_again_while_it_grows_is_forecast_again(run, empty_store, tmp_path):
    rows = ["executed_at,task_id,llm_model,cost_usd"]
    for session in range(32):
        begin = f"2026-01-{1 + session % 28:02d}"
        rows += [f"{begin}T0{call}:00:00Z,S-{session},opus,0.{1 + session % 5}" for call in range(6)]
    path = tmp_path / "calls.csv"
    path.write_text("\n".join([*rows, "2026-03-01T00:00:00Z,NOW,opus,0.2", ""]))
    words = ("load", path, "--as", "executions", "--set", "agent_role=Code", "--db", empty_store)
    assert run(*words).exit_code == 0
    first = run("estimate", "--session", "NOW", "--json", "--db", empty_store).json[0]
    path.write_text("\n".join([*rows, *(f"2026-03-01T0{call}:00:00Z,NOW,opus,0.2" for call in range(4)), ""]))
    assert run(*words).exit_code == 0
    again = run("estimate", "--session", "NOW", "--json", "--db", empty_store).json[0]
    assert (first["calls"], again["calls"]) == (1, 4) and again["spent"] == pytest.approx(0.8)
    assert again["lower_70"] >= again["spent"]
