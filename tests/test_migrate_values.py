"""What is compared is what the server shows: texts, numbers, instants and JSON are predicted, or refused."""

import json
import struct
from datetime import datetime

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asp_analysis.postgres.hashes import HASHED_BYTES, hash_texts
from asp_analysis.postgres.server_values import NULL, READERS, _parsed, _shown_json, convert
from asp_analysis.records import format_instant

EXAMPLES = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def server(postgres_server):
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TEMP TABLE carried (text TEXT, real DOUBLE PRECISION, at TIMESTAMPTZ, json JSONB)")
        yield connection


def stored(server, column, copied, shown="{}::TEXT"):
    """Copy one value into a column and give what the server shows of it."""
    server.execute("TRUNCATE carried")
    with server.cursor().copy(f"COPY carried ({column}) FROM STDIN") as copy:
        copy.write(copied + "\n")
    return server.execute(f"SELECT {shown.format(column)} FROM carried").fetchone()[0]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=400)


@EXAMPLES
@given(st.lists(texts, max_size=8), st.integers(0, 2**62))
def test_a_hash_is_the_one_that_the_server_computes(server, words, seed):
    query = f"SELECT hashtextextended(CASE WHEN octet_length(t) <= {HASHED_BYTES} THEN t ELSE md5(t) END, %s) "
    query += "FROM unnest(%s::TEXT[]) WITH ORDINALITY AS u (t, n) ORDER BY n"
    found = [row[0] % 2**64 for row in server.execute(query, (seed, words)).fetchall()]
    assert hash_texts(words, seed).tolist() == found


@EXAMPLES
@given(texts)
@example("\\N")
@example("\\.")
@example("a\tb\r\nc\\d")
def test_a_text_is_carried_as_it_is(server, text):
    cell = READERS["TEXT"](text)
    assert stored(server, "text", cell.copied) == cell.shown == text


@EXAMPLES
@given(st.floats(allow_nan=False, allow_infinity=False))
@example(5e-324)
@example(-0.0)
@example(0.1 + 0.2)
def test_every_bit_of_a_number_is_carried(server, number):
    cell = READERS["DOUBLE PRECISION"](number)
    found = stored(server, "real", cell.copied, "encode(float8send({}), 'hex')")
    assert found == cell.shown == struct.pack(">d", number).hex()


@EXAMPLES
@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)))
def test_an_instant_is_carried_to_the_microsecond(server, moment):
    cell = READERS["TIMESTAMPTZ"](format_instant(moment))
    assert stored(server, "at", cell.copied) == cell.shown
    seconds = server.execute("SELECT (extract(epoch FROM at) * 1000000)::BIGINT FROM carried").fetchone()[0]
    assert seconds == cell.number


