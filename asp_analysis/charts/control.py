"""Is anything drifting? Control charts: values in time order, their centre and limits, and the points that signal."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    label_day_axis,
    prepare_axes,
    put_legend_above,
    say_no_data,
)

RULES = {
    "is_outside": ("beyond a limit", "s", VERMILLION),
    "is_run": ("8 in a row on one side", "D", ORANGE),
    "is_near_limit": ("3 of 4 near a limit", "^", PURPLE),
}
"""Column of a chart's frame -> the rule in words, the marker, its colour."""
_POINTS = ("first_at", "value", "centre", "lower", "upper", *RULES)
_DENSITIES = ("period_at", "density", "centre", "lower", "upper", "is_outside")
_CONTROL_LIMIT: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.2, "linestyle": "--"}


def plot_control_chart(
    frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None, label: str = "USD per complexity unit"
) -> Axes:
    """Draw single values on a log axis with centre, limits, and a marker for each rule that a point breaks.

    `frame`: first_at, value, centre, lower, upper, is_outside, is_run, is_near_limit; one role and one model of
    `quality.cost_charts`. `label` names the value and its unit. A centre that moves is a forecast from the task before.
    """
    ax = prepare_axes(frame, _POINTS, ax, title)
    if frame.empty:
        return say_no_data(ax, "No chart: too few values")
    rows = frame.sort_values("first_at")
    places = np.arange(1, len(rows) + 1)
    handles = ax.plot(places, rows["value"], "o-", color=BLUE, linewidth=1, markersize=4, label="task")
    handles += _draw_limits(ax, places, rows)
    handles += _mark_signals(ax, places, rows)
    ax.set_yscale("log")
    ax.margins(y=0.1)
    write_plain_numbers(ax)
    ax.set_ylabel(label)
    _name_days(ax, rows["first_at"], "Tasks in the order in which the role worked on them")
    put_legend_above(ax, handles)
    return ax


