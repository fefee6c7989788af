"""What the next task will cost: the history with its line and bands, and what each method says."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    TEXT,
    Handle,
    label_usd_axis,
    lay_out_rows,
    prepare_axes,
    put_legend_above,
    say_no_data,
    usd,
)
from asp_analysis.wording import write_share

SIZE_LABEL = "Estimated size (complexity units)"
COST_LABEL = "Cost (USD)"
BAND_COLORS = ("#E3F1FA", "#C3E1F4")  # the widest band is the palest
REVIEW_RANGE = (0.5, 1.5)  # an interval that leaves it asks for a human


_BESIDE: dict[str, Any] = {"va": "center", "fontsize": 9.5, "color": TEXT}
"""Words at the right of a row, outside of the axes."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A value with its 70 % and its 90 % interval; NaN for a bound that is not known."""

    value: float
    lower_70: float
    upper_70: float
    lower_90: float
    upper_90: float


def plot_probe(
    frame: pd.DataFrame,
    bands: Mapping[float, pd.DataFrame],
    estimate: pd.DataFrame | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw finished tasks, the line through them, its prediction bands, and a new task's estimate with its interval.

    `frame`: size, cost_usd. `bands`: level (share) to a frame with size, projection, lower, upper, which is
    `LinearFit.band(size, level)` with the sizes next to it. `estimate`: size, projection, lower, upper, level, one row.
    Bands below zero are cut at zero: no cost is negative.
    """
    ax = prepare_axes(frame, ("size", "cost_usd"), ax, title)
    if frame.dropna(subset=["size", "cost_usd"]).empty:
        return say_no_data(ax)
    levels = sorted(bands, reverse=True)
    handles: list[Handle] = [_draw_band(ax, bands[level], level, BAND_COLORS[n > 0]) for n, level in enumerate(levels)]
    if levels:
        line = bands[levels[0]]
        handles += ax.plot(line["size"], line["projection"], color=BLACK, linewidth=1.6, label="fitted line")
    look: dict[str, Any] = {"color": BLUE, "markeredgecolor": "white", "markersize": 6, "zorder": 3}
    handles += ax.plot(frame["size"], frame["cost_usd"], "o", label="finished task", **look)
    handles.reverse()
    if estimate is not None:
        handles.append(_draw_estimate(ax, estimate.iloc[0]))
    ax.grid(axis="both")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    ax.set_xlabel(SIZE_LABEL)
    label_usd_axis(ax.yaxis, COST_LABEL)
    put_legend_above(ax, handles)
    return ax


def plot_methods(
    frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None, label: str = "Estimated cost (USD)"
) -> Axes:
    """Draw what each PROBE method says: its projection, its 70 % and 90 % prediction intervals and its verdict.

    `frame`: `ProbeReport.frame()`: method, x_name, projection, lower_70, upper_70, lower_90, upper_90, verdict,
    is_chosen. The chosen method is blue, what is refused is grey and hollow, a method without a number says so.
    """
    columns = ("method", "x_name", "projection", "lower_70", "upper_70", "lower_90", "upper_90", "verdict", "is_chosen")
    ax = prepare_axes(frame, columns, ax, title)
    if frame.empty:
        return say_no_data(ax)
    right = float(np.nanmax(frame[["projection", "upper_70", "upper_90"]].to_numpy(dtype=float), initial=0.0)) or 1.0
    for place, row in enumerate(frame.to_dict("records")):
        color, is_refused = BLUE if row["is_chosen"] else GREY, row["verdict"] == "refused"
        _draw_spread(ax, place, _read_spread(row, row["projection"]), color, is_hollow=is_refused)
        words = "chosen" if row["is_chosen"] else row["verdict"]
        text = "no number" if np.isnan(row["projection"]) else f"{usd(row['projection'])}  {words}"
        _write_beside(ax, place, text, is_bold=row["is_chosen"])
    names = [f"{method}: {x_name}" for method, x_name in zip(frame["method"], frame["x_name"], strict=True)]
    ax.set_yticks(range(len(frame)), names)
    ax.set_xlim(0, 1.05 * right)
    ax.set_ylim(len(frame) - 0.4, -0.6)
    lay_out_rows(ax)
    label_usd_axis(ax.xaxis, f"{label}; thick: 70 %, thin: 90 % prediction interval")
    return ax


def plot_residuals(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how far each finished task is from the line, against its size; the larger the point, the more it pulls.

    `frame`: task_id, size, residual_usd, leverage (share), cooks_distance, is_named. Points grow with their leverage;
    those with `is_named` are orange and show their name and Cook's distance.
    """
    columns = ("task_id", "size", "residual_usd", "leverage", "cooks_distance", "is_named")
    ax = prepare_axes(frame, columns, ax, title, inches=3.4)
    if frame.empty:
        return say_no_data(ax)
    colors = np.where(frame["is_named"], ORANGE, BLUE)
    area = 25 + 700 * frame["leverage"]
    ax.axhline(0, color=BLACK, linewidth=1.2)
    ax.scatter(frame["size"], frame["residual_usd"], s=area, c=colors, edgecolors="white", linewidths=0.8, zorder=3)
    _name_points(ax, frame)
    ax.grid(axis="both")
    ax.set_xlim(left=0)
    ax.margins(y=0.12)
    ax.set_xlabel(f"{SIZE_LABEL}; D: Cook's distance, point size: leverage")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: rf"{'-' if v < 0 else ''}\${abs(v):,.10g}"))
    ax.set_ylabel("Actual - line (USD)")
    return ax


