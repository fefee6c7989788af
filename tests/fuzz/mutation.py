"""Makes hostile files of good ones: a value of a JSON line or a cell of a table becomes what nobody expected there."""

import io
import json
import random
import re
import sqlite3
from contextlib import closing
from typing import Any

HOSTILE: tuple[str, ...] = (
    "null", "true", "-1", "-0", "0", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "9223372036854775808", "0.1",
    "1" * 400, "1" * 4_299, "1" * 10_000, '"' + "9" * 10_000 + '"', "[]", "{}", "[[]]", "[{}]", '[null, "x", 1]',
    "[" * 150 + "]" * 150, "[" * 5_000 + "]" * 5_000, '{"a":' * 100 + "1" + "}" * 100, '""', '" "', '"\\u0000"',
    '"a\\u0000b"', '"\\ud800"', '"\\u001b]0;x\\u0007"', '"\\u202e"', "\"'; DROP TABLE load_log; --\"", '"=1+1"',
    '"<script>alert(1)</script>"', '"0000-01-01"', '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"',
    '"10000-01-01"', '"2026-06-30T23:59:60Z"', '"2026-01-01T00:00:00+99:00"', '"nan"', '"inf"', '"1e400"', '"-1"',
    "1772442000", "1772442000000000000", "253402300800000", "1e18", '"' + "x" * 5_000 + '"', '"{}"', '"[1"',
)  # fmt: skip
"""What a value may be replaced by, as it stands in a file."""


def mutate_json(data: bytes, chance: random.Random) -> bytes | None:
    """Replace, repeat or remove a random value of a random line; None where the data is no JSON any more."""
    text = data.decode("utf-8", errors="replace")
    try:
        lines: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        lines = _parsed_lines(text)
    if not lines:
        return None
    for _ in range(chance.choice((1, 1, 2, 4))):
        number = chance.randrange(len(lines))
        marked: list[tuple[Any, Any]] = []
        _collect(lines[number], marked)
        if marked:
            _replace(*chance.choice(marked), lines, chance)
    if chance.random() < 0.2:
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return "\n".join(map(_dumped, lines)).encode("utf-8", errors="surrogatepass")


def mutate_cells(data: bytes, chance: random.Random) -> bytes:
    """Replace a random cell of a table of commas by a hostile value."""
    lines = data.split(b"\n")
    number = chance.randrange(len(lines))
    cells = lines[number].split(b",")
    cells[chance.randrange(len(cells))] = chance.choice(HOSTILE).strip('"').encode()
    lines[number] = b",".join(cells)
    return b"\n".join(lines)


def mutate_rows(data: bytes, chance: random.Random) -> bytes | None:
    """Replace a random value of a SQLite file by a hostile one of any type; None where SQLite cannot read the file."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        try:
            file.deserialize(data)
            tables = [row[0] for row in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
            table = chance.choice(tables)
            columns = [row[1] for row in file.execute(f'PRAGMA table_info("{table}")')]
            hostile = chance.choice(HOSTILE).strip('"')
            value = chance.choice((hostile, hostile.encode(), b"\xff\x00", 2**62, -1, 0.5, 1e308, None))
            column = chance.choice(columns)
            held = file.execute(f'SELECT "{column}" FROM "{table}"').fetchone()
            if held and isinstance(held[0], str) and held[0][:1] in "{[" and chance.random() < 0.7:
                value = mutate_json(held[0].encode(), chance) or value
                value = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
            file.execute(f'UPDATE "{table}" SET "{column}" = ?', (value,))
            return file.serialize()
        except (sqlite3.Error, IndexError, UnicodeError, MemoryError):  # a damaged header asks for any memory
            return None


def mutate_xml(data: bytes, chance: random.Random) -> bytes:
    """Replace the value of a random attribute of an XML document, or a random tag, by a hostile one."""
    places = list(
        re.finditer(rb'(?<=")[^"<>]*(?=")', data) if chance.random() < 0.7 else re.finditer(rb"<[^>]*>", data)
    )
    if not places:
        return data
    place = chance.choice(places)
    hostile = (
        chance.choice((*HOSTILE, "&lol;", "&#0;", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "<" * 400)).strip('"').encode()
    )
    return data[: place.start()] + hostile + data[place.end() :]


def mutate_parquet(data: bytes, chance: random.Random) -> bytes | None:
    """Replace, repeat or rename a random column of a Parquet file; None where Arrow cannot read the file any more."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
        columns, names = list(table.columns), list(table.column_names)
        place = chance.randrange(len(columns))
        if chance.random() < 0.2:
            columns.append(columns[place])
            names.append(chance.choice((*names, "", "a\x00b")))
        columns[place] = _hostile_column(table.num_rows, chance)
        sink, coded = io.BytesIO(), chance.random() < 0.5
        pq.write_table(pa.table(columns, names=names), sink, use_dictionary=coded, row_group_size=chance.choice((1, 9)))
        return sink.getvalue()
    except (pa.ArrowException, OSError, ValueError, IndexError):
        return None


