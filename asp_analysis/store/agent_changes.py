"""Changes of the agents that people record, and tasks that are assigned to the old or the new state at random."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.records import read_instant
from asp_analysis.store.database import Store, now
from asp_analysis.store.statements import execute

CHANGE_KINDS = ("version", "model", "tool")


@dataclass(frozen=True, kw_only=True)
class NewChange:
    """A change to record. kind and value: what the new state is; None for both: all that came after `changed_at`.

    changed_at: an instant as text, None for now. old_share: of the tasks that are assigned, which share keeps the old
    state. seed: what they are assigned by.
    """

    name: str
    changed_at: str | None = None
    kind: str | None = None
    value: str | None = None
    project_id: str | None = None
    agent_role: str | None = None
    old_share: float = 0.5
    seed: int = 1


def add_change(store: Store, change: NewChange) -> None:
    """Record a change.

    Raises:
        InputError: the name is empty or there already, the instant cannot be read, or the share is not between 0 and 1.
        StoreError: the store cannot be written.
    """
    if not change.name.strip():
        raise InputError("A change needs a name. Write it as in: asp-analysis change add 'new prompt' --at 2026-03-01")
    if not 0 < change.old_share < 1:
        raise InputError(f"The share that keeps the old state is {change.old_share:g}. It is between 0 and 1, as 0.2.")
    values = (
        change.name, _read_changed_at(change.changed_at), change.kind, change.value, change.project_id,
        change.agent_role, change.old_share, change.seed, now(),
    )  # fmt: skip
    with store.transaction() as connection:
        if execute(connection, "SELECT 1 FROM agent_change WHERE change_id = ?", (change.name,)).first() is not None:
            raise InputError(
                f"There is a change {change.name!r} already. Choose another name, or take it out: "
                f"asp-analysis change remove {change.name!r}"
            )
        execute(
            connection,
            "INSERT INTO agent_change (change_id, changed_at, kind, value, project_id, agent_role, old_share, seed, "
            "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )


def remove_change(store: Store, name: str) -> int:
    """Take a change out, with what was assigned to it; return how many tasks were.

    Raises:
        InputError: there is no such change; the message lists those that are there.
        StoreError: the store cannot be written.
    """
    with store.transaction() as connection:
        _find(connection, name)
        gone = execute(connection, "DELETE FROM change_assignment WHERE change_id = ?", (name,)).rowcount
        execute(connection, "DELETE FROM agent_change WHERE change_id = ?", (name,))
    return int(gone)


def assign_tasks(store: Store, name: str, tasks: Sequence[str]) -> list[dict[str, Any]]:
    """Assign tasks to the old or the new state, and keep that: a task that was assigned stays as it is.

    The state is new where the hash of seed, change and task falls above the share of the old state, so that anybody can
    repeat it and nobody can choose. Returns change_id, task_id, state (old or new), is_first (assigned just now).

    Raises:
        InputError: there is no such change, or a task has no name.
        StoreError: the store cannot be written.
    """
    if not all(task.strip() for task in tasks):
        raise InputError("A task needs a name. Write it as in: asp-analysis change assign 'new prompt' ABC-7")
    found = []
    with store.transaction() as connection:
        old_share, seed = _find(connection, name)
        query = "SELECT is_new FROM change_assignment WHERE change_id = ? AND task_id = ?"
        for task in dict.fromkeys(tasks):
            known = execute(connection, query, (name, task)).first()
            is_new = draw(seed, name, task) >= old_share if known is None else bool(known[0])
            if known is None:
                execute(
                    connection,
                    "INSERT INTO change_assignment (change_id, task_id, is_new, assigned_at) VALUES (?, ?, ?, ?)",
                    (name, task, is_new, now()),
                )
            state = "new" if is_new else "old"
            found.append({"change_id": name, "task_id": task, "state": state, "is_first": known is None})
    return found


def draw(seed: int, change: str, task: str) -> float:
    """Return a number from 0 to 1 that only seed, change and task decide."""
    digest = hashlib.sha256(f"{seed}\x1f{change}\x1f{task}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _find(connection: Any, name: str) -> tuple[float, int]:
    rows = execute(connection, "SELECT change_id, old_share, seed FROM agent_change ORDER BY change_id").all()
    for change_id, old_share, seed in rows:
        if change_id == name:
            return float(old_share), int(seed)
    there = f"There are: {', '.join(row[0] for row in rows)}" if rows else "None is recorded"
    raise InputError(f"{name!r} is no recorded change. {there}. Record one with: asp-analysis change add NAME")


def _read_changed_at(text: str | None) -> str:
    if text is None:
        return now()
    try:
        return read_instant(text)
    except ValueError:
        raise InputError(f"--at {text!r} is not an instant. Write a day or an instant, as 2026-03-01T09:00.") from None
