"""What the next task will cost: the history with its line and bands, and what each method says."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    TEXT,
    axes_of,
    legend_above,
    percent,
    say_no_data,
    usd,
    usd_axis,
)

SIZE_LABEL = "Estimated size (complexity units)"
COST_LABEL = "Cost (USD)"
BAND_COLORS = ("#E3F1FA", "#C3E1F4")  # the widest band is the palest


def plot_probe(
    frame: pd.DataFrame,
    bands: Mapping[float, pd.DataFrame],
    estimate: pd.DataFrame | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw finished tasks, the line through them, its prediction bands, and a new task's estimate with its interval.

    `frame`: size, cost_usd. `bands`: level (share) to a frame with size, projection, lower, upper, which is
    `LinearFit.band(size, level)` with the sizes beside it. `estimate`: size, projection, lower, upper, level, one row.
    Bands below zero are cut at zero: no cost is negative.
    """
    ax = axes_of(frame, ("size", "cost_usd"), ax, title)
    if frame.dropna(subset=["size", "cost_usd"]).empty:
        return say_no_data(ax)
    levels = sorted(bands, reverse=True)
    handles = [_draw_band(ax, bands[level], level, BAND_COLORS[n > 0]) for n, level in enumerate(levels)]
    if levels:
        line = bands[levels[0]]
        handles += ax.plot(line["size"], line["projection"], color=BLACK, linewidth=1.6, label="fitted line")
    look = {"color": BLUE, "markeredgecolor": "white", "markersize": 6, "zorder": 3}
    handles += ax.plot(frame["size"], frame["cost_usd"], "o", label="finished task", **look)
    handles.reverse()
    if estimate is not None:
        handles.append(_draw_estimate(ax, estimate.iloc[0]))
    ax.grid(axis="both")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    ax.set_xlabel(SIZE_LABEL)
    usd_axis(ax.yaxis, COST_LABEL)
    legend_above(ax, handles, rows=2)
    return ax


def plot_methods(
    frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None, label: str = "Estimated cost (USD)"
) -> Axes:
    """Draw what each PROBE method says: its projection, its 70 % and 90 % prediction intervals and its verdict.

    `frame`: `ProbeReport.frame()`: method, x_name, projection, lower_70, upper_70, lower_90, upper_90, verdict,
    is_chosen. The chosen method is blue, what is refused is grey and hollow, a method without a number says so.
    """
    columns = ("method", "x_name", "projection", "lower_70", "upper_70", "lower_90", "upper_90", "verdict", "is_chosen")
    ax = axes_of(frame, columns, ax, title)
    if frame.empty:
        return say_no_data(ax)
    right = float(np.nanmax(frame[["projection", "upper_70", "upper_90"]].to_numpy(dtype=float), initial=0.0)) or 1.0
    beside = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 9.5, "color": TEXT}
    for place, row in enumerate(frame.itertuples()):
        _draw_method(ax, place, row)
        words = "chosen" if row.is_chosen else row.verdict
        text = "no number" if np.isnan(row.projection) else f"{usd(row.projection)}  {words}"
        ax.text(1.02, place, text, fontweight="bold" if row.is_chosen else "normal", **beside)
    ax.set_yticks(range(len(frame)), [f"{row.method}: {row.x_name}" for row in frame.itertuples()])
    ax.set_xlim(0, 1.05 * right)
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    usd_axis(ax.xaxis, f"{label}; thick: 70 %, thin: 90 % prediction interval")
    return ax


def _draw_band(ax: Axes, band: pd.DataFrame, level: float, color: str) -> Artist:
    lower, upper = band["lower"].clip(lower=0), band["upper"].clip(lower=0)
    name = f"{percent(level)} prediction band"
    filled = ax.fill_between(band["size"], lower, upper, color=color, linewidth=0, label=name)
    ax.plot(band["size"], band["upper"], color=SKY, linewidth=0.8)
    ax.plot(band["size"], band["lower"].where(band["lower"] >= 0), color=SKY, linewidth=0.8)
    return filled


def _draw_estimate(ax: Axes, row: pd.Series) -> Artist:
    below, above = row["projection"] - max(row["lower"], 0), row["upper"] - row["projection"]
    limits = f"{usd(max(row['lower'], 0))} to {usd(row['upper'])}"
    name = f"new task: {usd(row['projection'])} ({percent(row['level'])}: {limits})"
    return ax.errorbar(
        row["size"],
        row["projection"],
        yerr=[[below], [above]],
        fmt="D",
        color=ORANGE,
        markeredgecolor=BLACK,
        markersize=8,
        elinewidth=3,
        capsize=6,
        capthick=2,
        label=name,
        zorder=5,
    )


def _draw_method(ax: Axes, place: int, row: object) -> None:
    color = BLUE if row.is_chosen else GREY
    for lower, upper, width in ((row.lower_90, row.upper_90, 1.5), (row.lower_70, row.upper_70, 6)):
        if not np.isnan(lower):
            ax.plot([lower, upper], [place, place], color=color, linewidth=width, alpha=0.55, solid_capstyle="butt")
    is_refused = row.verdict == "refused"
    ax.plot(row.projection, place, "o", markersize=8, color="white" if is_refused else color, markeredgecolor=color)
