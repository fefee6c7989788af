"""Lets one SELECT over the views pass and nothing else: no writing, no other file, database, extension or server.

DuckDB's own switches are not enough: with external access off and its configuration locked, `sqlite_scan`,
`sqlite_query`, `postgres_query` and their kin still reach past the views, and the last may write. The files of a lake
stay open to DuckDB for the views, and to nothing else.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import duckdb

from asp_analysis.errors import QueryError
from asp_analysis.sql import quoted

_SETTING = "current_setting"
_SECRET = re.compile(r"proxy|secret|password|token|key", re.IGNORECASE)
_FILE = re.compile(r"/|\\|\.(?:parquet|csv|tsv|jsonl?|ndjson)\b", re.IGNORECASE)
"""In the name of a table: DuckDB would read a file of that name. A lake's own are open to it, but to no query."""

_TABLE_FUNCTIONS = {"unnest", "range", "generate_series", "repeat"}

_EXPLAIN = re.compile(r"\s*EXPLAIN\b(?:\s+ANALYZE\b|\s*\(\s*(?:ANALYZE|FORMAT)\b[\w\s,]*\))?", re.IGNORECASE)
"""The words before the query that is explained."""


def check_reads_only(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Check that a query is one SELECT that calls no table function but the harmless ones.

    To DuckDB, DESCRIBE, SUMMARIZE and SHOW are a SELECT. EXPLAIN passes with a SELECT behind it. A PIVOT whose values
    are in the data passes too: DuckDB makes a temporary type of them and a SELECT, out of one statement.

    Raises:
        QueryError: it is more than that, or not SQL.
    """
    kinds = [statement.type for statement in _read_statements(connection, query)]
    count = len(split_statements(query))
    if count != 1:
        raise QueryError(
            f"The query has {count} statements instead of one SELECT. Run them one by one."
            if count
            else "There is no query. Write a SELECT."
        )
    if kinds == [duckdb.StatementType.EXPLAIN]:
        _check_explained(connection, query)
    elif kinds == [duckdb.StatementType.SELECT]:
        _check_tree(connection, query)
    elif len(kinds) > 1 and _is_pivot(kinds):
        _check_functions(_named_table_functions(connection, query))
        _check_names_no_file(query)
    else:
        kind = next((kind.name for kind in kinds if kind != duckdb.StatementType.TRANSACTION), "TRANSACTION")
        raise QueryError(
            f"A query can only read, and this is {kind}. Use SELECT; load files with: asp-analysis load FILE"
        )


def split_statements(text: str) -> list[str]:
    """Cut a text at its semicolons into statements, without those that hold nothing but comments."""
    words = _words(text)
    if not words:
        return [text.strip()] if text.strip() else []  # what cannot be cut is answered when it is run
    ends = [*(place for place, word in words if word == ";"), len(text)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    spans = zip(starts, ends, strict=True)
    return [text[start:end].strip() for start, end in spans if any(start <= place < end for place, _ in words)]


def _read_statements(connection: duckdb.DuckDBPyConnection, query: str) -> list[duckdb.Statement]:
    try:
        return connection.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(said(error)) from None


def _is_pivot(kinds: list[duckdb.StatementType]) -> bool:
    """Return whether one statement became types of values and a SELECT at the end, as DuckDB makes them of a PIVOT."""
    return kinds[-1] == duckdb.StatementType.SELECT and set(kinds[:-1]) == {duckdb.StatementType.CREATE}


def _check_explained(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    words = _EXPLAIN.match(query)
    inner = "" if words is None else query[words.end() :]
    found = _read_statements(connection, inner)
    if [statement.type for statement in found] != [duckdb.StatementType.SELECT]:
        raise QueryError(
            "EXPLAIN needs one SELECT behind it. Write EXPLAIN SELECT ..., a PIVOT with its values: IN (...)."
        )
    _check_tree(connection, inner)


def _check_tree(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Check what a query reads: some of DuckDB's functions open files, attach databases or run other SQL."""
    tree = _parse(connection, query)
    _check_functions({node["function"]["function_name"].lower() for node in _nodes(tree, "TABLE_FUNCTION")})
    if any(_reads_secret_setting(node) for node in _nodes(tree, "FUNCTION")):
        raise _setting_refused()
    for node in _nodes(tree, "BASE_TABLE"):
        name = ".".join(part for part in (node["catalog_name"], node["schema_name"], node["table_name"]) if part)
        if _FILE.search(name):
            raise _file_refused(name)


def _check_names_no_file(query: str) -> None:
    """Check that a text that DuckDB has no tree of names no file of a lake, however the name is written.

    In SQL a text may go on in the next line, behind a remark too, and may write its letters as numbers.
    """
    plain = (_BETWEEN_PARTS.sub("", text).lower() for text in (query, _REMARK.sub("", query)))
    if _SETTING in query.lower():
        raise _setting_refused()
    if "\\" in query or any("parquet" in text for text in plain):
        raise _file_refused("A file")


_REMARK = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_BETWEEN_PARTS = re.compile(r"[\s'\"]")


def _reads_secret_setting(function: dict[str, Any]) -> bool:
    """Return whether a function reads a setting that may hold a password, or one that only the data name."""
    if function["function_name"].lower() != _SETTING:
        return False
    named = function["children"][0] if function["children"] else {}
    return named.get("class") != "CONSTANT" or _SECRET.search(str(named.get("value"))) is not None


def _setting_refused() -> QueryError:
    return QueryError(f"{_SETTING}() reads settings, which may hold passwords. A query can read only views.")


def _file_refused(name: str) -> QueryError:
    return QueryError(f"{name} is not a view, and a query can read only views. List them with: asp-analysis views")


def _check_functions(names: set[str]) -> None:
    for name in sorted(names - _TABLE_FUNCTIONS):
        raise QueryError(
            f"{name}() reads more than the views, which a query cannot do. "
            f"Allowed table functions: {', '.join(sorted(_TABLE_FUNCTIONS))}."
        )


def _named_table_functions(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """Name the table functions of a text that DuckDB has no tree of: every such name before a parenthesis."""
    known = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type LIKE '%table%'"
    names = {name for (name,) in connection.execute(known).fetchall()}
    words = [word for _, word in _words(query)]
    called = {word for word, following in pairwise(words) if following == "("}
    return {word.strip('"').replace('""', '"').lower() for word in called} & names


_WORD = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*|.', re.DOTALL)
"""A name, a word or a mark; comments and blanks behind it are no part of it."""


def _words(text: str) -> list[tuple[int, str]]:
    """Return the words of a text as DuckDB cuts it, each with its place; of numbers and texts the first sign."""
    raw = text.encode("utf-8", "replace")
    words = []
    for byte_place, _ in duckdb.tokenize(text):
        place = len(raw[:byte_place].decode("utf-8", "replace"))
        found = _WORD.match(text, place)
        words.append((place, "" if found is None else found[0]))
    return words


def said(error: duckdb.Error) -> str:
    """Return DuckDB's message on one line, without the excerpt of the query that it repeats."""
    text = " ".join(str(error).split("\n\nLINE")[0].split("\nLINE")[0].split())
    unbound = _UNBOUND.search(text)
    return text if unbound is None else _how_to_bind(sorted(unbound[1].split(", ")))


_UNBOUND = re.compile(r"not provided for the following prepared statement parameters: (.+)$")


def _how_to_bind(names: list[str]) -> str:
    wanted, options = ", ".join(f"${name}" for name in names), " ".join(f"--param {name}=VALUE" for name in names)
    return f"{wanted} has no value. Set it with {options}, in Python with {names[0]}=..."


def _parse(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    rows = connection.execute(f"SELECT json_serialize_sql({quoted(query)})").fetchall()
    tree = json.loads(rows[0][0])
    if tree.get("error"):
        raise QueryError(f"A query can only read: {tree.get('error_message')}. Use SELECT.")
    return tree


def _nodes(node: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the nodes of one type."""
    if isinstance(node, dict):
        if node.get("type") == kind:
            yield node
        for value in node.values():
            yield from _nodes(value, kind)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value, kind)
