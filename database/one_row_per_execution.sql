-- One row is one execution, made of its metrics: the one place where the platform's form becomes ours.
--
-- `metrics` has a row for each metric of each execution, with the contract's columns, named and typed. This text runs
-- in DuckDB (files that the ASP platform wrote), SQLite and PostgreSQL (stores of schema versions 1 and 2); each brings
-- its own asp_merged(), which merges the JSON objects of a group. first_row is the least row number of the execution.
-- Where the rows of one execution disagree on its context, the least value is taken, as for its time.
SELECT
    execution_id,
    min(timestamp) AS executed_at,
    min(task_id) AS task_id,
    min(subtask_id) AS subtask_id,
    min(project_id) AS project_id,
    min(user_id) AS user_id,
    min(agent_role) AS agent_role,
    min(agent_version) AS agent_version,
    min(agent_iteration) AS agent_iteration,
    min(llm_model) AS llm_model,
    min(llm_provider) AS llm_provider,
    max(CASE WHEN metric_type = 'Latency' THEN metric_value END) AS latency_ms,
    CAST(round(max(CASE WHEN metric_type = 'Tokens_In' THEN metric_value END)) AS BIGINT) AS tokens_in,
    CAST(round(max(CASE WHEN metric_type = 'Tokens_Out' THEN metric_value END)) AS BIGINT) AS tokens_out,
    CAST(round(max(CASE WHEN metric_type = 'Tokens_Cache_Read' THEN metric_value END)) AS BIGINT) AS tokens_cache_read,
    CAST(round(max(CASE WHEN metric_type = 'Tokens_Cache_Write' THEN metric_value END)) AS BIGINT) AS tokens_cache_write,
    max(CASE WHEN metric_type = 'API_Cost' THEN metric_value END) AS cost_usd,
    CAST(round(max(CASE WHEN metric_type = 'Tool_Calls' THEN metric_value END)) AS BIGINT) AS tool_calls,
    CAST(round(max(CASE WHEN metric_type = 'Retries' THEN metric_value END)) AS BIGINT) AS retries,
    max(CASE WHEN metric_type = 'Memory_Usage' THEN metric_value END) AS memory_mb,
    asp_merged(metadata) AS metadata_json,
    min(id) AS first_row
FROM metrics
GROUP BY execution_id
