"""How far each capability has learned: its metric against its target over time, and the evidence for it."""

from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MODE_COLORS,
    ORANGE,
    TEXT,
    label_day_axis,
    lay_out_rows,
    measure_width,
    prepare_axes,
    put_legend_above,
    say_no_data,
)

LETTER_INCHES = 0.072  # of the names of the modes, with a margin
HALO = withStroke(linewidth=3, foreground="white", alpha=0.8)  # words stay readable on a curve
BOX: dict[str, Any] = {
    "facecolor": "white",
    "alpha": 0.75,
    "edgecolor": "none",
    "pad": 1,
}  # a number stays readable on a line
_CURVE_COLUMNS = ("measured_at", "mode", "metric_name", "metric_value", "metric_target", "is_higher_better")
_EVIDENCE_COLUMNS = (
    "capability", "known_at", "evidence_value", "evidence_lower", "evidence_target", "published_mode", "sound_mode",
)  # fmt: skip


def plot_learning_curve(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one capability's metric over time against its target, on bands that say in which mode it worked.

    `frame`: measured_at, mode, metric_name, metric_value, metric_target, is_higher_better; one capability, one
    metric. Instants without a value leave a gap. Metrics named `_pct` are percents, `_rate`, `_accuracy` and
    `_share` are shares and written as percents.
    """
    ax = prepare_axes(frame, _CURVE_COLUMNS, ax, title)
    rows = frame.sort_values("measured_at")
    if rows["metric_value"].dropna().empty:
        return say_no_data(ax)
    scale, name = _choose_unit(rows["metric_name"].iloc[-1])
    at, value = rows["measured_at"].to_numpy(), rows["metric_value"].to_numpy(dtype=float) * scale
    ax.plot(at, value, "o-", color=BLUE, zorder=3)
    _draw_modes(ax, rows)
    _draw_target(ax, rows, scale, name)
    last = rows.dropna(subset=["metric_value"]).iloc[-1]
    text = _format_number(last["metric_value"] * scale, name)
    spot = (last["measured_at"], last["metric_value"] * scale)
    ax.annotate(text, spot, (7, 0), textcoords="offset points", va="center", color=BLUE, fontweight="bold", bbox=BOX)
    ax.set_ylabel(name)
    ax.grid(axis="y")
    label_day_axis(ax.xaxis, most=7)
    return ax


def plot_learning_curves(frame: pd.DataFrame, axes: np.ndarray | None = None, title: str | None = None) -> np.ndarray:
    """Draw one small learning curve per capability, three to a row; returns the axes, shape (rows, 3).

    `frame`: as for plot_learning_curve, plus capability. `axes`: as many as there are capabilities, or None.
    """
    names = sorted(frame["capability"].unique())
    if axes is None:
        axes = _make_grid(max(1, -(-len(names) // 3)))
    if title:
        axes.flat[0].figure.suptitle(title, x=0.01, ha="left")
    for ax, name in zip(axes.flat, names, strict=False):
        plot_learning_curve(frame[frame["capability"] == name], ax, name)
        ax.title.set_fontsize(10.5)
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    return axes


def plot_evidence(frame: pd.DataFrame, axes: np.ndarray | None = None, title: str | None = None) -> np.ndarray:
    """Draw per capability the share that the sound rule reads, its lower bound, its target and both rules' modes.

    `frame`: capability, known_at, evidence_value, evidence_lower (shares; `learning_history`), evidence_target (share),
    published_mode, sound_mode. The band reaches from the share down to the bound that holds at all looks; a jump to
    few cases is a new model or prompt, with which evidence begins again. Returns the axes, shape (rows, 3).
    """
    names = sorted(frame["capability"].unique())
    axes = _make_grid(max(1, -(-len(names) // 3))) if axes is None else axes
    figure = axes.flat[0].figure
    for ax, name in zip(axes.flat, names, strict=False):
        _draw_evidence(
            prepare_axes(frame, _EVIDENCE_COLUMNS, ax, name), frame[frame["capability"] == name].sort_values("known_at")
        )
        ax.title.set_fontsize(10.5)
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    lines: list[Artist] = [Patch(color=BLUE, alpha=0.25, label="share, down to its 95 % lower bound")]
    lines.append(Line2D([], [], color=BLACK, linestyle="--", linewidth=1.2, label="target of the bound"))
    modes = [Patch(color=color, label=mode) for mode, color in MODE_COLORS.items()]
    figure.legend(handles=[*lines, *modes], loc="outside lower left", ncols=5)
    return axes


def plot_criteria(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw each criterion of the sound rule: the share, down to its lower bound, against its target.

    `frame`: capability, criterion, cases, value, lower_bound, target (shares of 1), is_passed (`learning.criteria`).
    A criterion is passed where the whole bar is right of its target.
    """
    ax = prepare_axes(
        frame, ("capability", "criterion", "cases", "value", "lower_bound", "target", "is_passed"), ax, title
    )
    if frame.empty:
        return say_no_data(ax)
    for place, row in enumerate(frame.to_dict("records")):
        color, cases = GREEN if row["is_passed"] else ORANGE, row["cases"]
        ax.plot([row["lower_bound"], row["value"]], [place, place], color=color, linewidth=5, solid_capstyle="butt")
        ax.plot(row["value"], place, "o", color=color, markersize=8)
        if cases:
            ax.plot([row["target"]] * 2, [place - 0.36, place + 0.36], color=BLACK, linewidth=2)
        words = f"{cases} case{'' if cases == 1 else 's'}" if cases else "no scored case yet"
        ax.text(1.02, place, words, va="center", fontsize=9, color=TEXT)
    names = [f"{one}\n{criterion}" for one, criterion in zip(frame["capability"], frame["criterion"], strict=True)]
    ax.set_yticks(range(len(frame)), names, fontsize=8.5)
    ax.set_xlim(0, 1)
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    lay_out_rows(ax)
    ax.set_xlabel("Share; the bar ends at the 95 % lower bound that holds at all looks at once")
    target = Line2D([], [], color=BLACK, marker="|", markersize=12, linestyle="", markeredgewidth=2, label="target")
    put_legend_above(ax, [Patch(color=GREEN, label="passed"), Patch(color=ORANGE, label="not passed"), target])
    return ax


def plot_modes(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw in which mode each capability is by the published and by the sound rule, with what the published counts.

    `frame`: capability, published_mode, sound_mode, completed, needed (`learning.status`), drawn in the order given.
    """
    ax = prepare_axes(frame, ("capability", "published_mode", "sound_mode", "completed", "needed"), ax, title)
    if frame.empty:
        return say_no_data(ax)
    order = [*MODE_COLORS]
    for place, row in enumerate(frame.to_dict("records")):
        published, sound = order.index(row["published_mode"]), order.index(row["sound_mode"])
        ax.plot([published, sound], [place, place], color=GREY, linewidth=3, zorder=1)
        ax.plot(published, place - 0.13, "s", color="white", markeredgecolor=BLACK, markersize=10, markeredgewidth=1.8)
        ax.plot(sound, place + 0.13, "o", color=BLUE, markersize=11)
        ax.text(2.58, place, f"{row['completed']} of {row['needed']} cases", va="center", fontsize=9.5, color=TEXT)
    for place, color in enumerate(MODE_COLORS.values()):
        ax.axvspan(place - 0.5, place + 0.5, color=color, alpha=0.13, linewidth=0)
    ax.set_xticks(range(3), order)
    ax.set_yticks(range(len(frame)), frame["capability"])
    ax.set_xlim(-0.5, 2.5)
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.set_xlabel("Mode; at the right: cases of those that the published rule needs")
    look: dict[str, Any] = {"linestyle": "", "markersize": 9}
    square = Line2D([], [], marker="s", color="white", markeredgecolor=BLACK, label="published rule", **look)
    put_legend_above(ax, [square, Line2D([], [], marker="o", color=BLUE, label="sound rule", **look)])
    ax.tick_params(length=0)
    return ax


def _draw_evidence(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw one panel: shares between 0 and 100 %, above them a strip of modes for each rule."""
    at = np.asarray(date2num(rows["known_at"]), dtype=float)
    end = float(at.max() + 0.02 * (at.max() - at.min()))
    for low, column in ((108, "sound_mode"), (124, "published_mode")):
        for mode, start, stop in zip(rows[column], at, [*at[1:], end], strict=True):
            ax.fill_between([start, stop], low, low + 12, color=MODE_COLORS[mode], linewidth=0)
    value, lower = 100 * rows["evidence_value"], 100 * rows["evidence_lower"]
    if value.notna().any():
        ax.fill_between(at, lower, value, color=BLUE, alpha=0.25, linewidth=0, step="post")
        ax.plot(at, value, color=BLUE, drawstyle="steps-post")
        ax.plot([at.min(), end], [100 * rows["evidence_target"].iloc[-1]] * 2, "--", color=BLACK, linewidth=1.2)
    else:
        ax.text(0.5, 0.37, "no scored case yet", transform=ax.transAxes, ha="center", color=GREY)
    ax.set_yticks([0, 25, 50, 75, 100, 114, 130], ["0 %", "25 %", "50 %", "75 %", "100 %", "sound", "published"])
    ax.set_ylim(0, 138)
    ax.set_ylabel("Share of cases (%)")
    ax.set_xlim(at.min(), end)
    label_day_axis(ax.xaxis, most=5)


def _draw_modes(ax: Axes, rows: pd.DataFrame) -> None:
    """Shade each stretch of one mode until the next measurement and name it at the top where there is room."""
    at, modes = pd.to_datetime(rows["measured_at"]).tolist(), rows["mode"].tolist()
    starts = [i for i in range(len(modes)) if i == 0 or modes[i] != modes[i - 1]]
    width, inches = max(at[-1] - at[0], pd.Timedelta(days=1)), measure_width(ax)
    left, right = at[0] - width * 0.02, at[-1] + width * (0.6 / inches)
    borders = [left, *(at[start] for start in starts[1:]), right]
    for start, (low, high) in zip(starts, pairwise(borders), strict=True):
        ax.axvspan(date2num(low), date2num(high), color=MODE_COLORS.get(modes[start], GREY), alpha=0.14, linewidth=0)
        if (high - low) / (right - left) * inches > LETTER_INCHES * len(modes[start]):
            place = date2num(low + (high - low) / 2)
            ax.text(place, 0.97, modes[start], transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize=8.5)
    ax.set_xlim(date2num(left), date2num(right))


def _draw_target(ax: Axes, rows: pd.DataFrame, scale: float, name: str) -> None:
    """Draw the target as a dashed line, named where the curve is far away."""
    target = rows["metric_target"].to_numpy(dtype=float) * scale
    value = rows["metric_value"].to_numpy(dtype=float) * scale
    at, (left, right) = date2num(rows["measured_at"]), ax.get_xlim()
    ax.plot(
        [left, *at, right], [target[0], *target, target[-1]], "--", color=BLACK, linewidth=1.2, drawstyle="steps-post"
    )
    low, high = np.nanmin([*value, *target]), np.nanmax([*value, *target])
    room = 0.14 * (high - low or 1.0)
    ax.set_ylim(max(low - room, 0) if low >= 0 else low - room, high + 2.2 * room)
    text = (
        f"target: {'at least' if rows['is_higher_better'].iloc[-1] else 'at most'} {_format_number(target[-1], name)}"
    )
    width = min(LETTER_INCHES * len(text) / measure_width(ax), 0.9)
    start = _find_free_start((at - left) / (right - left), value - target - room / 2, width)
    place = (left + start * (right - left), np.interp(start, [0, 1], target[[0, -1]]))
    ax.annotate(text, place, (3, 3), textcoords="offset points", fontsize=8.5, path_effects=[HALO], zorder=4)


def _find_free_start(done: np.ndarray, gap: np.ndarray, width: float) -> float:
    """Return where (0 to 1) a text of this width is farthest from the curve: left, in the middle or right."""
    known = ~np.isnan(gap)
    steps = np.linspace(0, 1, 101)
    distance = np.abs(np.interp(steps, done[known], gap[known], left=np.inf, right=np.inf))
    starts = [0.0, (1 - width) / 2, 1 - width]
    return max(starts, key=lambda start: distance[(steps >= start) & (steps <= start + width)].min(initial=np.inf))


def _choose_unit(metric_name: str) -> tuple[float, str]:
    """Return the factor for drawing and the label of a metric: shares are drawn as percents."""
    words = metric_name.replace("_", " ").replace("mape", "MAPE")
    if metric_name.endswith("_pct"):
        return 1.0, f"{words.removesuffix(' pct')} (%)"
    if metric_name.endswith(("_rate", "_accuracy", "_share")):
        return 100.0, f"{words} (%)"
    return 1.0, words


def _format_number(value: float, label: str) -> str:
    return f"{value:.0f} %" if label.endswith("(%)") else f"{value:g}"


def _make_grid(rows: int) -> np.ndarray:
    return plt.subplots(rows, 3, figsize=(11.5, 3.1 * rows), squeeze=False)[1]
