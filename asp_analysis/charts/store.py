"""May the store stay where it is: how much of each limit is used, and when growth reaches it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from asp_analysis.charts.style import (
    BLUE,
    ORANGE,
    SKY,
    TEXT,
    VERMILLION,
    label_bars,
    lay_out_rows,
    prepare_axes,
    put_legend_above,
    say_no_data,
)
from asp_analysis.wording import write_share

_NEAR = 0.8
_STORE_LIMIT: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.4, "linestyle": "--"}


def plot_limit_use(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per limit: the share that is used, labelled with the amounts; orange when near, red when reached.

    `frame`: criterion, used, limit, unit, share (0 to 1 and above): `Status.use`. A share that is not known has no bar.
    """
    ax = prepare_axes(frame, ("criterion", "used", "limit", "unit", "share"), ax, title)
    rows = frame.dropna(subset=["share"])
    if rows.empty:
        return say_no_data(ax)
    colors = [VERMILLION if share >= 1 else ORANGE if share >= _NEAR else BLUE for share in rows["share"]]
    ax.barh(rows["criterion"], rows["share"], color=colors, height=0.6)
    texts = [
        f"{write_share(row['share'])}  ·  {_format_amount(row['used'])} of {_format_amount(row['limit'])} {row['unit']}"
        for row in rows.to_dict("records")
    ]
    label_bars(ax, rows["share"].tolist(), texts)
    for text in ax.texts:  # the line of the limit must not run through a label
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    ax.set_xlim(0, max(1.12, 1.5 * rows["share"].max()))
    ax.axvline(1, **_STORE_LIMIT)
    ax.invert_yaxis()
    lay_out_rows(ax)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: write_share(share)))
    ax.set_xlabel("Share of the limit that is used")
    put_legend_above(ax, _build_legend(colors))
    return ax


def plot_growth(
    weeks: pd.DataFrame, forecast: Mapping[str, Any], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Draw the executions of the store week by week, and when present growth takes them to the limit.

    `weeks`: week_ends, total_executions (`Contents.weeks`); `forecast`: limit_value, reached_on, earliest, latest (a
    row of `Status.forecasts`). Without a date only the past and the limit are drawn; a band without a latest date is
    open.
    """
    ax = prepare_axes(weeks, ("week_ends", "total_executions"), ax, title)
    if weeks.empty:
        return say_no_data(ax)
    limit = forecast["limit_value"]
    total = weeks["total_executions"]
    handles: list[Artist] = [*ax.plot(weeks["week_ends"], total, color=BLUE, linewidth=3, label="executions so far")]
    if pd.notna(forecast["reached_on"]):
        handles += _draw_forecast(ax, weeks.iloc[-1], forecast, limit)
    handles.append(ax.axhline(limit, label=f"limit: {limit:,.0f} executions", **_STORE_LIMIT))
    ax.set_ylim(0, 1.12 * max(limit, total.max()))
    ax.grid(axis="y")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    ax.set_ylabel("Executions (count)")
    locator = AutoDateLocator(maxticks=8)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False, formats=["%Y", "%b %Y", "%d %b"] * 2))
    ax.set_xlabel("Date")
    put_legend_above(ax, handles)
    return ax


def _draw_forecast(ax: Axes, last: pd.Series, forecast: Mapping[str, Any], limit: float) -> list[Artist]:
    start, count = last["week_ends"], last["total_executions"]
    reached, earliest = forecast["reached_on"], forecast["earliest"]
    is_open = pd.isna(forecast["latest"])
    latest = reached + (reached - earliest) if is_open else forecast["latest"]
    ends, heights = [start, earliest, latest], [count, limit, limit]
    if is_open:
        ends, heights = [*ends, latest], [*heights, count]
    ax.fill(ends, heights, color=SKY, alpha=0.35, linewidth=0)
    (line,) = ax.plot([start, reached], [count, limit], color=BLUE, linewidth=1.8, linestyle=":", label="forecast")
    ax.plot([reached], [limit], "o", color=VERMILLION, markersize=7, zorder=3)
    ax.annotate(
        f"{reached:%b %Y}", (reached, limit), (0, 6), textcoords="offset points", ha="center", fontsize=9, color=TEXT
    )
    return [line, Patch(color=SKY, alpha=0.35, label="90 % interval of the growth")]


def _build_legend(colors: list[str]) -> list[Artist]:
    words = {BLUE: "used", ORANGE: "near the limit", VERMILLION: "limit reached"}
    return [
        *(Patch(color=color, label=words[color]) for color in dict.fromkeys(colors)),
        Line2D([], [], label="limit", **_STORE_LIMIT),
    ]


def _format_amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
