"""Parquet files as nobody expects them: each record is taken or rejected with a reason, each file taken or refused."""

import gzip
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asp_analysis.importers import file as source
from asp_analysis.importers.formats import parquet_file
from asp_analysis.importers.tables import raw
from asp_analysis.importers.tables.table_options import TableOptions

AT = datetime(2026, 3, 2, 9, 0, 0, 123456)
ROWS = 3
NAN, INFINITE = float("nan"), float("inf")


def table(**changed):
    """Give a table of three executions with columns changed or added; None leaves one out."""
    columns = {"timestamp": [AT] * ROWS, "task_id": ["T-1"] * ROWS, "agent_role": ["Code"] * ROWS}
    columns |= {"cost_usd": [1.5, 2.5, 3.5]} | changed
    return pa.table({name: column for name, column in columns.items() if column is not None})


def same(value, kind=None):
    return pa.array([value] * ROWS, kind)


@pytest.fixture
def load(run, empty_store, tmp_path):
    def load_table(content, **how):
        path = tmp_path / "runs.parquet"
        pq.write_table(content, path, **how) if isinstance(content, pa.Table) else path.write_bytes(content)
        return run("load", path, "--as", "executions", "--json", "--db", empty_store)

    return load_table


@pytest.fixture
def query(run, empty_store):
    return lambda text: run("sql", text, "--json", "--db", empty_store).json


MOMENT = pa.array([AT] * ROWS, pa.timestamp("us"))


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+05:30", "Mars/Phobos"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_of_every_unit_and_zone_is_the_instant_that_it_is(load, query, unit, zone):
    content = table(timestamp=MOMENT.cast(pa.timestamp(unit, tz=zone), safe=False))
    ran = load(content)
    assert ran.exit_code == 0 and ran.json["written"] == ROWS, ran.err
    digits = {"s": "09:00:00", "ms": "09:00:00.123"}.get(unit, "09:00:00.123456")
    assert {row["t"] for row in query("SELECT executed_at::VARCHAR AS t FROM executions")} == {f"2026-03-02 {digits}"}


