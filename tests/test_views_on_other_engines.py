"""What no view may say: it means something else, without an error, in another engine that runs the same text.

The lake's marts are computed by DuckDB or by Spark. What differs was measured, and what a rule of `spark/dialect.py`
cannot put right is written otherwise. The texts are read with DuckDB's own parser.
"""

import json
import re

import duckdb
import pytest

from asp_analysis.config import supplied_dir
from asp_analysis.session import connect
from asp_analysis.sql import script

FOLDER = supplied_dir("database")
VIEWS = sorted(str(path.relative_to(FOLDER)) for path in (FOLDER / "views").glob("*/*.sql"))
INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
ARE_DOUBLE = {"/", "avg", "median", "sqrt", "ln", "exp", "var_samp", "**", "quantile_cont"}
DAYS_OF_WEEK = {"dow", "isodow", "dayofweek", "weekday", "yearweek"}


def parsed(text):
    """Return a SELECT as DuckDB's parser reads it; a test hands over single expressions, too."""
    text = text.replace("{whole}", "main").replace("$since", "NULL")
    text = text.replace("{roll_up}", re.sub("^--.*$", "", script("views/roll_up.sql"), flags=re.MULTILINE))
    (found,) = duckdb.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchone()
    tree = json.loads(found)
    assert not tree["error"], tree
    return tree["statements"]


def walk(node, above=()):
    """Yield every node with those that hold it, the nearest last."""
    if isinstance(node, dict):
        yield node, above
        for inner in node.values():
            yield from walk(inner, (*above, node))
    elif isinstance(node, list):
        for inner in node:
            yield from walk(inner, above)


def name_of(node):
    return node.get("function_name", "").lower() if node.get("class") == "FUNCTION" else ""


def calls(tree, *names):
    return ((node, above) for node, above in walk(tree) if name_of(node) in names)


def value(node):
    return node["value"]["value"] if node.get("class") == "CONSTANT" and not node["value"]["is_null"] else None


def same(one, other):
    """Tell whether two expressions say the same; where they stand does not count."""

    def plain(node):
        if isinstance(node, dict):
            return {name: plain(inner) for name, inner in node.items() if name != "query_location"}
        return [plain(inner) for inner in node] if isinstance(node, list) else node

    return plain(one) == plain(other)


# --- what is banned ---------------------------------------------------------------------------------------------------


def unguarded_divisions(tree):
    """What is divided by 0 is infinite in DuckDB and an error in Spark."""
    for node, _ in calls(tree, "/", "//", "%"):
        by = node["children"][1]
        first = by.get("children", [{}])[0]
        is_guarded = name_of(by) == "nullif" or by.get("type") == "OPERATOR_NULLIF" or value(by)
        if not is_guarded and not (name_of(by) == "greatest" and (value(first) or 0) > 0):
            yield "a division by what may be 0: write NULLIF(..., 0)"


def cut_off_numbers(tree, doubles):
    """DuckDB rounds a double that is cast to an integer, Spark cuts it off."""
    for node, _ in walk(tree):
        if node.get("class") != "CAST" or node["cast_type"]["id"] not in INTEGERS or name_of(node["child"]) == "round":
            continue
        for inner, _ in walk(node["child"]):
            column = inner["column_names"][-1] if inner.get("class") == "COLUMN_REF" else None
            if column in doubles or name_of(inner) in ARE_DOUBLE:
                yield f"a cast of {column or name_of(inner)} to an integer: write round(...) within it"


def days_of_the_week(tree):
    """Sunday is 0 in DuckDB and 1 in Spark."""
    for node, _ in walk(tree):
        if name_of(node) in DAYS_OF_WEEK or str(value(node)).lower() in DAYS_OF_WEEK:
            yield "a day of the week: each engine counts from another day"


def lengths_of_what_is_no_array(tree):
    """The length of a JSON value that is no array is 0 in DuckDB and NULL in Spark."""
    for node, above in calls(tree, "json_array_length"):
        whens = [check["when_expr"] for case in above for check in case.get("case_checks", [])]
        types = [inner for when in whens for inner, _ in calls(when, "json_type")]
        if not any(same(inner["children"], node["children"]) for inner in types):
            yield "json_array_length without CASE WHEN json_type(...) = 'ARRAY'"


