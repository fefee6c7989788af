"""What a section of the page is made of: figures, tables, cards, alerts. The template knows these and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True)
class Fact:
    """One headline number: what it is, the number, and a line below that qualifies it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Alert:
    """Something that a person should see: `act` now, `look` at it soon, or just `know` it."""

    level: str
    title: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its title, how to read it, and the keys of its colours: (class, words)."""

    title: str
    drawn: Markup
    words: str = ""
    keys: Sequence[tuple[str, str]] = ()
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: headers with their units, and rows of words; the first `names` columns hold names, the rest numbers."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: str = ""
    names: int = 1
    kind: ClassVar[str] = "table"


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
    kind: ClassVar[str] = "card"


Part = Figure | Table | Note | Card


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its title, the question that it answers, and its parts."""

    anchor: str
    title: str
    question: str
    parts: Sequence[Part] = field(default_factory=list)

    @property
    def groups(self) -> list[tuple[str, list[Part]]]:
        """The parts in order, neighbours of one kind together: figures stand beside each other, tables do not."""
        return [(kind, list(parts)) for kind, parts in groupby(self.parts, key=lambda part: part.kind)]