def plot_control_charts(
    frame: pd.DataFrame, axes: np.ndarray | None = None, title: str | None = None, label: str = "USD per unit"
) -> np.ndarray:
    """Draw one small control chart per role and model, three to a row; returns the axes, shape (rows, 3).

    `frame`: as for plot_control_chart, plus agent_role and llm_model. One legend for all is below.
    """
    keys = frame.reindex(columns=["agent_role", "llm_model"])
    groups = [*frame.groupby([keys["agent_role"], keys["llm_model"]], sort=False, dropna=False)]
    if axes is None:
        count = max(1, -(-len(groups) // 3))
        axes = plt.subplots(count, 3, figsize=(11.5, 2.6 * count), squeeze=False)[1]
    figure = axes.flat[0].figure
    for ax, ((role, model), rows) in zip(axes.flat, groups, strict=False):
        prepare_axes(rows, ("agent_role", "llm_model", *_POINTS), ax, None)
        plot_control_chart(rows, ax, label=label)
        ax.get_legend().remove()
        ax.set_title(f"{role}, {len(rows)} tasks\n{model}", fontsize=9.5, pad=5)
        ax.set_xlabel("")
        ax.set_ylabel(label)
    for ax in axes.flat[len(groups) :]:
        ax.set_axis_off()
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    known = {handle.get_label(): handle for ax in axes.flat for handle in ax.lines if handle.get_label()[0] != "_"}
    figure.legend(handles=[*known.values()], loc="outside lower left", ncols=6)
    return axes


def plot_u_chart(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw counts per size and period; the limits are wide where little was looked at.

    `frame`: period_at, density, centre, lower, upper, is_outside; one role and one model of `quality.density_charts`
    (defects per complexity unit; drawn per 100 units).
    """
    ax = prepare_axes(frame, _DENSITIES, ax, title)
    if frame.empty:
        return say_no_data(ax, "No chart: too few periods")
    rows = frame.sort_values("period_at")
    at, scaled = rows["period_at"], 100 * rows[["density", "centre", "lower", "upper"]]
    ax.fill_between(at, scaled["lower"], scaled["upper"], step="mid", color="#EAF3F9", linewidth=0)
    handles = ax.plot(at, scaled["density"], "o-", color=BLUE, linewidth=1, label="density of the period")
    handles += ax.plot(at, scaled["centre"], color=BLACK, linewidth=1.2, label="centre")
    handles += ax.plot(at, scaled["upper"], drawstyle="steps-mid", label="limits for its size", **_CONTROL_LIMIT)
    ax.plot(at, scaled["lower"], drawstyle="steps-mid", **_CONTROL_LIMIT)
    outside = scaled.loc[rows["is_outside"].astype(bool), "density"]
    if len(outside):
        name, marker, color = RULES["is_outside"]
        handles += ax.plot(at[outside.index], outside, marker, color=color, markersize=9, zorder=4, label=name)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("Defects per 100 complexity units")
    _write_days(ax)
    put_legend_above(ax, handles)
    return ax


def plot_cusum(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None, limit: float = 5.0) -> Axes:
    """Draw both cumulative sums against the limit: a small lasting shift climbs, chance falls back to 0.

    `frame`: case_at, high, low (`quality.cusum` next to the instants), in standard deviations; in time order.
    """
    ax = prepare_axes(frame, ("case_at", "high", "low"), ax, title)
    if frame.empty:
        return say_no_data(ax)
    places, peak = np.arange(1, len(frame) + 1), frame[["high", "low"]].max(axis=1).to_numpy()
    handles = ax.plot(places, frame["high"], color=GREEN, label="sum of rises")
    handles += ax.plot(places, frame["low"], color=BLUE, label="sum of falls")
    handles.append(ax.axhline(limit, label=f"limit: {limit:g}", **_CONTROL_LIMIT))
    above = peak > limit + 1e-9  # a sum that lands on the limit has not passed it, whatever rounding makes of it
    if above.any():
        look: dict[str, Any] = {"color": VERMILLION, "markersize": 7, "zorder": 4}
        handles += ax.plot(places[above], peak[above], "s", label="beyond the limit", **look)
    ax.set_ylim(0, 1.15 * max(limit, float(peak.max())))
    ax.set_ylabel("Cumulative sum (SD)")
    _name_days(ax, frame["case_at"], "Cases in time order")
    put_legend_above(ax, handles)
    return ax


def _draw_limits(ax: Axes, places: np.ndarray, rows: pd.DataFrame) -> list[Line2D]:
    if rows["centre"].nunique() == 1:
        handles = [
            ax.axhline(rows["centre"].iloc[0], color=BLACK, linewidth=1.2, label="centre"),
            ax.axhline(rows["upper"].iloc[0], label="natural limits", **_CONTROL_LIMIT),
        ]
        ax.axhline(rows["lower"].iloc[0], **_CONTROL_LIMIT)
        return handles
    handles = ax.plot(places, rows["centre"], color=BLACK, linewidth=1.2, label="forecast from the task before")
    handles += ax.plot(places, rows["upper"], label="natural limits", **_CONTROL_LIMIT)
    ax.plot(places, rows["lower"], **_CONTROL_LIMIT)
    return handles


def _mark_signals(ax: Axes, places: np.ndarray, rows: pd.DataFrame) -> list[Line2D]:
    handles: list[Line2D] = []
    for column, (name, marker, color) in RULES.items():
        found = rows[column].to_numpy(dtype=bool)
        if found.any():
            look: dict[str, Any] = {"color": "none", "markeredgecolor": color, "markeredgewidth": 1.8, "markersize": 11}
            handles += ax.plot(places[found], rows["value"].to_numpy()[found], marker, label=name, zorder=4, **look)
    return handles


def write_plain_numbers(ax: Axes) -> None:
    """Write 0.02, 0.05, 0.1 or 2,000: at least two numbers are on the axis, however narrow the limits are."""
    low, high = ax.get_ylim()
    steps = (1.0, 2.0, 5.0) if high / low > 5 else tuple(np.arange(1.0, 10.0))
    ax.yaxis.set_major_locator(LogLocator(subs=steps, numticks=9))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.8f}".rstrip("0").rstrip(".")))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()


def _name_days(ax: Axes, instants: pd.Series, label: str, most: int = 4) -> None:
    """Name some places of an axis by the day of the value that is there; equal steps are values, not days."""
    steps = np.unique(np.linspace(0, len(instants) - 1, min(most, len(instants))).round().astype(int))
    ax.set_xticks(steps + 1, [f"{day:%d %b}" for day in pd.to_datetime(instants).iloc[steps]])
    ax.grid(axis="y", color=GREY, alpha=0.25)
    ax.set_xlabel(label)


def _write_days(ax: Axes) -> None:
    label_day_axis(ax.xaxis, most=5)
    ax.grid(axis="y", color=GREY, alpha=0.25)
