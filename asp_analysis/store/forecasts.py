"""Forecasts kept with their task: made before the outcome, they are the evidence that counts when it is known."""

import json
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.records import json_text
from asp_analysis.store.database import Store, now
from asp_analysis.store.statements import execute

FORECASTS = "forecasts"
"""The key in a task's `metadata`: a list of estimates, each with `made_at`."""


def keep_forecasts(store: Store, task_id: str, estimates: list[dict[str, Any]]) -> int:
    """Append estimates to a task that is not finished yet; return how many it has then.

    Raises:
        InputError: there is no such task, or it is finished: a forecast after the fact proves nothing.
        StoreError: the store cannot be written.
    """
    with store.transaction() as connection:
        query = "SELECT status, metadata_json FROM task_metadata WHERE task_id = ?"
        row = execute(connection, query, (task_id,)).first()
        if row is None:
            raise InputError(f"There is no task {task_id!r} in the store. Load it first.")
        status, known = row
        if status in {"completed", "failed"}:
            raise InputError(f"The task {task_id!r} is {status} already. Keep forecasts before a task ends.")
        metadata = json.loads(known or "{}")
        made_at = now()
        metadata[FORECASTS] = [*metadata.get(FORECASTS, []), *({**one, "made_at": made_at} for one in estimates)]
        change = "UPDATE task_metadata SET metadata_json = ? WHERE task_id = ?"
        execute(connection, change, (json_text(metadata), task_id))
    return len(metadata[FORECASTS])
