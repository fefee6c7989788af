-- One row per model, the most expensive first: its executions and tasks, what they cost as far as known, how long one
-- takes, and which share of their input came from a cache.
SELECT
    COALESCE(llm_model, 'no model named') AS llm_model,
    count(*) AS executions,
    count(*) - count(cost_usd) AS executions_without_cost,
    count(DISTINCT task_id) AS tasks,
    sum(cost_usd) AS cost_usd,
    count(latency_ms) AS with_latency,
    quantile_cont(latency_ms, 0.5) AS p50_latency_ms,
    quantile_cont(latency_ms, 0.95) AS p95_latency_ms,
    sum(tokens_cache_read) FILTER (WHERE tokens_in IS NOT NULL)
    / NULLIF(sum(tokens_in) FILTER (WHERE tokens_cache_read IS NOT NULL), 0) AS cache_share
FROM executions
GROUP BY 1
ORDER BY cost_usd DESC NULLS LAST, executions DESC, 1
