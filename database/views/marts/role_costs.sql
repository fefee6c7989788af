-- One row is one agent role (phase) and its cost over all tasks.
-- key: agent_role
-- agent_role: the role
-- phase_order: its place in the order of phases; empty for roles that are not listed
-- kind: overhead, construction, appraisal or failure; empty for roles that are not listed
-- tasks [count]: tasks it worked on
-- executions [count]: executions
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- latency_ms [ms]: sum of what is known
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- cost_share [share of 1]: its part of the known cost of all roles
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
WITH runs AS (
    SELECT
        agent_role,
        count(DISTINCT task_id) AS tasks,
        {roll_up}
    FROM stg_executions
    GROUP BY agent_role
)

SELECT
    runs.agent_role,
    roles.phase_order,
    roles.kind,
    runs.tasks,
    runs.executions,
    runs.executions_without_cost,
    runs.latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    runs.cost_usd,
    runs.cost_usd / NULLIF(sum(runs.cost_usd) OVER (), 0) AS cost_share,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    CAST(runs.retries AS BIGINT) AS retries
FROM runs
LEFT JOIN stg_roles AS roles ON runs.agent_role = roles.agent_role
