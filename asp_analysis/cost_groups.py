"""What executions cost by person, team, machine and any other name that they have; every execution is in one group.

Executions are summed by what they say first, and only those few sums meet the people and the tasks. Money is summed in
decimal numbers of twelve places: the groups add up to the total exactly, in whatever order they are added.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from asp_analysis.errors import InputError
from asp_analysis.session import Session
from asp_analysis.session.scope import Scope
from asp_analysis.small_groups import TeamView, hide_small_groups
from asp_analysis.time_zones import from_utc, to_utc

_DAY_KEY = "CAST(executed_at AS DATE) AS day"
_LOCAL_DAY_KEY = "CAST(timezone($zone, timezone('UTC', executed_at)) AS DATE) AS day"
"""The day that a clock in a time zone showed; teams follow these days, too."""

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


def group_costs(
    session: Session, names: Iterable[str], scope: Scope | None = None, zone: str | None = None
) -> pd.DataFrame:
    """Return what executions cost by the names, one row a group; an unknown name is a group of its own.

    zone: whose days, weeks and months are meant, as the IANA names it; UTC where None.

    Columns: the names; executions, executions_without_cost [count]; people [count], different persons that are known,
    empty where nobody is; cost_usd [USD], the sum of what is known, empty where nothing is; tokens_in, tokens_out
    [tokens].

    Raises:
        InputError: a name is none.
        StoreError: the store cannot be read.
    """
    wanted = read_names(",".join(names))
    values: dict[str, object] = {"since": scope.since if scope else None, "before": scope.before if scope else None}
    made = [_dimension(name, zone) for name in wanted]
    if any("$zone" in key for one in made for key in one.keys):
        values["zone"] = zone
    return session.sql(_query(wanted, made), **values)


_ALSO_ASKED = ("team", "cost_center", "machine", "project", "repository", "model", "role", "tool", "prompt")
"""What the groups of a view of teams are compared with."""

OF_ONE_PERSON = ("person", "label account")
"""Names whose groups are single persons: they are listed by name and never by what they cost."""

_SHORT = ("day", "week")


def group_team_costs(
    session: Session, names: Iterable[str], least: int, scope: Scope, zone: str | None = None
) -> pd.DataFrame:
    """Return what groups of at least `least` people cost, as `group_costs`, and all others in one row.

    Raises:
        InputError: a name is none, that of single persons or of times shorter than a month; or the period has no whole
            months.
        StoreError: the store cannot be read.
    """
    wanted = read_names(",".join(names))
    for name in wanted:
        if name in OF_ONE_PERSON:
            raise InputError(f"A view of teams shows no single person. Leave {name} out of --by, or --team-view.")
        if name in _SHORT:
            raise InputError(f"A view of teams shows whole months. Write month for {name} in --by.")
    for instant in (scope.since, scope.before):
        if instant is not None and not _begins_month(instant, zone):
            raise InputError(
                "A view of teams takes whole months: two periods that differ by days would show what these days cost. "
                "Begin --since with the first day of a month, and end --until with the last one."
            )
    view = TeamView(names=wanted, others=_ALSO_ASKED, least=least)
    cells = group_costs(session, dict.fromkeys((*wanted, *_ALSO_ASKED, "month", "person")), scope, zone)
    return hide_small_groups(cells, view)


def _begins_month(instant: datetime, zone: str | None) -> bool:
    local = instant if zone is None else from_utc(instant, zone)
    return (local.day, local.hour, local.minute, local.second, local.microsecond) == (1, 0, 0, 0, 0)


def move_to_zone(scope: Scope, zone: str) -> Scope:
    """Return a period whose days, as they were read, are those of a time zone."""
    return replace(
        scope,
        since=None if scope.since is None else to_utc(scope.since, zone),
        until=None if scope.until is None else to_utc(scope.until, zone),
    )


def _query(names: tuple[str, ...], made: list[_Dimension]) -> str:
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
    NULLIF(count(DISTINCT user_id), 0) AS people,
    CAST(sum(cost_usd) AS DOUBLE) AS cost_usd,
    CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
    CAST(sum(tokens_out) AS BIGINT) AS tokens_out
FROM grouped
{staffing}
GROUP BY {places}
ORDER BY {order}"""


def label_executions(names: Iterable[str], zone: str | None = None) -> str:
    """Return a SELECT of all executions with a column per name, `named_0`, `named_1`, ...; what is unknown is NULL.

    Where the zone is not None and days, weeks or months are named, `$zone` is to be bound to it.

    Raises:
        InputError: a name is none.
    """
    made = [_dimension(name, zone) for name in read_names(",".join(names))]
    keys = dict.fromkeys(key for one in made for key in one.keys if " AS " in key)
    is_of_task = keys.pop(_PROJECT, ...) is None
    added = "".join(f", {key}" for key in keys)
    project = f" REPLACE ({_PROJECT})" if is_of_task else ""
    inner = f"SELECT stg_executions.*{project}{added} FROM stg_executions {_TASKS if is_of_task else ''}"
    staffing = _STAFFING if any("staffing." in one.made for one in made) else ""
    shown = "".join(f", {one.made} AS named_{place}" for place, one in enumerate(made))
    return f"SELECT executions.*{shown} FROM ({inner}) AS executions {staffing}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _dimension(name: str, zone: str | None) -> _Dimension:
    """Return how to group by a name; days are those of the time zone, of UTC for None."""
    if name in _DIMENSIONS:
        known = _DIMENSIONS[name]
        if zone is None:
            return known
        return replace(known, keys=tuple(_LOCAL_DAY_KEY if key == _DAY_KEY else key for key in known.keys))
    key = name[6:].strip().replace("\\", "\\\\").replace('"', '\\"').replace("'", "''")
    return _Dimension(("labels",), f"json_extract_string(labels, '$.\"{key}\"')")
