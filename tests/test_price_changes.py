"""Where the cost of a token changed, past tasks count at the price of today, and forecasts of the past stay honest."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.probe.answers import score_stored
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.estimate import estimate
from asp_analysis.probe.history import split_series
from asp_analysis.probe.price_changes import measure_price_levels
from asp_analysis.probe.question import EACH, Question
from tests.reference.past_runs import table_history

EVERY, ONE = Question(model=EACH, role=EACH), Question(model="one", role="coder")


def _halved(seed=1, n=120, at=60, factor=0.5, noise=0.2):
    """Tasks whose tokens do not change, at a price that does."""
    rng = np.random.default_rng(seed)
    tokens = np.exp(rng.normal(11, 0.6, n))
    price = 3e-6 * np.where(np.arange(n) < at, 1.0, factor) * np.exp(rng.normal(0, noise, n))
    history = table_history(np.full(n, np.nan), tokens * price)
    return history.assign(tokens_in=0.9 * tokens, tokens_out=0.1 * tokens)


@pytest.mark.parametrize(("noise", "delay"), [(0.0, 4), (0.1, 4), (0.3, 16)])
def test_a_change_of_the_price_is_known_after_a_few_tasks_and_scatter_is_none(noise, delay):
    rng, late = np.random.default_rng(2), []
    for _ in range(40):
        log_price = np.repeat([0.0, np.log(0.5)], 60) + rng.normal(0, noise, 120)
        level = measure_price_levels(log_price)
        assert not level[:61].any() and level.shape == (121,)
        late.append(np.flatnonzero(level)[0] - 60)
        assert level[-1] == pytest.approx(np.log(0.5), abs=4 * noise / np.sqrt(40) + 1e-9)
    assert np.median(late) <= delay


def test_a_level_knows_only_what_was_known_and_skips_unknown_tokens():
    log_price = np.append(np.zeros(30), np.full(30, 1.0))
    whole = measure_price_levels(log_price)
    assert measure_price_levels(log_price[:45]).tolist() == whole[:46].tolist()
    log_price[5::7] = np.nan
    assert measure_price_levels(log_price)[-1] == pytest.approx(1.0)
    assert not measure_price_levels(np.full(9, np.nan)).any() and measure_price_levels(np.empty(0)).tolist() == [0]


def test_an_estimate_follows_the_price_and_says_so():
    history = _halved(at=60, n=75)
    found = estimate(history, ONE)["cost_usd"]
    blind = estimate(history.drop(columns=["tokens_in", "tokens_out"]), ONE)["cost_usd"]
    usual = float(np.median((history["tokens_in"] + history["tokens_out"]) * 1.5e-6))
    assert found.estimate == pytest.approx(usual, rel=0.15) and blind.estimate > 1.3 * usual
    (note,) = [note for note in found.notes if "The cost of a token changed" in note]
    assert "times what it was" in note and "of 75 past tasks count at the price of today" in note
    latency = estimate(history.assign(latency_ms=1000 * history["cost_usd"]), Question(
        model="one", role="coder", components=("latency_ms",)))["latency_ms"]  # fmt: skip
    assert not any("token" in note for note in latency.notes)
    summed = estimate(history, Question())["cost_usd"]
    assert summed.llm_model == "all models" and note in summed.notes
    # What a token costs in a sum over models changes with the models: that is no price.
    history["llm_model"] = np.where(np.arange(75) < 60, "large", "small")
    assert not any("token" in note for note in estimate(history, Question())["cost_usd"].notes)


def test_forecasts_after_a_change_are_less_off_and_those_before_it_was_known_were_wrong():
    def measure(history):
        rows = backtest(history, EVERY)
        auto = rows[rows["model"] == "auto"].assign(error=lambda one: np.log(one["estimate"] / one["actual"]))
        return [auto.loc[auto["place"].between(*places), "error"].median() for places in ((60, 63), (75, 100))]

    found = np.array([[measure(one), measure(one.drop(columns="tokens_in"))] for one in map(_halved, range(8))])
    (at_once, later), (_, blind) = np.median(found, axis=0)
    assert at_once > 0.4 and abs(later) < 0.12 and blind > 0.2


def test_a_backtest_has_the_costs_that_were_paid_and_knows_nothing_of_later_prices():
    history = _halved()
    rows = backtest(history, EVERY)
    auto = rows[rows["model"] == "auto"]
    assert auto["actual"].tolist() == pytest.approx(history["cost_usd"].to_numpy()[auto["place"]].tolist())
    (series,) = split_series(history, "cost_usd")
    assert series.repricing[0] == pytest.approx(0.5, rel=0.15) and series.repricing[-1] == pytest.approx(1, rel=0.15)
    before = backtest(history.head(60), EVERY)
    keys, said = ["model", "place"], ["estimate", "mean", "lower_70", "upper_90", "position"]
    joined = before.merge(rows, on=keys, suffixes=("", "_later"))
    assert len(joined) == len(before)
    for name in said:
        np.testing.assert_allclose(joined[name], joined[f"{name}_later"], rtol=1e-7)


def test_a_stored_forecast_is_compared_with_what_was_paid():
    history = _halved()
    stored = pd.DataFrame({"task_id": ["t3"], "component": "cost_usd", "llm_model": "one", "agent_role": "coder",
                           "estimate": [1.0]})  # fmt: skip
    assert score_stored(stored, history)["actual"].tolist() == pytest.approx([history["cost_usd"][3]])


def test_attempts_of_one_task_add_up_their_tokens():
    history = _halved(n=4).assign(task_id=["a", "a", "b", "c"], is_finished=[False, True, True, True])
    history.loc[3, "tokens_out"] = np.nan
    tokens = split_series(history, "cost_usd")[0].tasks["tokens"]
    whole = history["tokens_in"] + history["tokens_out"]
    assert tokens[0] == pytest.approx(whole[0] + whole[1]) and tokens[1] == pytest.approx(whole[2])
    assert np.isnan(tokens[2])
