"""Small pictures as SVG that fit any width: across in percent, down in pixels, so letters never shrink on a phone.

Every text and attribute is escaped; colours are classes of the page's style sheet, so that light, dark and paper
each have their own. A picture has a title and a description for those who do not see it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

SIDE = 1000.0
"""Side of the square in which lines are drawn before the browser stretches it over the plot."""
LETTER = 6.6
"""Pixels that a letter of a bar's text takes: a long label ends where the text begins, however narrow the page."""
ONE_LINE = 38
"""Letters of a bar's label and text together that fit beside each other on the narrowest phone (320 pixels)."""
LEFT = 0.11
"""Share of the width in which the words of the vertical axis stand."""


def element(name: str, *children: str, **attributes: object) -> Markup:
    """Give one element; `class_` and `stroke_width` become `class` and `stroke-width`, None is left out."""
    parts = []
    for key, value in attributes.items():
        if value is not None:
            shown = f"{value:.6g}" if isinstance(value, float) else value
            parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{''.join(parts)}>{inner}</{name}>")


def picture(title: str, desc: str, height: float, *children: str) -> Markup:
    """Give a whole picture, as wide as its place and `height` pixels high."""
    texts = (element("title", title), element("desc", desc))
    return element("svg", *texts, *children, role="img", width="100%", height=height, class_="picture")


def _pct(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.3g}%" if math.isfinite(share) else "0%"


