-- The executions of one project, model and role that began in a period. A value that is not set narrows nothing.
SELECT executions.*
FROM {whole}.stg_executions AS executions
LEFT JOIN {whole}.stg_tasks AS tasks ON executions.task_id = tasks.task_id
WHERE
    (CAST(getvariable('asp_project') AS VARCHAR) IS NULL OR COALESCE(tasks.project_id, executions.project_id) = CAST(getvariable('asp_project') AS VARCHAR))
    AND (CAST(getvariable('asp_model') AS VARCHAR) IS NULL OR executions.llm_model = CAST(getvariable('asp_model') AS VARCHAR))
    AND (CAST(getvariable('asp_role') AS VARCHAR) IS NULL OR executions.agent_role = CAST(getvariable('asp_role') AS VARCHAR))
    AND (CAST(getvariable('asp_since') AS TIMESTAMP) IS NULL OR executions.executed_at >= CAST(getvariable('asp_since') AS TIMESTAMP))
    AND (CAST(getvariable('asp_before') AS TIMESTAMP) IS NULL OR executions.executed_at < CAST(getvariable('asp_before') AS TIMESTAMP))
