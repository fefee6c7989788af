-- One row is one UTC day, one project, one agent role and one model.
-- key: day, project_id, agent_role, llm_model
-- day [date]: the UTC date
-- project_id: the project of the executions
-- agent_role: the role
-- llm_model: the model
-- tasks [count]: tasks worked on
-- executions [count]: executions
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- latency_ms [ms]: sum of what is known
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
WITH runs AS (
    SELECT
        CAST(executed_at AS DATE) AS day,
        project_id AS own_project_id,
        agent_role,
        llm_model,
        count(DISTINCT task_id) AS tasks,
        {roll_up}
    FROM stg_executions
    GROUP BY CAST(executed_at AS DATE), own_project_id, agent_role, llm_model
)

SELECT
    day,
    own_project_id AS project_id,
    agent_role,
    llm_model,
    tasks,
    executions,
    executions_without_cost,
    latency_ms,
    CAST(tokens_in AS BIGINT) AS tokens_in,
    CAST(tokens_out AS BIGINT) AS tokens_out,
    cost_usd
FROM runs
