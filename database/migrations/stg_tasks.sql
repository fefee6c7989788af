-- The tasks with what the views read of their plans: in the views of the store itself this replaces stg_tasks.
SELECT
    *,
    CASE jsonb_typeof(semantic_units_json)
        WHEN 'array' THEN CAST(jsonb_array_length(semantic_units_json) AS BIGINT)
        WHEN 'object' THEN 0
    END AS planned_units,
    CASE jsonb_typeof(human_corrections_json -> 'missing_tasks')
        WHEN 'array' THEN CAST(jsonb_array_length(human_corrections_json -> 'missing_tasks') AS BIGINT)
        WHEN 'null' THEN 0
        WHEN 'object' THEN 0
    END AS missing_units,
    COALESCE(
        jsonb_array_length(NULLIF(human_corrections_json -> 'missing_tasks', 'null')) > 0
        OR COALESCE(human_corrections_json -> 'incorrect_complexity', '{}') NOT IN ('{}', '[]', 'null')
        OR NULLIF(human_corrections_json ->> 'sequencing_issues', '[]') IS NOT NULL,
        FALSE
    ) AS is_human_corrected
FROM task_metadata
