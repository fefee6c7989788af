"""The views as Spark SQL: every mart translates, and each rule does what it is for. `make spark` runs them for real."""

import pytest

from asp_analysis.session.catalog import marts
from asp_analysis.sql import view_text

sqlglot = pytest.importorskip("sqlglot", reason="sqlglot is not installed (make setup brings it)")

from sqlglot import exp  # noqa: E402

from asp_analysis.spark.dialect import to_spark  # noqa: E402

HAVE_RUN = (
    "And AnyValue Array ArraySize Avg Case Cast Coalesce Concat Contains Count DateDiff Exp Explode Extract FromJson "
    "GenerateSeries Greatest GroupConcat Grouping If JSONExtractScalar Lead Least Ln Max Median Min Nullif Or Pad Pow "
    "RegexpLike Round Sqrt Sum TimeStrToTime TimeToStr TimestampTrunc TryCast TsOrDsToDate Variance"
)
"""What the marts call, of which `make spark` showed that Spark and DuckDB find the same."""


@pytest.mark.parametrize("name", marts())
def test_every_mart_translates_into_calls_that_have_run_on_spark(name):
    tree = sqlglot.parse_one(to_spark(view_text("marts", name)), read="spark")
    unknown = {call.name for call in tree.find_all(exp.Anonymous)}
    unknown |= {type(call).__name__ for call in tree.find_all(exp.Func)} - set(HAVE_RUN.split())
    assert not unknown, f"Run `make spark` with {name}; where all are equal, add these to HAVE_RUN."


@pytest.mark.parametrize("name", marts())
def test_a_translated_mart_has_the_same_columns(name):
    columns = [sqlglot.parse_one(text, read=dialect).named_selects for text, dialect in (
        (view_text("marts", name), "duckdb"), (to_spark(view_text("marts", name)), "spark"),
    )]  # fmt: skip
    assert columns[0] == columns[1] and columns[0]


@pytest.mark.parametrize("name", marts())
def test_nothing_of_json_as_duckdb_has_it_is_left(name):
    text = to_spark(view_text("marts", name))
    assert "->" not in text and "AS JSON" not in text and "TO_JSON" not in text


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("TRY_CAST(a AS JSON) ->> 'b'", "GET_JSON_OBJECT(a, '$.b')"),
        ("TRY_CAST(TRY_CAST(a AS JSON) -> '$.b' AS JSON [])", "FROM_JSON(GET_JSON_OBJECT(a, '$.b'), 'ARRAY<STRING>')"),
        ("CAST(a -> '$.b' AS VARCHAR [])", "FROM_JSON(GET_JSON_OBJECT(a, '$.b'), 'ARRAY<STRING>')"),
        (
            """json_transform(a, '{"b": {"c": ["VARCHAR"]}, "d": "VARCHAR"}')""",
            "FROM_JSON(a, 'STRUCT<b: STRUCT<c: ARRAY<STRING>>, d: STRING>')",
        ),
        ("2.5 / b", "CAST(2.5 AS DOUBLE) / b"),
        ("CAST(2.5 AS DOUBLE)", "CAST(2.5 AS DOUBLE)"),
        ("25 / b", "25 / b"),
        (
            "TRY_CAST(a AS BIGINT)",
            "COALESCE(TRY_CAST(a AS BIGINT), TRY_CAST(ROUND(TRY_CAST(a AS DOUBLE)) AS BIGINT))",
        ),
        ("TRY_CAST(round(a) AS BIGINT)", "TRY_CAST(ROUND(a) AS BIGINT)"),
        ("CAST(a AS BIGINT)", "CAST(a AS BIGINT)"),
        ("TRY_CAST(a AS TIMESTAMPTZ) AT TIME ZONE 'UTC'", "CAST(TRY_CAST(a AS TIMESTAMP_LTZ) AS TIMESTAMP_NTZ)"),
        (
            "strftime(a, '%G-W%V')",
            "CONCAT(CAST(EXTRACT(YEAROFWEEK FROM a) AS STRING), '-W', "
            "LPAD(CAST(EXTRACT(WEEK FROM a) AS STRING), 2, '0'))",
        ),
        ("strftime(a, '%Y-%m')", "DATE_FORMAT(a, 'yyyy-MM')"),
        ("list_extract(a, n)", "TRY_ELEMENT_AT(a, n)"),
    ],
)
def test_a_rule(duckdb, spark):
    text = " ".join(to_spark(f"SELECT {duckdb} AS x FROM t").split())
    assert text.replace("( ", "(").replace(" )", ")") == f"SELECT {spark} AS x FROM t"
