"""How good the estimates were: calibration, misses in time order, errors as they shrink, models against baselines.

The frames are those of `asp_analysis.probe.backtest` and `scores`; shares run from 0 to 1, levels are shares too.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from asp_analysis.charts.estimates import choose_log_ticks
from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    TEXT,
    VERMILLION,
    Handle,
    prepare_axes,
    put_legend_above,
    say_no_data,
    usd,
)
from asp_analysis.wording import write_share

LEVEL_COLORS = (BLUE, ORANGE, BLACK)
SERIES_COLORS = (BLUE, GREY, ORANGE, SKY)
_INTERVAL_LINE: dict[str, Any] = {"color": SKY, "linewidth": 4, "alpha": 0.55}
NAMED_MISSES = 4  # more names than that lie on each other


def plot_calibration(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how many outcomes fell inside against how many the level promised; honest intervals lie on the diagonal.

    `frame`: level, coverage, lower, upper (the interval of the coverage), all shares; n. Optional `series`: a name per
    line, of which the first keeps its intervals and the others are drawn as thin lines to compare.
    """
    ax = prepare_axes(frame, ("level", "coverage", "lower", "upper", "n"), ax, title)
    known = frame.dropna(subset=["level", "coverage"])
    if known.empty:
        return say_no_data(ax)
    ends = [0.95 * known["level"].min(), 1.0]
    handles: list[Handle] = [*ax.plot(ends, ends, "--", color=TEXT, linewidth=1.2, label="promised = held")]
    names = known["series"] if "series" in known.columns else pd.Series("forecasts", known.index)
    for place, (name, rows) in enumerate(known.groupby(names, sort=False)):
        handles.append(_draw_coverages(ax, rows, str(name), SERIES_COLORS[place % len(SERIES_COLORS)], place == 0))
    ax.set_xlim(ends[0], ends[1])
    ax.set_ylim(min(ends[0], known["coverage"].min(), known["lower"].min()) - 0.03, 1.02)
    ax.grid(axis="both")
    _label_percent_axis(ax.xaxis, "Level of the prediction interval: the share of outcomes that it promises to hold")
    _label_percent_axis(ax.yaxis, "Share that it held")
    put_legend_above(ax, handles)
    return ax


def plot_positions(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how many outcomes fell into which part of their predictive distribution; honest ones fill all alike.

    `frame`: begin, end, share (of the outcomes), lower and upper (what chance leaves of an honest share).
    """
    ax = prepare_axes(frame, ("begin", "end", "share", "lower", "upper"), ax, title)
    known = frame.dropna()
    if known.empty:
        return say_no_data(ax)
    width = known["end"] - known["begin"]
    bars = ax.bar(known["begin"], known["share"], width=width, align="edge", color=SKY, edgecolor="white")
    bars.set_label("outcomes")
    honest = (known["lower"] + known["upper"]).iloc[0] / 2
    handles: list[Handle] = [bars, ax.axhline(honest, color=TEXT, linewidth=1.2, linestyle="--", label="all alike")]
    look: dict[str, Any] = {"color": GREY, "alpha": 0.25, "linewidth": 0, "label": "what chance leaves (95 %)"}
    handles.append(ax.axhspan(known["lower"].iloc[0], known["upper"].iloc[0], **look))
    ax.set_xlim(0, 1)
    _label_percent_axis(ax.xaxis, "Position of the outcome in its predictive distribution")
    _label_percent_axis(ax.yaxis, "Share of the outcomes")
    put_legend_above(ax, handles)
    return ax


def plot_coverage_by_size(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw for small, middle and large tasks which share of the outcomes fell inside, one colour per level.

    `frame`: size_tercile, level, coverage, lower, upper (shares) and n. The dotted lines are what the levels promise.
    """
    ax = prepare_axes(frame, ("size_tercile", "level", "coverage", "lower", "upper", "n"), ax, title)
    known = frame.dropna(subset=["coverage"])
    if known.empty:
        return say_no_data(ax)
    terciles = list(dict.fromkeys(known["size_tercile"].astype(str)))
    levels = sorted(known["level"].unique())
    handles: list[Handle] = []
    halo = [withStroke(linewidth=4, foreground="white")]
    for place, level in enumerate(levels):
        color, rows = LEVEL_COLORS[place % len(LEVEL_COLORS)], known[known["level"] == level]
        at = rows["size_tercile"].astype(str).map(terciles.index) + 0.22 * (place - (len(levels) - 1) / 2)
        reach = _measure_reach(rows["coverage"], rows["lower"], rows["upper"])
        name = f"{write_share(level)} interval"
        point: dict[str, Any] = {"markersize": 8, "elinewidth": 2, "capsize": 4, "label": name, "zorder": 3}
        handles.append(ax.errorbar(rows["coverage"], at, xerr=reach, fmt="o", color=color, **point))
        ax.axvline(level, color=color, linewidth=1.4, linestyle=":")
        words: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "path_effects": halo}
        ax.text(level, len(terciles) - 0.5, f"promised: {write_share(level)}", color=color, **words)
    counts = known.groupby(known["size_tercile"].astype(str))["n"].max()
    ax.set_yticks(range(len(terciles)), [f"{name}\n{counts[name]:.0f} forecasts" for name in terciles])
    ax.set_ylim(len(terciles) - 0.3, -0.5)
    ax.set_xlim(min(0.4, known["lower"].min() - 0.02), 1.01)
    ax.grid(axis="x")
    _label_percent_axis(ax.xaxis, "Share of the outcomes that fell inside; bar: what so few forecasts leave open")
    put_legend_above(ax, handles)
    return ax


