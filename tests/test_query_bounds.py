"""What a query may take: time, memory and disk; and answers that are exact to the last digit."""

import os
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import QueryError
from asp_analysis.session import attaching, connect

HEAVY = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b"
MONTHS = "SELECT interval 3 month AS i, interval '1 month 2 days 3 seconds' AS j, interval 5 second AS k"


def test_a_query_is_stopped_after_its_time(run, sample_store):
    ran = run("sql", HEAVY, "--timeout", 0.5, "--db", sample_store)
    assert ran.exit_code == 1 and "stopped after 0.5 s" in ran.err and ran.err.count("\n") == 1
    assert run("sql", "SELECT 1 AS one", "--timeout", 60, "--json", "--db", sample_store).json == [{"one": 1}]


def test_a_query_gets_half_of_the_memory_and_a_bounded_place_to_spill(run, sample_store):
    query = (
        "SELECT current_setting('memory_limit') AS memory, current_setting('temp_directory') AS spill, "
        "current_setting('max_temp_directory_size') AS most"
    )
    (row,) = run("sql", query, "--json", "--db", sample_store).json
    number, unit = re.fullmatch(r"([\d.]+) (GiB|MiB)", row["memory"]).groups()
    memory = float(number) * {"GiB": 2**30, "MiB": 2**20}[unit]
    assert memory <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 * 1.01
    assert row["spill"].startswith(str(sample_store.path.parent / "cache" / "spill-"))
    assert row["most"] == "10.0 GiB"


def test_a_query_that_needs_more_than_its_memory_spills_beside_the_store_and_leaves_nothing(empty_store, monkeypatch):
    monkeypatch.setattr(attaching, "_memory_bytes", lambda: 200 * 2**20)
    with connect(empty_store) as session:
        found = session.sql("SELECT count(DISTINCT md5(range::VARCHAR)) AS n FROM range(6000000)")
        assert found["n"].tolist() == [6_000_000]
    assert not list((empty_store.path.parent / "cache").glob("spill*"))


@pytest.mark.parametrize("setting", ["memory_limit = '1TB'", "temp_directory = '/'", "max_temp_directory_size = '1TB'"])
def test_the_bounds_cannot_be_changed_by_a_query(run, sample_store, setting):
    assert run("sql", f"SET {setting}", "--db", sample_store).exit_code == 1


EXACT = [
    ("SELECT sum(x) AS v FROM (VALUES (9007199254740993), (2)) t(x)", 9007199254740995),
    ("SELECT 170141183460469231731687303715884105727::HUGEINT AS v", 170141183460469231731687303715884105727),
    ("SELECT -170141183460469231731687303715884105727::HUGEINT AS v", -170141183460469231731687303715884105727),
    ("SELECT sum(x) AS v FROM (VALUES (NULL::BIGINT)) t(x)", None),
    ("SELECT [1, 2] AS v", [1, 2]),
    ("SELECT {'a': 1} AS v", {"a": 1}),
    ("SELECT map {'k': 2} AS v", {"k": 2}),
    ("SELECT 'infinity'::TIMESTAMP AS v", "infinity"),
    ("SELECT '-infinity'::TIMESTAMP AS v", "-infinity"),
]


@pytest.mark.parametrize(("query", "value"), EXACT)
def test_a_value_is_exact_in_every_form(run, sample_store, query, value):
    assert run("sql", query, "--json", "--db", sample_store).json == [{"v": value}]
    if isinstance(value, int):
        assert run("sql", query, "--csv", "--db", sample_store).out == f"v\n{value}\n"
        assert run("sql", query, "--db", sample_store).out.split()[-1].replace(",", "") == str(value)
    else:
        assert run("sql", query, "--db", sample_store).exit_code == 0


def test_an_interval_of_months_is_no_number_of_days(run, sample_store):
    (row,) = run("sql", MONTHS, "--json", "--db", sample_store).json
    assert row == {"i": "3 months", "j": "1 month 2 days 00:00:03", "k": "00:00:05"}


