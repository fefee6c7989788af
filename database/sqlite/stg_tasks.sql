-- The tasks with what the views read of their plans: in the views of the store itself this replaces stg_tasks.
SELECT
    *,
    CASE WHEN semantic_units_json IS NOT NULL THEN json_array_length(semantic_units_json) END AS planned_units,
    json_array_length(human_corrections_json, '$.missing_tasks') AS missing_units,
    COALESCE(
        json_array_length(human_corrections_json, '$.missing_tasks') > 0
        OR (SELECT count(*) FROM json_each(human_corrections_json, '$.incorrect_complexity')) > 0
        OR COALESCE(json_extract(human_corrections_json, '$.sequencing_issues'), '[]') <> '[]',
        FALSE
    ) AS is_human_corrected
FROM task_metadata
