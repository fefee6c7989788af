-- One row is one ended task: when it began, what it is matched by, what it took, and what of the change it saw.
WITH parts AS (
    SELECT
        task_id,
        max(repository) AS repository,
        bool_or({is_new}) AS has_new,
        bool_or(NOT {is_new}) AS has_old,
        count(*) AS part_executions
    FROM executions
    WHERE {of_part}
    GROUP BY task_id
)

SELECT
    tasks.task_id,
    tasks.task_type,
    COALESCE(parts.repository, tasks.project_id) AS place,
    tasks.size,
    tasks.status,
    tasks.first_at,
    tasks.last_at,
    COALESCE(parts.has_new, FALSE) AS has_new,
    COALESCE(parts.has_old, FALSE) AS has_old,
    assigned.is_new AS is_assigned_new,
    tasks.whole_cost_usd,
    tasks.whole_latency_ms,
    tasks.whole_tokens,
    tasks.defects,
    tasks.reworked_executions
FROM tasks
INNER JOIN parts ON tasks.task_id = parts.task_id
LEFT JOIN
    (SELECT task_id, is_new FROM stg_change_assignments WHERE change_id = $change) AS assigned
    ON tasks.task_id = assigned.task_id
WHERE
    tasks.first_at IS NOT NULL
    AND (tasks.is_stub OR COALESCE(tasks.status, 'completed') IN ('completed', 'failed'))
    AND ($project IS NULL OR tasks.project_id = $project)
ORDER BY tasks.first_at, tasks.task_id
