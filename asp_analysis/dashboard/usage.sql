-- One row per period, project, model, role and person: what was used. Period 0 ends with the newest day.
WITH newest AS (
    SELECT max(CAST(executed_at AS DATE)) AS newest_day FROM executions
)

SELECT
    CAST(date_diff('day', CAST(executions.executed_at AS DATE), newest.newest_day) // $days AS INTEGER) AS period,
    executions.llm_model,
    executions.agent_role,
    executions.project_id,
    executions.user_id,
    count(*) AS executions,
    count(executions.cost_usd) AS with_cost,
    sum(executions.cost_usd) AS cost_usd,
    CAST(sum(executions.tokens_in + executions.tokens_out) AS DOUBLE) AS tokens
FROM executions
CROSS JOIN newest
GROUP BY ALL
