-- One row: all executions and what they add up to, money, time and tokens as far as they are known.
SELECT
    count(*) AS executions,
    count(cost_usd) AS with_cost,
    sum(cost_usd) AS cost_usd,
    sum(latency_ms) AS latency_ms,
    CAST(sum(tokens_in + tokens_out) AS DOUBLE) AS tokens,
    min(executed_at) AS first_at,
    max(executed_at) AS last_at
FROM executions
