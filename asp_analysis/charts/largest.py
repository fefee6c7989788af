"""Many names in one chart: the largest keep theirs and a colour, the others share one, and the chart says how many."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from asp_analysis.charts.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION

_COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION)
LONGEST_SHOWN_NAME = 28  # characters
_UNNAMED = "not named"


def name_largest(
    frame: pd.DataFrame, column: str, most: int, plural: str, values: list[str] | None = None
) -> pd.Series:
    """Return the names of the rows; beyond `most` names, those with the smaller sums share one."""
    names = frame[column].fillna(_UNNAMED).astype(str)
    sums = frame[values or ["cost_usd"]].sum(axis=1).groupby(names).sum().sort_values(ascending=False, kind="stable")
    if len(sums) <= most + 1:  # one alone can keep its name
        return names
    return names.where(names.isin(sums.index[:most]), f"{len(sums) - most} other {plural}")


def is_rest(name: str) -> bool:
    """Return whether a name is the one that the smaller ones share."""
    return name.endswith((" other models", " other projects"))


def order_by_sum(frame: pd.DataFrame, names: pd.Series) -> list[str]:
    """List the names by falling cost; what was put together comes last."""
    sums = frame["cost_usd"].groupby(names).sum().sort_values(ascending=False, kind="stable")
    return sorted(sums.index, key=is_rest)


def sum_largest_models(frame: pd.DataFrame, periods: pd.Series) -> pd.DataFrame:
    """Return the cost per period (rows) and model (columns, the most expensive first).

    frame: llm_model, cost_usd. periods: the first day of the period of each row.
    """
    models = name_largest(frame, "llm_model", len(_COLORS) - 1, "models")
    named = frame.assign(period=periods, model=models)
    wide = named.pivot_table(index="period", columns="model", values="cost_usd", aggfunc="sum", sort=False)
    return wide.reindex(columns=order_by_sum(frame, models)).fillna(0.0).sort_index()


def stack(ax: Axes, wide: pd.DataFrame, days: int) -> list[Patch]:
    """Draw the columns of `wide` as bars on one another, each `days` wide; return what the legend names."""
    bottom = pd.Series(0.0, wide.index)
    handles = []
    for place, name in enumerate(wide.columns):
        color = GREY if is_rest(name) else _COLORS[place]
        ax.bar(wide.index, wide[name], bottom=bottom, width=0.86 * days, align="edge", color=color)
        handles.append(Patch(color=color, label=shorten(name)))
        bottom += wide[name]
    return handles


def shorten(name: str | None, most: int = LONGEST_SHOWN_NAME) -> str:
    """Return a name that fits next to a bar; session ids are known by their first eight characters."""
    text = _UNNAMED if pd.isna(name) else str(name)
    if len(text) == 36 and text.count("-") == 4:
        return text[:8]
    return text if len(text) <= most else f"{text[: most - 1]}…"
