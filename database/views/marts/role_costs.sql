-- One row is one agent role (phase) and its cost over all tasks.
-- agent_role: the role
-- phase_order: its place in the order of phases; empty for roles of one's own
-- kind: overhead, construction, appraisal or failure; empty for roles of one's own
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
WITH wide AS (
    SELECT
        agent_role,
        count(DISTINCT task_id) AS tasks,
        count(*) AS executions,
        count(cost_usd) AS executions_with_cost,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out,
        sum(cost_usd) AS cost_usd,
        sum(tool_calls) AS tool_calls,
        sum(retries) AS retries
    FROM executions
    GROUP BY agent_role
)

SELECT
    wide.agent_role,
    roles.phase_order,
    roles.kind,
    wide.tasks,
    wide.executions,
    wide.executions - wide.executions_with_cost AS executions_without_cost,
    wide.latency_ms,
    CAST(wide.tokens_in AS BIGINT) AS tokens_in,
    CAST(wide.tokens_out AS BIGINT) AS tokens_out,
    wide.cost_usd,
    wide.cost_usd / NULLIF(sum(wide.cost_usd) OVER (), 0) AS cost_share,
    CAST(wide.tool_calls AS BIGINT) AS tool_calls,
    CAST(wide.retries AS BIGINT) AS retries
FROM wide
LEFT JOIN stg_roles AS roles ON wide.agent_role = roles.agent_role
