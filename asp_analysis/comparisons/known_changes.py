"""The changes of the agents that a store knows: those that people recorded, and those that executions show."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from asp_analysis.errors import InputError
from asp_analysis.session import Session

_HERE = Path(__file__).resolve().parent
_COLUMN_OF_STATE = {"version": "agent_version", "model": "llm_model", "tool": "tool_version"}
_HASH = (
    "COALESCE(TRY_CAST(metadata_json AS JSON) ->> 'prompt_hash', TRY_CAST(metadata_json AS JSON) ->> "
    "'instructions_hash', TRY_CAST(labels AS JSON) ->> 'prompt_hash', TRY_CAST(labels AS JSON) ->> "
    "'instructions_hash')"
)
_CHANGE_COLUMNS = ["change_id", "changed_at", "source", "kind", "part", "value", "tasks"]


@dataclass(frozen=True, kw_only=True)
class AgentChange:
    """One change. kind: version, model, tool, prompt or None (all that came later); value: the new state.

    part: the role, of a tool the tool; None for all. source: recorded or found.
    """

    name: str
    changed_at: pd.Timestamp
    source: str
    kind: str | None
    part: str | None
    value: str | None
    project: str | None = None

    def write_conditions(self) -> dict[str, str]:
        """Return the SQL that says whether an execution is of the part, and whether it has the new state.

        The values $part and $value are bound where the text names them.
        """
        column = _HASH if self.kind == "prompt" else _COLUMN_OF_STATE.get(self.kind or "")
        part = "tool" if self.kind == "tool" and self.source == "found" else "agent_role"
        return {
            "of_part": "TRUE" if self.part is None else f"{part} = $part",
            "is_new": "FALSE" if column is None else f"COALESCE({column} = $value, FALSE)",
        }


def list_changes(session: Session) -> pd.DataFrame:
    """Return the changes in time order: change_id, changed_at, source, kind, part, value, tasks.

    source: recorded or found. tasks [count]: that have the new state; empty for what only an instant says.
    """
    found = session.sql((_HERE / "found_changes.sql").read_text(encoding="utf-8")).assign(source="found")
    recorded = session.sql(
        "SELECT change_id, changed_at, 'recorded' AS source, kind, agent_role AS part, value, "
        "CAST(NULL AS BIGINT) AS tasks FROM stg_agent_changes"
    )
    frames = [frame[_CHANGE_COLUMNS].astype(object) for frame in (recorded, found) if len(frame)]
    if not frames:
        return recorded[_CHANGE_COLUMNS]
    listed = pd.concat(frames, ignore_index=True)
    listed["changed_at"] = pd.to_datetime(listed["changed_at"])
    listed["tasks"] = listed["tasks"].astype("Int64")
    return listed.sort_values(["changed_at", "change_id"], ignore_index=True)


def find_change(session: Session, name: str) -> AgentChange:
    """Return a change by its name, or by the last part of a found one's name where that is clear.

    Raises:
        InputError: there is no such change, or several are meant.
    """
    listed = list_changes(session)
    rows = listed[listed["change_id"] == name]
    if rows.empty:
        rows = listed[listed["value"].eq(name)]
    if len(rows) != 1:
        names = rows["change_id"] if len(rows) else listed["change_id"].iloc[::-1]
        what = f"{name!r} means several changes" if len(rows) else f"There is no change {name!r}"
        there = f"Choose one: {', '.join(names[:8])}" if len(names) else "Record one: asp-analysis change add NAME"
        raise InputError(f"{what}. {there}")
    changed_at = pd.Timestamp(rows["changed_at"].iloc[0])
    row = {key: None if pd.isna(value) else str(value) for key, value in rows.iloc[0].items()}
    project = None
    if row["source"] == "recorded":
        query = "SELECT project_id FROM stg_agent_changes WHERE change_id = $name"
        project = session.sql(query, name=row["change_id"])["project_id"].astype(object)[0]
    return AgentChange(
        name=str(row["change_id"]),
        changed_at=changed_at,
        source=str(row["source"]),
        kind=row["kind"],
        part=row["part"],
        value=row["value"],
        project=None if pd.isna(project) else str(project),
    )
