"""What a store knows of the commits and the defects that a series of reports names."""

import bisect
import json

from asp_analysis.sql import quoted
from asp_analysis.store.database import Store

_NAMES_AT_ONCE = 900
_SHORTEST_HASH = 7
_CHANGES = (
    "SELECT commit_hash, task_id, metadata_json FROM code_change WHERE commit_hash IS NOT NULL ORDER BY change_id"
)


def stored_defects(store: Store, names: list[str]) -> set[str]:
    """Return those of the identities of defects that the store has."""
    found: set[str] = set()
    for start in range(0, len(names), _NAMES_AT_ONCE):
        listed = ", ".join(map(quoted, names[start : start + _NAMES_AT_ONCE]))
        rows = store.read(f"SELECT defect_id FROM defect_log WHERE defect_id IN ({listed})")
        found |= {row["defect_id"] for row in rows}
    return found


def commit_tasks(store: Store, commits: set[str]) -> dict[str, str]:
    """Return the tasks of those commits that belong to a change of a repository that was loaded.

    A commit may be shortened, to at least seven digits; one that is the change goes before one that is within it.
    """
    rows = store.read(_CHANGES)
    tips = {row["commit_hash"]: row["task_id"] for row in rows}
    inner = {name: row["task_id"] for row in rows for name in _within(row["metadata_json"])}
    found = {}
    for hashes in (inner, tips):
        ordered = sorted(hashes)
        for commit in commits:
            if len(commit) >= _SHORTEST_HASH and (full := _match(ordered, commit.lower())) is not None:
                found[commit] = hashes[full]
    return found


def _within(metadata: str | dict[str, object] | None) -> list[str]:
    known = json.loads(metadata) if isinstance(metadata, str) else metadata or {}
    names = known.get("commit_hashes", [])
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _match(ordered: list[str], commit: str) -> str | None:
    """Return the hash that is the beginning of a commit, or that begins with it."""
    place = bisect.bisect_left(ordered, commit)
    if place < len(ordered) and ordered[place].startswith(commit):
        return ordered[place]
    return ordered[place - 1] if place and commit.startswith(ordered[place - 1]) else None
