"""The sessions of agents that the store knows: histories of code are linked with them."""

from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping

from asp_analysis.records import read_instant
from asp_analysis.store.statements import execute


class StoredSession(NamedTuple):
    """Executions of one session on one task in one branch: how long (UTC text), where, what they cost (USD;
    None where one of them is unknown), and the files of the task."""

    session_id: str
    task_id: str
    branch: str | None
    repository: str | None
    project_id: str | None
    first_at: str
    last_at: str
    cost_usd: float | None
    components_json: str | None


def stored_sessions(connection: Connection) -> list[StoredSession]:
    """List the sessions of transcripts, once for each task and branch that they worked on."""
    is_server = connection.dialect.name == "postgresql"
    session = "e.metadata_json ->> 'session_id'" if is_server else "json_extract(e.metadata_json, '$.session_id')"
    query = (
        f"SELECT {session} AS session_id, e.task_id, e.branch, e.repository, e.project_id, "
        "min(e.executed_at) AS first_at, max(e.executed_at) AS last_at, "
        "CASE WHEN count(e.cost_usd) = count(*) THEN sum(e.cost_usd) END AS cost_usd "
        "FROM agent_cost_vector AS e WHERE e.metadata_json IS NOT NULL "
        f"AND {session} IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2"
    )
    files = _files(connection)
    return [
        StoredSession(**{**row, **_instants(row)}, components_json=files[row["task_id"]])
        for row in execute(connection, query).mappings()
    ]


def _instants(row: RowMapping) -> dict[str, Any]:
    return {name: read_instant(row[name]) for name in ("first_at", "last_at")}


def has_role(connection: Connection, role: str) -> bool:
    """Return whether a role is in the vocabulary."""
    return execute(connection, "SELECT 1 FROM agent_roles WHERE agent_role = ?", (role,)).first() is not None


def transcript_state(connection: Connection) -> int:
    """Return a number that grows whenever transcripts are loaded."""
    row = execute(connection, "SELECT max(load_id) FROM load_log WHERE loaded_as = 'transcript'").one()
    return int(row[0] or 0)


def _files(connection: Connection) -> "defaultdict[str, Any]":
    found: defaultdict[str, Any] = defaultdict(lambda: None)
    query = "SELECT task_id, components_json FROM task_metadata WHERE components_json IS NOT NULL"
    found.update((row[0], row[1]) for row in execute(connection, query).all())
    return found
