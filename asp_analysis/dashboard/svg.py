"""Small pictures as SVG that fit any width: across in percent, down in pixels, so letters never shrink on a phone.

Every text and attribute is escaped; colours are classes of the page's style sheet, so that light, dark and paper
each have their own. A picture has a title and a description for those who do not see it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup, escape

SIDE = 1000.0
"""Side of the square in which lines are drawn before the browser stretches it over the plot."""
LETTER = 6.6
"""Pixels that a letter of a bar's text takes: a long label ends where the text begins, however narrow the page."""
ONE_LINE = 38
"""Letters of a bar's label and text together that fit next to each other on the narrowest phone (320 pixels)."""
LEFT = 0.11
"""Share of the width that the words of the vertical axis take."""
CELL_HEIGHT = 26.0
"""Of a row of a table of counts, in pixels."""

Point = TypeVar("Point", bound=tuple[float, ...])


def write_element(name: str, *children: str, **attributes: object) -> Markup:
    """Return one element; `class_` and `stroke_width` become `class` and `stroke-width`, None is left out."""
    parts = []
    for key, value in attributes.items():
        if value is not None:
            text = f"{value:.6g}" if isinstance(value, float) else value
            parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{''.join(parts)}>{inner}</{name}>")


def draw_picture(title: str, desc: str, height: float, children: Sequence[Markup]) -> Markup:
    """Return a whole picture, as wide as its place and `height` pixels high."""
    texts = (write_element("title", title), write_element("desc", desc))
    return write_element("svg", *texts, *children, role="img", width="100%", height=height, class_="picture")


def _write_pct(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.3g}%" if math.isfinite(share) else "0%"


def _write_text(x: str, y: float, words: str, class_: str = "", anchor: str | None = None) -> Markup:
    return write_element("text", words, x=x, y=float(y), class_=class_ or None, text_anchor=anchor)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: its label, its length and marks as shares of the full width, and what is written at its end."""

    label: str = ""
    share: float
    text: str = ""
    class_: str = "one"
    interval: tuple[float, float] | None = None
    mark: float | None = None
    href: str = ""


def draw_bars(title: str, desc: str, rows: Sequence[Bar]) -> Markup:
    """Draw horizontal bars, each below its label; an interval is a whisker, a mark a tick across the bar."""
    is_long = any(len(row.label) + len(row.text) > ONE_LINE for row in rows)
    height = 56.0 if is_long else 40.0
    parts = [_draw_bar(row, height * place, is_long) for place, row in enumerate(rows)]
    return draw_picture(title, desc, height * len(rows), parts)


def _draw_bar(row: Bar, top: float, is_long: bool) -> Markup:
    reach = 0.0 if is_long else LETTER * len(row.text) + 8
    words = _write_text(f"{reach:.0f}", 14, row.label)
    if row.href:
        words = write_element("a", words, href=row.href)
    label = write_element("svg", words, x=-reach, y=top, width="100%", height="20")
    value = (
        _write_text("0", top + 30, row.text, "value")
        if is_long
        else _write_text("100%", top + 14, row.text, "value", "end")
    )
    return write_element(
        "g",
        write_element("title", f"{row.label}: {row.text}"),
        label,
        value,
        *_draw_track(row, top + (36 if is_long else 20), 12),
        class_="bar",
    )


def _draw_track(row: Bar, top: float, height: float) -> list[Markup]:
    parts = [_draw_fill(top, height, "100%", "track")]
    if row.share > 0:
        parts.append(_draw_fill(top, height, _write_pct(row.share), row.class_))
    if row.interval is not None and all(map(math.isfinite, row.interval)):
        low, high = (_write_pct(value) for value in row.interval)
        middle = top + height / 2
        parts.append(write_element("line", x1=low, x2=high, y1=middle, y2=middle, class_="whisker"))
        parts += [
            write_element("line", x1=x, x2=x, y1=middle - 4, y2=middle + 4, class_="whisker") for x in (low, high)
        ]
    if row.mark is not None and math.isfinite(row.mark):
        x = _write_pct(row.mark)
        parts.append(write_element("line", x1=x, x2=x, y1=top - 3, y2=top + height + 3, class_="target"))
    return parts


def _draw_fill(top: float, height: float, width: str, class_: str) -> Markup:
    return write_element("rect", x="0", y=top, height=height, rx="3", width=width, class_=class_)


def draw_progress(title: str, desc: str, row: Bar) -> Markup:
    """Draw one bar without label: how much of the way is done."""
    return draw_picture(title, desc, 16.0, _draw_track(row, 2.0, 12.0))


# --- lines ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """From values to a share of the height: `low` at the bottom, `high` at the top, in logarithms if asked."""

    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return where a value is drawn, 0 at the bottom; values beyond the ends are drawn at the ends."""
        low, high, at = (math.log(max(v, 1e-12)) if self.is_log else v for v in (self.low, self.high, value))
        return min(max((at - low) / (high - low), 0.0), 1.0) if high > low else 0.5

    def choose_ticks(self) -> list[float]:
        """Return round values to mark, about four."""
        if self.is_log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 3) if len(powers) <= 3 else (1,)
            marks = [step * 10.0**power for power in powers for step in steps]
            return [mark for mark in marks if self.low <= mark <= self.high]
        rough = (self.high - self.low) / 4 or 1.0
        unit = 10.0 ** math.floor(math.log10(rough))
        step = unit * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * unit >= rough * 0.999)
        first = math.ceil(self.low / step)
        return [step * place for place in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True, kw_only=True)
