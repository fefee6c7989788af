-- One row is one task, one agent role (phase), one model and one version of its prompt: what this work consumed.
-- task_id: the task
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- status: of the task: pending, in_progress, completed or failed
-- agent_role: the role
-- phase_order: its place in the order of phases; empty for roles of one's own
-- kind: overhead, construction, appraisal or failure; empty for roles of one's own
-- llm_model: the model
-- agent_version: version of the agent's prompt
-- actual_size [complexity units]: of the task
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- executions [count]: executions
-- repeats [count]: executions of a second or later iteration
-- executions_without_cost [count]: executions whose cost is unknown; cost_usd is the sum of the others
-- latency_ms [ms]: sum of what is known
-- tokens [tokens]: in and out, sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- repeat_latency_ms [ms]: of that, what second and later iterations took
-- repeat_tokens [tokens]: of that, what second and later iterations took
-- repeat_cost_usd [USD]: of that, what second and later iterations took
WITH runs AS (
    SELECT
        task_id,
        agent_role,
        llm_model,
        agent_version,
        any_value(project_id) AS project_id,
        min("at") AS first_at,
        max("at") AS last_at,
        count(*) AS executions,
        count(*) FILTER (WHERE agent_iteration > 1) AS repeats,
        count(*) - count(cost_usd) AS executions_without_cost,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in + tokens_out) AS tokens,
        sum(cost_usd) AS cost_usd,
        sum(latency_ms) FILTER (WHERE agent_iteration > 1) AS repeat_latency_ms,
        sum(tokens_in + tokens_out) FILTER (WHERE agent_iteration > 1) AS repeat_tokens,
        sum(cost_usd) FILTER (WHERE agent_iteration > 1) AS repeat_cost_usd
    FROM executions
    GROUP BY task_id, agent_role, llm_model, agent_version
)

SELECT
    runs.task_id,
    COALESCE(runs.project_id, tasks.project_id) AS project_id,
    tasks.task_type,
    tasks.status,
    runs.agent_role,
    roles.phase_order,
    roles.kind,
    runs.llm_model,
    runs.agent_version,
    CAST(COALESCE(tasks.actual_complexity, tasks.estimated_complexity) AS DOUBLE) AS actual_size,
    runs.first_at,
    runs.last_at,
    runs.executions,
    runs.repeats,
    runs.executions_without_cost,
    runs.latency_ms,
    CAST(runs.tokens AS DOUBLE) AS tokens,
    runs.cost_usd,
    runs.repeat_latency_ms,
    CAST(runs.repeat_tokens AS DOUBLE) AS repeat_tokens,
    runs.repeat_cost_usd
FROM runs
LEFT JOIN stg_tasks AS tasks ON runs.task_id = tasks.task_id
LEFT JOIN stg_roles AS roles ON runs.agent_role = roles.agent_role
