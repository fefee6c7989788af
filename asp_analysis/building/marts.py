"""The marts of a lake: answers that are kept, each made again only as far as its rows changed.

Three kinds. *By task*: a row is of one task and depends on the rows of that task alone, so that those of tasks that
changed are made again; the files are of the months in which tasks were created. *By day*: so are those of months that
changed. *Whole*: the others are small and made from the former two. Marts that only join columns to executions are not
kept: reading them is as fast.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from asp_analysis import sql
from asp_analysis.building.plan import TablePlan, month_of
from asp_analysis.building.retention import EXECUTION_ROWS
from asp_analysis.building.workshop import Workshop
from asp_analysis.lake.builds import LakeBuild, LakeFile, LakeTable
from asp_analysis.lake.heads import UNDATED
from asp_analysis.progress import Step, tell
from asp_analysis.session.catalog import marts as ordered_marts

MARTS = "marts"
BY_TASK = (
    "work",
    "tasks",
    "task_costs",
    "task_history",
    "task_activity",
    "human_effort",
    "defects",
    "stored_forecasts",
)
BY_DAY = ("daily_costs",)
NOT_KEPT = ("executions", "staffed", "staffing")

_ROWS_OF_TASKS = (EXECUTION_ROWS, "stg_tasks", "stg_defects")
"""Staging views whose rows belong to a task."""

MART_ORDER = {"task_history": ("agent_role", "llm_model", "known_at")}
"""Mart -> the order of its rows where questions read a part of it: a reader passes over blocks of other values. Other
marts are read whole, and readers order by the key."""


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """What a build changed: the tables' plans, and the former build with its rows, None where all is to be made.

    tables: with all executions that sums are made of; kept: those that readers will find.
    """

    plans: Mapping[str, TablePlan]
    former: LakeBuild | None
    tables: Mapping[str, LakeTable]
    kept: LakeTable

    def is_changed(self, views: set[str]) -> bool:
        """Return whether any of these staging views holds other rows or columns than before."""
        former = self.former.tables if self.former else {}
        return any(view not in former or former[view] != self.tables[view] for view in views if view in self.tables)


def read_sources(mart: str) -> set[str]:
    """Return the staging views that a mart is made of, directly or through other marts."""
    names = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", sql.view_text("marts", mart)))
    found = {name for name in names if name.startswith("stg_")}
    for other in names & set(sql.view_names("marts")) - {mart}:
        found |= read_sources(other)
    return found


def build_marts(shop: Workshop, rebuild: Rebuild) -> dict[str, LakeTable]:
    """Make all marts that are kept; the views of the workshop show the tables of this build."""
    kept = [name for name in ordered_marts() if name not in NOT_KEPT]
    for name in ordered_marts():
        shop.run(f"CREATE OR REPLACE VIEW {name} AS {sql.view_text('marts', name)}")
    find_touched(shop, rebuild)
    _show_part_of_touched(shop, rebuild)
    made = {name: _build_mart(shop, rebuild, name) for name in kept if name in BY_TASK + BY_DAY}
    tell(Step(part="marts", done=len(made), total=len(kept), unit="marts"))
    shop.show(EXECUTION_ROWS, rebuild.kept)
    rebuild = replace(rebuild, tables={**rebuild.tables, EXECUTION_ROWS: rebuild.kept})
    return made | {name: _build_mart(shop, rebuild, name) for name in kept if name not in made}


def reaches_back(shop: Workshop, rebuild: Rebuild, since: str) -> bool:
    """Return whether sums are to be made of executions before a day: of a task that goes on, or of all."""
    if any(_find_former(rebuild, name, read_columns(shop, name)) is None for name in BY_TASK):
        return True
    find_touched(shop, rebuild)
    return (_first_of_touched(shop, rebuild) or since) < since


def _find_former(rebuild: Rebuild, name: str, columns: Mapping[str, str]) -> LakeTable | None:
    """Return a mart as the former build has it; None where its rows cannot be kept, and all are to be made."""
    former = rebuild.former.marts.get(name) if rebuild.former else None
    is_other = former is None or former.columns != columns
    if is_other or (name in BY_TASK and rebuild.is_changed(read_sources(name) - set(_ROWS_OF_TASKS))):
        return None
    return former


def _build_mart(shop: Workshop, rebuild: Rebuild, name: str) -> LakeTable:
    columns = read_columns(shop, name)
    former = _find_former(rebuild, name, columns)
    if former is not None and not rebuild.is_changed(read_sources(name)):
        made = former
    elif name in BY_TASK:
        made = _build_by_task(shop, name, columns, former)
    elif name in BY_DAY:
        made = _build_by_day(shop, rebuild, name, columns, former)
    else:
        made = _build_whole(shop, name, columns)
    shop.show(name, made)
    return made


def read_columns(shop: Workshop, name: str) -> dict[str, str]:
    """Return the columns of a view of the workshop with DuckDB's types."""
    found = shop.run(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {name})")
    return {str(column): str(kind) for column, kind in found}


