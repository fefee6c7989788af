"""Tasks that only executions, defects and changes have named so far: when they were created, and when they go."""

from collections.abc import Collection

from sqlalchemy import Connection

from asp_analysis.store.statements import execute

_AT_ONCE = 300  # each statement names them up to three times, SQLite allows 999 parameters in builds before 3.32
_ONLY_NAMED = """
SELECT task_id FROM task_metadata AS t
WHERE task_id IN ({places}) AND is_stub
    AND NOT EXISTS (SELECT 1 FROM load_version AS v WHERE v.table_name = 'task_metadata' AND v.row_key = t.task_id)
"""
_NAMED_AT = """
SELECT task_id, min(named_at) FROM (
    SELECT task_id, executed_at AS named_at FROM agent_cost_vector WHERE task_id IN ({places})
    UNION ALL
    SELECT task_id, found_at FROM defect_log WHERE task_id IN ({places})
    UNION ALL
    SELECT task_id, started_at FROM code_change WHERE task_id IN ({places})
) AS named GROUP BY task_id
"""


def date_stubs(connection: Connection, tasks: Collection[str], *, may_remove: bool = False) -> int:
    """Set the time of tasks that were only named to that of their earliest record; return how many are named no more.

    may_remove: these go. A load keeps them: whoever may write on a server may not remove.
    """
    ordered, gone = sorted(tasks), 0
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        places = ", ".join("?" * len(some))
        only_named = [row[0] for row in execute(connection, _ONLY_NAMED.format(places=places), tuple(some)).all()]
        named_at = dict(map(tuple, execute(connection, _NAMED_AT.format(places=places), (*some, *some, *some)).all()))
        dated = [(named_at[task], task) for task in only_named if task in named_at]
        if dated:
            execute(connection, "UPDATE task_metadata SET created_at = ? WHERE task_id = ?", dated)
        unnamed = [(task,) for task in only_named if task not in named_at]
        gone += len(unnamed)
        if unnamed and may_remove:
            execute(connection, "DELETE FROM task_metadata WHERE task_id = ?", unnamed)
    return gone