def test_the_tokens_of_all_executions_are_a_whole_number(run, sample_store):
    (row,) = run("sql", "SELECT sum(tokens_in) AS tokens FROM executions", "--json", "--db", sample_store).json
    assert isinstance(row["tokens"], int)


LONG = "12345678901234567890.123456789012345678"
BOUND = [
    (np.int64(3), 3),
    (np.float32(0.5), 0.5),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.array([1, 2]), [1, 2]),
    (np.array([[1], [2]]), [[1], [2]]),
    ([np.int64(1), None], [1, None]),
    (pd.Series([1, 2]), [1, 2]),
    (pd.Series([1.5, None]), [1.5, None]),
    (pd.Series(["a", None]), ["a", None]),
    (pd.Index(["a"]), ["a"]),
    (np.datetime64("2026-01-01"), pd.Timestamp("2026-01-01")),
    (pd.NA, None),
]


@pytest.mark.parametrize("beside", ["", ", UUID '00000000-0000-0000-0000-0000000000ff' AS y", ", 2 AS x"])
def test_a_decimal_has_every_digit_in_every_form(run, sample_store, beside):
    query = f"SELECT {LONG}::DECIMAL(38, 18) AS x{beside}"
    assert f'"x":{LONG}' in run("sql", query, "--json", "--db", sample_store).out
    assert LONG in run("sql", query, "--csv", "--db", sample_store).out
    assert LONG in run("sql", query, "--db", sample_store).out.replace(",", "")
    with connect(sample_store) as session:
        assert session.sql(query).iloc[0, 0] == Decimal(LONG)


def test_a_decimal_within_a_list_is_a_number_too(run, sample_store):
    query = f"SELECT [{LONG}::DECIMAL(38, 18), NULL] AS x"
    assert run("sql", query, "--json", "--db", sample_store).out == f'[{{"x":[{LONG},null]}}]\n'


@pytest.mark.parametrize("query", ["SELECT 1\0 AS x", "SELECT '\0'", "SELECT 1 -- \0\n; DROP VIEW executions"])
def test_a_query_that_duckdb_would_not_read_to_its_end_is_refused(sample_store, query):
    with connect(sample_store) as session, pytest.raises(QueryError, match=r"has the character U\+0000 at place \d+"):
        session.sql(query)


@pytest.mark.parametrize(("value", "found"), BOUND, ids=lambda value: type(value).__name__)
def test_values_of_numpy_and_pandas_can_be_bound(sample_store, value, found):
    with connect(sample_store) as session:
        got = session.sql("SELECT $x AS x", x=value)["x"][0]
        assert (got is None or pd.isna(got)) if found is None else np.array_equal(got, found)


def test_a_series_chooses_rows(sample_store):
    with connect(sample_store) as session:
        ids = session.sql("FROM tasks ORDER BY task_id LIMIT 3")["task_id"]
        assert session.sql("SELECT count(*) AS n FROM tasks WHERE task_id IN $ids", ids=ids)["n"].tolist() == [3]


def test_a_row_is_printed_alike_with_and_without_a_frame(sample_store):
    query = "SELECT * FROM tasks ORDER BY task_id"
    with connect(sample_store) as session:
        rows, frame = session.rows(query), session.sql(query)
    assert rows.names == list(frame.columns) and len(rows.values) == len(frame)
    for place, name in enumerate(rows.names):
        for value, framed in zip([row[place] for row in rows.values], frame[name], strict=True):
            assert value == framed or (value is None and pd.isna(framed))


def test_what_is_printed_is_added_up_in_one_order(run, sample_store):
    """With more threads than one, the last digit of a sum over a large store changes from run to run."""
    assert run("sql", "SELECT current_setting('threads') AS n", "--csv", "--db", sample_store).out == "n\n1\n"
