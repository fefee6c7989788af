"""Did a change help: the tasks before and after it, and the interval as it became narrower."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from asp_analysis.charts.control import write_plain_numbers
from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    ORANGE,
    SKY,
    label_day_axis,
    name_clock,
    prepare_axes,
    put_legend_above,
    say_no_data,
)


def plot_looks(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw the ratio after / before with its interval at each look; the line at 1 is "no change".

    `frame`: after (tasks after the change at that look), ratio, lower, upper. What is wider than a factor of 30 is cut.
    """
    ax = prepare_axes(frame, ("after", "ratio", "lower", "upper"), ax, title)
    known = frame[frame["ratio"].gt(0)]
    if known.empty:
        return say_no_data(ax, "No look yet")
    low, high = (np.clip(known[name].astype(float), 1 / 30, 30) for name in ("lower", "upper"))
    ax.fill_between(known["after"], low, high, color=SKY, alpha=0.4, linewidth=0)
    ax.plot(known["after"], np.clip(known["ratio"].astype(float), 1 / 30, 30), color=BLUE, linewidth=1.8)
    ax.axhline(1.0, color=BLACK, linewidth=1.2, linestyle="--")
    ax.set_yscale("log")
    write_plain_numbers(ax)
    ax.set_xlabel("Matched tasks after the change")
    ax.set_ylabel("After / before (ratio, log scale)")
    handles = [
        Line2D([], [], color=BLUE, label="ratio"),
        Patch(color=SKY, alpha=0.4, label="95 % at all looks"),
        Line2D([], [], color=BLACK, linestyle="--", label="no change"),
    ]
    put_legend_above(ax, handles)
    return ax


def plot_before_after(
    frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None, label: str = "Cost of a task (USD)"
) -> Axes:
    """Draw one point per matched task at its begin, before and after in two colours, with both medians.

    `frame`: first_at, is_after, value (above 0). The axis of values is a log one.
    """
    ax = prepare_axes(frame, ("first_at", "is_after", "value"), ax, title)
    known = frame[frame["value"].astype(float) > 0]
    if known.empty:
        return say_no_data(ax, "No task to compare")
    handles = []
    for is_after, color, word in ((False, ORANGE, "before"), (True, BLUE, "after")):
        rows = known[known["is_after"].astype(bool) == is_after]
        if rows.empty:
            continue
        days = date2num(pd.to_datetime(rows["first_at"]).to_numpy())
        ax.plot(days, rows["value"], "o", color=color, markersize=4, alpha=0.7)
        ax.hlines(rows["value"].median(), days.min(), days.max(), color=color, linewidth=2)
        handles.append(Line2D([], [], color=color, marker="o", label=f"{word}, with the median"))
    ax.xaxis_date()
    label_day_axis(ax.xaxis, 8)
    ax.set_yscale("log")
    write_plain_numbers(ax)
    ax.set_xlabel(f"Begin of the task ({name_clock()})")
    ax.set_ylabel(label)
    put_legend_above(ax, handles)
    return ax
