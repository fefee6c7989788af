-- One row per period: executions, those without a cost, tasks with a cost, and calls that say what came from a cache.
SELECT
    period,
    count(*) AS executions,
    count(*) - count(cost_usd) AS executions_without_cost,
    count(DISTINCT task_id) FILTER (WHERE cost_usd IS NOT NULL) AS tasks,
    count(tokens_cache_read) AS executions_with_cache
FROM compared
GROUP BY period
