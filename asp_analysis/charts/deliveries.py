"""What became of changes of code, and what one outcome cost."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from asp_analysis.charts.style import (
    BLUE,
    GREY,
    SKY,
    TEXT,
    VERMILLION,
    label_bars,
    label_usd_axis,
    lay_out_rows,
    prepare_axes,
    put_legend_above,
    say_no_data,
    usd,
)
from asp_analysis.wording import write_share

MOST_MONTHS_DRAWN = 24


def plot_outcome_shares(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per outcome with the 95 % interval of its share; bad outcomes are red.

    `frame`: outcome, part, whole, share, lower, upper, is_bad; in the order in which they are drawn.
    """
    ax = prepare_axes(frame, ("outcome", "part", "whole", "share", "lower", "upper", "is_bad"), ax, title, 2.6)
    if frame.empty:
        return say_no_data(ax)
    share = frame["share"].to_numpy(float)
    places = np.arange(len(frame))
    ax.barh(places, share, color=[VERMILLION if bad else BLUE for bad in frame["is_bad"]], height=0.62)
    ends = np.vstack([share - frame["lower"], frame["upper"] - share]).clip(0)
    ax.errorbar(share, places, xerr=ends, fmt="none", ecolor=TEXT, capsize=3, linewidth=1.1)
    texts = [
        f"{write_share(one)}  ·  {part:,} of {whole:,}"
        for one, part, whole in zip(share, frame["part"], frame["whole"], strict=True)
    ]
    label_bars(ax, frame["upper"].tolist(), texts)
    ax.set_yticks(places, frame["outcome"])
    ax.invert_yaxis()
    lay_out_rows(ax)
    ax.set_xlim(0, 1.45)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    ax.set_xlabel("Share, with its 95 % interval")
    return ax


def plot_cost_per_outcome(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what one outcome cost with its 95 % interval, and the median of one alone, on a log axis.

    `frame`: outcome, usd_per_outcome, lower_usd, upper_usd, median_usd (the view cost_per_outcome, one repository).
    """
    needed = ("outcome", "usd_per_outcome", "lower_usd", "upper_usd", "median_usd")
    ax = prepare_axes(frame, needed, ax, title, 2.3)
    rows = frame.dropna(subset=["usd_per_outcome"]).reset_index(drop=True)
    if rows.empty:
        return say_no_data(ax, "No known cost")
    for place, row in enumerate(rows.to_dict("records")):
        if row["lower_usd"] == row["lower_usd"]:
            ends = [row["lower_usd"], row["upper_usd"]]
            ax.plot(ends, [place, place], color=SKY, linewidth=7, solid_capstyle="butt")
        ax.annotate(
            usd(row["usd_per_outcome"]), (row["usd_per_outcome"], place), (0, 9), textcoords="offset points",
            ha="center", fontsize=9, color=TEXT,
        )  # fmt: skip
    ax.plot(rows["usd_per_outcome"], rows.index, "o", color=BLUE)
    ax.plot(rows["median_usd"], rows.index, "|", color=GREY, markersize=13, markeredgewidth=2)
    ax.set_xscale("log")
    ax.set_yticks(rows.index, [f"one {name}" for name in rows["outcome"]])
    ax.set_ylim(len(rows) - 0.5, -0.7)
    low, high = ax.get_xlim()
    ax.set_xlim(low / 1.5, high * 1.5)
    ax.minorticks_off()
    _put_ticks(ax)
    lay_out_rows(ax)
    label_usd_axis(ax.xaxis, "Cost (USD, log scale)")
    put_legend_above(
        ax,
        [
            Line2D([], [], color=BLUE, marker="o", linestyle="", label="cost, failed attempts included"),
            Patch(color=SKY, label="its 95 % interval"),
            Line2D([], [], color=GREY, marker="|", markersize=11, linestyle="", label="median of one alone"),
        ],
    )
    return ax


def _put_ticks(ax: Axes) -> None:
    """Put ticks at 1, 2 and 5 of each power of ten that the axis shows."""
    low, high = ax.get_xlim()
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) < 5 else (1,)
    ax.set_xticks([step * decade for decade in decades for step in steps if low <= step * decade <= high])


def plot_spend_by_outcome(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what became of the known spend, one bar each.

    `frame`: outcome, cost_usd, cost_share; in the order in which they are drawn.
    """
    ax = prepare_axes(frame, ("outcome", "cost_usd", "cost_share"), ax, title, 2.6)
    rows = frame.dropna(subset=["cost_usd"])
    if rows.empty:
        return say_no_data(ax, "No known cost")
    colors = {"merged": BLUE, "open": SKY, "abandoned": VERMILLION, "reverted": VERMILLION}
    ax.barh(rows["outcome"], rows["cost_usd"], color=[colors.get(name, GREY) for name in rows["outcome"]], height=0.62)
    texts = [f"{usd(one)}  ·  {write_share(part)}" for one, part in zip(rows.cost_usd, rows.cost_share, strict=True)]
    label_bars(ax, rows["cost_usd"].tolist(), texts)
    ax.invert_yaxis()
    lay_out_rows(ax)
    label_usd_axis(ax.xaxis, "Known cost (USD)")
    return ax


def plot_rework_by_month(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw which share of the changes of each month was touched again within 30 days, with its 95 % interval.

    `frame`: month, aged_30, reworked_30, share, lower, upper; the newest `MOST_MONTHS_DRAWN` months are drawn.
    """
    ax = prepare_axes(frame, ("month", "aged_30", "reworked_30", "share", "lower", "upper"), ax, title, 2.9)
    rows = frame[frame["aged_30"] > 0].tail(MOST_MONTHS_DRAWN).reset_index(drop=True)
    if rows.empty:
        return say_no_data(ax)
    share = rows["share"].to_numpy(float)
    ends = np.vstack([share - rows["lower"], rows["upper"] - share]).clip(0)
    ax.errorbar(rows.index, share, yerr=ends, fmt="o-", color=BLUE, ecolor=SKY, capsize=3, linewidth=1.3)
    step = -(-len(rows) // 8)
    ax.set_xticks(
        rows.index[::step], [f"{month}\nn = {n:,}" for month, n in zip(rows.month, rows.aged_30, strict=True)][::step]
    )
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    ax.set_ylabel("Touched again in 30 days")
    ax.grid(axis="y")
    return ax