def _hostile_column(rows: int, chance: random.Random) -> Any:
    import pyarrow as pa

    number = chance.choice((0, 1, -1, 2**31 - 1, 2**62, -(2**62), 1772442000000000000))
    unit, zone = chance.choice(("s", "ms", "us", "ns")), chance.choice((None, "UTC", "Europe/Berlin", "Mars/Phobos"))
    kinds: tuple[tuple[Any, Any], ...] = (
        (number, pa.timestamp(unit, zone)), (number, pa.duration(unit)), (number % 2**31, pa.date32()),
        (number, pa.decimal256(70, chance.choice((0, 30)))), (number % 2**16, pa.uint16()), (number, pa.int64()),
        (chance.choice((float("nan"), float("inf"), 1e308)), pa.float64()), (True, pa.bool_()), (None, pa.null()),
        (chance.choice(HOSTILE).strip('"'), pa.string()), (b"\xff\x00", pa.binary()), (b"\xff" * 16, pa.binary(16)),
        ([[number]], pa.list_(pa.list_(pa.int64()))),
        ({"a": {"b": number}}, pa.struct({"a": pa.struct({"b": pa.int64()})})),
        ([("k", "v"), ("k", None)], pa.map_(pa.string(), pa.string())),
    )  # fmt: skip
    value, kind = chance.choice(kinds)
    column = pa.array([chance.choice((value, value, None)) for _ in range(rows)], kind)
    if kind == pa.binary() and chance.random() < 0.5:
        return column.cast(pa.string(), safe=False)
    return column.dictionary_encode() if chance.random() < 0.3 else column


class _Raw(str):
    """A JSON value as it shall stand in the file."""


def _parsed_lines(text: str) -> list[Any]:
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            found.append(_Raw(line))
    return found if any(not isinstance(line, _Raw) for line in found) else []


def _collect(value: Any, found: list[tuple[Any, Any]], depth: int = 0) -> None:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found.append((value, key))
        if depth < 50 and len(found) < 5_000:
            _collect(inner, found, depth + 1)


def _replace(holder: Any, key: Any, lines: list[Any], chance: random.Random) -> None:
    kind = chance.random()
    if kind < 0.1:
        del holder[key]
    elif kind < 0.25:
        others: list[tuple[Any, Any]] = []
        _collect(chance.choice(lines), others)
        other, place = chance.choice(others or [(holder, key)])
        holder[key] = json.loads(_dumped(other[place])) if not _holds_raw(other[place]) else None
    else:
        holder[key] = _Raw(chance.choice(HOSTILE))


def _holds_raw(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_holds_raw, value.values() if isinstance(value, dict) else value))
    return isinstance(value, _Raw)


def _dumped(value: Any) -> str:
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {_dumped(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dumped, value)) + "]"
    return json.dumps(value)
