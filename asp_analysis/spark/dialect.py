"""Writes a view's DuckDB as Spark SQL: sqlglot translates, and rules for what it leaves or changes silently.

The views are written in DuckDB's dialect, once. `tests/test_spark_dialect.py` keeps the list of what they may not say,
because it means something else in Spark without an error; `make spark` runs every mart on a real cluster.
"""

import json
from collections.abc import Callable
from typing import Any

import sqlglot
from sqlglot import ErrorLevel, exp

_INTEGERS = (exp.DataType.Type.BIGINT, exp.DataType.Type.INT)
_ISO_WEEK = "%G-W%V"


def to_spark(text: str) -> str:
    """Return a SELECT in DuckDB's dialect as one of Spark SQL 4, with the same values in an ANSI session in UTC.

    Raises:
        sqlglot.errors.SqlglotError: it is no SELECT that DuckDB would take.
    """
    tree = sqlglot.parse_one(text, read="duckdb")
    for node in reversed(list(tree.walk())):  # inner ones first: a rule sees what it holds as it will be
        for rule in _RULES:
            if (other := rule(node)) is not None:
                node.replace(other)
                break
    return tree.sql(dialect="spark", unsupported_level=ErrorLevel.IGNORE, comments=False, pretty=True)


def _without_json_type(node: exp.Expr) -> exp.Expr | None:
    """Spark has no type JSON: its functions read text, and what is no JSON is NULL to them."""
    return node.this if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.JSON else None


def _with_texts_in_lists(node: exp.Expr) -> exp.Expr | None:
    """The items of a JSON array are texts."""
    is_type = isinstance(node, exp.DataType) and node.this == exp.DataType.Type.JSON
    return exp.DataType.build("text", dialect="duckdb") if is_type and isinstance(node.parent, exp.DataType) else None


def _with_structure(node: exp.Expr) -> exp.Expr | None:
    """`json_transform` is `from_json`, which has another way to write what an object holds."""
    if not _is_call(node, "json_transform"):
        return None
    text, structure = node.expressions
    return exp.func("from_json", text, exp.Literal.string(_structure(json.loads(structure.this))))


def _structure(shape: Any) -> str:
    if isinstance(shape, dict):
        return f"STRUCT<{', '.join(f'{name}: {_structure(inner)}' for name, inner in shape.items())}>"
    if isinstance(shape, list):
        return f"ARRAY<{_structure(shape[0])}>"
    return {"VARCHAR": "STRING"}[shape]


def _with_double_literals(node: exp.Expr) -> exp.Expr | None:
    """2.5 is a decimal in Spark, whose quotients are cut off; in DuckDB they are doubles."""
    is_decimal = isinstance(node, exp.Literal) and not node.is_string and "." in node.this
    return exp.cast(node.copy(), "double") if is_decimal and not isinstance(node.parent, exp.Cast) else None


def _with_rounded_texts(node: exp.Expr) -> exp.Expr | None:
    """DuckDB reads '2.5' and '1e3' as whole numbers, rounded; Spark reads NULL. Long numbers stay exact."""
    if not isinstance(node, exp.TryCast) or node.to.this not in _INTEGERS or isinstance(node.this, exp.Round):
        return None
    number = exp.TryCast(this=node.this.copy(), to=exp.DataType.build("double"), safe=True)
    return exp.func("coalesce", node.copy(), exp.TryCast(this=exp.Round(this=number), to=node.to.copy(), safe=True))


def _with_zone(node: exp.Expr) -> exp.Expr | None:
    """An instant with a zone, then without: the session is in UTC."""
    is_utc = isinstance(node, exp.AtTimeZone) and node.args["zone"].name == "UTC"
    if not is_utc or not isinstance(node.this, exp.TryCast) or node.this.to.this != exp.DataType.Type.TIMESTAMPTZ:
        return None
    instant = exp.TryCast(this=node.this.this.copy(), to=exp.DataType.build("timestampltz"), safe=True)
    return exp.Cast(this=instant, to=exp.DataType.build("timestampntz"))


def _with_iso_week(node: exp.Expr) -> exp.Expr | None:
    """Spark formats no week: its parts are put together."""
    if not isinstance(node, exp.TimeToStr) or node.args["format"].name != _ISO_WEEK:
        return None
    year, week = (exp.Extract(this=exp.var(part), expression=node.this.copy()) for part in ("YEAROFWEEK", "WEEK"))
    parts = exp.cast(year, "text"), exp.Literal.string("-W"), exp.func("lpad", exp.cast(week, "text"), "2", "'0'")
    return exp.func("concat", *parts)


def _with_items(node: exp.Expr) -> exp.Expr | None:
    """Both count the items of a list from 1 here; behind brackets Spark counts from 0."""
    return exp.func("try_element_at", *node.expressions) if _is_call(node, "list_extract") else None


def _is_call(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == name


_RULES: tuple[Callable[[exp.Expr], exp.Expr | None], ...] = (
    _without_json_type,
    _with_texts_in_lists,
    _with_structure,
    _with_double_literals,
    _with_rounded_texts,
    _with_zone,
    _with_iso_week,
    _with_items,
)
