-- One row is one metric of one execution, as the ASP platform writes it; what is unknown has no row.
-- key: execution_id, metric_type
--
-- The metadata of an execution is on the first of its rows, with what the platform has no column for. A patch of
-- NULL would remove a key.
WITH measured AS (
    SELECT
        executed_at,
        task_id,
        subtask_id,
        project_id,
        user_id,
        agent_role,
        agent_version,
        agent_iteration,
        llm_model,
        llm_provider,
        execution_id,
        CASE
            WHEN COALESCE(machine, tool, tool_version, labels, repository, branch) IS NULL THEN metadata_json
            ELSE
                CAST(
                    json_merge_patch(
                        COALESCE(metadata_json, '{}'),
                        CASE WHEN machine IS NULL THEN '{}' ELSE json_object('machine', machine) END,
                        CASE WHEN tool IS NULL THEN '{}' ELSE json_object('tool', tool) END,
                        CASE WHEN tool_version IS NULL THEN '{}' ELSE json_object('tool_version', tool_version) END,
                        CASE WHEN repository IS NULL THEN '{}' ELSE json_object('repository', repository) END,
                        CASE WHEN branch IS NULL THEN '{}' ELSE json_object('branch', branch) END,
                        CASE WHEN labels IS NULL THEN '{}' ELSE json_object('labels', CAST(labels AS JSON)) END
                    ) AS VARCHAR
                )
        END AS metadata,
        unnest([
            {'metric_type': 'API_Cost', 'metric_value': cost_usd, 'metric_unit': 'USD'},
            {'metric_type': 'Latency', 'metric_value': latency_ms, 'metric_unit': 'ms'},
            {'metric_type': 'Memory_Usage', 'metric_value': memory_mb, 'metric_unit': 'MB'},
            {'metric_type': 'Retries', 'metric_value': CAST(retries AS DOUBLE), 'metric_unit': 'count'},
            {'metric_type': 'Tokens_Cache_Read', 'metric_value': CAST(tokens_cache_read AS DOUBLE), 'metric_unit': 'tokens'},
            {'metric_type': 'Tokens_Cache_Write', 'metric_value': CAST(tokens_cache_write AS DOUBLE), 'metric_unit': 'tokens'},
            {'metric_type': 'Tokens_In', 'metric_value': CAST(tokens_in AS DOUBLE), 'metric_unit': 'tokens'},
            {'metric_type': 'Tokens_Out', 'metric_value': CAST(tokens_out AS DOUBLE), 'metric_unit': 'tokens'},
            {'metric_type': 'Tool_Calls', 'metric_value': CAST(tool_calls AS DOUBLE), 'metric_unit': 'count'}
        ]) AS metric
    FROM stg_executions
)

SELECT
    row_number() OVER (ORDER BY execution_id, metric.metric_type) AS id,
    executed_at AS timestamp,
    CAST(executed_at AS DATE) AS execution_date,
    task_id,
    subtask_id,
    project_id,
    user_id,
    agent_role,
    agent_version,
    agent_iteration,
    metric.metric_type AS metric_type,
    metric.metric_value AS metric_value,
    metric.metric_unit AS metric_unit,
    llm_model,
    llm_provider,
    CASE
        WHEN row_number() OVER (PARTITION BY execution_id ORDER BY metric.metric_type) = 1 THEN metadata
    END AS metadata,
    execution_id
FROM measured
WHERE metric.metric_value IS NOT NULL
