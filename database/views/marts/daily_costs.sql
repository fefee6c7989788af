-- One row is one UTC day, one project, one agent role and one model.
-- day [date]: the UTC date
-- project_id: the project
-- agent_role: the role
-- llm_model: the model
-- tasks [count]: tasks worked on
-- executions [count]: executions
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- latency_ms [ms]: sum of what is known
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
WITH wide AS (
    SELECT
        execution_date AS day,
        project_id,
        agent_role,
        llm_model,
        count(DISTINCT task_id) AS tasks,
        count(DISTINCT execution_id) AS executions,
        count(DISTINCT execution_id) FILTER (WHERE metric_type = 'API_Cost') AS executions_with_cost,
        sum(metric_value) FILTER (WHERE metric_type = 'Latency') AS latency_ms,
        sum(metric_value) FILTER (WHERE metric_type = 'Tokens_In') AS tokens_in,
        sum(metric_value) FILTER (WHERE metric_type = 'Tokens_Out') AS tokens_out,
        sum(metric_value) FILTER (WHERE metric_type = 'API_Cost') AS cost_usd
    FROM stg_costs
    GROUP BY execution_date, project_id, agent_role, llm_model
)

SELECT
    day,
    project_id,
    agent_role,
    llm_model,
    tasks,
    executions,
    executions - executions_with_cost AS executions_without_cost,
    latency_ms,
    CAST(tokens_in AS BIGINT) AS tokens_in,
    CAST(tokens_out AS BIGINT) AS tokens_out,
    cost_usd
FROM wide
