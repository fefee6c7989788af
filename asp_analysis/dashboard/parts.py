"""What a section of the page is made of: figures, tables, cards, alerts. The template knows these and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

from markupsafe import Markup

from asp_analysis.dashboard.words import is_known

MOST_LINES = 16
"""Rows up to which a table is shown whole on a screen."""


@dataclass(frozen=True)
class Fact:
    """One headline number: what it is, the number, a line below that qualifies it, and how the filter names it."""

    name: str
    value: str
    note: str = ""
    key: str = ""


@dataclass(frozen=True)
class Alert:
    """Something that a person should see: `act` now, `look` at it soon, or just `know` it; href: what it speaks of."""

    level: str
    title: str
    words: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its title, how to read it, and the keys of its colours: (class, words).

    stack: the dimension of `usage` whose costs per period are drawn; the script draws them again for a filter.
    """

    title: str
    drawn: Markup
    words: str = ""
    keys: Sequence[tuple[str, str]] = ()
    stack: str = ""
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class SortedCell:
    """A cell that is sorted by its number: None and NaN come last."""

    words: str
    number: Any = None

    @property
    def sort(self) -> str:
        """The number as text, empty where there is none."""
        return f"{float(self.number):.12g}" if is_known(self.number) else ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row that links lead to (`anchor`) and that the filter knows by the codes of `usage` (`tags`)."""

    cells: Sequence[str | SortedCell]
    anchor: str = ""
    tags: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: headers with their units, and rows of words; the first `names` columns hold names, the rest numbers."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str] | Row]
    words: str = ""
    names: int = 1
    anchor: str = ""
    is_sortable: bool = True
    kind: ClassVar[str] = "table"

    @property
    def is_long(self) -> bool:
        """On a screen, a long table is a window of its own that scrolls."""
        return len(self.rows) > MOST_LINES

    @property
    def lines(self) -> list[Row]:
        """The rows, those that are only cells too."""
        return [row if isinstance(row, Row) else Row(cells=row) for row in self.rows]


@dataclass(frozen=True)
class Note:
    """A sentence, for instance what is missing and how to get it."""

    words: str
    kind: ClassVar[str] = "note"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One capability: its modes under both rules, its pictures, and what is said about it."""

    title: str
    modes: Sequence[tuple[str, str]]
    figures: Sequence[tuple[str, Markup]]
    lines: Sequence[tuple[str, str]]
    advice: str
    anchor: str = ""
    kind: ClassVar[str] = "card"


Part = Figure | Table | Note | Card


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page: its anchor, its title, the question that it answers, and its parts.

    missing: what the store lacks for it, and how to get it; then there are no parts, and it is one line.
    """

    anchor: str
    title: str
    question: str
    parts: Sequence[Part] = field(default_factory=list)
    missing: str = ""

    @property
    def groups(self) -> list[tuple[str, list[Part]]]:
        """The parts in order, neighbours of one kind together: figures are next to each other, tables are not."""
        return [(kind, list(parts)) for kind, parts in groupby(self.parts, key=lambda part: part.kind)]