def plot_backtest(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    title: str | None = None,
    level: float = 0.70,
    label: str = "Cost (USD)",
) -> Axes:
    """Draw forecasts in time order, each with its interval and with what came: misses are red and named.

    `frame`: the rows of one model and series of a backtest: task_id, actual, estimate, lower_<level>, upper_<level>.
    """
    bounds = [f"{side}_{round(100 * level, 4):g}" for side in ("lower", "upper")]
    ax = prepare_axes(frame, ("task_id", "actual", "estimate", *bounds), ax, title)
    known = frame.dropna(subset=["actual", *bounds]).reset_index(drop=True)
    known.index += 1
    if known.empty:
        return say_no_data(ax)
    is_missed = (known["actual"] < known[bounds[0]]) | (known["actual"] > known[bounds[1]])
    ax.vlines(known.index, known[bounds[0]], known[bounds[1]], **_INTERVAL_LINE)
    ax.plot(known.index, known["estimate"], "_", color=BLACK, markersize=9, markeredgewidth=1.6)
    for rows, color, marker in ((known[~is_missed], BLUE, "o"), (known[is_missed], VERMILLION, "D")):
        ax.plot(rows.index, rows["actual"], marker, color=color, markeredgecolor="white", markersize=7, zorder=3)
    _name_misses(ax, known[is_missed], bounds)
    _label_money_axis(ax, known[["actual", *bounds]].to_numpy(dtype=float), label)
    ax.set_xlim(0, len(known) + 1)
    ax.set_xlabel("Forecast number, in time order")
    ax.grid(axis="y")
    put_legend_above(ax, _build_legend(is_missed, level))
    return ax