numbers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, keys),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def written(value, is_escaped):
    """Write JSON with the numbers that came as texts of digits as numbers."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}: {written(v, is_escaped)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " , ".join(written(item, is_escaped) for item in value) + "]"
    if isinstance(value, str) and value[:1].lstrip("-").isdigit() and value.isascii():
        try:
            json.loads(value)
            return value
        except ValueError:
            pass
    return json.dumps(value, ensure_ascii=is_escaped)


def refused(server, text):
    try:
        server.execute("SELECT %s::JSONB", (text,))
    except (psycopg.Error, psycopg.DataError):
        return True
    return False


@settings(max_examples=200, deadline=None)
@given(values, st.booleans())
@example({"b": 1, "aa": 2, "a": [1.50, {}], "é": None}, False)
@example(["-0", "-0.00", "0e7", "1E400", "1e-400", "12345678901234567890.123456789"], False)
def test_json_is_shown_as_the_server_shows_it_or_refused_where_it_refuses_it(server, value, is_escaped):
    text = written(value, is_escaped)
    try:
        cell = READERS["JSONB"](text)
    except ValueError:
        assert refused(server, text), text
    else:
        assert stored(server, "json", cell.copied) == cell.shown


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1}',
        '{"a": 1, "a": 2}',
        '"\\ud83d\\ude00"',
        "[1e5, 1E-5, 0.10]",
        '{"ab":{"c":[true,false,null]},"b":"\\t\\u007f"}',
    ],
)
def test_json_of_other_forms_is_shown_as_the_server_shows_it(server, text):
    cell = READERS["JSONB"](text)
    assert stored(server, "json", cell.copied) == cell.shown


@pytest.mark.parametrize(
    "text",
    ['"\\u0000"', '"\\ud800"', "NaN", "[1,]", "", "{'a':1}", "1e200000", "1e-20000", "[" * 100_000, '{"\\u0000":1}'],
)
def test_json_that_the_server_cannot_keep_is_refused(text):
    with pytest.raises(ValueError, match=r"JSON|U\+0000|UTF-8"):
        READERS["JSONB"](text)


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text('ab"\\%s@n0:,{}', max_size=4)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab@n0:,{}", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(plain, st.booleans())
@example({"@n0": "@n0", "b": "@s0", "a:": [1, [], {}, [2.50]]}, True)
def test_json_of_a_known_form_is_shown_as_if_it_was_looked_at_closely(value, is_spaced):
    text = written(value, False)
    if not is_spaced and '"' not in str(value):
        text = text.replace(": ", ":")
    try:
        expected = _shown_json(_parsed(text))
    except ValueError:
        return
    assert READERS["JSONB"](text).shown == expected
    beside = '{"b":[1.50,"x"],"a":null}'
    converted, _ = convert("JSONB", [beside, text, None, beside, text + " "])
    shown = converted.hashes(3).tolist()
    assert shown == [*hash_texts(['{"a": null, "b": [1.50, "x"]}', expected], 3), 0, shown[0], shown[1]]


COLUMNS = {
    "TEXT": texts,
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "DOUBLE PRECISION": st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0),
    "BOOLEAN": st.sampled_from([0, 1]),
    "TIMESTAMPTZ": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59)).map(format_instant),
    "JSONB": st.dictionaries(st.text("ab", max_size=2), st.integers(0, 9), max_size=2).map(json.dumps),
}


@pytest.mark.parametrize("kind", COLUMNS)
@EXAMPLES
@given(st.data())
def test_many_values_at_once_are_read_as_each_alone(kind, data):
    few = data.draw(st.lists(st.none() | COLUMNS[kind], min_size=1, max_size=4))
    column = data.draw(st.lists(st.sampled_from(few), min_size=1, max_size=12) | st.just(few))
    converted, wrong = convert(kind, column)
    cells = [None if value is None else READERS[kind](value) for value in column]
    assert wrong == {} and converted.known == len(column) - column.count(None)
    assert list(converted.copied()) == [NULL if cell is None else cell.copied for cell in cells]
    hashes = [0 if cell is None else int(hash_texts([cell.shown], 7)[0]) for cell in cells]
    assert converted.hashes(7).tolist() == hashes
    numbers = [cell.number for cell in cells if cell is not None]
    if numbers and numbers[0] is not None:
        assert converted.numbers.tolist() == numbers


def test_what_cannot_be_read_is_named_once_for_each_value():
    converted, wrong = convert("TEXT", ["a", "b\0", None, "b\0", "c"])
    assert converted is None and wrong == {"b\0": "it has the character U+0000, which cannot be stored"}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("DOUBLE PRECISION", float("inf")),
        ("TIMESTAMPTZ", "2026-02-30T00:00:00.000000Z"),
        ("TIMESTAMPTZ", "0000-01-01T00:00:00.000000Z"),
        ("TIMESTAMPTZ", "2026-01-01T24:00:00.000000Z"),
        ("TIMESTAMPTZ", "2026-01-01T00:00:00.00000+Z"),
        ("TIMESTAMPTZ", "2026-01-01T00:00:00.000000X"),
        ("TIMESTAMPTZ", "soon"),
        ("TEXT", "a\0b"),
        ("TEXT", "\udc80"),
        ("JSONB", '"\\u0000"'),
    ],
)
def test_a_value_that_the_server_does_not_take_is_refused(kind, value):
    with pytest.raises(ValueError, match=r"not |U\+0000"):
        READERS[kind](value)
    converted, wrong = convert(kind, [value, None, value])
    assert converted is None and list(wrong) == [value]
