"""How a forecast is distributed: its quantiles, and how it narrows while a session runs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, PercentFormatter

from asp_analysis.charts.estimates import choose_log_ticks
from asp_analysis.charts.style import BLACK, BLUE, ORANGE, label_usd_axis, prepare_axes, put_legend_above, say_no_data

_BAND = "#C3E1F4"


def plot_quantiles(
    frame: pd.DataFrame, under: float | None = None, ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Draw the probability that a task costs at most so much.

    frame: share, cost_usd, as `Estimate.list_quantiles` has them. under: an amount to mark.
    """
    ax = prepare_axes(frame, ("share", "cost_usd"), ax, title)
    if frame.empty:
        return say_no_data(ax)
    handles: list[Any] = ax.plot(frame["cost_usd"], frame["share"], color=BLUE, linewidth=2, label="probability")
    middle = frame[frame["share"].between(0.15, 0.85)]
    handles.append(ax.fill_between(middle["cost_usd"], middle["share"], color=_BAND, label="the middle 70 %"))
    if under is not None:
        handles.append(ax.axvline(under, color=ORANGE, linewidth=1.6, linestyle="--", label="the amount asked for"))
    ax.set_xscale("log")
    lowest, highest = ax.get_xlim()
    ax.xaxis.set_major_locator(FixedLocator(choose_log_ticks(lowest, highest)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    label_usd_axis(ax.xaxis, "Cost (USD, logarithmic)")
    ax.set_ylabel("Probability to cost at most this")
    put_legend_above(ax, handles)
    return ax


def plot_funnel(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what a session was forecast to cost at its end after each of its calls, and what it had spent.

    frame: call, spent, estimate, lower, upper (USD), as `RunningForecast.list_calls` has them.
    """
    ax = prepare_axes(frame, ("call", "spent", "estimate", "lower", "upper"), ax, title)
    known = frame.dropna()
    if known.empty:
        return say_no_data(ax)
    call = known["call"].to_numpy(float)
    handles: list[Any] = [
        ax.fill_between(call, known["lower"], known["upper"], color=_BAND, label="70 % interval of the cost at the end")
    ]
    handles += ax.plot(call, known["estimate"], color=BLUE, linewidth=2, label="estimate")
    handles += ax.plot(call, known["spent"], color=BLACK, linewidth=1.6, label="spent")
    ax.set_yscale("log")
    ax.set_xlim(left=min(1.0, float(np.min(call))))
    lowest, highest = 0.9 * float(known["spent"].min()), 1.1 * float(known["upper"].max())
    ax.set_ylim(lowest, highest)
    ax.yaxis.set_major_locator(FixedLocator(choose_log_ticks(lowest, highest)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_usd_axis(ax.yaxis, "Cost (USD, logarithmic)")
    ax.set_xlabel("Calls of the session")
    put_legend_above(ax, handles)
    return ax
