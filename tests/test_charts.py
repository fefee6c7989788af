"""Charts show what their frame says, at their reader's size: no label is cut off, none lies on another."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from asp_analysis import charts
from asp_analysis.charts.style import BLUE, GREY, MODE_COLORS, ORANGE, usd
from asp_analysis.errors import AnalysisError
from asp_analysis.probe.published.data import ProbeData
from asp_analysis.probe.published.linear import fit_line
from asp_analysis.probe.published.methods import judge_methods
from asp_analysis.probe.question import Question
from asp_analysis.wording import write_share

mpl.use("Agg")

ROLES = pd.DataFrame(
    {
        "agent_role": ["Code", "DesignReview", "Planning", "Ours", "Test"],
        "phase_order": [40, 30, 10, None, 60],
        "kind": ["construction", "appraisal", "overhead", None, "failure"],
        "cost_usd": [73.0, 12.5, 33.0, 0.004, None],
        "cost_share": [0.616, 0.105, 0.278, 0.0003, None],
    }
)
WEEKS = pd.DataFrame(
    {
        "week": pd.to_datetime(["2025-10-06", "2025-10-06", "2025-10-20"]),
        "llm_model": ["large", None, "large"],
        "cost_usd": [14.0, 2.0, 5.0],
    }
)
HISTORY = pd.DataFrame({"size": [6, 20, 33, 47, 60, 80], "cost_usd": [1.0, 2.2, 5.9, 4.1, 9.5, 8.0]})
FIT = fit_line(HISTORY["size"], HISTORY["cost_usd"])
SIZES = np.linspace(0, 90, 20)
BANDS = {level: FIT.band(SIZES, level).assign(size=SIZES) for level in (0.7, 0.9)}
ESTIMATE = FIT.band([18.0], 0.7).assign(size=18.0, level=0.7)
METHODS = judge_methods(ProbeData(proxy=HISTORY["size"], actual=HISTORY["cost_usd"]), Question(size=18.0)).frame()
DAYS = pd.date_range("2025-10-10", periods=6, freq="8D")
CURVE = pd.DataFrame(
    {
        "capability": "ReviewAgent_Code",
        "measured_at": DAYS,
        "mode": ["Learning", "Learning", "Shadow", "Shadow", "Autonomous", "Shadow"],
        "metric_name": "true_positive_rate",
        "metric_value": [np.nan, 0.5, 0.7, 0.85, 0.9, 0.6],
        "metric_target": 0.8,
        "is_higher_better": True,
    }
)
MAPE = CURVE.assign(capability="PROBE_AI", metric_name="mape_pct", metric_target=20.0, is_higher_better=False)
MAPE["metric_value"] = [60.0, 50.0, 40.0, 30.0, 22.0, 15.0]
BOTH = pd.concat([CURVE, MAPE], ignore_index=True)
FLOW = pd.DataFrame(
    {
        "phase_injected": ["Code", "Design", "Design"],
        "injected_order": [40, 20, 20],
        "phase_removed": ["Test", "DesignReview", "Test"],
        "removed_order": [60, 30, 60],
        "defects": [7, 25, 2],
    }
)
PHASES = pd.DataFrame(
    {
        "phase_removed": ["Test", "DesignReview"],
        "removed_order": [60, 30],
        "removed_kind": ["failure", "appraisal"],
        "defects": [9, 25],
        "median_fix_cost_usd": [0.29, 0.06],
    }
)
RESIDUALS = HISTORY.assign(
    task_id=[f"T-{n}" for n in range(6)],
    residual_usd=FIT.residuals,
    leverage=FIT.leverage,
    cooks_distance=FIT.cooks_distance,
    is_named=True,
)
VECTOR = pd.DataFrame(
    {
        "component": ["cost_usd", "latency_ms", "tokens_in", "tokens_out", "tool_calls"],
        "estimate": [2.19, 887_000.0, 2.63e6, 30_750.0, 66.0],
        "lower_70": [1.2, 641_000.0, 1.86e6, 14_000.0, 46.0],
        "upper_70": [2.99, 1_330_000.0, 3.58e6, 43_000.0, 100.0],
        "lower_90": [0.92, 527_000.0, 1.5e6, 12_000.0, 40.0],
        "upper_90": [4.7, 1_960_000.0, 5.8e6, 60_000.0, 135.0],
    }
)
MODELS = pd.DataFrame(
    {
        "llm_model": ["small", "large"],
        "estimate": [0.03, 0.28],
        "lower_70": [0.015, 0.09],
        "upper_70": [0.17, 0.47],
        "lower_90": [0.005, 0.03],
        "upper_90": [0.18, 1.44],
        "cheapest_probability": [0.85, 0.15],
        "cheapest_probability_lower": [0.48, 0.03],
        "cheapest_probability_upper": [0.97, 0.52],
        "n": [8, 38],
    }
)
HARDLY_KNOWN = MODELS.assign(lower_90=[0.014, 8e-9], upper_90=[0.09, 2.4e7])
LEVELS = [0.5, 0.7, 0.9]
CALIBRATION = pd.DataFrame(
    {
        "series": ["auto"] * 3 + ["past median"] * 3,
        "level": LEVELS * 2,
        "coverage": [0.55, 0.74, 1.0, 0.5, 0.8, 0.9],
        "lower": [0.4, 0.55, 0.89] * 2,
        "upper": [0.7, 0.87, 1.0 - 1e-9] * 2,
        "n": 31,
    }
)
BY_SIZE = pd.DataFrame(
    {
        "size_tercile": ["small", "middle", "large"] * 2,
        "level": [0.7] * 3 + [0.9] * 3,
        "coverage": [0.85, 0.76, 0.69, 0.94, 0.86, 0.91],
        "lower": [0.7, 0.6, 0.5, 0.8, 0.7, 0.8],
        "upper": [0.95, 0.9, 0.8, 1.0, 0.95, 0.97],
        "n": 12,
    }
)
FORECASTS = pd.DataFrame(
    {
        "task_id": [f"FERRY-{n:03}" for n in range(12)],
        "actual": [2.0, 9.0, 0.4, 2.2, 2.0, 8.0, 2.0, 2.5, 2.0, 12.0, 2.0, 2.0],
        "estimate": 2.1,
        "lower_70": 1.0,
        "upper_70": 4.0,
    }
)
ERRORS = pd.DataFrame(
    {
        "series": ["auto"] * 12 + ["past_median"] * 12,
        "n_past": [*range(3, 15)] * 2,
        "error": np.linspace(2.6, 0.1, 24),
        "running_error": [np.nan] * 5 + [0.6] * 7 + [np.nan] * 5 + [0.7] * 7,
    }
)
SCORES = pd.DataFrame(
    {
        "model": ["past_median", "auto", "loglog_recent", "probe_line"],
        "is_baseline": [True, False, False, True],
        "mdape": [0.6, 0.4, 0.3, np.nan],
        "words": ["60 %, 70 % held 81 %", "40 %", "30 %", "unused"],
    }
)
QUANTILES = pd.DataFrame({"share": [0.01, 0.15, 0.5, 0.85, 0.99], "cost_usd": [0.4, 1.0, 2.0, 4.0, 9.0]})
POSITIONS = pd.DataFrame(
    {"begin": [0, 0.5], "end": [0.5, 1.0], "share": [0.6, 0.4], "lower": [0.45, 0.45], "upper": [0.55, 0.55]}
)
FUNNEL = pd.DataFrame(
    {
        "call": [1, 2, 3, 4],
        "spent": [0.1, 0.5, 1.0, 1.4],
        "estimate": [2.0, 2.2, 1.9, 1.8],
        "lower": [0.5, 1.0, 1.2, 1.5],
        "upper": [9.0, 6.0, 4.0, 2.5],
    }
)
DRAWN = {
    "cost_by_role": lambda: charts.plot_cost_by_role(ROLES, title="Code takes most"),
    "cost_per_week": lambda: charts.plot_cost_per_week(WEEKS, title="The first week cost most"),
    "cost_distribution": lambda: charts.plot_cost_distribution(HISTORY, title="Half cost less than USD 5"),
    "probe": lambda: charts.plot_probe(HISTORY, BANDS, ESTIMATE, title="Size explains most of the cost"),
    "methods": lambda: charts.plot_methods(METHODS, title="A is chosen"),
    "residuals": lambda: charts.plot_residuals(RESIDUALS, title="The largest pull"),
    "estimate_vector": lambda: charts.plot_estimate_vector(VECTOR, title="Within a factor of two"),
    "models": lambda: charts.plot_models(MODELS, title="The small one is likely the cheapest"),
    "models_hardly_known": lambda: charts.plot_models(HARDLY_KNOWN, title="Three past tasks leave all open"),
    "calibration": lambda: charts.plot_calibration(CALIBRATION, title="Intervals hold"),
    "coverage_by_size": lambda: charts.plot_coverage_by_size(BY_SIZE, title="Small and large alike"),
    "backtest": lambda: charts.plot_backtest(FORECASTS, title="Four were missed"),
    "error_over_time": lambda: charts.plot_error_over_time(ERRORS, title="Errors shrink"),
    "scores": lambda: charts.plot_scores(SCORES, title="Sizes help"),
    "quantiles": lambda: charts.plot_quantiles(QUANTILES, under=3.0, title="Half cost less than USD 2"),
    "funnel": lambda: charts.plot_funnel(FUNNEL, title="It narrows"),
    "positions": lambda: charts.plot_positions(POSITIONS, title="More than half are below the estimate"),
    "learning_curve": lambda: charts.plot_learning_curve(CURVE, title="It fell"),
    "learning_curves": lambda: charts.plot_learning_curves(BOTH, title="One of two is on target"),
    "defect_flow": lambda: charts.plot_defect_flow(FLOW, title="Reviews find most"),
    "defects_by_phase": lambda: charts.plot_defects_by_phase(PHASES, title="Reviews find most"),
    "fix_cost_by_phase": lambda: charts.plot_fix_cost_by_phase(PHASES, title="Late is dear"),
}


@pytest.fixture(autouse=True)
def styled():
    with plt.style.context("default"):
        charts.use_style()
        yield
    plt.close("all")


@pytest.fixture(params=DRAWN.values(), ids=DRAWN.keys())
def figure(request):
    drawn = request.param()
    figure = np.atleast_1d(drawn).flat[0].figure
    figure.canvas.draw()
    return figure


def texts_of(ax) -> list[str]:
    return [text.get_text() for text in ax.findobj(Text) if text.get_text() and text.get_visible()]


def boxes_of(figure) -> dict[str, object]:
    return {f"{n} {text.get_text()!r}": text.get_window_extent() for n, text in enumerate(drawn_texts(figure))}


def drawn_texts(figure) -> list[Text]:
    """Return every text that a reader sees; ticks beyond the end of an axis are not drawn."""
    found = []
    for ax in figure.axes:
        ticks = [*ticks_within(ax.xaxis, ax.get_xlim()), *ticks_within(ax.yaxis, ax.get_ylim())] if ax.axison else []
        labels = [ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label, *ax.texts, *ticks]
        legend = ax.get_legend()
        found += labels + (list(legend.get_texts()) if legend else [])
    return [text for text in found if text.get_text() and text.get_visible()]


def ticks_within(axis, limits) -> list[Text]:
    low, high = sorted(limits)
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]


def test_every_text_lies_inside_the_figure(figure):
    outside = figure.bbox.padded(1)
    for name, box in boxes_of(figure).items():
        assert outside.x0 <= box.x0 and box.x1 <= outside.x1 and outside.y0 <= box.y0 and box.y1 <= outside.y1, name


def test_no_text_lies_on_another(figure):
    for (name, box), (other, place) in combinations(boxes_of(figure).items(), 2):
        assert not box.padded(-1.5).overlaps(place.padded(-1.5)), (name, other)


def test_every_chart_has_a_title_and_names_its_axes(figure):
    for ax in figure.axes:
        if ax.axison:
            assert ax.get_title(loc="left")
            assert ax.get_xlabel() or ax.get_ylabel()


def test_a_chart_draws_on_the_axes_that_it_is_given():
    _, ax = plt.subplots()
    assert charts.plot_cost_by_role(ROLES, ax) is ax


@pytest.mark.parametrize("plot", [getattr(charts, name) for name in charts.__all__ if name.startswith("plot_")])
def test_a_frame_without_the_columns_is_refused_by_name(plot):
    takes_more = plot in (charts.plot_probe, charts.plot_growth, charts.plot_budget_fan)
    arguments = (pd.DataFrame({"capability": ["a"]}), *([{}] if takes_more else []))
    with pytest.raises(AnalysisError, match=r"are needed for this chart, \['capability'\] found"):
        plot(*arguments)


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: charts.plot_cost_by_role(ROLES.head(0)),
        lambda: charts.plot_cost_per_week(WEEKS.head(0)),
        lambda: charts.plot_cost_distribution(HISTORY.head(0)),
        lambda: charts.plot_probe(HISTORY.head(0), {}),
        lambda: charts.plot_methods(METHODS.head(0)),
        lambda: charts.plot_residuals(RESIDUALS.head(0)),
        lambda: charts.plot_estimate_vector(VECTOR.head(0)),
        lambda: charts.plot_models(MODELS.head(0)),
        lambda: charts.plot_calibration(CALIBRATION.head(0)),
        lambda: charts.plot_coverage_by_size(BY_SIZE.head(0)),
        lambda: charts.plot_backtest(FORECASTS.head(0)),
        lambda: charts.plot_error_over_time(ERRORS.head(0)),
        lambda: charts.plot_scores(SCORES.head(0)),
        lambda: charts.plot_learning_curve(CURVE.head(1)),
        lambda: charts.plot_defect_flow(FLOW.head(0)),
        lambda: charts.plot_defects_by_phase(PHASES.head(0)),
        lambda: charts.plot_fix_cost_by_phase(PHASES.head(0)),
    ],
)
def test_without_data_a_chart_says_so(drawn):
    assert any(text.startswith("No ") for text in texts_of(drawn()))


def test_roles_stand_in_the_order_of_phases_and_own_roles_last():
    ax = charts.plot_cost_by_role(ROLES)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Planning", "DesignReview", "Code", "Ours"]
    assert ax.yaxis_inverted()


def test_a_role_whose_cost_is_unknown_has_no_bar():
    assert "Test" not in texts_of(charts.plot_cost_by_role(ROLES))


def test_bars_of_roles_say_cost_and_share():
    assert any("73.00" in text and "62 %" in text for text in texts_of(charts.plot_cost_by_role(ROLES)))


def test_a_week_without_costs_stays_as_a_gap():
    ax = charts.plot_cost_per_week(WEEKS)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["06 Oct", "13 Oct", "20 Oct"]


def test_a_week_of_unknown_cost_is_not_labelled_with_zero():
    weeks = pd.DataFrame({"week": ["2025-01-06", "2025-01-13"], "llm_model": "m", "cost_usd": [1.0, np.nan]})
    assert "unknown" in texts_of(charts.plot_cost_per_week(weeks))
    assert "unknown" not in texts_of(charts.plot_cost_per_week(WEEKS))


def test_a_model_without_a_name_is_named_as_such():
    assert "not named" in texts_of(charts.plot_cost_per_week(WEEKS))


def test_a_year_of_weeks_keeps_its_labels_apart():
    weeks = pd.DataFrame(
        {"week": pd.date_range("2025-01-06", periods=52, freq="7D"), "llm_model": "m", "cost_usd": 1.0}
    )
    ax = charts.plot_cost_per_week(weeks)
    assert len(ax.get_xticks()) <= 13


def test_the_median_of_the_distribution_is_marked():
    ax = charts.plot_cost_distribution(HISTORY)
    assert ax.lines[1].get_xdata()[0] == pytest.approx(HISTORY["cost_usd"].median())
    assert ax.get_xscale() == "log"


def test_costs_of_zero_are_counted_beside_the_log_axis():
    ax = charts.plot_cost_distribution(pd.DataFrame({"cost_usd": [0.0, 1.0, 2.0, None]}))
    assert "1 tasks at 0 are not drawn" in ax.get_xlabel()


def test_the_interval_of_the_new_task_is_drawn_at_its_size():
    ax = charts.plot_probe(HISTORY, BANDS, ESTIMATE)
    low, high = ax.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert ax.containers[0].lines[0].get_xdata()[0] == 18.0
    assert (low, high) == pytest.approx((max(ESTIMATE["lower"][0], 0), ESTIMATE["upper"][0]))


def test_bands_below_zero_are_cut_at_zero():
    assert BANDS[0.9]["lower"].min() < 0
    ax = charts.plot_probe(HISTORY, BANDS)
    lowest = [path.vertices[:, 1].min() for band in ax.collections for path in band.get_paths()]
    assert min(lowest) == 0


def test_a_history_without_a_fit_is_drawn_as_points_alone():
    ax = charts.plot_probe(HISTORY, {})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["finished task"]


def test_the_chosen_method_is_blue_and_the_others_are_grey():
    ax = charts.plot_methods(METHODS)
    chosen = METHODS["is_chosen"].tolist().index(True)
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [to_hex(point.get_markeredgecolor(), False) for point in points] == [
        to_hex(BLUE if place == chosen else GREY) for place in range(len(METHODS))
    ]


def test_a_method_without_a_number_says_so():
    assert "no number" in texts_of(charts.plot_methods(METHODS))


def test_influential_tasks_are_named_with_their_cooks_distance():
    one = RESIDUALS.assign(is_named=[False] * 5 + [True])
    texts = [text.get_text().strip() for text in charts.plot_residuals(one).texts]
    assert texts == [f"T-5: D {FIT.cooks_distance[5]:.2f}"]


def test_names_of_points_stay_within_the_residuals_and_apart():
    sizes, residuals = [1.0, 2.0, 1.0, 3.0, 200.0], [2.9, 3.0, 3.0, 0.1, -0.2]
    frame = pd.DataFrame({"task_id": list("abcde"), "size": sizes, "residual_usd": residuals})
    ax = charts.plot_residuals(frame.assign(leverage=0.1, cooks_distance=0.05, is_named=True))
    heights = [text.get_position()[1] for text in ax.texts]
    assert max(heights) <= 3.0 and np.diff(heights).min() >= 0.09 * 3.2 - 1e-9
    assert [text.get_ha() for text in ax.texts] == ["right", "left", "left", "left", "left"]


def test_a_component_is_orange_where_its_interval_asks_for_a_human():
    points = [line for line in charts.plot_estimate_vector(VECTOR).lines if line.get_marker() == "o"]
    is_wide = [point.get_color() == ORANGE for point in points]
    assert is_wide == [False, False, False, True, True]


def test_amounts_are_written_in_units_that_people_use():
    texts = " ".join(texts_of(charts.plot_estimate_vector(VECTOR)))
    assert all(text in texts for text in (r"\$2.19", "14.8 min", "2.63 M", "30.8 k"))


def test_the_likeliest_cheapest_model_is_blue_and_says_how_sure_that_is():
    ax = charts.plot_models(MODELS)
    points = [line.get_color() for line in ax.lines if line.get_marker() == "o"]
    assert points == [BLUE, GREY]
    assert any("85 % (48 % to 97 %)" in text for text in texts_of(ax))


def test_a_figure_that_is_given_keeps_its_height():
    figure, ax = plt.subplots(figsize=(6, 5))
    charts.plot_models(MODELS, ax)
    assert figure.get_figheight() == 5


def test_calibration_is_drawn_against_the_diagonal():
    diagonal = charts.plot_calibration(CALIBRATION).lines[0]
    assert diagonal.get_xdata() == pytest.approx(diagonal.get_ydata())


def test_coverage_keeps_the_uncertainty_of_few_forecasts():
    lower, upper = charts.plot_calibration(CALIBRATION).containers[0].lines[2][0].get_segments()[1][:, 1]
    assert (lower, upper) == pytest.approx((0.55, 0.87))


def test_what_the_levels_promise_is_marked_beside_the_coverage():
    texts = texts_of(charts.plot_coverage_by_size(BY_SIZE))
    assert {"promised: 70 %", "promised: 90 %", "small\n12 forecasts"} <= set(texts)


def test_misses_are_counted_and_the_worst_are_named():
    texts = texts_of(charts.plot_backtest(FORECASTS))
    assert {"actual, inside (8)", "actual, missed (4)"} <= set(texts)
    assert {text for text in texts if text.startswith("FERRY")} == {f"FERRY-{n:03}" for n in (1, 2, 5, 9)}


def test_another_level_is_drawn_from_its_own_columns():
    wide = FORECASTS.assign(lower_97=0.1, upper_97=20.0).drop(columns=["lower_70", "upper_70"])
    assert "97 % interval" in texts_of(charts.plot_backtest(wide, level=0.97))


def test_errors_beyond_the_edge_are_drawn_at_the_edge():
    assert charts.plot_error_over_time(ERRORS).lines[0].get_ydata().max() == 2


def test_the_best_score_stands_first_and_a_missing_one_last():
    ax = charts.plot_scores(SCORES)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["loglog_recent", "auto", "past_median", "probe_line"]
    assert "no score" in texts_of(ax) and "unused" not in texts_of(ax)


def test_modes_are_shaded_one_stretch_each():
    ax = charts.plot_learning_curve(CURVE)
    colors = [to_hex(patch.get_facecolor()) for patch in ax.patches]
    expected = ["Learning", "Shadow", "Autonomous", "Shadow"]
    assert colors == [to_hex(MODE_COLORS[mode]) for mode in expected]


def test_the_target_says_which_side_is_better():
    assert "target: at least 80 %" in texts_of(charts.plot_learning_curve(CURVE))
    assert "target: at most 20 %" in texts_of(charts.plot_learning_curve(MAPE))


@pytest.mark.parametrize(
    ("values", "third"),
    [
        ([0.5, 0.5, 0.5, 0.79, 0.81, 0.82], 0),
        ([0.8, 0.82, 0.99, 0.99, 0.82, 0.8], 1),
        ([0.82, 0.81, 0.79, 0.5, 0.5, 0.5], 2),
    ],
)
def test_the_target_is_named_where_the_curve_is_far_away(values, third):
    ax = charts.plot_learning_curve(CURVE.assign(metric_value=values))
    place = next(text for text in ax.texts if text.get_text().startswith("target")).xy[0]
    low, high = ax.get_xlim()
    assert int(2.99 * (place - low) / (high - low)) == third


def test_shares_are_drawn_as_percents_and_percents_as_they_are():
    assert charts.plot_learning_curve(CURVE).lines[0].get_ydata()[-1] == pytest.approx(60.0)
    assert charts.plot_learning_curve(MAPE).lines[0].get_ydata()[-1] == pytest.approx(15.0)


def test_an_unknown_value_is_a_gap_in_the_curve():
    assert np.isnan(charts.plot_learning_curve(CURVE).lines[0].get_ydata()[0])


def test_one_measurement_can_be_drawn():
    assert charts.plot_learning_curve(CURVE.tail(1)).lines


def test_there_is_one_panel_per_capability_and_the_rest_is_empty():
    axes = charts.plot_learning_curves(BOTH)
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["PROBE_AI", "ReviewAgent_Code", ""]
    assert [ax.axison for ax in axes.flat] == [True, True, False]


def test_the_defect_flow_writes_each_count_into_its_cell():
    ax = charts.plot_defect_flow(FLOW)
    cells = {(text.get_position(), text.get_text()) for text in ax.texts}
    assert cells == {((0.5, 0.5), "25"), ((1.5, 0.5), "2"), ((1.5, 1.5), "7")}


def test_phases_stand_in_their_order():
    ax = charts.plot_fix_cost_by_phase(PHASES)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["DesignReview", "Test"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0421, "0.042"), (2.186, "2.19"), (197.6, "198"), (1250, "1,250"), (-2, "2.00")]
)
def test_money_is_written_with_the_digits_that_matter(value, text):
    assert usd(value) == ("-" if value < 0 else "") + r"\$" + text


@pytest.mark.parametrize(("share", "text"), [(0, "0 %"), (0.0034, "0.3 %"), (0.37, "37 %"), (1, "100 %")])
def test_shares_are_written_as_percents(share, text):
    assert write_share(share) == text