class Polyline:
    """Values over places 0..1 from left to right: a line, or dots, with a band where lower and upper are given."""

    x: Sequence[float]
    y: Sequence[float]
    class_: str = "one"
    lower: Sequence[float] | None = None
    upper: Sequence[float] | None = None
    is_dots: bool = False


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What surrounds lines: the scale with its ticks in words, labels below, dashed levels, the height."""

    scale: Scale
    ticks: Sequence[tuple[float, str]] = ()
    labels: Sequence[tuple[float, str]] = ()
    levels: Sequence[float] = ()
    height: float = 200.0


def draw_lines(title: str, desc: str, axes: Axes, drawn: Sequence[Polyline]) -> Markup:
    """Draw lines, bands and dots over a grid."""
    top, height = 16.0, axes.height
    parts = [part for value, words in axes.ticks for part in _draw_grid(axes, top, value, words)]
    left = LEFT if axes.ticks else 0.0
    shapes = [shape for line in drawn for shape in _draw_shapes(line, axes.scale)]
    levels = [_draw_path([(0, level), (1, level)], axes.scale, "level") for level in axes.levels]
    plot = write_element(
        "svg", *shapes, *levels, x=_write_pct(left + 0.015), y=top, width=_write_pct(0.97 - left), height=height,
        viewBox=f"0 0 {SIDE:g} {SIDE:g}",
        preserveAspectRatio="none", class_="plot",
    )  # fmt: skip
    below = _write_labels(axes.labels, top + height + 18)
    return draw_picture(title, desc, top + height + (26 if axes.labels else 8), [*parts, plot, *below])


def draw_sparkline(title: str, desc: str, line: Polyline, scale: Scale, level: float | None = None) -> Markup:
    """Draw one small line without axes; the level is dashed."""
    axes = Axes(scale=scale, levels=() if level is None else (level,), height=36.0)
    return draw_lines(title, desc, axes, [line])


def _draw_grid(axes: Axes, top: float, value: float, words: str) -> list[Markup]:
    y = top + axes.height * (1 - axes.scale.place(value))
    return [
        write_element("line", x1=_write_pct(LEFT), x2="100%", y1=y, y2=y, class_="grid"),
        _write_text("0", y + 4, words, "tick"),
    ]


def _write_labels(labels: Sequence[tuple[float, str]], y: float) -> list[Markup]:
    parts = []
    for place, words in labels:
        anchor = "start" if place <= 0 else "end" if place >= 1 else "middle"
        parts.append(_write_text(_write_pct(LEFT + (1 - LEFT) * place), y, words, "tick", anchor))
    return parts


def _draw_shapes(line: Polyline, scale: Scale) -> list[Markup]:
    points = list(zip(line.x, line.y, strict=True))
    shapes: list[Markup] = []
    if line.lower is not None and line.upper is not None:
        shapes += _draw_bands(line, line.lower, line.upper, scale)
    if line.is_dots:
        known = [(x, y) for x, y in points if math.isfinite(y)]
        return [*shapes, _write_path("".join(f"M{_write_point(p, scale)}h0" for p in known), f"dots {line.class_}")]
    return shapes + [_draw_path(run, scale, f"line {line.class_}") for run in _cut_runs(points)]


def _draw_bands(line: Polyline, lower: Sequence[float], upper: Sequence[float], scale: Scale) -> list[Markup]:
    bands = []
    for run in _cut_runs(list(zip(line.x, lower, upper, strict=True))):
        outline = [(x, high) for x, _, high in run] + [(x, low) for x, low, _ in reversed(run)]
        bands.append(_draw_path(outline, scale, f"band {line.class_}", "Z"))
    return bands


def _cut_runs(points: Sequence[Point]) -> list[list[Point]]:
    """Cut a line where a value is missing: a gap is a gap."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if all(map(math.isfinite, point[1:])):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _draw_path(points: Sequence[tuple[float, float]], scale: Scale, class_: str, end: str = "") -> Markup:
    return _write_path("M" + "L".join(_write_point(point, scale) for point in points) + end, class_)


def _write_path(d: str, class_: str) -> Markup:
    return write_element("path", d=d, class_=class_, vector_effect="non-scaling-stroke")


