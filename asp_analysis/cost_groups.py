"""What executions cost by person, team, machine and any other name that they have; every execution is in one group.

Executions are summed by what they say first, and only those few sums meet the people and the tasks. Money is summed in
decimal numbers of twelve places: the groups add up to the total exactly, in whatever order they are added.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from asp_analysis.errors import InputError
from asp_analysis.session import Session
from asp_analysis.session.scope import Scope

_DAY_KEY = "CAST(executed_at AS DATE) AS day"
_PROJECT = "COALESCE(of_project, project_id) AS project_id"


@dataclass(frozen=True)
class _Dimension:
    """A name to group by: the keys that executions are summed by, and what is made of them."""

    keys: tuple[str, ...]
    made: str


_DIMENSIONS = {
    "person": _Dimension(("user_id",), "user_id"),
    "team": _Dimension(
        ("user_id", _DAY_KEY, "labels"), "COALESCE(staffing.team, json_extract_string(labels, '$.team'))"
    ),
    "cost_center": _Dimension(
        ("user_id", _DAY_KEY, "labels"), "COALESCE(staffing.cost_center, json_extract_string(labels, '$.cost_center'))"
    ),
    "machine": _Dimension(("machine",), "machine"),
    "project": _Dimension((_PROJECT,), "project_id"),
    "repository": _Dimension(("repository",), "repository"),
    "branch": _Dimension(("branch",), "branch"),
    "model": _Dimension(("llm_model",), "llm_model"),
    "role": _Dimension(("agent_role",), "agent_role"),
    "task": _Dimension(("task_id",), "task_id"),
    "tool": _Dimension(("tool",), "tool"),
    "prompt": _Dimension(("agent_version",), "agent_version"),
    "day": _Dimension((_DAY_KEY,), "strftime(day, '%Y-%m-%d')"),
    "week": _Dimension((_DAY_KEY,), "strftime(day, '%G-W%V')"),
    "month": _Dimension((_DAY_KEY,), "strftime(day, '%Y-%m')"),
}
NAMES = (*_DIMENSIONS, "label NAME")
"""What costs can be grouped by."""

_STAFFING = """LEFT JOIN staffing
    ON user_id = person AND day >= from_day AND day <= COALESCE(until_day, DATE '9999-12-31')"""
_TASKS = "LEFT JOIN (SELECT task_id AS of_task, project_id AS of_project FROM stg_tasks) AS tasks ON task_id = of_task"


def read_names(text: str) -> tuple[str, ...]:
    """Read what to group by, as in `team,week` or `label env,month`.

    Raises:
        InputError: a name is none, or comes twice.
    """
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in _DIMENSIONS and not (name.startswith("label ") and name[6:].strip()):
            raise InputError(
                f"Costs cannot be grouped by {name!r}. They can by {', '.join(NAMES)}; several: team,week."
            )
    if len(set(names)) < len(names):
        raise InputError(f"{text!r} names one of them twice. Leave one out.")
    return names


def group_costs(session: Session, names: Iterable[str], scope: Scope | None = None) -> pd.DataFrame:
    """Return what executions cost by the names, one row a group; an unknown name is a group of its own.

    Columns: the names; executions, executions_without_cost [count]; people [count], different persons that are known;
    cost_usd [USD], the sum of what is known, empty where nothing is; tokens_in, tokens_out [tokens].

    Raises:
        InputError: a name is none.
        StoreError: the store cannot be read.
    """
    wanted = read_names(",".join(names))
    values = {"since": scope.since if scope else None, "before": scope.before if scope else None}
    return session.sql(_query(wanted), **values)


def _query(names: tuple[str, ...]) -> str:
    made = [_dimension(name) for name in names]
    keys = list(dict.fromkeys(key for one in made for key in (*one.keys, "user_id")))
    shown = ", ".join(f"{one.made} AS {_quoted(name)}" for name, one in zip(names, made, strict=True))
    staffing = _STAFFING if any("staffing." in one.made for one in made) else ""
    places = ", ".join(str(place) for place in range(1, len(names) + 1))
    order = ", ".join(f"{place} NULLS LAST" for place in range(1, len(names) + 1))
    return f"""
WITH grouped AS (
    SELECT
        {", ".join(keys)},
        count(*) AS executions,
        count(cost_usd) AS with_cost,
        sum(CAST(cost_usd AS DECIMAL(38, 12))) AS cost_usd,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out
    FROM stg_executions {_TASKS if _PROJECT in keys else ""}
    WHERE
        (CAST($since AS TIMESTAMP) IS NULL OR executed_at >= CAST($since AS TIMESTAMP))
        AND (CAST($before AS TIMESTAMP) IS NULL OR executed_at < CAST($before AS TIMESTAMP))
    GROUP BY {", ".join(key.rpartition(" AS ")[0] or key for key in keys)}
)

SELECT
    {shown},
    CAST(sum(executions) AS BIGINT) AS executions,
    CAST(sum(executions) - sum(with_cost) AS BIGINT) AS executions_without_cost,
    count(DISTINCT user_id) AS people,
    CAST(sum(cost_usd) AS DOUBLE) AS cost_usd,
    CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
    CAST(sum(tokens_out) AS BIGINT) AS tokens_out
FROM grouped
{staffing}
GROUP BY {places}
ORDER BY {order}"""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _dimension(name: str) -> _Dimension:
    if name in _DIMENSIONS:
        return _DIMENSIONS[name]
    key = name[6:].strip().replace("\\", "\\\\").replace('"', '\\"').replace("'", "''")
    return _Dimension(("labels",), f"json_extract_string(labels, '$.\"{key}\"')")


def hide_small_groups(frame: pd.DataFrame, names: tuple[str, ...], least: int) -> pd.DataFrame:
    """Return the groups of at least `least` people, and one row for all others together.

    The row of the others must itself have that many people, or what it hides would be the total less the rest: the
    smallest groups join it until it has. Executions of unknown persons count as nobody's.

    Raises:
        InputError: a name is that of single persons.
    """
    if "person" in names:
        raise InputError("A view of teams shows no single person. Leave person out of --by, or --team-view.")
    ordered = frame.sort_values("people", kind="stable").reset_index(drop=True)
    count = int((ordered["people"] < least).sum())
    while 0 < count < len(ordered) and int(ordered["people"][:count].max() or 0) < least:
        count += 1
    if count == 0:
        return frame
    hidden, shown = ordered[:count], ordered[count:]
    sums: dict[str, Any] = {name: hidden[name].sum() for name in ("executions", "executions_without_cost")}
    sums |= {name: hidden[name].sum(min_count=1) for name in ("tokens_in", "tokens_out")}
    known = hidden["cost_usd"].dropna()
    sums["cost_usd"] = math.fsum(known) if len(known) else None
    row = {**dict.fromkeys(names), names[0]: f"(groups below {least} people)", **sums}
    return pd.concat([shown.sort_values(list(names)), pd.DataFrame([row])], ignore_index=True)[list(frame.columns)]
