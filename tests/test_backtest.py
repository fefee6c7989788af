"""A backtest never sees the future, reproduces worked forecasts, and keeps the baselines beside the models."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe import scores
from asp_analysis.probe.backtest import backtest, label_sizes
from asp_analysis.probe.models.candidates import BASELINES, CANDIDATES
from asp_analysis.probe.question import EACH, Question
from tests.reference import sei_table as sei
from tests.reference.past_runs import made_history, table_history

EVERY = Question(model=EACH, role=EACH)
SAID = ["estimate", "lower_70", "upper_70", "lower_90", "upper_90", "method"]


def _probe_rows(actual):
    rows = backtest(table_history(sei.PROXY, actual), EVERY)
    return rows[rows["model"] == "probe_line"]


@pytest.mark.parametrize(("table", "actual"), [("T1", sei.ADDED), ("T2", sei.HOURS)])
def test_rolling_origin_of_the_published_line_agrees_with_worked_values_to_10_digits(table, actual):
    rows, known = _probe_rows(actual), sei.ROLLING[table]
    assert len(rows) == 7
    assert scores.mmre(rows["actual"], rows["estimate"]) == pytest.approx(known["mmre"], rel=6e-10)
    assert scores.mdape(rows["actual"], rows["estimate"]) == pytest.approx(known["mdmre"], rel=6e-10)
    assert scores.pred(rows["actual"], rows["estimate"]) == pytest.approx(known["pred25"])
    assert np.mean(np.abs(rows["actual"] - rows["estimate"])) == pytest.approx(known["mae"], rel=6e-10)
    for level in ("70", "90"):
        assert rows["actual"].between(rows[f"lower_{level}"], rows[f"upper_{level}"]).sum() == known[f"in_{level}"]


def test_rolling_origin_forecasts_of_the_first_table_agree_with_worked_values():
    assert _probe_rows(sei.ADDED)["estimate"].to_numpy() == pytest.approx(sei.ROLLING_T1_FORECASTS, rel=6e-10)


@pytest.mark.parametrize("cut", [12, 40, 75])
def test_what_is_forecast_does_not_change_when_the_future_is_poisoned(cut):
    history = made_history(90, ("one", "two"), shared=0.7).sort_values("known_at", kind="stable").reset_index(drop=True)
    last = history["known_at"].unique()[2 * cut]
    is_future = history["known_at"] >= last
    poisoned = history.copy()
    poisoned.loc[is_future, "cost_usd"] *= np.where(np.arange(is_future.sum()) % 2, 1e6, 1e-6)
    poisoned.loc[history["known_at"] > last, "size"] *= 1e4
    honest, fooled = (backtest(frame, EVERY) for frame in (history, poisoned))
    keys = ["model", "llm_model", "task_id"]
    known = history.loc[history["known_at"] <= last, ["llm_model", "task_id"]]
    past = honest.merge(known).set_index(keys)[SAID]
    again = fooled.set_index(keys).loc[past.index, SAID]
    pd.testing.assert_frame_equal(past, again, rtol=1e-9)
    assert not np.allclose(honest["estimate"].tail(5), fooled["estimate"].tail(5))


def test_every_forecast_names_a_cutoff_before_its_task():
    rows = backtest(made_history(30), EVERY).merge(made_history(30)[["task_id", "known_at"]], on="task_id")
    assert (rows["cutoff"] < rows["known_at"]).all()


def test_every_model_and_every_baseline_and_auto_has_rows():
    history = made_history(40, ("one", "two"))
    expected = {model.name for model in (*CANDIDATES, *BASELINES)} | {"probe_line", "auto"}
    assert set(backtest(history, EVERY)["model"]) == expected


def test_baselines_say_what_their_names_say():
    history = made_history(20)
    rows = backtest(history, EVERY).set_index(["model", "n_past"])["estimate"]
    cost = history["cost_usd"].to_numpy()
    assert rows["past_median", 10] == pytest.approx(np.exp(np.median(np.log(cost[:10]))))
    assert rows["past_mean", 10] == pytest.approx(cost[:10].mean())
    assert rows["last_value", 10] == pytest.approx(cost[9])


def test_intervals_are_nested_and_finite_and_hold_the_estimate():
    rows = backtest(made_history(60, ("one", "two")), EVERY)
    bounded = rows.dropna(subset=["lower_90"])
    assert np.isfinite(bounded[["lower_90", "upper_90"]].to_numpy()).all()
    auto = bounded[bounded["model"] == "auto"]
    assert (auto["lower_70"] <= auto["estimate"]).all() and (auto["estimate"] <= auto["upper_70"]).all()


def test_levels_are_the_caller_s():
    rows = backtest(made_history(30), Question(model="one", role="coder", levels=(0.8,)))
    assert {"lower_80", "upper_80"} <= set(rows.columns) and "lower_70" not in rows.columns


def test_auto_names_the_model_that_answered():
    rows = backtest(made_history(40), EVERY)
    auto = rows[rows["model"] == "auto"]
    assert set(auto["method"]) <= {model.name for model in CANDIDATES}


def test_only_the_series_asked_for_are_forecast_but_others_still_inform():
    history = made_history(40, ("one", "two"), shared=0.9)
    rows = backtest(history, Question(model="two", role="coder"))
    assert set(rows["llm_model"]) == {"two"} and "nested" in set(rows["model"])


def test_sizes_fall_into_terciles_and_unknown_ones_into_none():
    labels = label_sizes(np.array([1.0, 2, 3, 4, 5, 6, np.nan]))
    assert labels.tolist()[:6] == ["small", "small", "middle", "middle", "large", "large"]
    assert pd.isna(labels[6])


def test_a_longer_history_than_one_block_is_forecast_alike():
    history = made_history(560)
    long, short = backtest(history, EVERY), backtest(history.head(520), EVERY)
    joined = short.merge(long, on=["model", "n_past"], suffixes=("", "_"))
    assert len(joined) == len(short)
    assert np.allclose(joined["estimate"], joined["estimate_"])
    assert np.allclose(joined["lower_90"], joined["lower_90_"], equal_nan=True)


def test_too_few_tasks_are_refused_with_their_number():
    with pytest.raises(EstimationRefusal, match="one / coder: 2"):
        backtest(made_history(2), EVERY)


def test_outcomes_of_one_instant_do_not_help_to_forecast_each_other():
    """The roles of one task are finished together: the cost of one is not known before that of another."""
    rng = np.random.default_rng(3)
    rows = [
        {
            "task_id": f"T{n}",
            "known_at": pd.Timestamp("2026-01-01") + pd.Timedelta(days=n),
            "llm_model": "m",
            "agent_role": role,
        }
        for n in range(30)
        for role in ("Code", "Test")
    ]
    history = pd.DataFrame(rows).assign(cost_usd=rng.lognormal(0, 0.6, 60), task_type="api")
    changed = history.copy()
    is_last_code = (changed["task_id"] == "T29") & (changed["agent_role"] == "Code")
    changed.loc[is_last_code, "cost_usd"] *= 100
    before, after = (
        frame[(frame["task_id"] == "T29") & (frame["agent_role"] == "Test")].reset_index(drop=True)
        for frame in (backtest(history, EVERY), backtest(changed, EVERY))
    )
    pd.testing.assert_frame_equal(before, after)
