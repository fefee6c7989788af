"""Finds the SQL of `database/`: the only module that knows that it is in files."""

import hashlib
import re
from collections.abc import Iterable
from functools import cache

from asp_analysis.config import supplied_dir

SCHEMA_VERSION = 7
"""Of the tables that the scripts make; an older store is upgraded to it, a newer one is left unchanged."""

ONE_ROW_VERSION = 3
"""From this version on an execution is one row, and what the tables hold is counted as it changes."""


def quoted(text: str) -> str:
    """Write a text as SQL, for places that take no bound value, or where binding would import pandas (in DuckDB)."""
    return "'" + text.replace("'", "''") + "'"


def script(name: str) -> str:
    """Return the text of a script such as `sqlite/create_tables.sql`."""
    return (supplied_dir("database") / name).read_text(encoding="utf-8")


def view_names(layer: str) -> list[str]:
    """List the views of a layer, `staging` or `marts`, in the order in which they can be created."""
    return sorted(path.stem for path in (supplied_dir("database") / "views" / layer).glob("*.sql"))


def view_text(layer: str, name: str) -> str:
    """Return the SELECT of a view with the comment that documents it; the sums of the roll-up are filled in."""
    return script(f"views/{layer}/{name}.sql").replace("{roll_up}", _roll_up())


@cache
def digest_views() -> str:
    """Return what changes with the text of any view: answers that were kept are those of other texts then."""
    texts = [view_text(layer, name) for layer in ("staging", "marts") for name in view_names(layer)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]


@cache
def _roll_up() -> str:
    lines = [line for line in script("views/roll_up.sql").splitlines() if not line.startswith("--")]
    return "\n        ".join(lines)


@cache
def table_columns() -> dict[str, dict[str, str]]:
    """Return the tables of a store: their columns in order with SQLite's types, as database/sqlite/ has them."""
    tables = re.findall(r"^CREATE TABLE (\w+) \((.*?)^\)", script("sqlite/create_tables.sql"), re.MULTILINE | re.DOTALL)
    return {name: dict(re.findall(r"^    ([a-z]\w*) +(\w+)", body, re.MULTILINE)) for name, body in tables}


def table_statements(name: str, tables: Iterable[str]) -> list[str]:
    """Return those statements of a script that create some tables, their triggers and their indexes, in its order."""
    wanted = "|".join(tables)
    pattern = (
        rf"^CREATE TABLE (?:{wanted}) \(.*?^\)[^;]*;"
        rf"|^CREATE INDEX \w+ ON (?:{wanted}) [^;]*;"
        rf"|^CREATE TRIGGER \w+ (?:AFTER|BEFORE) [A-Z ]+ ON (?:{wanted})\n(?:BEGIN .*?; END;|[^;]*;)"
    )
    return re.findall(pattern, script(name), re.MULTILINE | re.DOTALL)


def vocabulary_rows(table: str) -> str:
    """Return the rows of a vocabulary that a new store begins with, as the list behind VALUES."""
    pattern = rf"^INSERT INTO {table} \([^)]*\) VALUES(.*?);$"
    found = re.search(pattern, script("vocabularies.sql"), re.MULTILINE | re.DOTALL)
    if found is None:
        raise KeyError(table)
    return found[1]


CONTRACT_TABLES = ("agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics")
"""The contract's four tables: files of the platform and every store have them, the store in its own form."""

VOCABULARIES = ("agent_roles", "capabilities", "defect_types")
"""Tables of words that people extend."""

PEOPLE = "people"
"""Who is in which team from when until when."""

CODE_CHANGES, CHANGE_SESSIONS = "code_change", "change_session"
"""What came of the work: changes of code, and the sessions of agents that worked on them."""

ALIASES = "name_alias"
"""Other names of roles and models, which the views show as one."""

BUDGETS = "budget"
"""What may be spent on a part of the store in each period."""

AGENT_CHANGES, CHANGE_ASSIGNMENTS = "agent_change", "change_assignment"
"""What was changed about the agents, and which tasks were assigned to the old or the new state at random."""

RECORD_TABLES = (
    *VOCABULARIES,
    *sorted(CONTRACT_TABLES, key=lambda name: name != "task_metadata"),
    PEOPLE,
    CODE_CHANGES,
    CHANGE_SESSIONS,
)
"""The tables that files fill, those that others refer to first: in this order they can be loaded."""

STORE_VIEWS = ("executions", "work", "task_costs", "tasks", "defects")
"""Marts that every store holds itself, for people who open it with other tools; in the order in which they are made."""

_STORE_TABLES = {
    "stg_roles": "agent_roles",
    "stg_defect_types": "defect_types",
}


def store_view(name: str, folder: str) -> str:
    """Return the statement that creates one of `STORE_VIEWS` in a store itself.

    folder: `sqlite` or `migrations`, whose stg_*.sql it reads. The text is that of the mart, over the tables.
    """
    whole = view_text("marts", name)
    text = re.sub(r"\A(?:--[^\n]*\n)*", "", whole)
    comment = whole.removesuffix(text)
    for view, table in _STORE_TABLES.items():
        text = re.sub(rf"\b{view}\b", table, text)
    for view in ("stg_tasks", "stg_executions", "stg_defects"):
        selected = re.sub(r"^--[^\n]*\n", "", script(f"{folder}/{view}.sql"), flags=re.MULTILINE).strip()
        text = re.sub(rf"\b{view}\b(?! AS )", f"{view} AS {view}", text)
        text = text.replace(f"{view} AS", f"({selected}) AS")
    return f"{comment}CREATE VIEW {name} AS\n{text.strip()};"
