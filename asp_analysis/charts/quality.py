"""Where defects come in, where they are found, and what they cost there."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from asp_analysis.charts.style import (
    axes_of,
    kind_patches,
    label_bars,
    legend_above,
    say_no_data,
    usd,
    usd_axis,
)

_FLOW = ("phase_injected", "injected_order", "phase_removed", "removed_order", "defects")
_PHASE = ("phase_removed", "removed_order", "removed_kind")


def plot_defect_flow(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how many defects were made in which phase and found in which: rows made, columns found, empty is none.

    `frame`: phase_injected, injected_order, phase_removed, removed_order, defects (the view defect_flow).
    """
    ax = axes_of(frame, _FLOW, ax, title)
    if frame.empty:
        return say_no_data(ax, "No defects")
    made, found = (
        _in_order(frame, "phase_injected", "injected_order"),
        _in_order(frame, "phase_removed", "removed_order"),
    )
    counts = frame.pivot_table(index="phase_injected", columns="phase_removed", values="defects", aggfunc="sum")
    counts = counts.reindex(index=made, columns=found).to_numpy(dtype=float)
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
    ax = axes_of(frame, (*_PHASE, "defects"), ax, title)
    if frame.empty:
        return say_no_data(ax, "No defects")
    rows = _bars(ax, frame, "defects")
    label_bars(ax, rows["defects"].tolist(), [f"{count:.0f}" for count in rows["defects"]])
    ax.set_xlabel("Defects found (count)")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return ax


def plot_fix_cost_by_phase(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw what the correction of one defect cost, by the phase that found it (a median), in the order of phases.

    `frame`: phase_removed, removed_order, removed_kind, median_fix_cost_usd; one row per phase.
    """
    ax = axes_of(frame, (*_PHASE, "median_fix_cost_usd"), ax, title)
    known = frame.dropna(subset=["median_fix_cost_usd"])
    if known.empty:
        return say_no_data(ax, "No known cost")
    rows = _bars(ax, known, "median_fix_cost_usd")
    label_bars(ax, rows["median_fix_cost_usd"].tolist(), [usd(cost) for cost in rows["median_fix_cost_usd"]])
    usd_axis(ax.xaxis, "Median cost of a correction (USD)")
    return ax


def _bars(ax: Axes, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = frame.sort_values(["removed_order", "phase_removed"], na_position="last")
    colors, patches = kind_patches(rows["removed_kind"].tolist())
    ax.barh(rows["phase_removed"], rows[column], color=colors, height=0.7)
    legend_above(ax, patches)
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return rows


def _in_order(frame: pd.DataFrame, phase: str, order: str) -> list[str]:
    return frame.sort_values([order, phase], na_position="last")[phase].drop_duplicates().tolist()
