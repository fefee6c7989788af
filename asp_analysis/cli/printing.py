"""How results are printed: listings as tables, JSON or CSV; sentences on stdout, notes on stderr."""

import csv
import io
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from numbers import Integral
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd


def print_frame(frame: "pd.DataFrame", output: str | None) -> None:
    """Print a frame to stdout as a table, as JSON records (unknown is null) or as CSV (unknown is empty)."""
    if output == "json":
        click.echo(frame.to_json(orient="records", date_format="iso", date_unit="us", force_ascii=False))
    elif output == "csv":
        _echo_csv(frame.to_csv(index=False, lineterminator="\n"))
    else:
        print_table(list(frame.columns), [[_cell(value) for value in row] for row in frame.itertuples(index=False)])


def print_rows(rows: Sequence[dict[str, Any]], columns: Sequence[str], output: str | None) -> None:
    """Print dictionaries as a listing in one of the three forms."""
    if output == "json":
        click.echo(json.dumps(list(rows), ensure_ascii=False))
    elif output == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([row[column] for column in columns] for row in rows)
        _echo_csv(text.getvalue())
    else:
        print_table(list(columns), [[_cell(row[column]) for column in columns] for row in rows])


def _echo_csv(text: str) -> None:
    click.echo(text, nl=False, color=True)  # without color, click takes what looks like a colour out of the data


def print_table(headers: list[str], rows: list[list[str]]) -> None:
    """Print a table, or blocks where the terminal is too narrow for one; a pipe gets every column whole."""
    from rich.console import Console

    from asp_analysis.cli.layout import layout

    width = _terminal_width() or PIPE_WIDTH
    shown = [visible(str(header)) for header in headers], [[visible(cell) for cell in row] for row in rows]
    # A height too: without one, rich takes the terminal TERM=dumb for 80 columns wide.
    Console(file=sys.stdout, width=width, height=1, highlight=False).print(layout(*shown, width))


PIPE_WIDTH = 10_000
"""As good as endless, and yet a bound for what a listing with one huge text is padded to."""


def _terminal_width() -> int | None:
    """Return the width of the terminal on stdout, as COLUMNS says where it is set; None where there is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def visible(text: str) -> str:
    """Show what could steer a terminal or turn a line around as escapes; line ends and other blanks become blanks.

    All text for people goes through here, on the way to stdout and to stderr; `--json` and `--csv` are exact.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char in _BLANKS else _escaped(char) for char in text)


_BLANKS = "\n\r\t\u00a0\u2009\u202f\u3000"


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def say(line: str) -> None:
    """Print a line of the answer that is no table, on stdout; a terminal gets it wrapped at words."""
    text, width = visible(line), _terminal_width()
    if width and len(text) > width:
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        text = textwrap.fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    click.echo(text)


def note(message: str) -> None:
    """Say something that is not data, on stderr; where stderr takes nothing, the work goes on without it."""
    with suppress(OSError):
        click.echo(visible(message), err=True)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 record, 2 records."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _cell(value: Any) -> str:
    if value is None or type(value).__name__ == "NAType" or value != value:  # NaN and NaT differ from themselves
        return ""
    if isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) >= 10_000:
        return f"{value:,}"  # four digits stay whole: a year is no amount
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)