# --- by task ----------------------------------------------------------------------------------------------------------


def find_touched(shop: Workshop, rebuild: Rebuild) -> None:
    """Make `asp_touched`: the tasks of which any row is another one than in the former build."""
    queries = []
    for view in _ROWS_OF_TASKS:
        former = rebuild.former.tables.get(view) if rebuild.former else None
        plan, columns = rebuild.plans[view], shop.columns[view]
        if former is None or former.columns != columns:
            queries.append(f"SELECT task_id FROM {view}")
            continue
        periods = plan.changed | plan.gone
        before = [file.path for file in former.files if file.period in periods]
        now = [file.path for file in rebuild.tables[view].files if file.period in periods]
        row = f"task_id, hash({', '.join(columns)}) AS row"
        old, new = (f"SELECT {row} FROM ({shop.select_from(paths, columns)})" for paths in (before, now))
        queries += [f"SELECT task_id FROM ({old} EXCEPT {new})", f"SELECT task_id FROM ({new} EXCEPT {old})"]
    shop.run(
        f"CREATE OR REPLACE TEMP TABLE asp_touched AS SELECT DISTINCT task_id FROM ({' UNION ALL '.join(queries)})"
    )


def _show_part_of_touched(shop: Workshop, rebuild: Rebuild) -> None:
    """Make the marts once more in the schema `part`, over the rows of touched tasks alone."""
    shop.run("CREATE SCHEMA part")
    since = _first_of_touched(shop, rebuild)
    for view in shop.columns:
        if view not in _ROWS_OF_TASKS:
            shop.run(f"CREATE VIEW part.{view} AS SELECT * FROM main.{view}")
            continue
        time = f"WHERE executed_at >= TIMESTAMP '{since}'" if since and view == EXECUTION_ROWS else ""
        kind = "TABLE" if since else "VIEW"
        shop.run(f"CREATE {kind} part.{view} AS SELECT * FROM main.{view} SEMI JOIN asp_touched USING (task_id) {time}")
    shop.run("USE part")
    for name in ordered_marts():
        shop.run(f"CREATE VIEW part.{name} AS {sql.view_text('marts', name)}")
    shop.run("USE main")


def _first_of_touched(shop: Workshop, rebuild: Rebuild) -> str | None:
    """Return the first instant of an execution of a touched task; None where it is as well to read them all."""
    tasks = rebuild.former.marts.get("tasks") if rebuild.former else None
    if tasks is None:
        return None
    files = [file.path for file in tasks.files]
    known = shop.select_from(files, {"task_id": "VARCHAR", "first_at": "TIMESTAMP"})
    plan = rebuild.plans[EXECUTION_ROWS]
    now = [file.path for file in rebuild.tables[EXECUTION_ROWS].files if file.period in plan.changed]
    new = shop.select_from(now, {"task_id": "VARCHAR", "executed_at": "TIMESTAMP"})
    ((first,),) = shop.run(
        f"SELECT min(first_at) FROM (SELECT first_at FROM ({known}) SEMI JOIN asp_touched USING (task_id) "
        f"UNION ALL SELECT executed_at FROM ({new}) SEMI JOIN asp_touched USING (task_id))"
    )
    return None if first is None else str(first)


