"""Charts of coding agents' costs: every cost is drawn, long names and long lists still fit, and nothing is cut off."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from asp_analysis import charts
from asp_analysis.charts.style import GREY
from tests.test_charts import boxes_of, texts_of

mpl.use("Agg")

SESSION = "1e0816ef-6f89-4f05-b331-dab09bb14485"
MODELS = [f"claude-model-{n}-20260101" for n in range(8)]
DAYS = pd.DataFrame(
    {
        "day": pd.to_datetime(["2026-01-05", "2026-01-05", "2026-01-07", "2026-01-20"]),
        "llm_model": ["large", None, "small", "large"],
        "cost_usd": [20.0, 1.5, 0.5, 3.0],
    }
)
YEAR = pd.DataFrame({"day": pd.date_range("2025-06-01", periods=400), "llm_model": MODELS * 50, "cost_usd": 1.0})
TOKENS = pd.DataFrame(
    {
        "llm_model": ["large", "claude-a-model-with-a-long-name-20260101"],
        "tokens_fresh": [10.0, 2e6],
        "tokens_cache_read": [70.0, 6e6],
        "tokens_cache_write": [15.0, 1e6],
        "tokens_out": [5.0, 1e6],
    }
)
TASKS = pd.DataFrame(
    {
        "task_id": [SESSION, SESSION.replace("4485", "0000"), "a-branch-with-a-very-long-name-without-a-ticket"],
        "project_id": ["a-repository-with-a-long-name", None, "ferry"],
        "first_at": pd.to_datetime(["2026-01-05", "2026-02-01", "2026-02-03"]),
        "cost_usd": [1234.0, 20.0, 0.004],
    }
)
PROJECTS = pd.DataFrame(
    {"project_id": [f"project-{n:02}" for n in range(20)], "tasks": 2, "cost_usd": range(20, 0, -1)}
)
DRAWN = {
    "days": lambda: charts.plot_cost_per_day(DAYS, title="The first day"),
    "weeks": lambda: charts.plot_cost_per_day(YEAR, title="Level"),
    "tokens": lambda: charts.plot_tokens_by_kind(TOKENS, title="Mostly from cache"),
    "tasks": lambda: charts.plot_most_expensive_tasks(TASKS, title="One task"),
    "projects": lambda: charts.plot_cost_by_project(PROJECTS, plt.subplots(figsize=(8.4, 5.5))[1], title="Many"),
}


@pytest.fixture(autouse=True)
def styled():
    with plt.style.context("default"):
        charts.use_style()
        yield
    plt.close("all")


def heights(ax) -> float:
    return sum(bar.get_height() for bar in ax.patches)


def widths(ax) -> list[float]:
    return [float(bar.get_width()) for bar in ax.patches]


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_every_text_lies_inside_the_figure_and_on_no_other(draw):
    figure = draw().figure
    figure.canvas.draw()
    outside, boxes = figure.bbox.padded(1), boxes_of(figure)
    for name, box in boxes.items():
        assert outside.x0 <= box.x0 and box.x1 <= outside.x1 and outside.y0 <= box.y0 and box.y1 <= outside.y1, name
    for (name, box), (other, place) in combinations(boxes.items(), 2):
        assert not box.padded(-1.5).overlaps(place.padded(-1.5)), (name, other)


def test_the_bars_of_days_hold_the_whole_cost():
    ax = charts.plot_cost_per_day(DAYS)
    assert heights(ax) == pytest.approx(DAYS.cost_usd.sum())
    assert ax.get_xlabel() == "Day (UTC)"


def test_many_days_become_weeks_that_hold_the_whole_cost_and_say_so():
    ax = charts.plot_cost_per_day(YEAR)
    assert heights(ax) == pytest.approx(400)
    assert "Week" in ax.get_xlabel() and "per week" in ax.get_ylabel()
    assert max(bar.get_y() + bar.get_height() for bar in ax.patches) == pytest.approx(7)


def test_the_sixth_and_later_models_share_one_colour():
    names = [text.get_text() for text in charts.plot_cost_per_day(YEAR).get_legend().get_texts()]
    assert names == [*MODELS[:5], "3 other models"]


def test_a_single_model_beyond_the_colours_keeps_its_name():
    six = YEAR[YEAR.llm_model.isin(MODELS[:6])]
    names = [text.get_text() for text in charts.plot_cost_per_day(six).get_legend().get_texts()]
    assert names == MODELS[:6]


def test_the_shares_of_tokens_fill_every_bar_and_the_sum_stands_beside_it():
    ax = charts.plot_tokens_by_kind(TOKENS)
    assert widths(ax) == pytest.approx([0.6, 0.7, 0.1, 0.15, 0.2, 0.1, 0.1, 0.05])
    assert {"10 M", "100"} <= set(texts_of(ax))


def test_tasks_whose_short_names_agree_keep_their_own_bars():
    ax = charts.plot_most_expensive_tasks(TASKS)
    assert widths(ax) == [1234.0, 20.0, 0.004]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "1e0816ef", "1e0816ef", "a-branch-with-a-very-long-n…"]  # fmt: skip


def test_a_task_says_cost_day_and_project():
    texts = texts_of(charts.plot_most_expensive_tasks(TASKS))
    assert r"\$1,234  ·  05 Jan 2026  ·  a-repository-wi…" in texts
    assert r"\$20.00  ·  01 Feb 2026  ·  not named" in texts


def test_the_projects_beyond_twelve_are_one_grey_bar_at_the_end():
    ax = charts.plot_cost_by_project(PROJECTS)
    assert len(ax.patches) == 13
    assert sum(widths(ax)) == PROJECTS.cost_usd.sum()
    assert ax.patches[-1].get_facecolor() == mpl.colors.to_rgba(GREY)
    assert r"\$36.00  ·  17 %  ·  16 tasks" in texts_of(ax)


def test_unknown_costs_are_not_drawn():
    unknown = PROJECTS.assign(cost_usd=PROJECTS.cost_usd.where(PROJECTS.cost_usd > 18, np.nan))
    assert widths(charts.plot_cost_by_project(unknown)) == [20.0, 19.0]


@pytest.mark.parametrize(
    ("plot", "frame"),
    [
        (charts.plot_cost_per_day, DAYS.assign(cost_usd=np.nan)),
        (charts.plot_tokens_by_kind, TOKENS.head(0)),
        (charts.plot_most_expensive_tasks, TASKS.head(0)),
        (charts.plot_cost_by_project, PROJECTS.head(0)),
    ],
)
def test_nothing_to_draw_is_said(plot, frame):
    assert "No data yet" in texts_of(plot(frame))
