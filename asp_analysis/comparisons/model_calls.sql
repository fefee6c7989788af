-- One row is one execution with its tokens by kind, what it cost, and what its source says of tokens that are priced
-- apart. Empty where unknown.
SELECT
    executed_at,
    task_id,
    llm_model,
    tokens_in,
    tokens_out,
    tokens_cache_read,
    tokens_cache_write,
    cost_usd,
    TRY_CAST(TRY_CAST(metadata_json AS JSON) ->> 'cache_write_1h' AS BIGINT) AS tokens_cache_write_1h,
    TRY_CAST(TRY_CAST(metadata_json AS JSON) ->> 'web_searches' AS BIGINT) AS web_searches
FROM executions
WHERE
    ($model IS NULL OR llm_model = $model)
    AND ($role IS NULL OR agent_role = $role)
    AND ($task IS NULL OR task_id = $task)
ORDER BY executed_at, execution_id
