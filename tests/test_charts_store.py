"""Charts of the store's limits: shares are comparable, a forecast shows its interval, and nothing is cut off."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from asp_analysis import charts
from asp_analysis.charts.style import BLUE, ORANGE, VERMILLION
from tests.test_charts import boxes_of, texts_of

mpl.use("Agg")

USE = pd.DataFrame(
    {"criterion": ["executions", "file size", "agents at once"], "used": [3225, 42.3, 9], "limit": [100_000, 50, 5]}
)
USE = USE.assign(unit=["executions", "MB", "agents"], share=USE["used"] / USE["limit"])
WEEKS = pd.DataFrame(
    {"week_ends": pd.date_range("2026-01-04", periods=9, freq="7D"), "total_executions": range(0, 45_000, 5_000)}
)
ROW = {
    "limit_value": 100_000,
    "reached_on": pd.Timestamp("2026-05-20"),
    "earliest": pd.Timestamp("2026-04-20"),
    "latest": pd.Timestamp("2026-08-01"),
}
NONE = {**ROW, "reached_on": None, "earliest": None, "latest": None}
DRAWN = {
    "use": lambda: charts.plot_limit_use(USE, title="Nine agents at once"),
    "growth": lambda: charts.plot_growth(WEEKS, ROW, title="Eleven weeks"),
    "open": lambda: charts.plot_growth(WEEKS, {**ROW, "latest": None}, title="Perhaps never"),
    "reached": lambda: charts.plot_growth(WEEKS.assign(total_executions=150_000), NONE, title="Reached"),
}


@pytest.fixture(autouse=True)
def styled():
    with plt.style.context("default"):
        charts.use_style()
        yield
    plt.close("all")


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN)
def test_every_text_lies_inside_and_on_no_other(drawn):
    figure = drawn().figure
    figure.canvas.draw()
    boxes, outside = boxes_of(figure), figure.bbox.padded(1)
    for name, box in boxes.items():
        assert outside.x0 <= box.x0 and box.x1 <= outside.x1 and outside.y0 <= box.y0 and box.y1 <= outside.y1, name
    for (name, box), (other, place) in combinations(boxes.items(), 2):
        assert not box.padded(-1.5).overlaps(place.padded(-1.5)), (name, other)


def test_a_bar_says_by_its_colour_whether_the_limit_is_near_or_reached():
    ax = charts.plot_limit_use(USE)
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [BLUE, ORANGE, VERMILLION]
    assert "3 %  ·  3,225 of 100,000 executions" in texts_of(ax)


def test_what_is_not_measured_has_no_bar():
    ax = charts.plot_limit_use(USE.assign(share=[0.03, None, 0.4]))
    assert len(ax.patches) == 2


def test_without_a_date_there_is_no_forecast_but_the_limit():
    ax = charts.plot_growth(WEEKS, NONE)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["executions so far", "limit: 100,000 executions"]


def test_the_date_of_the_limit_is_written_where_it_is_reached():
    assert "May 2026" in texts_of(charts.plot_growth(WEEKS, ROW))


def test_without_executions_the_chart_says_so():
    assert "No data yet" in texts_of(charts.plot_growth(WEEKS.head(0), NONE))
    assert "No data yet" in texts_of(charts.plot_limit_use(USE.head(0)))
