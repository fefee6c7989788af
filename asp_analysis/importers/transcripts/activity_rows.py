"""Activities as rows of `task_metadata`: what transcripts saw is in the metadata, the columns follow from it.

A column that holds what the transcripts said before, or nothing, follows them; one that holds something else was set
by somebody who knows better (a table of tasks, for one) and stays.
"""

import json
from typing import Any

from asp_analysis.importers.transcripts.calls import EVENT_KINDS, Activity
from asp_analysis.records import json_text, read_instant, storable_json

Row = tuple[Any, ...]

TASK_COLUMNS = (
    "task_id",
    "created_at",
    "started_at",
    "completed_at",
    "project_id",
    "task_description",
    "components_json",
    "status",
    "is_stub",
    "metadata_json",
)
_STATUS_ORDER = ("completed", "failed")
_SETS = ("sources", "sessions", "projects", "branches", *EVENT_KINDS)


def activity_row(task_id: str, activity: Activity) -> Row:
    """Return the row of a task that only transcripts know."""
    seen = {
        "from": read_instant(activity.started_at),
        "to": read_instant(activity.ended_at),
        "sources": [activity.source],
        "sessions": sorted(activity.sessions),
        "projects": sorted(activity.projects),
        "branches": sorted(activity.branches),
        "files": sorted(activity.files),
        "status": activity.status,
        "texts": activity.texts,
        **{kind: sorted(names) for kind, names in activity.events.items()},
    }
    seen = {name: value for name, value in seen.items() if value}
    return (task_id, *_columns(seen), False, _metadata({}, seen))


def combine_activities(stored: Row, read: Row) -> Row:
    """Merge the stored row of a task with one just read; see `Batch.combine`."""
    task_id, *held_columns, was_stub, metadata = stored
    known = json.loads(metadata) if metadata else {}
    before = known.get("activity")
    seen = json.loads(read[-1])["activity"]
    if before is not None:
        seen = _merged(before, seen)
    former = _columns(before) if before is not None else (None,) * len(_columns(seen))
    columns = [
        derived if was_stub or value is None or value == held else value
        for value, held, derived in zip(held_columns, former, _columns(seen), strict=True)
    ]
    return (task_id, *_in_order(columns), False, _metadata(known, seen))


def _in_order(columns: list[Any]) -> list[Any]:
    """Keep completion after the start where one of the two is somebody else's."""
    started, completed = columns[1], columns[2]
    if started is not None and completed is not None and completed < started:
        columns[1] = completed
    return columns


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {
        "from": min(first["from"], second["from"]),
        "to": max(first["to"], second["to"]),
        "status": max(first["status"], second["status"], key=_STATUS_ORDER.index),
        "texts": {**first.get("texts", {}), **second.get("texts", {})},
    }
    for name in (*_SETS, "files"):
        merged[name] = sorted({*first.get(name, ()), *second.get(name, ())})
    return {name: value for name, value in merged.items() if value}


def _columns(seen: dict[str, Any]) -> Row:
    """Derive the columns between `task_id` and `is_stub`."""
    projects, texts, files = seen.get("projects"), seen.get("texts"), seen.get("files")
    return (
        seen["from"],
        seen["from"],
        seen["to"],
        projects[0] if projects else None,
        texts[min(texts)] if texts else None,
        json_text(files) if files else None,
        seen["status"],
    )


def _metadata(others: dict[str, Any], seen: dict[str, Any]) -> str:
    edits = [edit.split(":") for edit in seen.get("edits", ())]
    counts = {
        "sessions": len(seen["sessions"]),
        "errors": len(seen.get("tool_errors", ())) + len(seen.get("api_errors", ())),
        "interruptions": len(seen.get("interruptions", ())),
        "compactions": len(seen.get("compactions", ())),
        "lines_added": sum(int(added) for _, added, _ in edits),
        "lines_removed": sum(int(removed) for _, _, removed in edits),
        "files_changed": len(seen.get("files", ())),
        "active_ms": sum(int(turn.split(":")[1]) for turn in seen.get("turns", ())),
    }
    return storable_json({**others, **counts, "activity": seen})
