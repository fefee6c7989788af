-- One row is one execution: one run of one agent role on one task.
-- execution_id: names the execution in its source
-- at [UTC]: when it happened
-- task_id: the task
-- project_id: the project
-- agent_role: the phase, which agent worked
-- llm_model: the model
-- latency_ms [ms]: how long it took
-- tokens_in [tokens]: all input tokens, cached ones included
-- tokens_out [tokens]: output tokens
-- tokens_cache_read [tokens]: input tokens read from a cache
-- tokens_cache_write [tokens]: input tokens written to a cache
-- cost_usd [USD]: what the model calls cost; empty where unknown
-- tool_calls [count]: calls of tools
-- retries [count]: retries
-- memory_mb [MB]: memory used
-- subtask_id: the part of the task
-- user_id: the person
-- agent_version: version of the agent's prompt
-- agent_iteration [count]: number of the retry or correction loop, 1 is the first try
-- llm_provider: who runs the model
-- metadata_json: anything else the source said, a JSON object
SELECT
    execution_id,
    min("at") AS at,
    any_value(task_id) AS task_id,
    any_value(project_id) AS project_id,
    any_value(agent_role) AS agent_role,
    any_value(llm_model) AS llm_model,
    max(metric_value) FILTER (WHERE metric_type = 'Latency') AS latency_ms,
    TRY_CAST(max(metric_value) FILTER (WHERE metric_type = 'Tokens_In') AS BIGINT) AS tokens_in,
    TRY_CAST(max(metric_value) FILTER (WHERE metric_type = 'Tokens_Out') AS BIGINT) AS tokens_out,
    TRY_CAST(max(metric_value) FILTER (WHERE metric_type = 'Tokens_Cache_Read') AS BIGINT) AS tokens_cache_read,
    TRY_CAST(max(metric_value) FILTER (WHERE metric_type = 'Tokens_Cache_Write') AS BIGINT) AS tokens_cache_write,
    max(metric_value) FILTER (WHERE metric_type = 'API_Cost') AS cost_usd,
    TRY_CAST(max(metric_value) FILTER (WHERE metric_type = 'Tool_Calls') AS BIGINT) AS tool_calls,
    TRY_CAST(max(metric_value) FILTER (WHERE metric_type = 'Retries') AS BIGINT) AS retries,
    max(metric_value) FILTER (WHERE metric_type = 'Memory_Usage') AS memory_mb,
    any_value(subtask_id) AS subtask_id,
    any_value(user_id) AS user_id,
    any_value(agent_version) AS agent_version,
    any_value(agent_iteration) AS agent_iteration,
    any_value(llm_provider) AS llm_provider,
    any_value(metadata_json) AS metadata_json
FROM stg_costs
GROUP BY execution_id