def plot_estimate_vector(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw every component of one task's estimate on one scale: its intervals in multiples of the estimate.

    `frame`: `CostVector.to_frame()`: component, estimate, lower_70, upper_70, lower_90, upper_90. The grey field is
    the estimate +- 50 %; a 70 % interval that leaves it is orange: a human should look. The numbers are next to it.
    """
    bounds = ("lower_70", "upper_70", "lower_90", "upper_90")
    ax = prepare_axes(frame, ("component", "estimate", *bounds), ax, title, inches=1.3 + 0.5 * len(frame))
    if frame.empty:
        return say_no_data(ax)
    ax.axvspan(*REVIEW_RANGE, color="#EFEFEF", linewidth=0, zorder=0)
    for place, row in enumerate(frame.to_dict("records")):
        spread = _read_spread(row, row["estimate"], unit=row["estimate"])
        is_wide = spread.lower_70 < REVIEW_RANGE[0] or spread.upper_70 > REVIEW_RANGE[1]
        _draw_spread(ax, place, spread, ORANGE if is_wide else BLUE)
        said = [_format_amount(row["component"], row[name]) for name in ("estimate", "lower_70", "upper_70")]
        _write_beside(ax, place, f"{said[0]}  ({said[1]} to {said[2]})")
    ratios = frame[list(bounds)].div(frame["estimate"], axis=0)
    _set_log_axis(ax, ratios.to_numpy(dtype=float), "{:g}×")
    ax.set_yticks(range(len(frame)), frame["component"])
    _stack_rows(ax, len(frame), "Multiple of the estimate, log scale; thick: 70 %, thin: 90 %; grey: ± 50 %")
    return ax


def plot_models(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what one task would cost with each model, with intervals, and how likely each would be the cheapest.

    `frame`: `Comparison.frame`: llm_model, estimate, lower_70, upper_70, lower_90, upper_90, cheapest_probability,
    cheapest_probability_lower, cheapest_probability_upper (shares), n. The likeliest is blue.
    """
    bounds = ("lower_70", "upper_70", "lower_90", "upper_90")
    shares = ("cheapest_probability", "cheapest_probability_lower", "cheapest_probability_upper")
    columns = ("llm_model", "estimate", *bounds, *shares, "n")
    ax = prepare_axes(frame, columns, ax, title, inches=1.3 + 0.6 * len(frame))
    if frame.empty:
        return say_no_data(ax)
    likeliest = int(frame["cheapest_probability"].to_numpy().argmax())
    for place, row in enumerate(frame.to_dict("records")):
        _draw_spread(ax, place, _read_spread(row, row["estimate"]), BLUE if place == likeliest else GREY)
        said = [write_share(row[name]) for name in shares]
        words = f"{usd(row['estimate'])}\ncheapest: {said[0]} ({said[1]} to {said[2]})"
        _write_beside(ax, place, words, is_bold=place == likeliest)
    _set_log_axis(ax, frame[list(bounds)].to_numpy(dtype=float), "$")
    names = [f"{model}\n{n} past tasks" for model, n in zip(frame["llm_model"], frame["n"], strict=True)]
    ax.set_yticks(range(len(frame)), names)
    _stack_rows(ax, len(frame), "Estimated cost (USD), log scale; thick: 70 %, thin: 90 % prediction interval")
    return ax


def _draw_band(ax: Axes, band: pd.DataFrame, level: float, color: str) -> Artist:
    lower, upper = band["lower"].clip(lower=0), band["upper"].clip(lower=0)
    name = f"{write_share(level)} prediction band"
    filled = ax.fill_between(band["size"], lower, upper, color=color, linewidth=0, label=name)
    ax.plot(band["size"], band["upper"], color=SKY, linewidth=0.8)
    ax.plot(band["size"], band["lower"].where(band["lower"] >= 0), color=SKY, linewidth=0.8)
    return filled


def _draw_estimate(ax: Axes, row: pd.Series) -> Handle:
    below, above = row["projection"] - max(row["lower"], 0), row["upper"] - row["projection"]
    limits = f"{usd(max(row['lower'], 0))} to {usd(row['upper'])}"
    name = f"new task: {usd(row['projection'])} ({write_share(row['level'])}: {limits})"
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


def _name_points(ax: Axes, frame: pd.DataFrame) -> None:
    """Write each named task and its Cook's distance towards the middle of the axes, apart and between the extremes."""
    lowest, highest = frame["residual_usd"].min(), frame["residual_usd"].max()
    points = frame[frame["is_named"]].sort_values("residual_usd")
    heights = _spread_heights(points["residual_usd"].to_numpy(), apart=0.09 * (highest - lowest), highest=highest)
    for row, height in zip(points.to_dict("records"), heights, strict=True):
        text, is_left = f"{row['task_id']}: D {row['cooks_distance']:.2f}", row["size"] > frame["size"].max() / 2
        text = f"{text}    " if is_left else f"    {text}"
        ax.text(row["size"], height, text, ha="right" if is_left else "left", va="center", fontsize=9, color=TEXT)


def _spread_heights(wanted: np.ndarray, apart: float, highest: float) -> np.ndarray:
    """Return ascending heights, each at least `apart` above the one before and none above `highest`."""
    steps = apart * np.arange(len(wanted))
    raised = np.maximum.accumulate(wanted - steps) + steps
    return np.minimum(raised, highest - steps[::-1])


def _read_spread(row: dict[Hashable, Any], value: float, unit: float = 1.0) -> Spread:
    """Return a value of a frame's row with its intervals, in multiples of `unit`."""
    return Spread(
        value=value / unit,
        lower_70=row["lower_70"] / unit,
        upper_70=row["upper_70"] / unit,
        lower_90=row["lower_90"] / unit,
        upper_90=row["upper_90"] / unit,
    )


def _draw_spread(ax: Axes, place: int, spread: Spread, color: str, *, is_hollow: bool = False) -> None:
    for lower, upper, width in ((spread.lower_90, spread.upper_90, 1.5), (spread.lower_70, spread.upper_70, 6)):
        if not np.isnan(lower):
            ax.plot([lower, upper], [place, place], color=color, linewidth=width, alpha=0.55, solid_capstyle="butt")
    ax.plot(spread.value, place, "o", markersize=8, color="white" if is_hollow else color, markeredgecolor=color)


def _write_beside(ax: Axes, place: int, words: str, *, is_bold: bool = False) -> None:
    weight = "bold" if is_bold else "normal"
    ax.text(1.02, place, words, transform=ax.get_yaxis_transform(), fontweight=weight, **_BESIDE)


def choose_log_ticks(lower: float, upper: float) -> list[float]:
    """Return round values between two positive limits of a log axis: few per decade, or few decades, where it is long.

    A lower bound that few tasks leave open can lie many powers of 10 away; about six labels fit next to each other.
    """
    first, last = np.floor(np.log10(lower)), np.ceil(np.log10(upper))
    steps = (1, 1.5, 2, 3, 5, 7) if upper / lower < 10 else (1, 2, 5) if upper / lower < 200 else (1,)
    decades = 10.0 ** np.arange(first, last + 1, max(1, (last - first) // 6))
    return [step * decade for decade in decades for step in steps if lower <= step * decade <= upper]


def _set_log_axis(ax: Axes, values: np.ndarray, form: str) -> None:
    """Make the x axis logarithmic with ticks that people read."""
    lower, upper = 0.9 * np.nanmin(values), 1.1 * np.nanmax(values)
    ax.set_xscale("log")
    ax.set_xlim(lower, upper)
    ax.xaxis.set_major_locator(FixedLocator(choose_log_ticks(lower, upper)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: rf"\${v:,.6g}" if form == "$" else form.format(v)))


def _stack_rows(ax: Axes, count: int, label: str) -> None:
    """Put the first row on top and name the axis."""
    ax.set_ylim(count - 0.4, -0.6)
    lay_out_rows(ax)
    ax.set_xlabel(label)


def _format_amount(component: str, value: float) -> str:
    """Return a component's value with its unit, as short as a label has to be."""
    if component == "cost_usd":
        return usd(value)
    if component == "latency_ms":
        minutes = value / 60_000
        return f"{minutes:.1f} min" if minutes >= 2 else f"{value / 1000:.3g} s"
    factor, unit = (1e6, " M") if value >= 1e6 else (1e3, " k") if value >= 1e4 else (1.0, "")
    shown = value / factor
    return f"{shown:,.0f}{unit}" if shown >= 100 else f"{shown:.3g}{unit}"