def _text(x: str, y: float, words: str, class_: str = "", anchor: str | None = None) -> Markup:
    return element("text", words, x=x, y=float(y), class_=class_ or None, text_anchor=anchor)


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length and marks as shares of the full width, and what is written at its end."""

    label: str
    share: float
    text: str
    class_: str = "one"
    interval: tuple[float, float] | None = None
    mark: float | None = None


def bars(title: str, desc: str, rows: Sequence[Bar]) -> Markup:
    """Draw horizontal bars, each below its label; an interval is a whisker, a mark a tick across the bar."""
    is_long = any(len(row.label) + len(row.text) > ONE_LINE for row in rows)
    height = 56.0 if is_long else 40.0
    parts = [_bar(row, height * place, is_long) for place, row in enumerate(rows)]
    return picture(title, desc, height * len(rows), *parts)


def _bar(row: Bar, top: float, is_long: bool) -> Markup:
    reach = 0.0 if is_long else LETTER * len(row.text) + 8
    label = element("svg", _text(f"{reach:.0f}", 14, row.label), x=-reach, y=top, width="100%", height="20")
    value = _text("0", top + 30, row.text, "value") if is_long else _text("100%", top + 14, row.text, "value", "end")
    return element(
        "g",
        element("title", f"{row.label}: {row.text}"),
        label,
        value,
        *_track(row, top + (36 if is_long else 20), 12),
        class_="bar",
    )


def _track(row: Bar, top: float, height: float) -> list[Markup]:
    box = {"x": "0", "y": top, "height": height, "rx": "3"}
    parts = [element("rect", **box, width="100%", class_="track")]
    if row.share > 0:
        parts.append(element("rect", **box, width=_pct(row.share), class_=row.class_))
    if row.interval is not None and all(map(math.isfinite, row.interval)):
        low, high = (_pct(value) for value in row.interval)
        middle = top + height / 2
        parts.append(element("line", x1=low, x2=high, y1=middle, y2=middle, class_="whisker"))
        parts += [element("line", x1=x, x2=x, y1=middle - 4, y2=middle + 4, class_="whisker") for x in (low, high)]
    if row.mark is not None and math.isfinite(row.mark):
        x = _pct(row.mark)
        parts.append(element("line", x1=x, x2=x, y1=top - 3, y2=top + height + 3, class_="target"))
    return parts


def progress(title: str, desc: str, row: Bar) -> Markup:
    """Draw one bar without label: how much of the way is done."""
    return picture(title, desc, 16.0, *_track(row, 2.0, 12.0))


# --- lines ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """From values to a share of the height: `low` at the bottom, `high` at the top, in logarithms if asked."""

    low: float
    high: float
    is_log: bool = False

    def share(self, value: float) -> float:
        """Give where a value stands, 0 at the bottom; values beyond the ends stand at the ends."""
        low, high, at = (math.log(max(v, 1e-12)) if self.is_log else v for v in (self.low, self.high, value))
        return min(max((at - low) / (high - low), 0.0), 1.0) if high > low else 0.5

    def ticks(self) -> list[float]:
        """Give round values to mark, about four."""
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


@dataclass(frozen=True)
class Line:
    """Values over places 0..1 from left to right: a line, or dots, with a band where lower and upper are given."""

    x: Sequence[float]
    y: Sequence[float]
    class_: str = "one"
    lower: Sequence[float] | None = None
    upper: Sequence[float] | None = None
    is_dots: bool = False


@dataclass(frozen=True)
class Axes:
    """What stands around lines: the scale with its ticks in words, labels below, dashed levels, the height."""

    scale: Scale
    ticks: Sequence[tuple[float, str]] = ()
    labels: Sequence[tuple[float, str]] = ()
    levels: Sequence[float] = ()
    height: float = 200.0


def lines(title: str, desc: str, axes: Axes, drawn: Sequence[Line]) -> Markup:
    """Draw lines, bands and dots over a grid."""
    top, height = 16.0, axes.height
    parts = [part for value, words in axes.ticks for part in _grid(axes, top, value, words)]
    left = LEFT if axes.ticks else 0.0
    shapes = [shape for line in drawn for shape in _shapes(line, axes.scale)]
    levels = [_path([(0, level), (1, level)], axes.scale, "level") for level in axes.levels]
    plot = element(
        "svg", *shapes, *levels, x=_pct(left + 0.015), y=top, width=_pct(0.97 - left), height=height,
        viewBox=f"0 0 {SIDE:g} {SIDE:g}",
        preserveAspectRatio="none", class_="plot",
    )  # fmt: skip
    below = _labels(axes.labels, top + height + 18)
    return picture(title, desc, top + height + (26 if axes.labels else 8), *parts, plot, *below)


def sparkline(title: str, desc: str, line: Line, scale: Scale, level: float | None = None) -> Markup:
    """Draw one small line without axes; the level is dashed."""
    axes = Axes(scale, levels=() if level is None else (level,), height=36.0)
    return lines(title, desc, axes, [line])


def _grid(axes: Axes, top: float, value: float, words: str) -> list[Markup]:
    y = top + axes.height * (1 - axes.scale.share(value))
    return [element("line", x1=_pct(LEFT), x2="100%", y1=y, y2=y, class_="grid"), _text("0", y + 4, words, "tick")]


def _labels(labels: Sequence[tuple[float, str]], y: float) -> list[Markup]:
    parts = []
    for place, words in labels:
        anchor = "start" if place <= 0 else "end" if place >= 1 else "middle"
        parts.append(_text(_pct(LEFT + (1 - LEFT) * place), y, words, "tick", anchor))
    return parts


def _shapes(line: Line, scale: Scale) -> list[Markup]:
    points = list(zip(line.x, line.y, strict=True))
    shapes = []
    if line.lower is not None and line.upper is not None:
        shapes += _bands(line, scale)
    if line.is_dots:
        known = [(x, y) for x, y in points if math.isfinite(y)]
        return [*shapes, _path_of("".join(f"M{_at(p, scale)}h0" for p in known), f"dots {line.class_}")]
    return shapes + [_path(run, scale, f"line {line.class_}") for run in _runs(points)]


def _bands(line: Line, scale: Scale) -> list[Markup]:
    both = [(x, (low, high)) for x, low, high in zip(line.x, line.lower or (), line.upper or (), strict=True)]
    bands = []
    for run in _runs(both):
        outline = [(x, high) for x, (_, high) in run] + [(x, low) for x, (low, _) in reversed(run)]
        bands.append(_path(outline, scale, f"band {line.class_}", "Z"))
    return bands


def _runs(points: list) -> list[list]:
    """Cut a line where a value is missing: a gap is a gap."""
    runs: list[list] = [[]]
    for place, value in points:
        if all(map(math.isfinite, value if isinstance(value, tuple) else (value,))):
            runs[-1].append((place, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _path(points: Sequence[tuple[float, float]], scale: Scale, class_: str, end: str = "") -> Markup:
    return _path_of("M" + "L".join(_at(point, scale) for point in points) + end, class_)


def _path_of(d: str, class_: str) -> Markup:
    return element("path", d=d, class_=class_, vector_effect="non-scaling-stroke")


def _at(point: tuple[float, float], scale: Scale) -> str:
    return f"{SIDE * point[0]:.1f} {SIDE * (1 - scale.share(point[1])):.1f}"


# --- columns and cells ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One place of a column chart: its label and, per series, a value (NaN draws nothing) and its words."""

    label: str
    values: Sequence[float]
    texts: Sequence[str]


