"""Lines and planes against published and certified numbers."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.published.linear import LinearFit, fit_line, fit_plane

HERE = Path(__file__).resolve().parent
SEI = json.loads((HERE / "reference" / "sei_psp.json").read_text())
NIST = json.loads((HERE / "reference" / "nist_strd.json").read_text())
SHARED_NIST = HERE.parents[1] / "shared" / "data" / "nist_strd"
NIST_SETS = [name for name in NIST if name != "source"]


def sei_fit(name: str) -> LinearFit:
    columns = SEI["fits"][name]
    return fit_line(SEI["history"][columns["x"]], SEI["history"][columns["y"]])


def program_8(name: str) -> tuple[dict, LinearFit]:
    test = SEI["program_8"][name]
    table = np.column_stack([test["w"], test["x"], test["y"]])
    return test, fit_plane(table, test["z"], ["w", "x", "y"])


def correct_digits(found: object, certified: list[float]) -> float:
    error = np.abs(np.asarray(found) - certified) / np.abs(certified)
    return float(-np.log10(np.maximum(error, 1e-16)).min())


def nist_fit(name: str) -> LinearFit:
    rows = np.array(NIST[name]["rows"])
    names = [f"x{i}" for i in range(1, rows.shape[1])]
    return fit_plane(rows[:, 1:], rows[:, 0], names, intercept=NIST[name]["intercept"])


def exact_polynomial(x: np.ndarray, y: np.ndarray, degree: int) -> list[float]:
    """Solve the normal equations in rational numbers, on the floating-point columns as they are."""
    rows = [[Fraction(float(v**p)) for p in range(degree + 1)] for v in x]
    target = [Fraction(float(v)) for v in y]
    size = degree + 1
    system = [
        [sum(r[i] * r[j] for r in rows) for j in range(size)]
        + [sum(r[i] * t for r, t in zip(rows, target, strict=True))]
        for i in range(size)
    ]
    for i in range(size):
        system[i] = [v / system[i][i] for v in system[i]]
        for k in range(size):
            if k != i:
                factor = system[k][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i], strict=True)]
    return [float(row[-1]) for row in system]


@pytest.mark.parametrize("name", ["T1", "T2", "T3", "T4"])
@pytest.mark.parametrize("quantity", ["b0", "b1", "r", "r2"])
def test_the_four_published_lines_are_reproduced_to_ten_digits(name, quantity):
    assert getattr(sei_fit(name), quantity) == pytest.approx(SEI["fits"][name][quantity], rel=5e-10)


@pytest.mark.parametrize("name", ["T1", "T2", "T3", "T4"])
def test_the_published_projections_are_reproduced_from_unrounded_coefficients(name):
    assert sei_fit(name).predict(386) == pytest.approx(SEI["fits"][name]["projection"], rel=1e-13)


@pytest.mark.parametrize("name", ["T1", "T2"])
def test_significance_is_the_two_sided_p_value(name):
    assert sei_fit(name).significance == pytest.approx(SEI["extension"][name]["significance"], rel=5e-10)


@pytest.mark.parametrize("name", ["T1", "T2"])
@pytest.mark.parametrize("level", ["0.7", "0.8", "0.9", "0.95"])
def test_prediction_intervals_have_the_published_half_width(name, level):
    interval = sei_fit(name).interval(386, float(level))
    assert interval.half_width == pytest.approx(SEI["extension"][name]["half_width"][level], rel=5e-10)


@pytest.mark.parametrize("name", ["T1", "T2"])
@pytest.mark.parametrize("level", ["0.7", "0.9"])
def test_prediction_intervals_have_the_published_limits(name, level):
    interval = sei_fit(name).interval(386, float(level))
    assert [interval.lower, interval.upper] == pytest.approx(SEI["extension"][name]["limits"][level], rel=5e-9)


@pytest.mark.parametrize("name", ["T1", "T2"])
def test_the_eighth_task_has_the_known_cooks_distance(name):
    assert sei_fit(name).cooks_distance[7] == pytest.approx(SEI["extension"][name]["cooks_distance_8"], abs=5e-5)


def test_the_least_slope_is_the_known_one_without_the_eighth_task():
    assert sei_fit("T2").leave_one_out_slopes.min() == pytest.approx(SEI["extension"]["T2"]["b1_without_8"], abs=5e-7)


def test_leverage_gives_the_known_leave_one_out_residuals():
    fit = sei_fit("T1")
    left_out = np.sort(np.abs(fit.residuals / (1 - fit.leverage)))
    assert left_out == pytest.approx(SEI["loo_absolute_residuals_T1"], abs=1e-6)


@pytest.mark.parametrize(("half_area", "dof", "t"), SEI["t_quantiles"])
def test_an_interval_uses_the_published_t_quantile(half_area, dof, t):
    x = np.arange(dof + 2.0)
    fit = fit_line(x, np.where(x % 2 == 0, 1.0, -1.0) + x)
    inside = fit.sigma * np.sqrt(1 + 1 / fit.n)
    assert fit.interval(x.mean(), 2 * half_area).half_width / inside == pytest.approx(t, rel=1e-9)


@pytest.mark.parametrize(("t", "dof", "half_area"), SEI["t_half_areas"])
def test_significance_agrees_with_the_published_half_areas_of_t(t, dof, half_area):
    x = np.arange(dof + 2.0) - (dof + 1) / 2
    noise = np.resize([1.0, -1.0, -1.0, 1.0], dof + 2)
    noise = fit_line(x, noise).residuals
    slope = t * np.sqrt(noise @ noise / dof / (x @ x))
    assert fit_line(x, slope * x + noise).significance == pytest.approx(1 - 2 * half_area, abs=2e-10)


@pytest.mark.parametrize("name", ["T1", "T2"])
def test_several_regressors_give_the_published_coefficients(name):
    test, fit = program_8(name)
    assert [fit.b0, *fit.coefficients] == pytest.approx(test["coefficients"], rel=5e-10)
    assert [fit.predict(test["new"]), fit.sigma, fit.r2] == pytest.approx(
        [test["projection"], test["sigma"], test["r2"]], rel=5e-10
    )


@pytest.mark.parametrize("name", ["T1", "T2"])
@pytest.mark.parametrize("level", ["0.7", "0.9"])
def test_several_regressors_give_the_exact_interval(name, level):
    test, fit = program_8(name)
    assert fit.interval(test["new"], float(level)).half_width == pytest.approx(test["exact"][level], rel=5e-10)


@pytest.mark.parametrize("name", NIST_SETS)
def test_certified_estimates_and_errors_have_the_required_digits(name):
    certified, table = NIST[name], nist_fit(name).summary_frame()
    assert correct_digits(table["estimate"], certified["estimates"]) >= certified["digits"]
    assert correct_digits(table["standard_error"], certified["errors"]) >= certified["digits"]


@pytest.mark.parametrize("name", NIST_SETS)
def test_certified_r2_and_residual_deviation_are_met(name):
    fit = nist_fit(name)
    assert correct_digits([fit.r2, fit.sigma], [NIST[name]["r2"], NIST[name]["sigma"]]) >= 11


def test_collinear_certified_data_are_warned_about():
    assert "condition number 111" in nist_fit("Longley").warning


@pytest.mark.parametrize("name", ["Norris", "NoInt1", "Longley"])
def test_the_stored_certified_data_equal_the_original_files(name):
    path = SHARED_NIST / f"{name}.dat"
    if not path.exists():
        pytest.skip("the folder shared/data/nist_strd is not beside the repository")
    lines = [line.split() for line in path.read_text().splitlines()[60:]]
    original = [[float(v) for v in line] for line in lines if line and line[0] != "Data:"]
    assert np.array_equal(original, NIST[name]["rows"])


def test_an_exact_polynomial_of_degree_five_is_found_without_scatter():
    x = np.arange(21.0)
    table = np.column_stack([x**p for p in range(1, 6)])
    fit = fit_plane(table, 1 + table.sum(axis=1), ["x", "x2", "x3", "x4", "x5"])
    assert [fit.b0, *fit.coefficients] == pytest.approx(np.ones(6), rel=1e-8)
    assert fit.sigma == 0
    assert "no width" in fit.warning


def test_a_quadratic_over_large_numbers_keeps_eleven_digits():
    x = np.repeat(np.arange(150_000.0, 3_000_001, 150_000), 2)
    y = 6.7e-4 + 7.3e-7 * x - 3.2e-15 * x**2 + np.resize([1e-4, -2e-4, 3e-4], len(x))
    fit = fit_plane(np.column_stack([x, x**2]), y, ["x", "x2"])
    assert correct_digits([fit.b0, *fit.coefficients], exact_polynomial(x, y, 2)) >= 11


def test_a_polynomial_of_degree_ten_keeps_seven_digits_and_says_how_few():
    rng = np.random.default_rng(0)
    x = np.round(np.sort(rng.uniform(-9, -3, 82)), 4)
    y = np.round(0.8 + 0.1 * np.sin(x) + 0.003 * rng.standard_normal(82), 4)
    fit = fit_plane(np.column_stack([x**p for p in range(1, 11)]), y, [f"x{p}" for p in range(1, 11)])
    assert correct_digits([fit.b0, *fit.coefficients], exact_polynomial(x, y, 10)) >= 6.5
    assert "about 6 digits survive" in fit.warning


def test_columns_dependent_to_rounding_are_refused_with_the_condition_number():
    x = np.linspace(1, 2, 30)
    table = np.column_stack([x, x**2, 3 * x - 2 * x**2 + 1e-15 * np.sin(x)])
    with pytest.raises(EstimationRefusal, match="condition number"):
        fit_plane(table, np.cos(x), ["x", "x2", "both"])


def test_the_fit_agrees_with_scipy_on_ordinary_data():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=40), rng.normal(size=40)
    fit, other = fit_line(x, y), stats.linregress(x, y)
    ours = [fit.b1, fit.b0, fit.r, fit.significance, fit.standard_errors[0], fit.intercept_error]
    theirs = [other.slope, other.intercept, other.rvalue, other.pvalue, other.stderr, other.intercept_stderr]
    assert ours == pytest.approx(theirs, rel=1e-10)
