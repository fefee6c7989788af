"""One thing that the data says: a sentence, the table behind it, its chart, and how to read the chart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one section of a notebook shows, from the top: text, table, chart, reading.

    text: Markdown, one to three sentences, the answer first. table: values as the package has them, shown as
    `wording.write_table` writes them. draw: makes the chart. reading: Markdown, how to read the chart and what it
    leaves open; said only where there is one.
    """

    text: str
    table: pd.DataFrame | None = None
    draw: Callable[[], Any] | None = None
    reading: str = ""


def lack(what: str, remedy: str) -> Finding:
    """Return the one sentence for a part that the data does not have: what is missing, and what would fill it."""
    return Finding(text=f"{what} {remedy}")


def set_height(ax: Axes, inches: float) -> Axes:
    """Return the axes with their whole figure as high as its rows need."""
    figure = ax.get_figure(root=True)
    if figure is not None:
        figure.set_figheight(inches)
    return ax
