"""Who may import whom, read from the code."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "asp_analysis"

ROWS = [
    {"errors", "executions"},
    {"records", "platform_form", "validation", "batch", "config", "sql", "occupancy", "intervals", "membership"},
    {"store", "server", "importers", "session", "probe", "learning", "quality", "charts", "pricing"},
    {"loading", "unchanged", "magic", "monitor", "exporting", "postgres", "dashboard", "capture", "estimation"},
    {"cli"},
]
"""From the bottom up; a module imports only from lower rows, and from its own package."""

WITHIN_A_ROW = {
    ("session", "server"),
    ("store", "server"),
    ("validation", "records"),
    ("platform_form", "records"),
    ("loading", "unchanged"),
}
"""`server` says what a PostgreSQL answers, to the writer and the reader alike; `validation` applies `records` to
columns; `platform_form` writes JSON as `records` does; `unchanged` tells `loading` what it need not read."""

HOMES = {
    "sqlalchemy": {"store", "postgres"},
    # The source of a migration and files of the platform are read as they are; long files beside a scratch file.
    "sqlite3": {"store", "postgres", "importers"},
    "psycopg": {"store", "postgres"},
    "duckdb": {"session"},
    "matplotlib": {"charts"},
    "click": {"cli"},
    "rich": {"cli"},
    "setproctitle": {"cli"},
    "pyarrow": {"importers", "session", "exporting", "membership"},  # Parquet; rows; files; texts by hash
    "pydantic": {"records", "validation", "importers"},
    "pydantic_core": {"records", "validation", "importers"},
    "IPython": {"magic"},
    "dotenv": {"config"},
    "genai_prices": {"pricing"},
    "opentelemetry": {"capture"},
}

CATCH_BROADLY = {"capture/shield.py", "importers/registry.py"}
"""`registry` imports formats of other packages, which may do anything. `Shield` logs whatever goes wrong in the
recorder, and the agent that is measured goes on."""


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem[:2] != "__")


def home(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "asp_analysis":
                yield from (f"asp_analysis.{alias.name}" for alias in node.names)
            else:
                yield node.module


def row(name):
    return next(number for number, names in enumerate(ROWS) if name in names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_rows(path):
    for name in imports(path):
        first, _, rest = name.partition(".")
        if first != "asp_analysis" or not rest:
            continue
        other = rest.split(".")[0]
        if other in {"__version__", home(path)} or (home(path), other) in WITHIN_A_ROW:
            continue
        assert row(other) < row(home(path)), f"{home(path)} must not import {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_outside_package_has_one_home(path):
    for name in imports(path):
        package = name.split(".")[0]
        if package in HOMES:
            assert home(path) in HOMES[package], f"{package} belongs to {sorted(HOMES[package])}, not to {home(path)}"


def test_no_module_has_a_name_that_says_nothing():
    names = {path.stem for path in modules()}
    assert not names & {"utils", "util", "helpers", "common", "manager", "misc"}


def catches_broadly(tree):
    """Tell whether every error may end here: in an `except`, in a `suppress`, or in an `__exit__` that looks for it."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ExceptHandler)
            and getattr(node.type, "id", "Exception" * (not node.type)) == "Exception"
        ):
            return True
        names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        is_suppress = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "suppress"
        is_exit = isinstance(node, ast.FunctionDef) and node.name == "__exit__"
        if (is_suppress or is_exit) and "Exception" in names:
            return True
    return False


def test_no_exception_is_caught_broadly_except_where_measuring_must_not_stop_an_agent():
    broad = {str(path.relative_to(PACKAGE)) for path in modules() if catches_broadly(ast.parse(path.read_text()))}
    assert broad == CATCH_BROADLY
