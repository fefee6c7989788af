"""Changes of code put into a store without a repository, with the sessions that worked on them."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass

START = "2026-01-01T00:00:00.000000Z"


@dataclass
class Made:
    """One change: what became of it, which share of its 100 lines was gone after 30 days (None: too young), and the
    sessions that worked on it, each with its cost (None: unknown)."""

    name: str
    outcome: str = "merged"
    lost_30: int | None = 0
    sessions: tuple = ()
    reverted_share: float | None = None
    merged_at: str = "2026-01-05T00:00:00.000000Z"
    lines: int = 100
    status: str | None = None


def put(url, changes, unlinked=()):
    """Write changes and their sessions into a SQLite store; unlinked: (session, cost) that worked on none."""
    with closing(sqlite3.connect(url.path)) as file:
        for change in changes:
            _put_change(file, change)
            for session, cost, share in change.sessions:
                _put_session(file, session, cost)
                file.execute(
                    "INSERT INTO change_session (link_id, change_id, session_id, evidence, share) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (f"{change.name} {session}", change.name, session, "trailer", share),
                )
        for session, cost in unlinked:
            _put_session(file, session, cost)
        file.commit()


def _put_change(file, change):
    is_merged = change.outcome == "merged"
    status = change.status or {"merged": "completed", "open": "in_progress", "abandoned": "failed"}[change.outcome]
    file.execute(
        "INSERT INTO task_metadata (task_id, created_at, started_at, completed_at, status, actual_size) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (change.name, START, START, None if status == "in_progress" else change.merged_at, status, change.lines),
    )
    file.execute(
        "INSERT INTO code_change (change_id, task_id, project_id, repository, flow, outcome, title, started_at, "
        "merged_at, lines_added, lines_deleted, lines_lost_14, lines_lost_30, reverted_at, reverted_share) "
        "VALUES (?, ?, 'shop', 'ada/shop', ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
        (
            change.name, change.name, "merge" if is_merged else "branch", change.outcome, change.name, START,
            change.merged_at if is_merged else None, change.lines, change.lost_30, change.lost_30,
            "2026-02-01T00:00:00.000000Z" if change.reverted_share is not None else None, change.reverted_share,
        ),
    )  # fmt: skip


def _put_session(file, session, cost):
    key = f"call-{session}"
    if file.execute("SELECT 1 FROM agent_cost_vector WHERE execution_id = ?", (key,)).fetchone():
        return
    file.execute(
        "INSERT OR IGNORE INTO task_metadata (task_id, created_at, status) VALUES (?, ?, 'in_progress')",
        (f"task of {session}", START),
    )
    file.execute(
        "INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, cost_usd, repository, "
        "metadata_json) VALUES (?, ?, ?, 'Code', ?, 'ada/shop', ?)",
        (key, "2026-01-02T00:00:00.000000Z", f"task of {session}", cost, json.dumps({"session_id": session})),
    )
