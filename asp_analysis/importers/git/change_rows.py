"""A history as rows for the store: tasks, changes, defects, and which session worked on which change."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asp_analysis.batch import Batch
from asp_analysis.importers.git.code_changes import Change
from asp_analysis.importers.git.links import AgentSession, Link
from asp_analysis.importers.git.replay import AGES, DAY_S
from asp_analysis.importers.git.repository_history import Fix, History
from asp_analysis.records import format_instant, json_text, storable_json

CHANGES, LINKS = "code_change", "change_session"

_TOLD_AT_ONCE = 2_000
_FILES_KEPT = 200
_NAMED_TASKS = ("session", "branch", "project")
_DEFAULT_TYPE = "6_Conventional_Code_Bug"
_EPOCH = datetime(1970, 1, 1)

Record = dict[str, Any]

PRODUCTION: Record = {"agent_role": "Production", "phase_order": 65, "kind": "failure"}
"""The phase after the tests: what was released already when its defect was corrected."""


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What rows are made of: a history, its links, the sessions by their ids, and what a task is (`--task-from`).

    has_production: whether the store knows the phase in which users find defects.
    """

    history: History
    links: list[Link]
    sessions: dict[str, AgentSession]
    task_from: str
    has_production: bool = True


def change_batches(telling: Telling) -> Iterator[Batch]:
    """Yield the batches of a history: tasks first, then what names them."""
    history = telling.history
    names = change_names(history)
    tasks = name_tasks(telling, names)
    by_task: dict[str, list[Change]] = defaultdict(list)
    for change in history.changes:
        by_task[tasks[change.number]].append(change)
    sessions_of = _sessions_by_change(telling)
    if not telling.has_production and any(fix.blamed for fix in history.fixes):
        yield from _batches("agent_roles", [PRODUCTION])
    yield from _batches(
        "task_metadata", (_task(task_id, changes, telling, sessions_of) for task_id, changes in by_task.items())
    )
    yield from _batches(CHANGES, (_change(change, history, names, tasks) for change in history.changes))
    yield from _batches("defect_log", (_defect(fix, telling, names, tasks) for fix in history.fixes if fix.blamed))
    yield from _batches(LINKS, (_link(link, names) for link in telling.links))


def change_names(history: History) -> list[str]:
    """Name the changes: `owner/name#12` by the pull request, `owner/name@hash` by the commit, `owner/name:branch`."""
    repository, names, taken = history.repository.name, [], set[str]()
    for change in history.changes:
        name = f"{repository}#{change.pull_request}"
        if change.flow == "branch":
            name = f"{repository}:{change.branch}"
        if (change.pull_request is None and change.flow != "branch") or name in taken:
            name = f"{repository}@{change.tip.hash[:12]}"
        taken.add(name)
        names.append(name)
    return names


def name_tasks(telling: Telling, names: list[str]) -> list[str]:
    """Name the task of each change: as `--task-from` names those of transcripts, else the one task of the sessions
    that worked on it, if no other worked on any change of this task; else the change itself."""
    only = _only_tasks(telling)
    return [
        _key(change, telling) or only.get(change.number) or names[change.number] for change in telling.history.changes
    ]


def _key(change: Change, telling: Telling) -> str | None:
    how = telling.task_from
    if how == "branch" and change.branch:
        return f"{telling.history.repository.project}:{change.branch}"
    if how in _NAMED_TASKS:
        return None
    for text in (change.branch or "", change.subject, *change.messages):
        if found := re.search(how, text):
            return next((group for group in found.groups() if group), found.group()) or None
    return None


def _only_tasks(telling: Telling) -> dict[int, str]:
    """Return the task of a change whose sessions belong to this task alone, as those of its other changes do."""
    tasks_of: dict[int, set[str]] = defaultdict(set)
    changes_of: dict[str, set[int]] = defaultdict(set)
    for link in telling.links:
        for task in telling.sessions[link.session_id].tasks:
            tasks_of[link.change].add(task)
            changes_of[task].add(link.change)
    return {
        change: next(iter(tasks))
        for change, tasks in tasks_of.items()
        if len(tasks) == 1 and all(tasks_of[other] == tasks for other in changes_of[next(iter(tasks))])
    }


def _sessions_by_change(telling: Telling) -> dict[int, list[AgentSession]]:
    found: dict[int, list[AgentSession]] = defaultdict(list)
    for link in telling.links:
        found[link.change].append(telling.sessions[link.session_id])
    return found


# --- rows -------------------------------------------------------------------------------------------------------------


def _task(task_id: str, changes: list[Change], telling: Telling, sessions_of: dict[int, list[AgentSession]]) -> Record:
    history = telling.history
    outcomes = {history.outcomes[change.number] for change in changes}
    status = "in_progress" if "open" in outcomes else "completed" if "merged" in outcomes else "failed"
    begun: list[float] = [change.started_at for change in changes]
    begun += [
        session.first_at for change in changes for session in sessions_of[change.number] if task_id in session.tasks
    ]
    completed = max(change.completed_at for change in changes)
    types = {change.task_type for change in changes} - {None}
    files = sorted({path for change in changes for path in change.files})
    return {
        "task_id": task_id,
        "created_at": _instant(min(begun)),
        "started_at": _instant(min(begun)),
        "completed_at": None if status == "in_progress" else _instant(max(completed, min(begun))),
        "project_id": history.repository.project,
        "task_type": types.pop() if len(types) == 1 else None,
        "task_description": changes[0].subject or None,
        "status": status,
        "actual_size": sum(change.size for change in changes),
        "is_human_reviewed": True if any(change.is_reviewed for change in changes) else None,
        "components_json": json_text(files[:_FILES_KEPT]) if files else None,
        "metadata_json": storable_json({"git": _facts(changes, len(files))}),
    }


