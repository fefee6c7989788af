"""One look for every chart: the style sheet, the colours by meaning, and how money and shares are written."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter

from asp_analysis.errors import AnalysisError
from asp_analysis.wording import write_dollars

# Okabe and Ito (2008): told apart by people with any of the common kinds of colour blindness.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILLION, BLACK = "#56B4E9", "#D55E00", "#000000"
GREY, TEXT = "#8C8C8C", "#444444"

KIND_COLORS = {"construction": BLUE, "appraisal": SKY, "failure": VERMILLION, "overhead": GREY}
OTHER_KIND_COLOR = PURPLE
# By what differs between the places of an axis (years, months, days, hours, ...), and where a new one of these begins.
DAY_FORMATS = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"]
DAY_ZEROS = ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
MODE_COLORS = {"Learning": ORANGE, "Shadow": SKY, "Autonomous": GREEN}

Handle = Artist | tuple[Artist, ...]
"""What a legend can name: something that is drawn, or several that belong together (an error bar)."""


_SHOWN_CLOCK = ContextVar("clock", default="UTC")


def use_style(clock: str = "UTC") -> None:
    """Draw every later chart of this Python process in the project's style; clock: whose instants the frames have."""
    plt.style.use("asp_analysis.charts.asp")
    _SHOWN_CLOCK.set(clock)


def name_clock() -> str:
    """Return whose days and instants a chart shows, for the name of an axis."""
    return _SHOWN_CLOCK.get()


def usd(value: float) -> str:
    r"""Return money for a label: $0.042, $2.19, $198 or $1,250; the $ is escaped, as two would start a formula."""
    return write_dollars(value).replace("$", r"\$")


def label_usd_axis(axis: Axis, label: str) -> None:
    """Write money on an axis and name it."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: rf"\${value:,.10g}"))
    axis.set_label_text(label)


def label_day_axis(axis: Axis, most: int) -> None:
    """Write days on an axis, each with its month, at no more than so many places; months or years for a long time."""
    locator = AutoDateLocator(minticks=3, maxticks=most)
    axis.set_major_locator(locator)
    axis.set_major_formatter(
        ConciseDateFormatter(locator, formats=DAY_FORMATS, zero_formats=DAY_ZEROS, show_offset=False)
    )


def prepare_axes(
    frame: pd.DataFrame, columns: Sequence[str], ax: Axes | None, title: str | None, inches: float | None = None
) -> Axes:
    """Return the axes to draw on, titled, after a look at the frame's columns.

    New ones for None, `inches` high where that is said; axes that are given keep their height.

    Raises:
        AnalysisError: a column that the chart draws is not there.
    """
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise AnalysisError(
            f"The columns {', '.join(absent)} are needed for this chart, {list(frame.columns)} found. Rename them."
        )
    if ax is None:
        figure, ax = plt.subplots()
        if inches is not None:
            figure.set_figheight(inches)
    if title:
        ax.set_title(title)
    return ax


def measure_width(ax: Axes) -> float:
    """Return how many inches wide the axes are."""
    return ax.bbox.width / ax.figure.dpi


def say_no_data(ax: Axes, words: str = "No data yet") -> Axes:
    """Say on empty axes that there is nothing to draw."""
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color=GREY, fontsize=12)
    ax.set_axis_off()
    return ax


def put_legend_above(ax: Axes, handles: Sequence[Handle]) -> None:
    """Put the legend between title and chart, in as many rows as its labels need at the width of the chart."""
    tight: dict[str, Any] = {"borderaxespad": 0.2, "handlelength": 1.2, "borderpad": 0, "columnspacing": 1.2}
    tight |= {"loc": "lower left", "bbox_to_anchor": (0, 1)}
    legend = ax.legend(handles=handles, **tight)
    columns = _count_columns([_measure_text(text) for text in legend.get_texts()], measure_width(ax))
    if columns > 1:
        ax.legend(handles=handles, ncols=columns, **tight)
    ax.set_title(ax.get_title(loc="left"), pad=10 + 16 * -(-len(handles) // columns))


def _measure_text(text: Text) -> float:
    """Return how many inches wide an entry of a legend is, with its mark and the space around both."""
    size = text.get_fontproperties().get_size_in_points()
    return float(TextPath((0, 0), text.get_text(), size=size).get_extents().width + 3.2 * size) / 72


def _count_columns(widths: Sequence[float], available: float) -> int:
    """Return the largest number of columns that fits, filled as matplotlib does; one where none does."""
    for columns in range(len(widths), 1, -1):
        if sum(part.max() for part in np.array_split(np.asarray(widths), columns)) <= available:
            return columns
    return 1


def color_by_kind(kinds: Sequence[str | None]) -> tuple[list[str], list[Patch]]:
    """Return the colour of each phase by its kind, and the legend of the kinds that occur, in the order met."""
    named = ["other" if kind is None or kind not in KIND_COLORS else kind for kind in kinds]
    colors = KIND_COLORS | {"other": OTHER_KIND_COLOR}
    return [colors[kind] for kind in named], [Patch(color=colors[kind], label=kind) for kind in dict.fromkeys(named)]


def label_bars(ax: Axes, widths: Sequence[float], texts: Sequence[str]) -> None:
    """Write a text at the end of each horizontal bar, and leave room for the longest."""
    for place, (width, text) in enumerate(zip(widths, texts, strict=True)):
        ax.annotate(text, (width, place), (5, 0), textcoords="offset points", va="center", fontsize=9, color=TEXT)
    ax.margins(x=0.2)
    ax.set_xlim(left=0)


def lay_out_rows(ax: Axes) -> None:
    """Style rows: a grid to read values by, no left border, no tick marks next to the names."""
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