def plot_error_over_time(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how far off each forecast was, in time order, with a running median per series: does it learn?

    `frame`: series, n_past (tasks known before the forecast), error (share of the actual), running_error (NaN until it
    means something). The points are those of the first series; errors above 200 % are drawn at the edge.
    """
    ax = prepare_axes(frame, ("series", "n_past", "error", "running_error"), ax, title)
    if frame.dropna(subset=["error"]).empty:
        return say_no_data(ax)
    handles: list[Handle] = []
    for place, (name, rows) in enumerate(frame.groupby("series", sort=False)):
        color = SERIES_COLORS[place % len(SERIES_COLORS)]
        if place == 0:
            point: dict[str, Any] = {"color": color, "alpha": 0.45, "markeredgewidth": 0, "markersize": 6}
            handles += ax.plot(rows["n_past"], rows["error"].clip(upper=2), "o", label=f"{name}, one task", **point)
        label = f"{name}, running median"
        handles += ax.plot(rows["n_past"], rows["running_error"], color=color, linewidth=2.4, label=label)
    ax.set_ylim(0, 2.06 if frame["error"].max() > 1.9 else None)
    ax.grid(axis="y")
    ax.set_xlabel("Past tasks known at the forecast")
    _label_percent_axis(ax.yaxis, "Error, in percent of the actual")
    put_legend_above(ax, handles)
    return ax


def plot_scores(
    frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None, score: str = "mdape", label: str = "MdAPE"
) -> Axes:
    """Draw one score of every model, the lowest (best) first; baselines are grey, `auto` is blue.

    `frame`: model, is_baseline, the column named by `score` and optionally `words`, written at the bar's end instead of
    the number. A model without that score has no bar and says so.
    """
    ax = prepare_axes(frame, ("model", "is_baseline", score), ax, title)
    if frame.empty:
        return say_no_data(ax)
    rows = frame.sort_values(score, kind="stable", na_position="last").reset_index(drop=True)
    colors = [
        GREY if is_baseline else BLUE if model == "auto" else SKY
        for model, is_baseline in zip(rows["model"], rows["is_baseline"], strict=True)
    ]
    ax.barh(rows.index, rows[score].fillna(0), color=colors, height=0.68)
    words = rows["words"] if "words" in rows.columns else rows[score].map("{:.2f}".format)
    look: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 9, "color": TEXT}
    for place, (value, text) in enumerate(zip(rows[score], words, strict=True)):
        is_absent = np.isnan(value)
        ax.annotate("no score" if is_absent else text, (0 if is_absent else value, place), (5, 0), **look)
    ax.set_yticks(rows.index, rows["model"])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.45 * rows[score].max())
    ax.grid(axis="x")
    ax.set_xlabel(f"{label} (shorter is better)")
    kinds = {"auto": BLUE, "candidate": SKY, "baseline or comparison": GREY}
    put_legend_above(ax, [Line2D([], [], color=color, linewidth=8, label=name) for name, color in kinds.items()])
    return ax


def _draw_coverages(ax: Axes, rows: pd.DataFrame, name: str, color: str, is_first: bool) -> Handle:
    if not is_first:
        return ax.plot(rows["level"], rows["coverage"], "o-", color=color, linewidth=1.4, markersize=4, label=name)[0]
    reach = _measure_reach(rows["coverage"], rows["lower"], rows["upper"])
    look: dict[str, Any] = {"markersize": 7, "elinewidth": 1.6, "capsize": 3, "zorder": 3, "linewidth": 1.6}
    few = f"{name} ({rows['n'].max():.0f} forecasts)"
    return ax.errorbar(rows["level"], rows["coverage"], yerr=reach, fmt="o-", color=color, label=few, **look)


def _measure_reach(centre: pd.Series, lower: pd.Series, upper: pd.Series) -> list[pd.Series]:
    # A share of 1 has an upper limit of 1 only to rounding, and no bar is negative.
    return [(centre - lower).clip(lower=0), (upper - centre).clip(lower=0)]


def _name_misses(ax: Axes, missed: pd.DataFrame, bounds: list[str]) -> None:
    too_low = np.log(missed["actual"] / missed[bounds[1]])
    too_high = np.log(missed[bounds[0]] / missed["actual"])
    worst = pd.Series(np.maximum(too_low, too_high)).nlargest(NAMED_MISSES).index
    look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 9, "color": VERMILLION}
    look["path_effects"] = [withStroke(linewidth=3, foreground="white")]
    for place, row in zip(worst, missed.loc[worst].to_dict("records"), strict=True):
        is_above = row["actual"] > row[bounds[1]]
        offset, va = ((0, 7), "bottom") if is_above else ((0, -7), "top")
        ax.annotate(str(row["task_id"]), (place, row["actual"]), offset, va=va, **look)


def _build_legend(is_missed: pd.Series, level: float) -> list[Line2D]:
    point: dict[str, Any] = {"linestyle": "", "markeredgecolor": "white", "markersize": 7}
    return [
        Line2D([], [], label=f"{write_share(level)} interval", **_INTERVAL_LINE),
        Line2D([], [], color=BLACK, marker="_", linestyle="", markersize=9, markeredgewidth=1.6, label="estimate"),
        Line2D([], [], color=BLUE, marker="o", label=f"actual, inside ({int((~is_missed).sum())})", **point),
        Line2D([], [], color=VERMILLION, marker="D", label=f"actual, missed ({int(is_missed.sum())})", **point),
    ]


def _label_percent_axis(axis: Axis, label: str) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axis.set_label_text(label)


def _label_money_axis(ax: Axes, values: np.ndarray, label: str) -> None:
    positive = values[values > 0]
    lowest, highest = 0.75 * positive.min(), 1.5 * positive.max()
    ax.set_yscale("log")
    ax.set_ylim(lowest, highest)
    ax.yaxis.set_major_locator(FixedLocator(choose_log_ticks(lowest, highest)))
    ax.yaxis.set_minor_locator(NullLocator())
    is_money = "USD" in label
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _format_money(v) if is_money else f"{v:,.6g}"))
    ax.set_ylabel(f"{label}, log scale")


def _format_money(value: float) -> str:
    return usd(value) if value < 1 else rf"\${value:,.6g}"