def _facts(changes: list[Change], files: int) -> Record:
    languages: dict[str, int] = defaultdict(int)
    for change in changes:
        for name, lines in change.languages.items():
            languages[name] += lines
    return {
        "changes": len(changes),
        "commits": sum(len(change.commits) for change in changes),
        "files": files,
        "hunks": sum(change.hunks for change in changes),
        "lines_added": sum(change.added for change in changes),
        "lines_deleted": sum(change.deleted for change in changes),
        "foreign_lines": sum(change.foreign_lines for change in changes),
        "languages": languages,
        "agents": sorted({agent for change in changes for agent in change.agents}),
    }


def _change(change: Change, history: History, names: list[str], tasks: list[str]) -> Record:
    release, revert = history.releases.get(change.number), history.reverts.get(change.number)
    by = history.changes[revert.by] if revert else None
    metadata = {
        "languages": dict(change.languages),
        "issues": change.issues,
        "picked_to": history.picks.get(change.number, []),
        "commit_hashes": [commit.hash[:12] for commit in change.commits[:50]],
    }
    return {
        "change_id": names[change.number],
        "task_id": tasks[change.number],
        "project_id": history.repository.project,
        "repository": history.repository.name,
        "flow": change.flow,
        "outcome": history.outcomes[change.number],
        "branch": change.branch,
        "pull_request": change.pull_request,
        "commit_hash": change.tip.hash,
        "user_id": change.author,
        "agent": ", ".join(change.agents) or None,
        "title": change.subject or None,
        "started_at": _instant(change.started_at),
        "merged_at": _instant(change.completed_at) if change.flow != "branch" else None,
        "release_name": release.name if release else None,
        "released_at": _instant(release.at) if release else None,
        "commits": len(change.commits),
        "files": len(change.files),
        "hunks": change.hunks,
        "lines_added": change.added,
        "lines_deleted": change.deleted,
        "foreign_lines": change.foreign_lines,
        "is_fix": change.is_fix,
        **_lost(change, history),
        "reverted_at": _instant(by.completed_at) if by else None,
        "reverted_by": names[by.number] if by else None,
        "reverted_share": revert.share if revert else None,
        "revert_evidence": revert.evidence if revert else None,
        "metadata_json": storable_json({name: value for name, value in metadata.items() if value}),
    }


def _lost(change: Change, history: History) -> dict[str, int | None]:
    """Return how many lines were gone after so many days; None where the history is not that much older yet."""
    if change.number >= len(history.traces):
        return {f"lines_lost_{days}": None for days in AGES}
    age = (history.last_at - change.completed_at) / DAY_S
    lost = history.traces[change.number].lost
    return {f"lines_lost_{days}": min(lost[days], change.added) if age >= days else None for days in AGES}


def _defect(fix: Fix, telling: Telling, names: list[str], tasks: list[str]) -> Record:
    history = telling.history
    change = history.changes[fix.change]
    culprit = next(iter(fix.blamed))
    release = history.releases.get(culprit)
    is_released = release is not None and release.at <= change.completed_at
    found_at = change.started_at if fix.reported_at is None else min(fix.reported_at, change.completed_at)
    unsaid = ["found_at"] if fix.reported_at is None else []
    candidates = {names[number]: round(share, 6) for number, share in fix.blamed.items()}
    return {
        "defect_id": f"{'revert' if fix.is_revert else 'fix'}:{names[fix.change]}",
        "found_at": _instant(found_at),
        "fixed_at": _instant(change.completed_at),
        "task_id": tasks[culprit],
        "project_id": history.repository.project,
        "defect_type": _DEFAULT_TYPE,
        "phase_injected": "Code",
        "phase_removed": "Production" if is_released else "Test",
        "component_path": fix.place[0] if fix.place else None,
        "line_number": fix.place[1] if fix.place else None,
        "fix_cost_usd": None if fix.is_revert else _cost(fix.change, telling),
        "description": change.subject or names[fix.change],
        "metadata_json": storable_json(
            {
                "method": "revert" if fix.is_revert else "szz",
                "fix": names[fix.change],
                "candidates": candidates,
                "assumed": ["defect_type", *unsaid, "phase_injected", *([] if is_released else ["phase_removed"])],
            }
        ),
    }


def _cost(change: int, telling: Telling) -> float | None:
    """Return what the sessions of a change cost, each by its share; None where there is none or one is unknown."""
    known = [
        (link.share, telling.sessions[link.session_id].cost_usd) for link in telling.links if link.change == change
    ]
    costs = [share * cost for share, cost in known if cost is not None]
    return sum(costs) if known and len(costs) == len(known) else None


def _link(link: Link, names: list[str]) -> Record:
    return {
        "link_id": f"{names[link.change]} {link.session_id}",
        "change_id": names[link.change],
        "session_id": link.session_id,
        "evidence": link.evidence,
        "share": link.share,
    }


def _instant(seconds: float) -> str:
    return format_instant(_EPOCH + timedelta(seconds=seconds))


def _batches(table: str, records: Iterable[Record]) -> Iterator[Batch]:
    rows: list[Record] = []
    for record in records:
        rows.append(record)
        if len(rows) == _TOLD_AT_ONCE:
            yield _batch(table, rows)
            rows = []
    if rows:
        yield _batch(table, rows)


def _batch(table: str, records: list[Record]) -> Batch:
    columns = tuple(records[0])
    return Batch(
        table=table,
        columns=columns,
        rows=[tuple(record.values()) for record in records],
        record_of_row=range(len(records)),
        line_numbers=[0] * len(records),
        raw_text=lambda _: "",
        record_count=len(records),
    )
