"""What must hold for every line: shifts, scales, order, nesting of intervals, leaving one out; and what is refused."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.published.linear import fit_line, fit_plane

X = [130, 650, 99, 150, 128, 302, 95, 945, 368, 961]
Y = [186, 699, 132, 272, 291, 331, 199, 1890, 788, 1601]
points = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=4, max_size=25)


def arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.array(pairs, dtype=float).T
    assume(len(set(x)) > 2 and len(set(y)) > 1)
    return x, y


def close(a: float, b: float, scale: float) -> bool:
    return abs(a - b) <= 1e-9 * (abs(a) + abs(b) + scale)


@given(points, st.sampled_from([-1e9, 12345.0, 1e6, 1e9, 2.0**40]))
def test_shifting_x_moves_no_slope_and_no_projection(pairs, shift):
    x, y = arrays(pairs)
    fit, moved = fit_line(x, y), fit_line(x + shift, y)
    assert close(fit.b1, moved.b1, 1e-3)
    assert close(fit.predict(500), moved.predict(500 + shift), 1.0)
    assert close(fit.interval(500, 0.7).half_width, moved.interval(500 + shift, 0.7).half_width, 1.0)


@given(points, st.floats(1e-6, 1e6))
def test_scaling_y_scales_the_projection_and_its_interval(pairs, factor):
    x, y = arrays(pairs)
    fit, scaled = fit_line(x, y), fit_line(x, factor * y)
    assert close(factor * fit.predict(500), scaled.predict(500), factor)
    assert close(factor * fit.interval(500, 0.9).half_width, scaled.interval(500, 0.9).half_width, factor)
    assert close(fit.r2, scaled.r2, 1.0)


@given(points, st.floats(1e-6, 1e6))
def test_the_unit_of_x_changes_no_projection(pairs, factor):
    x, y = arrays(pairs)
    assert close(fit_line(x, y).predict(500), fit_line(factor * x, y).predict(factor * 500), 1.0)


@given(points, st.randoms(use_true_random=False))
def test_the_order_of_the_tasks_does_not_matter(pairs, random):
    x, y = arrays(pairs)
    order = list(range(len(x)))
    random.shuffle(order)
    fit, shuffled = fit_line(x, y), fit_line(x[order], y[order])
    assert close(fit.predict(500), shuffled.predict(500), 1.0)
    assert close(fit.significance, shuffled.significance, 1.0)


@given(points, st.floats(0.05, 0.95), st.floats(0.01, 0.04))
def test_a_higher_level_gives_an_interval_around_the_lower_one(pairs, level, more):
    fit = fit_line(*arrays(pairs))
    inner, outer = fit.interval(500, level), fit.interval(500, level + more)
    assert outer.lower <= inner.lower <= inner.projection <= inner.upper <= outer.upper


@given(points)
def test_the_interval_is_narrowest_at_the_mean_of_x(pairs):
    x, y = arrays(pairs)
    fit = fit_line(x, y)
    assert fit.interval(x.mean(), 0.7).half_width <= fit.interval(x.max() + 1, 0.7).half_width


@settings(max_examples=40)
@given(points)
def test_leave_one_out_slopes_equal_refitted_slopes(pairs):
    x, y = arrays(pairs)
    slopes = fit_line(x, y).leave_one_out_slopes[:, 0]
    for i in range(len(x)):
        rest = np.arange(len(x)) != i
        if len(set(x[rest])) > 1 and rest.sum() > 2:
            assert close(slopes[i], fit_line(x[rest], y[rest]).b1, 1.0)


@given(points)
def test_leverages_add_up_to_the_number_of_coefficients(pairs):
    assert fit_line(*arrays(pairs)).leverage.sum() == pytest.approx(2)


@pytest.mark.parametrize("shift", [1e7, 1e8, 1e9, 1.7e9])
def test_epoch_seconds_keep_ten_digits_of_the_slope(shift):
    fit = fit_line(np.array(X) + shift, Y)
    assert fit.b1 == pytest.approx(1.7279324262069857, rel=1e-13)
    assert fit.interval(386 + shift, 0.7).half_width == pytest.approx(230.00171970234854, rel=1e-12)


def test_x_that_varies_only_in_its_last_digits_is_warned_about():
    fit = fit_line(1e12 + np.arange(5) * 1e-3, [1, 2, 4, 3, 5])
    assert "varies too little" in fit.warning


def test_a_plane_with_one_column_is_the_line():
    line, plane = fit_line(X, Y), fit_plane(np.array(X)[:, None], Y, ["x"])
    assert plane.summary_frame().equals(line.summary_frame())


def test_cooks_distance_of_a_point_that_carries_the_slope_alone_is_infinite():
    fit = fit_line([1, 1, 1, 4], [3, 5, 7, 9])
    assert fit.cooks_distance[3] == np.inf
    assert np.isnan(fit.leave_one_out_slopes[3, 0])


def test_a_band_repeats_the_single_intervals():
    fit = fit_line(X, Y)
    band = fit.band([100, 386, 900], 0.7)
    single = [fit.interval(x, 0.7) for x in (100, 386, 900)]
    assert band["lower"].tolist() == pytest.approx([i.lower for i in single])
    assert band["upper"].tolist() == pytest.approx([i.upper for i in single])


def test_without_an_intercept_the_line_goes_through_zero():
    fit = fit_line([1, 2, 3], [2, 4.1, 6], intercept=False)
    assert fit.predict(0) == 0
    assert fit.interval(0, 0.7).half_width == pytest.approx(1.3862065601 * fit.sigma)
    assert fit.summary_frame().index.tolist() == ["x"]


def test_y_that_does_not_vary_leaves_the_correlation_undefined_and_says_so():
    fit = fit_line([1, 2, 3, 4], [0.1] * 4)
    assert np.isnan(fit.r2) and np.isnan(fit.significance)
    assert "nothing for x to explain" in fit.warning


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([1, 2], [1, 2], "Too few points for this fit: 2 of at least 3"),
        ([1, 2, 3], [1, 2], "Pass one y per row of x"),
        ([1, 2, np.nan], [1, 2, 3], "1 of 3 rows have values that are not finite"),
        ([1, 2, 3], [1, np.inf, 3], "1 of 3 rows have values that are not finite"),
        ([5, 5, 5], [1, 2, 3], "it is 5 in all 3 of them"),
        ([1e9 + 0.1] * 4, [1, 2, 3, 4], "in all 4 of them"),
        ([[1, 2], [3, 4], [5, 6]], [1, 2, 3], "Use fit_plane"),
    ],
)
def test_data_that_carry_no_line_are_refused_with_what_was_found(x, y, words):
    with pytest.raises(EstimationRefusal, match=words):
        fit_line(x, y)


@pytest.mark.parametrize("level", [0, 1, 70, -0.1])
def test_a_level_that_is_no_share_is_refused(level):
    with pytest.raises(EstimationRefusal, match="is not between 0 and 1"):
        fit_line(X, Y).interval(386, level)


def test_a_prediction_with_a_missing_value_is_refused():
    with pytest.raises(EstimationRefusal, match="not a finite value for each of a, b"):
        fit_plane(np.random.default_rng(1).normal(size=(6, 2)), range(6), ["a", "b"]).predict([1.0, np.nan])
