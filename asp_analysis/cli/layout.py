"""A listing is laid out so that it can be read in the width there is: no number is folded, no word is broken.

Three forms, the first that fits: a table of whole cells; a narrower one whose column names break at underscores and
whose long texts wrap at words; one block per row with a `name: value` line for each column. Only a word longer than
a whole line is broken, in a block.
"""

from collections.abc import Callable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

SHORT = 20
"""Cells up to this length stay on one line; longer texts may wrap, in a column that is at least this wide."""

LOOSE_GAP, TIGHT_GAP = 3, 2
"""Blanks between two columns."""

LOOSE_EDGES = 2
"""Blanks at both ends of a line together; a narrower table has none."""


def layout(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    """Return the listing as what rich prints in `width` columns. The texts are printed as they are, without markup."""
    whole = [_widest(cells) for cells in _columns(headers, rows)]
    if _room(width - LOOSE_EDGES, whole, LOOSE_GAP) >= 0:
        return _table(headers, rows, whole, is_tight=False)
    broken = [_broken(header, _widest(column)) for header, column in zip(headers, _cells(headers, rows), strict=True)]
    columns = _columns([_longest_word(header) for header in broken], rows)
    least = [_widest(cells, _least) for cells in columns]
    room = _room(width, least, TIGHT_GAP)
    if room < 0:
        return _blocks(headers, rows)
    widths = _shared_out(room, least, [_widest(cells) for cells in columns])
    return Padding(_table(broken, rows, widths, is_tight=True), (1, 0))


def write_lines(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str] | None:
    """Return the lines of a table of whole cells, the same that rich prints without colours; None where none fits.

    A listing of a thousand rows takes rich half a second.
    """
    columns = _columns(headers, rows)
    widths = [max(1, _widest(cells)) for cells in columns]
    if _room(width - LOOSE_EDGES, widths, LOOSE_GAP) < 0:
        return None
    padded = [_pad(cells, size) for cells, size in zip(columns, widths, strict=True)]
    rule = "─" * (sum(widths) + LOOSE_GAP * (len(widths) - 1))
    lines = [(" " * LOOSE_GAP).join(cells) for cells in zip(*padded, strict=True)]
    blank = " " * len(rule)
    return [f" {line} " for line in (blank, lines[0], rule, *lines[1:], blank)]


def _pad(column: Sequence[str], width: int) -> list[str]:
    """Pad a column, its name first: numbers to the right, texts to the left."""
    is_number = len(column) > 1 and all(map(is_numeric, column[1:]))
    blanks = (" " * (width - cell_len(cell)) for cell in column)
    return [f"{blank}{cell}" if is_number else f"{cell}{blank}" for blank, cell in zip(blanks, column, strict=True)]


def is_numeric(text: str) -> bool:
    """Say whether a cell is a number as listings write it, or empty."""
    return text == "" or text.translate(_NO_MARKS).isdigit()


_NO_MARKS = str.maketrans("", "", ",.-e")


def _columns(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    return list(zip(headers, *rows, strict=True))


def _cells(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the cells of each column without its name; of a listing without rows, none for each column."""
    return [cells[1:] for cells in _columns(headers, rows)]


def _widest(cells: Sequence[str], width_of: Callable[[str], int] = cell_len) -> int:
    return max(map(width_of, cells), default=0)


def _room(width: int, columns: list[int], gap: int) -> int:
    return width - sum(columns) - gap * (len(columns) - 1)


def _longest_word(text: str) -> str:
    return max(text.split(), key=cell_len, default="")


def _least(cell: str) -> int:
    """Return the width below which a cell could not be read: all of a short one, the longest word of a long one."""
    whole = cell_len(cell)
    return whole if whole <= SHORT else max(SHORT, cell_len(_longest_word(cell)))


def _broken(header: str, width: int) -> str:
    """Break a column's name into lines at underscores and blanks, none longer than its cells or its longest part."""
    parts = header.replace("_", "_\n").replace(" ", " \n").split("\n")
    width = max(width, *map(cell_len, parts))
    lines = parts[:1]
    for part in parts[1:]:
        if cell_len(lines[-1] + part) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return "\n".join(line.rstrip() for line in lines)


def _shared_out(room: int, least: list[int], most: list[int]) -> list[int]:
    """Widen the columns to their full width, as far as the room goes; the one that lacks least comes first."""
    widths = list(least)
    by_need = sorted(range(len(least)), key=lambda place: most[place] - least[place])
    for served, place in enumerate(by_need):
        more = min(most[place] - least[place], room // (len(by_need) - served))
        widths[place], room = widths[place] + more, room - more
    return widths


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], widths: list[int], is_tight: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=is_tight, show_edge=not is_tight)
    for header, cells, width in zip(headers, _cells(headers, rows), widths, strict=True):
        is_number = bool(cells) and all(map(is_numeric, cells))
        table.add_column(Text(header), justify="right" if is_number else "left", overflow="fold", width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _blocks(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    if not rows:
        return Text(f"No rows. Columns: {', '.join(headers)}")
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, style="table.header")
    table.add_column(overflow="fold")
    table.add_row()
    for row in rows:
        for header, cell in zip(headers, row, strict=True):
            table.add_row(Text(f"{header}:"), Text(cell))
        table.add_row()
    return table
