-- The tasks of which an execution is left, and those without any execution that were created in the period.
-- A task that reaches beyond the period counts as open: what is left of it is not its whole cost. What became known
-- of a task at its end or later is unknown before.
WITH spans AS (
    SELECT
        task_id,
        min(executed_at) AS first_at,
        max(executed_at) AS last_at
    FROM {whole}.stg_executions
    GROUP BY task_id
),

worked AS (
    SELECT DISTINCT task_id
    FROM stg_executions
),

seen AS (
    SELECT
        tasks.*,
        COALESCE(GREATEST(tasks.completed_at, spans.last_at) >= CAST(getvariable('asp_before') AS TIMESTAMP), FALSE) AS ends_later,
        COALESCE(spans.first_at < CAST(getvariable('asp_since') AS TIMESTAMP), FALSE) AS begins_earlier
    FROM {whole}.stg_tasks AS tasks
    LEFT JOIN spans ON tasks.task_id = spans.task_id
    LEFT JOIN worked ON tasks.task_id = worked.task_id
    WHERE
        worked.task_id IS NOT NULL
        OR (
            spans.task_id IS NULL
            AND CAST(getvariable('asp_model') AS VARCHAR) IS NULL
            AND CAST(getvariable('asp_role') AS VARCHAR) IS NULL
            AND (CAST(getvariable('asp_project') AS VARCHAR) IS NULL OR tasks.project_id = CAST(getvariable('asp_project') AS VARCHAR))
            AND (CAST(getvariable('asp_since') AS TIMESTAMP) IS NULL OR COALESCE(tasks.completed_at, tasks.created_at) >= CAST(getvariable('asp_since') AS TIMESTAMP))
            AND (CAST(getvariable('asp_before') AS TIMESTAMP) IS NULL OR tasks.created_at < CAST(getvariable('asp_before') AS TIMESTAMP))
        )
)

SELECT
    seen.* EXCLUDE (ends_later, begins_earlier) REPLACE (
        CASE
            WHEN seen.status IN ('completed', 'failed') AND (seen.ends_later OR seen.begins_earlier) THEN 'in_progress'
            ELSE seen.status
        END AS status,
        CASE WHEN NOT (seen.ends_later OR seen.begins_earlier) THEN seen.completed_at END AS completed_at,
        CASE WHEN NOT seen.ends_later THEN seen.actual_size END AS actual_size,
        CASE WHEN NOT seen.ends_later THEN seen.reported_latency_ms END AS reported_latency_ms,
        CASE WHEN NOT seen.ends_later THEN seen.reported_tokens END AS reported_tokens,
        CASE WHEN NOT seen.ends_later THEN seen.reported_cost_usd END AS reported_cost_usd,
        CASE WHEN NOT seen.ends_later THEN seen.reported_defects END AS reported_defects
    )
FROM seen
