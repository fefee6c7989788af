"""Forecasts of daily spend: what they promise, what they refuse, and that they know nothing of the days to come."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal
from asp_analysis.periods import find_period
from asp_analysis.spending.daily import DailySpend
from asp_analysis.spending.open_work import measure_open_work
from asp_analysis.spending.outlook import look_ahead
from asp_analysis.spending.period_forecast import Limit, forecast_period, list_fan
from asp_analysis.spending.rolling_past import NO_SPEND, RollingPast
from asp_analysis.spending.simple_rules import apply_rules

MONDAY = date(2026, 1, 5)
WORKING_WEEK = np.array([10.0, 10, 10, 10, 10, 0, 0])


def noisy(days, seed=0, sigma=0.5):
    rng = np.random.default_rng(seed)
    return np.resize(WORKING_WEEK, days) * np.exp(rng.normal(0, sigma, days) - sigma**2 / 2)


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("day", date(2026, 2, 28), date(2026, 2, 28), date(2026, 2, 28)),
        ("week", date(2026, 3, 1), date(2026, 2, 23), date(2026, 3, 1)),
        ("month", date(2024, 2, 10), date(2024, 2, 1), date(2024, 2, 29)),
        ("month", date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
        ("quarter", date(2026, 11, 5), date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_periods_are_those_of_the_calendar(period, day, first, last):
    span = find_period(period, day)
    assert (span.first, span.last) == (first, last)


def test_a_steady_week_is_forecast_with_its_days_off():
    past = RollingPast.of(DailySpend(MONDAY, np.resize(WORKING_WEEK, 70)))
    low, middle, high = look_ahead(past, 70, 7).find_quantiles([0.15, 0.5, 0.85])
    assert middle == pytest.approx(50, rel=0.05) and low <= 50 <= high
    assert look_ahead(past, 70 - 2, 2).find_quantiles([0.5])[0] < 5  # Saturday and Sunday


def test_a_forecast_knows_nothing_of_what_came_later():
    amounts = noisy(90)
    changed = amounts.copy()
    changed[60:] *= 50
    one, other = (RollingPast.of(DailySpend(MONDAY, a)) for a in (amounts, changed))
    for horizon in (1, 7, 30):
        a, b = look_ahead(one, 60, horizon), look_ahead(other, 60, horizon)
        assert np.array_equal(a.values, b.values) and np.array_equal(a.shares, b.shares)
    short = RollingPast.of(DailySpend(MONDAY, amounts).take_first(60))
    assert np.allclose(look_ahead(short, 60, 7).values, look_ahead(one, 60, 7).values)


def test_spend_that_doubled_for_good_is_followed():
    amounts = noisy(120)
    amounts[70:] *= 2
    past = RollingPast.of(DailySpend(MONDAY, amounts))
    assert 80 < look_ahead(past, 112, 7).find_quantiles([0.5])[0] < 125


def test_a_part_that_rests_is_likely_to_spend_nothing():
    amounts = np.concatenate([noisy(60), np.zeros(60)])
    outlook = look_ahead(RollingPast.of(DailySpend(MONDAY, amounts)), 120, 7)
    assert outlook.find_quantiles([0.5])[0] < 1 and outlook.find_chance_over(30) < 0.15


def test_no_amount_makes_it_negative_or_infinite():
    for amounts in (np.full(40, 1e-9), np.full(40, 1e12), np.r_[np.zeros(37), 1, 1, 1], np.r_[1, 1, 1, np.zeros(37)]):
        past = RollingPast.of(DailySpend(MONDAY, amounts.astype(float)))
        outlook = look_ahead(past, 40, 90)
        assert np.isfinite(outlook.values).all() and (outlook.values >= 0).all()
        assert outlook.shares.sum() == pytest.approx(1) and (np.diff(outlook.values) >= 0).all()


def test_nothing_spent_after_a_forecast_is_the_lowest_error():
    past = RollingPast.of(DailySpend(MONDAY, np.r_[noisy(30), np.zeros(30)]))
    assert past.errors.min() == pytest.approx(NO_SPEND)


def test_open_tasks_move_a_forecast_where_they_did_in_the_past():
    rng = np.random.default_rng(3)
    waves = np.repeat(rng.choice([2.0, 20.0], 20), 14)
    amounts = waves * np.exp(rng.normal(0, 0.3, 280))
    tasks = np.append(waves, 20)  # known a day before the spend follows
    known, unknown = (RollingPast.of(DailySpend(MONDAY, amounts, open_tasks)) for open_tasks in (np.round(tasks), None))
    assert known.backlog[280] > 0.3
    quiet = [day for day in range(154, 266, 14) if waves[day - 1] == 2 and waves[day] == 20]
    assert quiet
    for day in quiet:
        assert look_ahead(known, day, 7).find_quantiles([0.5]) > look_ahead(unknown, day, 7).find_quantiles([0.5])


def test_a_forecast_of_a_period_adds_up():
    spend = DailySpend(MONDAY, noisy(80))
    found = forecast_period(spend, Limit("month", 150.0))
    today = MONDAY + timedelta(days=79)
    assert found.days_left == (found.span.last - today).days
    assert found.lower[0.9] <= found.lower[0.7] <= found.estimate <= found.upper[0.7] <= found.upper[0.9]
    assert found.spent == pytest.approx(spend.amounts[-today.day :].sum())
    fan = list_fan(spend, Limit("month", 150.0))
    assert fan[-1][0] == found.span.last and fan[-1][3] == pytest.approx(found.estimate)


def test_the_chance_of_crossing_falls_with_the_amount_and_the_day_comes_later():
    spend = DailySpend(MONDAY, noisy(80))
    found = [forecast_period(spend, Limit("month", amount)) for amount in (150.0, 200.0, 260.0, 900.0)]
    chances = [one.chance_over for one in found]
    assert chances == sorted(chances, reverse=True) and chances[-1] < 0.01
    days = [one.crossing for one in found if one.crossing is not None]
    assert days == sorted(days) and found[-1].crossing is None


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        (np.ones(13), "13 days of history"),
        (np.ones(1), "1 day of history"),
        (np.zeros(40), "Only 0 of 40 days"),
        (np.r_[np.zeros(38), 5, 5], "Only 2 of 40 days"),
    ],
)
def test_too_little_history_is_refused_with_the_reason(amounts, reason):
    with pytest.raises(EstimationRefusal, match=reason):
        forecast_period(DailySpend(MONDAY, amounts.astype(float)), Limit("month", 100.0))


def test_the_simple_rules_are_what_they_say():
    amounts = np.concatenate([np.full(7, 2.0), np.full(7, 3.0), np.full(4, 5.0)])
    rules = apply_rules(amounts, 14, 21, 18)
    assert rules == {"run_rate": 35.0, "last_period": 21.0, "seasonal_naive": 20 + 3 + 3 + 3}


@pytest.mark.slow
def test_intervals_hold_and_beat_the_rules_on_planted_teams():
    """A small part of benchmarks/budget_bench.py; docs/budget.md has the whole."""
    import pandas as pd

    from benchmarks.budget_bench import backtest, make_teams, measure, measure_alerts, watch

    teams = make_teams(12)
    found = measure(backtest(teams, "month"))
    assert 0.65 <= found["held_70"] <= 0.78 and found["held_90"] >= 0.85 and found["ratio"] <= 0.9
    alerts = measure_alerts(pd.DataFrame([row for one in teams.values() for row in watch(one, "month")]))
    assert alerts["false_alarm_rate"] <= 0.12 and alerts["median_days_of_warning"] >= 3


def test_open_tasks_count_by_what_was_estimated_of_them():
    days = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"])
    tasks = pd.DataFrame(
        {
            "created_at": days[[0, 0, 1, 1, 2]],
            "closed_at": [days[2], pd.NaT, pd.NaT, pd.NaT, pd.NaT],
            "usd": [2.0, 2.0, 20.0, 2.0, None],
            "size": [1.0, 1.0, 4.0, 1.0, 1.0],
        }
    )
    midnights = days.to_numpy("datetime64[us]")
    found = measure_open_work(tasks, midnights, "usd")
    assert found.by == "estimate" and found.estimate is None  # the last open one has no estimate
    assert found.work.tolist() == [0, 2, 13, 13] and found.count.tolist() == [0, 2, 4, 4]
    by_size = measure_open_work(tasks.assign(usd=None), midnights, "usd")
    assert by_size.by == "size" and by_size.work.tolist() == [0, 2, 7, 7]
    by_number = measure_open_work(tasks.assign(usd=None, size=None), midnights, "usd")
    assert by_number.by == "number" and by_number.work.tolist() == by_number.count.tolist()
    assert measure_open_work(tasks.fillna({"usd": 3.0}), midnights, "usd").estimate == 27