def _build_by_task(shop: Workshop, name: str, columns: dict[str, str], former: LakeTable | None) -> LakeTable:
    """Make the rows of touched tasks again, and with them the files of their months; all rows without a former mart."""
    schema = "main" if former is None else "part"
    month = f"COALESCE(strftime(owner.created_at, '%Y-%m'), '{UNDATED}')"
    shop.run(
        f"CREATE OR REPLACE TEMP TABLE asp_mart AS SELECT mart.*, {month} AS asp_period FROM {schema}.{name} AS mart "
        f"LEFT JOIN (SELECT task_id, created_at FROM main.stg_tasks) AS owner ON mart.task_id = owner.task_id"
    )
    periods = {str(period) for (period,) in shop.run("SELECT DISTINCT asp_period FROM asp_mart")}
    stay = []
    if former is not None:
        left = _periods_of_touched(shop, former, columns)
        stay = [file for file in former.files if file.period not in periods | left]
        periods |= left
    written = [_write_month(shop, name, columns, former, period) for period in sorted(periods)]
    shop.run("DROP TABLE asp_mart")
    return _ordered(columns, stay, written)


def _periods_of_touched(shop: Workshop, former: LakeTable, columns: dict[str, str]) -> set[str]:
    """Return the periods of the former mart that hold rows of touched tasks."""
    addresses = dict(shop.addresses(former.files))
    rows = shop.select_from([file.path for file in former.files], {"task_id": columns["task_id"]}, ", asp_file")
    found = shop.run(f"SELECT DISTINCT asp_file FROM ({rows}) SEMI JOIN asp_touched USING (task_id)")
    return {addresses[str(file)] for (file,) in found}


def _write_month(
    shop: Workshop, name: str, columns: dict[str, str], former: LakeTable | None, period: str
) -> LakeFile | None:
    listed = ", ".join(f'"{column}"' for column in columns)
    query = f"SELECT {listed} FROM asp_mart WHERE asp_period = '{period}'"
    before = [file.path for file in (former.files if former else ()) if file.period == period]
    if before:
        kept = f"({shop.select_from(before, columns)}) ANTI JOIN asp_touched USING (task_id)"
        query += f" UNION ALL SELECT {listed} FROM {kept}"
    order = f" ORDER BY {', '.join(MART_ORDER[name])}" if name in MART_ORDER else ""
    return shop.keep(f"SELECT * FROM ({query}){order}", _folder(shop, name), period)


# --- by day, and whole ------------------------------------------------------------------------------------------------


def _build_by_day(
    shop: Workshop, rebuild: Rebuild, name: str, columns: dict[str, str], former: LakeTable | None
) -> LakeTable:
    """Make the days again in which executions changed, and with them the files of their months."""
    plan, executions = rebuild.plans[EXECUTION_ROWS], rebuild.tables[EXECUTION_ROWS]
    periods = plan.changed | plan.gone if former else set(plan.digests)
    months = {month_of(period) for period in periods}
    before = former.files if former else ()
    stay_days = {day for day, period in plan.days.items() if period not in periods}
    written = []
    for month in sorted(months):
        files = [file for file in executions.files if file.period in periods and month_of(file.period) == month]
        shop.show(EXECUTION_ROWS, LakeTable(columns=executions.columns, files=tuple(files)))
        query = sql.view_text("marts", name)
        if old := [file.path for file in before if file.period == month]:
            days = ", ".join(f"DATE '{day}'" for day in sorted(stay_days) if month_of(day) == month)
            kept = f"{shop.select_from(old, columns)} WHERE day IN ({days})" if days else ""
            query = f"SELECT * FROM ({query}) UNION ALL {kept}" if kept else query
        written.append(shop.keep(query, _folder(shop, name), month))
    shop.show(EXECUTION_ROWS, executions)
    return _ordered(columns, [file for file in before if file.period not in months], written)


def _build_whole(shop: Workshop, name: str, columns: dict[str, str]) -> LakeTable:
    made = shop.keep(f"SELECT * FROM {name}", _folder(shop, name), UNDATED)
    return LakeTable(columns=columns, files=() if made is None else (made,))


def _ordered(columns: dict[str, str], stay: list[LakeFile], written: list[LakeFile | None]) -> LakeTable:
    files = [*stay, *(file for file in written if file is not None)]
    return LakeTable(columns=columns, files=tuple(sorted(files, key=lambda file: file.period)))


def _folder(shop: Workshop, name: str) -> str:
    return f"{MARTS}/{shop.number:08}/{name}"
