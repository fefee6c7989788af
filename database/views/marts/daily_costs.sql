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
        CAST("at" AS DATE) AS day,
        project_id,
        agent_role,
        llm_model,
        count(DISTINCT task_id) AS tasks,
        count(*) AS executions,
        count(cost_usd) AS executions_with_cost,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out,
        sum(cost_usd) AS cost_usd
    FROM executions
    GROUP BY CAST("at" AS DATE), project_id, agent_role, llm_model
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
    TRY_CAST(tokens_in AS BIGINT) AS tokens_in,
    TRY_CAST(tokens_out AS BIGINT) AS tokens_out,
    cost_usd
FROM wide
