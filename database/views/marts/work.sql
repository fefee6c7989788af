-- One row is the work of one agent role with one model and one version of its prompt on one task: what it consumed.
-- key: task_id, agent_role, llm_model, agent_version
-- task_id: the task
-- agent_role: the role (phase)
-- llm_model: the model; empty where the source did not name it
-- agent_version: version of the agent's prompt
-- project_id: the project of the task, else of its executions
-- task_type: authentication, database, api, ui, ...
-- status: of the task: pending, in_progress, completed or failed
-- size [complexity units]: of the task: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- actual_size [complexity units]: of the task, after the work
-- phase_order: the role's place in the order of phases; empty for roles that are not listed
-- kind: overhead, construction, appraisal or failure; empty for roles that are not listed
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- executions [count]: executions
-- reworked_executions [count]: of those, second and later iterations
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- executions_without_latency [count]: those whose latency is unknown
-- executions_without_tokens_in [count]: those whose input tokens are unknown
-- executions_without_tokens_out [count]: those whose output tokens are unknown
-- latency_ms [ms]: sum of what is known
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- tokens_cache_read [tokens]: sum of what is known
-- tokens_cache_write [tokens]: sum of what is known
-- tokens_fresh [tokens]: input that was neither read from nor written to a cache, sum of what is known
-- tokens [tokens]: in and out of executions that know both
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- whole_cost_usd [USD]: the same, only where every execution has a cost
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
-- rework_latency_ms [ms]: of latency_ms, what second and later iterations took
-- rework_tokens [tokens]: of tokens, what second and later iterations took
-- rework_cost_usd [USD]: of cost_usd, what second and later iterations took
WITH runs AS (
    SELECT
        task_id,
        agent_role,
        llm_model,
        agent_version,
        {roll_up}
    FROM stg_executions
    GROUP BY task_id, agent_role, llm_model, agent_version
)

SELECT
    runs.task_id,
    runs.agent_role,
    runs.llm_model,
    runs.agent_version,
    COALESCE(tasks.project_id, runs.project_id) AS project_id,
    tasks.task_type,
    tasks.status,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE PRECISION) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    CAST(tasks.actual_size AS DOUBLE PRECISION) AS actual_size,
    roles.phase_order,
    roles.kind,
    runs.first_at,
    runs.last_at,
    runs.executions,
    runs.reworked_executions,
    runs.executions_without_cost,
    runs.executions_without_latency,
    runs.executions_without_tokens_in,
    runs.executions_without_tokens_out,
    runs.latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    CAST(runs.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(runs.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    CAST(runs.tokens_fresh AS BIGINT) AS tokens_fresh,
    CAST(runs.tokens AS BIGINT) AS tokens,
    runs.cost_usd,
    CASE WHEN runs.executions_without_cost = 0 THEN runs.cost_usd END AS whole_cost_usd,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    CAST(runs.retries AS BIGINT) AS retries,
    runs.rework_latency_ms,
    CAST(runs.rework_tokens AS BIGINT) AS rework_tokens,
    runs.rework_cost_usd
FROM runs
LEFT JOIN stg_tasks AS tasks ON runs.task_id = tasks.task_id
LEFT JOIN stg_roles AS roles ON runs.agent_role = roles.agent_role
