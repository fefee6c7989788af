-- One row per table of records and week before $as_of in which it has any: how many weeks ago that was (0 is the last
-- one, below 0 is later than $as_of, empty without an instant), how many records, the first and the last instant.
WITH records AS (
    SELECT 'agent_cost_vector' AS "table", executed_at AS happened_at
    FROM stg_executions
    UNION ALL
    SELECT 'task_metadata', created_at
    FROM stg_tasks
    UNION ALL
    SELECT 'defect_log', found_at
    FROM stg_defects
    UNION ALL
    SELECT 'bootstrap_metrics', measured_at
    FROM stg_learning
)

SELECT
    "table",
    CAST(floor(epoch($as_of - happened_at) / 604800) AS BIGINT) AS weeks_ago,
    count(*) AS rows,
    min(happened_at) AS first_at,
    max(happened_at) AS last_at
FROM records
GROUP BY ALL
