"""Views of costs by any names: what each of them says of one group, as if the store had the executions of no other.

The view is asked once for every group, in one query: its staging views are those of the group. A task or a change is in
each group whose executions worked on it, with what they cost; one that no execution is known of is in the group of its
own project and repository, else in the one of what is not assigned. So costs add up to those of the view alone.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from asp_analysis import sql
from asp_analysis.cost_groups import label_executions, read_names
from asp_analysis.errors import InputError
from asp_analysis.session import Session, describe_view, view_key
from asp_analysis.session.catalog import marts

if TYPE_CHECKING:
    import pandas as pd

GROUPED_VIEWS = (
    *("changes", "cost_per_outcome", "daily_costs", "models", "rework", "role_costs", "task_activity", "task_costs"),
    *("tasks", "work"),
)
"""The views of costs that can be grouped."""

_OWN_NAMES = {
    "stg_tasks": {"project": "project_id", "task": "task_id"},
    "stg_changes": {"project": "project_id", "task": "task_id", "repository": "repository"},
}
"""Staging view -> names that its rows have by themselves, and their columns."""


def group_view(session: Session, view: str, names: Iterable[str]) -> "pd.DataFrame":
    """Return a view of costs with a row for each of its rows and each group; an unknown name is a group of its own.

    Columns: the names, then those of the view. It is of what the session is narrowed to, with its clock.

    Raises:
        InputError: the view is none of `GROUPED_VIEWS`, a name is none, or the view has a column of its name.
        StoreError: the store cannot be read.
    """
    if view not in GROUPED_VIEWS:
        raise InputError(f"The view {view!r} cannot be grouped. These can: {', '.join(GROUPED_VIEWS)}.")
    wanted = read_names(",".join(names))
    own = {column.name for column in describe_view(view)[1]}
    for name in wanted:
        if name in own:
            raise InputError(f"The view {view} has a column {name} already. Leave {name} out of --by.")
    return session.sql(_Query(view, wanted).write())


@dataclass(frozen=True)
class _Parts:
    """What a view is made from: staging views, and marts, those that others read first and itself last."""

    staging: frozenset[str]
    marts: tuple[str, ...]


class _Query:
    """The one query that asks a view of every group."""

    def __init__(self, view: str, names: tuple[str, ...]) -> None:
        self._view, self._names, self._parts = view, names, _find_parts(view)
        self._columns = ", ".join(f"named_{place}" for place in range(len(names)))

    def write(self) -> str:
        """Return it as SQL."""
        shown = ", ".join(f"keys.named_{place} AS {_quote(name)}" for place, name in enumerate(self._names))
        order = [_quote(name) for name in self._names] + [f"answer.{name}" for name in view_key(self._view)]
        outside = [f"named AS ({label_executions(self._names)})", *self._list_tasks(), *self._list_changes()]
        within = [*self._narrow_staging(), *(f"{one} AS ({_text(one)})" for one in self._parts.marts)]
        return f"""
WITH {", ".join(outside)},
keys AS ({self._list_keys()})

SELECT {shown}, answer.*
FROM keys, LATERAL (
    WITH {", ".join(within)}

    SELECT * FROM {self._view}
) AS answer
ORDER BY {", ".join(f"{one} NULLS LAST" for one in order)}"""

    def _list_keys(self) -> str:
        idle = {"stg_tasks": "idle_tasks", "stg_changes": "idle_changes"}
        more = [f"UNION SELECT {self._columns} FROM {name}" for table, name in idle.items() if self._has(table)]
        return f"SELECT DISTINCT {self._columns} FROM named {' '.join(more)}"

    def _has(self, table: str) -> bool:
        return table in self._parts.staging

    def _own(self, table: str) -> str:
        found = _OWN_NAMES[table]
        return ", ".join(f"{found.get(name, 'NULL')} AS named_{place}" for place, name in enumerate(self._names))

    def _list_tasks(self) -> Iterator[str]:
        """Yield the tables that say in which groups each task is."""
        if self._has("stg_tasks"):
            yield (
                f"idle_tasks AS (SELECT task_id, {self._own('stg_tasks')} FROM stg_tasks "
                "WHERE task_id NOT IN (SELECT task_id FROM named))"
            )
            yield f"task_groups AS (SELECT DISTINCT task_id, {self._columns} FROM named UNION ALL FROM idle_tasks)"
            yield "all_tasks AS (FROM stg_tasks)"

    def _list_changes(self) -> Iterator[str]:
        """Yield the tables that say in which groups each change is, and each link of a session with a change."""
        if not self._has("stg_changes"):
            return
        columns, links = self._columns, "stg_change_sessions AS links"
        yield (
            "session_groups AS (SELECT DISTINCT json_extract_string(metadata_json, '$.session_id') AS session_id, "
            f"{columns} FROM named WHERE json_extract_string(metadata_json, '$.session_id') IS NOT NULL)"
        )
        worked = f"SELECT DISTINCT change_id, {columns} FROM {links} INNER JOIN session_groups USING (session_id)"
        yield f"worked_changes AS ({worked})"
        yield (
            f"idle_changes AS (SELECT change_id, {self._own('stg_changes')} FROM stg_changes "
            "WHERE change_id NOT IN (SELECT change_id FROM worked_changes))"
        )
        yield "change_groups AS (FROM worked_changes UNION ALL FROM idle_changes)"
        yield (
            f"link_groups AS (SELECT links.*, {columns} FROM {links} INNER JOIN session_groups USING (session_id) "
            f"UNION ALL SELECT links.*, {columns} FROM {links} INNER JOIN change_groups USING (change_id) "
            "WHERE session_id NOT IN (SELECT session_id FROM session_groups))"
        )
        yield "all_changes AS (FROM stg_changes)"

    def _narrow_staging(self) -> Iterator[str]:
        """Yield the staging views of one group."""
        yield f"stg_executions AS (SELECT * EXCLUDE ({self._columns}) FROM named WHERE {self._is_of('named')})"
        if self._has("stg_tasks"):
            yield (
                "stg_tasks AS (SELECT all_tasks.* FROM all_tasks INNER JOIN task_groups USING (task_id) "
                f"WHERE {self._is_of('task_groups')})"
            )
        if self._has("stg_changes"):
            links = f"SELECT * EXCLUDE ({self._columns}) FROM link_groups WHERE {self._is_of('link_groups')}"
            yield (
                "stg_changes AS (SELECT all_changes.* FROM all_changes INNER JOIN change_groups USING (change_id) "
                f"WHERE {self._is_of('change_groups')})"
            )
            yield f"stg_change_sessions AS ({links})"

    def _is_of(self, table: str) -> str:
        columns = self._columns.split(", ")
        return " AND ".join(f"{table}.{column} IS NOT DISTINCT FROM keys.{column}" for column in columns)


@cache
def _find_parts(view: str) -> _Parts:
    order = marts()
    staging, found, waiting = set[str](), {view}, [view]
    while waiting:
        for name in re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", _text(waiting.pop())):
            if name.startswith("stg_"):
                staging.add(name)
            elif name in order and name not in found:
                found.add(name)
                waiting.append(name)
    return _Parts(frozenset(staging), tuple(name for name in order if name in found))


def _text(view: str) -> str:
    return re.sub(r"^--.*\n", "", sql.view_text("marts", view), flags=re.MULTILINE)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
