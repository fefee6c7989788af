"""Control charts: published values, false alarms as often as theory says, and real shifts found."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.errors import EstimationRefusal
from asp_analysis.quality import Work, cost_charts, cusum, density_charts, u_chart, xmr_chart
from asp_analysis.quality.control import forecast_neighbours, measure_correlation
from asp_analysis.quality.phases import find_worked_size
from asp_analysis.session import connect

REFERENCE = json.loads((Path(__file__).parent / "reference" / "process_control.json").read_text())


@pytest.fixture(scope="module")
def work(sample_store):
    with connect(sample_store) as session:
        return Work.read(session.view)


def test_the_limits_of_the_published_productivities_reproduce():
    chart = xmr_chart(REFERENCE["productivity"])
    assert chart.centre == pytest.approx(REFERENCE["xbar"], abs=1e-8)
    assert chart.mean_range == pytest.approx(REFERENCE["mean_range"], abs=1e-8)
    assert chart.upper == pytest.approx(REFERENCE["upper"], abs=1e-8)
    assert chart.lower == pytest.approx(REFERENCE["lower"], abs=1e-8)
    assert chart.range_limit == pytest.approx(REFERENCE["range_limit"], abs=1e-7)
    assert not chart.signals.filter(like="is_").to_numpy().any()


def test_the_published_example_of_four_values_reproduces():
    chart = xmr_chart(REFERENCE["four_values"])
    assert (chart.upper, chart.lower) == (pytest.approx(85.7), pytest.approx(-20.7))
    assert chart.range_limit == pytest.approx(REFERENCE["four_range_limit"], abs=0.03)  # published with 3.268


def test_each_rule_sees_what_it_is_for():
    flat = np.resize([-1.0, 1.0], 30)
    assert xmr_chart([*flat, 12.0], baseline=30).signals["is_outside"].tolist()[-1]
    run = xmr_chart([*flat, *[0.5] * 7], baseline=30).signals
    assert run["is_run"].tolist()[-2:] == [False, True]
    near = xmr_chart([*flat, 3.0, 3.0, 0.0, 3.0], baseline=30).signals
    assert near["is_near_limit"].tolist()[-3:] == [False, False, True]
    assert xmr_chart([*flat, 1.0, 9.0], baseline=30).signals["is_range_outside"].tolist()[-1]


def test_a_chart_needs_two_finite_values():
    with pytest.raises(EstimationRefusal, match="1 of at least 2"):
        xmr_chart([3.0])
    with pytest.raises(EstimationRefusal, match="finite"):
        xmr_chart([3.0, np.nan, 4.0])


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40), st.floats(-50, 50), st.floats(0.1, 10))
def test_a_chart_moves_and_stretches_with_its_values(values, shift, scale):
    one, other = xmr_chart(values), xmr_chart(np.array(values) * scale + shift)
    assert other.centre == pytest.approx(one.centre * scale + shift, abs=1e-6)
    assert other.upper - other.centre == pytest.approx((one.upper - one.centre) * scale, abs=1e-6)


def test_u_limits_follow_the_size_of_each_point():
    table = u_chart([2, 4, 3], [100, 200, 50])
    centre = 9 / 350
    assert table["centre"].tolist() == pytest.approx([centre] * 3)
    assert table["upper"].tolist() == pytest.approx([centre + 3 * np.sqrt(centre / a) for a in (100, 200, 50)])
    assert table["lower"].tolist() == [0, 0, 0] and not table["is_laney"].any()


def test_counts_that_vary_more_than_poisson_get_laneys_limits():
    rng = np.random.default_rng(5)
    sizes = np.full(60, 5_000.0)
    wild = rng.poisson(rng.gamma(20, 0.04 / 20, 60) * sizes)
    calm = rng.poisson(0.04 * sizes)
    assert u_chart(wild, sizes)["is_laney"].all() and u_chart(wild, sizes)["is_outside"].sum() <= 2
    assert not u_chart(calm, sizes)["is_laney"].any()


def test_no_defects_at_all_are_a_stable_chart():
    table = u_chart([0, 0, 0], [10, 20, 30])
    assert not table["is_outside"].any() and (table["upper"] == 0).all()


def test_a_size_of_zero_is_refused():
    with pytest.raises(EstimationRefusal, match="sizes above 0"):
        u_chart([1, 2], [10, 0])


def test_cusum_gives_a_false_alarm_about_every_465_values_and_finds_a_shift_of_one_sd_within_about_ten():
    rng = np.random.default_rng(7)
    first = [np.flatnonzero(cusum(rng.normal(size=3_000))[["is_high", "is_low"]].any(axis=1)) for _ in range(60)]
    assert np.mean([hits[0] + 1 if len(hits) else 3_000 for hits in first]) == pytest.approx(465, rel=0.35)
    shifted = [np.flatnonzero(cusum(rng.normal(1.0, size=100))["is_high"])[0] + 1 for _ in range(200)]
    assert np.mean(shifted) == pytest.approx(10.4, abs=1.5)


def test_costs_are_charted_per_role_and_model(work):
    table = cost_charts(work)
    assert {"Code", "Test"} <= set(table["agent_role"])
    assert table.groupby(["agent_role", "llm_model"]).size().min() >= 8
    assert (table["lower"] > 0).all() and (table["lower"] < table["centre"]).all()
    assert table["is_signal"].mean() < 0.1


def test_a_cost_that_doubles_is_a_signal(work):
    runs = work.runs.sort_values("first_at").copy()
    code = runs.index[runs["agent_role"] == "Code"]
    runs.loc[code[-10:], "cost_usd"] *= 6
    table = cost_charts(Work(work.defects, runs, work.tasks, work.phases))
    last = table[table["agent_role"] == "Code"].tail(10)
    assert last["is_signal"].any() and last["high"].max() > 5


def _correlate(phi, n, rng):
    """An autoregression of the first order, of variance 1."""
    values = [rng.normal()]
    for shock in rng.normal(0, np.sqrt(1 - phi**2), n - 1):
        values.append(phi * values[-1] + shock)
    return np.array(values)


def _count_alarms(values):
    signals = xmr_chart(values).signals
    return int(signals[["is_outside", "is_run", "is_near_limit"]].any(axis=1).sum())


def test_a_correlation_of_neighbours_is_found_and_a_step_of_the_level_is_none():
    rng = np.random.default_rng(3)
    found = [measure_correlation(_correlate(0.7, 200, rng)) for _ in range(40)]
    assert np.median(found) == pytest.approx(0.66, abs=0.06)
    independent = np.array([measure_correlation(rng.normal(size=60)) for _ in range(200)])
    assert (independent > 0).mean() < 0.05
    stepped = [measure_correlation(rng.normal(size=60) + np.repeat([0, 3.0], 30)) for _ in range(100)]
    assert np.mean(np.array(stepped) > 0) < 0.05
    assert measure_correlation(np.ones(60)) == 0 and measure_correlation(np.arange(19.0)) == 0


def test_where_neighbours_are_alike_errors_of_forecasts_raise_no_more_alarms_than_chance_and_a_shift_still_does():
    rng = np.random.default_rng(4)
    rows = [_correlate(0.6, 80, rng) for _ in range(60)]
    missed = [values - forecast_neighbours(values)[0] for values in rows]
    raw, residual = (sum(map(_count_alarms, every)) / (60 * 80) for every in (rows, missed))
    chance = sum(_count_alarms(rng.normal(size=80)) for _ in range(60)) / (60 * 80)
    assert raw > 4 * chance and residual < 2.5 * chance
    shifted = [_correlate(0.5, 80, rng) + np.repeat([0, 4.0], 40) for _ in range(20)]
    assert all(_count_alarms(values - forecast_neighbours(values)[0]) for values in shifted)


def test_a_chart_of_correlated_costs_has_a_centre_that_moves(work):
    runs = work.runs.sort_values("first_at").copy()
    code = runs.index[(runs["agent_role"] == "Code") & (runs["cost_usd"] > 0)]
    wave = np.exp(_correlate(0.9, len(code), np.random.default_rng(1)))
    runs.loc[code, "cost_usd"] = wave * find_worked_size(runs)[code].fillna(1.0)
    table = cost_charts(Work(work.defects, runs, work.tasks, work.phases))
    moving = table[(table["agent_role"] == "Code") & (table["correlation"] > 0)]
    others = table[table["correlation"] == 0].groupby(["agent_role", "llm_model"])["centre"].nunique()
    assert len(moving) and moving["centre"].nunique() > 5 and (others == 1).all()
    assert ((moving["lower"] < moving["centre"]) & (moving["centre"] < moving["upper"])).all()


def test_densities_are_charted_per_role_and_model(work):
    table = density_charts(work)
    assert set(table["agent_role"]) == {"Planning", "Design", "Code"}
    ended = find_worked_size(work.tasks)[work.tasks["completed_at"].notna()].sum()
    assert table.loc[table["agent_role"] == "Code", "size"].sum() == pytest.approx(ended)
    assert table.loc[table["agent_role"] == "Code", "defects"].sum() == 48


def test_too_little_data_gives_empty_charts_with_their_columns(work):
    few = Work(work.defects[:0], work.runs[:3], work.tasks[:3], work.phases)
    assert len(cost_charts(few)) == 0 and "centre" in cost_charts(few)
    assert len(density_charts(few)) == 0 and "centre" in density_charts(few)


def test_one_bad_period_of_a_short_series_does_not_widen_the_limits_that_should_show_it():
    chart = u_chart([2, 3, 2, 25, 1, 2], [100, 120, 90, 100, 20, 150])
    assert chart["is_outside"].tolist() == [False, False, False, True, False, False]
    assert not chart["is_laney"].any()