def counted_boundaries(tree):
    """DuckDB counts the boundaries between two instants, Spark the whole units that went by."""
    for node, _ in calls(tree, "date_diff", "datediff"):
        if not all(name_of(end) == "date_trunc" for end in node["children"][1:]):
            yield "date_diff of instants: write date_trunc(...) around both"


def counted_items(tree):
    """Behind brackets DuckDB counts from 1 and Spark from 0; `len` is the length of a text to a translator."""
    if any(node.get("type") == "ARRAY_EXTRACT" for node, _ in walk(tree)):
        yield "brackets behind a list: write list_extract(list, number)"
    if any(True for _ in calls(tree, "len")):
        yield "len: write array_length(list), or length(text)"
    if any(node.get("with_ordinality") not in (None, False, "WITHOUT_ORDINALITY") for node, _ in walk(tree)):
        yield "WITH ORDINALITY: DuckDB counts from 1 and Spark from 0"


def unfolded_lists(tree):
    """Spark unfolds one list in a SELECT, and nothing around it."""
    for node, _ in walk(tree):
        chosen = node.get("select_list") or []
        unfolded = [one for one in chosen if any(True for _ in calls(one, "unnest"))]
        if len(unfolded) > 1 or any(name_of(one) != "unnest" for one in unfolded):
            yield "unnest: write it once in a SELECT, as a column of its own"


def banned(text, doubles=()):
    tree = parsed(text)
    found = list(cut_off_numbers(tree, doubles))
    for rule in (
        unguarded_divisions,
        days_of_the_week,
        lengths_of_what_is_no_array,
        counted_boundaries,
        counted_items,
        unfolded_lists,
    ):
        found += rule(tree)
    return found


@pytest.fixture(scope="module")
def doubles(sample_store):
    """The columns of all views that are numbers with a fraction."""
    with connect(sample_store) as session:
        columns = session.sql("SELECT column_name, data_type FROM information_schema.columns")
    return set(columns.loc[columns["data_type"].isin(["DOUBLE", "FLOAT"]), "column_name"])


def test_the_columns_with_fractions_are_known(doubles):
    assert {"cost_usd", "latency_ms", "share"} <= doubles and "tokens_in" not in doubles


@pytest.mark.parametrize("file", VIEWS)
def test_a_view_says_nothing_that_means_something_else_in_another_engine(file, doubles):
    assert not banned(script(file), doubles)


@pytest.mark.parametrize(
    "text",
    [
        "a / b",
        "a / (b - 1)",
        "a % b",
        "a / greatest(b, 1)",
        "CAST(cost_usd AS BIGINT)",
        "TRY_CAST(cost_usd * 2 AS INTEGER)",
        "CAST(sum(a) / 2 AS BIGINT)",
        "extract('dow' FROM a)",
        "dayofweek(a)",
        "json_array_length(a)",
        "CASE WHEN json_type(a) = 'ARRAY' THEN json_array_length(a, '$.b') END",
        "date_diff('second', a, b)",
        "a[1]",
        "len(a)",
        "project_id || unnest(a)",
        "unnest(a), unnest(b)",
    ],
)
def test_what_is_banned_is_found(text):
    assert banned(f"SELECT {text} FROM t", {"cost_usd"})


def test_what_counts_from_another_number_is_found():
    assert banned("SELECT n FROM t CROSS JOIN UNNEST(a) WITH ORDINALITY AS u (v, n)")


def test_what_is_guarded_is_allowed():
    allowed = (
        "a / NULLIF(b, 0), a / 2.0, a / greatest(1, b), CAST(round(cost_usd) AS BIGINT), CAST(tokens AS BIGINT), "
        "CASE WHEN json_type(a, '$.b') = 'ARRAY' THEN json_array_length(a, '$.b') END, array_length(a), "
        "date_diff('second', date_trunc('second', a), date_trunc('second', b)), list_extract(a, 2), unnest(a) AS one"
    )
    assert not banned(f"SELECT {allowed} FROM t", {"cost_usd"})
