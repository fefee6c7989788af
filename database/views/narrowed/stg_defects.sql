-- The defects of the tasks that are left, found in the period, made or found by the role.
SELECT defects.* REPLACE (
    CASE WHEN CAST(getvariable('asp_before') AS TIMESTAMP) IS NULL OR defects.fixed_at < CAST(getvariable('asp_before') AS TIMESTAMP) THEN defects.fixed_at END AS fixed_at
)
FROM {whole}.stg_defects AS defects
INNER JOIN stg_tasks AS tasks ON defects.task_id = tasks.task_id
WHERE
    (CAST(getvariable('asp_role') AS VARCHAR) IS NULL OR CAST(getvariable('asp_role') AS VARCHAR) IN (defects.phase_injected, defects.phase_removed))
    AND (CAST(getvariable('asp_since') AS TIMESTAMP) IS NULL OR defects.found_at >= CAST(getvariable('asp_since') AS TIMESTAMP))
    AND (CAST(getvariable('asp_before') AS TIMESTAMP) IS NULL OR defects.found_at < CAST(getvariable('asp_before') AS TIMESTAMP))
