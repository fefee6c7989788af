"""Where a period ends: what was spent so far, the fan of what may come, and the budget."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from asp_analysis.charts.style import BLACK, BLUE, ORANGE, prepare_axes, put_legend_above, say_no_data

_FAN_ALPHA = 0.22


def plot_budget_fan(
    frame: pd.DataFrame, limit: float, ax: Axes | None = None, title: str | None = None, unit: str = "USD"
) -> Axes:
    """Draw what was spent by the end of each day of a period, and what will be.

    `frame`: day, spent (so far; empty in the days ahead), estimate, lower, upper (of the 70 % interval; empty before).
    limit: the budget, in the unit.
    """
    ax = prepare_axes(frame, ("day", "spent", "estimate", "lower", "upper"), ax, title)
    if frame.empty:
        return say_no_data(ax)
    days = pd.to_datetime(frame["day"])
    ax.plot(days, frame["spent"], color=BLUE, linewidth=2, drawstyle="steps-post")
    ax.fill_between(days, frame["lower"], frame["upper"], color=BLUE, alpha=_FAN_ALPHA, linewidth=0)
    ax.plot(days, frame["estimate"], color=BLUE, linewidth=1.5, linestyle="--")
    ax.axhline(limit, color=ORANGE, linewidth=1.5)
    handles = [
        Line2D([], [], color=BLUE, linewidth=2, label="spent"),
        Line2D([], [], color=BLUE, linewidth=1.5, linestyle="--", label="forecast"),
        Patch(color=BLUE, alpha=_FAN_ALPHA, label="70 % interval"),
        Line2D([], [], color=ORANGE, linewidth=1.5, label="budget"),
    ]
    ax.set_ylim(bottom=0)
    locator = AutoDateLocator(maxticks=8)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    ax.tick_params(colors=BLACK)
    ax.grid(axis="y")
    ax.set_ylabel(f"Sum since the period began ({unit})")
    ax.set_xlabel("End of day")
    put_legend_above(ax, handles)
    return ax
