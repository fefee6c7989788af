"""Where the money goes: by role, by week and model, and over tasks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from asp_analysis.charts.largest import stack, sum_largest_models
from asp_analysis.charts.style import (
    BLACK,
    BLUE,
    TEXT,
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

MOST_WEEKS_WITH_LABELS = 13  # as many as find room at notebook size
_HALF_A_BAR = pd.Timedelta(days=3)


def plot_cost_by_role(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per role in the order of phases, labelled with its cost and its share.

    `frame`: agent_role, phase_order, kind, cost_usd, cost_share (the view role_costs). Roles without a place in the
    order are last.
    """
    ax = prepare_axes(frame, ("agent_role", "phase_order", "kind", "cost_usd", "cost_share"), ax, title)
    rows = frame.dropna(subset=["cost_usd"]).sort_values(["phase_order", "agent_role"], na_position="last")
    if rows.empty:
        return say_no_data(ax)
    colors, patches = color_by_kind(rows["kind"].tolist())
    ax.barh(rows["agent_role"], rows["cost_usd"], color=colors, height=0.72)
    texts = [
        f"{usd(cost)}  ·  {write_share(share)}" for cost, share in zip(rows.cost_usd, rows.cost_share, strict=True)
    ]
    label_bars(ax, rows["cost_usd"].tolist(), texts)
    put_legend_above(ax, patches)
    ax.invert_yaxis()
    lay_out_rows(ax)
    label_usd_axis(ax.xaxis, "Known cost (USD)")
    return ax


def plot_cost_per_week(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per week, stacked by model, with the week's sum on top where there is room.

    `frame`: week (date of the Monday), llm_model, cost_usd; weeks without a row show as gaps, one without any known
    cost says so.
    """
    ax = prepare_axes(frame, ("week", "llm_model", "cost_usd"), ax, title)
    if frame.empty:
        return say_no_data(ax)
    weeks = pd.to_datetime(frame["week"])
    unknown = set(weeks) - set(weeks[frame["cost_usd"].notna()])
    wide = sum_largest_models(frame, weeks).reindex(pd.date_range(weeks.min(), weeks.max(), freq="7D")).fillna(0.0)
    handles = stack(ax, wide, days=7)
    middles, totals = wide.index.to_series() + _HALF_A_BAR, wide.sum(axis=1)
    step = -(-len(wide) // MOST_WEEKS_WITH_LABELS)
    ax.set_xticks(middles.iloc[::step], [f"{week:%d %b}" for week in wide.index[::step]])
    for week, middle, total in zip(wide.index, middles, totals, strict=True) if step == 1 else ():
        text = "unknown" if week in unknown else usd(total)
        ax.annotate(text, (middle, total), (0, 3), textcoords="offset points", ha="center", fontsize=9, color=TEXT)
    ax.set_xlabel("Week that begins on Monday")
    ax.grid(axis="y")
    ax.margins(y=0.1)
    put_legend_above(ax, handles)
    label_usd_axis(ax.yaxis, "Known cost (USD)")
    return ax


def plot_cost_distribution(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how many tasks cost how much, on a log axis, with the median and the 90 % point marked.

    `frame`: cost_usd, one row per task. A cost of 0 has no place on a log axis: such tasks are counted in a note.
    """
    ax = prepare_axes(frame, ("cost_usd",), ax, title)
    known = frame["cost_usd"].dropna()
    cost = known[known > 0].to_numpy(dtype=float)
    if not len(cost):
        return say_no_data(ax)
    edges = _choose_edges(cost)
    ax.hist(cost, bins=edges.tolist(), color="#8DBFDD", edgecolor="white")
    ax.plot(cost, np.full(len(cost), -0.35), "|", color=BLUE, markersize=8)
    ax.set_xscale("log")
    ax.set_ylim(-0.8, ax.get_ylim()[1] * 1.12)
    _mark_quantile(ax, cost, 0.5, "median")
    _mark_quantile(ax, cost, 0.9, "9 of 10 tasks\nare below")
    ax.grid(axis="y")
    ax.set_ylabel("Tasks (count)")
    _put_round_ticks(ax, edges[0], edges[-1])
    zeros = len(known) - len(cost)
    label_usd_axis(
        ax.xaxis, "Cost of a task (USD, log scale)" + (f"; {zeros} tasks at 0 are not drawn" if zeros else "")
    )
    return ax


def _choose_edges(cost: np.ndarray) -> np.ndarray:
    """Return bins that are a fifth of a power of ten wide and begin at a whole fifth."""
    low, high = np.floor(5 * np.log10([cost.min(), cost.max()]))
    return 10 ** (np.arange(low, high + 2) / 5)


def _mark_quantile(ax: Axes, values: np.ndarray, share: float, name: str) -> None:
    place, top = float(np.quantile(values, share)), ax.get_ylim()[1]
    ax.axvline(place, color=BLACK, linewidth=1.2, linestyle="-" if share == 0.5 else ":")
    ax.annotate(f"{name}\n{usd(place)}", (place, top), (4, -2), textcoords="offset points", va="top", fontsize=9)


def _put_round_ticks(ax: Axes, low: float, high: float) -> None:
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    places = [step * decade for decade in decades for step in (1, 2, 5) if low <= step * decade <= high]
    ax.set_xticks(places)
    ax.minorticks_off()
