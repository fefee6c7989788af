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
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.session.rows import FoundRows


def print_frame(frame: "pd.DataFrame", output: str | None) -> None:
    """Print a frame to stdout as a table, as JSON records (unknown is null) or as CSV (unknown is empty).

    Instants are written alike in all three: 2026-01-31T08:00:00Z, days as 2026-01-31. Every digit of a number is kept.
    """
    _print_columns(list(map(str, frame.columns)), _make_columns(frame), output)


def print_found(found: "FoundRows | pd.DataFrame", output: str | None) -> None:
    """Print what a query found, as `print_frame` does."""
    from asp_analysis.session.rows import FoundRows

    if not isinstance(found, FoundRows):
        print_frame(found, output)
        return
    columns = list(zip(*found.values, strict=True)) if found.values else [() for _ in found.names]
    _print_columns(found.names, [_write_instants(column) for column in columns], output)


def print_report(parts: "Mapping[str, pd.DataFrame | str | list[str]]", output: str) -> None:
    """Print an answer of several tables and texts as one JSON object, each part by its name.

    Raises:
        InputError: CSV is asked for, which holds one table.
    """
    tables = [name for name, part in parts.items() if not isinstance(part, str | list)]
    if output == "csv":
        raise InputError(f"CSV holds one table, and this answer has {len(tables)}. Choose one: --table {tables[0]}.")
    plain = {name: part if isinstance(part, str | list) else _list_records(part) for name, part in parts.items()}
    click.echo(_write_json(plain))


def _list_records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    names = _make_different(list(map(str, frame.columns)))
    return [dict(zip(names, row, strict=True)) for row in zip(*_make_columns(frame), strict=True)]


def _print_columns(names: list[str], columns: Sequence[Sequence[Any]], output: str | None) -> None:
    rows = zip(*columns, strict=True)
    if output == "json":
        keys = _make_different(names)
        click.echo(_write_json([dict(zip(keys, row, strict=True)) for row in rows]))
    elif output == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(map(_make_text, row) for row in rows)
        _echo_csv(text.getvalue())
    else:
        print_table(names, [[_cell(_make_text(value)) for value in row] for row in rows])


def _make_columns(frame: "pd.DataFrame") -> list[list[Any]]:
    days = frame.attrs.get("days", ())
    return [_make_values(column, name in days) for name, column in frame.items()]


def _make_values(column: "pd.Series", is_day: bool) -> list[Any]:
    """Return the values of a column as Python has them; a REAL of four bytes gets no digits that it does not have."""
    if column.dtype.kind == "M":
        return _write_frame_instants(column, is_day)
    if column.dtype == "float32":
        return [float(str(value)) for value in column]
    return column.tolist()


def _write_json(value: Any, gap: str = "") -> str:
    """Write a value as JSON: unknown is null, what JSON has no form for is text; the module json knows no Decimal."""
    if hasattr(value, "tolist"):  # an array or a scalar of NumPy
        value = value.tolist()
    if isinstance(value, Mapping):
        pairs = (f"{_write_text(str(name))}:{gap}{_write_json(inner, gap)}" for name, inner in value.items())
        return f"{{{f',{gap}'.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{f',{gap}'.join(_write_json(inner, gap) for inner in value)}]"
    if _is_unknown(value) or (isinstance(value, float | Decimal) and not math.isfinite(value)):
        return "null"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        value = f"{value.replace(tzinfo=None).isoformat()}Z"
    if isinstance(value, bytes | bytearray):
        value = value.hex()
    return _write_text(value if isinstance(value, str | int | float) else str(value))


_write_text = json.JSONEncoder(ensure_ascii=False).encode


def _make_text(value: Any) -> Any:
    """Return a value of several parts as its JSON, unknown as an empty text; others stay what they are."""
    if isinstance(value, Mapping | list | tuple) or hasattr(value, "shape"):
        return _write_json(value, " ")
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return "" if _is_unknown(value) else value


def _write_instants(column: Sequence[Any]) -> Sequence[Any]:
    """Write instants and days as text, to the microsecond where one of the column has any; leave others as they are."""
    first = next((value for value in column if value is not None), None)
    if not isinstance(first, date):
        return column
    if not isinstance(first, datetime):
        return [None if day is None else day.isoformat() for day in column]
    digits = "microseconds" if any(value is not None and value.microsecond for value in column) else "seconds"
    return [None if value is None else f"{value.isoformat(timespec=digits)}Z" for value in column]


def _write_frame_instants(column: "pd.Series", is_day: bool) -> list[Any]:
    instants = column.dt.tz_convert("UTC") if getattr(column.dtype, "tz", None) else column
    part = ".%f" if instants.dt.microsecond.gt(0).any() else ""
    texts = instants.dt.strftime("%Y-%m-%d" if is_day else f"%Y-%m-%dT%H:%M:%S{part}Z")
    return texts.astype(object).where(column.notna(), None).tolist()


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
    from asp_analysis.cli.layout import layout, write_lines

    width = _terminal_width() or PIPE_WIDTH
    shown = [visible(str(header)) for header in headers], [[visible(cell) for cell in row] for row in rows]
    is_plain = _terminal_width() is None and (sys.stdout.encoding or "").lower().startswith("utf")
    if is_plain and (lines := write_lines(*shown, width)) is not None:
        click.echo("\n".join(lines))
        return
    from rich.console import Console

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
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:,f}" if abs(value) >= 10_000 else f"{value:f}"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)


def _is_unknown(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | datetime) and bool(value != value)  # NaN and NaT differ from themselves
