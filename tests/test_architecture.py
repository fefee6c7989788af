"""Who may import whom, read from the code."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "asp_analysis"

ROOMS = ("*.*", "asp_analysis/**/*.*", "database/**/*.*", "docs/*", "tests/*.py")
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"

ROWS = (
    {("errors", "executions"): ""},
    {
        ("records", "platform_form", "validation", "batch", "config", "sql"): "",
        ("occupancy", "intervals", "membership", "alternatives"): "",
        ("wording", "privacy", "progress", "small_groups", "time_zones", "periods", "lake", "spark"): "",
    },
    {
        ("store", "server", "importers", "pricing", "session"): "each ignores the others,",
        ("probe", "learning", "quality", "charts", "effects", "spending"): "these six see only frames",
    },
    {
        (
            "load_options",
            "call_prices",
            "loading",
            "git_loading",
            "unloading",
            "unchanged",
        ): "these join the parts",
        ("exporting", "postgres", "capture", "receiving", "billing", "magic"): "",
        ("dashboard", "monitor", "cost_groups", "grouped_views", "forgetting", "comparisons", "running_sessions"): "",
        ("budgeting", "budget_sentences", "publishing", "building"): "",
    },
    {("findings", "notebook_copies", "notebook_report"): "what the notebooks say"},
    {("notebook", "cli"): "Jupyter, and the command line"},
)
"""From the bottom up, as lines of names with what is said of them; a module imports only from lower rows, and from its
own package. `python -m tests.test_architecture` draws them in CONTRIBUTING.md."""

WITHIN_A_ROW = {
    ("session", "server"),
    ("store", "server"),
    ("validation", "records"),
    ("privacy", "config"),
    ("lake", "config"),
    ("lake", "sql"),
    ("sql", "config"),
    ("platform_form", "records"),
    ("loading", "unchanged"),
    ("loading", "load_options"),
    ("loading", "unloading"),
    ("git_loading", "load_options"),
    ("git_loading", "unloading"),
    ("loading", "call_prices"),
    ("unloading", "call_prices"),
    ("unloading", "load_options"),
    ("forgetting", "capture"),
    ("forgetting", "receiving"),
    ("receiving", "capture"),
    ("receiving", "call_prices"),
    ("receiving", "load_options"),
    ("receiving", "unchanged"),
    ("call_prices", "load_options"),
    ("comparisons", "cost_groups"),
    ("grouped_views", "cost_groups"),
    ("dashboard", "comparisons"),
    ("periods", "time_zones"),
    ("budgeting", "cost_groups"),
    ("budget_sentences", "budgeting"),
    ("dashboard", "budgeting"),
    ("dashboard", "budget_sentences"),
}
"""`server` says what a PostgreSQL answers, to the writer and the reader alike; `validation` applies `records` to
columns; `privacy` looks at the file of an address; `sql` asks where the scripts are; `platform_form` writes JSON as
`records` does; `unchanged` and `load_options` are parts of `loading` that are light to import; `forgetting` takes
the records of `capture` and `receiving` that wait; `receiving` keeps requests as `capture` keeps records, and loads
them as `loading` loads files; `comparisons` and `grouped_views` take executions by the names that `cost_groups`
knows, and `dashboard` shows what comparisons found; days of `periods` are those of `time_zones`; `budgeting` takes
spend from `cost_groups`, and `budget_sentences` says what it found."""

HOMES = {
    "sqlalchemy": {"store", "postgres"},
    # The source of a migration and files of the platform are read as they are; long files beside a scratch file.
    "sqlite3": {"store", "postgres", "importers"},
    "psycopg": {"store", "postgres"},
    "duckdb": {"session", "building"},  # building computes what session reads
    "matplotlib": {"charts", "findings", "notebook"},  # findings and notebook close and size what charts draws
    "click": {"cli"},
    "rich": {"cli"},
    "setproctitle": {"cli"},
    "pyarrow": {"importers", "session", "exporting", "publishing", "membership"},  # Parquet; rows; files; texts by hash
    "pydantic": {"records", "validation", "importers"},
    "pydantic_core": {"records", "validation", "importers"},
    "IPython": {"magic", "notebook"},
    "ipywidgets": {"notebook"},
    "itables": {"notebook"},
    "nbclient": {"notebook_report"},
    "nbconvert": {"notebook_report", "notebook"},  # a page; Markdown in a panel
    "nbformat": {"notebook_report", "notebook_copies"},
    "dotenv": {"config"},
    "genai_prices": {"pricing"},
    "opentelemetry": {"capture", "receiving"},
    "google": {"receiving"},  # protobuf
    "tornado": {"receiving"},
    "grpc": {"spark"},
    "pyspark": {"spark"},
    "sqlglot": {"spark"},
    "mcp": {"cli"},
    "mcp_types": {"cli"},
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


def names_of(row):
    return [name for line in row for name in line]


def row(name):
    return next(number for number, lines in enumerate(ROWS) if name in names_of(lines))


def test_the_rows_hold_the_modules_that_there_are():
    assert sorted(name for lines in ROWS for name in names_of(lines)) == sorted({home(path) for path in modules()})


# --- the picture ------------------------------------------------------------------------------------------------------

PICTURE = re.compile(r"(?<=```\n)\d  .*?(?=```\n)", re.DOTALL)


def draw_rows():
    """Return the rows as CONTRIBUTING.md shows them, the highest first."""
    drawn = []
    for number, lines in reversed(list(enumerate(ROWS))):
        for place, (names, remark) in enumerate(lines.items()):
            drawn.append(f"{'' if place else number:<3}{'  '.join(names):<80}{remark}".rstrip() + "\n")
    return "".join(drawn)


def test_the_picture_in_contributing_shows_the_rows():
    assert PICTURE.findall(CONTRIBUTING.read_text()) == [draw_rows()], "write it: python -m tests.test_architecture"


def test_contributing_names_no_file_that_does_not_exist():
    named = set(re.findall(r"`([\w/.-]+\.(?:py|sql|md|toml|yml))`", CONTRIBUTING.read_text()))
    files = [f"/{path.relative_to(PACKAGE.parent)}" for room in ROOMS for path in PACKAGE.parent.glob(room)]
    assert len(named) > 20
    assert not {name for name in named if not any(file.endswith(f"/{name}") for file in files)}


# --- imports ----------------------------------------------------------------------------------------------------------


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


def module_of(name):
    """Return the file of a module of the package by its dotted name, None for a name within one."""
    path = PACKAGE.parent / name.replace(".", "/")
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found if found.is_file() else None


def imported_modules(path):
    """Yield the modules of the package that a module imports, at its head or later: what it cannot do without."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from filter(None, (module_of(alias.name) for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from filter(
                None, (module_of(f"{node.module}.{alias.name}") or module_of(node.module) for alias in node.names)
            )


def find_circle(imported):
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as error:
        return [str(path.relative_to(PACKAGE)) for path in error.args[1]]
    return []


def test_no_modules_import_each_other_in_a_circle_not_inside_a_folder_either():
    assert not find_circle({path: set(imported_modules(path)) - {path} for path in PACKAGE.rglob("*.py")})


def test_a_circle_is_found():
    one, other = PACKAGE / "one.py", PACKAGE / "other.py"
    assert find_circle({one: {other}, other: {one}})


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


if __name__ == "__main__":
    CONTRIBUTING.write_text(PICTURE.sub(lambda _: draw_rows(), CONTRIBUTING.read_text()))
