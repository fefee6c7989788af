"""Charts of learning, quality and drift draw the evidence: bounds, intervals and signals stand where the frame says."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from asp_analysis import charts
from asp_analysis.charts.style import GREEN, MODE_COLORS, ORANGE, VERMILLION
from asp_analysis.quality import cusum, u_chart, xmr_chart
from tests.test_charts import boxes_of, texts_of

mpl.use("Agg")

DAYS = pd.date_range("2025-10-06", periods=12, freq="5D")
MODES = pd.DataFrame(
    {
        "capability": ["ReviewAgent_Code", "PROBE_AI"],
        "published_mode": ["Autonomous", "Shadow"],
        "sound_mode": ["Learning", "Shadow"],
        "completed": [44, 12],
        "needed": [40, 20],
    }
)
CRITERIA = pd.DataFrame(
    {
        "capability": ["PROBE_AI", "ReviewAgent_Code", "ErrorProneDetection"],
        "criterion": ["estimates within ±20 %", "findings that were confirmed", "lower density"],
        "cases": [60, 1, 0],
        "value": [0.95, 0.7, np.nan],
        "lower_bound": [0.82, 0.4, np.nan],
        "target": [0.7, 0.8, 0.3],
        "is_passed": [True, False, False],
    }
)
LIFE = pd.DataFrame(
    {
        "capability": "ReviewAgent_Code",
        "known_at": DAYS,
        "evidence_value": [np.nan, 0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.85, 1.0, 0.9, 0.8, 0.75],
        "evidence_lower": [np.nan, 0.1, 0.2, 0.3, 0.4, 0.4, 0.45, 0.5, 0.1, 0.3, 0.3, 0.35],
        "evidence_target": 0.8,
        "published_mode": ["Learning"] * 4 + ["Shadow"] * 4 + ["Autonomous"] * 4,
        "sound_mode": ["Learning"] * 10 + ["Shadow"] * 2,
    }
)
LIVES = pd.concat([LIFE, LIFE.assign(capability="ErrorProneDetection", evidence_value=np.nan, evidence_lower=np.nan)])
PARETO = pd.DataFrame({"defect_type": ["6_Code", "4_Made_Up", "2_Prompt"], "defects": [12, 5, 3]})
PARETO["cumulative_share"] = PARETO["defects"].cumsum() / PARETO["defects"].sum()
YIELDS = pd.DataFrame(
    {
        "agent_role": ["Test", "DesignReview", "Planning"],
        "phase_order": [60, 30, 10],
        "kind": ["failure", "appraisal", "overhead"],
        "removed": [3, 20, 0],
        "present": [4, 35, 0],
        "yield_share": [0.75, 20 / 35, np.nan],
        "lower": [0.3, 0.41, np.nan],
        "upper": [0.95, 0.72, np.nan],
    }
)
REVIEWS = pd.DataFrame(
    {"agent_role": ["CodeReview", "DesignReview"], "phase_order": [50, 30], "flagged": [10, 0], "confirmed": [8, 0]}
    | {"refuted": [2, 0], "escaped": [2, 1]}
    | {
        f"{name}_{end}": [value, np.nan if name != "escape" else 1.0]
        for name, center in (("true_positive", 0.8), ("false_positive", 0.2), ("escape", 0.2))
        for end, value in (("share", center), ("lower", center - 0.15), ("upper", center + 0.15))
    }
)
KINDS = pd.DataFrame(
    {
        "group": ["time", "dollars"],
        "construction_share": [0.5, np.nan],
        "overhead_share": [0.1, np.nan],
        "appraisal_share": [0.3, np.nan],
        "failure_share": [0.1, np.nan],
    }
)
AREAS = pd.DataFrame(
    {
        "area": ["src/payments.py", "src/small.py"],
        "defects": [20, 1],
        "size": [191.0, 8.0],
        "density": [0.105, 0.125],
        "shrunken_density": [0.08, 0.05],
        "lower": [0.06, 0.02],
        "upper": [0.11, 0.09],
        "is_high_risk": [True, False],
    }
)
SIGNALS = xmr_chart(np.log([1, 1.1, 0.9, 1.05, 1, 0.95, 1.1, 1, 0.9, 1, 30, 1.0]))
VALUES = SIGNALS.signals.assign(first_at=DAYS, agent_role="CodeReview", llm_model="large")
VALUES["value"] = np.exp(SIGNALS.signals["value"])
VALUES[["centre", "lower", "upper"]] = np.exp([SIGNALS.centre, SIGNALS.lower, SIGNALS.upper])
PERIODS = u_chart([2, 3, 2, 25, 1, 2], [100, 120, 90, 100, 20, 150]).assign(period_at=DAYS[:6])
PERIODS["is_outside"] = PERIODS["density"] > 0.2
SUMS = cusum([0.0, 0.2, -0.1, 0.1, -2.5, -2.0, -2.5, -1.5]).assign(case_at=DAYS[:8])
DRAWN = {
    "modes": lambda: charts.plot_modes(MODES, title="They differ about one"),
    "criteria": lambda: charts.plot_criteria(CRITERIA, title="One is passed"),
    "evidence": lambda: charts.plot_evidence(LIVES, title="Not enough evidence yet"),
    "pareto": lambda: charts.plot_defect_pareto(PARETO, title="Two types make up most"),
    "yields": lambda: charts.plot_phase_yields(YIELDS, title="The review removes half"),
    "reviews": lambda: charts.plot_review_effectiveness(REVIEWS, title="Reviews confirm most"),
    "cost_of_quality": lambda: charts.plot_cost_of_quality(KINDS, title="Quality takes 40 %"),
    "areas": lambda: charts.plot_error_prone_areas(AREAS, title="One stands out"),
    "control_chart": lambda: charts.plot_control_chart(VALUES, title="One task was dear"),
    "control_charts": lambda: charts.plot_control_charts(VALUES, title="One task was dear"),
    "u_chart": lambda: charts.plot_u_chart(PERIODS, title="One week was bad"),
    "cusum": lambda: charts.plot_cusum(SUMS, title="It fell"),
}
EMPTY = {
    "modes": lambda: charts.plot_modes(MODES.head(0)),
    "criteria": lambda: charts.plot_criteria(CRITERIA.head(0)),
    "pareto": lambda: charts.plot_defect_pareto(PARETO.head(0)),
    "yields": lambda: charts.plot_phase_yields(YIELDS.tail(1)),
    "reviews": lambda: charts.plot_review_effectiveness(REVIEWS.head(0))[0],
    "cost_of_quality": lambda: charts.plot_cost_of_quality(KINDS.head(0)),
    "areas": lambda: charts.plot_error_prone_areas(AREAS.head(0)),
    "control_chart": lambda: charts.plot_control_chart(VALUES.head(0)),
    "u_chart": lambda: charts.plot_u_chart(PERIODS.head(0)),
    "cusum": lambda: charts.plot_cusum(SUMS.head(0)),
}


@pytest.fixture(autouse=True)
def styled():
    with plt.style.context("default"):
        charts.use_style()
        yield
    plt.close("all")


@pytest.fixture(params=DRAWN.values(), ids=DRAWN.keys())
def figure(request):
    figure = np.atleast_1d(request.param()).flat[0].figure
    figure.canvas.draw()
    return figure


def points_of(ax, label):
    """Return the x and y values of the line with this label."""
    line = next(line for line in ax.lines if line.get_label() == label)
    return list(line.get_xdata()), list(line.get_ydata())


def test_every_text_lies_inside_the_figure(figure):
    outside = figure.bbox.padded(1)
    for name, box in boxes_of(figure).items():
        assert outside.x0 <= box.x0 and box.x1 <= outside.x1 and outside.y0 <= box.y0 and box.y1 <= outside.y1, name


def test_no_text_lies_on_another(figure):
    for (name, box), (other, place) in combinations(boxes_of(figure).items(), 2):
        assert not box.padded(-1.5).overlaps(place.padded(-1.5)), (name, other)


@pytest.mark.parametrize("drawn", EMPTY.values(), ids=EMPTY.keys())
def test_without_data_a_chart_says_so(drawn):
    assert any(text.startswith("No ") for text in texts_of(drawn()))


def test_a_criterion_reaches_from_its_lower_bound_to_its_share():
    bar = charts.plot_criteria(CRITERIA).lines[0]
    assert list(bar.get_xdata()) == [0.82, 0.95]


def test_only_a_passed_criterion_is_green():
    ax = charts.plot_criteria(CRITERIA)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [to_hex(dot.get_color(), False) for dot in dots] == [to_hex(GREEN), to_hex(ORANGE), to_hex(ORANGE)]


def test_a_criterion_without_a_case_says_so():
    assert {"60 cases", "1 case", "no scored case yet"} <= set(texts_of(charts.plot_criteria(CRITERIA)))


def test_each_rule_marks_the_mode_that_it_gives():
    ax = charts.plot_modes(MODES)
    places = {line.get_marker(): line.get_xdata()[0] for line in ax.lines[:3] if line.get_marker() in ("s", "o")}
    assert places == {"s": 2, "o": 0}


def test_the_strips_of_modes_follow_both_rules():
    panel = charts.plot_evidence(LIFE).flat[0]
    colors = [to_hex(strip.get_facecolor()[0]) for strip in panel.collections[: 2 * len(LIFE)]]
    expected = [MODE_COLORS[mode] for mode in [*LIFE["sound_mode"], *LIFE["published_mode"]]]
    assert colors == [to_hex(color) for color in expected]


def test_the_band_of_evidence_ends_at_the_lower_bound():
    band = charts.plot_evidence(LIFE).flat[0].collections[-1].get_paths()
    assert min(path.vertices[:, 1].min() for path in band) == pytest.approx(10.0)


def test_a_capability_without_evidence_says_so():
    assert "no scored case yet" in texts_of(charts.plot_evidence(LIVES).flat[0])


def test_the_pareto_says_what_the_types_make_up_together():
    assert {"12  ·  60 %", "5  ·  85 %", "3  ·  100 %"} <= set(texts_of(charts.plot_defect_pareto(PARETO)))


def test_a_yield_is_drawn_with_its_interval_and_counts():
    ax = charts.plot_phase_yields(YIELDS)
    assert list(ax.lines[0].get_xdata()) == [0.41, 0.72]
    assert "20 of 35" in texts_of(ax)


def test_a_phase_without_defects_has_no_yield():
    assert "Planning" not in texts_of(charts.plot_phase_yields(YIELDS))


def test_a_rate_of_a_review_names_its_own_denominator():
    panels = charts.plot_review_effectiveness(REVIEWS)
    assert [{"8/10", "2/10"} & set(texts_of(ax)) for ax in panels[:2]] == [{"8/10"}, {"2/10"}]
    assert {"2/10", "1/1"} <= set(texts_of(panels[2]))


def test_the_cost_of_quality_is_appraisal_and_failure():
    assert {"40 %", "unknown"} <= set(texts_of(charts.plot_cost_of_quality(KINDS)))


def test_only_an_area_of_high_risk_is_red_however_high_its_raw_density():
    ax = charts.plot_error_prone_areas(AREAS)
    shrunken = [line for line in ax.lines if line.get_marker() == "o" and line.get_color() != "none"]
    assert [to_hex(line.get_color(), False) == to_hex(VERMILLION) for line in shrunken] == [True, False]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_color() == "none"] == pytest.approx([10.5, 12.5])


def test_a_value_beyond_a_limit_is_marked_where_it_is():
    ax = charts.plot_control_chart(VALUES)
    assert points_of(ax, "beyond a limit") == ([11], pytest.approx([30.0]))
    assert ax.get_yscale() == "log"


def test_the_limits_of_a_control_chart_are_those_of_the_frame():
    ax = charts.plot_control_chart(VALUES)
    dashed = [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed == pytest.approx([VALUES["upper"][0], VALUES["lower"][0]])


def test_there_is_one_control_chart_per_role_and_model():
    both = pd.concat([VALUES, VALUES.assign(llm_model="small")])
    axes = charts.plot_control_charts(both)
    assert [ax.axison for ax in axes.flat] == [True, True, False]


def test_the_limits_of_counts_widen_where_little_was_looked_at():
    _, upper = points_of(charts.plot_u_chart(PERIODS), "limits for its size")
    assert upper[4] == max(upper)
    assert upper == pytest.approx(100 * PERIODS["upper"])


def test_a_period_beyond_its_limit_is_marked():
    assert points_of(charts.plot_u_chart(PERIODS), "beyond a limit")[1] == pytest.approx([25.0])


def test_a_cusum_marks_where_it_passes_the_limit():
    places, _ = points_of(charts.plot_cusum(SUMS), "beyond the limit")
    assert places == [7, 8]
