"""Where defects come in, where they are found, and what they cost there."""

from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    TEXT,
    VERMILLION,
    color_by_kind,
    label_bars,
    label_usd_axis,
    lay_out_rows,
    prepare_axes,
    put_legend_above,
    say_no_data,
    usd,
)
from asp_analysis.wording import write_share

_FLOW_COLUMNS = ("phase_injected", "injected_order", "phase_removed", "removed_order", "defects")
_PHASE_COLUMNS = ("phase_removed", "removed_order", "removed_kind")
_KINDS_IN_ORDER = ("construction", "overhead", "appraisal", "failure")
_RATES = (
    ("true_positive", "Confirmed, of those flagged", "confirmed", "flagged", GREEN),
    ("false_positive", "Refuted, of those flagged", "refuted", "flagged", ORANGE),
    ("escape", "Escaped, of the real ones", "escaped", "real", VERMILLION),
)
"""Prefix of the columns, what it says, its numerator and denominator, its colour."""
_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8.5}


class Interval(NamedTuple):
    """A value between a lower and an upper end; NaN where it is not defined."""

    value: float
    lower: float
    upper: float


def plot_defect_flow(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how many defects were made in which phase and found in which: rows made, columns found, empty means zero.

    `frame`: phase_injected, injected_order, phase_removed, removed_order, defects (the view defect_flow).
    """
    ax = prepare_axes(frame, _FLOW_COLUMNS, ax, title)
    if frame.empty:
        return say_no_data(ax, "No defects")
    made = _list_phases(frame, "phase_injected", "injected_order")
    found = _list_phases(frame, "phase_removed", "removed_order")
    table = frame.pivot_table(index="phase_injected", columns="phase_removed", values="defects", aggfunc="sum")
    counts = table.reindex(index=made, columns=found).to_numpy(dtype=float)
    ax.pcolormesh(np.ma.masked_invalid(counts), cmap="Blues", vmin=0, edgecolors="white", linewidth=2)
    half = np.nanmax(counts) / 2
    for (row, column), count in np.ndenumerate(counts):
        if count > 0:
            color = "white" if count > half else "black"
            ax.text(column + 0.5, row + 0.5, f"{count:.0f}", ha="center", va="center", color=color)
    ax.set_xticks(np.arange(len(found)) + 0.5, found, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(np.arange(len(made)) + 0.5, made)
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("Found in")
    ax.set_ylabel("Made in")
    return ax


def plot_defects_by_phase(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how many defects each phase found, in the order of phases.

    `frame`: phase_removed, removed_order, removed_kind, defects; one row per phase.
    """
    ax = prepare_axes(frame, (*_PHASE_COLUMNS, "defects"), ax, title)
    if frame.empty:
        return say_no_data(ax, "No defects")
    rows = _draw_bars(ax, frame, "defects")
    label_bars(ax, rows["defects"].tolist(), [f"{count:.0f}" for count in rows["defects"]])
    ax.set_xlabel("Defects found (count)")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return ax


def plot_fix_cost_by_phase(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what the correction of one defect cost, by the phase that found it (a median), in the order of phases.

    `frame`: phase_removed, removed_order, removed_kind, median_fix_cost_usd; one row per phase.
    """
    ax = prepare_axes(frame, (*_PHASE_COLUMNS, "median_fix_cost_usd"), ax, title)
    known = frame.dropna(subset=["median_fix_cost_usd"])
    if known.empty:
        return say_no_data(ax, "No known cost")
    rows = _draw_bars(ax, known, "median_fix_cost_usd")
    label_bars(ax, rows["median_fix_cost_usd"].tolist(), [usd(cost) for cost in rows["median_fix_cost_usd"]])
    label_usd_axis(ax.xaxis, "Median cost of a correction (USD)")
    return ax


def plot_defect_pareto(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw defects per type, the most frequent first, each with the share that it and those above make up together.

    `frame`: defect_type, defects, cumulative_share (`quality.defect_pareto`). The types that make up 80 % are blue.
    """
    ax = prepare_axes(frame, ("defect_type", "defects", "cumulative_share"), ax, title)
    if frame.empty:
        return say_no_data(ax, "No defects")
    rows = frame.sort_values(["defects", "defect_type"], ascending=[False, True])
    before = rows["cumulative_share"] - rows["defects"] / rows["defects"].sum()
    ax.barh(rows["defect_type"], rows["defects"], color=[BLUE if share < 0.8 else SKY for share in before], height=0.7)
    texts = [
        f"{n}  ·  {write_share(share)}" for n, share in zip(rows["defects"], rows["cumulative_share"], strict=True)
    ]
    label_bars(ax, rows["defects"].tolist(), texts)
    put_legend_above(ax, [Patch(color=BLUE, label="makes up the first 80 %"), Patch(color=SKY, label="the rest")])
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_xlabel("Defects (count) · share of this type and all above it")
    return _put_first_on_top(ax)


def plot_phase_yields(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw which share of the defects that were there each phase removed, with an interval, in the order of phases.

    `frame`: agent_role, phase_order, kind, removed, present (entering + injected), yield_share, lower, upper. Phases
    that met no defect are left out.
    """
    columns = ("agent_role", "phase_order", "kind", "removed", "present", "yield_share", "lower", "upper")
    ax = prepare_axes(frame, columns, ax, title)
    rows = frame.dropna(subset=["yield_share"]).sort_values(["phase_order", "agent_role"])
    if rows.empty:
        return say_no_data(ax, "No defects")
    colors, patches = color_by_kind(rows["kind"].tolist())
    for place, (row, color) in enumerate(zip(rows.to_dict("records"), colors, strict=True)):
        _draw_interval(ax, place, Interval(row["yield_share"], row["lower"], row["upper"]), color)
        ax.text(1.025, place, f"{row['removed']} of {row['present']}", va="center", fontsize=9, color=TEXT)
    ax.set_yticks(range(len(rows)), rows["agent_role"])
    put_legend_above(ax, patches)
    return _show_shares(ax, "Yield: removed, of the defects present (95 % interval)")


def plot_review_effectiveness(
    frame: pd.DataFrame, axes: np.ndarray | None = None, title: str | None = None
) -> np.ndarray:
    """Draw each reviewer's confirmed, refuted and escaped shares with their intervals; returns the axes, shape (3,).

    `frame`: agent_role, phase_order, flagged, confirmed, refuted, escaped, and for each of true_positive,
    false_positive and escape a `_share`, `_lower`, `_upper` (`quality.review_effectiveness`).
    """
    names = [f"{name}_{part}" for name, *_ in _RATES for part in ("share", "lower", "upper")]
    counts = ("agent_role", "phase_order", "flagged", "confirmed", "refuted", "escaped")
    if axes is None:
        size = None if frame.empty else (11.5, 0.42 * len(frame) + 1.6)
        axes = plt.subplots(1, 1 if frame.empty else 3, figsize=size, sharey=True, squeeze=False)[1][0]
    prepare_axes(frame, (*counts, *names), axes.flat[0], None)
    if frame.empty:
        say_no_data(axes.flat[0], "No reviews")
        return axes
    rows = frame.sort_values(["phase_order", "agent_role"]).assign(real=lambda row: row["confirmed"] + row["escaped"])
    for ax, (name, words, part, whole, color) in zip(axes.flat, _RATES, strict=True):
        for place, row in enumerate(rows.to_dict("records")):
            shares = Interval(row[f"{name}_share"], row[f"{name}_lower"], row[f"{name}_upper"])
            _draw_interval(ax, place, shares, color)
            ax.text(1.06, place, f"{row[part]}/{row[whole]}", va="center", fontsize=8.5, color=TEXT)
        ax.set_title(words, fontsize=10.5)
        ax.set_yticks(range(len(rows)), rows["agent_role"])
        _show_shares(ax, "Share (95 % interval)")
    if title:
        axes.flat[0].figure.suptitle(title, x=0.01, ha="left")
    return axes


def plot_cost_of_quality(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw for each group how its cost splits into kinds of work: one bar of 100 %, appraisal and failure last.

    `frame`: group (text), construction_share, overhead_share, appraisal_share, failure_share (`cost_of_quality` with
    its component, or a period, as group), drawn in the order given. A group without a cost stays empty.
    """
    ax = prepare_axes(frame, ("group", *(f"{kind}_share" for kind in _KINDS_IN_ORDER)), ax, title)
    if frame.empty:
        return say_no_data(ax, "No known cost")
    left, places = np.zeros(len(frame)), range(len(frame))
    colors, patches = color_by_kind([*_KINDS_IN_ORDER])
    for kind, color in zip(_KINDS_IN_ORDER, colors, strict=True):
        share = frame[f"{kind}_share"].fillna(0).to_numpy(dtype=float)
        ax.barh(places, share, left=left, color=color, height=0.68, edgecolor="white", alpha=0.9)
        for place in np.flatnonzero(share >= 0.04).tolist():
            ink = "black" if kind == "appraisal" else "white"
            ax.text(left[place] + share[place] / 2, place, write_share(share[place]), color=ink, **_CENTRED)
        left += share
    for place, share in zip(places, frame["appraisal_share"] + frame["failure_share"], strict=True):
        ax.text(1.02, place, "unknown" if np.isnan(share) else write_share(share), **_CENTRED | {"ha": "left"})
    ax.set_yticks(places, frame["group"])
    put_legend_above(ax, patches)
    return _show_shares(ax, "Share of the whole; at the right: cost of quality = appraisal + failure")


def plot_error_prone_areas(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw each area's raw density next to the shrunken one with its interval, and the published threshold.

    `frame`: area, defects, size, density, shrunken_density, lower, upper, is_high_risk_published, is_high_risk
    (`error_prone_areas`; defects per complexity unit, drawn per 100 units).
    """
    columns = ("area", "defects", "size", "density", "shrunken_density", "lower", "upper", "is_high_risk")
    ax = prepare_axes(frame, columns, ax, title)
    if frame.empty:
        return say_no_data(ax, "No areas")
    rows = frame.sort_values(["shrunken_density", "area"], ascending=[False, True])
    beside: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 9, "color": TEXT}
    for place, row in enumerate(rows.to_dict("records")):
        color = VERMILLION if row["is_high_risk"] else BLUE
        shrunken = Interval(100 * row["shrunken_density"], 100 * row["lower"], 100 * row["upper"])
        _draw_interval(ax, place, shrunken, color)
        ax.plot(100 * row["density"], place, "o", color="none", markeredgecolor=BLACK, clip_on=False, zorder=4)
        ax.text(1.02, place, f"{row['defects']} in {row['size']:.0f} units", **beside)
    ax.axvline(200 * rows["density"].median(), color=BLACK, linestyle=":", linewidth=1.4)
    ax.set_yticks(range(len(rows)), rows["area"])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    # A circle at 0 keeps off the names.
    ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
    ax.set_xlabel("Defects per 100 complexity units")
    raw = Line2D([], [], color="none", marker="o", markeredgecolor=BLACK, label="raw")
    blue = Line2D([], [], color=BLUE, marker="o", label="shrunken, 90 % interval")
    line = Line2D([], [], color=BLACK, linestyle=":", label="2 × median of the raw ones")
    high = [Line2D([], [], color=VERMILLION, marker="o", label="high risk")] if rows["is_high_risk"].any() else []
    put_legend_above(ax, [raw, blue, *high, line])
    return _put_first_on_top(ax)


def _draw_interval(ax: Axes, place: int, interval: Interval, color: str) -> None:
    """Draw a value and its lower and upper end, nothing where it is not defined."""
    ax.plot(
        [interval.lower, interval.upper], [place, place], color=color, linewidth=3, alpha=0.5, solid_capstyle="butt"
    )
    ax.plot(interval.value, place, "o", color=color, markersize=7, clip_on=False, zorder=3)


def _show_shares(ax: Axes, label: str) -> Axes:
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    ax.set_xlabel(label)
    return _put_first_on_top(ax)


def _put_first_on_top(ax: Axes) -> Axes:
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    lay_out_rows(ax)
    return ax


def _draw_bars(ax: Axes, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = frame.sort_values(["removed_order", "phase_removed"], na_position="last")
    colors, patches = color_by_kind(rows["removed_kind"].tolist())
    ax.barh(rows["phase_removed"], rows[column], color=colors, height=0.7)
    put_legend_above(ax, patches)
    _put_first_on_top(ax)
    return rows


def _list_phases(frame: pd.DataFrame, phase: str, order: str) -> list[str]:
    return frame.sort_values([order, phase], na_position="last")[phase].drop_duplicates().tolist()