def columns(title: str, desc: str, places: Sequence[Column], axes: Axes, classes: Sequence[str]) -> Markup:
    """Draw upright columns side by side, one group per place; every n-th place is labelled, as room allows."""
    top, height = 16.0, axes.height
    parts = [part for value, words in axes.ticks for part in _grid(axes, top, value, words)]
    step = (1 - LEFT) / max(len(places), 1)
    for number, place in enumerate(places):
        width = 0.8 * step / len(place.values)
        for series, (value, text) in enumerate(zip(place.values, place.texts, strict=True)):
            share = axes.scale.share(value) if math.isfinite(value) else 0.0
            box = {"x": _pct(LEFT + (number + 0.1) * step + series * width), "width": _pct(width)}
            box |= {"y": top + height * (1 - share), "height": height * share}
            parts.append(element("rect", element("title", f"{place.label}: {text}"), **box, class_=classes[series]))
    every = max(1, math.ceil(len(places) / 4))
    shown = [place for place in range(0, len(places), every) if place == 0 or len(places) - place >= every / 2]
    below = _labels([((place + 0.5) / len(places), places[place].label) for place in shown], top + height + 18)
    return picture(title, desc, top + height + 26, *parts, *below)


@dataclass(frozen=True)
class Cells:
    """A table of counts: names of rows and columns, and one list of values per row; 0 is empty."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]


def heat_map(title: str, desc: str, cells: Cells) -> Markup:
    """Draw a table whose cells are the darker the more they count; the number stands in the cell."""
    left, line = 0.48, 26.0
    width = (1 - left) / max(len(cells.columns), 1)
    most = max((value for row in cells.values for value in row), default=0) or 1
    parts = []
    for place, name in enumerate(cells.columns):
        parts.append(_clipped(name, left + place * width, width, 0.0))
    for at, (name, row) in enumerate(zip(cells.rows, cells.values, strict=True)):
        top = line * (at + 1)
        parts.append(_clipped(name, 0.0, left - 0.02, top))
        for place, value in enumerate(row):
            tip = f"made in {cells.columns[place]}, found in {name}: {value:.0f}"
            parts.append(_cell(left + place * width, top, width, (value, value / most), tip))
    return picture(title, desc, line * (len(cells.rows) + 1) + 2, *parts)


def _clipped(words: str, x: float, width: float, top: float) -> Markup:
    inner = (element("title", words), _text("0", 18, words, "name"))
    return element("svg", *inner, x=_pct(x), y=top, width=_pct(width), height="26")


def _cell(x: float, top: float, width: float, value: tuple[float, float], tip: str) -> Markup:
    amount, share = value
    box = {"x": "0", "y": "1", "width": "98%", "height": "24", "rx": "3"}
    parts = [element("title", tip), element("rect", **box, class_="track")]
    if amount > 0:
        parts.append(element("rect", **box, class_="heat", fill_opacity=0.15 + 0.85 * share))
        parts.append(_text("49%", 18, f"{amount:.0f}", "cell strong" if share > 0.5 else "cell", "middle"))
    return element("svg", *parts, x=_pct(x), y=top, width=_pct(width), height="26")
