"""How results are printed: listings as tables, JSON or CSV; sentences on stdout, notes on stderr."""

import csv
import io
import json
import math
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from numbers import Integral
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def print_frame(frame: "pd.DataFrame", output: str | None) -> None:
    """Print a frame to stdout as a table, as JSON records (unknown is null) or as CSV (unknown is empty).

    Instants are written alike in all three: 2026-01-31T08:00:00Z, days as 2026-01-31.
    """
    import pandas as pd

    if output == "json":
        click.echo(json.dumps(_list_records(frame), ensure_ascii=False, separators=(",", ":")))
        return
    columns = [_write_instants(column, name in frame.attrs.get("days", ())) for name, column in frame.items()]
    written = pd.concat(columns, axis=1) if columns else frame
    for place, column in enumerate(columns):
        if column.dtype == object:
            written.isetitem(place, column.map(_make_text).array)
    if output == "csv":
        _echo_csv(written.to_csv(index=False, lineterminator="\n"))
    else:
        print_table(list(frame.columns), [[_cell(value) for value in row] for row in written.itertuples(index=False)])


def print_report(parts: "Mapping[str, pd.DataFrame | str | list[str]]", output: str) -> None:
    """Print an answer of several tables and texts as one JSON object, each part by its name.

    Raises:
        InputError: CSV is asked for, which holds one table.
    """
    import pandas as pd

    if output == "csv":
        tables = [name for name, part in parts.items() if isinstance(part, pd.DataFrame)]
        raise InputError(f"CSV holds one table, and this answer has {len(tables)}. Choose one: --table {tables[0]}.")
    plain = {name: _list_records(part) if isinstance(part, pd.DataFrame) else part for name, part in parts.items()}
    click.echo(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))


def _list_records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows as JSON has them: instants as text, unknown is None, names that come again are numbered."""
    days = frame.attrs.get("days", ())
    columns = [_make_plain_column(_write_instants(column, name in days)) for name, column in frame.items()]
    names = _make_different(list(map(str, frame.columns)))
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _make_plain_column(column: "pd.Series") -> list[Any]:
    """Return the values of a column as JSON has them; every digit of a number is kept."""
    if column.dtype == object or column.dtype.kind not in "biufO":
        return [_make_plain(value) for value in column]
    finite = column.notna() & ~column.isin([math.inf, -math.inf])
    return column.astype(object).where(finite, None).tolist()


def _make_plain(value: Any) -> Any:
    """Return a value as JSON has it: unknown is null, what JSON has no form for is text."""
    if isinstance(value, Mapping):
        return {str(name): _make_plain(inner) for name, inner in value.items()}
    if hasattr(value, "tolist"):  # an array or a scalar of NumPy
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_make_plain(inner) for inner in value]
    if _is_unknown(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat()}Z"
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return value if isinstance(value, str | int | float) else str(value)


def _make_text(value: Any) -> Any:
    """Return a value of several parts as its JSON; others stay what they are."""
    if isinstance(value, Mapping | list | tuple) or hasattr(value, "shape"):
        return json.dumps(_make_plain(value), ensure_ascii=False)
    return value.hex() if isinstance(value, bytes | bytearray) else value


def _write_instants(column: "pd.Series", is_day: bool) -> "pd.Series":
    """Write a column of instants as text, to the microsecond where one of them has any; leave others as they are."""
    if column.dtype.kind != "M":
        return column
    instants = column.dt.tz_convert("UTC") if getattr(column.dtype, "tz", None) else column
    part = ".%f" if instants.dt.microsecond.gt(0).any() else ""
    texts = instants.dt.strftime("%Y-%m-%d" if is_day else f"%Y-%m-%dT%H:%M:%S{part}Z")
    return texts.astype(object).where(column.notna(), None)


def _make_different(names: list[str]) -> list[str]:
    """Number names that come again: an object of JSON has each name once."""
    seen: dict[str, int] = {}
    different = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        different.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return different


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


def print_lines(text: str) -> None:
    """Print a drawing of several lines as it is, on stdout."""
    for line in text.splitlines():
        click.echo(visible(line))


def note(message: str) -> None:
    """Say something that is not data, on stderr; where stderr takes nothing, the work goes on without it."""
    with suppress(OSError):
        click.echo(visible(message), err=True)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 record, 2 records."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _cell(value: Any) -> str:
    if _is_unknown(value):
        return ""
    if isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) >= 10_000:
        return f"{value:,}"  # four digits stay whole: a year is no amount
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)


def _is_unknown(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | datetime) and bool(value != value)  # NaN and NaT differ from themselves