TAKEN = {
    "times of 96 bits": ({}, {"use_deprecated_int96_timestamps": True}, {"cost_usd": 1.5}),
    "days": ({"timestamp": same(date(2026, 3, 2))}, {}, {"day": "2026-03-02"}),
    "decimals": ({"cost_usd": same(Decimal("1.10"), pa.decimal128(10, 2))}, {}, {"cost_usd": 1.1}),
    "long decimals": ({"cost_usd": same(Decimal("0." + "1" * 37), pa.decimal128(38, 37))}, {}, {"cost_usd": 1 / 9}),
    "whole decimals": ({"tokens_in": same(Decimal("12.00"), pa.decimal128(10, 2))}, {}, {"tokens_in": 12}),
    "durations": ({"latency_ms": same(timedelta(seconds=1.5))}, {}, {"latency_ms": 1500}),
    "short durations": ({"latency_ms": same(1_500_250_000, pa.duration("ns"))}, {}, {"latency_ms": 1500.25}),
    "halves": ({"cost_usd": same(1.5).cast(pa.float16())}, {}, {"cost_usd": 1.5}),
    "bytes that are text": ({"task_id": same(b"T-9", pa.binary())}, {}, {"task_id": "T-9"}),
    "large texts": ({"task_id": same("T-9", pa.large_string())}, {}, {"task_id": "T-9"}),
    "texts by a dictionary": ({"task_id": same("T-9").dictionary_encode()}, {}, {"task_id": "T-9"}),
    "nothing but nulls": ({"x": pa.nulls(ROWS)}, {}, {"metadata": None}),
    "a structure": ({"metadata": same({"a": {"b": [1, None]}})}, {}, {"metadata": {"a": {"b": [1, None]}}}),
    "a map": ({"x": same([("k", 1), ("k", 2)], pa.map_(pa.string(), pa.int64()))}, {},
              {"metadata": {"x": [["k", 1], ["k", 2]]}}),
    "bytes": ({"x": same(b"\xff\x00", pa.binary())}, {}, {"metadata": {"x": "b'\\xff\\x00'"}}),
    "no number aside": ({"x": same(NAN)}, {}, {"metadata": {"x": "nan"}}),
    "no number inside": ({"x": same({"a": INFINITE})}, {}, {"metadata": {"x": "{'a': inf}"}}),
    "a day beyond the calendar": ({"x": same(2**31 - 1, pa.date32())}, {},
                                  {"metadata": {"x": "<value out of range: 2147483647>"}}),
    "a time beyond the calendar": ({"x": same(2**62, pa.timestamp("ms"))}, {},
                                   {"metadata": {"x": "<value out of range: 4611686018427387904>"}}),
    "a name that is empty": ({"": same("y")}, {}, {"metadata": {"column 5": "y"}}),
    "names but for their case": ({"Task_ID": same("T-2")}, {}, {"task_id": "T-1", "metadata": {"Task_ID": "T-2"}}),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_what_can_be_understood_is_taken_with_all_that_it_says(load, query, case):
    columns, how, wanted = TAKEN[case]
    ran = load(table(**columns), **how)
    assert ran.exit_code == 0 and (ran.json["written"], ran.json["rejected"]) == (ROWS, 0), ran.err
    row = query(
        "SELECT executed_at::DATE::VARCHAR AS day, task_id, tokens_in, cost_usd, latency_ms, metadata_json AS metadata "
        "FROM executions ORDER BY executed_at, cost_usd LIMIT 1"
    )[0]
    row["metadata"] = json.loads(row["metadata"]) if row["metadata"] else None
    found = {name: row[name] for name in wanted}
    assert found == ({**wanted, "cost_usd": pytest.approx(wanted["cost_usd"])} if "cost_usd" in wanted else wanted)


BEYOND = pa.array([1772442000000, 2**61, 1772442000000], pa.timestamp("ms"))
NO_UTF8 = pa.array([b"T-1", b"\xff\xfe", b"T-1"], pa.binary()).cast(pa.string(), safe=False)
REJECTED = {
    "a time beyond the calendar": ({"timestamp": BEYOND}, [2], "value out of range"),
    "a time beyond it in a zone": ({"timestamp": BEYOND.cast(pa.timestamp("ms", "Europe/Berlin"))}, [2], "executed_at"),
    "a text that is no UTF-8": ({"task_id": NO_UTF8}, [2], "is not UTF-8"),
    "bytes that are no text": ({"task_id": same(b"\xff", pa.binary())}, [1, 2, 3], "task_id"),
    "the character U+0000": ({"task_id": same("a\x00b")}, [1, 2, 3], "U+0000"),
    "U+0000 in a name": ({"a\x00b": same("y")}, [1, 2, 3], "U+0000"),
    "no numbers": ({"cost_usd": [NAN, INFINITE, 1.0]}, [1, 2], "is not a number from 0"),
    "no numbers by a dictionary": (
        {"cost_usd": pa.array([NAN, 1.0, NAN]).dictionary_encode()},
        [1, 3],
        "cost_usd: nan",
    ),
    "large decimals": ({"cost_usd": same(Decimal("1" * 30), pa.decimal256(60, 1))}, [1, 2, 3], "cost_usd"),
    "decimals with a fraction": ({"tokens_in": same(Decimal("12.50"), pa.decimal128(9, 2))}, [1, 2, 3], "tokens_in"),
    "large counts": ({"tokens_in": same(2**64 - 1, pa.uint64())}, [1, 2, 3], "tokens_in"),
    "a list for a number": ({"cost_usd": same([1.0])}, [1, 2, 3], "cost_usd"),
    "a structure for a name": ({"task_id": same({"a": 1})}, [1, 2, 3], "task_id"),
    "a time of day": ({"timestamp": same(time(9))}, [1, 2, 3], "executed_at"),
    "truths": ({"cost_usd": same(True)}, [1, 2, 3], "cost_usd"),
    "a duration for money": ({"cost_usd": same(timedelta(seconds=1))}, [1, 2, 3], "cost_usd"),
    "nothing but nulls": ({"task_id": pa.nulls(ROWS)}, [1, 2, 3], "task_id: is missing or empty"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_what_cannot_be_taken_is_a_matter_of_its_own_record(load, run, empty_store, case):
    columns, lines, reason = REJECTED[case]
    ran = load(table(**columns))
    assert (ran.json["written"], ran.json["rejected"]) == (ROWS - len(lines), len(lines)) and "Traceback" not in ran.err
    rejects = run("rejects", "--json", "--db", empty_store).json
    assert [reject["line_number"] for reject in rejects] == lines
    assert all(reason in "; ".join(reject["reasons"]) and reject["raw_text"] for reject in rejects), rejects


def test_of_two_columns_of_one_name_none_is_taken_and_none_is_lost(load, run, empty_store, tmp_path, query):
    own = table()
    names = ["task_id", "note", "note", *own.column_names]
    twice = pa.table([same("T-2"), same("a"), same("b"), *own.columns], names=names)
    assert load(twice).json["rejected"] == ROWS
    path = tmp_path / "runs.parquet"
    ran = run("load", path, "--as", "executions", "--map", "task_id=task_id (2)", "--db", empty_store)
    assert ran.exit_code == 0, ran.err
    (row,) = query("SELECT DISTINCT task_id, metadata_json AS metadata FROM executions")
    assert row["task_id"] == "T-1"
    assert json.loads(row["metadata"]) == {"note (1)": "a", "note (2)": "b", "task_id (1)": "T-2"}


def written(content, **how):
    sink = pa.BufferOutputStream()
    pq.write_table(content, sink, **how)
    return sink.getvalue().to_pybytes()


def nested(depth):
    kind, value = pa.string(), "x"
    for _ in range(depth):
        kind, value = pa.list_(kind), [value]
    return written(table(x=same(value, kind)))


def encrypted(*, is_footer_plain):
    import base64

    import pyarrow.parquet.encryption as pe

    class Keys(pe.KmsClient):
        def wrap_key(self, key, _name):
            return base64.b64encode(key)

        def unwrap_key(self, key, _name):
            return base64.b64decode(key)

    plan = pe.EncryptionConfiguration("k", column_keys={"c": ["task_id"]}, plaintext_footer=is_footer_plain)
    how = pe.CryptoFactory(lambda _config: Keys()).file_encryption_properties(pe.KmsConnectionConfig(), plan)
    return written(table(), encryption_properties=how)


GOOD = written(table())
TWO_OF_A_NAME = pa.StructArray.from_arrays([same(1), same(2)], names=["a", "a"])
REFUSED = {
    "nothing but its first bytes": (lambda: GOOD[:4], "cannot be read"),
    "half a file": (lambda: GOOD[: len(GOOD) // 2], "cannot be read"),
    "all but its last byte": (lambda: GOOD[:-1], "cannot be read"),
    "a broken footer": (lambda: GOOD[:-60] + bytes(byte ^ 255 for byte in GOOD[-60:-8]) + GOOD[-8:], "cannot be read"),
    "a footer longer than the file": (lambda: GOOD[:-8] + b"\xff\xff\xff\x7f" + GOOD[-4:], "cannot be read"),
    "broken pages": (lambda: GOOD[:4] + bytes(byte ^ 255 for byte in GOOD[4:300]) + GOOD[300:], "cannot be read"),
    "an encrypted column": (lambda: encrypted(is_footer_plain=True), "is encrypted"),
    "an encrypted file": (lambda: encrypted(is_footer_plain=False), "is encrypted"),
    "a hundred lists in each other": (lambda: nested(60), "too deeply nested"),
    "a structure with two fields of one name": (lambda: written(table(x=TWO_OF_A_NAME)), "duplicate field names"),
    "too many columns": (lambda: written(table(**{f"c{n}": same(1) for n in range(10_000)})), "10,004 columns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_what_is_wrong_with_it(load, query, case):
    make, said = REFUSED[case]
    refusal = load(make()).refusal
    assert said in refusal and "permissions" not in refusal
    assert query("SELECT count(*) AS n FROM stg_executions") == [{"n": 0}]


def test_packed_files_and_files_without_rows_are_read(load):
    assert load(gzip.compress(GOOD)).json["written"] == ROWS
    for content in (table().slice(0, 0), pa.table({})):
        ran = load(content)
        assert ran.exit_code == 0 and ran.json["read"] == 0


def batches(path):
    with source.open_file(path) as file:
        return list(parquet_file.read_table(file, TableOptions()))


LONG = "y" * 2_000


@pytest.mark.parametrize("rows", [100, 1_000])
@pytest.mark.parametrize("form", ["once", "often", "in lists"])
def test_long_records_come_in_small_batches_however_small_the_file(tmp_path, monkeypatch, rows, form):
    monkeypatch.setattr(raw, "BATCH_BYTES", 10_000)
    monkeypatch.setattr(parquet_file, "_ARROW_BYTES", 10_000)
    values = [[LONG]] * rows if form == "in lists" else [LONG] * rows
    content = pa.table({"n": list(range(rows)), "x": values})
    pq.write_table(content, tmp_path / "runs.parquet", use_dictionary=form == "often")
    found = batches(tmp_path / "runs.parquet")
    assert max(batch.record_count for batch in found) <= 5
    assert [n for batch in found for n in batch.columns["n"]] == list(range(rows))
    assert [n for batch in found for n in batch.line_numbers] == list(range(1, rows + 1))
    assert [value for batch in found for value in batch.columns["x"]] == values


def test_a_record_that_is_too_long_is_rejected_with_its_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_file, "LONGEST_LINE", 10_000)
    content = pa.table({"n": [1, 2, 3], "x": ["a", "é" * 6_000, "b"], "at": [datetime(2026, 1, 2, tzinfo=UTC)] * 3})
    pq.write_table(content, tmp_path / "runs.parquet")
    found = batches(tmp_path / "runs.parquet")
    (reject,) = [reject for batch in found for reject in batch.unreadable]
    assert reject.line_number == 2 and reject.reasons[0].endswith("bytes, at most 10,000 are read")
    kept = json.loads(reject.raw_text)
    assert kept["n"] == 2 and kept["x"] == "é" * 200
    assert [n for batch in found for n in batch.columns["n"]] == [1, 3]
