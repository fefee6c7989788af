"""What coding agents cost: by day and model, by project, by task, and which kinds of tokens they used.

Stores of your own hold many models, projects and days: each chart keeps the largest and says what it put together.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from asp_analysis.charts.largest import is_rest, name_largest, order_by_sum, shorten, stack, sum_largest_models
from asp_analysis.charts.style import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    TEXT,
    VERMILLION,
    label_bars,
    label_usd_axis,
    lay_out_rows,
    name_clock,
    prepare_axes,
    put_legend_above,
    say_no_data,
    usd,
)
from asp_analysis.wording import write_share

MOST_DAYS = 100  # more bars than that are too thin to be told apart at notebook size
MOST_PROJECTS = 12
MOST_MODELS_IN_ROWS = 8
LONGEST_NAME_IN_LABEL = 16  # characters
TOKEN_KINDS = {
    "tokens_cache_read": ("read from cache", SKY),
    "tokens_cache_write": ("written to cache", BLUE),
    "tokens_fresh": ("fresh input", ORANGE),
    "tokens_out": ("output", VERMILLION),
}


def plot_cost_per_day(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per day, stacked by model; from 100 days on one bar per week, and the axis says so.

    `frame`: day (date), llm_model, cost_usd. The five models that cost the most have colours, the others share one.
    """
    ax = prepare_axes(frame, ("day", "llm_model", "cost_usd"), ax, title)
    known = frame.dropna(subset=["day", "cost_usd"])
    if known.empty:
        return say_no_data(ax)
    days = pd.to_datetime(known["day"])
    is_weekly = (days.max() - days.min()).days >= MOST_DAYS
    starts = days - pd.to_timedelta(days.dt.day_of_week, unit="D") if is_weekly else days
    handles = stack(ax, sum_largest_models(known, starts), 7 if is_weekly else 1)
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))
    ax.xaxis.set_major_formatter(DateFormatter("%d %b\n%Y"))
    ax.set_xlabel(f"{'Week that begins on Monday' if is_weekly else 'Day'} ({name_clock()})")
    ax.grid(axis="y")
    put_legend_above(ax, handles)
    label_usd_axis(ax.yaxis, f"Known cost per {'week' if is_weekly else 'day'} (USD)")
    return ax


def plot_tokens_by_kind(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per model: which share of its tokens is read from cache, written to it, fresh input and output.

    `frame`: llm_model, tokens_fresh, tokens_cache_read, tokens_cache_write, tokens_out; the number next to a bar is the
    sum of all four. The model with the most tokens is first.
    """
    ax = prepare_axes(frame, ("llm_model", *TOKEN_KINDS), ax, title)
    named = frame.assign(llm_model=name_largest(frame, "llm_model", MOST_MODELS_IN_ROWS, "models", list(TOKEN_KINDS)))
    sums = named.groupby("llm_model")[list(TOKEN_KINDS)].sum().astype(float)
    total = sums.sum(axis=1)
    sums = sums.loc[sorted(total[total > 0].sort_values(ascending=False).index, key=is_rest)]
    if sums.empty:
        return say_no_data(ax)
    left = pd.Series(0.0, sums.index)
    for kind, (_, color) in TOKEN_KINDS.items():
        share = sums[kind] / total[sums.index]
        ax.barh(range(len(sums)), share, left=left, color=color, height=0.68)
        left += share
    for place, tokens in enumerate(total[sums.index]):
        ax.annotate(
            _format_tokens(tokens), (1, place), (5, 0), textcoords="offset points", va="center", fontsize=9, color=TEXT
        )
    ax.set_xlim(0, 1.12)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: write_share(share)))
    put_legend_above(ax, [Patch(color=color, label=name) for name, color in TOKEN_KINDS.values()])
    return _name_rows(ax, sums.index, "Share of the model's tokens; next to the bar: all its tokens")


def plot_most_expensive_tasks(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per task in the order given, labelled with its cost, first day and project.

    `frame`: task_id, project_id, first_at, cost_usd, for instance the head of the view task_activity by cost.
    """
    ax = prepare_axes(frame, ("task_id", "project_id", "first_at", "cost_usd"), ax, title)
    rows = frame.dropna(subset=["cost_usd"])
    if rows.empty:
        return say_no_data(ax)
    ax.barh(range(len(rows)), rows["cost_usd"], color=BLUE, height=0.68)
    parts = zip(rows["cost_usd"], rows["first_at"], rows["project_id"], strict=True)
    texts = [f"{usd(cost)}  ·  {day:%d %b %Y}  ·  {shorten(name, LONGEST_NAME_IN_LABEL)}" for cost, day, name in parts]
    label_bars(ax, rows["cost_usd"].tolist(), texts)
    ax.set_xlim(0, 2.2 * rows["cost_usd"].max())  # the labels are longer than those of other charts
    label_usd_axis(_name_rows(ax, rows["task_id"], "").xaxis, "Known cost (USD)")
    return ax


def plot_cost_by_project(frame: pd.DataFrame, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one bar per project, the most expensive first, labelled with its cost, share of all and tasks.

    `frame`: project_id, tasks, cost_usd, one row per project. From the thirteenth on they are one grey bar.
    """
    ax = prepare_axes(frame, ("project_id", "tasks", "cost_usd"), ax, title)
    known = frame.dropna(subset=["cost_usd"])
    if known.empty:
        return say_no_data(ax)
    names = name_largest(known, "project_id", MOST_PROJECTS, "projects")
    rows = known.assign(name=names).groupby("name")[["tasks", "cost_usd"]].sum().loc[order_by_sum(known, names)]
    colors = [GREY if is_rest(name) else BLUE for name in rows.index]
    ax.barh(range(len(rows)), rows["cost_usd"], color=colors, height=0.68)
    shares = rows["cost_usd"] / (rows["cost_usd"].sum() or 1)
    counts = [f"{tasks:,} {'task' if tasks == 1 else 'tasks'}" for tasks in rows["tasks"]]
    parts = zip(rows["cost_usd"], shares, counts, strict=True)
    texts = [f"{usd(cost)}  ·  {write_share(share)}  ·  {count}" for cost, share, count in parts]
    label_bars(ax, rows["cost_usd"].tolist(), texts)
    ax.set_xlim(0, 1.35 * rows["cost_usd"].max())
    label_usd_axis(_name_rows(ax, rows.index, "").xaxis, "Known cost (USD)")
    return ax


def _format_tokens(count: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}" if count < 1000 * size else f"{count / size:,.0f} {letter}"
    return f"{count:.0f}"


def _name_rows(ax: Axes, names: pd.Index | pd.Series, label: str) -> Axes:
    ax.set_yticks(range(len(names)), [shorten(name) for name in names])
    ax.invert_yaxis()
    lay_out_rows(ax)
    ax.set_xlabel(label)
    return ax