def _write_point(point: tuple[float, float], scale: Scale) -> str:
    return f"{SIDE * point[0]:.1f} {SIDE * (1 - scale.place(point[1])):.1f}"


# --- columns and cells ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One place of a column chart: its label and, per series, a value (NaN draws nothing) and its words."""

    label: str
    values: Sequence[float]
    texts: Sequence[str]


def draw_columns(title: str, desc: str, places: Sequence[Column], axes: Axes, classes: Sequence[str]) -> Markup:
    """Draw upright columns side by side, one group per place; every n-th place is labelled, as room allows."""
    top, height = 16.0, axes.height
    parts = [part for value, words in axes.ticks for part in _draw_grid(axes, top, value, words)]
    step = (1 - LEFT) / max(len(places), 1)
    for number, place in enumerate(places):
        width = 0.8 * step / len(place.values)
        for series, (value, text) in enumerate(zip(place.values, place.texts, strict=True)):
            share = axes.scale.place(value) if math.isfinite(value) else 0.0
            parts.append(
                write_element(
                    "rect",
                    write_element("title", f"{place.label}: {text}"),
                    x=_write_pct(LEFT + (number + 0.1) * step + series * width),
                    width=_write_pct(width),
                    y=top + height * (1 - share),
                    height=height * share,
                    class_=classes[series],
                )
            )
    return draw_picture(title, desc, top + height + 26, [*parts, *_label_places(places, top + height + 18)])


def draw_stacks(title: str, desc: str, places: Sequence[Column], axes: Axes, classes: Sequence[str]) -> Markup:
    """Draw upright columns, the values of each on top of each other; page.js draws the same for a filter."""
    top, height = 16.0, axes.height
    parts = [part for value, words in axes.ticks for part in _draw_grid(axes, top, value, words)]
    step = (1 - LEFT) / max(len(places), 1)
    for number, place in enumerate(places):
        below = 0.0
        for value, text, class_ in zip(place.values, place.texts, classes, strict=True):
            low, high = axes.scale.place(below), axes.scale.place(below + value)
            below += value
            if value > 0:
                x, width = _write_pct(LEFT + (number + 0.1) * step), _write_pct(0.8 * step)
                label = write_element("title", f"{place.label}: {text}")
                y, tall = top + height * (1 - high), height * (high - low)
                parts.append(write_element("rect", label, x=x, width=width, y=y, height=tall, class_=class_))
    return draw_picture(title, desc, top + height + 26, [*parts, *_label_places(places, top + height + 18)])


def _label_places(places: Sequence[Column], y: float) -> list[Markup]:
    """Label every n-th place, as room allows."""
    every = max(1, math.ceil(len(places) / 4))
    labelled = [place for place in range(0, len(places), every) if place == 0 or len(places) - place >= every / 2]
    return _write_labels([((place + 0.5) / len(places), places[place].label) for place in labelled], y)


@dataclass(frozen=True)
class Cells:
    """A table of counts: names of rows and columns, and one list of values per row; 0 is empty."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]


def draw_heat_map(title: str, desc: str, cells: Cells) -> Markup:
    """Draw a table whose cells are the darker the more they count; each shows its number."""
    left = 0.48
    width = (1 - left) / max(len(cells.columns), 1)
    most = max((value for row in cells.values for value in row), default=0) or 1
    parts = []
    for place, name in enumerate(cells.columns):
        parts.append(_put_in_row(_write_name(name), left + place * width, width, 0.0))
    for at, (name, row) in enumerate(zip(cells.rows, cells.values, strict=True)):
        top = CELL_HEIGHT * (at + 1)
        parts.append(_put_in_row(_write_name(name), 0.0, left - 0.02, top))
        for place, value in enumerate(row):
            tip = f"made in {cells.columns[place]}, found in {name}: {value:.0f}"
            parts.append(_put_in_row(_draw_cell(value, value / most, tip), left + place * width, width, top))
    return draw_picture(title, desc, CELL_HEIGHT * (len(cells.rows) + 1) + 2, parts)


def _put_in_row(parts: Sequence[Markup], x: float, width: float, top: float) -> Markup:
    return write_element("svg", *parts, x=_write_pct(x), y=top, width=_write_pct(width), height=CELL_HEIGHT)


def _write_name(words: str) -> list[Markup]:
    return [write_element("title", words), _write_text("0", 18, words, "name")]


def _draw_cell(amount: float, share: float, tip: str) -> list[Markup]:
    parts = [write_element("title", tip)]
    parts.append(write_element("rect", x="0", y="1", width="98%", height="24", rx="3", class_="track"))
    if amount > 0:
        opacity = 0.15 + 0.85 * share
        parts.append(
            write_element("rect", x="0", y="1", width="98%", height="24", rx="3", class_="heat", fill_opacity=opacity)
        )
        parts.append(_write_text("49%", 18, f"{amount:.0f}", "cell strong" if share > 0.5 else "cell", "middle"))
    return parts
