"""From what one period cost to what another did: a bar per cause, and both periods among those before them."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from asp_analysis.charts.control import write_plain_numbers
from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    TEXT,
    VERMILLION,
    label_usd_axis,
    lay_out_rows,
    prepare_axes,
    put_legend_above,
    say_no_data,
    usd,
)


def plot_spend_bridge(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what the earlier period cost, one bar per cause that begins where the one before ends, and the later period.

    `frame`: name, cost_usd, kind ("period" for the first and the last row, else "cause": cost_usd is then a change).
    """
    ax = prepare_axes(frame, ("name", "cost_usd", "kind"), ax, title, 1.6 + 0.34 * max(len(frame), 3))
    if frame.empty:
        return say_no_data(ax)
    level, ends = 0.0, []
    for place, row in enumerate(frame.to_dict("records")):
        is_period, value = row["kind"] == "period", float(row["cost_usd"])
        start = 0.0 if is_period else level
        level = value if is_period else level + value
        color = GREY if is_period else VERMILLION if value > 0 else GREEN
        ax.barh(place, level - start, left=start, color=color, height=0.66)
        text = usd(value) if is_period else f"{'+' if value > 0 else '−'}{usd(abs(value))}"
        ends.append((max(start, level), place, text))
    for end, place, text in ends:
        ax.annotate(text, (end, place), (5, 0), textcoords="offset points", va="center", fontsize=9, color=TEXT)
    ax.set_yticks(range(len(frame)), frame["name"].tolist())
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
    lay_out_rows(ax)
    words = {"a period": GREY, "made it cost more": VERMILLION, "made it cost less": GREEN}
    put_legend_above(ax, [Patch(color=color, label=word) for word, color in words.items()])
    label_usd_axis(ax.xaxis, "Known cost (USD)")
    return ax


def plot_period_costs(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what each period cost, those that are compared in another colour, with the limits of the others' chart.

    `frame`: period, cost_usd, is_compared, centre, lower, upper (NaN where there is no chart). The axis is a log one;
    periods without spend have no place on it and leave a gap.
    """
    ax = prepare_axes(frame, ("period", "cost_usd", "is_compared", "centre", "lower", "upper"), ax, title)
    known = frame["cost_usd"].astype(float) > 0
    if not known.any():
        return say_no_data(ax, "No period has a known cost")
    places = pd.Series(range(len(frame)), frame.index)
    is_pair = frame["is_compared"].astype(bool)
    ax.plot(places[known & ~is_pair], frame["cost_usd"][known & ~is_pair], "o", color=BLUE, markersize=5)
    ax.plot(places[known & is_pair], frame["cost_usd"][known & is_pair], "D", color=VERMILLION, markersize=7)
    handles = [
        Line2D([], [], marker="o", linestyle="", color=BLUE, label="earlier period"),
        Line2D([], [], marker="D", linestyle="", color=VERMILLION, label="compared"),
    ]
    if math.isfinite(float(frame["centre"].iloc[0])):
        handles.append(ax.axhline(frame["centre"].iloc[0], color=BLACK, linewidth=1.2, label="centre"))
        for name in ("lower", "upper"):
            line = ax.axhline(frame[name].iloc[0], color=GREY, linewidth=1.2, linestyle="--", label="natural limits")
        handles.append(line)
    ax.set_yscale("log")
    step = -(-len(frame) // 9)
    ax.set_xticks(places[::-1][::step][::-1], frame["period"][::-1][::step][::-1].tolist())
    ax.set_xlabel("Period")
    ax.margins(x=0.05, y=0.15)
    write_plain_numbers(ax)
    ax.set_ylabel("Known cost (USD, log scale)")
    put_legend_above(ax, handles)
    return ax
