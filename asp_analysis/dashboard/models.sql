-- One row per model, the most expensive first: its executions, those without a known cost, and what is known.
SELECT
    COALESCE(llm_model, 'no model named') AS llm_model,
    count(*) AS executions,
    count(*) - count(cost_usd) AS executions_without_cost,
    sum(cost_usd) AS cost_usd
FROM executions
GROUP BY 1
ORDER BY cost_usd DESC NULLS LAST, 1
